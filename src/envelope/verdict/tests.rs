use std::time::Duration;

use super::{RefusalDetail, RefusalReason, TransportFacts, Verdict};
use crate::algorithm::{ContentCipher, DigestAlgorithm, SignatureAlgorithm};
use crate::cms::{Certificate, CertificateId};
use crate::envelope::tests::support::{
    AES, Receiver, SHA256, alice, blueprint, carol, encode, encode_as, lenient, now, structures,
};
use crate::envelope::{Layers, Structure, payload_head};
use crate::mime::{ContentDisposition, ContentType};
use crate::partnership::{AcceptPolicy, Weakness};

fn judge(
    structure: Structure,
    policy: AcceptPolicy,
    certificates: &[Certificate],
    transport: TransportFacts,
) -> Verdict {
    let message = encode(structure, b"payload");
    let receiver = Receiver::new(policy);
    let received = receiver.decode(&message.head, [message.body.as_slice()]);
    received.decoded.judge(certificates, &receiver.policy, transport, now())
}

fn reason(verdict: &Verdict) -> Option<RefusalReason> {
    match verdict {
        Verdict::Accepted(_) => None,
        Verdict::Refused(refusal) => Some(refusal.reason),
    }
}

const NOWHERE: TransportFacts = TransportFacts {
    tls: false,
    authenticated: false,
};

/// SEC-05, SEC-07, SEC-14: the default policy takes what is signed and encrypted, and nothing else.
#[test]
fn default_policy() {
    for structure in structures() {
        let verdict = judge(structure, AcceptPolicy::new(), &[alice()], NOWHERE);
        let expected = match (structure.signature(), structure.encryption()) {
            (Some(_), Some(_)) => None,
            (None, Some(_)) => Some(RefusalReason::DecryptionFailed),
            (_, None) => Some(RefusalReason::InsufficientMessageSecurity),
        };
        assert_eq!(reason(&verdict), expected, "{structure}: {verdict:?}");
        if let Verdict::Refused(refusal) = verdict {
            let unsigned = match structure.encryption() {
                Some(_) => RefusalDetail::NotSigned,
                None if structure.signature().is_none() => RefusalDetail::NotSigned,
                None => RefusalDetail::NotEncrypted,
            };
            assert_eq!(refusal.detail, unsigned, "{structure}");
            // Matrix B: the digest goes along where it can be computed and told.
            assert_eq!(refusal.mic.is_some(), structure.encryption().is_none(), "{structure}");
        }
    }
}

#[test]
fn layers_that_the_policy_demands() {
    let signed: Structure = Layers::payload().sign(SHA256).into();
    let compressed: Structure = Layers::payload().compress().sign(SHA256).into();
    let tls = TransportFacts::new(true, false);
    let refused = Some(RefusalReason::InsufficientMessageSecurity);
    let base = AcceptPolicy::new;
    for (structure, policy, transport, expected) in [
        (signed, base().tls_suffices(), tls, None),
        (signed, base().tls_suffices(), NOWHERE, refused),
        (signed, base(), tls, refused),
        (signed, base().without_encryption().require_compression(), tls, refused),
        (compressed, base().without_encryption().require_compression(), tls, None),
    ] {
        let verdict = judge(structure, policy, &[alice()], transport);
        assert_eq!(reason(&verdict), expected, "{structure}: {verdict:?}");
    }
}

/// SEC-08, SEC-10: a signature by anybody else is not the partner's, wherever its certificate came from, and is no less
/// refused where none is demanded.
#[test]
fn signer_must_be_configured() {
    for structure in [
        Structure::from(Layers::payload().sign(SHA256)),
        Layers::payload().sign(SHA256).encrypt(AES).into(),
    ] {
        for policy in [AcceptPolicy::new().without_encryption(), lenient()] {
            let verdict = judge(structure, policy.clone(), &[carol()], NOWHERE);
            let Verdict::Refused(refusal) = verdict else {
                panic!("accepted");
            };
            assert_eq!(refusal.reason, RefusalReason::AuthenticationFailed);
            assert!(matches!(refusal.detail, RefusalDetail::UnknownSigner(_)));
            let shown = refusal.detail.to_string();
            assert!(shown.contains("(serial number "), "{shown}");
            assert_eq!(refusal.mic.is_some(), structure.encryption().is_none());

            let verdict = judge(structure, policy, &[], NOWHERE);
            assert!(matches!(verdict, Verdict::Refused(refusal) if refusal.detail == RefusalDetail::NoCertificates));
        }
    }
}

