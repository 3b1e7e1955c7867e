//! Who signed, and what was done to it since.

use ediint::DigestAlgorithm;
use ediint::cms::{Certificate, SignatureError};
use ediint::diagnose::{Diagnosis, FinalLineEnd, HeaderFault, LineEnds, Outcome, Reason, SignedBy, Signer};
use ediint::envelope::{RefusalDetail, RefusalReason};
use ediint::partnership::AcceptPolicy;

use crate::support::{Host, body_start, certificate, lenient, name, now, position, read, recorded, replaced, to_lf};

fn policy() -> AcceptPolicy {
    AcceptPolicy::new().without_encryption()
}

/// A multipart/signed by openssl, which carries alice's certificate, from alice to bob.
fn openssl_signed() -> Vec<u8> {
    let head = b"AS2-From: alice\r\nAS2-To: bob\r\nAS2-Version: 1.2\r\nMessage-ID: <1@alice>\r\n";
    [&head[..], &read("openssl/envelope/signed.eml")].concat()
}

fn bob(configured: Option<&str>) -> Host {
    Host::default()
        .openssl_identity("bob")
        .partner("bob", "alice", configured, policy())
}

fn signer(diagnosis: &Diagnosis) -> &Signer {
    let signers = diagnosis.layers.iter().find(|layer| !layer.signers().is_empty());
    &signers.unwrap().signers()[0]
}

#[tokio::test]
async fn by_a_configured_certificate() {
    let diagnosis = bob(Some("openssl/cms/alice.pem")).examine(&openssl_signed()).await;
    assert_eq!(diagnosis.outcome, Outcome::Accepted, "{diagnosis}");
    let alice = certificate("openssl/cms/alice.pem");
    assert_eq!(signer(&diagnosis).by, SignedBy::Partner(alice.clone()));
    assert!(signer(&diagnosis).over.as_ref().unwrap().right);
    assert_eq!(signer(&diagnosis).digest, Ok(DigestAlgorithm::Sha256));
    assert!(signer(&diagnosis).signing_time.is_some_and(|time| time < now()));
    assert!(signer(&diagnosis).id.matches(&alice));
    assert!(diagnosis.to_string().contains(&alice.fingerprint_hex()));
    assert_eq!(signer(&diagnosis).partner, Some(name("alice")));
    let text = signer(&diagnosis).to_string();
    assert!(
        text.ends_with(&format!("{}) of alice", alice.fingerprint_hex())),
        "{text}"
    );
}

/// SEC-08: the certificate that a message carries is told of, and is no trust.
#[tokio::test]
async fn by_a_certificate_that_is_not_configured() {
    let alice = certificate("openssl/cms/alice.pem");
    for configured in [Some("openssl/cms/carol.pem"), None] {
        let diagnosis = bob(configured).examine(&openssl_signed()).await;
        assert_eq!(diagnosis.outcome, Outcome::Refused);
        assert_eq!(diagnosis.told, Some(RefusalReason::AuthenticationFailed));
        let Reason::SignerNotConfigured { partner, certificate } = &diagnosis.reason else {
            panic!("{diagnosis}");
        };
        assert_eq!((partner, certificate), (&name("alice"), &alice));
        let text = diagnosis.reason.to_string();
        let beginning = "the signature is right, but by a certificate not configured for alice: ";
        assert!(text.starts_with(beginning), "{text}");
        assert!(text.ends_with(&alice.fingerprint_hex()), "{text}");
    }
}

#[tokio::test]
async fn by_another_partner_or_by_ourselves() {
    let host = bob(Some("openssl/cms/carol.pem")).partner("bob", "al", Some("openssl/cms/alice.pem"), policy());
    let examination = host.examination().pair(name("bob"), name("al"));
    let diagnosis = examination.examine(&openssl_signed()).await.unwrap();
    assert!(
        matches!(&diagnosis.reason, Reason::SignerIsAnotherPartner { signer, .. } if *signer == name("al")),
        "{diagnosis}"
    );
    assert_eq!(signer(&diagnosis).partner, Some(name("al")));

    let host = bob(Some("openssl/cms/carol.pem")).openssl_identity("alice");
    let examination = host.examination().pair(name("alice"), name("bob"));
    let diagnosis = examination.examine(&openssl_signed()).await.unwrap();
    assert!(
        matches!(&diagnosis.reason, Reason::SignerIsOurselves(held) if held.local == name("alice")),
        "{diagnosis}"
    );
    assert_eq!(signer(&diagnosis).partner, None);
}

