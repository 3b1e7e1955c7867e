use std::slice::from_ref;
use std::time::{Duration, SystemTime};

use super::{Identity, IdentityError};
use crate::algorithm::{ContentCipher, DigestAlgorithm, KeyTransport, SignatureAlgorithm};
use crate::cms::{
    Certificate, CertificateError, CmsEvent, CmsReader, ContentDecryptor, ContentKey, ContentMac, DecryptError,
    EnvelopedHead, RecipientInfo, SigningInput, encrypt_content_key,
};
use crate::entropy::{Entropy, SystemEntropy};
use crate::keystore::{KeyEntry, KeyFile, KeyPurpose, KeyStoreError, PrivateKey, PrivateKeyError, Unwrapped};
use crate::limits::Limits;
use crate::name::As2Name;
use crate::test_log::warnings_in;

const SHA256: SignatureAlgorithm = SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256);

macro_rules! fixture {
    ($name:expr) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/openssl/", $name)).as_slice()
    };
}

const CONTENT: &[u8] = fixture!("cms/content.bin");

mod agreement;

fn us() -> As2Name {
    As2Name::new("US").unwrap()
}

fn pair(certificate: &[u8], key: &[u8]) -> (Certificate, PrivateKey) {
    (
        Certificate::from_der(certificate).unwrap(),
        PrivateKey::from_der(key).unwrap(),
    )
}

fn bob() -> Identity {
    let (certificate, key) = pair(fixture!("cms/bob.der"), fixture!("cms/bob.key.der"));
    Identity::new(certificate, key).unwrap()
}

fn alice() -> Identity {
    let (certificate, key) = pair(fixture!("cms/alice.der"), fixture!("cms/alice.key.der"));
    Identity::new(certificate, key).unwrap()
}

/// The head and the ciphertext.
fn read(mut octets: &[u8]) -> (EnvelopedHead, Vec<u8>) {
    let mut reader = CmsReader::new(&Limits::default());
    let mut head = None;
    let mut content = Vec::new();
    loop {
        match reader.next(&mut octets).unwrap() {
            CmsEvent::Enveloped(found) => head = Some(found),
            CmsEvent::Content(octets) => content.extend_from_slice(octets),
            CmsEvent::End(_) => return (head.unwrap(), content),
            other => panic!("{other:?}"),
        }
    }
}

fn unwrap(identity: &Identity, head: &EnvelopedHead) -> Result<Vec<Unwrapped>, KeyStoreError> {
    identity.unwrap_key(&us(), &head.recipients, head.cipher.clone().unwrap(), SystemTime::now())
}

fn decrypt(head: &EnvelopedHead, content: &[u8], key: &ContentKey) -> Result<Vec<u8>, DecryptError> {
    let mut decryptor = ContentDecryptor::new(head, key).unwrap();
    let mut plain = Vec::new();
    decryptor.update(content, &mut plain);
    decryptor.finish(&ContentMac::default(), &mut plain).map(|()| plain)
}

/// SMI-21, SMI-27: every cipher, identifier and length form that OpenSSL writes.
#[test]
fn messages_of_openssl_are_decrypted() {
    for octets in [
        fixture!("cms/enveloped-aes128.der"),
        fixture!("cms/enveloped-aes192.der"),
        fixture!("cms/enveloped-aes256.der"),
        fixture!("cms/enveloped-des3.der"),
        fixture!("cms/enveloped-aes128-stream.ber"),
        fixture!("cms/enveloped-aes192-stream.ber"),
        fixture!("cms/enveloped-aes256-stream.ber"),
        fixture!("cms/enveloped-des3-stream.ber"),
        fixture!("cms/enveloped-keyid.der"),
        fixture!("cms/enveloped-three.der"),
        fixture!("cms/enveloped-kek.der"),
    ] {
        let (head, content) = read(octets);
        let unwrapped = unwrap(&bob(), &head).unwrap();
        assert_eq!(unwrapped.len(), 1);
        assert_eq!(unwrapped[0].certificate, *bob().certificate());
        assert_eq!(decrypt(&head, &content, &unwrapped[0].content_key).unwrap(), CONTENT);
    }
}

