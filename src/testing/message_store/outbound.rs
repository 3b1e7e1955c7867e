//! Messages sent and their receipts.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::{LEASE, SECOND, Subject, fresh, id, mics, outbound, queued, receipt, record, sent, shared};
use crate::algorithm::DigestAlgorithm;
use crate::clock::Clock;
use crate::mic::{Mic, MicSet};
use crate::store::{Attempts, Resolution, SentOutcome, SentRecord, SentState, SentStep, StoreError, Work};

pub(super) async fn check(subject: &dyn Subject) {
    what_was_sent_is_found_by_what_a_receipt_names(subject).await;
    of_simultaneous_receipts_one_is_the_first(subject).await;
    a_receipt_closes_a_record_in_any_state(subject).await;
    another_try_is_the_same_record(subject).await;
    another_try_may_have_other_digests(subject).await;
    another_message_under_the_same_id_is_refused(subject).await;
    a_receipt_that_does_not_come_is_overdue(subject).await;
    every_outcome_is_kept(subject).await;
}

/// CLI-12: on record with all that a check and another attempt need.
async fn what_was_sent_is_found_by_what_a_receipt_names(subject: &dyn Subject) {
    let (store, clock) = fresh(subject).await;
    for (number, given) in [(1, queued(&clock)), (2, sent(&clock))] {
        store
            .record_sent(&outbound(number), given.clone(), LEASE)
            .await
            .unwrap();
        let found = record(&store, &id("acme", "us", &format!("{number}@us"))).await;
        assert_eq!(found.state, SentState::Sending);
        assert_eq!(found.attempts.made, 1);
        assert_eq!(found.attempts.first_at, Some(clock.now()));
        assert_eq!(found.attempts.due_at, Some(clock.now() + LEASE));
        let attempts = found.attempts.clone();
        assert_eq!(found, SentRecord { attempts, ..given });
    }
    // Another partner cannot answer for this one.
    for other in [
        id("evil", "us", "<1@us>"),
        id("acme", "them", "<1@us>"),
        id("us", "acme", "<1@us>"),
        outbound(3),
    ] {
        assert_eq!(store.find_sent(&other).await.unwrap(), None);
        let forged = store.resolve_receipt(&other, SentOutcome::Accepted, receipt(&clock, "forged"));
        assert_eq!(forged.await.unwrap(), Resolution::Unknown);
    }
    assert_eq!(store.find_received(&outbound(1)).await.unwrap(), None);
}

/// SEC-17.
async fn of_simultaneous_receipts_one_is_the_first(subject: &dyn Subject) {
    let (stores, clock) = shared(subject).await;
    for round in 0..4 {
        let id = outbound(round);
        stores[0].record_sent(&id, queued(&clock), LEASE).await.unwrap();
        let mut tasks = JoinSet::new();
        for (store, octets) in stores.iter().cycle().zip(["a", "b", "c", "d", "e", "f", "g", "h"]) {
            let (store, id, receipt) = (Arc::clone(store), id.clone(), receipt(&clock, octets));
            tasks.spawn(async move {
                let answer = store.resolve_receipt(&id, SentOutcome::Accepted, receipt.clone()).await;
                (answer.unwrap(), receipt)
            });
        }
        let mut first = Vec::new();
        for (answer, receipt) in tasks.join_all().await {
            match answer {
                Resolution::First => first.push(receipt),
                other => assert_eq!(other, Resolution::AlreadyResolved),
            }
        }
        assert_eq!(first.len(), 1);
        assert_eq!(record(&stores[1], &id).await.receipt, first.pop());
    }
}