/// Without any certificate of the signer the signed digest still tells whether the content is whole.
#[tokio::test]
async fn by_nobody_that_is_known() {
    let host = bob(Some("openssl/cms/carol.pem"));
    let head = b"AS2-From: alice\r\nAS2-To: bob\r\nAS2-Version: 1.2\r\nMessage-ID: <1@alice>\r\n\
        Content-Type: application/pkcs7-mime; smime-type=signed-data\r\n\r\n";
    let message = [&head[..], &read("openssl/cms/signed-nocerts.der")].concat();
    let changed = replaced(&message, b"LIN+7", b"LIN-7");
    for (capture, whole) in [(&message, true), (&changed, false)] {
        let diagnosis = host.examine(capture).await;
        let Reason::UnknownSigner {
            partner,
            id,
            intact,
            configured,
        } = &diagnosis.reason
        else {
            panic!("{diagnosis}");
        };
        assert_eq!(partner, &name("alice"));
        assert!(id.matches(&certificate("openssl/cms/alice.pem")));
        assert_eq!(*intact, whole);
        assert_eq!(configured, &[certificate("openssl/cms/carol.pem")]);
        assert_eq!(signer(&diagnosis).by, SignedBy::Unknown);
        assert_eq!(signer(&diagnosis).over.is_some(), whole);
    }
}

/// KEY-19: another key under the issuer and serial number of the partner's certificate.
#[tokio::test]
async fn by_a_lookalike() {
    let head = b"AS2-From: alice\r\nAS2-To: bob\r\nAS2-Version: 1.2\r\nMessage-ID: <1@alice>\r\n\
        Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256; boundary=b\r\n\r\n";
    let detached = |signature: &str| {
        let part = b"\r\n--b\r\nContent-Type: application/pkcs7-signature\r\nContent-Transfer-Encoding: binary\r\n\r\n";
        [
            &head[..],
            b"--b\r\n",
            &read("openssl/cms/content.bin"),
            part,
            &read(&format!("openssl/signatures/{signature}")),
            b"\r\n--b--\r\n",
        ]
        .concat()
    };
    let host = bob(Some("openssl/cms/alice.pem"));
    let diagnosis = host.examine(&detached("sha256.der")).await;
    assert_eq!(diagnosis.outcome, Outcome::Accepted, "{diagnosis}");
    let diagnosis = host.examine(&detached("by-lookalike.der")).await;
    let lookalike = Certificate::from_der(&read("openssl/signatures/lookalike.der")).unwrap();
    assert!(
        matches!(&diagnosis.reason, Reason::SignerNotConfigured { certificate, .. } if *certificate == lookalike),
        "{diagnosis}"
    );

    // micalg says one thing, the signature another.
    let diagnosis = host.examine(&detached("sha512.der")).await;
    let fault = HeaderFault::OtherMicalg {
        announced: "sha-256".to_owned(),
        used: "sha-512".to_owned(),
    };
    let problem = diagnosis.header_problems.iter().find(|problem| problem.fault == fault);
    assert_eq!(problem.unwrap().section, "RFC 8551 §3.5.3.2");
    // Its digest was not computed by the receiver; here it was, and the signature is right.
    let Reason::Message(RefusalDetail::Signature { error, .. }) = &diagnosis.reason else {
        panic!("{diagnosis}");
    };
    assert!(matches!(
        error,
        SignatureError::DigestNotComputed {
            named: DigestAlgorithm::Sha512,
            ..
        }
    ));
    assert!(diagnosis.reason.advice().contains("micalg"));
    assert!(matches!(signer(&diagnosis).by, SignedBy::Partner(_)));
}

#[tokio::test]
async fn content_that_was_changed() {
    let host = Host::receiver(policy());
    let changed = replaced(&recorded("pyas2lib/signed"), b"UNA", b"UNB");
    let diagnosis = host.examine(&changed).await;
    assert_eq!(diagnosis.told, Some(RefusalReason::IntegrityCheckFailed));
    let pyas2 = certificate("pyas2lib/pyas2-cert.pem");
    assert!(
        matches!(&diagnosis.reason, Reason::ContentChanged(certificate) if *certificate == pyas2),
        "{diagnosis}"
    );
    assert!(matches!(
        &signer(&diagnosis).by,
        SignedBy::Wrong {
            error: SignatureError::ContentDigest,
            ..
        }
    ));
    assert_eq!(signer(&diagnosis).over, None);

    // The signed part is shown whole, also where its head makes no sense any more.
    let size = diagnosis.layers[0].content_size;
    let changed = replaced(&recorded("pyas2lib/signed"), b"Encoding: 7bit", b"Encoding: 7bat");
    let diagnosis = host.examine(&changed).await;
    assert!(matches!(diagnosis.reason, Reason::ContentChanged(_)), "{diagnosis}");
    assert_eq!(diagnosis.layers[0].content_size, size);
}

