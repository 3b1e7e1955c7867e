//! An outbox through crashes, restarts and outages.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use ediint::partnership::RetryPolicy;
use ediint::store::{ExchangeId, Filter, MemoryStore, MessageStore, Partnerships, SentOutcome, SentState};
use ediint::{
    As2Client, MessageId, OutboundMessage, OutboxDirectory, OutboxEvent, OutboxWorker, QueuedError, ReceivedMessage,
    SubmitError, WorkError,
};
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::common::{Adjustable, alice, bob};
use crate::gate::{Fault, Outbox, Running, client, status};
use crate::rows::ORDER;
use crate::watched::{EVERYTHING, Watch, Watched};

const MINUTE: Duration = Duration::from_secs(60);

fn order() -> OutboundMessage {
    OutboundMessage::new(ORDER)
}

/// REL-04, CLI-15: a worker dies in the middle of a transfer, another process goes on with the same octets.
#[tokio::test]
async fn a_process_that_restarts_with_queued_messages() {
    let mut outbox = Outbox::new([Fault::Silence]).await;
    let worker = outbox.worker().lease(Duration::from_millis(200));
    outbox.worker = Some(Running::start(worker));
    let id = outbox.submit().await;
    let first = outbox.gate.request().await;
    outbox.worker.take().unwrap().kill().await;

    // What is left is what is in the store and in the directory.
    let keys = alice().key_store([&bob()]);
    outbox.client = client(keys, outbox.world.alice.store.clone(), &outbox.directory);
    outbox.start();
    outbox.delivered(&id).await;
    assert_eq!(outbox.gate.request().await, first);
    let record = outbox.record(&id).await;
    assert_eq!((record.attempts.made, &first[..4]), (2, &b"POST"[..]));
    // What is on record is what went out.
    let head = String::from_utf8(record.head.to_vec()).unwrap();
    for line in head.lines() {
        let sent = String::from_utf8_lossy(&first).to_ascii_lowercase();
        assert!(sent.contains(&line.to_ascii_lowercase()), "{line}");
    }
}

/// A message whose sender had its octets in memory, and died with them.
#[tokio::test]
async fn a_message_that_nobody_can_send_again() {
    let mut outbox = Outbox::new([Fault::Silence]).await;
    {
        let mut sending = pin!(outbox.client.send(&outbox.to_bob, order()));
        tokio::select! {
            receipt = &mut sending => panic!("{receipt:?}"),
            _ = outbox.gate.request() => {}
        }
    }
    let listed = outbox.world.alice.store.list(&Filter::new(), None, 10).await.unwrap();
    let id = listed.records[0].id.clone();
    // Its claim lasts for ten minutes.
    let record = outbox.record(&id).await;
    outbox
        .world
        .alice
        .store
        .record_sent(&id, record, Duration::ZERO)
        .await
        .unwrap();
    outbox.start();
    let event = outbox.event().await;
    assert!(
        matches!(
            event,
            OutboxEvent::Failed {
                error: WorkError::Queued(QueuedError::NotQueued),
                ..
            }
        ),
        "{event}"
    );
    assert_eq!(outbox.record(&id).await.state, SentState::Closed(SentOutcome::Failed));
}

