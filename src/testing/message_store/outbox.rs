//! What is due, and who does it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::{
    LEASE, SECOND, Subject, claimed, completed, fresh, id, inbound, name, outbound, posted, queued, received, record,
    sent, shared,
};
use crate::store::{ExchangeId, Job, MessageStore, PostState, PostStep, SentOutcome, SentStep, StoreError, Work};

pub(super) async fn check(subject: &dyn Subject) {
    what_is_longest_due_comes_first(subject).await;
    busy_partners_are_passed_over(subject).await;
    what_is_elsewhere_is_left_to_those_there(subject).await;
    a_backlog_is_left_to_those_who_work_on_it(subject).await;
    workers_get_different_jobs(subject).await;
    a_dead_worker_is_succeeded_and_has_no_say(subject).await;
    each_step_says_when_it_goes_on(subject).await;
    receipts_are_posted_until_one_is_taken_or_given_up(subject).await;
    whoever_completes_posts_first(subject).await;
}

async fn due(store: &dyn MessageStore) -> Vec<Job> {
    store.claim_due(LEASE, 100, &[], None).await.unwrap()
}

fn ids(jobs: &[Job]) -> Vec<ExchangeId> {
    jobs.iter().map(|job| job.id.clone()).collect()
}

async fn what_is_longest_due_comes_first(subject: &dyn Subject) {
    let (store, clock) = fresh(subject).await;
    assert_eq!(store.next_due(&[], None).await.unwrap(), None);
    let order = [outbound(3), id("globex", "us", "<1@us>"), outbound(1), outbound(2)];
    for id in &order {
        store.record_sent(id, queued(&clock), Duration::ZERO).await.unwrap();
        clock.advance(SECOND);
    }
    completed(&store, &inbound(1), posted(&clock)).await;
    assert_eq!(store.next_due(&[], None).await.unwrap(), Some(Duration::ZERO));
    // Sent by its caller, so not due before the lease ends.
    store.record_sent(&outbound(4), sent(&clock), LEASE).await.unwrap();

    assert_eq!(store.claim_due(LEASE, 0, &[], None).await.unwrap(), []);
    let jobs = store.claim_due(LEASE, 2, &[name("globex")], None).await.unwrap();
    assert_eq!(ids(&jobs), [outbound(3), outbound(1)]);
    let jobs = store.claim_due(LEASE, 1, &[], None).await.unwrap();
    assert_eq!(ids(&jobs), [id("globex", "us", "<1@us>")]);
    assert_eq!(ids(&due(&store).await), [outbound(2), inbound(1)]);
    assert_eq!(due(&store).await, []);
    assert_eq!(store.next_due(&[], None).await.unwrap(), Some(LEASE));
    clock.advance(LEASE);
    assert_eq!(due(&store).await.len(), 6);
}

/// CLI-16: however much waits for them, others are on time.
async fn busy_partners_are_passed_over(subject: &dyn Subject) {
    let (store, clock) = fresh(subject).await;
    let globex = id("globex", "us", "<1@us>");
    let token = store.record_sent(&globex, queued(&clock), LEASE).await.unwrap();
    let step = SentStep::Retry {
        after: 2 * SECOND,
        error: "refused".to_owned(),
    };
    store.update_sent(&globex, token, step).await.unwrap();
    for number in 0..3 {
        let id = outbound(number);
        store.record_sent(&id, queued(&clock), Duration::ZERO).await.unwrap();
    }
    let busy = [name("acme")];
    assert_eq!(store.next_due(&[], None).await.unwrap(), Some(Duration::ZERO));
    assert_eq!(store.next_due(&busy, None).await.unwrap(), Some(2 * SECOND));
    assert_eq!(store.claim_due(LEASE, 10, &busy, None).await.unwrap(), []);
    clock.advance(2 * SECOND);
    assert_eq!(store.next_due(&busy, None).await.unwrap(), Some(Duration::ZERO));
    assert_eq!(ids(&store.claim_due(LEASE, 10, &busy, None).await.unwrap()), [globex]);
    let busy = [name("globex"), name("acme")];
    assert_eq!(store.next_due(&busy, None).await.unwrap(), None);
}

