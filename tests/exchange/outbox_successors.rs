//! Messages that are sent again as new ones (REL-06): another order to partners, so there must not be two of them.

use std::time::Duration;

use ediint::store::{
    ExchangeId, Filter, MessageStore, Partnerships, Record, SentOutcome, SentRecord, SentState, SentStep,
};
use ediint::{
    AfterTimeout, As2Client, OutboxDirectory, OutboxEvent, OutboxWorker, QueuedError, SpoolOptions, SpoolQuota,
    SubmitError,
};
use http::StatusCode;

use crate::common::{alice, assert_empty, bob, post};
use crate::gate::{Outbox, Running, client};
use crate::handmade::{BOB_TO_ALICE, Entity};
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

/// A worker on a store under watch that does one thing at a time, and is soon missed when it dies.
fn worker(outbox: &Outbox, watch: &Watch) -> OutboxWorker {
    let store = Watched(outbox.world.alice.store.clone(), watch.clone());
    let client = client(alice().key_store([&bob()]), store, &outbox.directory);
    OutboxWorker::new(&client, Partnerships::from_iter([outbox.to_bob.clone()]))
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

/// A worker dies when the new message is on record and the old one not closed yet: the next one finds it.
#[tokio::test]
async fn a_worker_dies_between_the_new_message_and_the_old_one() {
    let mut outbox = outbox().await;
    let id = unanswered(&outbox, Duration::ZERO).await;
    let watch = Watch::default();
    watch.away(["update_sent"]);
    let mut dying = Running::start(worker(&outbox, &watch));
    let OutboxEvent::MdnTimeout {
        next: AfterTimeout::ResendAs(new),
        ..
    } = dying.event().await
    else {
        panic!("not sent as a new one")
    };
    let event = dying.event().await;
    assert!(matches!(event, OutboxEvent::StoreUnavailable(_)), "{event}");
    dying.kill().await;
    assert_eq!(outbox.record(&id).await.state, SentState::AwaitingReceipt);
    assert_eq!(outbox.record(&new).await.state, SentState::Sending);

    let watch = Watch::default();
    outbox.worker = Some(Running::start(worker(&outbox, &watch)));
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

    let mics = outbox.record(&id).await.mics;
    let receipt = Entity::about(id.message_id(), &mics, "processed").signed_by_bob();
    let request = receipt.request(&outbox.host().url, &BOB_TO_ALICE);
    assert_empty(post(request).await, StatusCode::OK).await;
    // It is free for something else.
    watch.take();
    watch.called("claim_due").await;
    watch.stuck(None);
    outbox.worker.take().unwrap().stop().await;
    assert_eq!(outbox.record(&id).await.state, SentState::Closed(SentOutcome::Accepted));
    assert_eq!(others(&outbox, &id).await, []);
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
