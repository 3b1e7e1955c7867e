//! Receipts of the RFC and of products, recorded or imitated.

use super::{ABC_SHA256, Mdn};
use crate::algorithm::DigestAlgorithm;
use crate::limits::Limits;
use crate::mdn::disposition::{Disposition, ErrorModifier};
use crate::mime::{HeaderBlock, HeaderReader, MultipartEvent, MultipartScanner};

macro_rules! fixture {
    ($name:literal) => {
        (
            $name,
            include_bytes!(concat!("../../../../../tests/data/", $name, ".head")).as_slice(),
            include_bytes!(concat!("../../../../../tests/data/", $name, ".body")).as_slice(),
        )
    };
}

type Fixture = (&'static str, &'static [u8], &'static [u8]);

/// The report of a recorded receipt: the signed part, where it is signed.
fn read((name, http, body): Fixture) -> Mdn {
    // The status line is no field.
    let http = http.splitn(2, |&octet| octet == b'\n').nth(1).unwrap();
    let http = HeaderBlock::parse(http, &Limits::default()).unwrap();
    let kind = http.content_type().unwrap().unwrap();
    let parsed = if kind.is("multipart", "signed") {
        assert!(!Mdn::is_report(&http), "{name}");
        let signed = first_part(kind.param("boundary").unwrap(), body);
        let mut report = signed.as_slice();
        let head = HeaderReader::new(&Limits::default())
            .read(&mut report)
            .unwrap()
            .unwrap();
        assert!(Mdn::is_report(&head), "{name}");
        Mdn::parse(&head, report, &Limits::default())
    } else {
        assert!(Mdn::is_report(&http), "{name}");
        Mdn::parse(&http, body, &Limits::default())
    };
    parsed.unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn first_part(boundary: &str, mut body: &[u8]) -> Vec<u8> {
    let mut scanner = MultipartScanner::new(boundary).unwrap();
    let mut part = Vec::new();
    loop {
        match scanner.next(&mut body).unwrap() {
            MultipartEvent::PartData(octets) => part.extend_from_slice(octets),
            MultipartEvent::PartEnd => return part,
            MultipartEvent::NeedInput => panic!("no part"),
            _ => {}
        }
    }
}

/// MDN-05, MDN-57: appendix A.2 of RFC 4130, with folded fields.
#[test]
fn rfc_4130_a2() {
    let mdn = read(fixture!("rfc4130/a2-mdn"));
    assert_eq!(mdn.disposition(), &Disposition::processed());
    assert_eq!(mdn.reporting_ua(), Some("AS2 Server"));
    assert_eq!(mdn.original_recipient(), Some("0123456780000"));
    assert_eq!(mdn.final_recipient(), Some("0123456780000"));
    assert_eq!(
        mdn.original_message_id(),
        Some(r#"<200207310834482A70BF63@\"~~foo~~\">"#)
    );
    assert_eq!(mdn.received_content_mic(), Some("7v7F++fQaNB1sVLFtMRp+dF+eG4=, sha1"));
    assert_eq!(mdn.extensions().count(), 0);
    assert!(mdn.text().starts_with("MDN for -\n Message ID: <2002"));
    assert!(mdn.text().ends_with("receiving\n  translator"));
}

/// MDN-57: appendix A.4, an asynchronous receipt.
#[test]
fn rfc_4130_a4() {
    let mdn = read(fixture!("rfc4130/a4-mdn"));
    assert_eq!(mdn.disposition(), &Disposition::processed());
    assert_eq!(mdn.final_recipient(), Some("\"AS2 Test\""));
    assert_eq!(
        mdn.original_message_id(),
        Some("<#as2_company#01#a4260as2_companyout#>")
    );
    assert_eq!(
        mdn.mic(DigestAlgorithm::Sha256).unwrap().unwrap().algorithm(),
        DigestAlgorithm::Sha1
    );
}

/// MDN-57, INT-15: what pyas2lib sends.
#[test]
fn pyas2lib() {
    for (fixture, id, mic) in [
        (fixture!("pyas2lib/signed-mdn"), "<signed@pyas2.example>", true),
        (
            fixture!("pyas2lib/signed-encrypted-mdn"),
            "<signed-encrypted@pyas2.example>",
            true,
        ),
        (fixture!("pyas2lib/encrypted-mdn"), "<encrypted@pyas2.example>", false),
    ] {
        let mdn = read(fixture);
        assert_eq!(mdn.disposition(), &Disposition::processed());
        assert_eq!(mdn.reporting_ua(), Some("pyAS2 Open Source AS2 Software"));
        assert_eq!(mdn.final_recipient(), Some("receiver"));
        assert_eq!(mdn.original_message_id(), Some(id));
        let expected = mic.then_some("Q/dwh5KTUdFQkCh+CC1VGaBvz4Z22NbCuxoyNqnODfo=, sha256");
        assert_eq!(mdn.received_content_mic(), expected);
        assert_eq!(
            mdn.text(),
            "The AS2 message has been successfully processed. Thank you for exchanging AS2 messages with pyAS2."
        );
    }
}

/// MDN-12, MDN-30, INT-11, INT-12, INT-13, INT-14, INT-16, INT-29, INT-39: receipts in the style of other products.
#[test]
fn receipts_of_products() {
    let error = |reason: &str| Disposition::error(reason.into());
    let sha256 = ABC_SHA256;
    let sha1 = "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=";
    let plain = "<1@mycompany.example>";
    let spaces = "<MYCOMPANY 24112026101500 0001>";
    for (fixture, disposition, id, mic) in [
        (
            fixture!("made-by-hand/openas2-signed"),
            Disposition::processed(),
            spaces,
            Some(format!("{sha256}, sha-256")),
        ),
        (
            fixture!("made-by-hand/openas2-decompression"),
            error("decompresion-failed"),
            spaces,
            None,
        ),
        (
            fixture!("made-by-hand/openas2-unsigned"),
            error("signed-message-required"),
            spaces,
            None,
        ),
        (
            fixture!("made-by-hand/openas2-storing"),
            error("Error storing transaction"),
            spaces,
            None,
        ),
        (
            fixture!("made-by-hand/mendelson-signed"),
            Disposition::processed(),
            plain,
            Some(format!("{sha1}, sha1")),
        ),
        (
            fixture!("made-by-hand/mendelson-unknown-partner"),
            Disposition::error(ErrorModifier::UnknownTradingPartner),
            plain,
            None,
        ),
        (
            fixture!("made-by-hand/mendelson-duplicate"),
            Disposition::error(ErrorModifier::UnexpectedProcessingError),
            plain,
            None,
        ),
        (
            fixture!("made-by-hand/phase2-unknown-partnership"),
            Disposition::error(ErrorModifier::AuthenticationFailed),
            plain,
            None,
        ),
        (
            fixture!("made-by-hand/phase2-decompression"),
            Disposition::error(ErrorModifier::UnexpectedProcessingError),
            plain,
            None,
        ),
        (
            fixture!("made-by-hand/libas2-decryption"),
            Disposition::failure("decryption-failed".into()),
            "1@mycompany.example",
            None,
        ),
        (
            fixture!("made-by-hand/biztalk-signed"),
            Disposition::processed(),
            plain,
            Some(format!("{sha1}, sha1")),
        ),
        (
            fixture!("made-by-hand/sterling-signed"),
            Disposition::processed(),
            plain,
            Some(format!("{sha256},sha-256")),
        ),
    ] {
        let mdn = read(fixture);
        assert_eq!(mdn.disposition(), &disposition, "{}", fixture.0);
        assert_eq!(mdn.original_message_id(), Some(id), "{}", fixture.0);
        assert_eq!(mdn.received_content_mic(), mic.as_deref(), "{}", fixture.0);
        assert!(
            matches!(mdn.final_recipient(), Some("PARTNER" | "Partner AS2")),
            "{}",
            fixture.0
        );
        assert!(!mdn.text().is_empty(), "{}", fixture.0);
    }
}

/// MDN-10, MDN-48: encoded parts in any case, no report-type, other parts beside; the first notification counts.
#[test]
fn encoded_and_additional_parts() {
    let mdn = read(fixture!("made-by-hand/encoded"));
    assert_eq!(mdn.disposition(), &Disposition::processed());
    assert_eq!(mdn.final_recipient(), Some("PARTNER"));
    let mic = mdn.mic(DigestAlgorithm::Sha256).unwrap().unwrap();
    assert_eq!(mic.base64(), ABC_SHA256);
    assert_eq!(mdn.extensions().collect::<Vec<_>>(), [("X-Trace", "17")]);
}

/// MDN-48, INT-39: texts without any header, encoded, nested.
#[test]
fn texts_of_products() {
    assert_eq!(
        read(fixture!("made-by-hand/sterling-signed")).text(),
        "Your message was successfully received and processed."
    );
    assert_eq!(
        read(fixture!("made-by-hand/biztalk-signed")).text(),
        "The message was processed."
    );
    assert_eq!(
        read(fixture!("made-by-hand/encoded")).text(),
        "Ihre Nachricht wurde verarbeitet, zu 100%, Müller."
    );
}
