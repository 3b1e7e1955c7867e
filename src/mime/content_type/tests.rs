use proptest::prelude::*;

use super::ContentType;

fn parse(value: &str) -> ContentType {
    ContentType::parse(value).unwrap()
}

fn params(content_type: &ContentType) -> Vec<(&str, &str)> {
    content_type.params().collect()
}

/// ENV-32, INT-38, INT-43: field values in the forms that products send.
#[test]
fn fields_of_products_are_read() {
    for (value, essence, expected) in [
        // OpenSSL
        (
            "multipart/signed; protocol=\"application/x-pkcs7-signature\"; micalg=\"sha-256\"; \
             boundary=\"----CF1DA8B5A5E5F5AFB20D6A4E7A5B4D6F\"",
            "multipart/signed",
            &[
                ("protocol", "application/x-pkcs7-signature"),
                ("micalg", "sha-256"),
                ("boundary", "----CF1DA8B5A5E5F5AFB20D6A4E7A5B4D6F"),
            ][..],
        ),
        // Oxalis, Java mail: folded before the boundary
        (
            "multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-1; \r\n\tboundary=\"----=_Part_34_426016548.1445612302735\"",
            "multipart/signed",
            &[
                ("protocol", "application/pkcs7-signature"),
                ("micalg", "sha-1"),
                ("boundary", "----=_Part_34_426016548.1445612302735"),
            ],
        ),
        // INT-30: a boundary with tspecials, without quotes
        (
            "multipart/report; Report-Type=disposition-notification; boundary=----=_Part_1/2:3@host.4",
            "multipart/report",
            &[
                ("report-type", "disposition-notification"),
                ("boundary", "----=_Part_1/2:3@host.4"),
            ],
        ),
        // phase2's boundary, with stray semicolons
        (
            "multipart/signed;boundary=\"boundaryEHSgAQ==\";micalg=sha1;;",
            "multipart/signed",
            &[("boundary", "boundaryEHSgAQ=="), ("micalg", "sha1")],
        ),
        (
            "application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m",
            "application/pkcs7-mime",
            &[("smime-type", "enveloped-data"), ("name", "smime.p7m")],
        ),
        (
            "Application/EDI-X12 ; charset = \"us-ascii\" ; format",
            "application/edi-x12",
            &[("charset", "us-ascii")],
        ),
        (
            "text/plain (comment); charset=utf-8 (Unicode)",
            "text/plain",
            &[("charset", "utf-8")],
        ),
        ("application/edifact", "application/edifact", &[]),
        ("  application/xml;  ", "application/xml", &[]),
        ("text/plain charset=utf-8", "text/plain", &[("charset", "utf-8")]),
    ] {
        let content_type = parse(value);
        assert_eq!(content_type.essence(), essence, "{value}");
        assert_eq!(params(&content_type), expected, "{value}");
    }
}

#[test]
fn value_without_type_and_subtype_is_refused() {
    for value in [
        "", " ", "edi", "/", "a/", "/b", "a/b/c", "a /b", "a\\b", "\"a/b\"", "a/b,c/d", "ä/b", ";a/b", "a/(b)",
    ] {
        assert!(ContentType::parse(value).is_err(), "{value:?}");
    }
    assert_eq!(
        ContentType::parse("edi; x=y").unwrap_err().to_string(),
        "\"edi\" is not a media type"
    );
}

#[test]
fn case_does_not_matter() {
    let content_type = parse("Multipart/SIGNED; BOUNDARY=aB");
    assert!(content_type.is("multipart", "signed"));
    assert!(content_type.is("MULTIPART", "Signed"));
    assert!(!content_type.is("multipart", "report"));
    assert!(!content_type.is("multipart/signed", ""));
    assert_eq!(content_type.param("Boundary"), Some("aB"));
    assert_eq!(content_type.param("bound"), None);
}