/// Nothing is lost, and nothing sent twice, whenever the store goes: before the message is claimed, and with its receipt
/// in hand.
#[tokio::test]
async fn the_store_is_unavailable_for_ten_seconds() {
    let watch = Watch::default();
    let away = watch.clone();
    let mut outbox = Outbox::with([], |builder| {
        builder.inbox(move |_: ReceivedMessage| {
            // Bob is about to answer.
            away.away(Some(EVERYTHING));
            async { Ok::<_, std::io::Error>(()) }
        })
    })
    .await;
    let keys = || alice().key_store([&bob()]);
    let store = Watched(outbox.world.alice.store.clone(), watch.clone());
    outbox.client = client(keys(), store, &outbox.directory);
    let id = outbox.submit().await;

    watch.away(Some(EVERYTHING));
    let error = outbox.client.submit(&outbox.to_bob, order()).await.unwrap_err();
    assert!(matches!(error, SubmitError::Store(_)), "{error}");
    outbox.start();
    for outage in 0..2 {
        let since = Instant::now();
        while since.elapsed() < Duration::from_secs(10) {
            let event = outbox.event().await;
            assert!(matches!(event, OutboxEvent::StoreUnavailable(_)), "{outage}: {event}");
        }
        watch.away(None);
    }
    loop {
        match outbox.event().await {
            OutboxEvent::StoreUnavailable(_) => {}
            OutboxEvent::Answered(receipt) => break assert!(receipt.is_accepted(), "{}", receipt.status),
            other => panic!("{other}"),
        }
    }
    let record = outbox.record(&id).await;
    assert_eq!(
        (record.state, record.attempts.made),
        (SentState::Closed(SentOutcome::Accepted), 1)
    );
    assert_eq!(outbox.gate.same_requests(), 1);
    // The file of the message that could not be put on record: nobody knows that it was not, at first.
    assert_eq!(outbox.files().len(), 1);
    outbox.worker.take().unwrap().stop().await;
    let swept = OutboxDirectory::new(outbox.directory.path()).orphan_age(Duration::ZERO);
    let again = As2Client::builder(keys(), outbox.world.alice.store.clone()).outbox(swept);
    outbox.client = again.build().unwrap();
    outbox.start();
    let event = outbox.event().await;
    assert!(matches!(event, OutboxEvent::Swept { files: 1 }), "{event}");
    assert!(outbox.files().is_empty());
}

/// REL-23: a message waits longer when the clock is put back, and not at all when it is put forward; it is neither lost
/// nor given up without another attempt.
#[tokio::test]
async fn the_clock_jumps() {
    let clock = Arc::new(Adjustable::default());
    let unavailable = || status("503 Service Unavailable");
    let mut outbox = Outbox::new([unavailable(), unavailable()]).await;
    outbox.to_bob = outbox
        .to_bob
        .clone()
        .retry(RetryPolicy::exponential(5 * MINUTE, 4).without_jitter());
    let store = Arc::new(MemoryStore::new().clock(clock.clone()));
    let builder = As2Client::builder(alice().key_store([&bob()]), store.clone());
    let directory = OutboxDirectory::new(outbox.directory.path());
    outbox.client = builder.clock(clock.clone()).outbox(directory).build().unwrap();
    let worker = outbox.worker().poll_interval(Duration::from_millis(10));
    outbox.worker = Some(Running::start(worker));
    let id = outbox.submit().await;
    let postponed = |event: OutboxEvent| match event {
        OutboxEvent::Postponed { after, attempt, .. } => (after, attempt),
        other => panic!("{other}"),
    };
    assert_eq!(postponed(outbox.event().await), (5 * MINUTE, 1));

    clock.set_back(60 * MINUTE);
    assert_eq!(store.next_due(&[], None).await.unwrap(), Some(65 * MINUTE));
    clock.advance(65 * MINUTE);
    assert_eq!(postponed(outbox.event().await), (10 * MINUTE, 2));

    clock.advance(365 * 24 * 60 * MINUTE);
    match outbox.event().await {
        OutboxEvent::Answered(receipt) => assert!(receipt.is_accepted(), "{}", receipt.status),
        other => panic!("{other}"),
    }
    assert_eq!(outbox.gate.same_requests(), 3);
    assert_eq!(store.find_sent(&id).await.unwrap().unwrap().attempts.made, 3);
}

