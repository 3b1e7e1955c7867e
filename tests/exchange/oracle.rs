//! One answer to all that fails inside of envelopes, octet for octet (SEC-01, SEC-50, SEC-52).

use ediint::keystore::{PartnerCertificates, PrivateKey};
use ediint::partnership::{AcceptPolicy, Compression, SendProfile};
use ediint::store::MessageStore;
use ediint::{As2Client, As2ReceiverBuilder, ContentCipher, KeyTransport, MessageId, OutboundMessage};
use http::Request;
use http_body_util::BodyExt;

use crate::common::{Party, Seeded, Standing, World, alice, bob, carol, data, post, request};
use crate::rows::ORDER;

/// A response: status, header fields, body.
type Answer = (http::StatusCode, http::HeaderMap, bytes::Bytes);

async fn answer(message: Request<Vec<u8>>) -> Answer {
    let (head, body) = post(message).await.into_parts();
    (head.status, head.headers, body.collect().await.unwrap().to_bytes())
}

/// Where the sender's point stands: a BIT STRING of 66 octets, the point uncompressed.
fn ephemeral_key(body: &[u8]) -> usize {
    body.windows(4)
        .position(|octets| octets == [0x03, 0x42, 0x00, 0x04])
        .unwrap()
        + 4
}

/// Where the encrypted key stands: an OCTET STRING of 256 octets.
fn encrypted_key(body: &[u8]) -> usize {
    body.windows(4)
        .position(|octets| octets == [0x04, 0x82, 0x01, 0x00])
        .unwrap()
        + 4
}

/// Bob's receiver without chance or time: equal outcomes are equal octets, ids, dates and boundaries too.
async fn determined(policy: AcceptPolicy) -> World {
    // One of his keys is elliptic.
    let (mut bob, elliptic) = (bob(), elliptic());
    let key = PrivateKey::from_pem(&data("openssl/algorithms/p256.key.pem")).unwrap();
    bob.identity = bob
        .identity
        .with_decryption_key(elliptic.certificate().clone(), key)
        .unwrap();
    let deterministic = |builder: As2ReceiverBuilder| builder.clock(Standing).entropy(Seeded(1));
    World::between(&alice(), &bob, policy, deterministic).await
}

fn elliptic() -> Party {
    Party::other("Bob", "p256")
}

