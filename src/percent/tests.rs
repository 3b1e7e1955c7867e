use super::decode;

#[test]
fn two_digits_stand_for_an_octet() {
    for (text, octets) in [
        ("", &b""[..]),
        ("a%2Fb%2f", b"a/b/"),
        ("%00%fF%25", b"\0\xff%"),
        ("\u{e9}", b"\xc3\xa9"),
    ] {
        assert_eq!(decode(text).as_deref(), Some(octets), "{text}");
    }
    for text in ["%", "%2", "%2G", "%+5", "%-5", "% 5", "%%25"] {
        assert_eq!(decode(text), None, "{text}");
    }
}
