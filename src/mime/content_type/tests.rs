use super::ContentType;

fn parse(value: &str) -> ContentType {
    ContentType::parse(value).unwrap()
}

/// ENV-33: compared in any case, kept as written: products compare it with case.
#[test]
fn types_are_compared_without_case() {
    for written in ["application/EDI-X12", "APPLICATION/edi-x12", "Application/Edi-X12"] {
        let kind = parse(&format!(" {written} ; charset=us-ascii"));
        assert!(kind.is("application", "edi-x12") && kind.is("APPLICATION", "EDI-X12"));
        assert!(!kind.is("application", "edifact"));
        assert_eq!(kind.essence(), "application/edi-x12");
        assert_eq!(kind.to_string(), format!("{written}; charset=us-ascii"));
    }
}

/// ENV-35, ENV-44: older names, and the misspelling of RFC 4130 §7.1.
#[test]
fn names_of_the_pkcs7_types() {
    for (written, mime, signature) in [
        ("application/pkcs7-mime", true, false),
        ("Application/X-PKCS7-mime", true, false),
        ("application/pkcs7-signature", false, true),
        ("application/x-pkcs7-signature", false, true),
        ("application/pkcs-7-signature", false, true),
        ("application/pkcs10", false, false),
        ("text/pkcs7-mime", false, false),
    ] {
        let kind = parse(written);
        assert_eq!(
            (kind.is_pkcs7_mime(), kind.is_pkcs7_signature()),
            (mime, signature),
            "{written}"
        );
    }
}

/// ENV-32, INT-12: mendelson, Oxalis and JavaMail write them like this.
#[test]
fn parameters() {
    let kind = parse(
        "multipart/signed;protocol=\"application/pkcs7-signature\";micalg=sha-1; \
         boundary=\"----=_Part_0_16.13\";\r\n\tx-unknown=1;",
    );
    assert_eq!(kind.param("Protocol"), Some("application/pkcs7-signature"));
    assert_eq!(kind.param("micalg"), Some("sha-1"));
    assert_eq!(kind.param("boundary"), Some("----=_Part_0_16.13"));
    assert_eq!(kind.param("report-type"), None);
    assert_eq!(
        kind.params().map(|(name, _)| name).collect::<Vec<_>>(),
        ["protocol", "micalg", "boundary", "x-unknown"]
    );
    // The space instead of the semicolon.
    assert_eq!(parse("text/plain charset=us-ascii").param("charset"), Some("us-ascii"));
}

#[test]
fn what_is_no_media_type_is_refused() {
    for value in [
        "",
        "text",
        "text/",
        "/plain",
        "te xt/plain",
        "text/pl@in",
        "a/b/c",
        ";a=1",
        "\"a/b\"",
    ] {
        let error = ContentType::parse(value).unwrap_err();
        assert!(error.to_string().ends_with("is not a media type"), "{value:?}");
    }
}

/// ENV-31, ENV-43: one line, with the quotes of RFC 2045 §5.1.
#[test]
fn is_written_on_one_line() {
    let kind = ContentType::new("multipart", "signed")
        .with_param("protocol", "application/pkcs7-signature")
        .with_param("micalg", "sha-1")
        .with_param("Micalg", "sha-256")
        .with_param("boundary", "=_a'b c");
    assert_eq!(
        kind.to_string(),
        "multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256; boundary=\"=_a'b c\""
    );
    assert_eq!(parse(&kind.to_string()), kind);
}

/// ENV-58.
#[test]
fn the_name_is_decoded() {
    let kind = parse("application/edifact; name=\"=?ISO-8859-1?Q?Gr=FC=DFe.edi?=\"");
    assert_eq!(kind.name().as_deref(), Some("Grüße.edi"));
}

#[test]
#[should_panic(expected = "a b/c is not a media type")]
fn a_type_of_the_program_text_must_be_one() {
    let _ = ContentType::new("a b", "c");
}