/// SEC-01, SEC-50, SEC-16: a wrong key, damaged blocks anywhere, wrong padding, cut and prolonged content, content that is
/// no MIME, not signed, or signed by somebody else and damaged.
#[tokio::test]
async fn all_failures_in_an_envelope_are_one() {
    let mut world = determined(AcceptPolicy::new()).await;
    let store = world.alice.store.clone();
    let client = |keys| As2Client::builder(keys, store.clone()).clock(Standing).build().unwrap();
    let alices = client(alice().key_store([&bob()]));
    let for_carol = alice().key_store([&bob()]);
    let certificates = PartnerCertificates::new(bob().certificate().clone());
    for_carol.set_partner(
        alice().name,
        bob().name,
        certificates.encrypting_for(carol().certificate().clone()),
    );
    let for_carol = client(for_carol);
    let by_carol = alice().key_store([&bob()]);
    by_carol.set_identity(alice().name, carol().identity);
    let by_carol = client(by_carol);
    let agreed = client(alice().key_store([&elliptic()]));
    let oaep = || SendProfile::new().key_transport(KeyTransport::RsaOaep);
    let gcm = || SendProfile::new().encryption(ContentCipher::Aes256Gcm);
    let ecdh = || SendProfile::new().key_transport(KeyTransport::Ecdh);

    let flip = |from_end: usize| {
        move |body: &mut Vec<u8>| {
            let at = body.len() - from_end;
            body[at] ^= 1;
        }
    };
    let (signed, unsigned) = (SendProfile::new, || SendProfile::new().without_signature());
    let (before, after) = (Compression::BeforeSigning, Compression::AfterSigning);
    type Change = Box<dyn Fn(&mut Vec<u8>)>;
    let nothing = || -> Change { Box::new(|_| {}) };
    let faults: Vec<(&str, &As2Client, SendProfile, Change)> = vec![
        ("for another", &for_carol, signed(), nothing()),
        (
            "content key",
            &alices,
            signed(),
            Box::new(|body| {
                let at = encrypted_key(body) + 9;
                body[at] ^= 1;
            }),
        ),
        (
            "content key beyond the modulus",
            &alices,
            signed(),
            Box::new(|body| {
                let at = encrypted_key(body);
                body[at..at + 256].fill(0xff);
            }),
        ),
        (
            "content key of zeros",
            &alices,
            signed(),
            Box::new(|body| {
                let at = encrypted_key(body);
                body[at..at + 256].fill(0);
            }),
        ),
        ("last block", &alices, signed(), Box::new(flip(1))),
        ("padding", &alices, signed(), Box::new(flip(17))),
        ("middle", &alices, signed(), Box::new(flip(1000))),
        (
            "first block",
            &alices,
            signed(),
            Box::new(|body| {
                let at = encrypted_key(body) + 256;
                body[at + 60] ^= 1;
            }),
        ),
        (
            "cut within a block",
            &alices,
            signed(),
            Box::new(|body| body.truncate(body.len() - 1)),
        ),
        (
            "cut after a block",
            &alices,
            signed(),
            Box::new(|body| body.truncate(body.len() - 16)),
        ),
        (
            "compressed inside",
            &alices,
            signed().compression(before),
            Box::new(flip(900)),
        ),
        (
            "compressed outside",
            &alices,
            signed().compression(after),
            Box::new(flip(900)),
        ),
        ("not signed", &alices, unsigned(), nothing()),
        (
            "not signed, compressed",
            &alices,
            unsigned().compression(before),
            nothing(),
        ),
        ("not signed, damaged", &alices, unsigned(), Box::new(flip(40))),
        (
            "content key, OAEP",
            &alices,
            oaep(),
            Box::new(|body| {
                let at = encrypted_key(body) + 9;
                body[at] ^= 1;
            }),
        ),
        (
            "content key beyond the modulus, OAEP",
            &alices,
            oaep(),
            Box::new(|body| {
                let at = encrypted_key(body);
                body[at..at + 256].fill(0xff);
            }),
        ),
        ("last block, OAEP", &alices, oaep(), Box::new(flip(1))),
        ("authentication code", &alices, gcm(), Box::new(flip(1))),
        ("last octet, GCM", &alices, gcm(), Box::new(flip(19))),
        ("middle, GCM", &alices, gcm(), Box::new(flip(1000))),
        (
            "content key, GCM",
            &alices,
            gcm(),
            Box::new(|body| {
                let at = encrypted_key(body) + 9;
                body[at] ^= 1;
            }),
        ),
        (
            "without the code, GCM",
            &alices,
            gcm(),
            Box::new(|body| body.truncate(body.len() - 18)),
        ),
        (
            "damaged, compressed, GCM",
            &alices,
            gcm().compression(after),
            Box::new(flip(900)),
        ),
        (
            "no point of the curve",
            &agreed,
            ecdh(),
            Box::new(|body| {
                let at = ephemeral_key(body);
                body[at] ^= 1;
            }),
        ),
        (
            "wrapped key",
            &agreed,
            ecdh(),
            Box::new(|body| {
                // An OCTET STRING of 40 octets.
                let at = body.windows(2).position(|octets| octets == [4, 40]).unwrap();
                body[at + 2] ^= 1;
            }),
        ),
        ("last block, ECDH", &agreed, ecdh(), Box::new(flip(1))),
        ("by another, damaged", &by_carol, signed(), Box::new(flip(1000))),
    ];
    let mut first: Option<Answer> = None;
    for (fault, client, profile, change) in faults {
        let order = OutboundMessage::new(ORDER).message_id(MessageId::new("1@alice.example").unwrap());
        let prepared = client.prepare(&world.sending(profile), order).await.unwrap();
        let mut message = request(&prepared).await;
        change(message.body_mut());
        let answer = answer(message).await;
        let report = String::from_utf8_lossy(&answer.2).into_owned();
        assert!(
            report.contains("; processed/error: decryption-failed\r\n"),
            "{fault}: {report}"
        );
        assert!(!report.to_ascii_lowercase().contains("received-content-mic"), "{fault}");
        match &first {
            Some(first) => assert!(*first == answer, "{fault}: {:?} {report}", answer.1),
            None => first = Some(answer),
        }
        let event = world.bob.event().await;
        assert!(
            event.starts_with("refused <1@alice.example> from Alice & Co to Bob: "),
            "{fault}: {event}"
        );
        assert!(world.bob.nothing_arrived(), "{fault}");
        assert_eq!(world.bob.store.find_received(prepared.id()).await.unwrap(), None);
    }
}

/// SEC-52: after eight different bodies with one content key no other is looked into, and the answer is that of any failed
/// decryption. Copies of those that were are answered as before.
#[tokio::test]
async fn one_content_key_few_tries() {
    for original_first in [true, false] {
        let mut world = determined(AcceptPolicy::new()).await;
        let prepared = world
            .client
            .prepare(&world.to_bob, OutboundMessage::new(ORDER))
            .await
            .unwrap();
        let original = request(&prepared).await;
        let processed = match original_first {
            true => Some(answer(original.clone()).await),
            false => None,
        };
        let tampered = |number: usize| {
            let mut message = original.clone();
            let at = message.body().len() - 1000 + number;
            message.body_mut()[at] ^= 1;
            message
        };
        let mut refused = Vec::new();
        for number in 0..9 {
            refused.push(answer(tampered(number)).await);
        }
        assert!(refused.iter().all(|answer| *answer == refused[0]));
        // As good as any other, but too late; or a retry.
        let last = answer(original).await;
        match processed {
            Some(processed) => {
                assert!(String::from_utf8_lossy(&processed.2).contains("; processed\r\n"));
                assert!(last == processed);
                assert!(world.bob.inbox.try_recv().is_ok());
            }
            None => assert!(last == refused[0]),
        }
        assert!(world.bob.nothing_arrived());
    }
}