/// SMI-27, KEY-15 (in part): an earlier key still decrypts.
#[test]
fn earlier_keys_decrypt_too() {
    let (certificate, key) = pair(fixture!("cms/bob.der"), fixture!("cms/bob.key.der"));
    let identity = alice().with_decryption_key(certificate.clone(), key).unwrap();
    let (head, content) = read(fixture!("cms/enveloped-aes256.der"));
    let unwrapped = unwrap(&identity, &head).unwrap();
    assert_eq!(unwrapped[0].certificate, certificate);
    assert_eq!(decrypt(&head, &content, &unwrapped[0].content_key).unwrap(), CONTENT);
    // Of two that are addressed, both come back.
    let (head, content) = read(fixture!("cms/enveloped-three.der"));
    let unwrapped = unwrap(&identity, &head).unwrap();
    assert_eq!(unwrapped.len(), 2);
    for one in unwrapped {
        assert_eq!(decrypt(&head, &content, &one.content_key).unwrap(), CONTENT);
    }
}

/// SEC-02: a damaged key is an answer like any other, and the content is noise under it.
#[test]
fn damaged_keys_show_only_in_the_content() {
    let (head, content) = read(fixture!("cms/enveloped-aes256.der"));
    let damages: [fn(&mut Vec<u8>); 5] = [
        |key| key[100] ^= 1,
        |key| key.truncate(255),
        |key| key.insert(0, 0),
        |key| key.fill(0xff),
        Vec::clear,
    ];
    for damage in damages {
        let mut head = head.clone();
        damage(&mut head.recipients[0].encrypted_key);
        let [first] = unwrap(&bob(), &head).unwrap().try_into().unwrap();
        let [again] = unwrap(&bob(), &head).unwrap().try_into().unwrap();
        assert_eq!(first.content_key.as_bytes().len(), 32);
        assert_eq!(first.content_key, again.content_key);
        assert_ne!(decrypt(&head, &content, &first.content_key), Ok(CONTENT.to_vec()));
    }
}

/// SEC-02: a key that was encrypted for another cipher.
#[test]
fn keys_of_another_length_are_replaced() {
    let (mut head, _) = read(fixture!("cms/enveloped-aes128.der"));
    for cipher in [ContentCipher::Aes192Cbc, ContentCipher::Aes256Cbc] {
        head.cipher = Ok(cipher);
        let [one] = unwrap(&bob(), &head).unwrap().try_into().unwrap();
        assert_eq!(one.content_key.as_bytes().len(), cipher.key_len());
    }
}

#[test]
fn messages_for_others_are_told() {
    let (head, _) = read(fixture!("cms/enveloped-aes256.der"));
    assert!(matches!(unwrap(&alice(), &head), Err(KeyStoreError::NoRecipient(_))));
}

#[test]
fn a_key_that_does_not_belong_to_the_certificate_is_refused() {
    let (certificate, _) = pair(fixture!("cms/alice.der"), fixture!("cms/alice.key.der"));
    let (_, key) = pair(fixture!("cms/bob.der"), fixture!("cms/bob.key.der"));
    let error = Identity::new(certificate.clone(), key.clone()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the private key does not belong to the certificate of CN=alice, O=Example"
    );
    assert!(matches!(
        bob().with_decryption_key(certificate.clone(), key.clone()),
        Err(IdentityError::Mismatch(named)) if named == certificate
    ));
    let dora = Certificate::from_der(fixture!("signatures/dora.der")).unwrap();
    assert!(matches!(
        Identity::new(dora.clone(), key),
        Err(IdentityError::Mismatch(named)) if named == dora
    ));
}

