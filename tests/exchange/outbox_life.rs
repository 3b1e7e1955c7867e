//! An outbox through crashes, restarts and outages, and what its host can do with it.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use ediint::partnership::{ReceiptRequest, RetryPolicy, SendProfile};
use ediint::store::{Direction, Filter, MemoryStore, MessageStore, Partnerships, Record, SentOutcome, SentState};
use ediint::{
    As2Client, MessageId, OutboundMessage, OutboxDirectory, OutboxEvent, OutboxWorker, Partnership, QueuedError,
    ReceivedMessage, SubmitError, WorkError,
};
use http::StatusCode;
use tokio::sync::{Barrier, Notify};
use tokio::time::sleep;

use crate::common::{Adjustable, World, alice, assert_empty, bob, post};
use crate::gate::{Fault, Outbox, Running, client, quick, status};
use crate::handmade::{BOB_TO_ALICE, Entity};
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
    assert_eq!(store.next_due().await.unwrap(), Some(65 * MINUTE));
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
    assert_eq!(outbox.world.alice.store.next_due().await.unwrap(), Some(Duration::ZERO));
    outbox.start();
    outbox.delivered(&id).await;
}

/// CLI-16: not more than so many to one partner, and so many at once; two workers share the work.
#[tokio::test]
async fn limits_of_concurrency() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (pair, highest) = (Arc::new(Barrier::new(2)), most.clone());
    let mut outbox = Outbox::with([], |builder| {
        builder.inbox(move |_: ReceivedMessage| {
            highest.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            let (pair, now) = (pair.clone(), now.clone());
            async move {
                // None gets through alone.
                pair.wait().await;
                now.fetch_sub(1, Ordering::SeqCst);
                Ok::<_, std::io::Error>(())
            }
        })
    })
    .await;
    let mut ids = Vec::new();
    for _ in 0..8 {
        ids.push(outbox.submit().await);
    }
    let mut workers = [
        Running::start(outbox.worker().per_partner(1)),
        Running::start(outbox.worker().per_partner(1)),
    ];
    let mut answered = 0;
    while answered < ids.len() {
        let (one, other) = workers.split_at_mut(1);
        let event = tokio::select! {
            event = one[0].event() => event,
            event = other[0].event() => event,
        };
        match event {
            OutboxEvent::Answered(receipt) => assert!(receipt.is_accepted(), "{}", receipt.status),
            other => panic!("{other}"),
        }
        answered += 1;
    }
    assert_eq!(most.load(Ordering::SeqCst), 2);
    for id in &ids {
        assert_eq!(outbox.record(id).await.attempts.made, 1);
    }

    for worker in workers {
        worker.stop().await;
    }

    // One worker with room for two.
    let more = [outbox.submit().await, outbox.submit().await];
    let mut worker = Running::start(outbox.worker().concurrency(2));
    for _ in more {
        assert!(matches!(worker.event().await, OutboxEvent::Answered(_)));
    }
    assert_eq!(most.load(Ordering::SeqCst), 2);
    assert!(outbox.files().is_empty());
    outbox.worker = Some(worker);
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
        let id = ediint::store::ExchangeId::new(bob().name, alice().name, message_id.clone());
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

