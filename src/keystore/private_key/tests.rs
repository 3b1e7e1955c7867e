use std::sync::Arc;
use std::time::SystemTime;

use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::PublicKeyParts;

use super::{Keys, PrivateKey, PrivateKeyError, SignError};
use crate::algorithm::{ContentCipher, DigestAlgorithm, KeyTransport, SignatureAlgorithm, SignatureScheme};
use crate::cms::{
    Certificate, CmsEvent, CmsReader, ContentKey, KeyEncryption, KeyError, OaepParameters, PendingSignature,
    RecipientInfo, SignatureOptions, SignerCheck, SigningInput, check_signers, encrypt_content_key, signature_scheme,
};
use crate::entropy::{Entropy, SystemEntropy};
use crate::keystore::{Unwrapped, fast_rsa};
use crate::limits::Limits;
use crate::mic::{Digester, Mic};

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
    let bob = bob();
    for pem in [
        fixture!("keys/pkcs8.pem"),
        fixture!("keys/pkcs1.pem"),
        fixture!("keys/bundle.pem"),
    ] {
        assert_eq!(PrivateKey::from_pem(pem).unwrap().belongs_to(&bob), Ok(true));
    }
    for der in [fixture!("cms/bob.key.der"), fixture!("keys/pkcs1.der")] {
        assert_eq!(PrivateKey::from_der(der).unwrap().belongs_to(&bob), Ok(true));
    }
}

/// Certificates and keys of every kind; the keys of one certificate after another.
fn kinds() -> Vec<(Certificate, Vec<PrivateKey>)> {
    let of = |certificate, keys: &[&[u8]]| {
        let keys = keys.iter().map(|pem| PrivateKey::from_pem(pem).unwrap());
        (Certificate::from_pem(certificate).unwrap(), keys.collect())
    };
    vec![
        of(fixture!("cms/bob.pem"), &[fixture!("keys/pkcs8.pem")]),
        of(
            fixture!("algorithms/p256.pem"),
            &[
                fixture!("algorithms/p256.key.pem"),
                fixture!("algorithms/p256.sec1.pem"),
            ],
        ),
        of(
            fixture!("algorithms/p384.pem"),
            &[
                fixture!("algorithms/p384.key.pem"),
                fixture!("algorithms/p384.sec1.pem"),
            ],
        ),
        of(fixture!("algorithms/p521.pem"), &[fixture!("algorithms/p521.key.pem")]),
        of(fixture!("algorithms/pss.pem"), &[fixture!("algorithms/pss.key.pem")]),
        of(
            fixture!("algorithms/pss-sha256.pem"),
            &[fixture!("algorithms/pss-sha256.key.pem")],
        ),
    ]
}

/// KEY-06: RSA for RSASSA-PSS alone, and EC in PKCS#8 and SEC 1.
#[test]
fn keys_of_every_kind_are_read_and_belong_to_their_certificate_alone() {
    let kinds = kinds();
    for (index, (_, keys)) in kinds.iter().enumerate() {
        for (other, (certificate, _)) in kinds.iter().enumerate() {
            for key in keys {
                assert_eq!(key.belongs_to(certificate), Ok(index == other));
            }
        }
    }
}

/// An RSA key by every back end that is there, `rsa` last.
fn by_every_back_end(der: &[u8]) -> Vec<PrivateKey> {
    let key = rsa::PrivateKey::from_pkcs8_der(der).unwrap();
    let by = |fast| PrivateKey(Arc::new(Keys::Rsa { key: key.clone(), fast }));
    fast_rsa::every(&key).into_iter().map(by).collect()
}

/// PER-04, SMI-16, SMI-25: whatever computes, signatures verify and content keys come out.
#[test]
fn every_back_end_signs_and_decrypts() {
    let (bob, rng) = (bob(), &mut *SystemEntropy.rng());
    let keys = by_every_back_end(fixture!("cms/bob.key.der"));
    let there = [
        cfg!(feature = "aws-lc-rs"),
        cfg!(all(
            feature = "graviola",
            any(target_arch = "x86_64", target_arch = "aarch64")
        )),
        true,
    ];
    // On processors that graviola does not support there is one less.
    let count = there.into_iter().filter(|there| *there).count();
    assert!(keys.len() == count || keys.len() + 1 == count && there[1]);
    for (index, key) in keys.iter().enumerate() {
        for scheme in [SignatureScheme::RsaPkcs1, SignatureScheme::RsaPss] {
            for digest in DigestAlgorithm::ALL {
                let algorithm = SignatureAlgorithm::new(scheme, digest);
                let pending = PendingSignature::new(
                    &bob,
                    algorithm,
                    &Mic::of(digest, b"content"),
                    SignatureOptions::default(),
                );
                let signed = key.sign(algorithm, pending.input()).unwrap();
                assert!(
                    verifies(&pending.complete(&signed), &bob, b"content"),
                    "{index}: {algorithm:?}"
                );
            }
        }
        for digest in DigestAlgorithm::ALL {
            for mgf_digest in [digest, DigestAlgorithm::Sha1] {
                for label in [b"".as_slice(), b"label"] {
                    let mut parameters = OaepParameters::new(digest);
                    parameters.mgf_digest = mgf_digest;
                    parameters.label = label.to_vec();
                    let encrypted = parameters
                        .encrypt(&bob.rsa_public_key().unwrap(), &[7; 32], rng)
                        .unwrap();
                    let recipient = recipient(KeyEncryption::RsaOaep(parameters), &encrypted);
                    assert_eq!(
                        key.decrypt(&recipient).as_deref(),
                        Some(&[7; 32][..]),
                        "{index}: {recipient:?}"
                    );
                }
            }
        }
        let content_key = ContentKey::generate(ContentCipher::Aes128Cbc, rng);
        let mut recipient = encrypt_content_key(&bob, KeyTransport::RsaPkcs1, &content_key, rng).unwrap();
        assert_eq!(key.decrypt(&recipient).unwrap(), content_key.as_bytes());
        for length in [0, 1, 255, 257, 512] {
            recipient.encrypted_key = vec![1; length];
            assert_eq!(key.decrypt(&recipient), None, "{index}");
        }
    }
}