/// ENV-35.
#[test]
fn older_names_of_pkcs7_types_are_known() {
    for (value, mime, signature) in [
        ("application/pkcs7-mime", true, false),
        ("application/X-PKCS7-MIME", true, false),
        ("application/pkcs7-signature", false, true),
        ("application/x-pkcs7-signature", false, true),
        ("Application/pkcs-7-Signature", false, true),
        ("application/pkcs10", false, false),
        ("text/pkcs7-mime", false, false),
    ] {
        let content_type = parse(value);
        assert_eq!(content_type.is_pkcs7_mime(), mime, "{value}");
        assert_eq!(content_type.is_pkcs7_signature(), signature, "{value}");
    }
}

/// ENV-59: names as mail libraries encode them.
#[test]
fn name_is_decoded() {
    for (value, name) in [
        ("a/b; name=orders.edi", "orders.edi"),
        ("a/b; name=\"=?iso-8859-1?Q?Gr=FC=DFe=2Eedi?=\"", "Grüße.edi"),
        ("a/b; name==?utf-8?B?R3LDvMOfZS5lZGk=?=", "Grüße.edi"),
        ("a/b; name*=utf-8''Gr%C3%BC%C3%9Fe.edi", "Grüße.edi"),
    ] {
        assert_eq!(parse(value).name().as_deref(), Some(name), "{value}");
    }
    assert_eq!(parse("a/b; filename=x").name(), None);
}

/// ENV-43, INT-38: the value is quoted only where it is not a token, and the type keeps its case.
#[test]
fn types_are_written_on_one_line() {
    let content_type = ContentType::new("application", "EDI-X12")
        .with_param("smime-type", "enveloped-data")
        .with_param("Boundary", "=_a b")
        .with_param("protocol", "application/pkcs7-signature")
        .with_param("x", "a\"b\\c")
        .with_param("y", "a\r\nX: \u{fc}'%")
        .with_param("empty", "")
        .with_param("BOUNDARY", "b==");
    assert_eq!(
        content_type.to_string(),
        "application/EDI-X12; smime-type=enveloped-data; boundary=\"b==\"; \
         protocol=\"application/pkcs7-signature\"; x=\"a\\\"b\\\\c\"; y*=UTF-8''a%0D%0AX%3A%20%C3%BC%27%25; empty=\"\""
    );
    assert_eq!(content_type.essence(), "application/edi-x12");
}

#[test]
#[should_panic(expected = "is not a media type")]
fn type_of_the_program_must_be_a_token() {
    let _ = ContentType::new("text", "plain; x=y");
}

#[test]
#[should_panic(expected = "is not a parameter name")]
fn parameter_name_of_the_program_must_be_an_attribute() {
    let _ = ContentType::new("text", "plain").with_param("name*", "x");
}

/// Values that are written encoded are read after the others.
fn sorted(content_type: &ContentType) -> Vec<(String, String)> {
    let mut params: Vec<_> = content_type
        .params()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    params.sort();
    params
}

proptest! {
    /// SEC-30: any value comes back, from one line of printable ASCII.
    #[test]
    fn written_types_come_back(boundary in any::<String>(), name in "[ -~]{0,20}", other in "\\PC{0,20}") {
        let content_type = ContentType::new("multipart", "Signed")
            .with_param("boundary", boundary)
            .with_param("name", name)
            .with_param("x-other", other);
        let written = content_type.to_string();
        prop_assert!(written.bytes().all(|octet| matches!(octet, b' '..=b'~')), "{written}");
        let read: ContentType = written.parse().unwrap();
        prop_assert_eq!(sorted(&read), sorted(&content_type));
        prop_assert!(written.starts_with("multipart/Signed; "));
        prop_assert_eq!(read.essence(), "multipart/signed");
    }

    /// What was read from anyone is written so that it reads the same.
    #[test]
    fn read_types_come_back(
        rest in "(;| |\t|\r\n|=|\"|\\\\|name|filename|b|\\*|0|1|''|utf-8|%C3|%BC|ü|\\(|=\\?){0,30}",
    ) {
        let content_type = parse(&format!("a/b;{rest}"));
        let read = parse(&content_type.to_string());
        prop_assert_eq!(sorted(&read), sorted(&content_type));
    }
}
