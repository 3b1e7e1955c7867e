//! The order of things in the receiver, and what happens when one of them fails: come again, nothing recorded.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ediint::partnership::{AcceptPolicy, ReceiptRequest, ReceiptRule, RetryPolicy, SendProfile};
use ediint::store::{Job, MemoryStore, MessageStore, Partnerships, PostState, Work};
use ediint::{
    As2Receiver, Delivery, OutboundMessage, Partnership, PreparedMessage, ReceivedMessage, SpoolOptions, SpoolQuota,
};
use http::header::RETRY_AFTER;
use http::{Request, StatusCode};
use http_body_util::Full;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::answers::serve;
use crate::common::{Adjustable, Host, Port, World, alice, assert_empty, bob, is_stage, post, request};
use crate::rows::ORDER;
use crate::watched::{Watch, Watched};

/// Bob's receiver on watched stores, without a port.
struct Bob {
    receiver: As2Receiver,
    watch: Watch,
    store: Arc<MemoryStore>,
    /// Storage keys of what was delivered.
    inbox: UnboundedReceiver<String>,
    events: UnboundedReceiver<String>,
}

impl Bob {
    fn new(of_alice: &Host) -> Self {
        Self::on(Arc::new(MemoryStore::new()), of_alice)
    }

    fn on(store: Arc<MemoryStore>, of_alice: &Host) -> Self {
        let watch = Watch::default();
        let to_alice = Partnership::new(bob().name, alice().name, of_alice.url.parse().unwrap());
        let partnerships = Partnerships::from_iter([to_alice]);
        let keys = bob().key_store([&alice()]);
        let ((deliver, inbox), (tell, events)) = (unbounded_channel(), unbounded_channel());
        let hook = watch.clone();
        let receiver = As2Receiver::builder(
            Watched(keys, watch.clone()),
            Watched(partnerships, watch.clone()),
            Watched(store.clone(), watch.clone()),
        )
        .inbox(move |message: ReceivedMessage| {
            let (deliver, hook) = (deliver.clone(), hook.clone());
            async move {
                hook.call("inbox")?;
                assert!(hook.call("inbox panics").is_ok(), "as the test wants");
                deliver.send(message.storage_key().to_owned())?;
                match hook.call("inbox rejects") {
                    Ok(()) => Ok::<_, Box<dyn std::error::Error + Send + Sync>>(Delivery::Accepted),
                    Err(_) => Ok(Delivery::Rejected("no such order".into())),
                }
            }
        })
        .on_event(move |event| {
            if !is_stage(event) {
                tell.send(event.to_string()).unwrap_or_default();
            }
        })
        .build()
        .unwrap();
        Self {
            receiver,
            watch,
            store,
            inbox,
            events,
        }
    }
}

async fn in_process(prepared: &PreparedMessage) -> Request<Full<Bytes>> {
    request(prepared).await.map(|body| Full::new(body.into()))
}

async fn prepare(world: &World, receipt: ReceiptRequest) -> (Partnership, PreparedMessage) {
    let sends = world.sending(SendProfile::new().receipt(receipt));
    let prepared = world.client.prepare(&sends, OutboundMessage::new(ORDER)).await.unwrap();
    world.client.record(&sends, &prepared).await.unwrap();
    (sends, prepared)
}

