//! The same message again, another one under its id, and partners that hang up.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ediint::partnership::{AcceptPolicy, ReceiptRequest, SendProfile};
use ediint::store::MessageStore;
use ediint::{As2ReceiverBuilder, MessageId, OutboundMessage, PreparedMessage, ReceivedMessage};
use http::{HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore};

use crate::common::{World, assert_empty, open_policy, post, request};
use crate::rows::ORDER;

/// An inbox with a door: it says that a message is in, and does not take it before the door is open.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) entered: Arc<Notify>,
    open: Arc<Semaphore>,
}

impl Door {
    pub(crate) fn new() -> Self {
        Self {
            entered: Arc::new(Notify::new()),
            open: Arc::new(Semaphore::new(0)),
        }
    }

    pub(crate) fn inbox(&self, builder: As2ReceiverBuilder) -> As2ReceiverBuilder {
        let door = self.clone();
        builder.inbox(move |_: ReceivedMessage| {
            let door = door.clone();
            async move {
                door.entered.notify_one();
                // Once for each message.
                door.open.acquire().await.map(tokio::sync::SemaphorePermit::forget)
            }
        })
    }

    pub(crate) fn open(&self) {
        self.open.add_permits(1);
    }
}

async fn prepare(world: &World, receipt: ReceiptRequest, content: &'static str) -> PreparedMessage {
    let sends = world.sending(SendProfile::new().receipt(receipt));
    let id = MessageId::new("order-1@alice.example").unwrap();
    let order = OutboundMessage::new(content).message_id(id);
    let prepared = world.client.prepare(&sends, order).await.unwrap();
    world.client.record(&sends, &prepared).await.unwrap_or_default();
    prepared
}

async fn answer(message: Request<Vec<u8>>) -> (StatusCode, http::HeaderMap, Bytes) {
    let (head, body) = post(message).await.into_parts();
    (head.status, head.headers, body.collect().await.unwrap().to_bytes())
}

/// REL-04, REL-09, REL-16, CLI-14: a retry is the same octets, and so is what it is answered with. It is delivered once.
#[tokio::test]
async fn retries() {
    let mut world = World::new(AcceptPolicy::new()).await;
    let prepared = prepare(&world, ReceiptRequest::sync(), ORDER).await;
    let first = request(&prepared).await;
    let second = request(&prepared).await;
    assert_eq!((first.headers(), first.body()), (second.headers(), second.body()));
    let (status, headers, body) = answer(first).await;
    assert_eq!((status, world.bob.inbox.recv().await.is_some()), (StatusCode::OK, true));
    for _ in 0..3 {
        let again = answer(request(&prepared).await).await;
        assert_eq!(again, (status, headers.clone(), body.clone()));
    }
    // By the client: the receipt still counts, once or many times.
    let first = world.client.transmit(&world.to_bob, &prepared).await.unwrap();
    let second = world.client.transmit(&world.to_bob, &prepared).await.unwrap();
    assert!(first.is_accepted());
    assert_eq!((&first.status, first.to_bytes()), (&second.status, second.to_bytes()));
    assert!(world.bob.event().await.starts_with("delivered "));
    for _ in 0..5 {
        let event = format!("{} again, answered as before", prepared.id());
        assert_eq!(world.bob.event().await, event);
    }
    assert!(world.bob.nothing_arrived());
}

/// REL-09: the same content in another envelope is the same message, and gets the receipt of the first.
#[tokio::test]
async fn the_same_message_encrypted_anew() {
    let mut world = World::new(open_policy()).await;
    let sends = world.sending(SendProfile::new().without_signed_attributes());
    let id = MessageId::new("order-1@alice.example").unwrap();
    let mut bodies = Vec::new();
    let mut answers = Vec::new();
    for _ in 0..2 {
        let order = OutboundMessage::new(ORDER).message_id(id.clone());
        let prepared = world.client.prepare(&sends, order).await.unwrap();
        let message = request(&prepared).await;
        bodies.push(message.body().clone());
        answers.push(answer(message).await);
    }
    assert_ne!(bodies[0], bodies[1]);
    assert_eq!(answers[0], answers[1]);
    assert!(world.bob.inbox.recv().await.is_some() && world.bob.nothing_arrived());
}

