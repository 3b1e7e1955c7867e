//! Keys that change, expire or are not trusted, and keys that cannot keep up.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::time::{Duration, UNIX_EPOCH};

use ediint::cms::Certificate;
use ediint::keystore::{Identity, KeyEntry, KeyFile, KeyOperations, MemoryKeyStore, PartnerCertificates};
use ediint::mdn::ErrorModifier;
use ediint::partnership::{AcceptPolicy, ChainTrust, IncludedCertificates, SendProfile, SignerName};
use ediint::{As2Client, OutboundMessage, Partnership, PrepareError, ReceiptStatus, ReceiverEvent};
use http::StatusCode;
use tokio::sync::mpsc::unbounded_channel;

use crate::common::{Host, Port, World, alice, assert_empty, bob, post, request};
use crate::rows::ORDER;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/openssl")
        .join(name)
}

fn certificate(name: &str) -> Certificate {
    Certificate::from_pem(&fs::read(path(name)).unwrap()).unwrap()
}

fn entry(files: [&str; 2]) -> KeyEntry {
    KeyFile::open(files.map(path), None).unwrap().into_entry().unwrap()
}

/// KEY-17: in the middle of a rollover of ours, a partner that encrypts for the old key gets receipts by the old key, if
/// the partnership says so; else by the new one, which it does not know.
#[tokio::test]
async fn receipts_by_the_key_that_the_partner_knows() {
    let (alice, bob) = (alice(), bob());
    let old = entry(["cms/bob.pem", "keys/pkcs8.pem"]).active_until(UNIX_EPOCH + Duration::from_secs(1_700_000_000));
    let new = entry(["keys/rsa3072.pem", "keys/rsa3072.key.pem"]);
    for (policy, expected) in [
        (AcceptPolicy::new().sign_receipts_with_known_key(), None),
        (AcceptPolicy::new(), Some(ErrorModifier::AuthenticationFailed)),
    ] {
        let keys = bob.key_store([&alice]);
        keys.set_identity(bob.name.clone(), Identity::from(new.clone()).with_entry(old.clone()));
        let port = Port::open().await;
        let to_bob = Partnership::new(alice.name.clone(), bob.name.clone(), port.url().parse().unwrap());
        let to_alice = Partnership::new(bob.name.clone(), alice.name.clone(), port.url().parse().unwrap());
        let mut host = Host::start(port, keys, [to_alice.accept(policy)], |builder| builder);
        let client = As2Client::builder(alice.key_store([&bob]), host.store.clone())
            .build()
            .unwrap();
        let receipt = client.send(&to_bob, OutboundMessage::new(ORDER)).await.unwrap();
        match expected {
            None => {
                assert!(receipt.is_accepted(), "{}", receipt.status);
                assert_eq!(receipt.signer.as_ref(), Some(bob.certificate()));
            }
            Some(reason) => assert_eq!(receipt.status, ReceiptStatus::InvalidSignature(reason)),
        }
        assert!(host.inbox.recv().await.is_some());
    }
}

/// KEY-11: an error before anything is sent, unless the profile bears it.
#[tokio::test]
async fn expired_certificates_of_partners_are_not_encrypted_for() {
    let (alice, bob) = (alice(), bob());
    let expired = certificate("rollover/new.pem");
    let keys = alice.key_store([]);
    keys.set_partner(
        alice.name.clone(),
        bob.name.clone(),
        PartnerCertificates::new(certificate("rollover/old.pem")).with(expired.clone()),
    );
    let client = As2Client::builder(keys, ediint::store::MemoryStore::new())
        .build()
        .unwrap();
    let to_bob = Partnership::new(alice.name, bob.name, "https://localhost/".parse().unwrap());
    let error = client.prepare(&to_bob, OutboundMessage::new(ORDER)).await.unwrap_err();
    assert!(matches!(&error, PrepareError::NotValid { certificate } if *certificate == expired));
    assert_eq!(
        error.to_string(),
        format!(
            "the recipient's certificate O=Example, CN=rollover (fingerprint {}) is not valid at this time: configure its \
             successor, or let the send profile encrypt for expired certificates",
            expired.fingerprint_hex()
        )
    );
    let bears = to_bob.send(SendProfile::new().encrypt_for_expired_certificates());
    client.prepare(&bears, OutboundMessage::new(ORDER)).await.unwrap();
}

/// KEY-14: of several configured certificates the event and the message name the one that verified.
#[tokio::test]
async fn the_host_learns_which_certificate_verified() {
    let (alice, bob) = (alice(), bob());
    let keys = bob.key_store([]);
    let both = PartnerCertificates::new(certificate("keys/rsa3072.pem")).with(alice.certificate().clone());
    keys.set_partner(bob.name.clone(), alice.name.clone(), both);
    let port = Port::open().await;
    let to_bob = Partnership::new(alice.name.clone(), bob.name.clone(), port.url().parse().unwrap());
    let to_alice = Partnership::new(bob.name.clone(), alice.name.clone(), port.url().parse().unwrap());
    let (tell, mut told) = unbounded_channel();
    let mut host = Host::start(port, keys, [to_alice], |builder| {
        builder.on_event(move |event| {
            if let ReceiverEvent::Delivered { signer, .. } = event {
                tell.send(signer.cloned()).unwrap();
            }
        })
    });
    let client = As2Client::builder(alice.key_store([&bob]), host.store.clone())
        .build()
        .unwrap();
    let receipt = client.send(&to_bob, OutboundMessage::new(ORDER)).await.unwrap();
    assert!(receipt.is_accepted(), "{}", receipt.status);
    assert_eq!(told.recv().await.unwrap().as_ref(), Some(alice.certificate()));
    assert_eq!(
        host.inbox.recv().await.unwrap().signer.as_ref(),
        Some(alice.certificate())
    );
}

