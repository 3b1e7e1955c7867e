use proptest::prelude::*;

use super::ContentDisposition;

fn filename(value: &str) -> Option<String> {
    ContentDisposition::parse(value).filename()
}

/// ENV-58, ENV-59: names as products and mail libraries send them.
#[test]
fn filenames_of_products_are_read() {
    for (value, name) in [
        ("attachment; filename=\"orders.edi\"", "orders.edi"),
        ("Attachment; Filename=smime.p7m", "smime.p7m"),
        ("attachment;filename=orders 2026 (1).edi", "orders 2026 (1).edi"),
        ("attachment; filename = \"a;b=c.edi\" ; size=3", "a;b=c.edi"),
        ("attachment; filename=\"say \\\"hi\\\".edi\"", "say \"hi\".edi"),
        // Windows: the path is not escaped.
        (
            "attachment; filename=\"C:\\out\\new\\orders.edi\"",
            "C:\\out\\new\\orders.edi",
        ),
        ("attachment; filename=\"no end.edi", "no end.edi"),
        ("inline filename=orders.edi", "orders.edi"),
        ("filename=\"orders.edi\"", "orders.edi"),
        ("attachment; filename=first.edi; filename=second.edi", "first.edi"),
        // Python, email.message
        (
            "attachment;\r\n filename*0*=utf-8''Bestellung%20%C3%9Cbergr%C3%B6%C3%9Fe%202026-01-01%20f;\r\n \
             filename*1*=%C3%BCr%20M%C3%BCller%20und%20S%C3%B6hne%20und%20T%C3%B6chter%20;\r\n \
             filename*2*=aus%20%C3%96sterreich%2C%20nochmals%20l%C3%A4nger.edi",
            "Bestellung Übergröße 2026-01-01 für Müller und Söhne und Töchter aus Österreich, nochmals länger.edi",
        ),
        // Python, email.header within quotes, folded
        (
            "attachment; filename=\"=?utf-8?b?QmVzdGVsbHVuZyDDnGJlcmdyw7bDn2UgMjAyNi0wMS0wMSBmw7xyIE3DvGxsZXIg?=\r\n \
             =?utf-8?b?dW5kIFPDtmhuZS5lZGk=?=\"",
            "Bestellung Übergröße 2026-01-01 für Müller und Söhne.edi",
        ),
        // RFC 6266 §5: both forms
        (
            "attachment; filename=\"EURO rates\"; filename*=utf-8''%e2%82%ac%20rates",
            "€ rates",
        ),
        // RFC 5987 §3.2.2
        ("attachment; filename*=iso-8859-1'en'%A3%20rates", "£ rates"),
        ("attachment; filename*=\"UTF-8''quoted%20too.edi\"", "quoted too.edi"),
    ] {
        assert_eq!(filename(value).as_deref(), Some(name), "{value}");
    }
}

/// RFC 2183 §2.8: what is not understood is an attachment.
#[test]
fn kind_is_a_token() {
    for (value, kind) in [
        ("INLINE", "inline"),
        ("attachment; filename=x", "attachment"),
        ("\"inline\"; filename=x", "attachment"),
        ("", "attachment"),
        (";", "attachment"),
        ("ä; filename=x", "attachment"),
        ("x-other;", "x-other"),
    ] {
        assert_eq!(ContentDisposition::parse(value).kind(), kind, "{value:?}");
    }
    assert_eq!(filename("attachment"), None);
    assert_eq!(filename("attachment; filename"), None);
    assert_eq!(filename("attachment; filename="), Some(String::new()));
}

#[test]
fn other_parameters_are_read() {
    let disposition = ContentDisposition::parse("attachment; Size=3; creation-date=\"Mon, 1 Jan\\, 2026\"");
    assert_eq!(disposition.param("size"), Some("3"));
    assert_eq!(disposition.param("Creation-Date"), Some("Mon, 1 Jan, 2026"));
    assert_eq!(disposition.param("name"), None);
}

/// ENV-59, INT-03: ASCII in quotes, everything else as RFC 2231, quotes on request only where they must be.
#[test]
fn filenames_are_written() {
    for (name, quoted, bare) in [
        ("orders.edi", "filename=\"orders.edi\"", "filename=orders.edi"),
        ("a b (1).edi", "filename=\"a b (1).edi\"", "filename=a b (1).edi"),
        ("a=b,c.edi", "filename=\"a=b,c.edi\"", "filename=a=b,c.edi"),
        ("a;b.edi", "filename=\"a;b.edi\"", "filename=\"a;b.edi\""),
        ("a\"b\\c", "filename=\"a\\\"b\\\\c\"", "filename=\"a\\\"b\\\\c\""),
        (" a", "filename=\" a\"", "filename=\" a\""),
        ("", "filename=\"\"", "filename=\"\""),
        (
            "Ü€.edi",
            "filename*=UTF-8''%C3%9C%E2%82%AC.edi",
            "filename*=UTF-8''%C3%9C%E2%82%AC.edi",
        ),
        (
            "a\r\nAS2-From: b\0",
            "filename*=UTF-8''a%0D%0AAS2-From%3A%20b%00",
            "filename*=UTF-8''a%0D%0AAS2-From%3A%20b%00",
        ),
    ] {
        let disposition = ContentDisposition::attachment(name);
        assert_eq!(disposition.to_string(), format!("attachment; {quoted}"));
        assert_eq!(disposition.without_quotes().to_string(), format!("attachment; {bare}"));
    }
}

proptest! {
    /// SEC-30: any name comes back, from one line of printable ASCII, with quotes and without.
    #[test]
    fn written_filenames_come_back(name in "[ -~]{0,24}|\\PC{0,12}|(.|\r|\n|\0){0,12}") {
        for disposition in [
            ContentDisposition::attachment(&name),
            ContentDisposition::attachment(&name).without_quotes(),
        ] {
            let written = disposition.to_string();
            prop_assert!(written.bytes().all(|octet| matches!(octet, b' '..=b'~')), "{written}");
            let read = ContentDisposition::parse(&written);
            prop_assert_eq!(read.param("filename"), Some(name.as_str()));
            prop_assert_eq!(read.filename(), disposition.filename());
            prop_assert_eq!(read.kind(), "attachment");
        }
    }

    #[test]
    fn no_input_panics(value in any::<String>()) {
        let disposition = ContentDisposition::parse(&value);
        let read = ContentDisposition::parse(&disposition.to_string());
        prop_assert_eq!(read.filename(), disposition.filename());
    }
}
