use super::{Unwrapped, addressed_to};
use crate::algorithm::{ContentCipher, KeyTransport};
use crate::cms::ContentKey;
use crate::cms::{Certificate, CertificateId, RecipientInfo, encrypt_content_key};
use crate::entropy::{Entropy, SystemEntropy};
use crate::keystore::KeyStoreError;
use crate::name::As2Name;

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/openssl/", $name)).as_slice()
    };
}

fn alice() -> Certificate {
    Certificate::from_der(fixture!("cms/alice.der")).unwrap()
}

fn bob() -> Certificate {
    Certificate::from_der(fixture!("cms/bob.der")).unwrap()
}

/// Another certificate of bob's key.
fn renewed() -> Certificate {
    Certificate::from_pem(fixture!("keys/renewed.pem")).unwrap()
}

fn us() -> As2Name {
    As2Name::new("US").unwrap()
}

/// A recipient with some encrypted key.
fn recipient(certificate: &Certificate) -> RecipientInfo {
    let rng = &mut *SystemEntropy.rng();
    let key = ContentKey::generate(ContentCipher::Aes128Cbc, rng);
    encrypt_content_key(certificate, KeyTransport::RsaPkcs1, &key, rng).unwrap()
}

fn by_key(certificate: &Certificate) -> RecipientInfo {
    let mut recipient = recipient(certificate);
    recipient.id = CertificateId::subject_key(certificate);
    recipient
}

fn key(
    decrypted: Option<&[u8]>,
    certificate: &Certificate,
    recipient: &RecipientInfo,
    cipher: ContentCipher,
) -> Vec<u8> {
    let unwrapped = Unwrapped::new(decrypted.map(<[u8]>::to_vec), certificate, recipient, cipher);
    assert_eq!(unwrapped.certificate, *certificate);
    unwrapped.content_key.as_bytes().to_vec()
}

#[test]
fn keys_of_the_right_length_are_kept() {
    let recipient = recipient(&bob());
    for cipher in ContentCipher::ALL {
        let octets: Vec<u8> = (0..32).take(cipher.key_len()).collect();
        assert_eq!(key(Some(&octets), &bob(), &recipient, cipher), octets);
    }
}

/// SEC-02: whatever came back, the substitute is the same, and of the length of the cipher's key.
#[test]
fn what_is_no_key_is_replaced() {
    let recipient = recipient(&bob());
    for cipher in ContentCipher::ALL {
        let substitute = key(None, &bob(), &recipient, cipher);
        assert_eq!(substitute.len(), cipher.key_len());
        for length in [0, 1, 15, 17, 23, 25, 31, 33, 64, 245] {
            let wrong = vec![7; length];
            assert_eq!(key(Some(&wrong), &bob(), &recipient, cipher), substitute);
        }
    }
}

/// SEC-02: nobody can make two messages share a substitute.
#[test]
fn substitutes_depend_on_certificate_and_encrypted_key() {
    let (first, second) = (recipient(&bob()), recipient(&bob()));
    let substitute = |certificate, recipient| key(None, certificate, recipient, ContentCipher::Aes256Cbc);
    let all = [
        substitute(&bob(), &first),
        substitute(&bob(), &second),
        substitute(&renewed(), &first),
        vec![0; 32],
    ];
    for (index, one) in all.iter().enumerate() {
        assert!(all[..index].iter().all(|other| other != one));
    }
}

/// SMI-27
#[test]
fn recipients_are_matched_by_both_identifiers() {
    let (alice, bob) = (alice(), bob());
    let recipients = [recipient(&alice), recipient(&bob), by_key(&bob)];
    let found = addressed_to(&us(), [&bob], &recipients).unwrap();
    assert_eq!(found, [(&recipients[1], &bob), (&recipients[2], &bob)]);
}

/// SMI-27: one private key decrypts one encrypted key once, however many certificates it has.
#[test]
fn certificates_of_one_key_count_once() {
    let (bob, renewed) = (bob(), renewed());
    assert_ne!(bob, renewed);
    let recipients = [by_key(&bob)];
    let found = addressed_to(&us(), [&renewed, &bob], &recipients).unwrap();
    assert_eq!(found, [(&recipients[0], &renewed)]);
}

#[test]
fn no_more_than_four_are_tried() {
    let bob = bob();
    let recipients: Vec<_> = (0..6).map(|_| recipient(&bob)).collect();
    let found = addressed_to(&us(), [&bob], &recipients).unwrap();
    let first: Vec<_> = recipients[..4].iter().map(|one| (one, &bob)).collect();
    assert_eq!(found, first);
}

#[test]
fn no_recipient_is_an_error_of_its_own() {
    let (alice, bob) = (alice(), bob());
    for recipients in [&[][..], &[recipient(&alice)]] {
        assert!(matches!(
            addressed_to(&us(), [&bob], recipients),
            Err(KeyStoreError::NoRecipient(name)) if name == us()
        ));
    }
    assert!(matches!(
        addressed_to(&us(), [], &[recipient(&alice)]),
        Err(KeyStoreError::NoRecipient(_))
    ));
}

/// SMI-48
#[test]
fn unsupported_key_encryption_is_an_error_of_its_own() {
    let bob = bob();
    let mut unsupported = recipient(&bob);
    unsupported.key_encryption = None;
    assert!(matches!(
        addressed_to(&us(), [&bob], std::slice::from_ref(&unsupported)),
        Err(KeyStoreError::UnsupportedKeyTransport(name)) if name == us()
    ));
    // One that is supported is enough.
    let recipients = [unsupported, recipient(&bob)];
    assert_eq!(
        addressed_to(&us(), [&bob], &recipients).unwrap(),
        [(&recipients[1], &bob)]
    );
}