/// RFC 4130 §7.5.5: processing continued, if the partner is unknown but what it signed is whole.
#[test]
fn continued_unauthenticated() {
    let policy = AcceptPolicy::new().danger_continue_unauthenticated();
    let structure = Structure::from(Layers::payload().sign(SHA256).encrypt(AES));
    let verdict = judge(structure, policy.clone(), &[carol()], NOWHERE);
    let Verdict::Accepted(acceptance) = verdict else {
        panic!("{verdict:?}");
    };
    assert!(acceptance.continued_unauthenticated && acceptance.unauthenticated);
    assert_eq!(acceptance.signer, None);
    assert_eq!(
        Some(&acceptance.mic),
        encode(structure, b"payload").encoded.mics.first()
    );

    let vouched = judge(structure, policy.clone(), &[carol()], TransportFacts::new(true, true));
    assert!(matches!(vouched, Verdict::Accepted(acceptance) if !acceptance.unauthenticated));

    // The other demands of the policy stand.
    let unencrypted = judge(
        Layers::payload().sign(SHA256).into(),
        policy.clone(),
        &[carol()],
        NOWHERE,
    );
    assert_eq!(reason(&unencrypted), Some(RefusalReason::AuthenticationFailed));
    let sha1 = SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha1);
    let weak = judge(
        Layers::payload().sign(sha1).encrypt(AES).into(),
        policy.clone(),
        &[carol()],
        NOWHERE,
    );
    assert_eq!(reason(&weak), Some(RefusalReason::AuthenticationFailed));

    // And altered content is not delivered.
    let message = encode(Layers::payload().sign(SHA256).into(), b"payload");
    let body = String::from_utf8(message.body).unwrap().replace("payload", "Payload");
    let receiver = Receiver::new(policy.without_encryption());
    let received = receiver.decode(&message.head, [body.as_bytes()]);
    let altered = receiver.judge(&received, &[carol()]);
    assert_eq!(reason(&altered), Some(RefusalReason::AuthenticationFailed));
}

/// KEY-10, SEC-45: out of its validity a certificate counts only by policy, and visibly.
#[test]
fn expired_signer() {
    let message = encode(Layers::payload().sign(SHA256).into(), b"payload");
    let judge = |policy: AcceptPolicy, now| {
        let receiver = Receiver::new(policy);
        let received = receiver.decode(&message.head, [message.body.as_slice()]);
        received.decoded.judge(&[alice()], &receiver.policy, NOWHERE, now)
    };
    let early = alice().not_before() - Duration::from_secs(1);
    let late = alice().not_after() + Duration::from_secs(1);
    let policy = AcceptPolicy::new().without_encryption();
    for time in [early, late] {
        let Verdict::Refused(refusal) = judge(policy.clone(), time) else {
            panic!("accepted");
        };
        assert_eq!(refusal.reason, RefusalReason::AuthenticationFailed);
        assert_eq!(refusal.detail, RefusalDetail::NotValid(alice()));
        let verdict = judge(policy.clone().accept_expired_certificates(), time);
        assert!(matches!(verdict, Verdict::Accepted(acceptance) if acceptance.expired));
    }
    assert!(matches!(judge(policy, now()), Verdict::Accepted(acceptance) if !acceptance.expired));
}

/// SEC-14: weak digests and keys; what is allowed is told.
#[test]
fn weak_signatures() {
    let sha1 = SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha1);
    let policy = || AcceptPolicy::new().without_encryption();
    let structure = Structure::from(Layers::payload().sign(sha1));
    for (structure, policy, detail) in [
        (
            structure,
            policy(),
            Err(RefusalDetail::WeakDigest(DigestAlgorithm::Sha1)),
        ),
        (
            structure,
            policy().allow_weak_digest(DigestAlgorithm::Sha1),
            Ok(vec![Weakness::Digest(DigestAlgorithm::Sha1)]),
        ),
        (
            Layers::payload().sign(sha1).encrypt(ContentCipher::TripleDesCbc).into(),
            policy()
                .allow_weak_digest(DigestAlgorithm::Sha1)
                .allow_weak_cipher(ContentCipher::TripleDesCbc),
            Ok(vec![
                Weakness::Digest(DigestAlgorithm::Sha1),
                Weakness::Cipher(ContentCipher::TripleDesCbc),
            ]),
        ),
        (
            Layers::payload().sign(SHA256).into(),
            policy().min_rsa_bits(2049),
            Err(RefusalDetail::WeakKey(2048)),
        ),
        (
            Layers::payload().sign(SHA256).into(),
            policy().min_rsa_bits(2048),
            Ok(Vec::new()),
        ),
    ] {
        match (judge(structure, policy, &[alice()], NOWHERE), detail) {
            (Verdict::Accepted(acceptance), Ok(weaknesses)) => assert_eq!(acceptance.weaknesses, weaknesses),
            (Verdict::Refused(refusal), Err(detail)) => {
                assert_eq!(refusal.reason, RefusalReason::InsufficientMessageSecurity);
                assert_eq!(refusal.detail, detail);
                assert!(refusal.mic.is_some());
            }
            (verdict, detail) => panic!("{verdict:?} for {detail:?}"),
        }
    }
}

