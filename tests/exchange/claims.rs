//! Messages that come while another one under their id is being delivered, or seems to be.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use ediint::partnership::AcceptPolicy;
use ediint::store::MessageStore;
use ediint::{As2Receiver, MessageId, OutboundMessage, PreparedMessage, ReceivedMessage};
use http::StatusCode;
use http_body_util::Full;
use hyper::body::{Body, Frame};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use crate::common::{World, request};
use crate::copies::Door;
use crate::rows::ORDER;

async fn prepare(world: &World, content: &'static str) -> PreparedMessage {
    let id = MessageId::new("order-1@alice.example").unwrap();
    let message = OutboundMessage::new(content).message_id(id);
    world.client.prepare(&world.to_bob, message).await.unwrap()
}

async fn receive(receiver: As2Receiver, message: http::Request<Vec<u8>>) -> (StatusCode, String) {
    let answer = receiver.receive(message.map(|body| Full::new(Bytes::from(body)))).await;
    let text = String::from_utf8(answer.body().octets().to_vec()).unwrap();
    (answer.status(), text)
}

/// REL-09, REL-13: while the first is being delivered, another content under its id waits, and gets a refusal of its own;
/// a body that anybody could have made gets one at once. Neither sees the receipt of the first.
#[tokio::test]
async fn others_under_the_id_of_one_that_is_being_delivered() {
    let door = Door::new();
    let world = World::with(AcceptPolicy::new(), |builder| door.inbox(builder)).await;
    let (first, other) = (prepare(&world, ORDER).await, prepare(&world, "another order").await);
    let receiver = || world.bob.receiver.clone();
    let delivered = tokio::spawn(receive(receiver(), request(&first).await));
    door.entered.notified().await;
    let mut forged = request(&first).await;
    *forged.body_mut() = b"another body".to_vec();
    let (status, told) = receive(receiver(), forged).await;
    assert!(
        status == StatusCode::OK && told.contains("; processed/error: decryption-failed\r\n"),
        "{told}"
    );
    let mut conflict = tokio::spawn(receive(receiver(), request(&other).await));
    assert!(timeout(Duration::from_millis(300), &mut conflict).await.is_err());
    door.open();
    let (_, receipt) = delivered.await.unwrap();
    assert!(receipt.contains("; processed\r\n"));
    let (status, told) = conflict.await.unwrap();
    let refused = "; processed/error: unexpected-processing-error\r\n";
    assert!(status == StatusCode::OK && told.contains(refused), "{told}");
    let record = world.bob.store.find_received(first.id()).await.unwrap().unwrap();
    assert_eq!(record.mic.as_ref(), first.mics().first());
}

/// REL-11: a copy does not wait for ever.
#[tokio::test(start_paused = true)]
async fn a_copy_that_waits_too_long() {
    let door = Door::new();
    let world = World::with(AcceptPolicy::new(), |builder| door.inbox(builder)).await;
    let prepared = prepare(&world, ORDER).await;
    let receiver = || world.bob.receiver.clone();
    let first = tokio::spawn(receive(receiver(), request(&prepared).await));
    door.entered.notified().await;
    let began = Instant::now();
    let (status, _) = receive(receiver(), request(&prepared).await).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(began.elapsed() >= Duration::from_secs(10), "{:?}", began.elapsed());
    door.open();
    assert_eq!(first.await.unwrap().0, StatusCode::OK);
    assert_eq!(receive(receiver(), request(&prepared).await).await.0, StatusCode::OK);
}

/// A body whose end never comes.
struct Stalling(Option<Bytes>);

impl Body for Stalling {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut().0.take() {
            Some(octets) => Poll::Ready(Some(Ok(Frame::data(octets)))),
            None => Poll::Pending,
        }
    }
}

/// REL-15: a forged upload under the id of a message, however slow, does not hold the message up.
#[tokio::test]
async fn a_slow_forged_upload() {
    let mut world = World::new(AcceptPolicy::new()).await;
    let prepared = prepare(&world, ORDER).await;
    let (head, body) = request(&prepared).await.into_parts();
    let forged = Stalling(Some(body[..body.len() - 1].to_vec().into()));
    let receiver = world.bob.receiver.clone();
    let stalled = tokio::spawn(async move { receiver.receive(http::Request::from_parts(head, forged)).await });
    while world.bob.receiver.in_progress() == 0 {
        tokio::task::yield_now().await;
    }
    let (status, receipt) = receive(world.bob.receiver.clone(), request(&prepared).await).await;
    assert!(
        status == StatusCode::OK && receipt.contains("; processed\r\n"),
        "{receipt}"
    );
    assert!(!stalled.is_finished());
    stalled.abort();
    assert!(world.bob.inbox.recv().await.is_some() && world.bob.nothing_arrived());
}

/// REL-15, CLI-15: the partner has hung up when the inbox fails: the claim is free for the retry all the same.
#[tokio::test]
async fn an_inbox_that_fails_after_the_partner_hung_up() {
    let (calls, turn) = (Arc::new(AtomicU32::new(0)), Arc::new(Semaphore::new(0)));
    let (theirs, open) = (calls.clone(), turn.clone());
    let world = World::with(AcceptPolicy::new(), |builder| {
        builder.inbox(move |_: ReceivedMessage| {
            let (call, open) = (theirs.fetch_add(1, Ordering::SeqCst), open.clone());
            async move {
                if call == 0 {
                    open.acquire().await.map_err(|_| "closed")?.forget();
                    return Err("no room");
                }
                Ok(())
            }
        })
    })
    .await;
    let prepared = prepare(&world, ORDER).await;
    let mut receiving = Box::pin(receive(world.bob.receiver.clone(), request(&prepared).await));
    while calls.load(Ordering::SeqCst) == 0 {
        assert!(timeout(Duration::from_millis(1), &mut receiving).await.is_err());
    }
    drop(receiving);
    turn.add_permits(1);
    while world.bob.receiver.in_progress() > 0 {
        tokio::task::yield_now().await;
    }
    let (status, receipt) = receive(world.bob.receiver.clone(), request(&prepared).await).await;
    assert!(
        status == StatusCode::OK && receipt.contains("; processed\r\n"),
        "{receipt}"
    );
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}