/// A receipt is the last word: also when it comes too late, or overtakes the response.
async fn a_receipt_closes_a_record_in_any_state(subject: &dyn Subject) {
    let (store, clock) = fresh(subject).await;
    let closed = |outcome| {
        let error = Some("no answer".to_owned());
        SentStep::Close { outcome, error }
    };
    let states = [
        SentStep::Extend(LEASE),
        SentStep::Retry {
            after: SECOND,
            error: "refused".to_owned(),
        },
        SentStep::AwaitReceipt { within: LEASE },
        closed(SentOutcome::Failed),
        closed(SentOutcome::Expired),
        closed(SentOutcome::InvalidReceipt),
    ];
    for (number, step) in (0..).zip(states) {
        let id = outbound(number);
        let token = store.record_sent(&id, queued(&clock), LEASE).await.unwrap();
        store.update_sent(&id, token, step).await.unwrap();
        let first = store.resolve_receipt(&id, SentOutcome::Warning, receipt(&clock, "receipt"));
        assert_eq!(first.await.unwrap(), Resolution::First);
        let found = record(&store, &id).await;
        assert_eq!(found.state, SentState::Closed(SentOutcome::Warning));
        assert_eq!(found.receipt, Some(receipt(&clock, "receipt")));
        assert_eq!(found.attempts.due_at, None);
        // Whoever was at it comes too late.
        let late = store.update_sent(&id, token, closed(SentOutcome::Failed)).await;
        assert!(matches!(late, Err(StoreError::ClaimLost)), "{late:?}");
        let again = store.resolve_receipt(&id, SentOutcome::Rejected, receipt(&clock, "copy"));
        assert_eq!(again.await.unwrap(), Resolution::AlreadyResolved);
        assert_eq!(record(&store, &id).await, found);
    }
    clock.advance(2 * LEASE);
    assert_eq!(store.claim_due(LEASE, 10, &[], None).await.unwrap(), []);
    assert_eq!(store.next_due(&[], None).await.unwrap(), None);
}

/// RFC 4130 §5.5, CLI-14: the first record stands, and its work begins anew where it was given up.
async fn another_try_is_the_same_record(subject: &dyn Subject) {
    let (store, clock) = fresh(subject).await;
    let id = outbound(1);
    let of = |boundary| format!("Content-Type: multipart/signed; boundary={boundary}\r\n");
    let before = sent(&clock).head(of("a"));
    let first = store.record_sent(&id, before, LEASE).await.unwrap();
    clock.advance(SECOND);
    // The claim goes to whoever tries last.
    let again = queued(&clock).head(of("b"));
    let token = store.record_sent(&id, again, LEASE).await.unwrap();
    let found = record(&store, &id).await;
    assert_eq!(found.sent_at, clock.now() - SECOND);
    assert_eq!(found.delivery, sent(&clock).delivery);
    // Of one encoding: the boundary of one is not in the body of another.
    assert_eq!((found.head, found.request), (of("b").into(), queued(&clock).request));
    assert_eq!(found.attempts.made, 2);
    let step = || SentStep::Close {
        outcome: SentOutcome::Failed,
        error: Some("refused".to_owned()),
    };
    let late = store.update_sent(&id, first, step()).await;
    assert!(matches!(late, Err(StoreError::ClaimLost)), "{late:?}");
    store.update_sent(&id, token, step()).await.unwrap();
    let found = record(&store, &id).await;
    assert_eq!(found.state, SentState::Closed(SentOutcome::Failed));
    assert_eq!(found.attempts.error.as_deref(), Some("refused"));

    let without = sent(&clock).head(of("c"));
    store.record_sent(&id, without, Duration::ZERO).await.unwrap();
    let found = record(&store, &id).await;
    assert_eq!(found.state, SentState::Sending);
    assert_eq!((found.head, found.request), (of("b").into(), queued(&clock).request));
    let due = Attempts {
        due_at: Some(clock.now()),
        ..Attempts::default()
    };
    assert_eq!(found.attempts, due);

    // A receipt is not forgotten, and ends the work.
    let receipt = receipt(&clock, "receipt");
    store
        .resolve_receipt(&id, SentOutcome::Accepted, receipt)
        .await
        .unwrap();
    let closed = record(&store, &id).await;
    let token = store.record_sent(&id, sent(&clock), LEASE).await.unwrap();
    assert_eq!(record(&store, &id).await, closed);
    let late = store.update_sent(&id, token, step()).await;
    assert!(matches!(late, Err(StoreError::ClaimLost)), "{late:?}");
    assert_eq!(store.next_due(&[], None).await.unwrap(), None);
}

