mod products;

use proptest::prelude::*;

use super::{Mdn, MdnError};
use crate::algorithm::DigestAlgorithm;
use crate::limits::Limits;
use crate::mdn::disposition::{Disposition, DispositionError, ErrorModifier, FailureModifier, WarningModifier};
use crate::mime::{HeaderBlock, HeaderError, MultipartError, TransferError};

const ABC_SHA256: &str = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";

fn head(text: &str) -> HeaderBlock {
    HeaderBlock::parse(text.as_bytes(), &Limits::default()).unwrap()
}

fn parse(content_type: &str, body: &str) -> Result<Mdn, MdnError> {
    let head = head(&format!("Content-Type: {content_type}\r\n"));
    Mdn::parse(&head, body.as_bytes(), &Limits::default())
}

/// A report with nothing but these fields.
fn fields(fields: &str) -> Result<Mdn, MdnError> {
    parse("message/disposition-notification", fields)
}

const REPORT: &str = "multipart/report; report-type=disposition-notification; boundary=b";
const FIELDS: &str = "Disposition: automatic-action/MDN-sent-automatically; processed\r\n";

/// MDN-48: texts without headers, broken, or not there.
#[test]
fn the_text_is_found() {
    let report = |part: &str| {
        let body =
            format!("--b\r\n{part}--b\r\nContent-Type: message/disposition-notification\r\n\r\n{FIELDS}\r\n--b--");
        parse(REPORT, &body).unwrap().text().to_owned()
    };
    // Without headers and without the empty line after none.
    assert_eq!(report("Received.\r\nBye.\r\n"), "Received.\nBye.");
    assert_eq!(report("Status: processed\r\n\r\nBye.\r\n"), "Status: processed\n\nBye.");
    // Broken base64 is no reason to refuse the rest.
    assert_eq!(
        report("Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n!\r\n"),
        ""
    );
    assert_eq!(report("Content-Type: image/png\r\n\r\nx\r\n"), "");
    assert_eq!(report("Content-Type: multipart/mixed; boundary=\r\n\r\nx\r\n"), "");
    assert_eq!(report(""), "");
}

/// MDN-28: the examples of RFC 4130 §7.5.6, `Error`, `Warning` and `Failure` fields folded and repeated.
#[test]
fn reasons_in_fields_of_their_own() {
    let auto = "Disposition: automatic-action/MDN-sent-automatically;";
    let two_errors = "Error: The signature did not decrypt into a valid PKCS#1\r\n  Type-2 block.\r\n\
                      Error: The length of the decrypted key does not equal the\r\n  octet length of the modulus.\r\n";
    let read_errors = [
        "The signature did not decrypt into a valid PKCS#1 Type-2 block.",
        "The length of the decrypted key does not equal the octet length of the modulus.",
    ];
    let mdn = fields(&format!(
        "{auto}\r\n  processed/error: decryption-failed\r\n{two_errors}"
    ))
    .unwrap();
    assert_eq!(mdn.disposition(), &Disposition::error(ErrorModifier::DecryptionFailed));
    assert_eq!(mdn.errors().collect::<Vec<_>>(), read_errors);

    let mdn = fields(&format!(
        "{auto} processed/error\r\nError: authentication-failed\r\n{two_errors}"
    ))
    .unwrap();
    assert_eq!(
        mdn.disposition(),
        &Disposition::error(ErrorModifier::AuthenticationFailed)
    );
    assert_eq!(mdn.errors().count(), 3);

    let mdn = fields(&format!("{auto} processed/warning\r\nwarning: duplicate-document\r\n")).unwrap();
    assert_eq!(
        mdn.disposition(),
        &Disposition::warning(WarningModifier::DuplicateDocument)
    );
    assert_eq!(mdn.warnings().collect::<Vec<_>>(), ["duplicate-document"]);

    let mdn = fields(&format!("{auto} failed\r\nFailure: sender-equals-receiver\r\n")).unwrap();
    assert_eq!(
        mdn.disposition(),
        &Disposition::failure(FailureModifier::SenderEqualsReceiver)
    );
    assert_eq!(mdn.failures().collect::<Vec<_>>(), ["sender-equals-receiver"]);
}

