use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::clock::{Clock, SystemClock};
use crate::future::BoxFuture;

use super::{Claim, ClaimToken, ExchangeId, MessageStore, ReceivedRecord, Resolution, SentRecord, StoreError};

/// A [`MessageStore`] in memory: for tests, and for hosts that may forget.
///
/// It forgets everything at the end of the process: duplicates that arrive afterwards are delivered again, and receipts
/// are unknown. Records are kept for 30 days, and at most 100,000 of them each way: a full store refuses new messages
/// rather than forget old ones.
#[derive(Debug)]
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    retention: Duration,
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    received: Table<Received>,
    sent: Table<SentRecord>,
    last_token: u64,
}

#[derive(Debug)]
enum Received {
    Claimed(ClaimToken),
    Done(ReceivedRecord),
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            retention: Duration::from_secs(30 * 24 * 60 * 60),
            capacity: 100_000,
            state: Mutex::default(),
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
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// How long records are kept (default 30 days): duplicates are recognised and receipts are matched within it.
    #[must_use]
    pub fn retention(mut self, retention: Duration) -> Self {
        self.retention = retention;
        self
    }

    /// The most records of inbound messages, and of outbound ones (default 100,000).
    #[must_use]
    pub fn capacity(mut self, records: usize) -> Self {
        self.capacity = records;
        self
    }

    /// Every change of the state is one insertion or removal, so a panic elsewhere cannot leave it half-way.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept_until(&self, now: SystemTime) -> Option<SystemTime> {
        now.checked_add(self.retention)
    }

    fn claim_now(&self, id: &ExchangeId, lease: Duration) -> Result<Claim, StoreError> {
        let now = self.clock.now();
        let mut state = self.lock();
        match state.received.get(id, now) {
            Some(Received::Done(record)) => return Ok(Claim::Done(record.clone())),
            Some(Received::Claimed(_)) => return Ok(Claim::InProgress),
            None => {}
        }
        state.last_token = state.last_token.wrapping_add(1);
        let token = ClaimToken::new(state.last_token);
        let until = now.checked_add(lease);
        state
            .received
            .insert(id, Received::Claimed(token), until, now, self.capacity)?;
        Ok(Claim::New(token))
    }

    fn complete_now(&self, id: &ExchangeId, token: ClaimToken, record: ReceivedRecord) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut state = self.lock();
        // An expired claim counts while nobody else has taken its place, even if it was swept.
        match state.received.get_even_expired(id) {
            Some(Received::Claimed(holder)) if *holder != token => Err(StoreError::ClaimLost),
            Some(Received::Done(_)) => Err(StoreError::ClaimLost),
            Some(Received::Claimed(_)) | None => {
                state.received.replace(id, Received::Done(record), self.kept_until(now));
                Ok(())
            }
        }
    }

    fn release_now(&self, id: &ExchangeId, token: ClaimToken) {
        let mut state = self.lock();
        if matches!(state.received.get_even_expired(id), Some(Received::Claimed(holder)) if *holder == token) {
            state.received.remove(id);
        }
    }

    fn record_sent_now(&self, id: &ExchangeId, record: SentRecord) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut state = self.lock();
        match state.sent.get(id, now) {
            Some(first) if first.mics == record.mics => Ok(()),
            Some(_) => Err(StoreError::AlreadySent),
            None => state.sent.insert(id, record, self.kept_until(now), now, self.capacity),
        }
    }

    fn resolve_now(&self, id: &ExchangeId, receipt: Bytes) -> Resolution {
        let now = self.clock.now();
        match self.lock().sent.get_mut(id, now) {
            None => Resolution::Unknown,
            Some(SentRecord { receipt: Some(_), .. }) => Resolution::AlreadyResolved,
            Some(record) => {
                record.receipt = Some(receipt);
                Resolution::First
            }
        }
    }
}

/// Nothing happens before a future is polled, and everything at once then: dropping it leaves no half-done call.
impl MessageStore for MemoryStore {
    fn find_received<'a>(&'a self, id: &'a ExchangeId) -> BoxFuture<'a, Result<Option<ReceivedRecord>, StoreError>> {
        Box::pin(async move {
            Ok(match self.lock().received.get(id, self.clock.now()) {
                Some(Received::Done(record)) => Some(record.clone()),
                Some(Received::Claimed(_)) | None => None,
            })
        })
    }

    fn claim<'a>(&'a self, id: &'a ExchangeId, lease: Duration) -> BoxFuture<'a, Result<Claim, StoreError>> {
        Box::pin(async move { self.claim_now(id, lease) })
    }

    fn complete<'a>(
        &'a self,
        id: &'a ExchangeId,
        token: ClaimToken,
        record: ReceivedRecord,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { self.complete_now(id, token, record) })
    }

    fn release<'a>(&'a self, id: &'a ExchangeId, token: ClaimToken) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.release_now(id, token);
            Ok(())
        })
    }

    fn record_sent<'a>(&'a self, id: &'a ExchangeId, record: SentRecord) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { self.record_sent_now(id, record) })
    }

    fn find_sent<'a>(&'a self, id: &'a ExchangeId) -> BoxFuture<'a, Result<Option<SentRecord>, StoreError>> {
        Box::pin(async move { Ok(self.lock().sent.get(id, self.clock.now()).cloned()) })
    }

    fn resolve_receipt<'a>(
        &'a self,
        id: &'a ExchangeId,
        receipt: Bytes,
    ) -> BoxFuture<'a, Result<Resolution, StoreError>> {
        Box::pin(async move { Ok(self.resolve_now(id, receipt)) })
    }
}

/// Values that count until a point in time; `None` is beyond all time.
#[derive(Debug)]
struct Table<V> {
    entries: HashMap<ExchangeId, (V, Option<SystemTime>)>,
    /// Expired entries are swept when there are this many: each sweep is paid for by as many insertions.
    sweep_at: usize,
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            sweep_at: 0,
        }
    }
}

fn counts(until: Option<SystemTime>, now: SystemTime) -> bool {
    until.is_none_or(|until| now < until)
}

impl<V> Table<V> {
    fn get(&self, id: &ExchangeId, now: SystemTime) -> Option<&V> {
        let (value, until) = self.entries.get(id)?;
        counts(*until, now).then_some(value)
    }

    fn get_mut(&mut self, id: &ExchangeId, now: SystemTime) -> Option<&mut V> {
        let (value, until) = self.entries.get_mut(id)?;
        counts(*until, now).then_some(value)
    }

    fn get_even_expired(&self, id: &ExchangeId) -> Option<&V> {
        self.entries.get(id).map(|(value, _)| value)
    }

    fn insert(
        &mut self,
        id: &ExchangeId,
        value: V,
        until: Option<SystemTime>,
        now: SystemTime,
        capacity: usize,
    ) -> Result<(), StoreError> {
        if self.entries.len() >= self.sweep_at.min(capacity) {
            self.entries.retain(|_, (_, until)| counts(*until, now));
            self.sweep_at = self.entries.len().saturating_mul(2).max(1024);
        }
        if self.entries.len() >= capacity && !self.entries.contains_key(id) {
            return Err(StoreError::Full { limit: capacity });
        }
        self.replace(id, value, until);
        Ok(())
    }

    fn replace(&mut self, id: &ExchangeId, value: V, until: Option<SystemTime>) {
        self.entries.insert(id.clone(), (value, until));
    }

    fn remove(&mut self, id: &ExchangeId) {
        self.entries.remove(id);
    }
}
