//! What a partnership may choose about messages that come twice.

use std::collections::HashSet;

use bytes::Bytes;
use ediint::partnership::{AcceptPolicy, ReceiptRequest, SendProfile};
use ediint::store::{MemoryStore, Partnerships};
use ediint::{As2Receiver, OutboundMessage, Partnership, ReceivedMessage};
use http_body_util::Full;

use crate::common::{World, alice, bob, post, request};
use crate::copies::{answer, prepare};
use crate::rows::ORDER;

/// REL-13: a partner that may use ids again has each message delivered, each of them once, with its own receipt.
#[tokio::test]
async fn an_id_that_is_used_again() {
    let mut world = World::new(AcceptPolicy::new().accept_reused_message_ids()).await;
    let mut keys = HashSet::new();
    let contents = [ORDER, "another order", "a third order"];
    let mut prepared = Vec::new();
    for content in contents {
        prepared.push(prepare(&world, ReceiptRequest::sync(), content).await);
    }
    let mut answers = Vec::new();
    for (message, content) in prepared.iter().zip(contents) {
        let response = post(request(message).await).await;
        let receipt = world
            .client
            .accept_response(&world.to_bob, message, response)
            .await
            .unwrap();
        assert!(receipt.is_accepted(), "{}", receipt.status);
        answers.push(answer(request(message).await).await);
        let received = world.bob.inbox.recv().await.unwrap();
        assert_eq!(received.message_id.as_ref(), Some(message.id().message_id()));
        assert!(keys.insert(received.storage_key().to_owned()));
        assert_eq!(received.payload.into_bytes().await.unwrap(), content);
    }
    for (message, first) in prepared.iter().zip(answers) {
        assert_eq!(answer(request(message).await).await, first);
    }
    assert!(world.bob.nothing_arrived());
}

/// REL-17, ENV-52: what the host supports is announced where it says so, in messages and in receipts, and nowhere else.
#[tokio::test]
async fn features_are_announced() {
    let world = World::new(AcceptPolicy::new()).await;
    for (profile, features, version) in [
        (SendProfile::new(), None, "1.1"),
        (
            SendProfile::new().announce_reliability(),
            Some("AS2-Reliability"),
            "1.2",
        ),
        (
            SendProfile::new().announce_attachments(),
            Some("multiple-attachments"),
            "1.2",
        ),
        (
            SendProfile::new().announce_attachments().announce_reliability(),
            Some("AS2-Reliability, multiple-attachments"),
            "1.2",
        ),
    ] {
        let sends = world.sending(profile.clone());
        let prepared = world.client.prepare(&sends, OutboundMessage::new(ORDER)).await.unwrap();
        let to_alice =
            Partnership::new(bob().name, alice().name, world.alice.url.parse().unwrap()).send(profile.clone());
        let receiver = As2Receiver::builder(
            bob().key_store([&alice()]),
            Partnerships::from_iter([to_alice]),
            MemoryStore::new(),
        );
        let receiver = receiver.inbox(|_: ReceivedMessage| async { Ok::<_, std::io::Error>(()) });
        let message = request(&prepared).await;
        let headers = message.headers().clone();
        let answer = receiver
            .build()
            .unwrap()
            .receive(message.map(|body| Full::new(Bytes::from(body))))
            .await;
        for headers in [&headers, answer.headers()] {
            let field = |name| headers.get(name).map(|value| value.to_str().unwrap());
            assert_eq!(
                (field("ediint-features"), field("as2-version")),
                (features, Some(version))
            );
        }
    }
}