/// MDN-05, MDN-06: any case and order, spaces around colons, lines in LF, empty lines before, other fields and octets kept.
#[test]
fn fields_as_they_come() {
    let mdn = fields(
        "\r\n\nFINAL-RECIPIENT : rfc822;\"A;B\"\ndisposition:automatic-action/mdn-sent-automatically;PROCESSED\n\
         MDN-Gateway: dns; gw\nOriginal-Message-ID:\nReceived-content-MIC: \nFinal-Recipient: rfc822; second\n\nDisposition: x\n",
    )
    .unwrap();
    assert_eq!(mdn.disposition(), &Disposition::processed());
    assert_eq!(mdn.final_recipient(), Some("\"A;B\""));
    assert_eq!(mdn.original_recipient(), None);
    // Empty is as good as missing.
    assert_eq!(mdn.original_message_id(), None);
    assert_eq!(mdn.mic(DigestAlgorithm::Sha256), Ok(None));
    assert_eq!(mdn.extensions().collect::<Vec<_>>(), [("MDN-Gateway", "dns; gw")]);

    let latin = [FIELDS.as_bytes(), b"Error: nicht m\xf6glich\r\n"].concat();
    let head = head("Content-Type: message/disposition-notification\r\n");
    let mdn = Mdn::parse(&head, &latin, &Limits::default()).unwrap();
    assert_eq!(mdn.errors().collect::<Vec<_>>(), ["nicht m\u{fffd}glich"]);
    for (recipient, address) in [
        ("rfc822; ACME", "ACME"),
        ("RFC822;ACME", "ACME"),
        ("ACME", "ACME"),
        ("\"A;B\"", "\"A;B\""),
        ("rfc822; A;B", "A;B"),
    ] {
        let mdn = fields(&format!("{FIELDS}Original-Recipient: {recipient}\r\n")).unwrap();
        assert_eq!(mdn.original_recipient(), Some(address));
    }
}

/// MDN-47, MDN-48: receipts are told from messages and from other reports.
#[test]
fn reports_are_recognised() {
    for (content_type, is_report) in [
        (REPORT, true),
        (
            "Multipart/Report; Report-Type=\"Disposition-Notification\"; boundary=b",
            true,
        ),
        ("multipart/report; boundary=b", true),
        ("message/disposition-notification", true),
        ("multipart/report; report-type=delivery-status; boundary=b", false),
        ("multipart/mixed; boundary=b", false),
        ("multipart/signed; boundary=b", false),
        ("application/edifact", false),
        ("nonsense", false),
    ] {
        let head = head(&format!("Content-Type: {content_type}\r\n"));
        assert_eq!(Mdn::is_report(&head), is_report, "{content_type}");
    }
    assert!(!Mdn::is_report(&HeaderBlock::new()));
    // A request for a receipt does not make one (MDN-46).
    assert!(!Mdn::is_report(&head(
        "Disposition-Notification-To: x\r\nContent-Type: application/edi-x12\r\n"
    )));
}

/// CLI-21, MDN-49: web pages, messages and signed entities whose signature was not taken off are no receipts.
#[test]
fn other_things_are_no_receipts() {
    let not_a_report = |found: &str| {
        Err(MdnError::NotAReport {
            found: found.to_owned(),
        })
    };
    for content_type in [
        "text/html; charset=utf-8",
        "application/edifact",
        "multipart/signed; boundary=b",
    ] {
        let body = format!("--b\r\nContent-Type: message/disposition-notification\r\n\r\n{FIELDS}\r\n--b--\r\n");
        assert_eq!(parse(content_type, &body), not_a_report(content_type));
    }
    assert_eq!(parse(REPORT, "--b\r\n\r\nHello.\r\n--b--\r\n"), not_a_report(REPORT));
    // Only parts of the report itself are its notification: one inside a returned message is the message's.
    let nested = format!(
        "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n\
         --c\r\nContent-Type: message/disposition-notification\r\n\r\n{FIELDS}\r\n--c--\r\n--b--\r\n"
    );
    assert_eq!(parse(REPORT, &nested), not_a_report(REPORT));
    assert_eq!(
        Mdn::parse(&HeaderBlock::new(), b"", &Limits::default()),
        not_a_report("")
    );
}

