use rsa::traits::PublicKeyParts;

use super::{PrivateKey, PrivateKeyError};
use crate::algorithm::{ContentCipher, DigestAlgorithm, KeyTransport, SignatureAlgorithm};
use crate::cms::{
    Certificate, ContentKey, KeyEncryption, RecipientInfo, SigningInput, encrypt_content_key, signature_scheme,
};
use crate::entropy::{Entropy, SystemEntropy};
use crate::mic::Mic;

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/openssl/", $name)).as_slice()
    };
}

fn bob() -> Certificate {
    Certificate::from_der(fixture!("cms/bob.der")).unwrap()
}

fn key() -> PrivateKey {
    PrivateKey::from_der(fixture!("cms/bob.key.der")).unwrap()
}

/// KEY-04 (in part): PKCS#8 and PKCS#1, PEM and DER.
#[test]
fn every_form_is_read() {
    let expected = bob().rsa_public_key().unwrap();
    for pem in [
        fixture!("keys/pkcs8.pem"),
        fixture!("keys/pkcs1.pem"),
        fixture!("keys/bundle.pem"),
    ] {
        assert_eq!(*PrivateKey::from_pem(pem).unwrap().public_key(), expected);
    }
    for der in [fixture!("cms/bob.key.der"), fixture!("keys/pkcs1.der")] {
        assert_eq!(*PrivateKey::from_der(der).unwrap().public_key(), expected);
    }
}

#[test]
fn encrypted_keys_are_named() {
    for pem in [
        fixture!("keys/encrypted.pem"),
        fixture!("keys/encrypted-traditional.pem"),
    ] {
        assert!(matches!(PrivateKey::from_pem(pem), Err(PrivateKeyError::Encrypted)));
    }
    assert!(matches!(
        PrivateKey::from_der(fixture!("keys/encrypted.der")),
        Err(PrivateKeyError::Encrypted)
    ));
}

#[test]
fn what_is_no_rsa_key_is_refused() {
    assert!(matches!(
        PrivateKey::from_pem(fixture!("cms/bob.pem")),
        Err(PrivateKeyError::NoPrivateKey)
    ));
    assert!(matches!(
        PrivateKey::from_pem(b"-----BEGIN PRIVATE KEY-----\nMIIE"),
        Err(PrivateKeyError::Pem(_))
    ));
    for pem in [
        fixture!("keys/ec.pem"),
        fixture!("keys/sec1.pem"),
        fixture!("keys/three-primes.pem"),
    ] {
        assert!(matches!(PrivateKey::from_pem(pem), Err(PrivateKeyError::Malformed(_))));
    }
    let key = fixture!("keys/pkcs1.der");
    for der in [
        fixture!("cms/bob.der"),
        &[],
        &[0x30, 0x80],
        &key[..key.len() - 1],
        &[&key[..300], &[0; 300], &key[600..]].concat(),
    ] {
        assert!(matches!(PrivateKey::from_der(der), Err(PrivateKeyError::Malformed(_))));
    }
}

/// KEY-24
#[test]
fn the_key_is_not_printed() {
    assert_eq!(format!("{:?}", key()), "PrivateKey(..)");
}

/// SMI-15: messages and their digests give the same signature, whichever implementation makes it.
#[test]
fn messages_and_digests_are_signed_alike() {
    let message = b"signed attributes";
    for (certificate, key) in [
        (fixture!("keys/rsa1024.pem"), fixture!("keys/rsa1024.key.pem")),
        (fixture!("cms/bob.pem"), fixture!("keys/pkcs8.pem")),
        (fixture!("keys/rsa3072.pem"), fixture!("keys/rsa3072.key.pem")),
    ] {
        let public = Certificate::from_pem(certificate).unwrap().rsa_public_key().unwrap();
        let key = PrivateKey::from_pem(key).unwrap();
        for digest in DigestAlgorithm::ALL {
            let algorithm = SignatureAlgorithm::RsaPkcs1(digest);
            let digested = Mic::of(digest, message);
            let signature = key.sign(algorithm, SigningInput::Message(message)).unwrap();
            assert_eq!(signature.len(), public.size());
            assert_eq!(
                public.verify(signature_scheme(digest), digested.digest(), &signature),
                Ok(())
            );
            assert_eq!(
                key.sign(algorithm, SigningInput::Digest(digested.digest())),
                Ok(signature)
            );
        }
    }
}

#[test]
fn digests_of_the_wrong_length_are_not_signed() {
    let algorithm = SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256);
    for length in [0, 20, 31, 33] {
        let input = SigningInput::Digest(&[0; 64][..length]);
        assert_eq!(key().sign(algorithm, input), Err(rsa::Error::InputNotHashed));
    }
}

#[cfg(all(feature = "graviola", any(target_arch = "x86_64", target_arch = "aarch64")))]
#[test]
fn graviola_takes_the_keys_that_it_can() {
    let supported = graviola::util::is_cpu_supported();
    let fast = |pem| PrivateKey::from_pem(pem).unwrap().0.fast.is_some();
    assert_eq!(fast(fixture!("keys/pkcs8.pem")), supported);
    assert_eq!(fast(fixture!("keys/rsa3072.key.pem")), supported);
    assert!(!fast(fixture!("keys/rsa1024.key.pem")));
}

/// A recipient with this encrypted key.
fn recipient(key_encryption: KeyEncryption, encrypted_key: &[u8]) -> RecipientInfo {
    let rng = &mut *SystemEntropy.rng();
    let key = ContentKey::generate(ContentCipher::Aes256Cbc, rng);
    let mut recipient = encrypt_content_key(&bob(), KeyTransport::RsaPkcs1, &key, rng).unwrap();
    recipient.key_encryption = Some(key_encryption);
    recipient.encrypted_key = encrypted_key.to_vec();
    recipient
}

/// SEC-02, SEC-03: wrong padding is no error, and gives the same octets each time.
#[test]
fn wrong_padding_cannot_be_told_from_right() {
    let key = key();
    for ciphertext in [[1; 256], [0x55; 256]] {
        let recipient = recipient(KeyEncryption::RsaPkcs1, &ciphertext);
        let octets = key.decrypt(&recipient).unwrap();
        assert_eq!(key.decrypt(&recipient), Some(octets));
    }
}

#[test]
fn only_what_is_no_ciphertext_is_refused() {
    let key = key();
    for length in [0, 255, 257] {
        let recipient = recipient(KeyEncryption::RsaPkcs1, &vec![1; length]);
        assert_eq!(key.decrypt(&recipient), None);
    }
    let modulus = recipient(KeyEncryption::RsaPkcs1, &key.public_key().n_bytes());
    assert_eq!(key.decrypt(&modulus), None);
}

/// SMI-24, SMI-25
#[test]
fn every_key_transport_is_decrypted() {
    let rng = &mut *SystemEntropy.rng();
    for transport in KeyTransport::ALL {
        let content_key = ContentKey::generate(ContentCipher::Aes256Cbc, rng);
        let recipient = encrypt_content_key(&bob(), transport, &content_key, rng).unwrap();
        assert_eq!(
            key().decrypt(&recipient).unwrap(),
            content_key.as_bytes(),
            "{transport}"
        );
    }
}
