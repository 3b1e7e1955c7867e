//! Receipts of products, held against what was sent.

use ediint::diagnose::{
    BodyLength, CaptureKind, Direction, FinalLineEnd, HeaderFault, LineEnds, Outcome, Reason, Sent,
};
use ediint::mdn::{ErrorModifier, ReceiptStatus};
use ediint::partnership::AcceptPolicy;
use ediint::store::SentRecord;
use ediint::{DigestAlgorithm, MessageId, Mic};

use crate::support::{Host, body_start, certificate, lenient, name, now, read, recorded, replaced, to_lf};

fn id(id: &str) -> MessageId {
    MessageId::parse(id).unwrap()
}

/// A host that gets the receipts of made-by-hand.
fn company(configured: Option<&str>) -> Host {
    Host::default()
        .partner("MYCOMPANY", "PARTNER", configured, lenient())
        .partner("My Company", "Partner AS2", configured, lenient())
}

const PARTNER: Option<&str> = Some("made-by-hand/partner.pem");

#[tokio::test]
async fn confirmed_by_the_record_or_by_the_original() {
    let host = Host::sender(lenient());
    let mdn = recorded("pyas2lib/signed-mdn");
    let recorded_mic = String::from_utf8(read("pyas2lib/signed.mic")).unwrap();
    let mic = Mic::parse(&recorded_mic, DigestAlgorithm::Sha256).unwrap();
    let sent = Sent::new().message_id(id("<signed@pyas2.example>"));
    for sent in [
        sent.clone().mics([mic.clone()]),
        sent.original(recorded("pyas2lib/signed")),
        Sent::new().original(recorded("pyas2lib/signed")),
    ] {
        let diagnosis = host.examination().sent(sent).examine(&mdn).await.unwrap();
        assert_eq!(diagnosis.kind, CaptureKind::Mdn);
        assert_eq!(diagnosis.direction, Direction::Inbound);
        assert_eq!(diagnosis.outcome, Outcome::Accepted, "{diagnosis}");
        let receipt = diagnosis.receipt.as_ref().unwrap();
        let expected = ReceiptStatus::Accepted {
            mic: mic.clone(),
            signed: true,
        };
        assert_eq!(receipt.status, Some(expected));
        assert_eq!(receipt.mdn.original_message_id(), Some("<signed@pyas2.example>"));
        assert_eq!(receipt.mic, Ok(Some(mic.clone())));
    }

    let record = SentRecord::new(now(), [mic.clone()].into_iter().collect(), DigestAlgorithm::Sha256);
    let sent = Sent::record(id("<signed@pyas2.example>"), &record);
    let diagnosis = host.examination().sent(sent).examine(&mdn).await.unwrap();
    assert_eq!(diagnosis.outcome, Outcome::Accepted, "{diagnosis}");

    // Nobody can tell what the MIC of an encrypted message is.
    let encrypted = Sent::new().original(recorded("pyas2lib/signed-encrypted"));
    let diagnosis = host.examination().sent(encrypted).examine(&mdn).await.unwrap();
    assert_eq!(diagnosis.outcome, Outcome::Undecided, "{diagnosis}");

    let other = Sent::new().message_id(id("<other@pyas2.example>")).mics([mic]);
    let diagnosis = host.examination().sent(other).examine(&mdn).await.unwrap();
    assert!(matches!(
        diagnosis.reason,
        Reason::Receipt(ReceiptStatus::OtherMessage { .. })
    ));
    assert_eq!(diagnosis.outcome, Outcome::Refused);

    let diagnosis = host.examine(&mdn).await;
    assert_eq!(diagnosis.outcome, Outcome::Undecided);
    assert!(matches!(diagnosis.reason, Reason::ReceiptRead(_)));

    let diagnosis = Host::receiver(lenient()).examine(&mdn).await;
    assert!(matches!(&diagnosis.reason, Reason::SentByUs { partner } if *partner == name("pyas2")));
}

