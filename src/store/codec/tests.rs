use super::*;

fn claim() -> Entry {
    Entry {
        id: ExchangeId::new(
            As2Name::new("us").unwrap(),
            As2Name::new("acme").unwrap(),
            MessageId::parse("<1@acme>").unwrap(),
        ),
        token: ClaimToken::new(7),
        body: Body::Claimed {
            until: from_micros(1_800_000_000_000_001),
        },
        finished_at: None,
        archived: true,
        signature: Some([5; 32]),
    }
}

fn record() -> Entry {
    let url: Uri = "https://acme.example/receipts".parse().unwrap();
    let record = ReceivedRecord::new([1; 32], from_micros(-1))
        .reply("reply")
        .post_to(url);
    Entry {
        body: Body::Received(Box::new(record)),
        finished_at: Some(from_micros(0)),
        ..claim()
    }
}

/// The form on disk: a change of it needs a new version.
#[test]
fn version_1_is_these_octets() {
    let mut expected = vec![1, 0];
    let fields: [(u8, &[u8]); 7] = [
        (1, b"us"),
        (2, b"acme"),
        (3, b"<1@acme>"),
        (4, &[0, 0, 0, 0, 0, 0, 0, 7]),
        (6, b""),
        (7, &[5; 32]),
        (8, &[0, 0x06, 0x65, 0x17, 0x28, 0x98, 0x80, 0x01]),
    ];
    for (tag, value) in fields {
        expected.extend([tag, 0, 0, 0, 0, 0, 0, 0, u8::try_from(value.len()).unwrap()]);
        expected.extend(value);
    }
    assert_eq!(encode(&claim()), expected);
    assert_eq!(decode(&expected).unwrap(), claim());
    assert_eq!(decode(&encode(&record())).unwrap(), record());
}

#[test]
fn a_newer_version_is_refused_and_a_missing_field_named() {
    let mut newer = encode(&claim());
    newer.splice(0..1, [2]);
    assert!(matches!(decode(&newer), Err(Unreadable::Version(2))));
    assert!(matches!(decode(&[1, 0]), Err(Unreadable::Missing(tag::CLAIMED_UNTIL))));
    assert!(matches!(decode(&[]), Err(Unreadable::Truncated)));
}

/// Wherever the octets end or one of them is another, there is an answer.
#[test]
fn damaged_records_are_errors_or_others_but_never_a_panic() {
    for entry in [claim(), record()] {
        let octets = encode(&entry);
        for end in 0..octets.len() {
            if let Ok(shorter) = decode(octets.get(..end).unwrap()) {
                assert_eq!(decode(&encode(&shorter)).unwrap(), shorter);
            }
        }
        for at in 0..octets.len() {
            for flip in [1, 0x80, 0xff] {
                let mut damaged = octets.clone();
                *damaged.get_mut(at).unwrap() ^= flip;
                if let Ok(other) = decode(&damaged) {
                    assert_eq!(decode(&encode(&other)).unwrap(), other);
                }
            }
        }
    }
}

#[test]
fn times_before_1970_and_beyond_reason_are_kept_or_cut() {
    for micros_kept in [0, 1, -1, i64::from(i32::MIN), 1_800_000_000_000_000] {
        assert_eq!(micros(from_micros(micros_kept)), micros_kept);
    }
}
