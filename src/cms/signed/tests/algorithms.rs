//! RSASSA-PSS and ECDSA signatures by OpenSSL.

use super::*;
use crate::cms::KeyKind;

const CONTENT: &[u8] = fixture!("algorithms/content.bin");

fn digests() -> MicSet {
    let mut digester = Digester::new(DigestAlgorithm::ALL);
    digester.update(CONTENT);
    digester.finish()
}

fn pem(text: &[u8]) -> Certificate {
    Certificate::from_pem(text).unwrap()
}

fn check(octets: &[u8], certificate: &Certificate) -> Result<DigestAlgorithm, SignatureError> {
    match check_signers(&signer_infos(octets), std::slice::from_ref(certificate), &digests()) {
        SignerCheck::Verified { digest, .. } => Ok(digest),
        SignerCheck::Failed { error, .. } => Err(error),
        other => panic!("{other:?}"),
    }
}

/// SMI-14, SMI-16, SMI-17: every digest, with signed attributes and without, any length of salt.
#[test]
fn signatures_of_openssl_verify() {
    use DigestAlgorithm::{Sha1, Sha224, Sha256, Sha384, Sha512};
    let (p256, p384) = (
        pem(fixture!("algorithms/p256.pem")),
        pem(fixture!("algorithms/p384.pem")),
    );
    let (pss, only_sha256) = (
        pem(fixture!("algorithms/pss.pem")),
        pem(fixture!("algorithms/pss-sha256.pem")),
    );
    for (octets, certificate, digest) in [
        (fixture!("algorithms/signed-pss-sha1.der"), &alice(), Sha1),
        (fixture!("algorithms/signed-pss-sha224.der"), &alice(), Sha224),
        (fixture!("algorithms/signed-pss-sha256.der"), &alice(), Sha256),
        (fixture!("algorithms/signed-pss-sha384.der"), &alice(), Sha384),
        (fixture!("algorithms/signed-pss-sha512.der"), &alice(), Sha512),
        (fixture!("algorithms/signed-pss-salt20.der"), &alice(), Sha256),
        (fixture!("algorithms/signed-pss-noattr.der"), &alice(), Sha256),
        (fixture!("algorithms/signed-pss-key-sha512.der"), &pss, Sha512),
        (fixture!("algorithms/signed-pss-key-sha256.der"), &only_sha256, Sha256),
        (fixture!("algorithms/signed-p256-sha1.der"), &p256, Sha1),
        (fixture!("algorithms/signed-p256-sha224.der"), &p256, Sha224),
        (fixture!("algorithms/signed-p256-sha256.der"), &p256, Sha256),
        (fixture!("algorithms/signed-p256-sha384.der"), &p256, Sha384),
        (fixture!("algorithms/signed-p256-sha512.der"), &p256, Sha512),
        (fixture!("algorithms/signed-p256-noattr.der"), &p256, Sha256),
        (fixture!("algorithms/signed-p384-sha224.der"), &p384, Sha224),
        (fixture!("algorithms/signed-p384-sha256.der"), &p384, Sha256),
        (fixture!("algorithms/signed-p384-sha384.der"), &p384, Sha384),
        (fixture!("algorithms/signed-p384-sha512.der"), &p384, Sha512),
    ] {
        assert_eq!(check(octets, certificate), Ok(digest));
        // The last octet is one of the signature value.
        let mut damaged = octets.to_vec();
        *damaged.last_mut().unwrap() ^= 1;
        assert_eq!(check(&damaged, certificate), Err(SignatureError::Value));
    }
}

/// A signature that `alice` vouches for, checked with the certificate of another key of the same name.
fn check_as(octets: &[u8], certificate: &Certificate) -> SignatureError {
    let mut infos = signer_infos(octets);
    let id = CertificateId::issuer_and_serial(certificate).to_der();
    for info in &mut infos {
        let mut fields = Tlvs(info).any().unwrap().children();
        let version = fields.any().unwrap().raw;
        fields.any().unwrap();
        *info = constructed(tag::SEQUENCE, [version, &id, fields.0]);
    }
    match check_signers(&infos, std::slice::from_ref(certificate), &digests()) {
        SignerCheck::Failed { error, .. } => error,
        other => panic!("{other:?}"),
    }
}

/// SMI-16, SEC-13: a key makes signatures of its own kind only.
#[test]
fn keys_of_other_kinds_are_refused() {
    let (p256, pss, only_sha256) = (
        pem(fixture!("algorithms/p256.pem")),
        pem(fixture!("algorithms/pss.pem")),
        pem(fixture!("algorithms/pss-sha256.pem")),
    );
    let unfit = |needed, found| SignatureError::Key(KeyError::Kind { needed, found });
    let (pkcs1_octets, pss_octets, ecdsa_octets) = (
        fixture!("cms/signed-detached.der"),
        fixture!("algorithms/signed-pss-sha512.der"),
        fixture!("algorithms/signed-p256-sha256.der"),
    );
    assert_eq!(check_as(pss_octets, &p256), unfit(KeyKind::RsaPss, KeyKind::Ec));
    assert_eq!(check_as(ecdsa_octets, &alice()), unfit(KeyKind::Ec, KeyKind::Rsa));
    assert_eq!(
        check_as(pss_octets, &only_sha256),
        SignatureError::Key(KeyError::Restricted)
    );
    // The digest of other content is wrong before the key is.
    assert_eq!(check_as(pkcs1_octets, &pss), SignatureError::ContentDigest);
    let trailer = check_signers(
        &signer_infos(ecdsa_octets),
        &[pem(fixture!("algorithms/p384.pem"))],
        &digests(),
    );
    assert!(matches!(trailer, SignerCheck::UnknownSigner { .. }));
}

/// SMI-16: one digest for content, hash and mask.
#[test]
fn mixed_digests_are_refused() {
    assert!(matches!(
        check(fixture!("algorithms/signed-pss-mgf1-sha1.der"), &alice()),
        Err(SignatureError::UnsupportedSignature(_))
    ));
    // The digest algorithm is another one than that of the parameters.
    let mut infos = signer_infos(fixture!("algorithms/signed-pss-noattr.der"));
    let sha256 = encode(tag::OID, oid::of_digest(DigestAlgorithm::Sha256).0);
    let sha512 = encode(tag::OID, oid::of_digest(DigestAlgorithm::Sha512).0);
    let at = infos[0]
        .windows(sha256.len())
        .position(|window| window == sha256)
        .unwrap();
    infos[0][at..at + sha256.len()].copy_from_slice(&sha512);
    let check = check_signers(&infos, &[alice()], &digests());
    let SignerCheck::Failed { error, .. } = check else {
        panic!("{check:?}")
    };
    assert_eq!(
        error,
        SignatureError::MixedDigests {
            content: DigestAlgorithm::Sha512,
            signature: DigestAlgorithm::Sha256
        }
    );
}
