//! Layers, recipients, digests.

use ediint::cms::CertificateId;
use ediint::diagnose::{CaptureKind, Direction, EntityPart, Layer, LayerDetail, LineEnds, Outcome, Reason};
use ediint::envelope::{As2HeaderError, Fault, RefusalDetail, RefusalReason};
use ediint::partnership::{AcceptPolicy, UnsignedMic};
use ediint::{ContentCipher, DigestAlgorithm, KeyTransport, Mic};

use crate::support::{Host, body_start, certificate, lenient, name, position, read, recorded, replaced};

/// Every structure that pyas2lib sends is shown by layer, and the right digest is the one that it computed itself.
#[tokio::test]
async fn pyas2lib_messages_are_taken_apart() {
    let host = Host::receiver(lenient());
    for (capture, layers, algorithms) in [
        ("plain", &[][..], &[][..]),
        ("compressed", &["compressed"], &["zlib"]),
        ("signed", &["signed"], &["sha-256, rsaEncryption"]),
        ("signed-sha1", &["signed"], &["sha-1, rsaEncryption"]),
        ("signed-sha512-binary", &["signed"], &["sha-512, rsaEncryption"]),
        ("encrypted", &["encrypted"], &["aes256-cbc"]),
        ("encrypted-3des", &["encrypted"], &["3des"]),
        (
            "signed-encrypted",
            &["encrypted", "signed"],
            &["aes256-cbc", "sha-256, rsaEncryption"],
        ),
        (
            "compressed-encrypted",
            &["encrypted", "compressed"],
            &["aes192-cbc", "zlib"],
        ),
        (
            "compressed-signed-encrypted",
            &["encrypted", "signed", "compressed"],
            &["aes128-cbc", "sha-256, rsaEncryption", "zlib"],
        ),
    ] {
        let diagnosis = host.examine(&recorded(&format!("pyas2lib/{capture}"))).await;
        assert_eq!(diagnosis.kind, CaptureKind::Message, "{capture}");
        assert_eq!(diagnosis.direction, Direction::Inbound, "{capture}");
        assert_eq!(diagnosis.from, Some(name("pyas2")), "{capture}");
        assert_eq!(diagnosis.to, Some(name("receiver")), "{capture}");
        let id = diagnosis.message_id.as_ref().unwrap();
        assert_eq!(id.as_str(), format!("<{capture}@pyas2.example>"));
        let names: Vec<_> = diagnosis.layers.iter().map(Layer::name).collect();
        assert_eq!(names, layers, "{capture}");
        let found: Vec<_> = diagnosis.layers.iter().filter_map(Layer::algorithm).collect();
        assert_eq!(found.len(), algorithms.len(), "{capture}: {found:?}");
        for (found, expected) in found.iter().zip(algorithms) {
            assert_eq!(found, expected, "{capture}");
        }
        let payload = diagnosis.payload.as_ref().unwrap();
        let file = if capture.contains("binary") {
            "binary"
        } else {
            "invoice.edi"
        };
        assert_eq!(
            payload.size,
            u64::try_from(read(&format!("pyas2lib/{file}")).len()).unwrap()
        );
        assert!(
            matches!(diagnosis.outcome, Outcome::Accepted | Outcome::Reservation),
            "{capture}: {diagnosis}"
        );
        assert_eq!(diagnosis.mics.iter().filter(|variant| variant.right).count(), 1);
        let right = diagnosis.right_mics().unwrap();
        for digest in DigestAlgorithm::LEGACY.iter().copied().chain(DigestAlgorithm::ALL) {
            assert!(right.get(digest).is_some(), "{capture}: {digest}");
        }
        let theirs = String::from_utf8(read(&format!("pyas2lib/{capture}.mic"))).unwrap();
        if !theirs.trim().is_empty() && capture.contains("signed") {
            let theirs = Mic::parse(&theirs, DigestAlgorithm::Sha256).unwrap();
            assert_eq!(right.get(theirs.algorithm()), Some(&theirs), "{capture}");
            assert_eq!(diagnosis.mic, Some(theirs), "{capture}");
        }
    }
}

