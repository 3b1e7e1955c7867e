//! How much of a disk spools may use together.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A cap on the octets that spools keep on disk together. Clones share one count.
#[derive(Clone, Debug)]
pub struct SpoolQuota(Arc<Counter>);

#[derive(Debug)]
struct Counter {
    limit: u64,
    used: AtomicU64,
}

/// 16 GiB.
impl Default for SpoolQuota {
    fn default() -> Self {
        Self::new(16 << 30)
    }
}

impl SpoolQuota {
    /// A quota of `limit` octets.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        let used = AtomicU64::new(0);
        Self(Arc::new(Counter { limit, used }))
    }

    /// The most octets that may be on disk at one time.
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.0.limit
    }

    /// The octets that are on disk now.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.0.used.load(Ordering::Relaxed)
    }

    fn take(&self, octets: u64) -> io::Result<()> {
        let limit = self.0.limit;
        let add = |used: u64| used.checked_add(octets).filter(|&total| total <= limit);
        self.0
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add)
            .map_err(|_| io::Error::new(io::ErrorKind::QuotaExceeded, SpoolQuotaExceeded { limit }))?;
        Ok(())
    }
}

/// The cause inside an [`io::Error`] of kind [`io::ErrorKind::QuotaExceeded`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the spools together may keep {limit} octets on disk, and this write would exceed that")]
#[non_exhaustive]
pub struct SpoolQuotaExceeded {
    /// The quota in octets.
    pub limit: u64,
}

/// What one spool has taken from the quota, given back on drop.
#[derive(Debug)]
pub(super) struct Reservation {
    quota: SpoolQuota,
    octets: u64,
}

impl Reservation {
    pub(super) fn new(quota: SpoolQuota) -> Self {
        Self { quota, octets: 0 }
    }

    pub(super) fn grow_to(&mut self, octets: u64) -> io::Result<()> {
        let more = octets.saturating_sub(self.octets);
        self.quota.take(more)?;
        self.octets = self.octets.saturating_add(more);
        Ok(())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.quota.0.used.fetch_sub(self.octets, Ordering::Relaxed);
    }
}
