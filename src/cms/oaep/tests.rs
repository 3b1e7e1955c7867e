use rsa::PrivateKey;
use rsa::pkcs8::DecodePrivateKey;

use super::OaepParameters;
use crate::algorithm::{ContentCipher, DigestAlgorithm, KeyTransport};
use crate::cms::tlv::{BadTlv, Tlvs};
use crate::cms::{
    Certificate, CmsEvent, CmsReader, ContentDecryptor, ContentKey, ContentMac, EnvelopedHead, KeyEncryption, KeyError,
    RecipientInfo, encrypt_content_key,
};
use crate::entropy::{Entropy, SystemEntropy};
use crate::limits::Limits;

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/openssl/", $name)).as_slice()
    };
}

fn bob() -> Certificate {
    Certificate::from_der(fixture!("cms/bob.der")).unwrap()
}

fn bob_key() -> PrivateKey {
    PrivateKey::from_pkcs8_der(fixture!("cms/bob.key.der")).unwrap()
}

fn read(mut octets: &[u8]) -> (EnvelopedHead, Vec<u8>) {
    let mut reader = CmsReader::new(&Limits::default());
    let Ok(CmsEvent::Enveloped(head)) = reader.next(&mut octets) else {
        panic!("not enveloped")
    };
    let Ok(CmsEvent::Content(content)) = reader.next(&mut octets) else {
        panic!("no content")
    };
    (head, content.to_vec())
}

fn parameters(recipient: &RecipientInfo) -> &OaepParameters {
    match &recipient.key_encryption {
        Some(KeyEncryption::RsaOaep(parameters)) => parameters,
        other => panic!("{other:?}"),
    }
}

fn decrypt(recipient: &RecipientInfo, encrypted: &[u8]) -> Option<Vec<u8>> {
    parameters(recipient).decrypt(&bob_key(), encrypted, &mut *SystemEntropy.rng())
}

/// SMI-25: what OpenSSL leaves out, what it names, digests that differ, and a label.
#[test]
fn every_set_of_parameters_is_read() {
    use DigestAlgorithm::{Sha1, Sha224, Sha256, Sha384, Sha512};
    for (octets, digest, mgf_digest, label) in [
        (fixture!("algorithms/oaep-default.der"), Sha1, Sha1, ""),
        (fixture!("algorithms/oaep-sha1.der"), Sha1, Sha1, ""),
        (fixture!("algorithms/oaep-sha224.der"), Sha224, Sha224, ""),
        (fixture!("algorithms/oaep-sha256.der"), Sha256, Sha256, ""),
        (fixture!("algorithms/oaep-sha384.der"), Sha384, Sha384, ""),
        (fixture!("algorithms/oaep-sha512.der"), Sha512, Sha512, ""),
        (fixture!("algorithms/oaep-sha256-mgf1-sha1.der"), Sha256, Sha1, ""),
        (fixture!("algorithms/oaep-sha1-mgf1-sha512.der"), Sha1, Sha512, ""),
        (fixture!("algorithms/oaep-label.der"), Sha1, Sha1, "ediint"),
    ] {
        let (head, content) = read(octets);
        let [recipient] = head.recipients.as_slice() else {
            panic!("{:?}", head.recipients)
        };
        let expected = OaepParameters {
            digest,
            mgf_digest,
            label: label.into(),
        };
        assert_eq!(*parameters(recipient), expected);
        let key = ContentKey::new(decrypt(recipient, &recipient.encrypted_key).unwrap());
        let mut decryptor = ContentDecryptor::new(&head, &key).unwrap();
        let mut plain = Vec::new();
        decryptor.update(&content, &mut plain);
        decryptor.finish(&ContentMac::default(), &mut plain).unwrap();
        assert_eq!(plain, fixture!("algorithms/content.bin"));
    }
}

/// SMI-48
#[test]
fn parameters_that_are_not_supported_are_told_from_wrong_ones() {
    let (head, _) = read(fixture!("algorithms/oaep-sha3.der"));
    assert_eq!(head.recipients[0].key_encryption, None);

    let parse = |octets: &[u8]| OaepParameters::parse(Some(Tlvs(octets).any().unwrap()));
    assert_eq!(OaepParameters::parse(None), Ok(Some(OaepParameters::default())));
    assert_eq!(parse(&[5, 0]), Ok(Some(OaepParameters::default())));
    // MGF1 without its digest, a label that is no octet string, something behind the label.
    let mgf1 = [
        0x30, 0x0d, 0xa1, 0x0b, 0x30, 9, 6, 7, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1,
    ];
    assert!(matches!(parse(&mgf1), Err(BadTlv) | Ok(None)));
    assert_eq!(parse(&[4, 0]), Err(BadTlv));
    assert_eq!(parse(&[0x30, 2, 5, 0]), Err(BadTlv));
    assert_eq!(parse(&[0x30, 4, 0xa2, 2, 0x30, 0]), Err(BadTlv));
}

/// SMI-24: SHA-256 for both, explicit, and what is read is what was written.
#[test]
fn own_parameters_are_explicit() {
    let rng = &mut *SystemEntropy.rng();
    let key = ContentKey::generate(ContentCipher::Aes256Cbc, rng);
    let recipient = encrypt_content_key(&bob(), KeyTransport::RsaOaep, &key, rng).unwrap();
    assert_eq!(*parameters(&recipient), OaepParameters::new(DigestAlgorithm::Sha256));
    assert_eq!(decrypt(&recipient, &recipient.encrypted_key).unwrap(), key.as_bytes());

    for digest in DigestAlgorithm::ALL {
        for mgf_digest in DigestAlgorithm::ALL {
            for label in [&[][..], b"label"] {
                let parameters = OaepParameters {
                    digest,
                    mgf_digest,
                    label: label.to_vec(),
                };
                let der = parameters.to_der();
                let read = OaepParameters::parse(Some(Tlvs(&der).any().unwrap()));
                assert_eq!(read, Ok(Some(parameters)));
            }
        }
    }
}

/// SEC-02: nothing but `None`, whatever is wrong.
#[test]
fn wrong_padding_gives_nothing() {
    let (head, _) = read(fixture!("algorithms/oaep-sha256.der"));
    let recipient = &head.recipients[0];
    for octets in [vec![1; 256], vec![1; 255], vec![0xff; 256], Vec::new()] {
        assert_eq!(decrypt(recipient, &octets), None);
    }
    let mut other = recipient.clone();
    other.key_encryption = Some(KeyEncryption::RsaOaep(OaepParameters::default()));
    assert_eq!(decrypt(&other, &recipient.encrypted_key), None);
}

/// The content key and two SHA-256 digests fit into 1024 bits.
#[test]
fn short_keys_hold_a_content_key() {
    let rng = &mut *SystemEntropy.rng();
    let key = ContentKey::generate(ContentCipher::Aes256Cbc, rng);
    let short = Certificate::from_pem(fixture!("keys/rsa1024.pem")).unwrap();
    assert!(encrypt_content_key(&short, KeyTransport::RsaOaep, &key, rng).is_ok());
    let ec = Certificate::from_pem(fixture!("certificates/ec.pem")).unwrap();
    assert!(matches!(
        encrypt_content_key(&ec, KeyTransport::RsaOaep, &key, rng),
        Err(KeyError::Kind { .. })
    ));
}
