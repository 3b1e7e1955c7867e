//! Signed receipts, from the octets of an HTTP response to what they prove.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test, also where it is no test function"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ediint::cms::Certificate;
use ediint::envelope::{Decoded, Decoder, RefusalReason, TransportFacts, Verdict};
use ediint::mdn::{Expected, Mdn, ReceiptSignature, ReceiptStatus};
use ediint::mime::HeaderBlock;
use ediint::partnership::AcceptPolicy;
use ediint::{DigestAlgorithm, Digester, Limits, MessageId, MicSet};

/// Within the validity of all certificates in tests/data.
fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(2_000_000_000)
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn certificate(name: &str) -> Certificate {
    Certificate::from_pem(&fs::read(data(name)).unwrap()).unwrap()
}

fn response(name: &str) -> (HeaderBlock, Vec<u8>) {
    let head = fs::read(data(&format!("{name}.head"))).unwrap();
    // The status line is no field.
    let start = head.iter().position(|&octet| octet == b'\n').unwrap() + 1;
    let head = HeaderBlock::parse(&head[start..], &Limits::default()).unwrap();
    (head, fs::read(data(&format!("{name}.body"))).unwrap())
}

fn decode(head: &HeaderBlock, body: &[u8]) -> (Decoded, Vec<u8>) {
    let mut decoder = Decoder::new(head.clone(), &[], AcceptPolicy::new(), Limits::default());
    let mut report = Vec::new();
    for piece in body.chunks(7) {
        decoder.update(piece, &mut report).unwrap();
    }
    (decoder.finish(&mut report).unwrap(), report)
}

fn verdict(decoded: &Decoded, signer: &str) -> Verdict {
    let policy = AcceptPolicy::new()
        .without_encryption()
        .allow_weak_digest(DigestAlgorithm::Sha1);
    decoded.judge(
        &[certificate(signer)],
        &policy,
        TransportFacts::new(false, false),
        now(),
    )
}

fn read(decoded: &Decoded, report: &[u8]) -> Mdn {
    let head = decoded.payload_head.as_ref().unwrap();
    assert!(Mdn::is_report(head));
    Mdn::parse(head, report, &Limits::default()).unwrap()
}

fn abc() -> MicSet {
    let mut digester = Digester::new([DigestAlgorithm::Sha256, DigestAlgorithm::Sha1]);
    digester.update(b"abc");
    digester.finish()
}

/// MDN-49, MDN-50, MDN-57, INT-11, INT-12, INT-13, INT-15, INT-39: the signatures of products verify over the report that
/// is read, and what it says is a confirmation.
#[test]
fn signed_receipts_of_products_confirm() {
    for (name, signer, id, digest) in [
        (
            "openas2",
            "made-by-hand/partner.pem",
            "<MYCOMPANY 24112026101500 0001>",
            DigestAlgorithm::Sha256,
        ),
        (
            "mendelson",
            "made-by-hand/partner.pem",
            "<1@mycompany.example>",
            DigestAlgorithm::Sha1,
        ),
        (
            "biztalk",
            "made-by-hand/partner.pem",
            "<1@mycompany.example>",
            DigestAlgorithm::Sha1,
        ),
        (
            "sterling",
            "made-by-hand/partner.pem",
            "<1@mycompany.example>",
            DigestAlgorithm::Sha256,
        ),
    ] {
        let (head, body) = response(&format!("made-by-hand/{name}-signed"));
        let (decoded, report) = decode(&head, &body);
        assert!(
            matches!(verdict(&decoded, signer), Verdict::Accepted(_)),
            "{name}: {decoded:?}"
        );
        let id = MessageId::parse(id).unwrap();
        let mics = abc();
        let expected = Expected::new(&id, &mics, DigestAlgorithm::Sha256);
        assert_eq!(
            read(&decoded, &report).confirm(&expected, ReceiptSignature::Verified),
            ReceiptStatus::Accepted {
                mic: mics.get(digest).unwrap().clone(),
                signed: true
            },
            "{name}"
        );
    }
    let (head, body) = response("pyas2lib/signed-mdn");
    let (decoded, report) = decode(&head, &body);
    assert!(matches!(
        verdict(&decoded, "pyas2lib/receiver-cert.pem"),
        Verdict::Accepted(_)
    ));
    let recorded = fs::read_to_string(data("pyas2lib/signed.mic")).unwrap();
    assert_eq!(read(&decoded, &report).received_content_mic(), Some(recorded.trim()));
}

fn refusal(verdict: &Verdict) -> RefusalReason {
    match verdict {
        Verdict::Refused(refusal) => refusal.reason,
        other => panic!("{other:?}"),
    }
}

/// MDN-49, MDN-50, SEC-16: another signer, an altered report, and reports beside the signed one.
#[test]
fn forged_receipts_are_refused() {
    let (head, body) = response("made-by-hand/sterling-signed");
    let (decoded, _) = decode(&head, &body);
    assert_eq!(
        refusal(&verdict(&decoded, "pyas2lib/receiver-cert.pem")),
        RefusalReason::AuthenticationFailed
    );

    let at = body.windows(3).position(|window| window == b"ung").unwrap();
    let mut altered = body.clone();
    altered[at] = b'v';
    let (decoded, _) = decode(&head, &altered);
    assert_eq!(
        refusal(&verdict(&decoded, "made-by-hand/partner.pem")),
        RefusalReason::IntegrityCheckFailed
    );

    let forged = "Content-Type: message/disposition-notification\r\n\r\n\
                  Original-Message-ID: <2@mycompany.example>\r\n\
                  Disposition: automatic-action/MDN-sent-automatically; processed/error\r\n";
    let around = [forged.as_bytes(), b"\r\n", &body, forged.as_bytes()].concat();
    let (decoded, report) = decode(&head, &around);
    assert!(matches!(
        verdict(&decoded, "made-by-hand/partner.pem"),
        Verdict::Accepted(_)
    ));
    assert_eq!(
        read(&decoded, &report).original_message_id(),
        Some("<1@mycompany.example>")
    );

    let part = format!("--_=9876543210Sterling\r\n{forged}\r\n");
    for beside in [[part.as_bytes(), &body].concat(), {
        let close = b"\r\n--_=9876543210Sterling--\r\n";
        let end = body.len() - close.len();
        [&body[..end], b"\r\n", part.as_bytes(), &close[2..]].concat()
    }] {
        let (decoded, _) = decode(&head, &beside);
        assert!(matches!(
            verdict(&decoded, "made-by-hand/partner.pem"),
            Verdict::Refused(_)
        ));
    }
}
