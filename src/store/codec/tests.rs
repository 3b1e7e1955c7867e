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

/// A record with digests of each kind reads back; where one of them takes a feature that is off, without it.
#[test]
fn digests_of_the_past() {
    use crate::mic::MicSet;
    let names = [
        "kAFQmDzST7DWlj99KOF/cg==, md5",
        "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=, sha-256",
    ];
    let sha256 = Mic::parse(names[1], DigestAlgorithm::Sha256).unwrap();
    let sent = SentRecord::new(
        from_micros(0),
        MicSet::from_iter([sha256.clone()]),
        DigestAlgorithm::Sha256,
    );
    let received = ReceivedRecord::new([1; 32], from_micros(0)).mic(sha256);
    for body in [Body::Sent(Box::new(sent)), Body::Received(Box::new(received))] {
        let mut octets = encode(&Entry { body, ..claim() });
        // The other one before it.
        let field = |name: &str| {
            let len = u64::try_from(name.len()).unwrap().to_be_bytes();
            [&[tag::MIC][..], &len, name.as_bytes()].concat()
        };
        let (md5, sha256) = (field(names[0]), field(names[1]));
        let at = octets
            .windows(sha256.len())
            .position(|window| window == sha256)
            .unwrap();
        octets.splice(at..at, md5.iter().copied());
        let read: Vec<_> = match decode(&octets).unwrap().body {
            Body::Sent(sent) => sent.mics.iter().map(Mic::to_string).collect(),
            Body::Received(received) => received.mic.iter().map(Mic::to_string).collect(),
            Body::Claimed { .. } => panic!("a claim"),
        };
        match cfg!(feature = "legacy") {
            true => assert_eq!(read[0], names[0]),
            false => assert_eq!(read, names[1..]),
        }
    }
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