#[test]
fn one_file_may_hold_all() {
    let bundle = fixture!("keys/bundle.pem");
    let identity = Identity::from_pem(bundle, bundle).unwrap();
    let carol = Certificate::from_pem(fixture!("cms/carol.pem")).unwrap();
    let chain = identity.signing_chain(&us(), None, SystemTime::now()).unwrap();
    assert_eq!(chain, [bob().certificate().der().clone(), carol.der().clone()]);

    assert!(matches!(
        Identity::from_pem(fixture!("keys/pkcs8.pem"), bundle),
        Err(IdentityError::Certificate(CertificateError::NoCertificate))
    ));
    assert!(matches!(
        Identity::from_pem(bundle, fixture!("keys/encrypted.pem")),
        Err(IdentityError::PrivateKey(PrivateKeyError::Encrypted))
    ));
}

/// KEY-24
#[test]
fn keys_are_not_printed() {
    let shown = format!("{:?}", bob());
    assert!(shown.contains("CN=bob") && shown.contains("PrivateKey(..)"), "{shown}");
}

const DAY: Duration = Duration::from_secs(86_400);

fn rollover(name: &str) -> KeyEntry {
    let path = format!("{}/tests/data/openssl/rollover/{name}", env!("CARGO_MANIFEST_DIR"));
    let files = [format!("{path}.pem"), format!("{path}.key.pem")];
    KeyFile::open(files, None).unwrap().into_entry().unwrap()
}

fn signer(identity: &Identity, known: Option<&Certificate>, now: SystemTime) -> Certificate {
    let chain = identity.signing_chain(&us(), known, now).unwrap();
    Certificate::from_der(&chain[0]).unwrap()
}

/// KEY-16: the newest active key signs; when none is active, the last one, or the next.
#[test]
fn the_newest_active_key_signs() {
    let (old, new) = (rollover("old"), rollover("new"));
    let (first, second) = (old.certificate().clone(), new.certificate().clone());
    let identity = Identity::from(old.clone()).with_entry(new.clone());
    for (now, expected) in [
        (first.not_before() - DAY, &first),
        (first.not_before(), &first),
        (second.not_before() - DAY, &first),
        (second.not_before(), &second),
        (first.not_after() + DAY, &second),
        (second.not_after() + 30 * DAY, &second),
    ] {
        assert_eq!(signer(&identity, None, now), *expected);
    }
    // Dates of their own, whatever the certificates say; in any order.
    let switch = second.not_before() + DAY;
    let identity = Identity::from(new.active_from(switch)).with_entry(old.active_until(switch));
    assert_eq!(signer(&identity, None, switch - DAY), first);
    assert_eq!(signer(&identity, None, switch), second);
}

fn recipients(certificates: &[&Certificate]) -> Vec<RecipientInfo> {
    let key = ContentKey::generate(ContentCipher::Aes128Cbc, &mut *SystemEntropy.rng());
    let encrypt =
        |one: &&Certificate| encrypt_content_key(one, KeyTransport::RsaPkcs1, &key, &mut *SystemEntropy.rng());
    certificates.iter().map(|one| encrypt(one).unwrap()).collect()
}

/// KEY-15, KEY-10: all keys decrypt, expired ones too, until the end of their retention.
#[test]
fn retained_keys_decrypt() {
    let (old, new) = (rollover("old"), rollover("new"));
    let (first, second) = (old.certificate().clone(), new.certificate().clone());
    let end = first.not_after() + 30 * DAY;
    let identity = Identity::from(new).with_entry(old.retained_until(end));
    let unwrap = |certificate: &Certificate, now| {
        let recipients = recipients(&[certificate]);
        let unwrapped = identity.unwrap_key(&us(), &recipients, ContentCipher::Aes128Cbc, now);
        unwrapped.map(|all| all.into_iter().map(|one| one.certificate).collect::<Vec<_>>())
    };
    // Also before it signs: partners may be early.
    assert_eq!(unwrap(&second, first.not_before()).unwrap(), from_ref(&second));
    assert_eq!(unwrap(&first, end).unwrap(), from_ref(&first));
    let late = unwrap(&first, end + Duration::from_secs(1));
    assert!(matches!(late, Err(KeyStoreError::NoRecipient(_))));
    assert_eq!(
        unwrap(&second, second.not_after() + 300 * DAY).unwrap(),
        from_ref(&second)
    );
}

