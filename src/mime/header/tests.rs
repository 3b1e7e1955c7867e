use proptest::prelude::*;

use super::{HeaderBlock, HeaderError};
use crate::limits::Limits;
use crate::mime::TransferEncoding;

fn parse(raw: &[u8]) -> Result<HeaderBlock, HeaderError> {
    HeaderBlock::parse(raw, &Limits::default())
}

fn fields(block: &HeaderBlock) -> Vec<(&str, &str)> {
    block
        .iter()
        .map(|field| (field.name(), field.text().unwrap()))
        .collect()
}

/// RFC 4130 §A.1 folds this header (ENV-31, INT-01).
#[test]
fn folded_lines_are_unfolded() {
    let raw = b"Disposition-Notification-Options: signed-receipt-protocol=optional,\r\n\
        pkcs7-signature;\r\n signed-receipt-micalg=optional,sha1\r\n";
    assert!(matches!(parse(raw), Err(HeaderError::NotAField { line: 2 })));
    let raw = b"Disposition-Notification-Options: signed-receipt-protocol=optional,\r\n\
        \x20pkcs7-signature;\r\n\tsigned-receipt-micalg=optional,sha1\r\nX:\r\n  \r\n late \r\n";
    assert_eq!(
        fields(&parse(raw).unwrap()),
        [
            (
                "Disposition-Notification-Options",
                "signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional,sha1"
            ),
            ("X", "late"),
        ]
    );
}

/// ENV-64: names are found in any case, and kept in their own.
#[test]
fn order_case_and_repetitions_are_kept() {
    let block = parse(b"as2-FROM:a\nX-One : 1\r\nAS2-From:\tb\t\r\n\r\nBody: no\r\n").unwrap();
    assert_eq!(fields(&block), [("as2-FROM", "a"), ("X-One", "1"), ("AS2-From", "b")]);
    assert_eq!(block.get("AS2-FROM"), Some("a"));
    assert_eq!(block.get_all("as2-from").collect::<Vec<_>>(), ["a", "b"]);
    assert!(block.contains("x-one") && !block.contains("Body"));
    let mut written = Vec::new();
    block.write_to(&mut written);
    assert_eq!(written, b"as2-FROM: a\r\nX-One: 1\r\nAS2-From: b\r\n");
}

/// ENV-15: of two values nobody can say which one counts, even if they are equal.
#[test]
fn single_fields_are_single() {
    let block = parse(b"AS2-To: b\r\nas2-to: b\r\nDate: now\r\nSubject: \xe9\r\n").unwrap();
    let duplicate = HeaderError::Duplicate { name: "AS2-To".into() };
    assert_eq!(block.single("AS2-To"), Err(duplicate));
    assert_eq!(block.single("date"), Ok(Some("now")));
    assert_eq!(block.single("From"), Ok(None));
    let not_text = HeaderError::NotText { name: "Subject".into() };
    assert_eq!(block.single("Subject"), Err(not_text));
    assert_eq!(block.get("Subject"), None);
}

#[test]
fn what_is_no_header_field_is_refused() {
    let invalid = || HeaderError::InvalidValue { name: "X".into() };
    for (raw, error) in [
        (b"ISA*00*".as_slice(), HeaderError::NotAField { line: 1 }),
        (b" X: folded\r\n", HeaderError::NotAField { line: 1 }),
        (b"X: 1\r\n: 2\r\n", HeaderError::NotAField { line: 2 }),
        (b"X Y: 1\r\n", HeaderError::NotAField { line: 1 }),
        (b"X\xe9: 1\r\n", HeaderError::NotAField { line: 1 }),
        (b"X: 1\r2\r\n", invalid()),
        (b"X: 1\r\r\n", invalid()),
        (b"X: \0\r\n", invalid()),
        (b"X: 1\r\n 2\rAS2-From: 3\r\n", invalid()),
    ] {
        assert_eq!(parse(raw), Err(error), "{:?}", String::from_utf8_lossy(raw));
    }
}