/// A worker that does not have the file can only give the message up: not while those may live who have it.
async fn what_is_elsewhere_is_left_to_those_there(subject: &dyn Subject) {
    const HOUR: Duration = Duration::from_secs(60 * 60);
    let (store, clock) = fresh(subject).await;
    let id = outbound(1);
    let mut placed = queued(&clock);
    placed.request = placed.request.map(|request| request.place(Some("there".to_owned())));
    store.record_sent(&id, placed.clone(), Duration::ZERO).await.unwrap();
    assert_eq!(record(&store, &id).await.request, placed.request);
    let others = [None, Some("here")];
    let step = |number| match number {
        0 => SentStep::Extend(LEASE),
        1 => SentStep::AwaitReceipt { within: HOUR },
        _ => SentStep::Extend(3 * LEASE),
    };
    for (number, wait) in (0..).zip([LEASE, HOUR, 3 * LEASE]) {
        for place in others {
            assert_eq!(store.claim_due(LEASE, 10, &[], place).await.unwrap(), []);
            assert_eq!(store.next_due(&[], place).await.unwrap(), Some(HOUR));
        }
        assert_eq!(store.next_due(&[name("acme")], Some("there")).await.unwrap(), None);
        let there = Some("there");
        assert_eq!(store.next_due(&[], there).await.unwrap(), Some(Duration::ZERO));
        let job = store.claim_due(LEASE, 10, &[], there).await.unwrap().pop().unwrap();
        assert_eq!(matches!(job.work, Work::Overdue(_)), number == 2);
        store.update_sent(&id, job.token, step(number)).await.unwrap();
        assert_eq!(store.next_due(&[], there).await.unwrap(), Some(wait));
        clock.advance(wait);
    }

    // What is anybody's is due at once, before and after.
    let globex = ExchangeId::new(name("globex"), name("us"), id.message_id().clone());
    store.record_sent(&globex, queued(&clock), LEASE).await.unwrap();
    completed(&store, &inbound(1), posted(&clock)).await;
    let here = Some("here");
    assert_eq!(store.next_due(&[], here).await.unwrap(), Some(Duration::ZERO));
    let jobs = store.claim_due(2 * HOUR, 10, &[], here).await.unwrap();
    assert_eq!(ids(&jobs), [inbound(1)]);
    clock.advance(LEASE);
    let jobs = store.claim_due(2 * HOUR, 10, &[], here).await.unwrap();
    assert_eq!(ids(&jobs), [globex]);

    // Nobody has come from there.
    clock.advance(HOUR - LEASE - SECOND);
    assert_eq!(store.claim_due(LEASE, 10, &[], here).await.unwrap(), []);
    assert_eq!(store.next_due(&[], here).await.unwrap(), Some(SECOND));
    clock.advance(SECOND);
    assert_eq!(store.next_due(&[], here).await.unwrap(), Some(Duration::ZERO));
    assert_eq!(ids(&store.claim_due(LEASE, 10, &[], here).await.unwrap()), [id]);
}

/// A backlog is left to those who have the files as long as they work on it, however long that takes; that those of
/// another place are gone changes nothing.
async fn a_backlog_is_left_to_those_who_work_on_it(subject: &dyn Subject) {
    const HOUR: Duration = Duration::from_secs(60 * 60);
    let (store, clock) = fresh(subject).await;
    let placed = |place: &str| {
        let mut placed = queued(&clock);
        placed.request = placed.request.map(|request| request.place(Some(place.to_owned())));
        placed
    };
    let gone = ExchangeId::new(name("globex"), name("us"), outbound(9).message_id().clone());
    for (id, place) in [
        (outbound(1), "there"),
        (outbound(2), "there"),
        (gone.clone(), "nowhere"),
    ] {
        store.record_sent(&id, placed(place), Duration::ZERO).await.unwrap();
        clock.advance(SECOND);
    }
    let (there, here) = (Some("there"), Some("here"));
    let job = store.claim_due(LEASE, 1, &[], there).await.unwrap().pop().unwrap();
    assert_eq!(job.id, outbound(1));
    let step = SentStep::Extend(2 * HOUR);
    store.update_sent(&job.id, job.token, step).await.unwrap();

    // What has been due there for longer is not to be had, what is nowhere is.
    clock.advance(HOUR - 2 * SECOND);
    assert_eq!(store.claim_due(LEASE, 10, &[], here).await.unwrap(), []);
    assert_eq!(store.next_due(&[], here).await.unwrap(), Some(SECOND));
    clock.advance(SECOND);
    let busy = [name("globex")];
    assert_eq!(store.claim_due(LEASE, 10, &busy, here).await.unwrap(), []);
    assert_eq!(store.next_due(&busy, here).await.unwrap(), Some(2 * HOUR + SECOND));
    assert_eq!(store.next_due(&[], here).await.unwrap(), Some(Duration::ZERO));
    assert_eq!(ids(&store.claim_due(LEASE, 10, &[], here).await.unwrap()), [gone]);
    assert_eq!(store.claim_due(LEASE, 10, &[], here).await.unwrap(), []);

    // They have stopped.
    clock.advance(2 * HOUR);
    assert_eq!(store.claim_due(LEASE, 10, &busy, here).await.unwrap(), []);
    assert_eq!(store.next_due(&busy, here).await.unwrap(), Some(SECOND));
    clock.advance(SECOND);
    let jobs = store.claim_due(LEASE, 10, &busy, here).await.unwrap();
    assert_eq!(ids(&jobs), [outbound(2), outbound(1)]);
}

