//! What is sent is what arrives: ten structures, five kinds of receipt, payloads of every kind (Matrix A).

use axum::Router;
use axum::routing::post_service;
use bytes::Bytes;
use ediint::envelope::LayerKind;
use ediint::partnership::{Compression, ReceiptRequest, SendProfile};
use ediint::{
    ContentCipher, DigestAlgorithm, Mic, OutboundMessage, PreparedMessage, Receipt, ReceiptStatus, ReceivedMessage,
    SpoolOptions, SpoolQuota,
};
use http::StatusCode;
use http_body_util::BodyExt;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::common::{Host, Port, World, alice, bob, open_policy};

const AES: LayerKind = LayerKind::Encrypted(ContentCipher::Aes256Cbc);
const SIGNED: LayerKind = LayerKind::Signed;
const COMPRESSED: LayerKind = LayerKind::Compressed;

struct Structure {
    profile: SendProfile,
    layers: &'static [LayerKind],
    /// The outermost content type begins like this.
    content_type: &'static str,
}

/// S1 to S10.
fn structures() -> Vec<Structure> {
    let plain = || {
        SendProfile::new()
            .without_signature()
            .without_encryption()
            .danger_allow_plaintext()
    };
    let signed = || SendProfile::new().without_encryption().danger_allow_plaintext();
    let encrypted = || SendProfile::new().without_signature();
    let both = SendProfile::new;
    let (before, after) = (Compression::BeforeSigning, Compression::AfterSigning);
    let mime = |kind: &'static str| match kind {
        "signed" => "multipart/signed; ",
        "compressed" => "application/pkcs7-mime; smime-type=compressed-data",
        _ => "application/pkcs7-mime; smime-type=enveloped-data",
    };
    let make = |profile, layers, content_type| Structure {
        profile,
        layers,
        content_type,
    };
    vec![
        make(plain(), &[], "application/edifact"),
        make(plain().compression(before), &[COMPRESSED], mime("compressed")),
        make(signed(), &[SIGNED], mime("signed")),
        make(signed().compression(before), &[SIGNED, COMPRESSED], mime("signed")),
        make(signed().compression(after), &[COMPRESSED, SIGNED], mime("compressed")),
        make(encrypted(), &[AES], mime("encrypted")),
        make(encrypted().compression(before), &[AES, COMPRESSED], mime("encrypted")),
        make(both(), &[AES, SIGNED], mime("encrypted")),
        make(
            both().compression(before),
            &[AES, SIGNED, COMPRESSED],
            mime("encrypted"),
        ),
        make(both().compression(after), &[AES, COMPRESSED, SIGNED], mime("encrypted")),
    ]
}

/// Payloads that products are known to damage.
fn payloads() -> Vec<Vec<u8>> {
    let mut random = vec![0; 5000];
    StdRng::seed_from_u64(7).fill(&mut random[..]);
    vec![
        b"UNB+UNOA:1+A+B'\r\nUNZ+1+1'\r\n".to_vec(),
        b"UNB+UNOA:1+A+B'\nUNZ+1+1'\n".to_vec(),
        b"ISA*00*\0\0\r*\r\n\0~".to_vec(),
        b"UNB+UNOA:1+A+B'\r\nUNZ+1+1'".to_vec(),
        b"--boundary\r\n\r\n--boundary--\r\n\r\n".to_vec(),
        Vec::new(),
        random,
    ]
}

/// The octets of the body, as they go over the wire.
async fn body(prepared: &PreparedMessage) -> Bytes {
    let body = prepared.request().unwrap().into_body();
    body.collect().await.unwrap().to_bytes()
}

