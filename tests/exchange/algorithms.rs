//! Every kind of key, signature, key transport and cipher, from the message to the receipt.

use ediint::envelope::LayerKind;
use ediint::partnership::{AcceptPolicy, SendProfile};
use ediint::{ContentCipher, DigestAlgorithm, KeyTransport, OutboundMessage, ReceiptStatus, SignatureAlgorithm};

use crate::common::{Party, World, alice, bob, carol};
use crate::rows::ORDER;

/// What is sent under the profile arrives, and the receipt is signed by whatever key the receiver has.
async fn exchange(alice: &Party, bob: &Party, profile: SendProfile, cipher: ContentCipher) {
    let policy = AcceptPolicy::new().allow_weak_cipher(ContentCipher::TripleDesCbc);
    let mut world = World::between(alice, bob, policy, |builder| builder).await;
    let partnership = world.sending(profile.encryption(cipher));
    let receipt = world
        .client
        .send(&partnership, OutboundMessage::new(ORDER))
        .await
        .unwrap();
    let message = world.bob.inbox.try_recv().unwrap();
    assert_eq!(message.layers, [LayerKind::Encrypted(cipher), LayerKind::Signed]);
    assert_eq!(
        receipt.status,
        ReceiptStatus::Accepted {
            mic: message.mic.clone(),
            signed: true
        }
    );
    assert_eq!(message.payload.into_bytes().await.unwrap(), ORDER);
}

/// KEY-06, SMI-16, SMI-17, SMI-21 to SMI-26.
#[tokio::test]
async fn every_pair_of_keys_exchanges_messages() {
    use SignatureAlgorithm::{Ecdsa, RsaPkcs1, RsaPss};
    let sha256 = DigestAlgorithm::Sha256;
    let rsa = || Party::other("Pss", "pss");
    let (p256, p384) = (|| Party::other("P256", "p256"), || Party::other("P384", "p384"));
    for cipher in ContentCipher::ALL {
        for (alice, bob, signature, transport) in [
            (alice(), bob(), RsaPkcs1(sha256), KeyTransport::RsaPkcs1),
            (alice(), bob(), RsaPss(sha256), KeyTransport::RsaOaep),
            (rsa(), bob(), RsaPss(DigestAlgorithm::Sha512), KeyTransport::RsaOaep),
            (p256(), p384(), Ecdsa(sha256), KeyTransport::Ecdh),
            (p384(), p256(), Ecdsa(DigestAlgorithm::Sha384), KeyTransport::Ecdh),
            (alice(), p256(), RsaPkcs1(sha256), KeyTransport::Ecdh),
            (p256(), bob(), Ecdsa(sha256), KeyTransport::RsaPkcs1),
        ] {
            let profile = SendProfile::new().signature(signature).key_transport(transport);
            exchange(&alice, &bob, profile, cipher).await;
        }
    }
}

/// SMI-28: an archive with a key of the other kind reads the message too.
#[tokio::test]
async fn recipients_of_both_kinds() {
    let p256 = Party::other("P256", "p256");
    let profile = SendProfile::new()
        .key_transport(KeyTransport::Ecdh)
        .also_encrypt_for(carol().certificate().clone());
    exchange(&alice(), &p256, profile, ContentCipher::Aes256Gcm).await;
}

/// What a key cannot do is refused before anything leaves.
#[tokio::test]
async fn algorithms_that_do_not_fit_the_key_are_refused() {
    let sha256 = DigestAlgorithm::Sha256;
    let p256 = Party::other("P256", "p256");
    for (alice, bob, profile) in [
        (
            &alice(),
            &bob(),
            SendProfile::new().signature(SignatureAlgorithm::Ecdsa(sha256)),
        ),
        (&p256, &bob(), SendProfile::new()),
        (&alice(), &p256, SendProfile::new()),
        (&alice(), &p256, SendProfile::new().key_transport(KeyTransport::RsaOaep)),
    ] {
        let mut world = World::between(alice, bob, AcceptPolicy::new(), |builder| builder).await;
        let partnership = world.sending(profile);
        let sent = world.client.send(&partnership, OutboundMessage::new(ORDER)).await;
        assert!(sent.is_err(), "{sent:?}");
        assert!(world.bob.nothing_arrived());
    }
}
