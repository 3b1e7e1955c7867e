use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use super::{MemoryKeyStore, PartnerCertificates};
use crate::algorithm::{ContentCipher, DigestAlgorithm, KeyTransport, SignatureAlgorithm};
use crate::clock::ManualClock;
use crate::cms::{Certificate, ContentKey, RecipientInfo, SigningInput, encrypt_content_key, signature_scheme};
use crate::entropy::{Entropy, SystemEntropy};
use crate::future::BoxFuture;
use crate::keystore::{CertificateUsage, Identity, KeyStore, KeyStoreError};
use crate::mic::Mic;
use crate::name::As2Name;

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/openssl/", $name)).as_slice()
    };
}

const SHA256: SignatureAlgorithm = SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256);

fn name(name: &str) -> As2Name {
    As2Name::new(name).unwrap()
}

fn certificate(pem: &[u8]) -> Certificate {
    Certificate::from_pem(pem).unwrap()
}

fn bob() -> Identity {
    Identity::from_pem(fixture!("keys/bundle.pem"), fixture!("keys/bundle.pem")).unwrap()
}

fn long() -> Identity {
    Identity::from_pem(fixture!("keys/rsa3072.pem"), fixture!("keys/rsa3072.key.pem")).unwrap()
}

/// The answer of a store outside of any runtime, which is there at once.
fn now<T>(mut future: BoxFuture<'_, T>) -> T {
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("pending"),
    }
}

fn recipient(certificate: &Certificate, key: &ContentKey) -> RecipientInfo {
    encrypt_content_key(certificate, KeyTransport::RsaPkcs1, key, &mut *SystemEntropy.rng()).unwrap()
}

fn content_key() -> ContentKey {
    ContentKey::generate(ContentCipher::Aes256Cbc, &mut *SystemEntropy.rng())
}

/// KEY-01, KEY-03, KEY-07: self-signed certificates, behind the trait.
#[test]
fn keys_are_used_through_the_trait() {
    let us = name("US");
    let memory = MemoryKeyStore::new();
    memory.set_identity(us.clone(), bob());
    let store: Arc<dyn KeyStore> = Arc::new(memory);

    let chain = now(store.signing_chain(&us, None)).unwrap();
    let certificates = [fixture!("cms/bob.pem"), fixture!("cms/carol.pem")].map(certificate);
    assert_eq!(chain, certificates.each_ref().map(|one| one.der().clone()));

    let public = certificates[0].rsa_public_key().unwrap();
    let digest = Mic::of(DigestAlgorithm::Sha256, b"message");
    for input in [SigningInput::Message(b"message"), SigningInput::Digest(digest.digest())] {
        let signature = now(store.sign(&us, &certificates[0], SHA256, input)).unwrap();
        let scheme = signature_scheme(DigestAlgorithm::Sha256);
        assert_eq!(public.verify(scheme, digest.digest(), &signature), Ok(()));
    }

    let key = content_key();
    let recipients = [recipient(&certificates[1], &key), recipient(&certificates[0], &key)];
    let unwrapped = now(store.unwrap_key(&us, &recipients, ContentCipher::Aes256Cbc)).unwrap();
    assert_eq!(unwrapped.len(), 1);
    assert_eq!(unwrapped[0].content_key, key);
    assert_eq!(unwrapped[0].certificate, certificates[0]);
}

/// KEY-22: one entry may serve several names, and no name uses what belongs to another.
#[test]
fn tenants_are_apart() {
    let (first, second, third, them) = (name("FIRST"), name("SECOND"), name("THIRD"), name("THEM"));
    let store = MemoryKeyStore::new();
    store.set_identity(first.clone(), bob());
    store.set_identity(second.clone(), bob());
    store.set_identity(third.clone(), long());
    let alice = certificate(fixture!("cms/alice.pem"));
    store.set_partner(first.clone(), them.clone(), PartnerCertificates::new(alice.clone()));

    assert_eq!(
        now(store.signing_chain(&first, None)).unwrap(),
        now(store.signing_chain(&second, None)).unwrap()
    );
    let recipients = [recipient(bob().certificate(), &content_key())];
    let unwrap = |local| now(store.unwrap_key(local, &recipients, ContentCipher::Aes256Cbc));
    assert!(unwrap(&first).is_ok() && unwrap(&second).is_ok());
    assert!(matches!(unwrap(&third), Err(KeyStoreError::NoRecipient(name)) if name == third));

    let certificates = |local| now(store.partner_certificates(local, &them, CertificateUsage::Verify)).unwrap();
    assert_eq!(certificates(&first), [alice]);
    assert_eq!(certificates(&second), []);
}

#[test]
fn names_that_are_not_here_have_no_key() {
    let store = MemoryKeyStore::new();
    let us = name("US");
    let is_no_key = |error| matches!(error, KeyStoreError::NoKey(name) if name == us);
    assert!(is_no_key(now(store.signing_chain(&us, None)).unwrap_err()));
    assert!(is_no_key(
        now(store.sign(&us, bob().certificate(), SHA256, SigningInput::Message(b""))).unwrap_err()
    ));
    assert!(is_no_key(
        now(store.unwrap_key(&us, &[], ContentCipher::Aes256Cbc)).unwrap_err()
    ));
}

/// KEY-14 (in part): all certificates of a rollover verify, one is encrypted for.
#[test]
fn partners_may_have_several_certificates() {
    let (us, them) = (name("US"), name("THEM"));
    let [alice, bob, carol] = [
        fixture!("cms/alice.pem"),
        fixture!("cms/bob.pem"),
        fixture!("cms/carol.pem"),
    ]
    .map(certificate);
    let store = MemoryKeyStore::new();
    let partner = PartnerCertificates::new(alice.clone())
        .also_signing_with(bob.clone())
        .encrypting_for(carol.clone());
    store.set_partner(us.clone(), them.clone(), partner);
    let certificates = |usage| now(store.partner_certificates(&us, &them, usage)).unwrap();
    assert_eq!(certificates(CertificateUsage::Verify), [alice, bob]);
    assert_eq!(certificates(CertificateUsage::Encrypt), [carol]);
}