/// RCV-01, RCV-02, RCV-07, REL-15: nothing is written before the verdict, the record is complete before the receipt
/// leaves, and a copy costs one look.
#[tokio::test]
async fn order_of_things() {
    let mut world = World::new(AcceptPolicy::new()).await;
    let bob = Bob::new(&world.alice);
    let later = ReceiptRequest::asynchronous(&world.alice.url).unwrap();
    let delivered = [
        "find partnership",
        "find_received",
        "unwrap_key",
        "partner_certificates",
        "claim",
        "inbox",
        "inbox panics",
        "inbox rejects",
    ];
    let receipt = ["signing_chain", "sign"];
    for (request, receipts) in [(ReceiptRequest::none(), 0), (ReceiptRequest::sync(), 1), (later, 1)] {
        let asynchronous = request.delivery() != ReceiptRequest::sync().delivery() && receipts == 1;
        let (_, prepared) = prepare(&world, request).await;
        let (response, after) = bob.receiver.receive_split(in_process(&prepared).await).await;
        assert_eq!((response.status(), after.is_some()), (StatusCode::OK, asynchronous));
        let mut expected = delivered.to_vec();
        expected.extend_from_slice(&receipt[..receipts * 2]);
        expected.push("complete");
        assert_eq!(bob.watch.take(), expected);

        // The record holds what goes out, and a copy is answered from it.
        let record = bob.store.find_received(prepared.id()).await.unwrap().unwrap();
        assert_eq!(record.mic.as_ref(), prepared.mics().first());
        let (again, after_again) = bob.receiver.receive_split(in_process(&prepared).await).await;
        assert_eq!(bob.watch.take(), ["find partnership", "find_received", "unwrap_key"]);
        assert_eq!(again.headers(), response.headers());
        assert_eq!(again.body().octets(), response.body().octets());
        assert!(record.reply.ends_with(response.body().octets()));
        assert_eq!(record.reply.is_empty(), receipts == 0);

        // TRN-12: the receipt waits until the caller says that the response is out. It comes twice, and counts once.
        if let (Some(after), Some(after_again)) = (after, after_again) {
            assert!(world.alice.receipts.try_recv().is_err());
            after.run().await;
            assert!(world.alice.receipts.try_recv().unwrap().is_accepted());
            after_again.run().await;
            assert!(world.alice.receipts.try_recv().is_err());
            let ignored = format!(
                "a receipt from Bob to Alice & Co is ignored: a receipt for {} had arrived before",
                prepared.id()
            );
            assert_eq!(world.alice.event().await, ignored);
        }
    }
}

/// REL-15: what is refused has claimed nothing.
#[tokio::test]
async fn refusals_claim_nothing() {
    let world = World::new(AcceptPolicy::new()).await;
    let mut bob = Bob::new(&world.alice);
    let sends = world.sending(SendProfile::new().without_encryption().danger_allow_plaintext());
    let prepared = world.client.prepare(&sends, OutboundMessage::new(ORDER)).await.unwrap();
    let response = bob.receiver.receive(in_process(&prepared).await).await;
    assert_eq!(response.status(), StatusCode::OK);
    let calls = [
        "find partnership",
        "find_received",
        "partner_certificates",
        "signing_chain",
        "sign",
    ];
    assert_eq!(bob.watch.take(), calls);

    // Rejected by the inbox, the claim is given back.
    let (_, prepared) = prepare(&world, ReceiptRequest::none()).await;
    bob.watch.away(["inbox rejects"]);
    bob.receiver.receive(in_process(&prepared).await).await;
    assert_eq!(
        bob.watch.take()[4..],
        ["claim", "inbox", "inbox panics", "inbox rejects", "release"]
    );
    bob.watch.away(None);
    bob.receiver.receive(in_process(&prepared).await).await;
    let (rejected, taken) = (bob.inbox.recv().await.unwrap(), bob.inbox.recv().await.unwrap());
    assert_eq!(rejected, taken);
    assert!(bob.store.find_received(prepared.id()).await.unwrap().is_some());
}