/// The receipt says which form of the message the partner digested.
#[tokio::test]
async fn digests_of_other_forms_of_the_message() {
    // pyas2lib returned the digest of what was signed, CR LF. What our records have left in LF was another thing.
    let message = recorded("pyas2lib/signed");
    let (head, body) = message.split_at(body_start(&message));
    let head = replaced(head, b"Content-Length: 2471\r\n", b"");
    let sent = Sent::new().original([head, to_lf(body)].concat());
    let host = Host::sender(lenient());
    let mdn = recorded("pyas2lib/signed-mdn");
    let diagnosis = host.examination().sent(sent).examine(&mdn).await.unwrap();
    let Reason::MicOfOtherForm { variant, .. } = &diagnosis.reason else {
        panic!("{diagnosis}");
    };
    assert_eq!(variant.form.line_ends, LineEnds::Crlf);
    let text = diagnosis.reason.to_string();
    assert_eq!(
        text,
        "the MIC in this receipt equals ours of the signed entity with its MIME headers after LF was turned into CRLF: \
         the partner rewrote line ends"
    );
    assert!(diagnosis.reason.advice().contains("other line ends"));

    // The products' receipts are for `abc`.
    for (receipt, sent, line_ends, end) in [
        (
            "mendelson-signed",
            &b"abc\r\n"[..],
            LineEnds::AsTheyAre,
            FinalLineEnd::Dropped,
        ),
        ("biztalk-signed", b"abc\n", LineEnds::AsTheyAre, FinalLineEnd::Dropped),
        (
            "sterling-signed",
            b"abc\r\n",
            LineEnds::AsTheyAre,
            FinalLineEnd::Dropped,
        ),
        ("openas2-signed", b"abc\n", LineEnds::AsTheyAre, FinalLineEnd::Dropped),
    ] {
        let capture = recorded(&format!("made-by-hand/{receipt}"));
        let host = company(PARTNER);
        let examination = host.examination().sent(Sent::new().payload(sent));
        let diagnosis = examination.examine(&capture).await.unwrap();
        let Reason::MicOfOtherForm { variant, theirs } = &diagnosis.reason else {
            panic!("{receipt}: {diagnosis}");
        };
        assert_eq!(
            (variant.form.line_ends, variant.form.end),
            (line_ends, end),
            "{receipt}"
        );
        assert_eq!(*theirs, Mic::of(theirs.algorithm(), b"abc"), "{receipt}");
        assert_eq!(diagnosis.receipt.as_ref().unwrap().matching.as_ref(), Some(variant));

        // SMI-39, SMI-40: the body alone, of an entity with headers.
        let entity = Sent::new().original(&b"Content-Type: text/plain\r\n\r\nabc"[..]);
        let diagnosis = host.examination().sent(entity).examine(&capture).await.unwrap();
        assert!(
            matches!(&diagnosis.reason, Reason::MicOfOtherForm { variant, .. } if variant.form.is_exact()),
            "{receipt}: {diagnosis}"
        );
        let encoded = b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nYWJj\r\n";
        let encoded = Sent::new().original(&encoded[..]);
        let diagnosis = host.examination().sent(encoded).examine(&capture).await.unwrap();
        let text = diagnosis.reason.to_string();
        assert!(text.contains("its transfer encoding removed"), "{receipt}: {text}");

        let other = Sent::new().payload(&b"abd"[..]);
        let diagnosis = host.examination().sent(other).examine(&capture).await.unwrap();
        assert!(
            matches!(&diagnosis.reason, Reason::MicUnexplained { searched: true, .. }),
            "{receipt}: {diagnosis}"
        );
        let bare = Sent::new().mics([Mic::of(theirs.algorithm(), b"abd")]);
        let diagnosis = host.examination().sent(bare).examine(&capture).await.unwrap();
        assert!(matches!(
            &diagnosis.reason,
            Reason::MicUnexplained { searched: false, .. }
        ));
    }
}

/// An unsigned receipt of pyas2lib with a digest added.
fn plain_mdn_with(field: &str) -> Vec<u8> {
    let line = format!("\nReceived-content-MIC: {field}\r\nDisposition:");
    replaced(&recorded("pyas2lib/plain-mdn"), b"\nDisposition:", line.as_bytes())
}