/// SMI-12: the receiver copes with LF in text, and says so.
#[tokio::test]
async fn line_ends_that_the_receiver_copes_with() {
    let message = recorded("pyas2lib/signed");
    let (head, body) = message.split_at(body_start(&message));
    let head = replaced(head, b"Content-Length: 2471\r\n", b"");
    let diagnosis = Host::receiver(policy()).examine(&[head, to_lf(body)].concat()).await;
    assert_eq!(diagnosis.outcome, Outcome::Reservation, "{diagnosis}");
    assert!(matches!(
        diagnosis.reason,
        Reason::Accepted {
            canonicalised: true,
            ..
        }
    ));
    let over = signer(&diagnosis).over.as_ref().unwrap();
    assert_eq!(over.form.line_ends, LineEnds::Crlf);
    let mic = diagnosis.mic.as_ref().unwrap();
    assert!(over.contains(mic));
    assert_eq!(
        format!("{mic}"),
        "Q/dwh5KTUdFQkCh+CC1VGaBvz4Z22NbCuxoyNqnODfo=, sha-256"
    );
}

/// INT-17, INT-36, SMI-41: what the receiver does not cope with is explained by the form that verifies.
#[tokio::test]
async fn signed_parts_that_were_rewritten() {
    let message = recorded("pyas2lib/compressed-signed");
    let length = position(&message, b"Content-Length: ");
    let line = message[length..]
        .split(|octet| *octet == b'\n')
        .next()
        .unwrap()
        .to_vec();
    let message = replaced(&message, &[&line[..], b"\n"].concat(), b"");
    let inner = body_start(&message);
    let host = Host::receiver(policy());

    // The MIME headers of the signed part, which is binary.
    let part = inner + position(&message[inner..], b"Content-Type: application/pkcs7-mime");
    let end = part + body_start(&message[part..]);
    let rewritten = [&message[..part], &to_lf(&message[part..end]), &message[end..]].concat();
    let diagnosis = host.examine(&rewritten).await;
    let Reason::SignedPartRewritten { over, .. } = &diagnosis.reason else {
        panic!("{diagnosis}");
    };
    assert_eq!(
        (over.form.line_ends, over.form.end),
        (LineEnds::CrlfInHeaders, FinalLineEnd::AsItIs)
    );
    assert_eq!(diagnosis.told, Some(RefusalReason::IntegrityCheckFailed));
    let text = diagnosis.reason.to_string();
    assert!(
        text.contains(
            "verifies over the signed entity with its MIME headers after LF was turned into CRLF in its MIME"
        ),
        "{text}"
    );

    // An empty line before the boundary.
    let boundary = message[inner..].split(|octet| *octet == b'\r').next().unwrap().to_vec();
    let boundary = [b"\r\n", &boundary[..], b"\r\nContent-Type: application/pkcs7-signature"].concat();
    let padded = replaced(&message, &boundary, &[b"\r\n", &boundary[..]].concat());
    let diagnosis = host.examine(&padded).await;
    assert!(
        matches!(&diagnosis.reason, Reason::SignedPartRewritten { over, .. } if over.form.end == FinalLineEnd::Dropped),
        "{diagnosis}"
    );
}

/// SEC-45: right, and out of its time.
#[tokio::test]
async fn policy_about_right_signatures() {
    let host = bob(Some("openssl/cms/alice.pem"));
    let late = certificate("openssl/cms/alice.pem").not_after() + std::time::Duration::from_secs(1);
    let examination = ediint::diagnose::Examination::new(&host.keys, &host.partners, late);
    let diagnosis = examination.examine(&openssl_signed()).await.unwrap();
    assert_eq!(diagnosis.outcome, Outcome::Refused);
    assert!(diagnosis.reason.to_string().ends_with("is not valid at this time"));
    assert!(
        diagnosis
            .reason
            .advice()
            .starts_with("Ask the partner for its new certificate")
    );

    let diagnosis = Host::receiver(policy())
        .examine(&recorded("pyas2lib/signed-sha1"))
        .await;
    assert!(diagnosis.reason.to_string().contains("sha-1"), "{diagnosis}");
    let diagnosis = Host::receiver(lenient())
        .examine(&recorded("pyas2lib/signed-sha1"))
        .await;
    assert_eq!(diagnosis.outcome, Outcome::Accepted);
}