/// SMI-16, SMI-17: what each key signs verifies as a CMS signature by its certificate, and nothing else is signed.
#[test]
fn every_kind_of_key_signs_in_its_own_way() {
    for (certificate, keys) in kinds() {
        for scheme in SignatureScheme::ALL {
            for digest in [
                DigestAlgorithm::Sha256,
                DigestAlgorithm::Sha384,
                DigestAlgorithm::Sha512,
            ] {
                let algorithm = SignatureAlgorithm::new(scheme, digest);
                let content = Mic::of(digest, b"content");
                // By the message, and by its digest.
                for signing_time in [Some(SystemTime::UNIX_EPOCH), None] {
                    let options = SignatureOptions {
                        signing_time,
                        ..SignatureOptions::default()
                    };
                    let pending = PendingSignature::new(&certificate, algorithm, &content, options);
                    let signed = keys[0].sign(algorithm, pending.input());
                    if let Err(error) = certificate.check_signature_algorithm(algorithm) {
                        // The private key does not know what its certificate restricts.
                        assert!(
                            signed.is_err() || error == KeyError::Restricted || scheme == SignatureScheme::RsaPkcs1
                        );
                        continue;
                    }
                    let signed = match signed {
                        // Half of the curve's 521 bits is more than 256.
                        Err(SignError::Ec) if digest == DigestAlgorithm::Sha256 => continue,
                        signed => signed.unwrap(),
                    };
                    assert!(verifies(&pending.complete(&signed), &certificate, b"content"));
                }
            }
        }
    }
}

fn verifies(mut signature: &[u8], certificate: &Certificate, content: &[u8]) -> bool {
    let mut reader = CmsReader::new(&Limits::default());
    let mut digester = Digester::new(DigestAlgorithm::ALL);
    digester.update(content);
    let trailer = loop {
        match reader.next(&mut signature).unwrap() {
            CmsEvent::End(trailer) => break trailer,
            CmsEvent::NeedInput => panic!("truncated"),
            _ => {}
        }
    };
    let check = check_signers(
        &trailer.signer_infos,
        std::slice::from_ref(certificate),
        &digester.finish(),
    );
    matches!(check, SignerCheck::Verified { .. })
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
fn what_is_no_key_is_refused() {
    assert!(matches!(
        PrivateKey::from_pem(fixture!("cms/bob.pem")),
        Err(PrivateKeyError::NoPrivateKey)
    ));
    assert!(matches!(
        PrivateKey::from_pem(b"-----BEGIN PRIVATE KEY-----\nMIIE"),
        Err(PrivateKeyError::Pem(_))
    ));
    let three_primes = PrivateKey::from_pem(fixture!("keys/three-primes.pem"));
    assert!(matches!(three_primes, Err(PrivateKeyError::Malformed(_))));
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
        assert_eq!(key().sign(algorithm, input), Err(SignError::DigestLength));
    }
}

#[cfg(all(feature = "graviola", any(target_arch = "x86_64", target_arch = "aarch64")))]
#[test]
fn the_fast_take_the_keys_that_they_can() {
    let supported = cfg!(feature = "aws-lc-rs") || graviola::util::is_cpu_supported();
    let fast = |pem| matches!(*PrivateKey::from_pem(pem).unwrap().0, Keys::Rsa { fast: Some(_), .. });
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

/// SEC-02, SEC-03: wrong padding is no error, and gives the same content key each time.
#[test]
fn wrong_padding_cannot_be_told_from_right() {
    for key in by_every_back_end(fixture!("cms/bob.key.der")) {
        for ciphertext in [[1; 256], [0x55; 256]] {
            let recipient = recipient(KeyEncryption::RsaPkcs1, &ciphertext);
            let unwrapped = || {
                let decrypted = key.decrypt(&recipient);
                Unwrapped::new(decrypted, &bob(), &recipient, ContentCipher::Aes256Cbc).content_key
            };
            let first = unwrapped();
            assert_eq!(first.as_bytes().len(), 32);
            assert_eq!(unwrapped().as_bytes(), first.as_bytes());
        }
    }
}

#[test]
fn only_what_is_no_ciphertext_is_refused() {
    let key = key();
    for length in [0, 255, 257] {
        let recipient = recipient(KeyEncryption::RsaPkcs1, &vec![1; length]);
        assert_eq!(key.decrypt(&recipient), None);
    }
    let modulus = recipient(KeyEncryption::RsaPkcs1, &bob().rsa_public_key().unwrap().n_bytes());
    assert_eq!(key.decrypt(&modulus), None);
}

/// SMI-24, SMI-25
#[test]
fn every_key_transport_for_rsa_is_decrypted() {
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

/// KEY-05: no message may cost seconds.
#[test]
fn keys_of_enormous_length_are_refused() {
    let huge = include_bytes!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/openssl/keyfiles/huge.key.pem"
    ));
    assert!(matches!(
        PrivateKey::from_pem(huge),
        Err(PrivateKeyError::TooLong(9216))
    ));
}
