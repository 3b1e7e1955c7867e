use proptest::prelude::*;

use crate::mime::{TransferDecoder, TransferEncoder, TransferEncoding, TransferError};

fn encode<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut encoder = TransferEncoder::new(TransferEncoding::QuotedPrintable);
    let mut out = Vec::new();
    for chunk in chunks {
        encoder.encode(chunk, &mut out);
    }
    encoder.finish(&mut out);
    out
}

fn decode(text: &[u8]) -> Result<Vec<u8>, TransferError> {
    let mut decoder = TransferDecoder::new(TransferEncoding::QuotedPrintable);
    let mut out = Vec::new();
    decoder.decode(text, &mut out)?;
    decoder.finish(&mut out)?;
    Ok(out)
}

/// RFC 2045 §6.7, its example among others.
#[test]
fn text_as_products_write_it_is_decoded() {
    for (text, decoded) in [
        (
            "Now's the time =\r\nfor all folk to come=\r\n to the aid of their country.",
            "Now's the time for all folk to come to the aid of their country.",
        ),
        ("=41=3d=3D", "A=="),
        ("a=\nb=\r\n", "ab"),
        // White space at the end of a line was added on the way.
        ("a \t\r\nb \n c\t", "a\r\nb\n c"),
        ("a= \t\r\nb", "ab"),
        ("a=20\r\nb=09", "a \r\nb\t"),
        ("a=", "a"),
        ("a\rb", "a\rb"),
        ("\u{e9}=0D=0A", "\u{e9}\r\n"),
        ("", ""),
    ] {
        assert_eq!(decode(text.as_bytes()).unwrap(), decoded.as_bytes(), "{text:?}");
    }
}

#[test]
fn what_is_no_escape_is_refused() {
    for (text, error) in [
        ("=4", TransferError::Truncated),
        ("=4x", TransferError::InvalidQuotedPrintable),
        ("=x4", TransferError::InvalidQuotedPrintable),
        ("==", TransferError::InvalidQuotedPrintable),
        ("= x", TransferError::InvalidQuotedPrintable),
        ("=\rx", TransferError::InvalidQuotedPrintable),
    ] {
        assert_eq!(decode(text.as_bytes()), Err(error), "{text:?}");
    }
}

/// Line ends are content here: text and binary payloads survive alike.
#[test]
fn encodes_what_would_not_survive() {
    assert_eq!(
        encode([b"a=b\r\n\t\xe9 \n ".as_slice()]),
        b"a=3Db=0D=0A=\r\n\t=E9 =0A=\r\n=20"
    );
    // A line of 75 characters, then the `=` of its soft break.
    let long = encode([[b'a'; 80].as_slice()]);
    assert_eq!(long, [[b'a'; 75].as_slice(), b"=\r\n", &[b'a'; 5]].concat());
    // An escape is never torn.
    let escape = encode([[[b'a'; 73].as_slice(), b"="].concat().as_slice()]);
    assert_eq!(escape, [[b'a'; 73].as_slice(), b"=\r\n=3D"].concat());
}

proptest! {
    /// RFC 2045 §6.7 rule 5: no line is longer than 76 characters, and none ends in white space.
    #[test]
    fn any_octets_survive_in_any_chunks(octets in proptest::collection::vec(prop_oneof![Just(b' '), Just(b'\n'), Just(b'='), any::<u8>()], 0..400), chunk in 1_usize..80) {
        let encoded = encode(octets.chunks(chunk));
        prop_assert_eq!(encode([octets.as_slice()]), &*encoded);
        for line in encoded.split(|octet| *octet == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            prop_assert!(line.len() <= 76 && !line.ends_with(b" ") && !line.ends_with(b"\t"));
            prop_assert!(line.iter().all(|octet| matches!(octet, b' '..=b'~' | b'\t')));
        }
        prop_assert_eq!(decode(&encoded), Ok(octets));
    }
}
