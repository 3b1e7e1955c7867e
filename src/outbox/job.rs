//! One job, and how the store is told of it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep};

use super::event::WorkError;
use super::run::{FIRST_PAUSE, LAST_PAUSE, Stop};
use super::{OutboxEvent, OutboxWorker};
use crate::client::Lease;
use crate::partnership::Partnership;
use crate::store::{ClaimToken, Direction, ExchangeId, Job, StoreError, Work};
use crate::telemetry;

/// How long what cannot be done, because something on our side is away, is left alone.
pub(super) const PAUSE: Duration = Duration::from_secs(30);

impl OutboxWorker {
    pub(super) async fn work(&self, job: Job, stopped: Stop) {
        let Job { id, token, work, .. } = job;
        let span = telemetry::outbox();
        telemetry::name(&span, id.pair());
        let (name, attempt) = match &work {
            Work::Send(record) => ("send", Some(record.attempts.made)),
            Work::Overdue(_) => ("overdue", None),
            Work::Post(record) => ("post", record.posting.as_ref().map(|posting| posting.attempts.made)),
        };
        span.record("work", name);
        span.record("attempt", attempt);
        let work = async {
            match work {
                Work::Send(record) => self.send(&id, token, &record, stopped).await,
                Work::Overdue(record) => self.overdue(&id, token, &record).await,
                Work::Post(record) => self.post(&id, token, &record, stopped).await,
            }
        };
        telemetry::timed("outbox", span, work).await;
    }

    pub(super) async fn partnership(&self, id: &ExchangeId, ours: Direction) -> Result<Arc<Partnership>, WorkError> {
        let (local, remote) = match ours {
            Direction::Outbound => (id.from(), id.to()),
            Direction::Inbound => (id.to(), id.from()),
        };
        let found = self.partners.find(local, remote).await?;
        found.ok_or(WorkError::NoPartnership)
    }

    /// The time since the first attempt. A clock that was put back has let none pass.
    pub(super) fn since(&self, first_at: Option<SystemTime>) -> Duration {
        let now = self.core().clock.now();
        let elapsed = first_at.and_then(|first_at| now.duration_since(first_at).ok());
        elapsed.unwrap_or_default()
    }

    pub(super) fn hold<'a>(&'a self, direction: Direction, id: &'a ExchangeId, token: ClaimToken) -> Lease<'a> {
        Lease {
            store: &*self.core().store,
            direction,
            id,
            token,
            length: self.lease,
        }
    }

    /// Asks the store again and again while it is away: what was done would be done twice otherwise. When the lease is
    /// over, others may be at it.
    pub(super) async fn insist<T, F>(&self, mut ask: impl FnMut() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let until = Instant::now() + self.lease;
        let mut pause = FIRST_PAUSE;
        loop {
            match ask().await {
                Err(error @ StoreError::Unavailable(_)) if Instant::now() < until => {
                    self.tell(OutboxEvent::StoreUnavailable(error));
                }
                result => return result,
            }
            sleep(pause).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }
}