/// RCV-07, REL-18, MDN-33 (Matrix B, transient failures): whatever is away, the sender is told to come again, synchronous
/// or not, and nothing is recorded. The retry is delivered: under the same storage key, if it was before.
#[tokio::test]
async fn outages() {
    let mut world = World::new(AcceptPolicy::new()).await;
    let later = ReceiptRequest::asynchronous(&world.alice.url).unwrap();
    for (away, event, deliveries) in [
        ("find partnership", "the partnership store is unavailable", 1),
        ("find_received", "the message store is unavailable", 1),
        ("unwrap_key", "the key store is unavailable", 1),
        ("partner_certificates", "the key store is unavailable", 1),
        ("claim", "the message store is unavailable", 1),
        ("inbox", "the inbox cannot take the message at present", 1),
        ("inbox panics", "the inbox cannot take the message at present", 1),
        (
            "signing_chain",
            "the receipt could not be made: key store: the key store is unavailable",
            2,
        ),
        (
            "sign",
            "the receipt could not be made: key store: the key store is unavailable",
            2,
        ),
        ("complete", "the message store is unavailable", 2),
    ] {
        for request in [ReceiptRequest::sync(), later.clone()] {
            let asynchronous = request == later;
            let (sends, prepared) = prepare(&world, request).await;
            let mut bob = Bob::new(&world.alice);
            bob.watch.away([away]);
            let (response, after) = bob.receiver.receive_split(in_process(&prepared).await).await;
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{away}");
            assert_eq!(response.headers()[RETRY_AFTER], "60", "{away}");
            assert!(response.body().octets().is_empty() && after.is_none(), "{away}");
            let refused = format!("refused a request with 503 Service Unavailable: {event}");
            assert_eq!(bob.events.recv().await.unwrap(), refused, "{away}");
            assert!(bob.events.try_recv().is_err(), "{away}");
            assert_eq!(bob.store.find_received(prepared.id()).await.unwrap(), None, "{away}");

            bob.watch.away(None);
            let (response, after) = bob.receiver.receive_split(in_process(&prepared).await).await;
            match after {
                Some(after) => {
                    after.run().await;
                    assert!(world.alice.receipts.recv().await.unwrap().is_accepted(), "{away}");
                }
                None => {
                    let response = response.map(|body| Bytes::clone(body.octets()).into());
                    let receipt = world.client.accept_response(&sends, &prepared, response).await.unwrap();
                    assert!(receipt.is_accepted() && !asynchronous, "{away}: {}", receipt.status);
                }
            }
            let keys: Vec<_> = std::iter::from_fn(|| bob.inbox.try_recv().ok()).collect();
            assert_eq!(keys.len(), deliveries, "{away}");
            assert!(keys.windows(2).all(|pair| pair[0] == pair[1]), "{away}");
        }
    }
    assert!(world.alice.receipts.try_recv().is_err());
}

/// A refusal is final for its sender, so it is not given while it cannot be signed.
#[tokio::test]
async fn refusals_wait_for_the_key_store() {
    let world = World::new(AcceptPolicy::new()).await;
    let bob = Bob::new(&world.alice);
    let sends = world.sending(SendProfile::new().without_encryption().danger_allow_plaintext());
    let prepared = world.client.prepare(&sends, OutboundMessage::new(ORDER)).await.unwrap();
    bob.watch.away(["sign"]);
    let response = bob.receiver.receive(in_process(&prepared).await).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
}

/// SEC-25: what does not fit into the spool may fit later.
#[tokio::test]
async fn full_spools() {
    let spools = SpoolOptions::new().threshold(0).quota(SpoolQuota::new(10));
    let mut world = World::with(AcceptPolicy::new(), |builder| builder.spool(spools)).await;
    let (_, prepared) = prepare(&world, ReceiptRequest::sync()).await;
    assert_empty(post(request(&prepared).await).await, StatusCode::SERVICE_UNAVAILABLE).await;
    let event = "refused a request with 503 Service Unavailable: the payload cannot be spooled";
    assert_eq!(world.bob.event().await, event);
    assert!(world.bob.nothing_arrived());
    assert_eq!(world.bob.store.find_received(prepared.id()).await.unwrap(), None);
}

