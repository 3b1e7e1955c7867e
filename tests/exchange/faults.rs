//! What the receiver makes of faults around it, each test named by one: what the host sees, and what is left behind.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ediint::partnership::{AcceptPolicy, ReceiptRequest, SendProfile};
use ediint::store::{MemoryStore, MessageStore, Partnerships, SentOutcome, SentState, SentStep};
use ediint::{As2Receiver, DirectoryInbox, OutboundMessage, Partnership, PreparedMessage, ReceivedMessage};
use http::StatusCode;
use http::header::RETRY_AFTER;
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use crate::common::{Adjustable, World, alice, assert_empty, bob, post, request};
use crate::handmade::{BOB_TO_ALICE, Entity};
use crate::rows::ORDER;
use crate::watched::{Watch, Watched};

async fn prepare(world: &World, receipt: ReceiptRequest) -> (Partnership, PreparedMessage) {
    let sends = world.sending(SendProfile::new().receipt(receipt));
    let prepared = world.client.prepare(&sends, OutboundMessage::new(ORDER)).await.unwrap();
    world.client.record(&sends, &prepared).await.unwrap();
    (sends, prepared)
}

/// The whole request as octets.
async fn octets(prepared: &PreparedMessage) -> Vec<u8> {
    let message = request(prepared).await;
    let length = format!("Content-Length: {}\r\n", message.body().len());
    let mut octets = format!("POST /as2 HTTP/1.1\r\nHost: bob\r\n{length}").into_bytes();
    prepared.headers().write_to(&mut octets);
    octets.extend_from_slice(b"\r\n");
    octets.extend_from_slice(message.body());
    octets
}

async fn connect(world: &World) -> TcpStream {
    let address = world.to_bob.url().authority().unwrap().as_str();
    TcpStream::connect(address).await.unwrap()
}

/// The request breaks off at any place: nothing is recorded or delivered, and the retry is taken.
#[tokio::test]
async fn connection_cut_in_the_middle_of_the_request() {
    let mut world = World::new(AcceptPolicy::new()).await;
    let (_, prepared) = prepare(&world, ReceiptRequest::sync()).await;
    let all = octets(&prepared).await;
    let head = all.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    for cut in [10, head - 2, head, head + 1, (head + all.len()) / 2, all.len() - 1] {
        let mut connection = connect(&world).await;
        connection.write_all(&all[..cut]).await.unwrap();
        drop(connection);
        if cut >= head {
            assert!(world.bob.event().await.ends_with("the body of the request broke off"));
        }
        assert_eq!(world.bob.store.find_received(prepared.id()).await.unwrap(), None);
        assert!(world.bob.nothing_arrived() && world.bob.events.try_recv().is_err());
    }
    let receipt = world.client.transmit(&world.to_bob, &prepared).await.unwrap();
    assert!(receipt.is_accepted());
    assert!(world.bob.inbox.recv().await.is_some() && world.bob.nothing_arrived());
}

/// The response breaks off at any place: the message was delivered, and each retry gets the very same receipt.
#[tokio::test]
async fn connection_cut_in_the_middle_of_the_response() {
    let mut world = World::new(AcceptPolicy::new()).await;
    let (sends, prepared) = prepare(&world, ReceiptRequest::sync()).await;
    let all = octets(&prepared).await;
    for read in [1, 40, 700] {
        let mut connection = connect(&world).await;
        connection.write_all(&all).await.unwrap();
        connection.read_exact(&mut vec![0; read]).await.unwrap();
        drop(connection);
        let event = world.bob.event().await;
        assert!(event.starts_with("delivered ") == (read == 1), "{event}");
    }
    let record = world.bob.store.find_received(prepared.id()).await.unwrap().unwrap();
    let (head, body) = post(request(&prepared).await).await.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    assert!(head.status == StatusCode::OK && record.reply.ends_with(&body) && !body.is_empty());
    assert!(world.client.transmit(&sends, &prepared).await.unwrap().is_accepted());
    assert!(world.bob.inbox.recv().await.is_some() && world.bob.nothing_arrived());
}

/// A message of Alice's is on record, and waits for its receipt.
async fn waiting(world: &World) -> PreparedMessage {
    let later = ReceiptRequest::asynchronous(&world.alice.url).unwrap();
    prepare(world, later).await.1
}

/// The second one changes nothing, whatever it says.
#[tokio::test]
async fn two_receipts() {
    let mut world = World::new(AcceptPolicy::new()).await;
    let prepared = waiting(&world).await;
    let first = Entity::on(&prepared, "processed").signed_by_bob();
    let second = Entity::on(&prepared, "processed/error: decryption-failed").signed_by_bob();
    for receipt in [first, second] {
        assert_empty(
            post(receipt.request(&world.alice.url, &BOB_TO_ALICE)).await,
            StatusCode::OK,
        )
        .await;
    }
    assert!(world.alice.receipts.recv().await.unwrap().is_accepted());
    assert!(world.alice.event().await.ends_with(" had arrived before"));
    assert!(world.alice.receipts.try_recv().is_err());
    let record = world.alice.store.find_sent(prepared.id()).await.unwrap().unwrap();
    assert_eq!(record.state, SentState::Closed(SentOutcome::Accepted));
}