/// The octets whose digest Matrix A asks for, from what arrived and what went over the wire. Nothing for S9, whose
/// signed part nobody sees in between.
fn mic_input(layers: &[LayerKind], arrived: &ReceivedMessage, payload: &[u8], wire: &[u8]) -> Option<Vec<u8>> {
    match layers {
        [] => Some(payload.to_vec()),
        [AES, SIGNED, COMPRESSED] => None,
        [SIGNED, COMPRESSED] => {
            // The first part, between the first delimiter line and the second.
            let end_of_line = wire.windows(2).position(|pair| pair == b"\r\n").unwrap();
            let delimiter = [b"\r\n", &wire[..end_of_line]].concat();
            let part = &wire[end_of_line + 2..];
            let end = part
                .windows(delimiter.len())
                .position(|octets| octets == delimiter)
                .unwrap();
            Some(part[..end].to_vec())
        }
        _ => {
            let mut entity = Vec::new();
            arrived.payload_head.write_to(&mut entity);
            entity.extend_from_slice(b"\r\n");
            entity.extend_from_slice(payload);
            Some(entity)
        }
    }
}

/// Sends every payload in every structure, and checks all but the receipt.
async fn exchange(mut world: World, request: ReceiptRequest, mut check: impl AsyncFnMut(&mut World, Receipt, &Mic)) {
    for (number, structure) in structures().into_iter().enumerate() {
        let partnership = world.sending(structure.profile.receipt(request.clone()));
        for payload in payloads() {
            // An empty body says nothing; without layers there would be nothing else.
            if payload.is_empty() && structure.layers.is_empty() {
                continue;
            }
            let case = format!(
                "S{} with {}",
                number + 1,
                payload.escape_ascii().to_string().get(..20).unwrap_or("less")
            );
            let message = OutboundMessage::new(payload.clone())
                .content_type("application/edifact")
                .filename("orders 1.edi")
                .subject("An order");
            let prepared = world.client.prepare(&partnership, message).await.unwrap();
            let content_type = prepared.headers().get("Content-Type").unwrap();
            assert!(
                content_type.starts_with(structure.content_type),
                "{case}: {content_type}"
            );

            let receipt = world.client.transmit(&partnership, &prepared).await.unwrap();
            let arrived = world.bob.inbox.recv().await.unwrap();
            assert_eq!(arrived.layers, structure.layers, "{case}");
            assert_eq!(arrived.filename.as_deref(), Some("orders 1.edi"), "{case}");
            assert_eq!(arrived.content_type.as_deref(), Some("application/edifact"), "{case}");
            assert_eq!(arrived.subject.as_deref(), Some("An order"), "{case}");
            assert_eq!(arrived.message_id.as_ref(), Some(prepared.message_id()), "{case}");
            assert_eq!((&arrived.from, &arrived.to), (&alice().name, &bob().name), "{case}");
            let signed = structure.layers.contains(&SIGNED);
            assert_eq!(
                arrived.signer.as_ref(),
                signed.then_some(alice().certificate()),
                "{case}"
            );
            assert_eq!(arrived.is_authenticated(), signed, "{case}");
            assert_eq!(
                Some(&arrived.mic),
                prepared.mics().get(DigestAlgorithm::Sha256),
                "{case}"
            );
            if let Some(input) = mic_input(structure.layers, &arrived, &payload, &body(&prepared).await) {
                assert_eq!(arrived.mic, Mic::of(DigestAlgorithm::Sha256, &input), "{case}");
            }
            let mic = arrived.mic.clone();
            assert_eq!(arrived.payload.into_bytes().await.unwrap(), payload, "{case}");
            assert_eq!(receipt.message_id(), prepared.message_id(), "{case}");
            check(&mut world, receipt, &mic).await;
            assert!(world.bob.nothing_arrived(), "{case}");
        }
    }
}

