use proptest::prelude::*;

use super::{BLOCK, encode_base64_lines};
use crate::mime::{TransferDecoder, TransferEncoder, TransferEncoding, TransferError};

fn decode<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, TransferError> {
    let mut decoder = TransferDecoder::new(TransferEncoding::Base64);
    let mut out = Vec::new();
    chunks
        .into_iter()
        .try_for_each(|chunk| decoder.decode(chunk, &mut out))?;
    decoder.finish(&mut out)?;
    Ok(out)
}

fn encode<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut encoder = TransferEncoder::new(TransferEncoding::Base64);
    let mut out = Vec::new();
    chunks.into_iter().for_each(|chunk| encoder.encode(chunk, &mut out));
    encoder.finish(&mut out);
    out
}

fn octets(count: u8) -> Vec<u8> {
    (0..count).collect()
}

/// What `base64.encodebytes(bytes(range(n)))` of Python gives, with CR LF.
const PYTHON: [(u8, &str); 8] = [
    (0, ""),
    (1, "AA==\r\n"),
    (2, "AAE=\r\n"),
    (3, "AAEC\r\n"),
    (
        56,
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc=\r\n",
    ),
    (
        57,
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4\r\n",
    ),
    (
        58,
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4\r\nOQ==\r\n",
    ),
    (
        114,
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4\r\n\
         OTo7PD0+P0BBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3Bx\r\n",
    ),
];

/// `base64.b64encode(bytes(range(256)))` of Python.
const ALL: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BBQkNERUZH\
    SElKS0xNTk9QUVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn+AgYKDhIWGh4iJiouMjY6PkJGSk5SVlpeYmZqb\
    nJ2en6ChoqOkpaanqKmqq6ytrq+wsbKztLW2t7i5uru8vb6/wMHCw8TFxsfIycrLzM3Oz9DR0tPU1dbX2Nna29zd3t/g4eLj5OXm5+jp6uvs7e7v\
    8PHy8/T19vf4+fr7/P3+/w==";

/// RFC 2045 §6.8: 76 characters a line, the last one ended too, wherever the content is cut.
#[test]
fn lines_are_those_of_python() {
    for (count, text) in PYTHON {
        let content = octets(count);
        assert_eq!(encode_base64_lines(&content), text.as_bytes(), "{count}");
        for size in [1, 2, 56, 57, 58, 200] {
            assert_eq!(encode(content.chunks(size)), text.as_bytes(), "{count} by {size}");
        }
        assert_eq!(decode([text.as_bytes()]), Ok(content), "{count}");
    }
}

/// INT-40, INT-43: lines of any length, LF, blank lines, indentation, no line end at the end.
#[test]
fn odd_lines_are_read() {
    let content: Vec<u8> = (0..=255).collect();
    for length in [1, 2, 3, 4, 5, 63, 64, 75, 77, 400] {
        for separator in ["\r\n", "\n", "\r", "\r\n\r\n", " \t\r\n  ", "\n\r"] {
            let lines: Vec<_> = ALL.as_bytes().chunks(length).collect();
            let text = lines.join(separator.as_bytes());
            for size in [1, 7, 4096] {
                assert_eq!(
                    decode(text.chunks(size)),
                    Ok(content.clone()),
                    "{length} {separator:?} {size}"
                );
            }
        }
    }
}

#[test]
fn ends_are_read() {
    for (text, content) in [
        ("", ""),
        ("\r\n \t\n", ""),
        ("cGF5bG9hZA==\r\n\r\n", "payload"),
        ("cGF5bG9hZA=\r\n=\r\n", "payload"),
        ("cGF5bG9hZA\r\n==", "payload"),
        ("\r\ncGF5\r\n", "pay"),
        // Rubbish in the unused bits.
        ("cGF5bG9hZB==", "payload"),
        ("cGE/", "pa?"),
        ("cGF5bG9hZHN=", "payloads"),
    ] {
        for size in [1, 3, 100] {
            assert_eq!(decode(text.as_bytes().chunks(size)), Ok(content.into()), "{text:?}");
        }
    }
}

#[test]
fn what_is_not_base64_is_refused() {
    for (text, error) in [
        ("A", TransferError::Truncated),
        ("AA", TransferError::Truncated),
        ("AAA", TransferError::Truncated),
        ("AAAAA", TransferError::Truncated),
        ("AA=", TransferError::Truncated),
        ("=", TransferError::InvalidBase64),
        ("====", TransferError::InvalidBase64),
        ("A===", TransferError::InvalidBase64),
        ("AAAA=", TransferError::InvalidBase64),
        ("AAA==", TransferError::AfterPadding),
        ("AA===", TransferError::AfterPadding),
        ("AA=A", TransferError::AfterPadding),
        ("AA==AAAA", TransferError::AfterPadding),
        ("AA==\r\n\0", TransferError::AfterPadding),
        ("AA-_", TransferError::InvalidBase64),
        ("AA\0A", TransferError::InvalidBase64),
        ("AA\x0bA", TransferError::InvalidBase64),
        ("AA\u{fc}A", TransferError::InvalidBase64),
        ("MIME-Version: 1.0\r\n\r\nAAAA", TransferError::InvalidBase64),
    ] {
        for size in [1, 3, 100] {
            assert_eq!(decode(text.as_bytes().chunks(size)), Err(error), "{text:?} by {size}");
        }
    }
}

/// Content that is longer than the block that is decoded at a time.
#[test]
fn blocks_join_without_a_seam() {
    let content: Vec<u8> = (0..=255).cycle().take(3 * BLOCK + 1).collect();
    for separator in ["", "\n", "\r\n"] {
        let text = encode_base64_lines(&content);
        let lines: Vec<_> = text
            .split(|&octet| octet == b'\n')
            .map(<[u8]>::trim_ascii_end)
            .collect();
        let text = lines.join(separator.as_bytes());
        assert_eq!(decode([text.as_slice()]), Ok(content.clone()), "{separator:?}");
        assert_eq!(decode(text.chunks(BLOCK + 1)), Ok(content.clone()), "{separator:?}");
    }
}

proptest! {
    #[test]
    fn content_comes_back(content in prop::collection::vec(any::<u8>(), 0..400), cut in 1..100_usize, size in 1..100_usize) {
        let text = encode(content.chunks(cut));
        prop_assert_eq!(&text, &encode_base64_lines(&content));
        prop_assert!(text.split(|&octet| octet == b'\n').all(|line| line.len() <= 77));
        prop_assert_eq!(decode(text.chunks(size)), Ok(content));
    }
}
