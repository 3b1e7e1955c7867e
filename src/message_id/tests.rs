use super::{MessageId, MessageIdError};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::collections::HashSet;

/// ENV-17, ENV-18: brackets are added, the cap on what we send is 255 octets and the hard limit 998.
#[test]
fn identifiers_to_send_are_bracketed_and_short() {
    assert_eq!(MessageId::new("a@b").unwrap().as_str(), "<a@b>");
    assert_eq!(MessageId::new("<a@b>").unwrap().as_str(), "<a@b>");
    let of_length = |length: usize| format!("<{}@b>", "a".repeat(length - 4));
    assert!(MessageId::new(&of_length(255)).is_ok());
    assert_eq!(
        MessageId::new(&of_length(256)).unwrap_err(),
        MessageIdError::TooLong {
            length: 256,
            limit: 255
        }
    );
    assert!(MessageId::parse(&of_length(998)).is_ok());
    assert_eq!(
        MessageId::parse(&of_length(999)).unwrap_err(),
        MessageIdError::TooLong {
            length: 999,
            limit: 998
        }
    );
    for form in ["no-at-sign", "a b@c", "@b", "a@", "a@<b>"] {
        assert!(matches!(MessageId::new(form), Err(MessageIdError::Form(_))), "{form}");
    }
}

/// ENV-19: unique, no spaces even where the domain was made from a name with spaces.
#[test]
fn generated_identifiers_are_unique_and_without_spaces() {
    let mut rng = StdRng::seed_from_u64(7);
    let ids: HashSet<String> = (0..100_000)
        .map(|_| MessageId::generate("AS2 Test", &mut rng).to_string())
        .collect();
    assert_eq!(ids.len(), 100_000);
    assert!(
        ids.iter()
            .all(|id| id.ends_with("@AS2Test>") && MessageId::new(id).is_ok())
    );
    assert!(MessageId::new(MessageId::generate("é", &mut rng).as_str()).is_ok());
}

/// ENV-20: forms that products send.
#[test]
fn legacy_identifiers_are_read() {
    for id in [
        "<BTS01_3F2504E0-4F89-11D3-9A0C-0305E82C3301>",
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        "<#as2_company#01#a4260as2_companyout#>",
        "<200207310834482A70BF63@\"~~foo~~\">",
        "<\"a b\"@c>",
        "<mendelson_opensource_AS2-1700000000000-1@me_you>",
        "<OPENAS2-24112026-1@My Company_Partner>",
        "a@b",
    ] {
        assert_eq!(MessageId::parse(id).unwrap().as_str(), id);
    }
}

/// ENV-21, INT-20: kept as received; one pair of brackets does not count in comparisons, everything else does.
#[test]
fn brackets_do_not_count_in_comparisons() {
    let bare = MessageId::parse(" abc ").unwrap();
    let bracketed = MessageId::parse("<abc>").unwrap();
    assert_eq!((bare.as_str(), bracketed.as_str()), ("abc", "<abc>"));
    assert_eq!(bare, bracketed);
    assert_ne!(bare, MessageId::parse("<<abc>>").unwrap());
    assert_ne!(bare, MessageId::parse("ABC").unwrap());
    assert_eq!(MessageId::parse("<>").unwrap_err(), MessageIdError::Empty);
}

/// ENV-23, SEC-30: no control characters.
#[test]
fn control_characters_are_refused() {
    for bad in ['\0', '\n', '\r', '\u{7f}', 'é'] {
        assert_eq!(
            MessageId::parse(&format!("<a{bad}@b>")).unwrap_err(),
            MessageIdError::InvalidCharacter(bad)
        );
    }
}

/// The same in all processes and versions that share an outbox: what `sha256sum` says.
#[cfg(feature = "client")]
#[test]
fn derived_identifiers() {
    let id = MessageId::derive("Alice & Co", "Bob\nAlice & Co\n1@alice.example\n1");
    assert_eq!(id.as_str(), "<a30e6fdfd1374e0c226bc9e542f0621e@AliceCo>");
    assert_eq!(MessageId::new(id.as_str()).unwrap(), id);
}