/// ENV-58, INT-32: the payload's own name, not that of a layer around it; the outermost head's only without layers.
#[test]
fn filenames() {
    let receiver = Receiver::new(lenient());
    for structure in structures() {
        let mut message = encode(structure, b"payload");
        if !structure.is_payload_only() {
            message
                .head
                .push("Content-Disposition", "attachment; filename=outer.edi")
                .unwrap();
        }
        let (received, _) = receiver.receive(&message.head, &message.body);
        let name = received.decoded.filename().unwrap();
        assert_eq!(
            (name.raw.as_str(), name.sanitized.as_deref()),
            ("orders.edi", Some("orders.edi")),
            "{structure}"
        );
    }
    for (lines, raw, sanitized) in [
        (
            "Content-Type: a/b; name=\"from type.edi\"\r\n",
            "from type.edi",
            Some("from type.edi"),
        ),
        (
            "Content-Type: a/b; name=type.edi\r\nContent-Disposition: inline; filename*=UTF-8''%C3%9C.edi\r\n",
            "Ü.edi",
            Some("Ü.edi"),
        ),
        (
            "Content-Type: a/b\r\nContent-Disposition: attachment; filename=\"..\\..\\x.edi\"\r\n",
            "..\\..\\x.edi",
            Some("x.edi"),
        ),
        ("Content-Disposition: attachment; filename=\"..\"\r\n", "..", None),
    ] {
        let head = crate::envelope::tests::support::head(lines);
        let name = receiver.receive(&head, b"payload").0.decoded.filename().unwrap();
        assert_eq!(
            (name.raw.as_str(), name.sanitized.as_deref()),
            (raw, sanitized),
            "{lines}"
        );
    }
    let bare = crate::envelope::tests::support::head("Content-Type: a/b\r\nContent-Disposition: attachment\r\n");
    assert_eq!(receiver.receive(&bare, b"payload").0.decoded.filename(), None);
}

/// RCV-03: a file name may be demanded; its lack is told of intact content only.
#[test]
fn filename_that_the_policy_demands() {
    let signed: Structure = Layers::payload().sign(SHA256).encrypt(AES).into();
    let unsigned: Structure = Layers::payload().encrypt(AES).into();
    let unexpected = Some(RefusalReason::UnexpectedProcessingError);
    for (structure, named, expected) in [
        (signed, true, None),
        (signed, false, unexpected),
        (unsigned, true, None),
        (unsigned, false, Some(RefusalReason::DecryptionFailed)),
    ] {
        let kind = ContentType::new("application", "EDIFACT");
        let name = ContentDisposition::attachment("orders.edi");
        let head = payload_head(&kind, Some(&name).filter(|_| named), &[]).unwrap();
        let message = encode_as(blueprint(structure, head), b"payload", usize::MAX);
        let receiver = Receiver::new(lenient().require_filename());
        let received = receiver.decode(&message.head, [message.body.as_slice()]);
        let verdict = received.decoded.judge(&[alice()], &receiver.policy, NOWHERE, now());
        assert_eq!(reason(&verdict), expected, "{structure}, named: {named}: {verdict:?}");
        if let Verdict::Refused(refusal) = verdict {
            assert_eq!(refusal.detail, RefusalDetail::NoFilename);
            assert_eq!(refusal.mic.is_some(), structure.signature().is_some());
        }
    }
}

/// A signer is named by the message: half a megabyte of serial number does not make a megabyte of log.
#[test]
fn names_of_unknown_signers_are_short() {
    let named = |id| RefusalDetail::UnknownSigner(id).to_string();
    let short = named(CertificateId::SubjectKeyIdentifier(vec![0xab; 20]));
    assert!(
        short.ends_with(&format!("(key identifier {})", "ab".repeat(20))),
        "{short}"
    );
    let serial = vec![0xcd; 500_000];
    let long = named(CertificateId::IssuerAndSerial {
        issuer: Vec::new(),
        serial,
    });
    assert!(
        long.contains(&format!("(serial number {}... of ", "cd".repeat(64))),
        "{long}"
    );
}