/// REL-13: another message under the id of the first is refused, and the first stands.
#[tokio::test]
async fn another_message_under_the_same_id() {
    let mut world = World::new(AcceptPolicy::new()).await;
    let first = prepare(&world, ReceiptRequest::sync(), ORDER).await;
    let other = prepare(&world, ReceiptRequest::sync(), "another order").await;
    let taken = answer(request(&first).await).await;
    let record = world.bob.store.find_received(first.id()).await.unwrap();
    let response = post(request(&other).await).await;
    let receipt = world
        .client
        .accept_response(&world.to_bob, &other, response)
        .await
        .unwrap();
    let mdn = receipt.mdn.unwrap();
    let told = "automatic-action/MDN-sent-automatically; processed/error: unexpected-processing-error";
    assert_eq!(mdn.disposition().to_string(), told);
    // The digest of what came.
    let mic = mdn.received_content_mic().unwrap();
    assert!(mic.starts_with(&other.mics().first().unwrap().base64()), "{mic}");
    assert!(world.bob.event().await.starts_with("delivered "));
    let conflict = format!("another message under the id of {}, refused", first.id());
    assert_eq!(world.bob.event().await, conflict);
    assert_eq!(world.bob.store.find_received(first.id()).await.unwrap(), record);
    assert_eq!(answer(request(&first).await).await, taken);
    assert!(world.bob.inbox.recv().await.is_some() && world.bob.nothing_arrived());
}

/// REL-09, REL-15: who knows the id of a message and nothing else gets nothing, before it came and after.
#[tokio::test]
async fn an_id_alone_is_worth_nothing() {
    let mut world = World::new(AcceptPolicy::new()).await;
    let prepared = prepare(&world, ReceiptRequest::sync(), ORDER).await;
    let forge = || async {
        let mut forged = request(&prepared).await;
        *forged.body_mut() = b"another body".to_vec();
        let (status, _, body) = answer(forged).await;
        let text = String::from_utf8_lossy(&body).into_owned();
        assert!(
            status == StatusCode::OK && text.contains("; processed/error: decryption-failed\r\n"),
            "{text}"
        );
    };
    forge().await;
    let taken = answer(request(&prepared).await).await;
    assert!(String::from_utf8_lossy(&taken.2).contains("; processed\r\n"));
    forge().await;
    assert!(world.bob.inbox.recv().await.is_some() && world.bob.nothing_arrived());
}

/// MDN-22, REL-10, REL-12: the first copy wanted no receipt, or one that comes later; the next ones want others.
#[tokio::test]
async fn copies_that_want_other_receipts() {
    let mut world = World::new(AcceptPolicy::new()).await;
    let prepared = prepare(&world, ReceiptRequest::none(), ORDER).await;
    assert_empty(post(request(&prepared).await).await, StatusCode::OK).await;
    let mut wants = request(&prepared).await;
    wants
        .headers_mut()
        .insert("disposition-notification-to", HeaderValue::from_static("x"));
    let (_, _, body) = answer(wants.clone()).await;
    let text = String::from_utf8(body.to_vec()).unwrap();
    assert!(text.contains("; processed/warning: duplicate-document\r\n"), "{text}");
    let mic = prepared.mics().first().unwrap().base64();
    assert!(
        text.contains(&format!("\r\nReceived-content-MIC: {mic}, sha-256\r\n")),
        "{text}"
    );
    assert_empty(post(request(&prepared).await).await, StatusCode::OK).await;
    // No receipt goes to an address that only a copy names.
    let elsewhere = HeaderValue::from_static("http://mallory.example/");
    wants.headers_mut().insert("receipt-delivery-option", elsewhere);
    assert_empty(post(wants).await, StatusCode::OK).await;
    let events: Vec<_> = std::iter::from_fn(|| world.bob.events.try_recv().ok()).collect();
    assert_eq!(events.len(), 5);
    assert!(
        events[4].starts_with("no receipt for <order-1@alice.example> from "),
        "{}",
        events[4]
    );
    assert!(world.bob.inbox.recv().await.is_some() && world.bob.nothing_arrived());
}