/// RFC 4130 §7.3.1, RFC 5402 §4.1: the digest of a signed message is of the signed part; those of what is inside it are
/// there too, and are told apart.
#[tokio::test]
async fn digests_of_inner_and_outer_layers() {
    let diagnosis = Host::receiver(lenient())
        .examine(&recorded("pyas2lib/compressed-signed"))
        .await;
    let invoice = Mic::of(DigestAlgorithm::Sha384, &read("pyas2lib/invoice.edi"));
    let payload = diagnosis.variant_of(&invoice).unwrap();
    assert_eq!(payload.of.part, EntityPart::Content);
    assert_eq!(payload.of.within.unwrap().to_string(), "compressed");
    assert!(payload.form.is_exact() && !payload.right);
    let right = diagnosis.mics.first().unwrap();
    assert_eq!(right.of.within.unwrap().to_string(), "signed");
    assert_eq!(right.of.part, EntityPart::Entity);
}

fn held(layer: &Layer) -> Vec<Option<(String, String)>> {
    let held = layer.recipients().iter().map(|recipient| {
        let held = recipient.held.as_ref()?;
        Some((held.local.to_string(), held.certificate.fingerprint_hex()))
    });
    held.collect()
}

/// Recipients by name, and which of them we are.
#[tokio::test]
async fn recipients_that_we_hold() {
    let host =
        Host::default()
            .openssl_identity("bob")
            .partner("bob", "alice", Some("openssl/cms/alice.pem"), lenient());
    let head = b"AS2-From: alice\r\nAS2-To: bob\r\nAS2-Version: 1.2\r\nMessage-ID: <1@alice>\r\n\
        Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\n";
    let bob = certificate("openssl/cms/bob.pem");
    let ours = Some(("bob".to_owned(), bob.fingerprint_hex()));
    for (file, count) in [
        ("enveloped-aes256.der", 1),
        ("enveloped-keyid.der", 1),
        ("enveloped-three.der", 3),
        ("enveloped-des3-stream.ber", 1),
    ] {
        let capture = [&head[..], &read(&format!("openssl/cms/{file}"))].concat();
        let diagnosis = host.examine(&capture).await;
        let layer = &diagnosis.layers[0];
        let held = held(layer);
        assert_eq!(held.len(), count, "{file}");
        assert_eq!(held.iter().filter(|held| **held == ours).count(), 1, "{file}");
        assert!(diagnosis.header_problems.is_empty(), "{file}: {diagnosis}");
        let by_key = matches!(layer.recipients()[0].id, CertificateId::SubjectKeyIdentifier(_));
        assert_eq!(by_key, file.contains("keyid"), "{file}");
        assert_eq!(layer.recipients()[0].key_transport, Some(KeyTransport::RsaPkcs1));
        let content = read("openssl/cms/content.bin");
        assert_eq!(layer.content_size, Some(u64::try_from(content.len()).unwrap()));
        assert_eq!(
            diagnosis.right_mics().unwrap().get(DigestAlgorithm::Sha1),
            Some(&Mic::of(DigestAlgorithm::Sha1, &content))
        );
    }
}

