//! When an exchange has to be over.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::transport::{Step, TransportError};

/// The end of the whole exchange.
#[derive(Clone, Copy)]
pub(super) struct Deadline {
    at: Instant,
    total: Duration,
}

impl Deadline {
    pub(super) fn after(total: Duration) -> Self {
        Self {
            at: later(Instant::now(), total),
            total,
        }
    }

    /// Runs one step, for `limit` at most.
    pub(super) async fn within<T>(
        &self,
        step: Step,
        limit: Duration,
        future: impl Future<Output = Result<T, TransportError>>,
    ) -> Result<T, TransportError> {
        let (at, error) = self.bound(step, Instant::now(), limit);
        timeout_at(at, future).await.unwrap_or(Err(error))
    }

    /// When a step that last made progress at `since` has to be given up, and with which error.
    pub(super) fn bound(&self, step: Step, since: Instant, limit: Duration) -> (Instant, TransportError) {
        let at = later(since, limit);
        if at < self.at {
            return (at, TransportError::Timeout { step, limit });
        }
        let limit = self.total;
        (self.at, TransportError::TotalTimeout { step, limit })
    }
}

/// A limit beyond what `Instant` can hold is as good as a century.
fn later(since: Instant, limit: Duration) -> Instant {
    const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
    since + limit.min(CENTURY)
}