/// Alice signs by a certificate that an authority renewed, and Bob has only the earlier one of the same name.
async fn renewed(policy: AcceptPolicy) -> (Host, ReceiptStatus) {
    let (alice, bob) = (alice(), bob());
    let keys = bob.key_store([]);
    let earlier = PartnerCertificates::new(certificate("chain/leaf.pem"));
    keys.set_partner(bob.name.clone(), alice.name.clone(), earlier);
    let port = Port::open().await;
    let to_bob = Partnership::new(alice.name.clone(), bob.name.clone(), port.url().parse().unwrap())
        .send(SendProfile::new().certificates(IncludedCertificates::Chain));
    let to_alice = Partnership::new(bob.name.clone(), alice.name.clone(), port.url().parse().unwrap());
    let host = Host::start(port, keys, [to_alice.accept(policy)], |builder| builder);
    let ours = alice.key_store([&bob]);
    let renewed = entry(["chain/renewed.pem", "chain/renewed.key.pem"]);
    let renewed = renewed.with_issuers([certificate("chain/between.pem")]);
    ours.set_identity(alice.name.clone(), renewed.into());
    let client = As2Client::builder(ours, host.store.clone()).build().unwrap();
    let receipt = client.send(&to_bob, OutboundMessage::new(ORDER)).await.unwrap();
    (host, receipt.status)
}

/// KEY-09, KEY-20: a certificate that comes with a message counts by its configured name and its authority together, never
/// by one of them alone.
#[tokio::test]
async fn names_and_authorities_make_a_partner_only_together() {
    let root = || ChainTrust::new([certificate("chain/root.pem")]);
    let acme = || SignerName::Subject("CN=Acme".to_owned());
    let chain = |trust| AcceptPolicy::new().require_chain(trust);

    let (mut host, status) = renewed(chain(root().accept_name(acme()))).await;
    assert!(status.is_accepted(), "{status}");
    let signer = host.inbox.recv().await.unwrap().signer.unwrap();
    assert_eq!(signer, certificate("chain/renewed.pem"));

    let sibling = SignerName::Subject("CN=Sibling".to_owned());
    let other = ChainTrust::new([certificate("chain/version1.pem")]);
    for policy in [
        AcceptPolicy::new(),
        chain(root()),
        chain(root().accept_name(sibling)),
        chain(other.accept_name(acme())),
    ] {
        let (mut host, status) = renewed(policy).await;
        assert!(status.to_string().contains("authentication-failed"), "{status}");
        let event = host.event().await;
        let unknown = "the message is signed, but by no certificate configured for the partner";
        assert!(event.contains(unknown), "{event}");
        assert!(host.nothing_arrived());
    }
}

/// KEY-08, SEC-45: a configured certificate without the chain that the policy demands is refused, and the event says why;
/// the partner reads what it reads of every signer that does not count.
#[tokio::test]
async fn a_configured_certificate_needs_the_chain_that_is_demanded() {
    let authority = ChainTrust::new([certificate("chain/root.pem")]);
    let mut world = World::new(AcceptPolicy::new().require_chain(authority)).await;
    let receipt = world
        .client
        .send(&world.to_bob, OutboundMessage::new(ORDER))
        .await
        .unwrap();
    assert!(
        receipt.status.to_string().contains("authentication-failed"),
        "{}",
        receipt.status
    );
    let event = world.bob.event().await;
    assert!(
        event.ends_with(
            "(the certificate of CN=alice, O=Example is not trusted: no chain leads from it to an authority that is \
             accepted: the issuer CN=alice, O=Example is missing)"
        ),
        "{event}"
    );
    assert!(world.bob.nothing_arrived());
    // It is its own authority where the host says so.
    let itself = ChainTrust::new([alice().certificate().clone()]);
    let world = World::new(AcceptPolicy::new().require_chain(itself)).await;
    let receipt = world
        .client
        .send(&world.to_bob, OutboundMessage::new(ORDER))
        .await
        .unwrap();
    assert!(receipt.is_accepted(), "{}", receipt.status);
}

/// SEC-51: where the keys cannot keep up, partners are told to come again.
#[tokio::test]
async fn too_many_key_operations_are_refused_for_now() {
    let mut world = World::new(AcceptPolicy::new()).await;
    let operations = KeyOperations::new(1, 0);
    let keys: MemoryKeyStore = bob().key_store([&alice()]).operations(operations.clone());
    let port = Port::open().await;
    let to_bob = Partnership::new(alice().name, bob().name, port.url().parse().unwrap());
    let to_alice = Partnership::new(bob().name, alice().name, port.url().parse().unwrap());
    let mut host = Host::start(port, Arc::new(keys), [to_alice], |builder| builder);
    let prepared = world
        .client
        .prepare(&to_bob, OutboundMessage::new(ORDER))
        .await
        .unwrap();

    let (release, held) = mpsc::channel::<()>();
    let (started, begun) = tokio::sync::oneshot::channel();
    let busy = tokio::spawn(async move {
        let hold = move || {
            started.send(()).unwrap();
            held.recv().unwrap();
            Ok(())
        };
        operations.run(hold).await
    });
    begun.await.unwrap();
    assert_empty(post(request(&prepared).await).await, StatusCode::SERVICE_UNAVAILABLE).await;
    assert_eq!(
        host.event().await,
        "refused a request with 503 Service Unavailable: the key store is unavailable"
    );
    assert!(host.nothing_arrived() && world.bob.nothing_arrived());

    release.send(()).unwrap();
    busy.await.unwrap().unwrap();
    assert_eq!(post(request(&prepared).await).await.status(), StatusCode::OK);
    assert!(host.inbox.recv().await.is_some());
}