/// Another configuration computes other digests of the same content. All of them may be returned.
async fn another_try_may_have_other_digests(subject: &dyn Subject) {
    let (store, clock) = fresh(subject).await;
    let id = outbound(1);
    store.record_sent(&id, sent(&clock), LEASE).await.unwrap();
    let first = record(&store, &id).await.mics;
    let another = Mic::of(DigestAlgorithm::Sha224, b"whatever the configuration adds");
    let more: MicSet = first.iter().cloned().chain([another.clone()]).collect();
    let again = SentRecord::new(clock.now(), more.clone(), DigestAlgorithm::Sha256);
    store.record_sent(&id, again, LEASE).await.unwrap();
    assert_eq!(record(&store, &id).await.mics, more);
    store.record_sent(&id, sent(&clock), LEASE).await.unwrap();
    assert_eq!(record(&store, &id).await.mics, more);
    // What both have differs, or there is nothing that both have.
    let differs = [
        Mic::of(DigestAlgorithm::Sha224, b"another"),
        first.first().unwrap().clone(),
    ];
    let strange = [Mic::of(DigestAlgorithm::Sha384, b"another")];
    for mics in [MicSet::from_iter(differs), MicSet::from_iter(strange)] {
        let other = SentRecord::new(clock.now(), mics, DigestAlgorithm::Sha256);
        let refused = store.record_sent(&id, other, LEASE).await;
        assert!(matches!(refused, Err(StoreError::AlreadySent)), "{refused:?}");
    }
    assert_eq!(record(&store, &id).await.mics, more);
}

async fn another_message_under_the_same_id_is_refused(subject: &dyn Subject) {
    let (store, clock) = fresh(subject).await;
    store.record_sent(&outbound(1), sent(&clock), LEASE).await.unwrap();
    let kept = record(&store, &outbound(1)).await;
    let other = SentRecord::new(clock.now(), mics(b"another order"), DigestAlgorithm::Sha256);
    let refused = store.record_sent(&outbound(1), other, LEASE).await;
    assert!(matches!(refused, Err(StoreError::AlreadySent)), "{refused:?}");
    assert_eq!(record(&store, &outbound(1)).await, kept);
}

/// REL-07: by the store's clock, and not before.
async fn a_receipt_that_does_not_come_is_overdue(subject: &dyn Subject) {
    let (store, clock) = fresh(subject).await;
    let id = outbound(1);
    let token = store.record_sent(&id, queued(&clock), LEASE).await.unwrap();
    let within = 10 * LEASE;
    store
        .update_sent(&id, token, SentStep::AwaitReceipt { within })
        .await
        .unwrap();
    assert_eq!(record(&store, &id).await.state, SentState::AwaitingReceipt);
    clock.advance(within - SECOND);
    assert_eq!(store.claim_due(LEASE, 10, &[], None).await.unwrap(), []);
    assert_eq!(store.next_due(&[], None).await.unwrap(), Some(SECOND));
    clock.advance(SECOND);
    let job = store.claim_due(LEASE, 10, &[], None).await.unwrap().pop().unwrap();
    let Work::Overdue(overdue) = &job.work else {
        panic!("{job:?}")
    };
    // Waiting is no attempt.
    assert_eq!(overdue.attempts.made, 1);
    assert_eq!(store.claim_due(LEASE, 10, &[], None).await.unwrap(), []);
    let step = SentStep::Retry {
        after: Duration::ZERO,
        error: "no receipt".to_owned(),
    };
    store.update_sent(&id, job.token, step).await.unwrap();
    let job = store.claim_due(LEASE, 10, &[], None).await.unwrap().pop().unwrap();
    let Work::Send(again) = &job.work else {
        panic!("{job:?}")
    };
    assert_eq!(
        (again.attempts.made, again.attempts.error.as_deref()),
        (2, Some("no receipt"))
    );
    assert_eq!(again.request, queued(&clock).request);
}

async fn every_outcome_is_kept(subject: &dyn Subject) {
    let (store, clock) = fresh(subject).await;
    for (number, outcome) in (0..).zip(SentOutcome::ALL) {
        let id = outbound(number);
        let token = store.record_sent(&id, queued(&clock), LEASE).await.unwrap();
        let close = SentStep::Close { outcome, error: None };
        store.update_sent(&id, token, close).await.unwrap();
        assert_eq!(record(&store, &id).await.state, SentState::Closed(outcome));
    }
}