/// REL-11, REL-15: a copy that comes while the first is in the inbox waits for it; both get one receipt, and one is
/// delivered.
#[tokio::test]
async fn copies_at_the_same_time() {
    let door = Door::new();
    let world = World::with(AcceptPolicy::new(), |builder| door.inbox(builder)).await;
    let prepared = prepare(&world, ReceiptRequest::sync(), ORDER).await;
    let first = tokio::spawn(answer(request(&prepared).await));
    door.entered.notified().await;
    let copies: Vec<_> = [request(&prepared).await, request(&prepared).await]
        .map(|copy| tokio::spawn(answer(copy)))
        .into();
    // Only one more message would get through the door, and none comes to it.
    door.open();
    let first = first.await.unwrap();
    assert!(String::from_utf8_lossy(&first.2).contains("; processed\r\n"));
    for copy in copies {
        assert_eq!(copy.await.unwrap(), first);
    }
    assert_eq!(door.open.available_permits(), 0);
}

/// RCV-07: no receipt before the inbox has returned, in the response or later.
#[tokio::test]
async fn receipts_wait_for_the_inbox() {
    let door = Door::new();
    let mut world = World::with(AcceptPolicy::new(), |builder| door.inbox(builder)).await;
    let later = ReceiptRequest::asynchronous(&world.alice.url).unwrap();
    for receipt in [ReceiptRequest::sync(), later] {
        let asynchronous = receipt != ReceiptRequest::sync();
        let sends = world.sending(SendProfile::new().receipt(receipt));
        let prepared = world.client.prepare(&sends, OutboundMessage::new(ORDER)).await.unwrap();
        world.client.record(&sends, &prepared).await.unwrap();
        let message = request(&prepared).await.map(|body| Full::new(Bytes::from(body)));
        let receiver = world.bob.receiver.clone();
        let mut reply = std::pin::pin!(receiver.receive(message));
        tokio::select! {
            _ = &mut reply => panic!("answered before the inbox returned"),
            () = door.entered.notified() => {}
        }
        assert!(world.bob.events.try_recv().is_err() && world.alice.receipts.try_recv().is_err());
        assert_eq!(world.bob.store.find_received(prepared.id()).await.unwrap(), None);
        door.open();
        let reply = reply.await;
        assert_eq!(reply.status(), StatusCode::OK);
        assert_eq!(reply.body().octets().is_empty(), asynchronous);
        drop(reply);
        if asynchronous {
            assert!(world.alice.receipts.recv().await.unwrap().is_accepted());
        }
        assert!(world.bob.event().await.starts_with("delivered "));
    }
}

/// CLI-15, REL-11: whoever hangs up while the message is in the inbox has it delivered once all the same, and its receipt
/// waits for the retry, or comes later.
#[tokio::test]
async fn partners_that_hang_up() {
    let door = Door::new();
    let mut world = World::with(AcceptPolicy::new(), |builder| door.inbox(builder)).await;
    let later = ReceiptRequest::asynchronous(&world.alice.url).unwrap();
    for receipt in [ReceiptRequest::sync(), later] {
        let asynchronous = receipt != ReceiptRequest::sync();
        let sends = world.sending(SendProfile::new().receipt(receipt));
        let prepared = world.client.prepare(&sends, OutboundMessage::new(ORDER)).await.unwrap();
        // Dropped while it waits for the response: the message is on record.
        tokio::select! {
            receipt = world.client.transmit(&sends, &prepared) => panic!("{receipt:?}"),
            () = door.entered.notified() => {}
        }
        assert!(
            world
                .alice
                .store
                .find_sent(prepared.id())
                .await
                .unwrap()
                .unwrap()
                .receipt
                .is_none()
        );
        door.open();
        assert!(world.bob.event().await.starts_with("delivered "));
        if asynchronous {
            assert!(world.alice.receipts.recv().await.unwrap().is_accepted());
            assert!(world.bob.event().await.starts_with("posted "));
        }
        // The retry finds no claim in its way, and no open door.
        let receipt = world.client.transmit(&sends, &prepared).await.unwrap();
        assert_eq!(receipt.is_accepted(), !asynchronous);
        assert!(world.bob.event().await.ends_with(" again, answered as before"));
        if asynchronous {
            assert!(world.bob.event().await.starts_with("posted "));
        }
        assert!(
            world
                .alice
                .store
                .find_sent(prepared.id())
                .await
                .unwrap()
                .unwrap()
                .receipt
                .is_some()
        );
    }
}

