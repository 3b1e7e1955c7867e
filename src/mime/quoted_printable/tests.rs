use proptest::prelude::*;

use crate::mime::{TransferDecoder, TransferEncoder, TransferEncoding, TransferError};

fn decode<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, TransferError> {
    let mut decoder = TransferDecoder::new(TransferEncoding::QuotedPrintable);
    let mut out = Vec::new();
    chunks
        .into_iter()
        .try_for_each(|chunk| decoder.decode(chunk, &mut out))?;
    decoder.finish(&mut out)?;
    Ok(out)
}

fn encode<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut encoder = TransferEncoder::new(TransferEncoding::QuotedPrintable);
    let mut out = Vec::new();
    chunks.into_iter().for_each(|chunk| encoder.encode(chunk, &mut out));
    encoder.finish(&mut out);
    String::from_utf8(out).unwrap()
}

/// What `binascii.b2a_qp` of Python writes for text and for binary content, and `quopri` with every blank encoded.
#[test]
fn encoding_of_python_is_read() {
    let order = "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       \
                 *260101*1200*U*00401*000000001*0*P*>~\r\nGS*PO*S=R~\r\n";
    for (text, content) in [
        (
            "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *26010=\r\n\
             1*1200*U*00401*000000001*0*P*>~\r\nGS*PO*S=3DR~\r\n",
            order,
        ),
        (
            "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *26010=\r\n\
             1*1200*U*00401*000000001*0*P*>~=0D=0AGS*PO*S=3DR~=0D=0A",
            order,
        ),
        ("Gr=C3=B6=C3=9Fe: 3 =3D drei \tEnde=20\n", "Größe: 3 = drei \tEnde \n"),
        (
            "Gr=C3=B6=C3=9Fe:=203=20=3D=20drei=20=09Ende=20\n",
            "Größe: 3 = drei \tEnde \n",
        ),
    ] {
        for size in 1..=text.len() {
            assert_eq!(
                decode(text.as_bytes().chunks(size)),
                Ok(content.into()),
                "{text} by {size}"
            );
        }
    }
}

/// RFC 2045 §6.7: soft line breaks, white space that was added on the way, digits in lower case.
#[test]
fn text_is_decoded() {
    for (text, content) in [
        ("", ""),
        ("plain", "plain"),
        ("soft=\r\nbreak", "softbreak"),
        ("soft=\nbreak", "softbreak"),
        ("soft= \t \r\nbreak", "softbreak"),
        ("blank =\r\nbefore", "blank before"),
        ("at the end=\r\n", "at the end"),
        ("at the end=", "at the end"),
        ("at the end= \r", "at the end"),
        ("=\r\n=\r\n", ""),
        ("trailing \t \r\nblanks \nand\t", "trailing\r\nblanks\nand"),
        (" \t\r\n \n", "\r\n\n"),
        ("kept=20\r\nkept =20\r\nkept=09\r\n", "kept \r\nkept  \r\nkept\t\r\n"),
        (" leading\r\n\tblanks", " leading\r\n\tblanks"),
        ("=c3=bc=3d=3D", "ü=="),
        ("=0D=0A=0a", "\r\n\n"),
        ("a\rb", "a\rb"),
        ("a\r\r\nb", "a\r\r\nb"),
        ("=00", "\0"),
        // Eight-bit octets that should have been encoded.
        ("ü", "ü"),
    ] {
        for size in 1..=text.len().max(1) {
            assert_eq!(
                decode(text.as_bytes().chunks(size)),
                Ok(content.into()),
                "{text:?} by {size}"
            );
        }
    }
}

#[test]
fn what_is_not_quoted_printable_is_refused() {
    let invalid = TransferError::InvalidQuotedPrintable;
    for (text, error) in [
        ("=G0", invalid),
        ("=0G", invalid),
        ("=4\r\n1", invalid),
        ("==", invalid),
        ("a=by", invalid),
        ("= x", invalid),
        ("=\rx", invalid),
        ("=\r\r\n", invalid),
        ("=\0", invalid),
        ("=4=31", invalid),
        ("=3", TransferError::Truncated),
        ("a=b", TransferError::Truncated),
        ("abc=A", TransferError::Truncated),
        ("=a", TransferError::Truncated),
    ] {
        for size in 1..=text.len() {
            let result = decode(text.as_bytes().chunks(size));
            assert_eq!(result, Err(error), "{text:?} by {size}");
        }
    }
}

/// Line ends of the content are encoded, so that no gateway changes them; a line stays a line for those who look at it.
#[test]
fn any_octets_are_encoded() {
    for (content, text) in [
        ("", ""),
        ("ISA*00*!~", "ISA*00*!~"),
        ("a=b", "a=3Db"),
        ("Größe", "Gr=C3=B6=C3=9Fe"),
        ("one\r\ntwo\n", "one=0D=0A=\r\ntwo=0A=\r\n"),
        ("a b\tc", "a b\tc"),
        ("end ", "end=20"),
        ("end\t", "end=09"),
        ("end  ", "end =20"),
        ("a \r\nb", "a =0D=0A=\r\nb"),
        ("\0\x7f\r", "=00=7F=0D"),
    ] {
        for size in 1..=content.len().max(1) {
            assert_eq!(encode(content.as_bytes().chunks(size)), text, "{content:?} by {size}");
        }
    }
}

/// RFC 2045 §6.7 (5): at most 76 characters with the `=`; an escape is not cut. As `encode_qp` of Perl breaks them.
#[test]
fn long_lines_are_broken() {
    let x = |count| "x".repeat(count);
    for (content, text) in [
        (x(75), x(75)),
        (x(74) + "=yz", x(74) + "=\r\n=3Dyz"),
        (x(73) + "=yz", x(73) + "=\r\n=3Dyz"),
        (x(72) + "=yz", x(72) + "=3D=\r\nyz"),
        (x(75) + " y", x(75) + "=\r\n y"),
        (x(75) + " ", x(75) + "=\r\n=20"),
        ("\0".repeat(30), "=00".repeat(25) + "=\r\n" + &"=00".repeat(5)),
        (x(160), x(75) + "=\r\n" + &x(75) + "=\r\n" + &x(10)),
        (x(70) + "\n" + &x(75), x(70) + "=0A=\r\n" + &x(75)),
    ] {
        assert_eq!(encode([content.as_bytes()]), text);
        assert_eq!(decode([text.as_bytes()]), Ok(content.into_bytes()));
    }
}

proptest! {
    /// Any octets come back, from lines of 76 characters of printable ASCII that do not end in white space.
    #[test]
    fn content_comes_back(
        content in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..300),
            "[ \t\r\n=x]{0,300}".prop_map(String::into_bytes),
        ],
        cut in 1..100_usize,
        size in 1..100_usize,
    ) {
        let text = encode(content.chunks(cut));
        prop_assert_eq!(&text, &encode([content.as_slice()]));
        for line in text.split("\r\n") {
            prop_assert!(line.len() <= 76);
            prop_assert!(!line.ends_with([' ', '\t']));
            prop_assert!(line.bytes().all(|octet| matches!(octet, b'\t' | b' '..=b'~')));
        }
        prop_assert_eq!(decode(text.as_bytes().chunks(size)), Ok(content));
    }
}
