use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crate::clock::{Clock, SystemClock};
use crate::future::BoxFuture;
use crate::name::As2Name;

use super::entry::{self, Change, Entry};
use super::turn::Asker;
use super::{
    Claim, ClaimToken, Cursor, Direction, ExchangeId, Filter, Job, MessageStore, Page, PostStep, ReceiptRecord,
    ReceivedRecord, Resolution, Retention, SentOutcome, SentRecord, SentStep, StoreError,
};
use rows::Rows;

mod rows;

/// Evidence that ends with the process is worth nothing more.
const RETENTION: Retention = Retention {
    records: Duration::from_secs(30 * 24 * 60 * 60),
    evidence: Duration::ZERO,
};

/// A [`MessageStore`] in memory: for tests, and for hosts that may forget.
///
/// It forgets everything at the end of the process: duplicates that arrive afterwards are delivered again, receipts are
/// unknown, and the outbox is empty. It holds at most 100,000 records each way: a full store refuses new messages rather
/// than forget what is within its retention.
#[derive(Debug)]
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    retention: Retention,
    capacity: usize,
    rows: Mutex<Rows>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            retention: RETENTION,
            capacity: 100_000,
            rows: Mutex::default(),
        }
    }
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the time from `clock`.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// How long records are kept (default 30 days, and no evidence of older ones). Those that are older go when they are in the way, or with
    /// [`expire`](MessageStore::expire).
    #[must_use]
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// The most records of inbound messages, and of outbound ones (default 100,000).
    #[must_use]
    pub fn capacity(mut self, records: usize) -> Self {
        self.capacity = records;
        self
    }

    /// Every change is made of insertions and removals that cannot panic, so a panic elsewhere leaves nothing half-way.
    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn claim_now(&self, id: &ExchangeId, signature: Option<[u8; 32]>, lease: Duration) -> Result<Claim, StoreError> {
        let now = self.clock.now();
        let mut rows = self.rows();
        let twin = signature.and_then(|signature| rows.with_signature(&signature));
        let (change, claim) = entry::claim(id, rows.get(Direction::Inbound, id), signature, twin, lease, now);
        if let Change::Put(_) = change {
            self.make_room(&mut rows, Direction::Inbound, id, now)?;
        }
        rows.apply(Direction::Inbound, id, change);
        Ok(claim)
    }

    fn record_sent_now(&self, id: &ExchangeId, record: SentRecord, lease: Duration) -> Result<ClaimToken, StoreError> {
        let now = self.clock.now();
        let mut rows = self.rows();
        let (change, token) = entry::record_sent(id, rows.get(Direction::Outbound, id), record, lease, now)?;
        self.make_room(&mut rows, Direction::Outbound, id, now)?;
        rows.apply(Direction::Outbound, id, change);
        Ok(token)
    }

    /// Sees that there is room for one more row.
    fn make_room(
        &self,
        rows: &mut Rows,
        direction: Direction,
        id: &ExchangeId,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        if rows.get(direction, id).is_some() || rows.count(direction) < self.capacity {
            return Ok(());
        }
        rows.expire(&self.retention, now);
        match rows.count(direction) < self.capacity {
            true => Ok(()),
            false => Err(StoreError::Full { limit: self.capacity }),
        }
    }

    fn claim_due_now(&self, lease: Duration, limit: usize, asker: Asker<'_>) -> Result<Vec<Job>, StoreError> {
        let now = self.clock.now();
        let mut rows = self.rows();
        let mut jobs = Vec::new();
        for row in rows.due(now, limit, asker)? {
            let Some(mut entry) = rows.entries.get(&row).cloned() else {
                continue;
            };
            if let Some(job) = entry.claim_due(now, lease, ClaimToken::random()) {
                rows.put(row, entry);
                jobs.push(job);
            }
        }
        Ok(jobs)
    }
}

/// Nothing happens before a future is polled, and everything at once then: dropping it leaves no half-done call.
impl MessageStore for MemoryStore {
    fn find_received<'a>(&'a self, id: &'a ExchangeId) -> BoxFuture<'a, Result<Option<ReceivedRecord>, StoreError>> {
        Box::pin(async move { Ok(self.rows().get(Direction::Inbound, id).and_then(Entry::received)) })
    }

