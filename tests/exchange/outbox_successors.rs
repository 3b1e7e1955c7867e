//! Messages that are sent again as new ones (REL-06): another order to partners, so there must not be two of them.

use std::time::Duration;

use ediint::store::{
    ExchangeId, Filter, MessageStore, Partnerships, Record, SentOutcome, SentRecord, SentState, SentStep,
};
use ediint::{
    AfterTimeout, As2Client, MessageId, OutboundMessage, OutboxDirectory, OutboxEvent, OutboxWorker, QueuedError,
    SpoolOptions, SpoolQuota, SubmitError, WorkError,
};
use http::StatusCode;

use crate::common::{alice, assert_empty, bob, post};
use crate::gate::{Outbox, Running, client, status};
use crate::handmade::{BOB_TO_ALICE, Entity};
use crate::rows::ORDER;
use crate::watched::{Watch, Watched};

const MINUTE: Duration = Duration::from_secs(60);

/// An outbox whose partner gets a message anew when no receipt comes, once.
async fn outbox() -> Outbox {
    Outbox::new([])
        .await
        .receipt(|later| later.resends(1).resend_under_new_id())
}

/// A message that the partner has not answered, and is to answer within this time.
async fn unanswered(outbox: &Outbox, within: Duration) -> ExchangeId {
    let id = outbox.submit().await;
    let store = &outbox.world.alice.store;
    let job = store.claim_due(MINUTE, 1, &[], None).await.unwrap().pop().unwrap();
    assert_eq!(job.id, id);
    let step = SentStep::AwaitReceipt { within };
    store.update_sent(&id, job.token, step).await.unwrap();
    id
}

/// A client on a store under watch.
fn watched(outbox: &Outbox, watch: &Watch) -> As2Client {
    let store = Watched(outbox.world.alice.store.clone(), watch.clone());
    client(alice().key_store([&bob()]), store, &outbox.directory)
}

/// A worker on a store under watch that does one thing at a time, and is soon missed when it dies.
fn worker(outbox: &Outbox, watch: &Watch) -> OutboxWorker {
    of(&watched(outbox, watch), outbox)
}

fn of(client: &As2Client, outbox: &Outbox) -> OutboxWorker {
    OutboxWorker::new(client, Partnerships::from_iter([outbox.to_bob.clone()]))
        .concurrency(1)
        .lease(Duration::from_millis(200))
        .poll_interval(Duration::from_millis(10))
}

/// What has been sent, but for `first`.
async fn others(outbox: &Outbox, first: &ExchangeId) -> Vec<(ExchangeId, SentRecord)> {
    let page = outbox.world.alice.store.list(&Filter::new(), None, 10).await.unwrap();
    let sent = page.records.into_iter().filter_map(|listed| match listed.record {
        Record::Sent(record) if listed.id != *first => Some((listed.id, *record)),
        _ => None,
    });
    sent.collect()
}

/// The receipt of a message comes.
async fn answer(outbox: &Outbox, id: &ExchangeId) {
    let mics = outbox.record(id).await.mics;
    let receipt = Entity::about(id.message_id(), &mics, "processed").signed_by_bob();
    let request = receipt.request(&outbox.host().url, &BOB_TO_ALICE);
    assert_empty(post(request).await, StatusCode::OK).await;
}

/// A worker dies when the new message is on record and the old one not closed yet: the next one finds it, also where it
/// was set up with another domain for Message-IDs.
#[tokio::test]
async fn a_worker_dies_between_the_new_message_and_the_old_one() {
    let mut outbox = outbox().await;
    let id = unanswered(&outbox, Duration::ZERO).await;
    let watch = Watch::default();
    watch.away(["update_sent"]);
    let mut dying = Running::start(worker(&outbox, &watch));
    // Nothing is told of what is not on record.
    let event = dying.event().await;
    assert!(matches!(event, OutboxEvent::StoreUnavailable(_)), "{event}");
    dying.kill().await;
    assert_eq!(outbox.record(&id).await.state, SentState::AwaitingReceipt);
    let (new, record) = others(&outbox, &id).await.pop().unwrap();
    assert_eq!(record.state, SentState::Sending);

    let elsewhere = As2Client::builder(alice().key_store([&bob()]), outbox.world.alice.store.clone())
        .outbox(OutboxDirectory::new(outbox.directory.path()))
        .domain("elsewhere.example")
        .build()
        .unwrap();
    outbox.worker = Some(Running::start(of(&elsewhere, &outbox)));
    let next = loop {
        match outbox.event().await {
            OutboxEvent::AwaitingReceipt { id, .. } => assert_eq!(id, new),
            OutboxEvent::MdnTimeout { id: old, next } if old == id => break next,
            other => panic!("{other}"),
        }
    };
    assert_eq!(next, AfterTimeout::ResendAs(new.clone()));
    let receipt = outbox.world.alice.receipts.recv().await.unwrap();
    assert!(receipt.is_accepted() && receipt.id == new, "{}", receipt.status);
    outbox.worker.take().unwrap().stop().await;
    let record = outbox.record(&id).await;
    assert_eq!(record.state, SentState::Closed(SentOutcome::Expired));
    assert_eq!(
        record.attempts.error,
        Some(format!("sent again as {}", new.message_id()))
    );
    let others = others(&outbox, &id).await;
    assert_eq!(others.iter().map(|(id, _)| id).collect::<Vec<_>>(), [&new]);
    outbox.delivered_once().await;
}