#[test]
fn faults_are_named() {
    let part = "--b\r\nContent-Type: message/disposition-notification\r\n";
    let whole = format!("{part}\r\n{FIELDS}\r\n--b");
    // Whether a part that is not closed is whole cannot be known: `processed` may go on with `/error`.
    let unclosed = Err(MdnError::Multipart(MultipartError::Unclosed));
    assert_eq!(parse(REPORT, &format!("{part}\r\n{FIELDS}")), unclosed);
    assert!(parse(REPORT, &whole).is_ok());
    assert!(parse(REPORT, &format!("{whole}\r\nand no end")).is_ok());
    assert_eq!(
        parse("multipart/report", &whole),
        Err(MdnError::Multipart(MultipartError::InvalidBoundary))
    );
    assert_eq!(
        parse(
            REPORT,
            &format!("{part}Content-Transfer-Encoding: base64\r\n\r\nDisp\r\nosition!\r\n--b--")
        ),
        Err(MdnError::Transfer(TransferError::InvalidBase64))
    );
    assert_eq!(fields("Final-Recipient: x\r\n"), Err(MdnError::MissingDisposition));
    assert_eq!(fields(""), Err(MdnError::MissingDisposition));
    assert_eq!(
        fields("Disposition: automatic-action/MDN-sent-automatically\r\n"),
        Err(MdnError::Disposition(DispositionError::MissingType(
            "automatic-action/MDN-sent-automatically".to_owned()
        )))
    );
    assert_eq!(
        fields(&format!("{FIELDS}This is no field\r\n")),
        Err(MdnError::Fields(HeaderError::NotAField { line: 2 }))
    );
    let limits = Limits {
        mdn_size: FIELDS.len() - 1,
        ..Limits::default()
    };
    assert_eq!(
        Mdn::parse(
            &head("Content-Type: message/disposition-notification\r\n"),
            FIELDS.as_bytes(),
            &limits
        ),
        Err(MdnError::TooLarge {
            limit: FIELDS.len() - 1
        })
    );
}

/// SEC-16: of two dispositions, identifiers or digests, nobody could say which one the signer meant.
#[test]
fn doubled_fields_are_refused() {
    for (name, value) in [
        (
            "Disposition",
            "automatic-action/MDN-sent-automatically; processed/error",
        ),
        ("Original-Message-ID", "<1@b>"),
        (
            "Received-content-MIC",
            "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=, sha256",
        ),
    ] {
        let doubled = format!("{FIELDS}{name}: {value}\r\n{name}: {value}\r\n");
        assert_eq!(
            fields(&doubled),
            Err(MdnError::Fields(HeaderError::Duplicate { name: name.to_owned() }))
        );
    }
}

/// Many parts and deep nesting end early.
#[test]
fn parts_are_bounded() {
    let many = "--b\r\n\r\nx\r\n".repeat(51) + "--b--\r\n";
    assert_eq!(
        parse(REPORT, &many),
        Err(MdnError::Multipart(MultipartError::TooManyParts))
    );
    let mut nested = "Content-Type: text/plain\r\n\r\ndeep".to_owned();
    for depth in 0..10 {
        nested =
            format!("Content-Type: multipart/mixed; boundary=d{depth}\r\n\r\n--d{depth}\r\n{nested}\r\n--d{depth}--");
    }
    let body =
        format!("--b\r\n{nested}\r\n--b\r\nContent-Type: message/disposition-notification\r\n\r\n{FIELDS}\r\n--b--");
    assert_eq!(parse(REPORT, &body).unwrap().text(), "");
}

proptest! {
    #[test]
    fn any_body_is_read_or_refused(body in any::<Vec<u8>>(), line in "[ -~\r\n]{0,300}") {
        let head = head(&format!("Content-Type: {REPORT}\r\n"));
        let part = b"--b\r\nContent-Type: message/disposition-notification\r\n\r\n";
        let report = [part, line.as_bytes(), &body, b"\r\n--b--"].concat();
        if let Ok(mdn) = Mdn::parse(&head, &report, &Limits::default()) {
            prop_assert!(mdn.extensions().count() <= Limits::default().header_fields);
        }
    }
}