/// Of many workers through several handles, each job goes to one.
async fn workers_get_different_jobs(subject: &dyn Subject) {
    const JOBS: u32 = 40;
    let (stores, clock) = shared(subject).await;
    for number in 0..JOBS {
        stores[0]
            .record_sent(&outbound(number), queued(&clock), Duration::ZERO)
            .await
            .unwrap();
    }
    let mut workers = JoinSet::new();
    for store in stores.iter().cycle().take(8) {
        let store = Arc::clone(store);
        workers.spawn(async move {
            let mut taken = Vec::new();
            loop {
                let jobs = store.claim_due(LEASE, 3, &[], None).await.unwrap();
                // Others may hold what is due for a moment: only the clock of the store says that nothing is.
                if jobs.is_empty() && store.next_due(&[], None).await.unwrap() != Some(Duration::ZERO) {
                    return taken;
                }
                assert!(jobs.len() <= 3);
                taken.extend(jobs);
            }
        });
    }
    let taken: Vec<Job> = workers.join_all().await.into_iter().flatten().collect();
    assert_eq!(taken.len(), 40);
    let distinct: HashSet<_> = ids(&taken).into_iter().collect();
    assert_eq!(distinct.len(), 40);
    for job in taken {
        let close = SentStep::Close {
            outcome: SentOutcome::NoReceiptRequested,
            error: None,
        };
        stores[1].update_sent(&job.id, job.token, close).await.unwrap();
    }
    assert_eq!(stores[0].next_due(&[], None).await.unwrap(), None);
}

async fn a_dead_worker_is_succeeded_and_has_no_say(subject: &dyn Subject) {
    let (store, clock) = fresh(subject).await;
    store
        .record_sent(&outbound(1), queued(&clock), Duration::ZERO)
        .await
        .unwrap();
    completed(&store, &inbound(1), posted(&clock)).await;
    let dead = due(&store).await;
    assert_eq!(dead.len(), 2);
    clock.advance(LEASE - SECOND);
    assert_eq!(due(&store).await, []);
    clock.advance(SECOND);
    let alive = due(&store).await;
    assert_eq!(ids(&alive), ids(&dead));
    for job in &dead {
        let late = match &job.work {
            Work::Post(_) => store.update_posting(&job.id, job.token, PostStep::Delivered).await,
            _ => {
                let step = SentStep::AwaitReceipt { within: LEASE };
                store.update_sent(&job.id, job.token, step).await
            }
        };
        assert!(matches!(late, Err(StoreError::ClaimLost)), "{late:?}");
    }
    for job in alive {
        match &job.work {
            Work::Post(due) => {
                assert_eq!(due.posting.as_ref().unwrap().attempts.made, 2);
                let step = PostStep::Delivered;
                store.update_posting(&job.id, job.token, step).await.unwrap();
            }
            Work::Send(due) => {
                assert_eq!(due.attempts.made, 2);
                // Late, but nobody took its place.
                clock.advance(2 * LEASE);
                let step = SentStep::AwaitReceipt { within: LEASE };
                store.update_sent(&job.id, job.token, step).await.unwrap();
            }
            other => panic!("{other:?}"),
        }
    }
}