/// As long as a worker is at it, it is not another's, and a receipt that comes meanwhile puts an end to it.
#[tokio::test]
async fn a_receipt_comes_while_the_new_message_is_made() {
    let mut outbox = outbox().await;
    let id = unanswered(&outbox, Duration::ZERO).await;
    let watch = Watch::default();
    watch.stuck(Some("record_sent"));
    outbox.worker = Some(Running::start(worker(&outbox, &watch)));
    watch.called("record_sent").await;
    // The claim is extended.
    watch.called("update_sent").await;

    answer(&outbox, &id).await;
    // It is free for something else.
    watch.take();
    watch.called("claim_due").await;
    watch.stuck(None);
    outbox.worker.take().unwrap().stop().await;
    assert_eq!(outbox.record(&id).await.state, SentState::Closed(SentOutcome::Accepted));
    assert_eq!(others(&outbox, &id).await, []);
}

/// The same where the claim lasts: the worker looks again before it puts the new message on record.
#[tokio::test]
async fn a_receipt_comes_while_the_octets_are_copied() {
    let mut outbox = outbox().await;
    let id = unanswered(&outbox, Duration::ZERO).await;
    let watch = Watch::default();
    watch.stuck(Some("find_sent"));
    outbox.worker = Some(Running::start(worker(&outbox, &watch).lease(MINUTE)));
    watch.called("find_sent").await;
    answer(&outbox, &id).await;
    watch.stuck(None);
    watch.called("claim_due").await;
    let mut events = outbox.worker.take().unwrap().stop().await;
    assert_eq!(outbox.record(&id).await.state, SentState::Closed(SentOutcome::Accepted));
    assert_eq!(others(&outbox, &id).await, []);
    assert_eq!(outbox.files().len(), 1, "the copy is removed");
    assert!(events.try_recv().is_err());
}

/// The same for a host, which is told.
#[tokio::test]
async fn a_receipt_comes_while_the_host_has_the_octets_copied() {
    let outbox = outbox().await;
    let id = unanswered(&outbox, MINUTE).await;
    let watch = Watch::default();
    watch.stuck(Some("find_sent"));
    let client = watched(&outbox, &watch);
    let resubmit = client.resubmit(&id);
    let receipt = async {
        watch.called("find_sent").await;
        answer(&outbox, &id).await;
        watch.stuck(None);
    };
    let (resubmitted, ()) = tokio::join!(resubmit, receipt);
    assert!(matches!(resubmitted, Err(SubmitError::Answered(of)) if of == id));
    assert_eq!(others(&outbox, &id).await, []);
    assert_eq!(outbox.files().len(), 1, "the copy is removed");
}

/// The new message has expired when the host submits the old one once more: what comes of that is not hidden by it.
#[tokio::test]
async fn a_new_message_that_has_failed_is_none() {
    let faults = [status("200 OK"), status("200 OK"), status("200 OK")];
    let mut outbox = Outbox::new(faults).await.receipt(|later| {
        let later = later.deadline(Duration::from_millis(20));
        later.resends(1).resend_under_new_id()
    });
    outbox.start();
    let id = MessageId::new("<again@alice.example>").unwrap();
    let message = || OutboundMessage::new(ORDER).message_id(id.clone());
    let first = outbox.client.submit(&outbox.to_bob, message()).await.unwrap();
    let new = match timed_out(&mut outbox).await {
        (id, AfterTimeout::ResendAs(new)) if id == first => new,
        other => panic!("{other:?}"),
    };
    assert_eq!(timed_out(&mut outbox).await, (new.clone(), AfterTimeout::GiveUp));

    assert_eq!(outbox.client.submit(&outbox.to_bob, message()).await.unwrap(), first);
    assert_eq!(timed_out(&mut outbox).await, (first.clone(), AfterTimeout::GiveUp));
    outbox.worker.take().unwrap().stop().await;
    let record = outbox.record(&first).await;
    assert_eq!(record.state, SentState::Closed(SentOutcome::Expired));
    assert_eq!(record.attempts.error.as_deref(), Some("no receipt came in time"));
    assert!(outbox.files().contains(&record.request.unwrap().spool));

    // The host may still have it sent as a new one, which is the next.
    let next = outbox.client.resubmit(&first).await.unwrap();
    assert!(next != first && next != new);
    assert_eq!(outbox.client.resubmit(&first).await.unwrap(), next);
    assert_eq!(outbox.client.resubmit(&new).await.unwrap(), next);
    outbox.start();
    outbox.delivered_once().await;
}

