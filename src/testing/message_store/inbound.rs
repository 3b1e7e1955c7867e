//! Claims: delivered once.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{LEASE, SECOND, Subject, claim, claimed, completed, fresh, id, inbound, name, posted, received, shared};
use crate::clock::Clock;
use crate::store::{Claim, PostState, StoreError, Work};

pub(super) async fn check(subject: &dyn Subject) {
    a_message_is_claimed_then_completed_then_done(subject).await;
    ids_differ_by_each_name_and_not_by_angle_brackets(subject).await;
    claims_end_by_release_and_by_their_lease(subject).await;
    a_late_holder_completes_what_nobody_else_took(subject).await;
    of_simultaneous_claims_one_is_new(subject).await;
    a_signature_counts_once(subject).await;
    a_dropped_future_does_nothing_half_way(subject).await;
    a_receipt_to_post_is_in_the_outbox_with_its_record(subject).await;
}

/// REL-08, REL-16: what was delivered stays delivered, with all that was put on record.
async fn a_message_is_claimed_then_completed_then_done(subject: &dyn Subject) {
    let (store, clock) = fresh(subject).await;
    let id = inbound(1);
    assert_eq!(store.find_received(&id).await.unwrap(), None);
    let token = claimed(&store, &id).await;
    assert_eq!(claim(&store, &id).await, Claim::InProgress);
    assert_eq!(store.find_received(&id).await.unwrap(), None);
    store.complete(&id, token, received(&clock), LEASE).await.unwrap();
    let done = Claim::Done(received(&clock).into());
    assert_eq!(claim(&store, &id).await, done);
    assert_eq!(store.find_received(&id).await.unwrap(), Some(received(&clock)));
    // An inbound id is no outbound one.
    assert_eq!(store.find_sent(&id).await.unwrap(), None);

    let again = store.complete(&id, token, received(&clock), LEASE).await;
    assert!(matches!(again, Err(StoreError::ClaimLost)), "{again:?}");
    store.release(&id, token).await.unwrap();
    assert_eq!(claim(&store, &id).await, done);
    clock.advance(2 * LEASE);
    assert_eq!(claim(&store, &id).await, done);
}

/// REL-08: the key is the pair of names, with case, and the normalised Message-ID.
async fn ids_differ_by_each_name_and_not_by_angle_brackets(subject: &dyn Subject) {
    let (store, _) = fresh(subject).await;
    claimed(&store, &id("us", "acme", "<1@acme>")).await;
    assert_eq!(claim(&store, &id("us", "acme", "1@acme")).await, Claim::InProgress);
    for other in [
        id("us", "ACME", "<1@acme>"),
        id("them", "acme", "<1@acme>"),
        id("acme", "us", "<1@acme>"),
        id("us", "acme", "<2@acme>"),
        id("us", "acme", "<1@ACME>"),
        id("us ", "acme", "<1@acme>"),
        id("us", "acme", "<<1@acme>>"),
        id("us", "acme", &format!("<{}@acme>", "1".repeat(980))),
        id(
            &"u".repeat(128),
            &"a".repeat(128),
            &format!("<{}@acme>", "'\\\"%".repeat(240)),
        ),
    ] {
        claimed(&store, &other).await;
    }
}

/// REL-15: a dead holder does not block, a failed delivery frees the id at once, and who lost a claim has no say.
async fn claims_end_by_release_and_by_their_lease(subject: &dyn Subject) {
    let (store, clock) = fresh(subject).await;
    let id = inbound(1);
    let first = claimed(&store, &id).await;
    store.release(&id, first).await.unwrap();
    let second = claimed(&store, &id).await;
    assert_ne!(first, second);
    store.release(&id, first).await.unwrap();
    clock.advance(LEASE - SECOND);
    assert_eq!(claim(&store, &id).await, Claim::InProgress);
    clock.advance(SECOND);
    let third = claimed(&store, &id).await;
    let late = store.complete(&id, second, received(&clock), LEASE).await;
    assert!(matches!(late, Err(StoreError::ClaimLost)), "{late:?}");
    store.release(&id, second).await.unwrap();
    assert_eq!(claim(&store, &id).await, Claim::InProgress);
    store.complete(&id, third, received(&clock), LEASE).await.unwrap();
}

/// The message was delivered: to forget that would deliver it twice.
async fn a_late_holder_completes_what_nobody_else_took(subject: &dyn Subject) {
    let (store, clock) = fresh(subject).await;
    for (number, swept) in [(1, false), (2, true)] {
        let id = inbound(number);
        let token = claimed(&store, &id).await;
        clock.advance(2 * LEASE);
        if swept {
            store.expire().await.unwrap();
        }
        store.complete(&id, token, received(&clock), LEASE).await.unwrap();
        assert_eq!(claim(&store, &id).await, Claim::Done(received(&clock).into()));
    }
}