/// KEY-17
#[test]
fn who_knows_a_key_is_answered_with_it() {
    let (old, new) = (rollover("old"), rollover("new"));
    let (first, second) = (old.certificate().clone(), new.certificate().clone());
    let now = second.not_before();
    let end = now + DAY;
    let identity = Identity::from(new.clone()).with_entry(old.clone().retained_until(end));
    assert_eq!(signer(&identity, None, now), second);
    assert_eq!(signer(&identity, Some(&first), now), first);
    assert_eq!(signer(&identity, Some(&first), end + DAY), second);
    assert_eq!(signer(&identity, Some(alice().certificate()), now), second);

    // With keys of their own for decryption, the key that came with it.
    let decryption = alice().entries().next().unwrap().clone().purpose(KeyPurpose::Decrypt);
    let known = decryption.certificate().clone();
    let identity = Identity::from(new)
        .with_entry(old.purpose(KeyPurpose::Sign).paired_with(known.clone()))
        .with_entry(decryption);
    assert_eq!(signer(&identity, None, now), second);
    assert_eq!(signer(&identity, Some(&known), now), first);
}

/// KEY-02: a key does what it is for, and nothing else.
#[test]
fn purposes_are_apart() {
    let (old, new) = (rollover("old"), rollover("new"));
    let (first, second) = (old.certificate().clone(), new.certificate().clone());
    let now = second.not_before();
    let identity = Identity::from(old.purpose(KeyPurpose::Sign)).with_entry(new.purpose(KeyPurpose::Decrypt));
    assert_eq!(signer(&identity, None, now), first);
    let both = recipients(&[&first, &second]);
    let unwrapped = identity
        .unwrap_key(&us(), &both, ContentCipher::Aes128Cbc, now)
        .unwrap();
    assert_eq!(unwrapped.len(), 1);
    assert_eq!(unwrapped[0].certificate, second);
    let sign = |certificate| identity.sign(&us(), certificate, SHA256, SigningInput::Message(b"m"));
    assert_eq!(sign(&first).unwrap().len(), 256);
    let error = sign(&second).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the key of O=Example, CN=rollover was removed from the keys of US while it was in use: try again"
    );
    // One that only decrypts has no signature.
    let only = Identity::from(rollover("new").purpose(KeyPurpose::Decrypt));
    assert!(matches!(
        only.signing_chain(&us(), None, now),
        Err(KeyStoreError::NoKey(_))
    ));
}

/// KEY-10: the use of an expired key of ours is logged.
#[test]
fn expired_keys_are_told_of() {
    let old = rollover("old");
    let certificate = old.certificate().clone();
    let identity = Identity::from(old);
    let warned = |now| {
        warnings_in(|| {
            let recipients = recipients(&[&certificate]);
            let unwrapped = identity.unwrap_key(&us(), &recipients, ContentCipher::Aes128Cbc, now);
            assert_eq!(unwrapped.unwrap().len(), 1);
        })
    };
    assert_eq!(warned(certificate.not_after()), 0);
    assert_eq!(warned(certificate.not_after() + DAY), 1);
}

/// KEY-10: so is a signature by a certificate out of its time, but not by the one of two that a partner knows already.
#[test]
fn signatures_out_of_time_are_told_of() {
    let (old, new) = (rollover("old"), rollover("new"));
    let (first, second) = (old.certificate().clone(), new.certificate().clone());
    let now = second.not_before() + DAY;
    let identity = Identity::from(old).with_entry(new.active_from(now + DAY));
    let warned = |known, now| {
        warnings_in(|| {
            let chain = identity.signing_chain(&us(), known, now).unwrap();
            assert_eq!(chain.first(), Some(known.unwrap_or(&first).der()));
        })
    };
    assert!(first.is_valid_at(now) && second.is_valid_at(now));
    for known in [None, Some(&first), Some(&second)] {
        assert_eq!(warned(known, now), 0);
    }
    assert_eq!(warned(Some(&first), first.not_after() + DAY), 1);
}