/// The next message whose receipt has not come, and what follows.
async fn timed_out(outbox: &mut Outbox) -> (ExchangeId, AfterTimeout) {
    loop {
        match outbox.event().await {
            OutboxEvent::AwaitingReceipt { .. } => {}
            OutboxEvent::MdnTimeout { id, next } => return (id, next),
            other => panic!("{other}"),
        }
    }
}

/// Two hosts, or one that asks again, get one new message.
#[tokio::test]
async fn a_message_that_is_resubmitted_twice() {
    let outbox = outbox().await;
    let id = unanswered(&outbox, MINUTE).await;
    let (one, other) = tokio::join!(outbox.client.resubmit(&id), outbox.client.resubmit(&id));
    let new = one.unwrap();
    assert_eq!(other.unwrap(), new);
    assert_eq!(outbox.client.resubmit(&id).await.unwrap(), new);
    let others = others(&outbox, &id).await;
    assert_eq!(others.iter().map(|(id, _)| id).collect::<Vec<_>>(), [&new]);
    let record = outbox.record(&id).await;
    assert_eq!(record.state, SentState::Closed(SentOutcome::Failed));
}

/// A host resubmits what a worker has put there again without closing the old one.
#[tokio::test]
async fn a_message_that_a_worker_sends_again_is_resubmitted() {
    let outbox = outbox().await;
    let id = unanswered(&outbox, Duration::ZERO).await;
    let watch = Watch::default();
    watch.away(["update_sent"]);
    let mut dying = Running::start(worker(&outbox, &watch));
    let event = dying.event().await;
    assert!(matches!(event, OutboxEvent::StoreUnavailable(_)), "{event}");
    dying.kill().await;
    let new = outbox.client.resubmit(&id).await.unwrap();
    let others = others(&outbox, &id).await;
    assert_eq!(others.iter().map(|(id, _)| id).collect::<Vec<_>>(), [&new]);
    let record = outbox.record(&id).await;
    assert_eq!(record.state, SentState::Closed(SentOutcome::Failed));
}

/// A host dies between the new message and the old one: the old one is not sent besides, whatever it waits for.
#[tokio::test]
async fn a_host_dies_between_the_new_message_and_the_old_one() {
    let mut outbox = Outbox::new([]).await;
    let id = outbox.submit().await;
    let watch = Watch::default();
    watch.away(["update_sent"]);
    let error = watched(&outbox, &watch).resubmit(&id).await.unwrap_err();
    assert!(matches!(error, SubmitError::Store(_)), "{error}");
    let (new, _) = others(&outbox, &id).await.pop().unwrap();
    // As when the lease is over.
    outbox.client.retry(&id).await.unwrap();
    outbox.worker = Some(Running::start(outbox.worker().concurrency(1)));
    let (mut told, mut answered) = (None, None);
    while told.is_none() || answered.is_none() {
        match outbox.event().await {
            OutboxEvent::Failed { id, error, .. } => told = Some((id, error)),
            OutboxEvent::Answered(receipt) => answered = Some(receipt.id),
            other => panic!("{other}"),
        }
    }
    assert_eq!(answered.as_ref(), Some(&new));
    let (failed, error) = told.unwrap();
    assert!(matches!(error, WorkError::SentAgain(by) if by == new) && failed == id);
    let record = outbox.record(&id).await;
    assert_eq!(record.state, SentState::Closed(SentOutcome::Failed));
    assert_eq!(
        record.attempts.error,
        Some(format!("sent again as {}", new.message_id()))
    );
    assert_eq!(outbox.gate.same_requests(), 1);
    outbox.delivered_once().await;
}

/// What cannot be put into the outbox again leaves its record as it was.
#[tokio::test]
async fn a_new_message_for_which_there_is_no_room() {
    let outbox = outbox().await;
    let id = unanswered(&outbox, MINUTE).await;
    let before = outbox.record(&id).await;
    let spools = SpoolOptions::new().threshold(0).quota(SpoolQuota::new(1));
    let client = As2Client::builder(alice().key_store([&bob()]), outbox.world.alice.store.clone())
        .outbox(OutboxDirectory::new(outbox.directory.path()))
        .spool(spools)
        .build()
        .unwrap();
    let error = client.resubmit(&id).await.unwrap_err();
    assert!(
        matches!(error, SubmitError::Queued(QueuedError::Unavailable(_))),
        "{error}"
    );
    assert_eq!(outbox.record(&id).await, before);
    assert_eq!(others(&outbox, &id).await, []);
    assert_eq!(outbox.files().len(), 1);
}

/// The octets of another message are not sent for it.
#[tokio::test]
async fn a_new_message_with_the_file_of_another() {
    let outbox = outbox().await;
    let (id, other) = (unanswered(&outbox, MINUTE).await, unanswered(&outbox, MINUTE).await);
    let path = async |id| {
        outbox
            .directory
            .path()
            .join(outbox.record(id).await.request.unwrap().spool)
    };
    std::fs::copy(path(&other).await, path(&id).await).unwrap();
    let error = outbox.client.resubmit(&id).await.unwrap_err();
    assert!(matches!(error, SubmitError::Queued(QueuedError::Damaged(_))), "{error}");
}