/// REL-24, CLI-14: what the host can ask and do about a message, by its Message-ID.
#[tokio::test]
async fn queries_and_retries_of_the_host() {
    let mut outbox = Outbox::new([status("404 Not Found")]).await;
    let message_id = MessageId::new("<order-1@alice.example>").unwrap();
    let store = outbox.world.alice.store.clone();
    let find = async || {
        let filter = Filter::new()
            .direction(Direction::Outbound)
            .message_id(message_id.clone());
        let page = store.list(&filter, None, 10).await.unwrap();
        match &page.records[..] {
            [] => None,
            [one] => match &one.record {
                Record::Sent(record) => Some(record.state),
                Record::Received(_) => panic!("not received"),
            },
            _ => panic!("more than one"),
        }
    };
    assert_eq!(find().await, None);
    let message = order().message_id(message_id.clone());
    let id = outbox.client.submit(&outbox.to_bob, message).await.unwrap();
    assert_eq!(find().await, Some(SentState::Sending));
    outbox.start();
    assert!(matches!(outbox.event().await, OutboxEvent::Failed { .. }));
    assert_eq!(find().await, Some(SentState::Closed(SentOutcome::Failed)));

    // The same octets.
    outbox.client.retry(&id).await.unwrap();
    outbox.delivered(&id).await;
    assert_eq!(find().await, Some(SentState::Closed(SentOutcome::Accepted)));
    assert_eq!(outbox.gate.same_requests(), 2);
    assert_eq!(outbox.record(&id).await.attempts.made, 1);
    assert!(matches!(outbox.client.retry(&id).await, Err(SubmitError::Answered(_))));
    assert!(matches!(
        outbox.client.resubmit(&id).await,
        Err(SubmitError::Answered(_))
    ));

    // A new message.
    outbox.gate.add(status("404 Not Found"));
    let id = outbox.submit().await;
    assert!(matches!(outbox.event().await, OutboxEvent::Failed { .. }));
    let new = outbox.client.resubmit(&id).await.unwrap();
    match outbox.event().await {
        OutboxEvent::Answered(receipt) => assert!(receipt.is_accepted() && receipt.id == new && new != id),
        other => panic!("{other}"),
    }
    outbox.delivered_once().await;
    let (first, second) = (outbox.record(&id).await, outbox.record(&new).await);
    assert_eq!(first.mics, second.mics);

    // One that is still waiting is not sent any more.
    outbox.worker.take().unwrap().stop().await;
    let id = outbox.submit().await;
    let new = outbox.client.resubmit(&id).await.unwrap();
    let record = outbox.record(&id).await;
    assert_eq!(record.state, SentState::Closed(SentOutcome::Failed));
    assert_eq!(
        record.attempts.error,
        Some(format!("sent again as {}", new.message_id()))
    );

    let nobodys = ediint::store::ExchangeId::new(alice().name, bob().name, message_id.clone());
    assert!(matches!(
        outbox.client.retry(&nobodys).await,
        Err(SubmitError::Unknown(_))
    ));
    outbox.gate.add(status("404 Not Found"));
    outbox.client.send(&outbox.to_bob, order()).await.unwrap_err();
    let page = store
        .list(&Filter::new().state(SentState::Closed(SentOutcome::Failed)), None, 1)
        .await
        .unwrap();
    let sent = outbox.client.retry(&page.records[0].id).await;
    assert!(
        matches!(sent, Err(SubmitError::Queued(QueuedError::NotQueued))),
        "{sent:?}"
    );
}

/// A file that is damaged, gone, or of another message; and a directory that is not there, which has lost nothing.
#[tokio::test]
async fn octets_that_cannot_be_had() {
    let mut outbox = Outbox::new([]).await;
    type Harm = fn(&std::path::Path, &std::path::Path);
    let harms: [(Harm, &str); 3] = [
        (|file, _| std::fs::remove_file(file).unwrap(), "is gone"),
        (|file, _| std::fs::write(file, "cut short").unwrap(), "is damaged"),
        (
            |file, other| std::fs::copy(other, file).map(drop).unwrap(),
            "is damaged",
        ),
    ];
    let other = outbox.submit().await;
    let other = outbox.record(&other).await.request.unwrap().spool;
    let path = |name: &str| outbox.directory.path().join(name);
    let mut ids = Vec::new();
    for (harm, _) in harms {
        let id = outbox.submit().await;
        harm(&path(&outbox.record(&id).await.request.unwrap().spool), &path(&other));
        ids.push(id);
    }
    outbox.start();
    let mut told = std::collections::HashMap::new();
    for _ in 0..=ids.len() {
        match outbox.event().await {
            OutboxEvent::Failed { id, error, .. } => told.insert(id, error.to_string()),
            OutboxEvent::Answered(receipt) => told.insert(receipt.id, receipt.status.to_string()),
            other => panic!("{other}"),
        };
    }
    for (id, (_, expected)) in ids.iter().zip(harms) {
        assert!(told[id].contains(expected), "{}", told[id]);
        assert_eq!(outbox.record(id).await.state, SentState::Closed(SentOutcome::Failed));
    }
    outbox.worker.take().unwrap().stop().await;

    let id = outbox.submit().await;
    let (here, there) = (
        outbox.directory.path().to_owned(),
        outbox.directory.path().with_extension("away"),
    );
    std::fs::rename(&here, &there).unwrap();
    outbox.start();
    loop {
        match outbox.event().await {
            OutboxEvent::NotSwept(_) => {}
            OutboxEvent::Postponed {
                error: WorkError::Queued(QueuedError::Unavailable(_)),
                ..
            } => break,
            other => panic!("{other}"),
        }
    }
    assert_eq!(outbox.record(&id).await.attempts.made, 0);
    std::fs::rename(&there, &here).unwrap();
    outbox.client.retry(&id).await.unwrap();
    loop {
        match outbox.event().await {
            OutboxEvent::NotSwept(_) => {}
            OutboxEvent::Answered(receipt) => break assert!(receipt.is_accepted()),
            other => panic!("{other}"),
        }
    }
}