/// SEC-26: 100 fields of 16 KiB, folds included.
#[test]
fn limits() {
    let fields = |count: usize| parse("X: 1\r\n".repeat(count).as_bytes());
    assert_eq!(fields(100).unwrap().len(), 100);
    assert_eq!(fields(101), Err(HeaderError::TooManyFields { limit: 100 }));

    let limit = Limits::default().header_line;
    let too_long = HeaderError::LineTooLong { limit };
    let line = |length: usize| format!("X:{}\r\n", "a".repeat(length - 2));
    assert!(parse(line(limit).as_bytes()).is_ok());
    assert_eq!(parse(line(limit + 1).as_bytes()), Err(too_long.clone()));
    let folded = format!("{} {}\r\n", line(limit - 1000), "a".repeat(998));
    assert!(parse(folded.as_bytes()).is_ok());
    let folded = format!("{} {}\r\n", line(limit - 1000), "a".repeat(1000));
    assert_eq!(parse(folded.as_bytes()), Err(too_long.clone()));
    let blank = format!("X: 1\r\n{}", " \r\n".repeat(limit));
    assert_eq!(parse(blank.as_bytes()), Err(too_long));
}

/// SEC-30: nothing that is pushed can end its line.
#[test]
fn header_injection_is_refused() {
    let mut block = HeaderBlock::new();
    for value in ["a\r\nX: y", "a\n b", "a\rb", "a\0", "a\x7f", "\u{85}", "a\x0b"] {
        let error = HeaderError::InvalidValue { name: "X".into() };
        assert_eq!(block.push("X", value), Err(error), "{value:?}");
    }
    for name in ["", "X:", "X Y", "X\r\n", "é"] {
        let error = HeaderError::InvalidName { name: name.into() };
        assert_eq!(block.push(name, "1"), Err(error), "{name:?}");
    }
    assert!(block.is_empty());
    block.push("X", "\t a\tb ").unwrap();
    assert_eq!(block.get("X"), Some("a\tb"));
}

#[test]
fn http_headers_are_taken_with_their_octets() {
    let mut map = http::HeaderMap::new();
    map.append("as2-from", http::HeaderValue::from_bytes(b" a\xe9\t").unwrap());
    map.append("as2-from", http::HeaderValue::from_static("b"));
    let block = HeaderBlock::from(&map);
    let values: Vec<_> = block.iter().map(|field| (field.name(), field.value())).collect();
    assert_eq!(values, [("as2-from", b"a\xe9".as_slice()), ("as2-from", b"b")]);
}

/// The MIME fields are read leniently: names in an eight-bit character set occur in both of the first two.
#[test]
fn mime_fields() {
    let block = parse(
        b"Content-Type: application/edifact; name=\"Gr\xfc\xdfe.edi\"\r\n\
        Content-Disposition: attachment; filename=Gr\xc3\xbc\xc3\x9fe.edi\r\nContent-Transfer-Encoding: BASE64\r\n",
    )
    .unwrap();
    let kind = block.content_type().unwrap().unwrap();
    assert_eq!(kind.name().as_deref(), Some("Grüße.edi"));
    let disposition = block.content_disposition().unwrap();
    assert_eq!(disposition.filename().as_deref(), Some("Grüße.edi"));
    assert_eq!(block.transfer_encoding(), Ok(Some(TransferEncoding::Base64)));

    let block = parse(b"Content-Type: text\r\nContent-Transfer-Encoding: x-gzip\r\n").unwrap();
    assert!(block.content_type().is_err() && block.transfer_encoding().is_err());
    let none = HeaderBlock::new();
    assert_eq!((none.content_type(), none.content_disposition()), (Ok(None), None));
}

/// SEC-40.
#[test]
fn debug_shows_no_credentials() {
    let block = parse(b"authorization: Basic c2VjcmV0\r\nCookie: c2VjcmV0\r\nDate: now\r\n").unwrap();
    let shown = format!("{block:?}");
    assert!(shown.contains("[redacted]") && shown.contains("now"), "{shown}");
    assert!(!shown.contains("c2VjcmV0"), "{shown}");
}

proptest! {
    /// SEC-30: whatever can be pushed is one line, and is read back.
    #[test]
    fn what_is_written_is_read_back(name in "[!-~]{1,9}", value in any::<String>()) {
        let mut block = HeaderBlock::new();
        if block.push(&name, &value).is_ok() {
            let mut written = Vec::new();
            block.write_to(&mut written);
            prop_assert_eq!(memchr::memchr_iter(b'\n', &written).count(), 1);
            prop_assert_eq!(parse(&written), Ok(block));
        }
    }

    #[test]
    fn any_octets_are_read_or_refused(raw in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b' '), Just(b':'), any::<u8>()], 0..200)) {
        if let Ok(block) = parse(&raw) {
            for field in block.iter() {
                prop_assert!(!field.value().iter().any(|octet| matches!(octet, b'\r' | b'\n' | 0)));
            }
        }
    }
}
