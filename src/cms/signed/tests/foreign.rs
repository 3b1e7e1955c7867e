//! Signatures by OpenSSL.

use super::*;

/// SMI-10, SMI-14: what OpenSSL signs verifies under every digest, encapsulated or detached.
#[test]
fn every_digest_verifies() {
    for (octets, digest) in [
        (fixture!("signatures/sha1.der"), DigestAlgorithm::Sha1),
        (fixture!("signatures/sha224.der"), DigestAlgorithm::Sha224),
        (fixture!("signatures/sha256.der"), DigestAlgorithm::Sha256),
        (fixture!("signatures/sha384.der"), DigestAlgorithm::Sha384),
        (fixture!("signatures/sha512.der"), DigestAlgorithm::Sha512),
        (fixture!("cms/signed.der"), DigestAlgorithm::Sha256),
        (fixture!("cms/signed-stream.ber"), DigestAlgorithm::Sha256),
        (fixture!("cms/signed-nocerts.der"), DigestAlgorithm::Sha256),
    ] {
        assert_eq!(verified(&signer_infos(octets), &[alice()]), (alice(), digest));
    }
}

/// SMI-06
#[test]
fn signatures_over_the_bare_digest_verify() {
    for (octets, digest) in [
        (
            fixture!("signatures/sha1-without-attributes.der"),
            DigestAlgorithm::Sha1,
        ),
        (
            fixture!("signatures/sha224-without-attributes.der"),
            DigestAlgorithm::Sha224,
        ),
        (
            fixture!("signatures/sha256-without-attributes.der"),
            DigestAlgorithm::Sha256,
        ),
        (
            fixture!("signatures/sha384-without-attributes.der"),
            DigestAlgorithm::Sha384,
        ),
        (
            fixture!("signatures/sha512-without-attributes.der"),
            DigestAlgorithm::Sha512,
        ),
    ] {
        let check = check_signers(&signer_infos(octets), &[alice()], &digests());
        let expected = SignerCheck::Verified {
            certificate: alice(),
            digest,
            signing_time: None,
        };
        assert_eq!(check, expected);
    }
}

#[test]
fn signing_time_is_that_of_the_clock() {
    let check = check_signers(&signer_infos(fixture!("signatures/sha256.der")), &[alice()], &digests());
    let SignerCheck::Verified {
        signing_time: Some(time),
        ..
    } = check
    else {
        panic!("{check:?}")
    };
    assert!(alice().is_valid_at(time));
}

/// SMI-27
#[test]
fn signers_named_by_key_identifier_are_found() {
    let signer_infos = signer_infos(fixture!("signatures/keyid.der"));
    assert_eq!(verified(&signer_infos, &[alice()]).0, alice());
}

/// SMI-47: one signer of the partner's is enough, wherever it stands.
#[test]
fn one_of_two_signers_is_enough() {
    let bob = certificate(fixture!("cms/bob.der"));
    let mut signer_infos = signer_infos(fixture!("signatures/two.der"));
    assert_eq!(signer_infos.len(), 2);
    for _ in 0..2 {
        assert_eq!(verified(&signer_infos, &[alice()]).0, alice());
        assert_eq!(verified(&signer_infos, std::slice::from_ref(&bob)).0, bob);
        signer_infos.reverse();
    }
    // A broken one beside it does no harm.
    let broken = signer_infos.iter().map(|one| one[..one.len() - 1].to_vec());
    let all: Vec<_> = broken.chain(signer_infos.iter().cloned()).collect();
    assert_eq!(verified(&all, &[alice()]).0, alice());
}

/// SEC-08, KEY-20: only configured certificates count, and the one in the message is not.
#[test]
fn signers_that_are_not_configured_are_unknown() {
    let octets = fixture!("signatures/sha256.der");
    assert_eq!(read(octets).unwrap().certificates, [alice().der().clone()]);
    let carol = certificate(fixture!("cms/carol.der"));
    for configured in [&[][..], &[carol]] {
        let expected = SignerCheck::UnknownSigner {
            id: CertificateId::issuer_and_serial(&alice()),
            digest: Some(DigestAlgorithm::Sha256),
            digest_matches: true,
        };
        assert_eq!(check_signers(&signer_infos(octets), configured, &digests()), expected);
    }
}

/// SEC-09, KEY-19, KEY-20: a certificate with the issuer and serial number of a configured one proves nothing; where
/// both are configured the one whose key signed is found.
#[test]
fn a_certificate_that_only_looks_alike_does_not_verify() {
    let signer_infos = signer_infos(fixture!("signatures/by-lookalike.der"));
    let lookalike = certificate(fixture!("signatures/lookalike.der"));
    assert_eq!(
        CertificateId::issuer_and_serial(&lookalike),
        CertificateId::issuer_and_serial(&alice())
    );
    assert_eq!(failure(&signer_infos, true), SignatureError::Value);
    assert_eq!(
        verified(&signer_infos, &[alice(), lookalike.clone()]),
        (lookalike, DigestAlgorithm::Sha256)
    );
}