/// KEY-23 (in part)
#[test]
fn changes_take_effect_at_once() {
    let (us, them) = (name("US"), name("THEM"));
    let store = MemoryKeyStore::new();
    store.set_identity(us.clone(), bob());
    store.set_identity(us.clone(), long());
    assert_eq!(
        now(store.signing_chain(&us, None)).unwrap(),
        [long().certificate().der().clone()]
    );
    store.remove_identity(&us);
    assert!(matches!(
        now(store.signing_chain(&us, None)),
        Err(KeyStoreError::NoKey(_))
    ));

    let carol = certificate(fixture!("cms/carol.pem"));
    store.set_partner(us.clone(), them.clone(), PartnerCertificates::new(carol));
    store.remove_partner(&us, &them);
    assert_eq!(
        now(store.partner_certificates(&us, &them, CertificateUsage::Encrypt)).unwrap(),
        []
    );
}

#[test]
fn what_the_key_cannot_sign_is_told() {
    let us = name("US");
    let store = MemoryKeyStore::new();
    store.set_identity(us.clone(), bob());
    let error = now(store.sign(&us, bob().certificate(), SHA256, SigningInput::Digest(b"short"))).unwrap_err();
    assert!(matches!(error, KeyStoreError::Unusable(name, _) if name == us));
}

/// SMI-14
#[cfg(feature = "legacy")]
#[test]
fn nothing_is_signed_over_md5() {
    let us = name("US");
    let store = MemoryKeyStore::new();
    store.set_identity(us.clone(), bob());
    let md5 = SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Md5);
    for input in [SigningInput::Digest(&[7; 16]), SigningInput::Message(b"message")] {
        let error = now(store.sign(&us, bob().certificate(), md5, input)).unwrap_err();
        let KeyStoreError::Unusable(_, cause) = error else {
            panic!("{error}")
        };
        assert!(cause.to_string().starts_with("md5 is only read, never sent"), "{cause}");
    }
}

/// PER-07: inside a runtime the one worker goes on while the key works.
#[cfg(feature = "transport")]
#[tokio::test]
async fn private_keys_do_not_hold_up_the_runtime() {
    let us = name("US");
    let store = MemoryKeyStore::new();
    store.set_identity(us.clone(), long());
    let identity = long();
    let signature = store.sign(&us, identity.certificate(), SHA256, SigningInput::Message(b"message"));
    let mut signature = std::pin::pin!(signature);
    let first = signature.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(first.is_pending());
    assert_eq!(signature.await.unwrap().len(), 384);
}

/// KEY-19: two certificates of one issuer and serial number, with keys of their own, are told apart by their octets.
#[test]
fn issuers_and_serial_numbers_may_collide() {
    let (us, them) = (name("US"), name("THEM"));
    let alice = certificate(fixture!("cms/alice.pem"));
    let lookalike = Certificate::from_der(fixture!("signatures/lookalike.der")).unwrap();
    assert_eq!(
        (alice.issuer(), alice.serial()),
        (lookalike.issuer(), lookalike.serial())
    );
    assert_ne!(alice.fingerprint(), lookalike.fingerprint());
    let store = MemoryKeyStore::new();
    let partner = PartnerCertificates::new(alice.clone()).with(lookalike.clone());
    store.set_partner(us.clone(), them.clone(), partner);
    let found = now(store.partner_certificates(&us, &them, CertificateUsage::Verify));
    assert_eq!(found.unwrap(), [alice.clone(), lookalike.clone()]);

    // Nobody signs by the one where the other is meant.
    let key = crate::keystore::PrivateKey::from_der(fixture!("cms/alice.key.der")).unwrap();
    store.set_identity(us.clone(), Identity::new(alice, key).unwrap());
    let signed = now(store.sign(&us, &lookalike, SHA256, SigningInput::Message(b"message")));
    assert!(matches!(signed, Err(KeyStoreError::KeyGone(..))));
}

/// KEY-16: keys that change between the two questions cost no message: the key of the certificate that was named signs.
#[test]
fn keys_may_change_while_a_message_is_signed() {
    let us = name("US");
    let switch = SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000);
    let clock = Arc::new(ManualClock::at(switch - Duration::from_secs(1)));
    let store = MemoryKeyStore::new().clock(clock.clone());
    let entry = |identity: Identity| identity.entries().next().unwrap().clone();
    let (old, new) = (entry(bob()).active_until(switch), entry(long()).active_from(switch));
    store.set_identity(us.clone(), Identity::from(old).with_entry(new));

    let before = now(store.signing_chain(&us, None)).unwrap();
    clock.advance(Duration::from_secs(2));
    let after = now(store.signing_chain(&us, None)).unwrap();
    assert_eq!(
        (&before[0], &after[0]),
        (bob().certificate().der(), long().certificate().der())
    );
    for (identity, octets) in [(bob(), 256), (long(), 384)] {
        let signature = now(store.sign(&us, identity.certificate(), SHA256, SigningInput::Message(b"message")));
        assert_eq!(signature.unwrap().len(), octets);
    }
}

/// KEY-24: what a store shows of itself.
#[test]
fn keys_are_not_printed() {
    let store = MemoryKeyStore::new();
    store.set_identity(name("US"), bob());
    let shown = format!("{store:?}");
    assert!(shown.contains("key: PrivateKey(..)"), "{shown}");
    assert_eq!(shown.matches("PrivateKey").count(), 1, "{shown}");
}