/// What is under way ends; nothing more is begun.
#[tokio::test]
async fn a_worker_drains() {
    let (arrived, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (at_bobs, released) = (arrived.clone(), go_on.clone());
    let mut outbox = Outbox::with([], |builder| {
        builder.inbox(move |_: ReceivedMessage| {
            at_bobs.notify_one();
            let released = released.clone();
            async move {
                released.notified().await;
                Ok::<_, std::io::Error>(())
            }
        })
    })
    .await;
    outbox.start();
    let id = outbox.submit().await;
    arrived.notified().await;
    let running = outbox.worker.take().unwrap();
    let draining = tokio::spawn(running.stop());
    // It has had every chance to stop.
    sleep(Duration::from_millis(100)).await;
    assert!(!draining.is_finished());
    let next = outbox.submit().await;
    go_on.notify_one();
    let mut events = draining.await.unwrap();
    assert!(matches!(events.recv().await.unwrap(), OutboxEvent::Answered(_)));
    assert_eq!(outbox.record(&id).await.state, SentState::Closed(SentOutcome::Accepted));
    assert_eq!(outbox.record(&next).await.attempts.made, 0);
}

/// What takes longer is broken off, noted, and due again at once.
#[tokio::test]
async fn a_worker_breaks_off() {
    let mut outbox = Outbox::new([Fault::Silence]).await;
    outbox.worker = Some(Running::start(outbox.worker().drain_limit(Duration::from_millis(10))));
    let id = outbox.submit().await;
    outbox.gate.request().await;
    let mut events = outbox.worker.take().unwrap().stop().await;
    match events.recv().await.unwrap() {
        OutboxEvent::Postponed {
            error: WorkError::Stopped,
            after,
            ..
        } => assert_eq!(after, Duration::ZERO),
        other => panic!("{other}"),
    }
    assert_eq!(
        outbox.world.alice.store.next_due(&[], None).await.unwrap(),
        Some(Duration::ZERO)
    );
    outbox.start();
    outbox.delivered(&id).await;
}

/// CLI-15: wherever `submit` is dropped, the message is in the outbox or not, and no file stays behind.
#[tokio::test]
async fn a_submission_that_is_dropped() {
    let outbox = Outbox::new([]).await;
    let store = outbox.world.alice.store.clone();
    let mut recorded = Vec::new();
    let mut complete = false;
    let mut polls = 0;
    while !complete {
        polls += 1;
        let message_id = MessageId::new(&format!("<{polls}@alice.example>")).unwrap();
        let id = ExchangeId::new(bob().name, alice().name, message_id.clone());
        {
            let mut submitting = pin!(outbox.client.submit(&outbox.to_bob, order().message_id(message_id)));
            let mut left = polls;
            complete = poll_fn(|cx| match submitting.as_mut().poll(cx) {
                Poll::Ready(submitted) => Poll::Ready(submitted.unwrap() == id),
                Poll::Pending if left == 1 => Poll::Ready(false),
                Poll::Pending => {
                    left -= 1;
                    Poll::Pending
                }
            })
            .await;
        }
        // What the blocking pool has begun it ends.
        sleep(Duration::from_millis(50)).await;
        if let Some(record) = store.find_sent(&id).await.unwrap() {
            assert!(outbox.files().contains(&record.request.unwrap().spool));
            recorded.push(id);
        }
    }
    assert!(
        polls > 1 && recorded.len() < polls,
        "{polls} polls, {} recorded",
        recorded.len()
    );

    let directory = OutboxDirectory::new(outbox.directory.path()).orphan_age(Duration::ZERO);
    let keys = alice().key_store([&bob()]);
    let client = As2Client::builder(keys, store.clone())
        .outbox(directory)
        .build()
        .unwrap();
    let partners = Partnerships::from_iter([outbox.to_bob.clone()]);
    let mut running = Running::start(OutboxWorker::new(&client, partners));
    let mut answered = 0;
    while answered < recorded.len() {
        if let OutboxEvent::Answered(receipt) = running.event().await {
            assert!(receipt.is_accepted(), "{}", receipt.status);
            answered += 1;
        }
    }
    running.stop().await;
    assert!(outbox.files().is_empty());
}
