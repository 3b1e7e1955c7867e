//! What openssl makes of our RSASSA-PSS, ECDSA, RSAES-OAEP and ECDH. What we make of its own is in `tests/data`.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use ediint::cms::{
    Certificate, ContentEncryptor, ContentKey, PendingSignature, SignatureOptions, encrypt_content_key,
    enveloped_prefix, enveloped_suffix,
};
use ediint::keystore::Identity;
use ediint::{As2Name, ContentCipher, DigestAlgorithm, Entropy, KeyTransport, Mic, SignatureAlgorithm, SystemEntropy};

use super::{fixture, openssl, run, workshop};

/// Certificate and key of a party with a key of some kind.
fn party(name: &str) -> (PathBuf, PathBuf) {
    match name {
        "alice" => (fixture("cms/alice.pem"), fixture("cms/alice.key.der")),
        "bob" => (fixture("cms/bob.pem"), fixture("cms/bob.key.der")),
        _ => (
            fixture(&format!("algorithms/{name}.pem")),
            fixture(&format!("algorithms/{name}.key.pem")),
        ),
    }
}

fn identity(name: &str) -> Identity {
    let (certificate, key) = party(name);
    let (certificate, key) = (fs::read(certificate).unwrap(), fs::read(key).unwrap());
    let key = ediint::keystore::PrivateKey::from_pem(&key).or_else(|_| ediint::keystore::PrivateKey::from_der(&key));
    Identity::new(Certificate::from_pem(&certificate).unwrap(), key.unwrap()).unwrap()
}

fn content() -> Vec<u8> {
    fs::read(fixture("algorithms/content.bin")).unwrap()
}

/// SMI-16, SMI-17
#[test]
fn openssl_verifies_our_pss_and_ecdsa() {
    use SignatureAlgorithm::{Ecdsa, RsaPss};
    let Some(workshop) = workshop() else { return };
    let file = workshop.path().join("signature.der");
    for digest in [
        DigestAlgorithm::Sha256,
        DigestAlgorithm::Sha384,
        DigestAlgorithm::Sha512,
    ] {
        for (name, algorithm) in [
            ("alice", RsaPss(digest)),
            ("pss", RsaPss(digest)),
            ("p256", Ecdsa(digest)),
            ("p384", Ecdsa(digest)),
        ] {
            for protected in [None, Some(false), Some(true)] {
                let identity = identity(name);
                let mut options = SignatureOptions::default();
                if let Some(protected) = protected {
                    options.signing_time = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_489_582));
                    options.algorithm_protection = protected;
                }
                let digested = Mic::of(digest, &content());
                let pending = PendingSignature::new(identity.certificate(), algorithm, &digested, options);
                let us = As2Name::new("US").unwrap();
                let signature = identity
                    .sign(&us, identity.certificate(), algorithm, pending.input())
                    .unwrap();
                fs::write(&file, pending.complete(&signature)).unwrap();
                let arguments = ["cms", "-verify", "-binary", "-inform", "DER", "-noverify", "-nointern"];
                let verified = openssl(
                    &arguments,
                    &[
                        ("-in", &file),
                        ("-content", &fixture("algorithms/content.bin")),
                        ("-certfile", &party(name).0),
                    ],
                );
                assert_eq!(verified, content(), "{name}, {algorithm:?}");
                // So that it can fail.
                let other = run(
                    &arguments,
                    &[
                        ("-in", &file),
                        ("-content", &fixture("cms/content.bin")),
                        ("-certfile", &party(name).0),
                    ],
                );
                assert!(!other.status.success(), "{name}, {algorithm:?}");
            }
        }
    }
}

/// SMI-23, SMI-24, SMI-26, SMI-28: every way to tell a content key, for parties of both kinds, in every cipher.
#[test]
fn openssl_decrypts_for_every_kind_of_key() {
    let Some(workshop) = workshop() else { return };
    let file = workshop.path().join("enveloped.der");
    let rng = &mut *SystemEntropy.rng();
    for cipher in ContentCipher::ALL {
        for (transport, parties) in [
            (KeyTransport::RsaOaep, &["bob"][..]),
            (KeyTransport::Ecdh, &["p256"]),
            (KeyTransport::Ecdh, &["p384"]),
            (KeyTransport::Ecdh, &["p521"]),
            (KeyTransport::Ecdh, &["bob", "p256", "p384", "p521"]),
        ] {
            let key = ContentKey::generate(cipher, rng);
            let mut iv = vec![0; cipher.iv_len()];
            rng.fill_bytes(&mut iv);
            let mut recipients = Vec::new();
            for name in parties {
                let certificate = identity(name).certificate().clone();
                recipients.push(encrypt_content_key(&certificate, transport, &key, rng).unwrap());
            }
            let mut ciphertext = Vec::new();
            let mut encryptor = ContentEncryptor::new(cipher, &key, &iv).unwrap();
            encryptor.update(&content(), &mut ciphertext).unwrap();
            let mac = encryptor.finish(&mut ciphertext);
            let mut octets = enveloped_prefix(&recipients, cipher, &iv, ciphertext.len().try_into().unwrap());
            octets.append(&mut ciphertext);
            octets.extend(enveloped_suffix(&mac));
            fs::write(&file, octets).unwrap();
            for name in parties {
                let (certificate, key) = party(name);
                let decrypted = openssl(
                    &["cms", "-decrypt", "-binary", "-inform", "DER"],
                    &[("-in", &file), ("-recip", &certificate), ("-inkey", &key)],
                );
                assert_eq!(decrypted, content(), "{cipher}, {transport}: {name} of {parties:?}");
            }
        }
    }
}