/// Alice has given up; the receipt is the last word all the same.
#[tokio::test]
async fn late_asynchronous_receipt() {
    let mut world = World::new(AcceptPolicy::new()).await;
    let prepared = waiting(&world).await;
    let store = world.alice.store.clone();
    let sent = store.find_sent(prepared.id()).await.unwrap().unwrap();
    let token = store
        .record_sent(prepared.id(), sent, Duration::from_secs(60))
        .await
        .unwrap();
    let expired = SentStep::Close {
        outcome: SentOutcome::Expired,
        error: None,
    };
    store.update_sent(prepared.id(), token, expired).await.unwrap();
    let receipt = Entity::on(&prepared, "processed").signed_by_bob();
    let posted = receipt.clone().request(&world.alice.url, &BOB_TO_ALICE);
    assert_empty(post(posted).await, StatusCode::OK).await;
    assert!(world.alice.receipts.recv().await.unwrap().is_accepted());
    let record = store.find_sent(prepared.id()).await.unwrap().unwrap();
    assert_eq!(record.state, SentState::Closed(SentOutcome::Accepted));
    assert!(record.receipt.unwrap().octets.ends_with(&receipt.body));
}

/// It closes the message that it names and no other, or none.
#[tokio::test]
async fn receipt_for_another_message() {
    let mut world = World::new(AcceptPolicy::new()).await;
    let (one, other) = (waiting(&world).await, waiting(&world).await);
    let misnamed = Entity::on(&one, "processed")
        .replaced(one.message_id().key(), other.message_id().key())
        .signed_by_bob();
    assert_empty(
        post(misnamed.request(&world.alice.url, &BOB_TO_ALICE)).await,
        StatusCode::OK,
    )
    .await;
    // The same content under another id: it is the receipt of the other one, for all that it says.
    let receipt = world.alice.receipts.recv().await.unwrap();
    assert_eq!(&receipt.id, other.id());
    let of_nothing = Entity::on(&one, "processed")
        .replaced(one.message_id().key(), "nothing@alice.example")
        .signed_by_bob();
    assert_empty(
        post(of_nothing.request(&world.alice.url, &BOB_TO_ALICE)).await,
        StatusCode::OK,
    )
    .await;
    assert!(
        world
            .alice
            .event()
            .await
            .contains("no message <nothing@alice.example> from ")
    );
    let record = world.alice.store.find_sent(one.id()).await.unwrap().unwrap();
    assert_eq!(record.receipt, None);
}

/// The receiver's clock goes forward ten days and back again: what was delivered stays so, and new messages are taken.
#[tokio::test]
async fn clock_jumps() {
    let clock = Arc::new(Adjustable::default());
    let theirs = clock.clone();
    let mut world = World::with(AcceptPolicy::new(), |builder| builder.clock(Shared(theirs))).await;
    let ten_days = Duration::from_secs(10 * 24 * 60 * 60);
    let (sends, first) = prepare(&world, ReceiptRequest::sync()).await;
    let taken = world.client.transmit(&sends, &first).await.unwrap();
    assert!(taken.is_accepted());
    for jump in [Adjustable::advance, Adjustable::set_back] {
        jump(&clock, ten_days);
        let again = world.client.transmit(&sends, &first).await.unwrap();
        assert_eq!(again.to_bytes(), taken.to_bytes());
        let (_, next) = prepare(&world, ReceiptRequest::sync()).await;
        assert!(world.client.transmit(&sends, &next).await.unwrap().is_accepted());
    }
    let delivered: Vec<_> = std::iter::from_fn(|| world.bob.inbox.try_recv().ok()).collect();
    assert_eq!(delivered.len(), 3);
}

/// A clock that the test holds too.
#[derive(Debug)]
struct Shared(Arc<Adjustable>);

impl ediint::Clock for Shared {
    fn now(&self) -> std::time::SystemTime {
        ediint::Clock::now(&*self.0)
    }
}

/// The sender is told to come again until the store is there again; then the message is delivered, once, or under the same
/// storage key where the store went away between delivery and record.
#[tokio::test(start_paused = true)]
async fn store_unavailable_for_ten_seconds() {
    let world = World::new(AcceptPolicy::new()).await;
    for (away, deliveries) in [("find_received", 1), ("claim", 1), ("complete", 11)] {
        let (sends, prepared) = prepare(&world, ReceiptRequest::sync()).await;
        let (watch, store) = (Watch::default(), Arc::new(MemoryStore::new()));
        let (deliver, mut inbox) = tokio::sync::mpsc::unbounded_channel();
        let to_alice = Partnership::new(bob().name, alice().name, world.alice.url.parse().unwrap());
        let receiver = As2Receiver::builder(
            bob().key_store([&alice()]),
            Partnerships::from_iter([to_alice]),
            Watched(store.clone(), watch.clone()),
        )
        .inbox(move |message: ReceivedMessage| {
            let sent = deliver.send(message.storage_key().to_owned());
            async move { sent }
        })
        .build()
        .unwrap();
        watch.away([away]);
        let began = Instant::now();
        let answer = loop {
            let message = request(&prepared).await.map(|body| Full::new(Bytes::from(body)));
            let answer = receiver.receive(message).await;
            if answer.status() != StatusCode::SERVICE_UNAVAILABLE {
                break answer;
            }
            assert_eq!(answer.headers()[RETRY_AFTER], "60");
            assert_eq!(store.find_received(prepared.id()).await.unwrap(), None);
            sleep(Duration::from_secs(1)).await;
            if began.elapsed() >= Duration::from_secs(10) {
                watch.away(None);
            }
        };
        let answer = answer.map(|body| Bytes::clone(body.octets()).into());
        let receipt = world.client.accept_response(&sends, &prepared, answer).await.unwrap();
        assert!(receipt.is_accepted(), "{away}: {}", receipt.status);
        let keys: Vec<_> = std::iter::from_fn(|| inbox.try_recv().ok()).collect();
        assert_eq!(keys.len(), deliveries, "{away}");
        assert!(keys.iter().all(|key| *key == keys[0]), "{away}");
        assert!(store.find_received(prepared.id()).await.unwrap().is_some());
    }
}