/// RCV-11, REL-19: the receiver posts a receipt once, and notes how it went: done, to be tried again by whoever works on
/// the outbox, with the same octets, or given up.
#[tokio::test]
async fn posting_that_fails_is_left_to_the_outbox() {
    let delay = Duration::from_secs(3600);
    let retry = RetryPolicy::schedule([delay]).without_jitter();
    let mut world = World::new(AcceptPolicy::new()).await;
    for (status, last, state) in [
        ("200 OK", "posted the receipt for ", PostState::Delivered),
        ("204 No Content", "posted the receipt for ", PostState::Delivered),
        ("503 Service Unavailable", "; again in 3600 s", PostState::Waiting),
        (
            "429 Too Many Requests\r\nRetry-After: 7200",
            "; again in 7200 s",
            PostState::Waiting,
        ),
        (
            "429 Too Many Requests\r\nRetry-After: 9999999",
            "; again in 86400 s",
            PostState::Waiting,
        ),
        ("410 Gone", "the partner's server answered 410 Gone", PostState::Failed),
        (
            "302 Found\r\nLocation: /other",
            "the partner's server answered 302 Found",
            PostState::Failed,
        ),
    ] {
        let (url, posted) = serve([format!("HTTP/1.1 {status}\r\nConnection: close\r\n\r\n")]).await;
        let to_alice = Partnership::new(bob().name, alice().name, world.alice.url.parse().unwrap())
            .accept(AcceptPolicy::new().receipts(ReceiptRule::Async(url.parse().unwrap())))
            .receipt_retry(retry.clone());
        let port = Port::open().await;
        world.to_bob = Partnership::new(alice().name, bob().name, port.url().parse().unwrap());
        world.bob = Host::start(port, bob().key_store([&alice()]), [to_alice], |builder| builder);
        let prepared = world
            .client
            .prepare(&world.to_bob, OutboundMessage::new(ORDER))
            .await
            .unwrap();
        world.client.transmit(&world.to_bob, &prepared).await.unwrap();
        assert!(world.bob.event().await.starts_with("delivered "));
        let event = world.bob.event().await;
        assert!(event.contains(last), "{event}");

        let posted = posted.await.unwrap().remove(0);
        let request = String::from_utf8_lossy(&posted).into_owned();
        assert!(
            request.starts_with("POST /as2 HTTP/1.1\r\nHost: 127.0.0.1:"),
            "{request}"
        );
        let record = world.bob.store.find_received(prepared.id()).await.unwrap().unwrap();
        let end = record
            .reply
            .windows(4)
            .position(|octets| octets == b"\r\n\r\n")
            .unwrap();
        assert!(posted.ends_with(&record.reply[end..]), "{status}");
        let posting = record.posting.unwrap();
        assert_eq!(
            (posting.url.to_string(), posting.state, posting.attempts.made),
            (url, state, 1)
        );
        assert_eq!(posting.attempts.error.is_some(), state != PostState::Delivered);
        // A worker has nothing to do yet.
        assert!(
            world
                .bob
                .store
                .claim_due(delay, 10, &[], None)
                .await
                .unwrap()
                .is_empty()
        );
        let due = world.bob.store.next_due(&[], None).await.unwrap();
        assert_eq!(due.is_some(), state == PostState::Waiting);

        // A retry of the message meanwhile posts nothing beside the outbox.
        let again = world.client.transmit(&world.to_bob, &prepared).await.unwrap();
        assert!(world.bob.event().await.ends_with(" again, answered as before"));
        if state == PostState::Waiting {
            assert!(!again.is_accepted() && world.bob.events.try_recv().is_err());
        } else {
            // It was posted, and the partner says it has nothing: once more. The server is gone.
            assert!(world.bob.event().await.starts_with("could not post the receipt for "));
        }
    }
}

/// REL-19: a process that dies with the receipt unposted leaves it in the outbox, for any worker.
#[tokio::test]
async fn receipts_outlive_the_process_that_owes_them() {
    let world = World::new(AcceptPolicy::new()).await;
    let clock = Arc::new(Adjustable::default());
    let store = Arc::new(MemoryStore::new().clock(clock.clone()));
    let bob = Bob::on(store, &world.alice);
    let later = ReceiptRequest::asynchronous(&world.alice.url).unwrap();
    let (_, prepared) = prepare(&world, later).await;
    let (response, after) = bob.receiver.receive_split(in_process(&prepared).await).await;
    assert_eq!(response.status(), StatusCode::OK);
    // Never run, nor dropped where it would run by itself.
    std::mem::forget(after);
    assert!(
        bob.store
            .claim_due(Duration::from_secs(60), 10, &[], None)
            .await
            .unwrap()
            .is_empty()
    );
    clock.advance(Duration::from_secs(400));
    let jobs = bob
        .store
        .claim_due(Duration::from_secs(60), 10, &[], None)
        .await
        .unwrap();
    let [
        Job {
            id,
            work: Work::Post(record),
            ..
        },
    ] = &jobs[..]
    else {
        panic!("{jobs:?}")
    };
    assert_eq!(id, prepared.id());
    let posting = record.posting.as_ref().unwrap();
    assert_eq!(
        (posting.url.to_string(), posting.attempts.made),
        (world.alice.url.clone(), 2)
    );
}