/// REL-08, RCV-21: of many at once, through several handles, one.
async fn of_simultaneous_claims_one_is_new(subject: &dyn Subject) {
    let (stores, clock) = shared(subject).await;
    for round in 0..8 {
        let mut tasks = JoinSet::new();
        for store in stores.iter().cycle().take(16) {
            let store = Arc::clone(store);
            tasks.spawn(async move { claim(&store, &inbound(round)).await });
        }
        let mut tokens = Vec::new();
        for answer in tasks.join_all().await {
            match answer {
                Claim::New(token) => tokens.push(token),
                other => assert_eq!(other, Claim::InProgress),
            }
        }
        let [token] = tokens[..] else {
            panic!("{} claims of one id", tokens.len())
        };
        let [first, second] = &stores;
        first
            .complete(&inbound(round), token, received(&clock), LEASE)
            .await
            .unwrap();
        assert_eq!(
            claim(second, &inbound(round)).await,
            Claim::Done(received(&clock).into())
        );
    }
}

/// SEC-44: a signature makes one message, whatever Message-ID it comes under.
async fn a_signature_counts_once(subject: &dyn Subject) {
    let (store, clock) = fresh(subject).await;
    let signature = Some([5; 32]);
    let (original, replay) = (inbound(1), inbound(2));
    let ask = async |id, signature| store.claim(id, signature, LEASE).await.unwrap();
    let Claim::New(token) = ask(&original, signature).await else {
        panic!("not new")
    };
    assert_eq!(ask(&replay, signature).await, Claim::InProgress);
    // The first one fails: nobody has the message yet.
    store.release(&original, token).await.unwrap();
    let Claim::New(token) = ask(&replay, signature).await else {
        panic!("not new")
    };
    store.release(&replay, token).await.unwrap();
    // Its holder dies.
    assert!(matches!(ask(&replay, signature).await, Claim::New(_)));
    clock.advance(LEASE);
    let Claim::New(token) = ask(&original, signature).await else {
        panic!("not new")
    };
    store.complete(&original, token, received(&clock), LEASE).await.unwrap();
    assert_eq!(ask(&replay, signature).await, Claim::Replayed(original.clone().into()));
    // A copy of the message is a copy. Other signatures, and none, are no replays.
    assert_eq!(ask(&original, signature).await, Claim::Done(received(&clock).into()));
    assert!(matches!(ask(&replay, Some([6; 32])).await, Claim::New(_)));
    claimed(&store, &inbound(3)).await;
    claimed(&store, &inbound(4)).await;
}

/// CLI-15: the state before the call or the state after it.
async fn a_dropped_future_does_nothing_half_way(subject: &dyn Subject) {
    let (store, clock) = fresh(subject).await;
    drop(store.claim(&inbound(1), None, LEASE));
    claimed(&store, &inbound(1)).await;

    for number in 2..12 {
        let id = inbound(number);
        let token = claimed(&store, &id).await;
        let mut call = store.complete(&id, token, posted(&clock), std::time::Duration::ZERO);
        for _ in 0..number - 2 {
            let polled = std::future::poll_fn(|task| std::task::Poll::Ready(call.as_mut().poll(task)));
            if polled.await.is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(call);
        match store
            .complete(&id, token, posted(&clock), std::time::Duration::ZERO)
            .await
        {
            Ok(()) | Err(StoreError::ClaimLost) => {}
            Err(error) => panic!("{error:?}"),
        }
        assert!(matches!(claim(&store, &id).await, Claim::Done(_)));
    }
    // Each has one receipt to post, no more and no less.
    let jobs = store.claim_due(LEASE, 100, &[], None).await.unwrap();
    assert_eq!(jobs.len(), 10);
}

/// RCV-11: by the same transaction.
async fn a_receipt_to_post_is_in_the_outbox_with_its_record(subject: &dyn Subject) {
    let (store, clock) = fresh(subject).await;
    completed(&store, &inbound(1), received(&clock)).await;
    assert_eq!(store.claim_due(LEASE, 10, &[], None).await.unwrap(), []);
    completed(&store, &inbound(2), posted(&clock)).await;
    assert_eq!(store.claim_due(LEASE, 10, &[name("acme")], None).await.unwrap(), []);
    let jobs = store.claim_due(LEASE, 10, &[name("us")], None).await.unwrap();
    let [job] = &jobs[..] else { panic!("{jobs:?}") };
    let Work::Post(due) = &job.work else { panic!("{job:?}") };
    assert_eq!(job.id, inbound(2));
    let posting = due.posting.as_ref().unwrap();
    assert_eq!((posting.state, posting.attempts.made), (PostState::Waiting, 1));
    assert_eq!(posting.attempts.first_at, Some(clock.now()));
    assert_eq!(posting.url, posted(&clock).posting.unwrap().url);
    assert_eq!(due.reply, received(&clock).reply);
    assert_eq!(store.find_received(&job.id).await.unwrap().as_ref(), Some(&**due));
}