/// The store goes away between claim and record, and does not hear either that the claim is given up: until the lease ends
/// copies are told to come again, and then one is delivered, under the same storage key.
#[tokio::test(start_paused = true)]
async fn store_gone_with_a_claim() {
    let world = World::new(AcceptPolicy::new()).await;
    let (sends, prepared) = prepare(&world, ReceiptRequest::sync()).await;
    let (clock, watch) = (Arc::new(Adjustable::default()), Watch::default());
    let store = Arc::new(MemoryStore::new().clock(clock.clone()));
    let (deliver, mut inbox) = tokio::sync::mpsc::unbounded_channel();
    let to_alice = Partnership::new(bob().name, alice().name, world.alice.url.parse().unwrap());
    let partnerships = Partnerships::from_iter([to_alice]);
    let store = Watched(store, watch.clone());
    let receiver = As2Receiver::builder(bob().key_store([&alice()]), partnerships, store)
        .delivery_lease(Duration::from_secs(60))
        .inbox(move |message: ReceivedMessage| {
            let sent = deliver.send(message.storage_key().to_owned());
            async move { sent }
        })
        .build()
        .unwrap();
    let post = || async {
        let message = request(&prepared).await.map(|body| Full::new(Bytes::from(body)));
        receiver.receive(message).await
    };
    watch.away(["complete", "release"]);
    assert_eq!(post().await.status(), StatusCode::SERVICE_UNAVAILABLE);
    watch.away(None);
    clock.advance(Duration::from_secs(59));
    assert_eq!(post().await.status(), StatusCode::SERVICE_UNAVAILABLE);
    clock.advance(Duration::from_secs(1));
    let answer = post().await.map(|body| Bytes::clone(body.octets()).into());
    let receipt = world.client.accept_response(&sends, &prepared, answer).await.unwrap();
    assert!(receipt.is_accepted(), "{}", receipt.status);
    let (first, second) = (inbox.recv().await.unwrap(), inbox.recv().await.unwrap());
    assert!(first == second && inbox.try_recv().is_err());
}

/// REL-18: the process dies between delivery and record. The retry has one directory, and its receipt.
#[tokio::test]
async fn crash_between_delivery_and_record() {
    let root = tempfile::tempdir().unwrap();
    let inbox =
        |root: &std::path::Path| DirectoryInbox::new(root).metadata("mic", |message| message.mic.to_string().into());
    let world = World::new(AcceptPolicy::new()).await;
    let (sends, prepared) = prepare(&world, ReceiptRequest::sync()).await;
    let store = Arc::new(MemoryStore::new());
    let mut answers = Vec::new();
    for away in [Some("complete"), None, None] {
        // Each time another process.
        let watch = Watch::default();
        watch.away(away);
        let to_alice = Partnership::new(bob().name, alice().name, world.alice.url.parse().unwrap());
        let keys = bob().key_store([&alice()]);
        let partnerships = Partnerships::from_iter([to_alice]);
        let receiver = As2Receiver::builder(keys, partnerships, Watched(store.clone(), watch))
            .inbox(inbox(root.path()))
            .build()
            .unwrap();
        let message = request(&prepared).await.map(|body| Full::new(Bytes::from(body)));
        answers.push(receiver.receive(message).await);
    }
    assert_eq!(answers[0].status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answers[1].body().octets(), answers[2].body().octets());
    let answer = answers.remove(1).map(|body| Bytes::clone(body.octets()).into());
    let receipt = world.client.accept_response(&sends, &prepared, answer).await.unwrap();
    assert!(receipt.is_accepted());

    let partner = root.path().join("Alice%20%26%20Co");
    let directories: Vec<_> = std::fs::read_dir(&partner).unwrap().map(Result::unwrap).collect();
    let [directory] = &directories[..] else {
        panic!("{directories:?}")
    };
    let read = |name| std::fs::read_to_string(directory.path().join(name)).unwrap();
    assert_eq!(read("payload"), ORDER);
    assert_eq!(read("mic"), prepared.mics().first().unwrap().to_string());
}
