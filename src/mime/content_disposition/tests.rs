use super::ContentDisposition;

fn filename(value: &str) -> Option<String> {
    ContentDisposition::parse(value).filename()
}

/// ENV-59.
#[test]
fn file_names_as_products_write_them() {
    for (value, expected) in [
        ("attachment", None),
        ("attachment; filename=\"orders.edi\"", Some("orders.edi")),
        ("attachment; filename=orders.edi;", Some("orders.edi")),
        ("Attachment;FileName=orders 1.edi; size=3", Some("orders 1.edi")),
        (
            "attachment; filename=\"=?utf-8?B?R3LDvMOfZS5lZGk=?=\"",
            Some("Grüße.edi"),
        ),
        ("attachment; filename==?iso-8859-1?q?Gr=FC=DFe.edi?=", Some("Grüße.edi")),
        (
            "attachment; filename=\"Gruesse.edi\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe.edi",
            Some("Grüße.edi"),
        ),
        (
            "attachment; filename*0=\"very-\"; filename*1=\"long.edi\"",
            Some("very-long.edi"),
        ),
        ("inline; filename=\"..\\..\\evil.edi\"", Some("..\\..\\evil.edi")),
        ("filename=orders.edi", Some("orders.edi")),
    ] {
        assert_eq!(filename(value).as_deref(), expected, "{value}");
    }
}

/// RFC 2183 §2.8: what is not known is an attachment.
#[test]
fn kinds() {
    for (value, kind) in [
        ("INLINE", "inline"),
        ("x-own; filename=a", "x-own"),
        ("", "attachment"),
        ("\"inline\"", "attachment"),
        ("filename=a", "attachment"),
    ] {
        assert_eq!(ContentDisposition::parse(value).kind(), kind, "{value}");
    }
}

/// ENV-40, ENV-59: in quotes by default, for some partners without, beyond ASCII as RFC 2231 says.
#[test]
fn is_written_on_one_line_and_read_back() {
    for (name, written, unquoted) in [
        (
            "orders.edi",
            "attachment; filename=\"orders.edi\"",
            "attachment; filename=orders.edi",
        ),
        (
            "a b.edi",
            "attachment; filename=\"a b.edi\"",
            "attachment; filename=a b.edi",
        ),
        (
            "a\"b.edi",
            "attachment; filename=\"a\\\"b.edi\"",
            "attachment; filename=\"a\\\"b.edi\"",
        ),
        (
            "Ü.edi",
            "attachment; filename*=UTF-8''%C3%9C.edi",
            "attachment; filename*=UTF-8''%C3%9C.edi",
        ),
        (
            "a\r\nX: y",
            "attachment; filename*=UTF-8''a%0D%0AX%3A%20y",
            "attachment; filename*=UTF-8''a%0D%0AX%3A%20y",
        ),
    ] {
        let disposition = ContentDisposition::attachment(name);
        assert_eq!(disposition.to_string(), written);
        assert_eq!(filename(written).as_deref(), Some(name));
        assert_eq!(disposition.without_quotes().to_string(), unquoted);
        assert_eq!(filename(unquoted).as_deref(), Some(name));
    }
}
