//! Lists, retention, durability.

use std::time::Duration;

use super::{
    DAY, LEASE, RETENTION, SECOND, Subject, claim, claimed, completed, fresh, id, inbound, name, outbound, posted,
    queued, receipt, received, record, sent,
};
use crate::clock::Clock;
use crate::message_id::MessageId;
use crate::store::{
    Claim, Direction, ExchangeId, Filter, MessageStore, Record, Resolution, SentOutcome, SentState, SentStep,
    StoreError,
};

pub(super) async fn check(subject: &dyn Subject) {
    lists_are_in_pages_latest_first(subject).await;
    lists_have_what_fits(subject).await;
    records_then_evidence_expire(subject).await;
    what_waits_for_something_stays(subject).await;
    everything_outlives_the_handle(subject).await;
}

async fn listed(store: &dyn MessageStore, filter: Filter) -> Vec<(ExchangeId, bool)> {
    let page = store.list(&filter, None, 1000).await.unwrap();
    assert_eq!(page.next, None);
    page.records
        .into_iter()
        .map(|listed| (listed.id, listed.archived))
        .collect()
}

async fn ids(store: &dyn MessageStore, filter: Filter) -> Vec<ExchangeId> {
    listed(store, filter).await.into_iter().map(|(id, _)| id).collect()
}

/// Whichever index the store goes by.
async fn lists_are_in_pages_latest_first(subject: &dyn Subject) {
    let message_id = MessageId::parse("<1@us>").unwrap();
    let filter = Filter::new;
    for filter in [filter(), filter().finished(false), filter().message_id(message_id)] {
        let (store, clock) = fresh(subject).await;
        let to = |number: usize| id(&format!("partner {number}"), "us", "<1@us>");
        for number in 0..10 {
            store.record_sent(&to(number), sent(&clock), LEASE).await.unwrap();
        }
        let mut seen = Vec::new();
        let mut after = None;
        for size in [3, 3, 3, 1] {
            let page = store.list(&filter, after, 3).await.unwrap();
            assert_eq!(page.records.len(), size, "{filter:?}");
            seen.extend(page.records.into_iter().map(|listed| listed.id));
            assert_eq!(page.next.is_some(), size == 3, "{filter:?}");
            after = page.next;
            // What comes meanwhile is later than all of them.
            store
                .record_sent(&to(100 + seen.len()), sent(&clock), LEASE)
                .await
                .unwrap();
        }
        let expected: Vec<_> = (0..10).rev().map(to).collect();
        assert_eq!(seen, expected, "{filter:?}");
        // A page that ends with the list says so.
        let page = store.list(&filter, None, 14).await.unwrap();
        assert_eq!((page.records.len(), page.next), (14, None), "{filter:?}");
        let page = store.list(&filter, None, 13).await.unwrap();
        assert!(page.next.is_some(), "{filter:?}");
    }
}

async fn lists_have_what_fits(subject: &dyn Subject) {
    let (store, clock) = fresh(subject).await;
    let globex = id("globex", "us", "1@us");
    completed(&store, &inbound(1), received(&clock)).await;
    completed(&store, &inbound(2), posted(&clock)).await;
    claimed(&store, &inbound(3)).await;
    store.record_sent(&globex, queued(&clock), LEASE).await.unwrap();
    let token = store.record_sent(&outbound(1), sent(&clock), LEASE).await.unwrap();
    let step = SentStep::AwaitReceipt { within: LEASE };
    store.update_sent(&outbound(1), token, step).await.unwrap();
    let token = store.record_sent(&outbound(2), sent(&clock), LEASE).await.unwrap();
    let step = SentStep::Close {
        outcome: SentOutcome::Failed,
        error: None,
    };
    store.update_sent(&outbound(2), token, step).await.unwrap();

    let filter = Filter::new;
    let all = [outbound(2), outbound(1), globex.clone(), inbound(2), inbound(1)];
    assert_eq!(ids(&store, filter()).await, all);
    let only = ids(&store, filter().direction(Direction::Inbound)).await;
    assert_eq!(only, [inbound(2), inbound(1)]);
    let only = ids(&store, filter().partner(name("acme"))).await;
    assert_eq!(only, [outbound(2), outbound(1), inbound(2), inbound(1)]);
    assert_eq!(ids(&store, filter().partner(name("us"))).await, []);
    let with_id = filter().message_id(MessageId::parse("<1@us>").unwrap());
    assert_eq!(ids(&store, with_id).await, [outbound(1), globex.clone()]);
    let only = ids(&store, filter().finished(true)).await;
    assert_eq!(only, [outbound(2), inbound(1)]);
    let only = ids(&store, filter().finished(false)).await;
    assert_eq!(only, [outbound(1), globex.clone(), inbound(2)]);
    let only = ids(&store, filter().state(SentState::Closed(SentOutcome::Failed))).await;
    assert_eq!(only, [outbound(2)]);
    let only = ids(&store, filter().state(SentState::Sending)).await;
    assert_eq!(only, std::slice::from_ref(&globex));
    let both = filter().partner(name("globex")).state(SentState::AwaitingReceipt);
    assert_eq!(ids(&store, both).await, []);

    let page = store
        .list(&filter().direction(Direction::Inbound), None, 1)
        .await
        .unwrap();
    let Some(Record::Received(found)) = page.records.into_iter().next().map(|listed| listed.record) else {
        panic!("no inbound record")
    };
    assert_eq!(Some(*found), store.find_received(&inbound(2)).await.unwrap());
}

