use proptest::prelude::*;

use super::encode_base64_lines;
use crate::mime::{TransferDecoder, TransferEncoder, TransferEncoding};

fn encode<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut encoder = TransferEncoder::new(TransferEncoding::Base64);
    let mut out = Vec::new();
    for chunk in chunks {
        encoder.encode(chunk, &mut out);
    }
    encoder.finish(&mut out);
    out
}

fn decode(text: &[u8]) -> Vec<u8> {
    let mut decoder = TransferDecoder::new(TransferEncoding::Base64);
    let mut out = Vec::new();
    decoder.decode(text, &mut out).unwrap();
    decoder.finish(&mut out).unwrap();
    out
}

/// What Python's `base64.encodebytes` makes of it (RFC 2045 §6.8).
#[test]
fn lines_have_76_characters() {
    let octets: Vec<u8> = (0..120).collect();
    let lines = b"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4\r\n\
        OTo7PD0+P0BBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3Bx\r\n\
        cnN0dXZ3\r\n";
    assert_eq!(encode_base64_lines(&octets), lines);
    assert_eq!(decode(lines), octets);
    assert_eq!(encode_base64_lines(b""), b"");
    assert_eq!(encode_base64_lines(b"f"), b"Zg==\r\n");
    assert_eq!(encode_base64_lines(&[0; 57]).len(), 78);
    assert_eq!(encode_base64_lines(&[0; 58]).len(), 78 + 6);
}

/// ENV-39: lines of any length and end, blanks in them, and rubbish in the bits that the padding leaves over.
#[test]
fn text_as_products_write_it_is_decoded() {
    for text in [
        "cGF5bG9hZA==",
        "cGF5\nbG9h\rZA==\r\n\r\n",
        " cG F5\tbG9hZA\r\n=\r\n= ",
        "\r\n\r\nc\r\nGF5bG9hZA==",
        "cGF5bG9hZB==",
    ] {
        assert_eq!(decode(text.as_bytes()), b"payload", "{text:?}");
    }
    assert_eq!(decode(b""), b"");
}

proptest! {
    #[test]
    fn chunks_do_not_matter(octets in proptest::collection::vec(any::<u8>(), 0..300), chunk in 1_usize..80) {
        let whole = encode([octets.as_slice()]);
        prop_assert_eq!(encode(octets.chunks(chunk)), &*whole);
        prop_assert_eq!(encode_base64_lines(&octets), &*whole);
        prop_assert_eq!(decode(&whole), octets);
    }
}