/// SMI-05
#[test]
fn changed_content_does_not_verify() {
    let mut digester = Digester::new(DigestAlgorithm::ALL);
    digester.update(&CONTENT[1..]);
    let digests = digester.finish();
    for (octets, expected) in [
        (fixture!("signatures/sha256.der"), SignatureError::ContentDigest),
        (
            fixture!("signatures/sha256-without-attributes.der"),
            SignatureError::Value,
        ),
    ] {
        let check = check_signers(&signer_infos(octets), &[alice()], &digests);
        let failed = SignerCheck::Failed {
            certificate: alice(),
            digest: Some(DigestAlgorithm::Sha256),
            digest_matches: false,
            error: expected,
        };
        assert_eq!(check, failed);
    }
}

/// ENV-45: the error says both names.
#[test]
fn a_digest_that_was_not_computed_is_named() {
    let only_sha1 = MicSet::from_iter([Mic::of(DigestAlgorithm::Sha1, CONTENT)]);
    let check = check_signers(&signer_infos(fixture!("signatures/sha384.der")), &[alice()], &only_sha1);
    let SignerCheck::Failed { error, .. } = check else {
        panic!("{check:?}")
    };
    assert_eq!(
        error.to_string(),
        "the signature is over a sha-384 digest of the content, which was not computed, but sha-1"
    );
}

/// SMI-48, SMI-14: algorithms that are not supported are named.
#[test]
fn unsupported_algorithms_are_named() {
    let sha3 = UnknownAlgorithm::new("2.16.840.1.101.3.4.2.8 (id-sha3-256)");
    let error = failure(&signer_infos(fixture!("signatures/sha3.der")), false);
    assert_eq!(error, SignatureError::UnsupportedDigest(sha3));
}

/// SMI-14, SMI-15: over MD5, in both names of the signature algorithm and over the bare digest too.
#[cfg(feature = "legacy")]
#[test]
fn md5_verifies() {
    let mut digester = Digester::new(DigestAlgorithm::LEGACY.iter().copied());
    digester.update(CONTENT);
    let digests = digester.finish();
    for octets in [
        fixture!("signatures/md5.der"),
        fixture!("legacy/md5-with-rsa.der"),
        fixture!("legacy/md5-without-attributes.der"),
        fixture!("legacy/md5-encapsulated.der"),
    ] {
        let check = check_signers(&signer_infos(octets), &[alice()], &digests);
        let SignerCheck::Verified { digest, .. } = check else {
            panic!("{check:?}")
        };
        assert_eq!(digest, DigestAlgorithm::Md5);
    }
    // Not over other content.
    let other = MicSet::from_iter([Mic::of(DigestAlgorithm::Md5, &CONTENT[1..])]);
    let check = check_signers(&signer_infos(fixture!("signatures/md5.der")), &[alice()], &other);
    assert!(matches!(
        check,
        SignerCheck::Failed {
            error: SignatureError::ContentDigest,
            ..
        }
    ));
}

/// SMI-14, SMI-48
#[cfg(not(feature = "legacy"))]
#[test]
fn md5_needs_the_feature() {
    for octets in [fixture!("signatures/md5.der"), fixture!("legacy/md5-with-rsa.der")] {
        assert_eq!(
            failure(&signer_infos(octets), false).to_string(),
            "the signature's digest: algorithm \"1.2.840.113549.2.5 (id-md5)\" is not supported: it needs the feature \
             `legacy` of ediint"
        );
    }
}

/// SMI-09
#[test]
fn the_named_signing_certificate_must_be_the_one() {
    let octets = fixture!("signatures/signing-certificate.der");
    assert_eq!(verified(&signer_infos(octets), &[alice()]).0, alice());
    // The same key and names in a certificate with other octets.
    let mut other = alice().der().to_vec();
    *other.last_mut().unwrap() ^= 1;
    let check = check_signers(&signer_infos(octets), &[certificate(&other)], &digests());
    let SignerCheck::Failed { error, .. } = check else {
        panic!("{check:?}")
    };
    assert_eq!(error, SignatureError::SigningCertificate);
}

/// SMI-05
#[test]
fn content_of_another_type_is_refused_by_the_reader() {
    assert_eq!(
        read(fixture!("signatures/other-content-type.der")),
        Err(CmsError::UnsupportedContentType(
            "1.2.840.113549.1.7.2 (id-signedData)".to_owned()
        ))
    );
}

/// SEC-12: no octet of the signature may change, and no prefix of a SignerInfo is accepted or panics.
#[test]
fn damaged_signer_infos_do_not_verify() {
    let [signer_info] = signer_infos(fixture!("signatures/sha256.der")).try_into().unwrap();
    for end in 0..signer_info.len() {
        let truncated = signer_info[..end].to_vec();
        assert_eq!(
            check_signers(&[truncated], &[alice()], &digests()),
            SignerCheck::NoSigners
        );
    }
    let verifying: Vec<_> = (0..signer_info.len())
        .filter(|at| {
            let mut damaged = signer_info.clone();
            damaged[*at] ^= 0x01;
            let check = check_signers(&[damaged], &[alice()], &digests());
            matches!(check, SignerCheck::Verified { .. })
        })
        .collect();
    // The version says nothing, nor do the types of the strings in the issuer's name.
    let issuer = signer_info.windows(7).position(|window| window == b"Example").unwrap();
    let name = signer_info.windows(5).position(|window| window == b"alice").unwrap();
    assert_eq!(verifying, [6, issuer - 2, name - 2]);
}