    fn claim<'a>(
        &'a self,
        id: &'a ExchangeId,
        signature: Option<[u8; 32]>,
        lease: Duration,
    ) -> BoxFuture<'a, Result<Claim, StoreError>> {
        Box::pin(async move { self.claim_now(id, signature, lease) })
    }

    fn complete<'a>(
        &'a self,
        id: &'a ExchangeId,
        token: ClaimToken,
        record: ReceivedRecord,
        lease: Duration,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let now = self.clock.now();
            let mut rows = self.rows();
            let change = entry::complete(id, rows.get(Direction::Inbound, id), token, record, lease, now)?;
            rows.apply(Direction::Inbound, id, change);
            Ok(())
        })
    }

    fn release<'a>(&'a self, id: &'a ExchangeId, token: ClaimToken) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let mut rows = self.rows();
            let change = entry::release(rows.get(Direction::Inbound, id), token);
            rows.apply(Direction::Inbound, id, change);
            Ok(())
        })
    }

    fn update_posting<'a>(
        &'a self,
        id: &'a ExchangeId,
        token: ClaimToken,
        step: PostStep,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let now = self.clock.now();
            let mut rows = self.rows();
            let change = entry::update_posting(rows.get(Direction::Inbound, id), token, step, now)?;
            rows.apply(Direction::Inbound, id, change);
            Ok(())
        })
    }

    fn record_sent<'a>(
        &'a self,
        id: &'a ExchangeId,
        record: SentRecord,
        lease: Duration,
    ) -> BoxFuture<'a, Result<ClaimToken, StoreError>> {
        Box::pin(async move { self.record_sent_now(id, record, lease) })
    }

    fn find_sent<'a>(&'a self, id: &'a ExchangeId) -> BoxFuture<'a, Result<Option<SentRecord>, StoreError>> {
        Box::pin(async move { Ok(self.rows().get(Direction::Outbound, id).and_then(Entry::sent)) })
    }

    fn update_sent<'a>(
        &'a self,
        id: &'a ExchangeId,
        token: ClaimToken,
        step: SentStep,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let now = self.clock.now();
            let mut rows = self.rows();
            let change = entry::update_sent(rows.get(Direction::Outbound, id), token, step, now)?;
            rows.apply(Direction::Outbound, id, change);
            Ok(())
        })
    }

    fn resolve_receipt<'a>(
        &'a self,
        id: &'a ExchangeId,
        outcome: SentOutcome,
        receipt: ReceiptRecord,
    ) -> BoxFuture<'a, Result<Resolution, StoreError>> {
        Box::pin(async move {
            let now = self.clock.now();
            let mut rows = self.rows();
            let (change, resolution) = entry::resolve(rows.get(Direction::Outbound, id), outcome, receipt, now);
            rows.apply(Direction::Outbound, id, change);
            Ok(resolution)
        })
    }

    fn claim_due<'a>(
        &'a self,
        lease: Duration,
        limit: usize,
        busy: &'a [As2Name],
        place: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Vec<Job>, StoreError>> {
        Box::pin(async move { self.claim_due_now(lease, limit, Asker { busy, place }) })
    }

    fn next_due<'a>(
        &'a self,
        busy: &'a [As2Name],
        place: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<Duration>, StoreError>> {
        Box::pin(async move {
            let now = self.clock.now();
            let first = self.rows().first_turn(Asker { busy, place })?;
            Ok(first.map(|due_at| due_at.duration_since(now).unwrap_or_default()))
        })
    }

    fn list<'a>(
        &'a self,
        filter: &'a Filter,
        after: Option<Cursor>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        Box::pin(async move {
            let rows = self.rows();
            let older = rows.entries.range(..after.map_or(u64::MAX, Cursor::value)).rev();
            let mut fitting = older
                .filter(|(_, entry)| entry.fits(filter))
                .filter_map(|(row, entry)| Some((*row, entry.clone().listed()?)));
            let page: Vec<_> = fitting.by_ref().take(limit).collect();
            let last = page.last().map(|(row, _)| Cursor::new(*row));
            let next = fitting.next().and(last);
            Ok(Page::new(page.into_iter().map(|(_, listed)| listed).collect(), next))
        })
    }

    fn expire<'a>(&'a self) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(async move {
            let now = self.clock.now();
            Ok(self.rows().expire(&self.retention, now))
        })
    }
}