/// SEC-01: the partner is told the same of all of these; support is told which it was.
#[tokio::test]
async fn why_it_cannot_be_decrypted() {
    let message = recorded("pyas2lib/signed-encrypted");
    let receiver = certificate("pyas2lib/receiver-cert.pem");
    let strict = AcceptPolicy::new;

    let elsewhere = Host::default()
        .partner("receiver", "pyas2", Some("pyas2lib/pyas2-cert.pem"), strict())
        .identity("receiver", "pyas2lib/pyas2");
    let diagnosis = elsewhere.examine(&message).await;
    assert_eq!(diagnosis.told, Some(RefusalReason::DecryptionFailed));
    let Reason::NotForUs { recipients, held } = &diagnosis.reason else {
        panic!("{diagnosis}");
    };
    assert!(recipients[0].matches(&receiver));
    assert_eq!(held[0].certificate, certificate("pyas2lib/pyas2-cert.pem"));
    assert_eq!(held[0].local, name("receiver"));
    let text = diagnosis.reason.to_string();
    assert!(text.starts_with("encrypted for serial number "), "{text}");
    assert!(text.contains(&held[0].certificate.fingerprint_hex()), "{text}");

    let without = Host::default().partner("receiver", "pyas2", Some("pyas2lib/pyas2-cert.pem"), strict());
    let diagnosis = without.examine(&message).await;
    assert!(matches!(&diagnosis.reason, Reason::NotForUs { held, .. } if held.is_empty()));

    // Our other identity holds the key: it is shown what is inside, and refused all the same.
    let two = elsewhere.identity("other", "pyas2lib/receiver");
    let examination = two.examination().pair(name("other"), name("pyas2"));
    let diagnosis = examination.examine(&message).await.unwrap();
    assert_eq!(diagnosis.outcome, Outcome::Refused);
    let Reason::ForAnotherIdentity { addressed, held } = &diagnosis.reason else {
        panic!("{diagnosis}");
    };
    assert_eq!((addressed, &held.local), (&name("receiver"), &name("other")));
    assert_eq!(diagnosis.layers.len(), 2);

    let host = Host::receiver(strict());
    let mut damaged = message.clone();
    // Within the encrypted key: what comes out is noise, and nobody is told that it was the key.
    let rsa = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    let oid = body_start(&message) + position(&message[body_start(&message)..], &rsa);
    damaged[oid + 40] ^= 1;
    let diagnosis = host.examine(&damaged).await;
    assert_eq!(diagnosis.told, Some(RefusalReason::DecryptionFailed));
    assert!(
        matches!(&diagnosis.reason, Reason::Undecryptable(held) if held.certificate == receiver),
        "{diagnosis}"
    );

    let mut transport = message.clone();
    transport[oid + 8] = 0x63;
    let diagnosis = host.examine(&transport).await;
    assert!(matches!(&diagnosis.reason, Reason::KeyTransport(held) if held.certificate == receiver));
    assert_eq!(diagnosis.layers[0].recipients()[0].key_transport, None);

    let cut = &message[..message.len() - 100];
    let diagnosis = host.examine(cut).await;
    assert!(matches!(diagnosis.reason, Reason::Capture(_)), "{diagnosis}");
}

/// SEC-14: what policy refuses is looked into all the same.
#[tokio::test]
async fn refused_by_policy_and_still_opened() {
    let host = Host::receiver(AcceptPolicy::new().without_signature().danger_accept_unsigned_cbc());
    let diagnosis = host.examine(&recorded("pyas2lib/encrypted-3des")).await;
    assert_eq!(diagnosis.outcome, Outcome::Refused);
    assert!(matches!(
        diagnosis.reason,
        Reason::Message(RefusalDetail::Fault(Fault::CipherRefused(ContentCipher::TripleDesCbc)))
    ));
    assert!(diagnosis.right_mics().is_some());
    assert!(diagnosis.reason.advice().contains("AES"));

    let diagnosis = Host::receiver(AcceptPolicy::new())
        .examine(&recorded("pyas2lib/plain"))
        .await;
    assert!(matches!(diagnosis.reason, Reason::Message(RefusalDetail::NotSigned)));
    assert_eq!(diagnosis.told, Some(RefusalReason::InsufficientMessageSecurity));
}

#[tokio::test]
async fn strangers_and_our_own() {
    let diagnosis = Host::default().examine(&recorded("pyas2lib/signed")).await;
    assert_eq!(diagnosis.direction, Direction::Unknown);
    let Reason::NoPartnership {
        from,
        to,
        similar: None,
    } = &diagnosis.reason
    else {
        panic!("{diagnosis}");
    };
    assert_eq!((from, to), (&name("pyas2"), &name("receiver")));
    // Names that nearly are those of a pair.
    let host = Host::default();
    let examination = host.examination().pair(name("Recei ver"), name("PYAS2"));
    let diagnosis = examination.examine(&recorded("pyas2lib/signed")).await.unwrap();
    assert_eq!(
        diagnosis.reason.to_string(),
        r#"no partnership is configured between "pyas2" and "receiver", but one between "PYAS2" and "Recei ver""#
    );
    assert!(matches!(&diagnosis.layers[0].kind, LayerDetail::Signed { signers, .. } if signers.len() == 1));

    let diagnosis = Host::sender(lenient()).examine(&recorded("pyas2lib/signed")).await;
    assert_eq!(diagnosis.direction, Direction::Outbound);
    assert!(matches!(&diagnosis.reason, Reason::SentByUs { partner } if *partner == name("receiver")));

    let unnamed = replaced(&recorded("pyas2lib/signed"), b"AS2-From: pyas2\r\n", b"");
    let diagnosis = Host::receiver(lenient()).examine(&unnamed).await;
    assert!(matches!(
        diagnosis.reason,
        Reason::Head(As2HeaderError::Missing("AS2-From"))
    ));
    assert_eq!(diagnosis.kind, CaptureKind::Message);
}

