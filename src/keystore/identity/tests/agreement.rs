//! Content keys by ECDH.

use std::time::SystemTime;

use super::{bob, decrypt, read, unwrap, us};
use crate::algorithm::{ContentCipher, DigestAlgorithm, KeyTransport};
use crate::cms::{
    ContentKey, EnvelopedHead, KeyAgreement, KeyEncryption, KeyWrap, encrypt_content_key, enveloped_prefix,
};
use crate::entropy::{Entropy, SystemEntropy};
use crate::keystore::{Identity, KeyStoreError};

fn party(certificate: &[u8], key: &[u8]) -> Identity {
    Identity::from_pem(certificate, key).unwrap()
}

macro_rules! ecdh {
    ($curve:literal) => {
        (
            party(
                fixture!(concat!("algorithms/", $curve, ".pem")),
                fixture!(concat!("algorithms/", $curve, ".key.pem")),
            ),
            [
                fixture!(concat!("algorithms/ecdh-", $curve, "-sha1.der")),
                fixture!(concat!("algorithms/ecdh-", $curve, "-sha224.der")),
                fixture!(concat!("algorithms/ecdh-", $curve, "-sha256.der")),
                fixture!(concat!("algorithms/ecdh-", $curve, "-sha384.der")),
                fixture!(concat!("algorithms/ecdh-", $curve, "-sha512.der")),
                fixture!(concat!("algorithms/ecdh-", $curve, "-aes192.der")),
                fixture!(concat!("algorithms/ecdh-", $curve, "-aes256.der")),
            ],
        )
    };
}

const SHORT: &[u8] = fixture!("algorithms/content.bin");

/// SMI-26: every curve, digest of the key derivation and key wrap that OpenSSL writes.
#[test]
fn key_agreement_of_openssl_is_decrypted() {
    for (identity, messages) in [ecdh!("p256"), ecdh!("p384"), ecdh!("p521")] {
        for octets in messages {
            let (head, content) = read(octets);
            let [one] = unwrap(&identity, &head).unwrap().try_into().unwrap();
            assert_eq!(decrypt(&head, &content, &one.content_key).unwrap(), SHORT);
        }
    }
    let (p256, _) = ecdh!("p256");
    for octets in [
        fixture!("algorithms/ecdh-cofactor.der"),
        fixture!("algorithms/ecdh-keyid.der"),
    ] {
        let (head, content) = read(octets);
        let [one] = unwrap(&p256, &head).unwrap().try_into().unwrap();
        assert_eq!(decrypt(&head, &content, &one.content_key).unwrap(), SHORT);
    }
}

/// SMI-28: RSA and EC recipients of one message by OpenSSL, and of one by us.
#[test]
fn recipients_of_both_kinds_read_one_message() {
    let ((p256, _), (p384, _)) = (ecdh!("p256"), ecdh!("p384"));
    let (head, content) = read(fixture!("algorithms/mixed.der"));
    assert_eq!(head.recipients.len(), 3);
    let rng = &mut *SystemEntropy.rng();
    let key = ContentKey::generate(ContentCipher::Aes256Cbc, rng);
    let parties = [bob(), p256, p384];
    let ours: Vec<_> = parties
        .iter()
        .map(|party| encrypt_content_key(party.certificate(), KeyTransport::Ecdh, &key, rng).unwrap())
        .collect();
    let (our_head, _) = read(
        &[
            enveloped_prefix(&ours, ContentCipher::Aes256Cbc, &[0; 16], 1).as_slice(),
            &[0],
        ]
        .concat(),
    );
    assert_eq!(our_head.recipients.len(), 3);
    for party in &parties {
        let [one] = unwrap(party, &head).unwrap().try_into().unwrap();
        assert_eq!(decrypt(&head, &content, &one.content_key).unwrap(), SHORT);
        let [one] = unwrap(party, &our_head).unwrap().try_into().unwrap();
        assert_eq!(one.content_key, key);
    }
}

/// SMI-24: EC certificates are encrypted for where the host says so.
#[test]
fn key_agreement_is_asked_for() {
    let rng = &mut *SystemEntropy.rng();
    let (p256, _) = ecdh!("p256");
    for cipher in ContentCipher::ALL {
        let key = ContentKey::generate(cipher, rng);
        for transport in [KeyTransport::RsaPkcs1, KeyTransport::RsaOaep] {
            assert!(encrypt_content_key(p256.certificate(), transport, &key, rng).is_err());
        }
        let recipient = encrypt_content_key(p256.certificate(), KeyTransport::Ecdh, &key, rng).unwrap();
        let [one] = p256
            .unwrap_key(&us(), &[recipient], cipher, SystemTime::now())
            .unwrap()
            .try_into()
            .unwrap();
        assert_eq!(one.content_key, key, "{cipher}");
    }
}

/// SMI-26, SMI-48: ways that are not supported are told, as everybody can see them.
#[test]
fn key_agreement_that_is_not_supported_is_told() {
    let (p256, _) = ecdh!("p256");
    let (head, _) = read(fixture!("algorithms/ecdh-3des.der"));
    assert!(matches!(
        p256.unwrap_key(&us(), &head.recipients, ContentCipher::TripleDesCbc, SystemTime::now()),
        Err(KeyStoreError::UnsupportedKeyTransport(_))
    ));
}

/// SEC-02, SEC-13, SMI-26: a point that is not on the curve, a key that was wrapped under another secret or under one of
/// another length: all of it shows only in the content.
#[test]
fn wrong_key_agreement_shows_only_in_the_content() {
    let (p256, _) = ecdh!("p256");
    let (head, content) = read(fixture!("algorithms/ecdh-p256-sha256.der"));
    let agreement =
        |head: &mut EnvelopedHead, change: fn(&mut KeyAgreement)| match &mut head.recipients[0].key_encryption {
            Some(KeyEncryption::Ecdh(agreement)) => change(agreement),
            other => panic!("{other:?}"),
        };
    let changes: [fn(&mut KeyAgreement); 7] = [
        // Not on the curve.
        |agreement| *agreement.ephemeral_key.last_mut().unwrap() ^= 1,
        // At infinity, empty, on another curve by its length.
        |agreement| agreement.ephemeral_key = vec![0],
        |agreement| agreement.ephemeral_key.clear(),
        |agreement| agreement.ephemeral_key.resize(97, 1),
        |agreement| agreement.kdf = DigestAlgorithm::Sha1,
        |agreement| agreement.shared_info.push(0),
        |agreement| agreement.key_wrap = KeyWrap::Aes256,
    ];
    for change in changes {
        let mut head = head.clone();
        agreement(&mut head, change);
        let [one] = unwrap(&p256, &head).unwrap().try_into().unwrap();
        assert_eq!(one.content_key.as_bytes().len(), 16);
        assert_ne!(decrypt(&head, &content, &one.content_key), Ok(SHORT.to_vec()));
    }
    for encrypted_key in [vec![], vec![1; 7], vec![1; 24], vec![1; 25], vec![1; 4096]] {
        let mut head = head.clone();
        head.recipients[0].encrypted_key = encrypted_key;
        let [one] = unwrap(&p256, &head).unwrap().try_into().unwrap();
        assert_ne!(decrypt(&head, &content, &one.content_key), Ok(SHORT.to_vec()));
    }
    // The key would be right, but is wrapped under one that is longer.
    let (head, content) = read(fixture!("algorithms/ecdh-wrap256-aes128.der"));
    let [one] = unwrap(&p256, &head).unwrap().try_into().unwrap();
    assert_ne!(decrypt(&head, &content, &one.content_key), Ok(SHORT.to_vec()));
}