/// CLI-12, REL-08, SEC-42: the id is free before the proof is gone.
async fn records_then_evidence_expire(subject: &dyn Subject) {
    let (store, clock) = fresh(subject).await;
    let answer = store.claim(&inbound(1), Some([5; 32]), LEASE).await.unwrap();
    let Claim::New(token) = answer else {
        panic!("{answer:?}")
    };
    store
        .complete(&inbound(1), token, received(&clock), LEASE)
        .await
        .unwrap();
    store.record_sent(&outbound(1), sent(&clock), LEASE).await.unwrap();
    let proof = receipt(&clock, "receipt");
    store
        .resolve_receipt(&outbound(1), SentOutcome::Accepted, proof.clone())
        .await
        .unwrap();

    clock.advance(RETENTION.records - SECOND);
    assert_eq!(store.expire().await.unwrap(), 0);
    assert!(matches!(claim(&store, &inbound(1)).await, Claim::Done(_)));
    assert_eq!(record(&store, &outbound(1)).await.receipt, Some(proof.clone()));

    clock.advance(SECOND);
    assert_eq!(store.expire().await.unwrap(), 2);
    assert_eq!(store.expire().await.unwrap(), 0);
    assert_eq!(store.find_received(&inbound(1)).await.unwrap(), None);
    assert_eq!(store.find_sent(&outbound(1)).await.unwrap(), None);
    let (id, late) = (outbound(1), receipt(&clock, "late"));
    let late = store.resolve_receipt(&id, SentOutcome::Accepted, late);
    assert_eq!(late.await.unwrap(), Resolution::Unknown);
    // The signature too has been forgotten.
    let answer = store.claim(&inbound(2), Some([5; 32]), LEASE).await.unwrap();
    assert!(matches!(answer, Claim::New(_)), "{answer:?}");
    // Another message under the old id stands beside the evidence.
    completed(&store, &inbound(1), received(&clock)).await;
    let expected = [(inbound(1), false), (outbound(1), true), (inbound(1), true)];
    assert_eq!(listed(&store, Filter::new()).await, expected);
    let page = store
        .list(&Filter::new().direction(Direction::Outbound), None, 10)
        .await
        .unwrap();
    let Some(Record::Sent(kept)) = page.records.into_iter().next().map(|listed| listed.record) else {
        panic!("no evidence")
    };
    assert_eq!(kept.receipt, Some(proof));

    clock.advance(RETENTION.evidence - RETENTION.records - SECOND);
    store.expire().await.unwrap();
    let expected = [(inbound(1), true), (outbound(1), true), (inbound(1), true)];
    assert_eq!(listed(&store, Filter::new()).await, expected);
    clock.advance(SECOND);
    assert_eq!(store.expire().await.unwrap(), 2);
    assert_eq!(listed(&store, Filter::new()).await, [(inbound(1), true)]);
    clock.advance(RETENTION.evidence);
    assert_eq!(store.expire().await.unwrap(), 1);
    assert_eq!(listed(&store, Filter::new()).await, []);
}

async fn what_waits_for_something_stays(subject: &dyn Subject) {
    let (store, clock) = fresh(subject).await;
    completed(&store, &inbound(1), posted(&clock)).await;
    store
        .record_sent(&outbound(1), queued(&clock), Duration::ZERO)
        .await
        .unwrap();
    let token = store.record_sent(&outbound(2), sent(&clock), LEASE).await.unwrap();
    let step = SentStep::AwaitReceipt { within: 1000 * DAY };
    store.update_sent(&outbound(2), token, step).await.unwrap();
    clock.advance(100 * DAY);
    assert_eq!(store.expire().await.unwrap(), 0);
    let all = [outbound(2), outbound(1), inbound(1)];
    assert_eq!(ids(&store, Filter::new()).await, all);
    assert_eq!(store.claim_due(LEASE, 10, &[], None).await.unwrap().len(), 2);
}

/// "Durable": what was answered is there for whoever opens the store afterwards.
async fn everything_outlives_the_handle(subject: &dyn Subject) {
    let (store, clock) = fresh(subject).await;
    completed(&store, &inbound(1), posted(&clock)).await;
    let token = claimed(&store, &inbound(2)).await;
    store
        .record_sent(&outbound(1), queued(&clock), Duration::ZERO)
        .await
        .unwrap();
    store.record_sent(&outbound(2), queued(&clock), LEASE).await.unwrap();
    let proof = receipt(&clock, "receipt");
    store
        .resolve_receipt(&outbound(2), SentOutcome::Rejected, proof)
        .await
        .unwrap();
    let before = store.list(&Filter::new(), None, 10).await.unwrap();
    drop(store);
    let Some(store) = subject.reopen(clock.clone(), RETENTION).await else {
        return;
    };
    assert_eq!(store.list(&Filter::new(), None, 10).await.unwrap(), before);
    assert_eq!(claim(&store, &inbound(2)).await, Claim::InProgress);
    store
        .complete(&inbound(2), token, received(&clock), LEASE)
        .await
        .unwrap();
    let again = store.complete(&inbound(2), token, received(&clock), LEASE).await;
    assert!(matches!(again, Err(StoreError::ClaimLost)), "{again:?}");
    let jobs = store.claim_due(LEASE, 10, &[], None).await.unwrap();
    assert_eq!(jobs.len(), 2);
    assert_eq!(record(&store, &outbound(1)).await.attempts.first_at, Some(clock.now()));
}
