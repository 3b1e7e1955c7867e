use proptest::prelude::*;

use super::{HeaderBlock, HeaderError};
use crate::limits::Limits;
use crate::mime::{ContentTypeError, TransferEncoding};

fn parse(raw: &[u8]) -> Result<HeaderBlock, HeaderError> {
    HeaderBlock::parse(raw, &Limits::default())
}

/// Name and value of each field.
fn fields(block: &HeaderBlock) -> Vec<(&str, &[u8])> {
    block.iter().map(|field| (field.name(), field.value())).collect()
}

fn written(block: &HeaderBlock) -> Vec<u8> {
    let mut out = Vec::new();
    block.write_to(&mut out);
    out
}

fn invalid_value(name: &str) -> HeaderError {
    HeaderError::InvalidValue { name: name.to_owned() }
}

/// Order, case and repetition are kept; the body after the empty line is not looked at.
#[test]
fn block_is_kept_in_order() {
    let raw = b"AS2-From: ACME\r\nreceived: a\r\nX-Empty:\r\nReceived:b\r\n\r\nISA*00: not a field\0";
    let block = parse(raw).unwrap();
    let expected: [(&str, &[u8]); 4] = [
        ("AS2-From", b"ACME"),
        ("received", b"a"),
        ("X-Empty", b""),
        ("Received", b"b"),
    ];
    assert_eq!(fields(&block), expected);
    assert_eq!(block.len(), 4);
    assert!(!block.is_empty());
    assert_eq!(block.get("as2-FROM"), Some("ACME"));
    assert_eq!(block.get_all("RECEIVED").collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(block.get("X-Empty"), Some(""));
    assert!(block.contains("x-empty"));
    assert!(!block.contains("AS2-To"));
    assert_eq!(
        written(&block),
        b"AS2-From: ACME\r\nreceived: a\r\nX-Empty: \r\nReceived: b\r\n"
    );
}

#[test]
fn block_may_be_empty_and_may_end_without_an_empty_line() {
    for raw in ["", "\r\n", "\n", "\r\n\r\nA: b", "\r"] {
        assert_eq!(parse(raw.as_bytes()), Ok(HeaderBlock::new()), "{raw:?}");
    }
    for raw in [
        "A: b",
        "A: b\r",
        "A: b\n",
        "A: b\r\n",
        "A: b\n\nC: d",
        "A:\tb \t\r\n\r\n",
    ] {
        assert_eq!(fields(&parse(raw.as_bytes()).unwrap()), [("A", &b"b"[..])], "{raw:?}");
    }
}

/// INT-01: RFC 4130 A.1 folds this field. It is written on one line.
#[test]
fn folded_fields_are_unfolded() {
    let raw = b"Disposition-Notification-Options:\r\n signed-receipt-protocol=optional,pkcs7-signature;\n\tsigned-receipt-micalg=optional,sha1,md5\r\n \t \r\nAS2-To: x\r\n";
    let block = parse(raw).unwrap();
    assert_eq!(
        block.get("Disposition-Notification-Options"),
        Some("signed-receipt-protocol=optional,pkcs7-signature; signed-receipt-micalg=optional,sha1,md5")
    );
    assert_eq!(block.len(), 2);
    assert_eq!(
        written(&block),
        b"Disposition-Notification-Options: signed-receipt-protocol=optional,pkcs7-signature; \
          signed-receipt-micalg=optional,sha1,md5\r\nAS2-To: x\r\n"
    );
}

/// INT-35: what is not a header block is recognised by its first line that cannot be in one.
#[test]
fn line_that_is_no_field_is_named() {
    for (raw, line) in [
        ("ISA*00*          *00*", 1),
        ("<?xml version=\"1.0\"?>\r\n", 1),
        ("A: b\r\nno colon\r\n", 2),
        ("A: b\n c\n: empty name\n", 3),
        (" folded: first\r\n", 1),
        (" \r\nA: b\r\n", 1),
        ("A: b\r\nB C: d\r\n", 2),
        ("A\r: b\r\n", 1),
        ("A\u{c}: b\r\n", 1),
        ("\r\r\nA: b", 1),
        ("Ä: b\r\n", 1),
        ("\0: b\r\n", 1),
        ("Content-Type(x): b\r\n", 1),
    ] {
        assert_eq!(parse(raw.as_bytes()), Err(HeaderError::NotAField { line }), "{raw:?}");
    }
}

/// Old mailers put white space before the colon (RFC 5322 §4.5).
#[test]
fn white_space_before_the_colon_is_tolerated() {
    let block = parse(b"Content-Type \t: text/plain\r\n").unwrap();
    assert_eq!(fields(&block), [("Content-Type", &b"text/plain"[..])]);
}

/// SEC-30: a CR or NUL in a value, which some readers take for the end of the line.
#[test]
fn lone_cr_and_nul_are_refused() {
    for raw in [
        "A: b\rAS2-From: evil\r\n",
        "A: b\0\r\n",
        "A: b\r\r\n",
        "A: b\r\n c\rd\r\n",
        "A: b\r\n \0\r\n",
        "A:\r b\r\n",
    ] {
        assert_eq!(parse(raw.as_bytes()), Err(invalid_value("A")), "{raw:?}");
    }
}

/// SEC-30: nothing that is pushed can end a line or begin another.
#[test]
fn pushing_control_characters_is_refused() {
    let mut block = HeaderBlock::new();
    for value in [
        "a\r\nB: c",
        "a\nb",
        "a\rb",
        "a\0",
        "\na",
        "a\r\n",
        "a\x0b",
        "\x1b[31m",
        "a\x7f",
        "a\u{85}b",
    ] {
        assert_eq!(block.push("Subject", value), Err(invalid_value("Subject")), "{value:?}");
    }
    for name in ["", "A B", "A:", "A\r\nB", "A\0", "Ä", " A", "A ", "(A)", "\"A\""] {
        let error = HeaderError::InvalidName { name: name.to_owned() };
        assert_eq!(block.push(name, "x"), Err(error), "{name:?}");
    }
    assert!(block.is_empty());
    block.push("Subject", " \ta\tb \t").unwrap();
    block.push("X-Size", "Größe").unwrap();
    assert_eq!(written(&block), "Subject: a\tb\r\nX-Size: Größe\r\n".as_bytes());
}

/// Two lines of one name, even if equal, are ambiguous where only one may be.
#[test]
fn single_refuses_repetition_and_other_character_sets() {
    let block = parse(b"A: 1\r\nb: 2\r\nB: 2\r\nC: \xfc\r\n").unwrap();
    assert_eq!(block.single("a"), Ok(Some("1")));
    assert_eq!(block.single("B"), Err(HeaderError::Duplicate { name: "B".into() }));
    assert_eq!(block.single("C"), Err(HeaderError::NotText { name: "C".into() }));
    assert_eq!(block.single("D"), Ok(None));
    assert_eq!(block.get("C"), None);
    assert!(block.contains("C"));
    assert_eq!(block.get_all("c").count(), 0);
}

/// SEC-26: 100 fields, and 16 KiB for a field with all the lines that continue it.
#[test]
fn fields_and_lines_are_limited() {
    let hundred = "A: b\r\n".repeat(100);
    assert_eq!(parse(hundred.as_bytes()).unwrap().len(), 100);
    assert_eq!(
        parse(format!("{hundred}A: b").as_bytes()),
        Err(HeaderError::TooManyFields { limit: 100 })
    );
    let too_long = HeaderError::LineTooLong { limit: 16_384 };
    for end in ["", "\n", "\r\n"] {
        let fits = format!("A:{}{end}", "x".repeat(16_382));
        assert_eq!(parse(fits.as_bytes()).unwrap().get("A").map(str::len), Some(16_382));
        let exceeds = format!("A:{}{end}", "x".repeat(16_383));
        assert_eq!(parse(exceeds.as_bytes()), Err(too_long.clone()), "{end:?}");
    }
    let folded = format!("A:{}\r\n {}\r\n", "x".repeat(8_190), "y".repeat(8_191));
    assert_eq!(parse(folded.as_bytes()).unwrap().get("A").map(str::len), Some(16_382));
    let folded = format!("A:{}\r\n {}\r\n", "x".repeat(8_190), "y".repeat(8_192));
    assert_eq!(parse(folded.as_bytes()), Err(too_long.clone()));
    // Empty folds count too, and the next field starts anew.
    let blanks = format!("A:\r\n{}", " \r\n".repeat(16_382));
    assert_eq!(parse(format!("{blanks}B:\r\n").as_bytes()).unwrap().len(), 2);
    assert_eq!(parse(format!("{blanks} \r\n").as_bytes()), Err(too_long));
}

/// The fields that MIME itself reads, as products write them.
#[test]
fn mime_fields_are_read() {
    let raw = b"content-type:\tapplication/EDI-X12; name=\"Gr\xfc\xdfe.edi\"\r\n\
                content-transfer-encoding: BASE64\r\n\
                content-disposition: attachment; filename=Gr\xc3\xbc\xc3\x9fe.edi\r\n";
    let block = parse(raw).unwrap();
    let content_type = block.content_type().unwrap().unwrap();
    assert_eq!(content_type.essence(), "application/edi-x12");
    assert_eq!(content_type.name().as_deref(), Some("Grüße.edi"));
    let disposition = block.content_disposition().unwrap();
    assert_eq!(disposition.filename().as_deref(), Some("Grüße.edi"));
    assert_eq!(block.transfer_encoding(), Ok(Some(TransferEncoding::Base64)));
}

#[test]
fn mime_fields_may_be_absent_or_wrong() {
    let block = parse(b"A: b\r\n").unwrap();
    assert_eq!(block.content_type(), Ok(None));
    assert_eq!(block.content_disposition(), None);
    assert_eq!(block.transfer_encoding(), Ok(None));
    let block = parse(b"Content-Type: edi\r\nContent-Transfer-Encoding: x-uuencode\r\n").unwrap();
    let error: ContentTypeError = block.content_type().unwrap_err();
    assert_eq!(error.to_string(), "\"edi\" is not a media type");
    let error = block.transfer_encoding().unwrap_err();
    assert_eq!(error.to_string(), "transfer encoding \"x-uuencode\" is not supported");
}

#[test]
fn fields_of_an_http_request_are_taken() {
    let mut headers = http::HeaderMap::new();
    headers.append("AS2-From", http::HeaderValue::from_static(" ACME\t"));
    headers.append("Subject", http::HeaderValue::from_bytes(b"Gr\xfc\xdfe").unwrap());
    headers.append("as2-from", http::HeaderValue::from_static("second"));
    let block = HeaderBlock::from(&headers);
    assert_eq!(block.get_all("AS2-From").collect::<Vec<_>>(), ["ACME", "second"]);
    assert_eq!(
        block.single("Subject"),
        Err(HeaderError::NotText { name: "Subject".into() })
    );
    assert_eq!(block.len(), 3);
}

#[test]
fn credentials_are_not_in_debug_output() {
    let raw = b"authorization: Basic c2VjcmV0\r\nProxy-Authorization: c2VjcmV0\r\nCookie: c2VjcmV0\r\n\
                SET-COOKIE: c2VjcmV0\r\nAS2-From: ACME\r\n";
    let text = format!("{:?}", parse(raw).unwrap());
    assert!(!text.contains("c2VjcmV0"), "{text}");
    assert_eq!(text.matches("[redacted]").count(), 4);
    assert!(text.contains("AS2-From: \"ACME\""), "{text}");
}

proptest! {
    /// SEC-30: whatever is pushed, the lines are as many as the fields, and read back they are the same.
    #[test]
    fn pushed_fields_come_back(pairs in prop::collection::vec(("[!-~]{0,12}", any::<String>()), 0..10)) {
        let mut block = HeaderBlock::new();
        let pushed = pairs.iter().filter(|(name, value)| block.push(name, value).is_ok()).count();
        let raw = written(&block);
        prop_assert_eq!(raw.iter().filter(|&&octet| octet == b'\n').count(), pushed);
        prop_assert_eq!(raw.iter().filter(|&&octet| octet == b'\r').count(), pushed);
        prop_assert_eq!(parse(&raw), Ok(block));
    }

    /// A block that was read is written so that it reads the same.
    #[test]
    fn read_fields_come_back(raw in "([A-Ca-c]{1,2}[ :]{0,2}[ -~\tü\u{7f}]{0,8}(\r\n|\n|\r|\n |\r\n\t|\0)){0,8}") {
        if let Ok(block) = parse(raw.as_bytes()) {
            prop_assert_eq!(parse(&written(&block)), Ok(block));
        }
    }

    #[test]
    fn no_input_panics(raw in any::<Vec<u8>>()) {
        if let Ok(block) = parse(&raw) {
            prop_assert_eq!(parse(&written(&block)), Ok(block));
        }
    }
}