async fn each_step_says_when_it_goes_on(subject: &dyn Subject) {
    let (store, clock) = fresh(subject).await;
    let id = outbound(1);
    store.record_sent(&id, queued(&clock), Duration::ZERO).await.unwrap();
    let steps = [
        (SentStep::Extend(3 * LEASE), 3 * LEASE, 1, None),
        (SentStep::Release(5 * LEASE), 5 * LEASE, 1, None),
        (
            SentStep::Retry {
                after: 7 * LEASE,
                error: "refused".to_owned(),
            },
            7 * LEASE,
            2,
            Some("refused"),
        ),
        (SentStep::Release(Duration::ZERO), Duration::ZERO, 2, Some("refused")),
    ];
    for (step, after, made, error) in steps {
        let job = due(&store).await.pop().unwrap();
        store.update_sent(&id, job.token, step.clone()).await.unwrap();
        let attempts = record(&store, &id).await.attempts;
        assert_eq!((attempts.made, attempts.error.as_deref()), (made, error), "{step:?}");
        assert_eq!(store.next_due(&[], None).await.unwrap(), Some(after), "{step:?}");
        if !after.is_zero() {
            clock.advance(after - SECOND);
            assert_eq!(due(&store).await, [], "{step:?}");
            clock.advance(SECOND);
        }
    }
    assert_eq!(due(&store).await.len(), 1);
}

/// REL-19: the record tells how it went.
async fn receipts_are_posted_until_one_is_taken_or_given_up(subject: &dyn Subject) {
    let (store, clock) = fresh(subject).await;
    let last = |number| match number {
        1 => (PostStep::Delivered, PostState::Delivered, "refused"),
        _ => {
            let error = "404".to_owned();
            (PostStep::Failed { error }, PostState::Failed, "404")
        }
    };
    for number in [1, 2] {
        let id = inbound(number);
        completed(&store, &id, posted(&clock)).await;
        let job = due(&store).await.pop().unwrap();
        let retry = PostStep::Retry {
            after: LEASE,
            error: "refused".to_owned(),
        };
        store.update_posting(&id, job.token, retry).await.unwrap();
        assert_eq!(due(&store).await, []);
        clock.advance(LEASE);
        let job = due(&store).await.pop().unwrap();
        store
            .update_posting(&id, job.token, PostStep::Extend(LEASE))
            .await
            .unwrap();
        store
            .update_posting(&id, job.token, PostStep::Release(Duration::ZERO))
            .await
            .unwrap();
        let job = due(&store).await.pop().unwrap();
        let (step, state, error) = last(number);
        store.update_posting(&id, job.token, step).await.unwrap();
        let found = store.find_received(&id).await.unwrap().unwrap();
        assert_eq!(found.reply, received(&clock).reply);
        let posting = found.posting.unwrap();
        assert_eq!((posting.state, posting.attempts.made), (state, 2));
        assert_eq!(posting.attempts.error.as_deref(), Some(error));
        assert_eq!(store.next_due(&[], None).await.unwrap(), None);
        let late = store.update_posting(&id, job.token, PostStep::Delivered).await;
        assert!(matches!(late, Err(StoreError::ClaimLost)), "{late:?}");
    }
    let nothing = store
        .update_posting(&inbound(3), claimed(&store, &inbound(3)).await, PostStep::Delivered)
        .await;
    assert!(matches!(nothing, Err(StoreError::ClaimLost)), "{nothing:?}");
}

/// The token of the delivery is that of the first attempt.
async fn whoever_completes_posts_first(subject: &dyn Subject) {
    let (store, clock) = fresh(subject).await;
    for number in [1, 2] {
        let id = inbound(number);
        let token = claimed(&store, &id).await;
        store.complete(&id, token, posted(&clock), LEASE).await.unwrap();
        assert_eq!(due(&store).await, []);
        if number == 1 {
            store.update_posting(&id, token, PostStep::Delivered).await.unwrap();
            clock.advance(LEASE);
            assert_eq!(due(&store).await, []);
        } else {
            clock.advance(LEASE);
            let job = due(&store).await.pop().unwrap();
            let Work::Post(due) = &job.work else { panic!("{job:?}") };
            assert_eq!(due.posting.as_ref().unwrap().attempts.made, 2);
            let late = store.update_posting(&id, token, PostStep::Delivered).await;
            assert!(matches!(late, Err(StoreError::ClaimLost)), "{late:?}");
        }
    }
}
