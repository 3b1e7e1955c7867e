//! The loop: claims what is due, within limits, and sleeps until something is.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::{OutboxEvent, OutboxWorker, SHORTEST};
use crate::client::OutboxDirectory;
use crate::name::As2Name;
use crate::store::{Job, StoreError};
use crate::telemetry;

/// How long to wait before the store is asked again that failed: doubled each time, up to the last.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(100);
pub(super) const LAST_PAUSE: Duration = Duration::from_secs(10);

/// How long noting takes at most what was broken off.
const LAST_NOTES: Duration = Duration::from_secs(5);

/// Tells a job that the worker waits for it no longer.
#[derive(Clone)]
pub(super) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Ready when the job is to be broken off.
    pub(super) async fn wanted(&mut self) {
        // Without a worker there is nothing to go on for either.
        self.0.wait_for(|wanted| *wanted).await.ok();
    }
}

impl OutboxWorker {
    /// Works until `shutdown` is ready; then claims nothing more, lets what is under way end, and returns.
    ///
    /// Needs a tokio runtime with time. The future may be dropped at any time: what was under way is broken off, and due
    /// again when its lease ends.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let worker = Arc::new(self);
        let mut shutdown = pin!(shutdown);
        let (stop, wanted) = watch::channel(false);
        let stopped = Stop(wanted);
        let mut under_way = UnderWay::default();
        let mut sweeping = JoinSet::new();
        let mut next_sweep = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            if sweeping.is_empty() && Instant::now() >= next_sweep {
                next_sweep = Instant::now() + worker.sweep;
                let worker = Arc::clone(&worker);
                sweeping.spawn(async move { worker.sweep().await });
            }
            let claimed = {
                let mut claim = pin!(worker.claim(&mut under_way, &stopped));
                tokio::select! {
                    claimed = &mut claim => claimed,
                    () = &mut shutdown => {
                        // What it has claimed would be nobody's until the lease ends.
                        timeout(worker.drain, claim).await.ok();
                        break;
                    }
                }
            };
            let idle = match claimed {
                Ok(idle) => {
                    pause = FIRST_PAUSE;
                    idle
                }
                Err(error) => {
                    worker.tell(OutboxEvent::StoreUnavailable(error));
                    let now = pause;
                    pause = (pause * 2).min(LAST_PAUSE);
                    now
                }
            };
            let full = under_way.jobs() >= worker.concurrency;
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                Some(done) = under_way.tasks.join_next_with_id() => under_way.end(done),
                Some(_) = sweeping.join_next() => {}
                () = worker.core().queued.notified(), if !full => {}
                () = sleep(idle), if !full => {}
                () = sleep_until(next_sweep), if sweeping.is_empty() => {}
            }
        }
        drop(sweeping);
        if timeout(worker.drain, under_way.drain()).await.is_err() {
            // Each of them notes that it was broken off.
            stop.send_replace(true);
            if timeout(LAST_NOTES, under_way.drain()).await.is_err() {
                tracing::warn!("what the outbox had under way is due again when its leases end");
            }
        }
    }

    /// Begins what is due, as far as the limits allow, and says how long nothing more is to be expected.
    async fn claim(self: &Arc<Self>, under_way: &mut UnderWay, stopped: &Stop) -> Result<Duration, StoreError> {
        let store = &self.core().store;
        let place = self.core().outbox.as_ref().and_then(OutboxDirectory::place);
        while under_way.jobs() < self.concurrency {
            let busy = under_way.busy(self.per_partner);
            // One by one: those before it may have made its partner busy.
            let Some(job) = store.claim_due(self.lease, 1, &busy, place).await?.pop() else {
                return Ok(match store.next_due(&busy, place).await? {
                    // It has become due just now, or others are looking at it.
                    Some(Duration::ZERO) => SHORTEST.min(self.poll),
                    Some(due) => due.min(self.poll),
                    None => self.poll,
                });
            };
            under_way.begin(self, job, stopped.clone());
            telemetry::shift(telemetry::OUTBOX_IN_PROGRESS, 1.0);
        }
        Ok(self.poll)
    }
}

/// The tasks of a worker. Dropped, they are broken off.
#[derive(Default)]
struct UnderWay {
    tasks: JoinSet<()>,
    partners: HashMap<Id, As2Name>,
    counts: HashMap<As2Name, usize>,
}

impl UnderWay {
    fn jobs(&self) -> usize {
        self.partners.len()
    }

    /// The partners that have as many jobs as they may.
    fn busy(&self, most: usize) -> Vec<As2Name> {
        let full = self.counts.iter().filter(|(_, count)| **count >= most);
        full.map(|(partner, _)| partner.clone()).collect()
    }

    fn begin(&mut self, worker: &Arc<OutboxWorker>, job: Job, stopped: Stop) {
        let partner = job.id.partner(job.work.direction()).clone();
        *self.counts.entry(partner.clone()).or_default() += 1;
        let worker = Arc::clone(worker);
        let task = self.tasks.spawn(async move { worker.work(job, stopped).await });
        self.partners.insert(task.id(), partner);
    }

    fn end(&mut self, done: Result<(Id, ()), JoinError>) {
        let id = match done {
            Ok((id, ())) => id,
            Err(error) => {
                if error.is_panic() {
                    tracing::error!(%error, "work on the outbox panicked; it is due again when its lease ends");
                }
                error.id()
            }
        };
        let partner = self.partners.remove(&id);
        if partner.is_some() {
            telemetry::shift(telemetry::OUTBOX_IN_PROGRESS, -1.0);
        }
        if let Some(partner) = partner
            && let Some(count) = self.counts.get_mut(&partner)
        {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&partner);
            }
        }
    }

    async fn drain(&mut self) {
        while let Some(done) = self.tasks.join_next_with_id().await {
            self.end(done);
        }
    }
}
