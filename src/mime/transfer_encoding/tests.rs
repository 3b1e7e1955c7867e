use proptest::prelude::*;

use super::{TransferDecoder, TransferEncoding, TransferError};

/// What the chunks decode to, and what stopped it.
fn decode<'a>(
    encoding: TransferEncoding,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<u8>, Result<(), TransferError>) {
    let mut decoder = TransferDecoder::new(encoding);
    let mut out = Vec::new();
    let result = chunks
        .into_iter()
        .try_for_each(|chunk| decoder.decode(chunk, &mut out))
        .and_then(|()| decoder.finish(&mut out));
    (out, result)
}

/// The same whole and octet by octet.
fn read(encoding: TransferEncoding, text: &[u8]) -> (Vec<u8>, Result<(), TransferError>) {
    let whole = decode(encoding, [text]);
    assert_eq!(decode(encoding, text.chunks(1)), whole);
    whole
}

/// What stands before a fault is decoded, however the text is cut: another layer may find a fault of its own in it.
#[test]
fn what_stands_before_a_fault_is_decoded() {
    for (text, decoded, fault) in [
        ("cGF5bG9hZA==", "payload", None),
        ("cGF5\r\nbG9hZA==\r\n", "payload", None),
        ("cGF5bG9h!A==", "payloa", Some(TransferError::InvalidBase64)),
        ("cGF5b!9hZA==", "pay", Some(TransferError::InvalidBase64)),
        ("cGF5bG9hZA", "payloa", Some(TransferError::Truncated)),
        ("cGF5bG9hZA=", "payload", Some(TransferError::Truncated)),
        ("cGF5bG9hZ===", "payloa", Some(TransferError::InvalidBase64)),
        ("cGF5bG9hZA==cGF5", "payload", Some(TransferError::AfterPadding)),
        ("cGF5bG9hZA==\r\n!", "payload", Some(TransferError::AfterPadding)),
    ] {
        let result = fault.map_or(Ok(()), Err);
        let expected = (decoded.as_bytes().to_vec(), result);
        assert_eq!(read(TransferEncoding::Base64, text.as_bytes()), expected, "{text}");
    }
    for (text, decoded, fault) in [
        ("pay=6Coad", "payload", None),
        ("pay=6Coad=4", "payload", Some(TransferError::Truncated)),
        ("pay=6Goad", "pay", Some(TransferError::InvalidQuotedPrintable)),
        ("pay = \tx", "pay ", Some(TransferError::InvalidQuotedPrintable)),
    ] {
        let result = fault.map_or(Ok(()), Err);
        let expected = (decoded.as_bytes().to_vec(), result);
        assert_eq!(
            read(TransferEncoding::QuotedPrintable, text.as_bytes()),
            expected,
            "{text}"
        );
    }
}

/// White space is held back up to a limit that does not depend on the chunks either.
#[test]
fn runs_of_white_space_are_bounded() {
    for (before, blanks, fits) in [
        (0, 1000, true),
        (0, 1001, false),
        (700, 1000, true),
        (700, 1001, false),
        (1999, 1001, false),
    ] {
        let text = "x".repeat(before) + &" ".repeat(blanks) + "y";
        let (decoded, result) = read(TransferEncoding::QuotedPrintable, text.as_bytes());
        if fits {
            assert_eq!((decoded, result), (text.into_bytes(), Ok(())));
        } else {
            assert_eq!(decoded, "x".repeat(before).into_bytes());
            assert_eq!(result, Err(TransferError::InvalidQuotedPrintable));
        }
    }
}

proptest! {
    #[test]
    fn any_chunks_give_the_same(
        text in "[A-Za-z0-9+/ \r\n=!]{0,300}",
        size in 1..50usize,
        encoding in prop::sample::select(vec![TransferEncoding::Base64, TransferEncoding::QuotedPrintable]),
    ) {
        let text = text.as_bytes();
        prop_assert_eq!(decode(encoding, text.chunks(size)), decode(encoding, [text]));
    }
}