/// Every form of a payload that is looked for.
#[tokio::test]
async fn forms_of_line_ends() {
    let host = Host::sender(lenient());
    for (sent, digested, line_ends, end) in [
        ("a\r\nb\r\n", "a\nb\n", LineEnds::Lf, FinalLineEnd::AsItIs),
        ("a\nb\n", "a\r\nb\r\n", LineEnds::Crlf, FinalLineEnd::AsItIs),
        ("a\rb", "a\r\nb", LineEnds::Crlf, FinalLineEnd::AsItIs),
        ("a\r\nb", "a\r\nb\r\n", LineEnds::AsTheyAre, FinalLineEnd::Added),
        ("a\r\nb\n", "a\r\nb", LineEnds::AsTheyAre, FinalLineEnd::Dropped),
        ("a\nb\n", "a\r\nb", LineEnds::Crlf, FinalLineEnd::Dropped),
        ("a\r\nb\r\n", "a\nb", LineEnds::Lf, FinalLineEnd::Dropped),
        ("a\nb", "a\r\nb\r\n", LineEnds::Crlf, FinalLineEnd::Added),
    ] {
        for digest in DigestAlgorithm::ALL {
            let mic = Mic::of(digest, digested.as_bytes());
            let mdn = plain_mdn_with(&mic.to_string());
            let sent = Sent::new().unsigned_receipt().payload(sent);
            let diagnosis = host.examination().sent(sent).examine(&mdn).await.unwrap();
            let Reason::MicOfOtherForm { variant, theirs } = &diagnosis.reason else {
                panic!("{digested:?}: {diagnosis}");
            };
            assert_eq!(
                (variant.form.line_ends, variant.form.end),
                (line_ends, end),
                "{digested:?}"
            );
            assert_eq!((theirs, variant.octets), (&mic, u64::try_from(digested.len()).unwrap()));
        }
    }
}

/// INT-22: a digest under the wrong name is found out by its length.
#[tokio::test]
async fn mislabelled_digest() {
    let mic = Mic::of(DigestAlgorithm::Sha256, b"abc");
    let mdn = plain_mdn_with(&format!("{}, sha1", mic.base64()));
    let sent = Sent::new().unsigned_receipt().payload(&b"abc"[..]);
    let host = Host::sender(lenient());
    let diagnosis = host.examination().sent(sent).examine(&mdn).await.unwrap();
    assert!(
        matches!(&diagnosis.reason, Reason::MicMislabelled { actual: DigestAlgorithm::Sha256, field }
            if field.ends_with(", sha1")),
        "{diagnosis}"
    );
    assert_eq!(diagnosis.outcome, Outcome::Refused);
}

#[tokio::test]
async fn refusals_of_products() {
    for (receipt, text, advice) in [
        (
            "mendelson-unknown-partner",
            "unknown-trading-partner",
            "no partnership under these AS2 names",
        ),
        ("openas2-decompression", "decompresion-failed", "Ask the partner"),
        ("phase2-unknown-partnership", "authentication-failed", "who signed"),
        ("libas2-decryption", "decryption-failed", "present certificate"),
        ("openas2-storing", "Error storing transaction", "Ask the partner"),
    ] {
        let diagnosis = company(None)
            .examine(&recorded(&format!("made-by-hand/{receipt}")))
            .await;
        assert_eq!(diagnosis.kind, CaptureKind::Mdn, "{receipt}");
        assert_eq!(diagnosis.outcome, Outcome::Refused, "{receipt}: {diagnosis}");
        assert!(matches!(diagnosis.reason, Reason::Receipt(ReceiptStatus::Rejected(_))));
        let shown = diagnosis.reason.to_string();
        assert!(shown.contains(text), "{receipt}: {shown}");
        assert!(diagnosis.reason.advice().contains(advice), "{receipt}: {diagnosis}");
    }
}