/// Without a directory there is nothing to submit to; without a partnership, nobody to send to, for now.
#[tokio::test]
async fn what_is_not_set_up() {
    let world = World::new(ediint::partnership::AcceptPolicy::new()).await;
    let error = world.client.submit(&world.to_bob, order()).await.unwrap_err();
    assert!(
        matches!(error, SubmitError::Queued(QueuedError::NoDirectory)),
        "{error}"
    );

    let mut outbox = Outbox::new([]).await;
    let id = outbox.submit().await;
    let worker = OutboxWorker::new(&outbox.client, Partnerships::new());
    outbox.worker = Some(Running::start(worker));
    let event = outbox.event().await;
    assert!(
        matches!(&event, OutboxEvent::Postponed { error: WorkError::NoPartnership, after, .. } if *after >= 5 * MINUTE),
        "{event}"
    );
    assert_eq!(outbox.record(&id).await.attempts.made, 1);
}

/// `send` notes what became of the message: the outbox has nothing to do with it.
#[tokio::test]
async fn what_send_leaves_on_record() {
    let mut outbox = Outbox::new([
        status("200 OK"),
        status("200 OK"),
        status("200 OK"),
        status("404 Not Found"),
    ])
    .await;
    let later = ReceiptRequest::asynchronous(&outbox.host().url).unwrap();
    let store = outbox.world.alice.store.clone();
    for (receipt, state) in [
        (ReceiptRequest::sync(), SentState::Closed(SentOutcome::MissingReceipt)),
        (
            ReceiptRequest::none(),
            SentState::Closed(SentOutcome::NoReceiptRequested),
        ),
        (later, SentState::AwaitingReceipt),
    ] {
        let sends: Partnership = outbox
            .to_bob
            .clone()
            .send(SendProfile::new().receipt(receipt))
            .retry(quick());
        let sent = outbox.client.send(&sends, order()).await.unwrap();
        assert_eq!(outbox.record(&sent.id).await.state, state);
        if state == SentState::AwaitingReceipt {
            let due = store.next_due().await.unwrap().unwrap();
            assert!(due > 23 * 60 * MINUTE && due <= 24 * 60 * MINUTE, "{due:?}");
            let mics = outbox.record(&sent.id).await.mics;
            let receipt = Entity::about(sent.message_id(), &mics, "processed").signed_by_bob();
            let request = receipt.request(&outbox.host().url, &BOB_TO_ALICE);
            assert_empty(post(request).await, StatusCode::OK).await;
        }
    }
    outbox.client.send(&outbox.to_bob, order()).await.unwrap_err();
    assert_eq!(store.next_due().await.unwrap(), None);
    assert!(outbox.gate.request().await.starts_with(b"POST"));
}