/// A positive receipt from Bob with this digest.
fn assert_receipt(receipt: &Receipt, mic: &Mic, signed: bool) {
    let accepted = ReceiptStatus::Accepted {
        mic: mic.clone(),
        signed,
    };
    assert_eq!(receipt.status, accepted);
    let mdn = receipt.mdn.as_ref().unwrap();
    let disposition = mdn.disposition().to_string();
    assert_eq!(disposition, "automatic-action/MDN-sent-automatically; processed");
    assert_eq!(mdn.original_message_id(), Some(receipt.message_id().as_str()));
    assert_eq!(receipt.signer.as_ref(), signed.then_some(bob().certificate()));
    let header = |name| receipt.headers.get(name).unwrap();
    let content_type = match signed {
        true => "multipart/signed; ",
        false => "multipart/report; ",
    };
    assert!(
        header("Content-Type").starts_with(content_type),
        "{}",
        header("Content-Type")
    );
    // ENV-03, ENV-08, ENV-16, MDN-32.
    assert_eq!((header("AS2-From"), header("AS2-To")), ("Bob", "\"Alice & Co\""));
    assert_eq!((header("AS2-Version"), header("MIME-Version")), ("1.1", "1.0"));
    assert_eq!(header("Content-Length"), receipt.body.len().to_string());
    assert_ne!(header("Message-ID"), receipt.message_id().as_str());
    assert!(receipt.headers.contains("Date"));
    // MDN-04: a receipt has no other layers.
    assert!(!content_type.contains("pkcs7-mime"));
}

/// ENV-46, MDN-36, TRN-11: no receipt, an empty 200.
#[tokio::test]
async fn every_structure_without_a_receipt() {
    let world = World::new(open_policy()).await;
    exchange(world, ReceiptRequest::none(), async |_, receipt, _| {
        assert_eq!(receipt.status, ReceiptStatus::NotRequested);
        assert_eq!(receipt.http_status, Some(StatusCode::OK));
        assert_eq!(receipt.body, "");
    })
    .await;
}

/// ENV-46, MDN-35, CLI-08, CLI-11: an unsigned receipt in the response.
#[tokio::test]
async fn every_structure_with_an_unsigned_receipt() {
    let world = World::new(open_policy()).await;
    exchange(world, ReceiptRequest::sync().unsigned(), async |_, receipt, mic| {
        assert_receipt(&receipt, mic, false);
        assert_eq!(receipt.http_status, Some(StatusCode::OK));
    })
    .await;
}

/// ENV-46, MDN-09, MDN-33, CLI-05, CLI-08, TRN-10: a signed receipt in the response.
#[tokio::test]
async fn every_structure_with_a_signed_receipt() {
    let world = World::new(open_policy()).await;
    exchange(world, ReceiptRequest::sync(), async |_, receipt, mic| {
        assert_receipt(&receipt, mic, true);
        assert_eq!(receipt.http_status, Some(StatusCode::OK));
        assert!(receipt.headers.contains("Server"));
    })
    .await;
}

/// The receipt is posted to Alice, after an empty 200.
async fn later(world: &mut World, receipt: &Receipt, mic: &Mic, signed: bool) {
    assert_eq!(receipt.status, ReceiptStatus::Pending);
    assert_eq!(receipt.http_status, Some(StatusCode::OK));
    assert_eq!(receipt.body, "");
    let posted = world.alice.receipts.recv().await.unwrap();
    assert_receipt(&posted, mic, signed);
    assert_eq!(posted.http_status, None);
    assert_eq!(posted.message_id(), receipt.message_id());
    // ENV-01: a request of its own, so by a user agent.
    assert!(posted.headers.contains("User-Agent") && !posted.headers.contains("Server"));
}

/// ENV-46, MDN-44, CLI-09, RCV-11, RCV-13: an unsigned receipt that comes later.
#[tokio::test]
async fn every_structure_with_an_unsigned_receipt_later() {
    let world = World::new(open_policy()).await;
    let request = ReceiptRequest::asynchronous(&world.alice.url).unwrap().unsigned();
    exchange(world, request, async |world, receipt, mic| {
        later(world, &receipt, mic, false).await
    })
    .await;
}

/// ENV-46, MDN-44, CLI-09, RCV-11, RCV-13: a signed receipt that comes later.
#[tokio::test]
async fn every_structure_with_a_signed_receipt_later() {
    let world = World::new(open_policy()).await;
    let request = ReceiptRequest::asynchronous(&world.alice.url).unwrap();
    exchange(world, request, async |world, receipt, mic| {
        later(world, &receipt, mic, true).await
    })
    .await;
}