/// SEC-17: what is signed by somebody else, or changed, confirms nothing, and it is told which it is.
#[tokio::test]
async fn signatures_of_receipts() {
    let sent = || Sent::new().payload(&b"abc"[..]);
    let sterling = recorded("made-by-hand/sterling-signed");
    let partner = certificate("made-by-hand/partner.pem");

    let host = company(PARTNER);
    let diagnosis = host.examination().sent(sent()).examine(&sterling).await.unwrap();
    assert_eq!(diagnosis.outcome, Outcome::Accepted, "{diagnosis}");

    let wrong = company(Some("pyas2lib/pyas2-cert.pem"));
    let diagnosis = wrong.examination().sent(sent()).examine(&sterling).await.unwrap();
    assert_eq!(diagnosis.outcome, Outcome::Refused);
    assert!(
        matches!(&diagnosis.reason, Reason::SignerNotConfigured { certificate, .. } if *certificate == partner),
        "{diagnosis}"
    );

    let changed = replaced(
        &recorded("made-by-hand/mendelson-signed"),
        b"; processed",
        b";  processed",
    );
    let diagnosis = host.examination().sent(sent()).examine(&changed).await.unwrap();
    assert!(
        matches!(&diagnosis.reason, Reason::ContentChanged(certificate) if *certificate == partner),
        "{diagnosis}"
    );

    let mdn = recorded("pyas2lib/signed-mdn");
    for missing in [700, 2600] {
        let cut = &mdn[..mdn.len() - missing];
        let diagnosis = Host::sender(lenient()).examine(cut).await;
        assert!(
            matches!(diagnosis.reason, Reason::Capture(BodyLength::Truncated { .. })),
            "{diagnosis}"
        );
        assert_eq!(diagnosis.outcome, Outcome::Refused);
    }

    // MDN-50: right, by a certificate that is out of its time.
    let host = company(PARTNER);
    let late = partner.not_after() + std::time::Duration::from_secs(1);
    let examination = ediint::diagnose::Examination::new(&host.keys, &host.partners, late);
    let diagnosis = examination.examine(&sterling).await.unwrap();
    assert_eq!(diagnosis.outcome, Outcome::Refused);
    let refused = Reason::Receipt(ReceiptStatus::InvalidSignature(ErrorModifier::AuthenticationFailed));
    assert_eq!(diagnosis.reason.to_string(), refused.to_string());

    let strict = Host::sender(AcceptPolicy::new());
    let unsigned = recorded("pyas2lib/signed-encrypted-mdn");
    let diagnosis = strict.examination().sent(sent()).examine(&unsigned).await.unwrap();
    assert!(matches!(diagnosis.reason, Reason::Receipt(ReceiptStatus::Unsigned)));
}

/// RFC 4130 A.4 is broken in many ways: what can be read is shown.
#[tokio::test]
async fn receipt_of_the_rfc() {
    let capture = [read("rfc4130/a4-mdn.head"), read("rfc4130/a4-mdn.body")].concat();
    let diagnosis = Host::default().examine(&capture).await;
    assert_eq!(diagnosis.kind, CaptureKind::Mdn, "{diagnosis}");
    assert_eq!(diagnosis.from, Some(name("AS2 Test")));
    let receipt = diagnosis.receipt.as_ref().unwrap();
    assert_eq!(
        receipt.mdn.received_content_mic(),
        Some("Hes6my+vIxIYxmvsA+MNpEOTPAc=, sha1")
    );
    // The RFC shows less than the Content-Length of the recording.
    assert!(matches!(
        diagnosis.reason,
        Reason::Capture(BodyLength::Truncated { .. })
    ));
}

/// RFC 4130 §6.2: OpenAS2 sends names with spaces, unquoted.
#[tokio::test]
async fn unquoted_names_are_told_of() {
    let diagnosis = company(PARTNER).examine(&recorded("made-by-hand/openas2-signed")).await;
    let unquoted = |problem: &&ediint::diagnose::HeaderProblem| problem.fault == HeaderFault::Unquoted;
    let problems: Vec<_> = diagnosis.header_problems.iter().filter(unquoted).collect();
    assert_eq!(problems.len(), 2);
    assert!(
        problems[0]
            .to_string()
            .ends_with("holds spaces but no quotes (RFC 4130 §6.2)")
    );
}