/// The connection breaks in the middle of the body: nothing has begun.
#[tokio::test]
async fn connections_that_break() {
    let mut world = World::new(AcceptPolicy::new()).await;
    let prepared = prepare(&world, ReceiptRequest::sync(), ORDER).await;
    let message = request(&prepared).await;
    let mut octets = format!(
        "POST /as2 HTTP/1.1\r\nHost: bob\r\nContent-Length: {}\r\n",
        message.body().len()
    )
    .into_bytes();
    prepared.headers().write_to(&mut octets);
    octets.extend_from_slice(b"\r\n");
    octets.extend_from_slice(&message.body()[..1000]);
    let mut connection = TcpStream::connect(world.to_bob.url().authority().unwrap().as_str())
        .await
        .unwrap();
    connection.write_all(&octets).await.unwrap();
    drop(connection);
    assert!(world.bob.event().await.ends_with("the body of the request broke off"));
    let receipt = world.client.transmit(&world.to_bob, &prepared).await.unwrap();
    assert!(receipt.is_accepted());
    assert!(world.bob.inbox.recv().await.is_some() && world.bob.nothing_arrived());
}

/// RCV-13, CLI-15: a partner that hangs up does not stop what the host does with its receipt.
#[tokio::test]
async fn the_hook_for_receipts_runs_to_its_end() {
    let world = World::new(AcceptPolicy::new()).await;
    let later = ReceiptRequest::asynchronous(&world.alice.url).unwrap();
    let sends = world.sending(SendProfile::new().receipt(later));
    let prepared = world.client.prepare(&sends, OutboundMessage::new(ORDER)).await.unwrap();
    world.client.record(&sends, &prepared).await.unwrap();
    let message = request(&prepared).await.map(|body| Full::new(Bytes::from(body)));
    let (_, after) = world.bob.receiver.receive_split(message).await;
    let record = world.bob.store.find_received(prepared.id()).await.unwrap().unwrap();
    drop(after);

    // Another receiver of Alice's, whose hook waits.
    let (entered, open) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let done = Arc::new(Notify::new());
    let (notes, partnerships) = (
        (entered.clone(), open.clone(), done.clone()),
        ediint::store::Partnerships::from_iter([sends]),
    );
    let keys = crate::common::alice().key_store([&crate::common::bob()]);
    let receiver = ediint::As2Receiver::builder(keys, partnerships, world.alice.store.clone())
        .inbox(|_: ReceivedMessage| async { Err::<(), _>("Alice only sends") })
        .on_receipt(move |receipt| {
            let (entered, open, done) = notes.clone();
            async move {
                entered.notify_one();
                open.notified().await;
                assert!(receipt.is_accepted());
                done.notify_one();
            }
        })
        .build()
        .unwrap();
    let at = record
        .reply
        .windows(4)
        .position(|octets| octets == b"\r\n\r\n")
        .unwrap();
    let head = ediint::mime::HeaderBlock::parse(&record.reply[..at + 2], &ediint::Limits::default()).unwrap();
    let mut posted = Request::post("/as2");
    for field in head.iter() {
        posted = posted.header(field.name(), field.value());
    }
    let posted = posted.body(Full::new(record.reply.slice(at + 4..))).unwrap();
    tokio::select! {
        reply = receiver.receive(posted) => panic!("{:?}", reply.status()),
        () = entered.notified() => {}
    }
    open.notify_one();
    let done = tokio::time::timeout(Duration::from_secs(60), done.notified()).await;
    done.expect("the hook was stopped");
}
