use super::{As2HeaderError, As2Headers};
use crate::limits::Limits;
use crate::message_id::MessageIdError;
use crate::mime::{HeaderBlock, HeaderError};
use crate::name::As2NameError;
use crate::version::As2Version;

fn parse(lines: &str) -> Result<As2Headers, As2HeaderError> {
    As2Headers::parse(HeaderBlock::parse(lines.as_bytes(), &Limits::default()).unwrap())
}

const NAMES: &str = "AS2-From: us\r\nAS2-To: \"the others\"\r\n";

/// ENV-13, ENV-21, ENV-26, ENV-29, ENV-62, ENV-64: names and identifier, whatever the case of the header names.
#[test]
fn fields_are_read() {
    let lines = "as2-version: 1.2\r\nAS2-FROM: \"us\"\r\nas2-to: \"the \\\"others\\\"\"\r\nmessage-id: abc@x\r\n\
        subject: Orders\r\ndate: Tue, 24 Nov 2026 03:07:51 GMT\r\nas2-product: ediint:0.1\r\n\
        from: somebody@else.example\r\nrecipient-address: somewhere\r\n";
    let headers = parse(lines).unwrap();
    assert_eq!(headers.version(), As2Version::V1_2);
    assert_eq!(headers.from().as_str(), "us");
    assert_eq!(headers.to().as_str(), "the \"others\"");
    assert_eq!(headers.message_id().unwrap().as_str(), "abc@x");
    assert_eq!(headers.subject(), Some("Orders"));
    assert_eq!(headers.date(), Some("Tue, 24 Nov 2026 03:07:51 GMT"));
    assert_eq!(headers.product(), Some("ediint:0.1"));
    assert_eq!(headers.block().len(), 9);
}

/// ENV-06, ENV-07: absent is 1.0, every 1.x is this protocol, and everything else is not.
#[test]
fn versions() {
    assert_eq!(parse(NAMES).unwrap().version(), As2Version::V1_0);
    for (value, supported) in [
        ("1.0", true),
        ("1.1", true),
        ("1.2", true),
        ("1.3", true),
        ("1.9", true),
        (" 1.1 ", true),
        ("2.0", false),
        ("0.9", false),
        ("abc", false),
        ("", false),
        ("1", false),
        ("1.1.1", false),
        ("-1.1", false),
        ("999.1", false),
    ] {
        let headers = parse(&format!("AS2-Version: {value}\r\n{NAMES}")).unwrap();
        assert_eq!(headers.version().is_supported(), supported, "{value}");
    }
    assert_eq!("1.3".parse::<As2Version>().unwrap().to_string(), "1.3");
    assert_eq!(
        "x".parse::<As2Version>().unwrap_err().to_string(),
        "AS2-Version \"x\" is not a version number"
    );
}

/// ENV-08: both names are needed.
#[test]
fn missing_names() {
    assert!(matches!(
        parse("AS2-From: us\r\n"),
        Err(As2HeaderError::Missing("AS2-To"))
    ));
    assert!(matches!(
        parse("AS2-To: us\r\n"),
        Err(As2HeaderError::Missing("AS2-From"))
    ));
    let empty = parse("AS2-From: us\r\nAS2-To:\r\n");
    let source = As2NameError::Empty;
    assert!(matches!(empty, Err(As2HeaderError::Name { header: "AS2-To", source: found }) if found == source));
}

/// ENV-15: of two values nobody can say which one a proxy saw, even if they are equal.
#[test]
fn repeated_headers() {
    for name in [
        "AS2-From",
        "AS2-To",
        "AS2-Version",
        "Message-ID",
        "Content-Type",
        "Disposition-Notification-To",
        "Disposition-Notification-Options",
        "Receipt-Delivery-Option",
    ] {
        let lines = format!("{NAMES}{name}: x\r\n{}: x\r\n", name.to_ascii_lowercase());
        let error = parse(&lines).unwrap_err();
        assert!(
            matches!(&error, As2HeaderError::Header(HeaderError::Duplicate { name: found }) if found == name),
            "{name}: {error}"
        );
    }
}

/// ENV-20, ENV-22, ENV-23: identifiers of all products are taken, none too, but no control characters.
#[test]
fn message_ids() {
    assert_eq!(parse(NAMES).unwrap().message_id(), None);
    for id in [
        "<HOST_1B2C-33>",
        "3f2504e0-4f89",
        "<#as2_company#01#@x>",
        "<\"a b\"@c d>",
    ] {
        let headers = parse(&format!("{NAMES}Message-ID: {id}\r\n")).unwrap();
        assert_eq!(headers.message_id().unwrap().as_str(), id);
    }
    for (id, error) in [
        (String::new(), MessageIdError::Empty),
        ("<>".to_owned(), MessageIdError::Empty),
        ("a\u{1}b".to_owned(), MessageIdError::InvalidCharacter('\u{1}')),
        (
            "a".repeat(999),
            MessageIdError::TooLong {
                length: 999,
                limit: 998,
            },
        ),
    ] {
        let found = parse(&format!("{NAMES}Message-ID: {id}\r\n"));
        assert!(
            matches!(&found, Err(As2HeaderError::MessageId(found)) if *found == error),
            "{id}: {found:?}"
        );
    }
}

/// A file name in an eight-bit character set is no reason to refuse a message.
#[test]
fn content_type_need_not_be_text() {
    let lines = [NAMES.as_bytes(), b"Content-Type: a/b; name=\xe4.edi\r\n"].concat();
    let block = HeaderBlock::parse(&lines, &Limits::default()).unwrap();
    assert_eq!(As2Headers::parse(block).unwrap().from().as_str(), "us");
}

/// ENV-14: a strict host takes names with spaces only in quotes.
#[test]
fn unquoted_spaces_can_be_refused() {
    for (names, strict) in [
        ("AS2-From: \"AS2 Test\"\r\nAS2-To: b\r\n", true),
        ("AS2-From: AS2 Test\r\nAS2-To: b\r\n", false),
        ("AS2-From: a\r\nAS2-To:  b c \r\n", false),
        ("AS2-From: a\r\nAS2-To:  b \r\n", true),
    ] {
        let headers = parse(names).unwrap();
        assert_eq!(headers.check_name_quoting().is_ok(), strict, "{names:?}");
    }
}