/// CLI-07, TRN-02: a payload beyond the threshold lies in a file on both sides, and is the same in every structure, with
/// Content-Length and in chunks.
#[tokio::test]
async fn large_payloads_go_through_files() {
    let quota = SpoolQuota::new(1 << 30);
    let spools = SpoolOptions::new().threshold(1 << 10).quota(quota.clone());
    let bob_spools = spools.clone();
    let mut world = World::with(open_policy(), |builder| builder.spool(bob_spools)).await;
    let keys = alice().key_store([&bob()]);
    world.client = ediint::As2Client::builder(keys, world.alice.store.clone())
        .spool(spools)
        .build()
        .unwrap();
    let mut payload = vec![0; 700_001];
    StdRng::seed_from_u64(8).fill(&mut payload[..]);
    for structure in structures() {
        for chunked in [false, true] {
            let mut http = world.to_bob.http_profile().clone();
            http.chunked = chunked;
            let partnership = world.sending(structure.profile.clone()).http(http);
            let message = OutboundMessage::new(payload.clone());
            let receipt = world.client.send(&partnership, message).await.unwrap();
            let arrived = world.bob.inbox.recv().await.unwrap();
            assert_receipt(&receipt, &arrived.mic, true);
            assert_eq!(arrived.headers.contains("Transfer-Encoding"), chunked);
            // What Bob holds is on disk; what Alice held is gone.
            assert!(quota.used() > 0);
            assert!(arrived.payload.into_bytes().await.unwrap() == payload);
        }
    }
    assert_eq!(quota.used(), 0);
}

/// RCV-01, TRN-01: one line mounts the receiver in axum, and messages with both kinds of receipts pass.
#[tokio::test]
async fn axum_serves_a_receiver() {
    let mut world = World::new(open_policy()).await;
    let port = Port::open().await;
    let url = port.url().parse().unwrap();
    let routes = Router::new().route("/as2", post_service(world.bob.receiver.clone()));
    tokio::spawn(async move { axum::serve(port.0, routes).await });
    let to_bob = |profile| ediint::Partnership::new(alice().name, bob().name, url).send(profile);
    let to_bob = to_bob(SendProfile::new());

    let receipt = world
        .client
        .send(&to_bob, OutboundMessage::new("an order"))
        .await
        .unwrap();
    assert_receipt(&receipt, &world.bob.inbox.recv().await.unwrap().mic, true);

    let request = ReceiptRequest::asynchronous(&world.alice.url).unwrap();
    let to_bob = to_bob.send(SendProfile::new().receipt(request));
    let receipt = world
        .client
        .send(&to_bob, OutboundMessage::new("an order"))
        .await
        .unwrap();
    let mic = world.bob.inbox.recv().await.unwrap().mic;
    later(&mut world, &receipt, &mic, true).await;
}

/// RCV-21: many messages at once, each with its own receipt.
#[tokio::test]
async fn messages_do_not_mix() {
    let world = World::new(open_policy()).await;
    let Host { mut inbox, .. } = world.bob;
    let (client, partnership) = (world.client, world.to_bob);
    let sends: Vec<_> = (0..32)
        .map(|number| {
            let (client, partnership) = (client.clone(), partnership.clone());
            tokio::spawn(async move {
                let message = OutboundMessage::new(format!("order {number}").into_bytes()).subject(number.to_string());
                client.send(&partnership, message).await.unwrap()
            })
        })
        .collect();
    let mut receipts = Vec::new();
    for send in sends {
        receipts.push(send.await.unwrap());
    }
    for _ in 0..32 {
        let message = inbox.recv().await.unwrap();
        let receipt = receipts
            .iter()
            .find(|one| Some(one.message_id()) == message.message_id.as_ref())
            .unwrap();
        assert_receipt(receipt, &message.mic, true);
        let payload = format!("order {}", message.subject.unwrap());
        assert_eq!(message.payload.into_bytes().await.unwrap(), payload);
    }
}