/// SMI-41: the right digest is that of the partnership.
#[tokio::test]
async fn the_right_digest_as_the_partnership_has_it() {
    let mut form = UnsignedMic::default();
    form.content_only = true;
    form.canonical = true;
    let host = Host::receiver(lenient().unsigned_mic(form));
    let diagnosis = host.examine(&recorded("pyas2lib/compressed")).await;
    let right = &diagnosis.mics[0];
    assert!(right.right);
    assert_eq!(
        (right.of.part, right.form.line_ends),
        (EntityPart::Content, LineEnds::Crlf)
    );
    let invoice = Mic::of(DigestAlgorithm::Sha512, &read("pyas2lib/invoice.edi"));
    assert!(right.contains(&invoice));
}

/// INT-38: what a layer calls itself is not what it is.
#[tokio::test]
async fn layers_under_a_wrong_name() {
    let message = recorded("pyas2lib/encrypted");
    let host = Host::receiver(lenient());
    let named = replaced(&message, b"enveloped-data", b"compressed-data");
    let diagnosis = host.examine(&named).await;
    assert!(
        matches!(&diagnosis.reason, Reason::Message(RefusalDetail::Fault(Fault::SmimeType { declared }))
            if declared == "compressed-data"),
        "{diagnosis}"
    );
    assert_eq!(diagnosis.layers[0].recipients().len(), 1);

    let garbage = [&message[..body_start(&message)], b"no CMS at all"].concat();
    let diagnosis = host.examine(&garbage).await;
    assert_eq!(diagnosis.layers[0].name(), "unread");
    assert_eq!(diagnosis.layers[0].size, 13);
    assert!(diagnosis.right_mics().is_none());
}

/// What people see.
#[tokio::test]
async fn shown_as_a_tree() {
    let host = Host::receiver(AcceptPolicy::new());
    let diagnosis = host.examine(&recorded("pyas2lib/compressed-signed-encrypted")).await;
    let receiver = certificate("pyas2lib/receiver-cert.pem").fingerprint_hex();
    let pyas2 = certificate("pyas2lib/pyas2-cert.pem").fingerprint_hex();
    let text = diagnosis.to_string();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(
        lines[0],
        "message <compressed-signed-encrypted@pyas2.example> from pyas2 to receiver"
    );
    assert!(lines[1].starts_with("  encrypted (aes128-cbc), "), "{text}");
    assert!(lines[2].starts_with("    for serial number "), "{text}");
    assert!(lines[2].ends_with(&format!("(fingerprint {receiver})")), "{text}");
    assert!(lines[3].starts_with("    signed (sha-256, rsaEncryption), "), "{text}");
    assert!(lines[4].contains(": right, by the configured certificate "), "{text}");
    assert!(lines[5].starts_with("      compressed (zlib), "), "{text}");
    assert!(lines[6].starts_with("        application/edifact, "), "{text}");
    assert!(
        lines[7].starts_with("MIC, of the signed entity with its MIME headers ("),
        "{text}"
    );
    assert!(text.contains(&format!("{}\n", diagnosis.mic.as_ref().unwrap())));
    let verdict = lines[lines.len() - 2];
    assert!(
        verdict.starts_with("accepted: the signature is right, by the configured "),
        "{text}"
    );
    assert!(verdict.contains(&pyas2), "{text}");
    let whole = format!("{diagnosis:#}");
    let of_payload = Mic::of(DigestAlgorithm::Sha1, &read("pyas2lib/invoice.edi")).to_string();
    assert!(whole.contains(&of_payload) && !text.contains(&of_payload));
}
