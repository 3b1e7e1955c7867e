//! What a host sets up and asks for: limits, queries, retries, and what is missing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ediint::partnership::{AcceptPolicy, ReceiptRequest, RetryPolicy, SendProfile};
use ediint::store::{
    Direction, ExchangeId, Filter, MemoryStore, MessageStore, Partnerships, Record, SentOutcome, SentState, StoreError,
};
use ediint::{
    As2Client, ClientBuildError, MessageId, OutboundMessage, OutboxDirectory, OutboxEvent, OutboxWorker, Partnership,
    QueuedError, ReceivedMessage, SubmitError, WorkError,
};
use http::StatusCode;
use tokio::sync::Barrier;

use crate::common::{World, alice, assert_empty, bob, carol, post};
use crate::gate::{Fault, Outbox, Running, client, quick, status};
use crate::handmade::{BOB_TO_ALICE, Entity};
use crate::rows::ORDER;

const MINUTE: Duration = Duration::from_secs(60);

fn order() -> OutboundMessage {
    OutboundMessage::new(ORDER)
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

    let nobodys = ExchangeId::new(alice().name, bob().name, message_id.clone());
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

/// Without a directory there is nothing to submit to; without a partnership, nobody to send to, for now. What is refused
/// leaves no file.
#[tokio::test]
async fn what_is_not_set_up() {
    let world = World::new(AcceptPolicy::new()).await;
    let error = world.client.submit(&world.to_bob, order()).await.unwrap_err();
    assert!(
        matches!(error, SubmitError::Queued(QueuedError::NoDirectory)),
        "{error}"
    );

    // What PostgreSQL does not take as text, and would have each worker fail at.
    let place = OutboxDirectory::new("outbox").own("ma\0chine");
    let keys = alice().key_store([&bob()]);
    let built = As2Client::builder(keys, MemoryStore::new()).outbox(place).build();
    let error = built.err().unwrap();
    assert_eq!(error, ClientBuildError::Place("ma\0chine".to_owned()));
    assert!(error.to_string().contains("\"ma\\0chine\""), "{error}");

    let outbox = Outbox::new([]).await;
    // More header fields than are read from anywhere.
    let many = (0..2000).fold(order(), |order, number| order.http_header(format!("X-{number}"), "x"));
    let error = outbox.client.submit(&outbox.to_bob, many).await.unwrap_err();
    assert!(matches!(error, SubmitError::Head(_)), "{error}");
    // Another message under the same Message-ID.
    let message_id = MessageId::new("<order-1@alice.example>").unwrap();
    let first = order().message_id(message_id.clone());
    outbox.client.submit(&outbox.to_bob, first).await.unwrap();
    let other = OutboundMessage::new("another order").message_id(message_id);
    let error = outbox.client.submit(&outbox.to_bob, other).await.unwrap_err();
    assert!(matches!(error, SubmitError::Store(StoreError::AlreadySent)), "{error}");
    assert_eq!(outbox.files().len(), 1);

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
            let due = store.next_due(&[], None).await.unwrap().unwrap();
            assert!(due > 23 * 60 * MINUTE && due <= 24 * 60 * MINUTE, "{due:?}");
            let mics = outbox.record(&sent.id).await.mics;
            let receipt = Entity::about(sent.message_id(), &mics, "processed").signed_by_bob();
            let request = receipt.request(&outbox.host().url, &BOB_TO_ALICE);
            assert_empty(post(request).await, StatusCode::OK).await;
        }
    }
    outbox.client.send(&outbox.to_bob, order()).await.unwrap_err();
    assert_eq!(store.next_due(&[], None).await.unwrap(), None);
    assert!(outbox.gate.request().await.starts_with(b"POST"));
}

/// CLI-15: each encoding of a signed message has boundaries of its own, which the header field names: they go together.
#[tokio::test]
async fn the_same_message_submitted_twice() {
    let world = World::new(AcceptPolicy::new().without_encryption()).await;
    let mut outbox = Outbox::between(world, []).await;
    let signed = SendProfile::new().without_encryption().danger_allow_plaintext();
    outbox.to_bob = outbox.to_bob.send(signed);
    let message_id = MessageId::new("<order-1@alice.example>").unwrap();
    let mut ids = Vec::new();
    for _ in 0..2 {
        let message = order().message_id(message_id.clone());
        ids.push(outbox.client.submit(&outbox.to_bob, message).await.unwrap());
    }
    assert_eq!(ids[0], ids[1]);
    outbox.start();
    loop {
        match outbox.event().await {
            OutboxEvent::Swept { .. } => {}
            OutboxEvent::Answered(receipt) => break assert!(receipt.is_accepted(), "{}", receipt.status),
            other => panic!("{other}"),
        }
    }
    assert_eq!(outbox.gate.same_requests(), 1);
    outbox.delivered_once().await;
}

/// CLI-16: what waits for a partner that is busy holds up nobody else's.
#[tokio::test]
async fn a_backlog_beside_another_partner() {
    let mut outbox = Outbox::new([Fault::Silence]).await;
    let keys = alice().key_store([&bob(), &carol()]);
    outbox.client = client(keys, outbox.world.alice.store.clone(), &outbox.directory);
    // Nobody is there.
    let nobody = "http://127.0.0.1:1/as2".parse().unwrap();
    let delay = RetryPolicy::schedule([Duration::from_millis(200)]).without_jitter();
    let to_carol = Partnership::new(alice().name, carol().name, nobody).retry(delay);
    let partners = Partnerships::from_iter([outbox.to_bob.clone(), to_carol.clone()]);
    for _ in 0..3 {
        outbox.submit().await;
    }
    let expected = outbox.client.submit(&to_carol, order()).await.unwrap();
    let worker = OutboxWorker::new(&outbox.client, partners)
        .per_partner(1)
        .poll_interval(60 * MINUTE);
    outbox.worker = Some(Running::start(worker));
    match outbox.event().await {
        OutboxEvent::Postponed { id, attempt: 1, .. } => assert_eq!(id, expected),
        other => panic!("{other}"),
    }
    match outbox.event().await {
        OutboxEvent::Failed { id, attempts: 2, .. } => assert_eq!(id, expected),
        other => panic!("{other}"),
    }
}
