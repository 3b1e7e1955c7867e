use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use redb::ReadableDatabase;

use crate::clock::{Clock, SystemClock};
use crate::future::BoxFuture;
use crate::name::As2Name;

use super::entry::{self, Entry};
use super::turn::Asker;
use super::{
    Claim, ClaimToken, Cursor, Direction, ExchangeId, Filter, Job, MessageStore, Page, PostStep, ReceiptRecord,
    ReceivedRecord, Resolution, Retention, SentOutcome, SentRecord, SentStep, StoreError,
};
use file::File;
use tables::{Reader, SCHEMA, Writer};

mod file;
mod tables;

/// How many rows one transaction of [`MessageStore::expire`] changes at most: others write in between.
const BATCH: usize = 500;

/// A [`MessageStore`] in one file, on [redb](redb): for hosts on one machine.
///
/// Any number of processes of the machine share the file. Each change is on disk, synced, before its call returns. A
/// process that is killed leaves the file as its last change made it, and so does a disk that is full or fails: the store
/// is unavailable then, and goes on by itself once the disk works again. Network file systems will not do, since they keep
/// neither locks nor promises. The file is readable by its owner only.
///
/// Calls block on the disk, so they go to tokio's threads for blocking work: a tokio runtime is needed.
#[derive(Clone)]
pub struct RedbStore {
    file: Arc<File>,
    clock: Arc<dyn Clock>,
    retention: Retention,
}

/// Why a [`RedbStore`] could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedbOpenError {
    /// The file cannot be made or opened.
    #[error("cannot open the message store {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: io::Error,
    },
    /// The file is no database, is damaged, or is in use by something else than another [`RedbStore`].
    #[error("cannot open the message store {}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: Box<redb::Error>,
    },
    /// The file was written by another version of this crate.
    #[error(
        "the message store {} has schema version {found}, and this version of the crate knows {SCHEMA} at most: \
         upgrade it, or name another file",
        path.display()
    )]
    Schema {
        /// The file.
        path: PathBuf,
        /// The version in it.
        found: u64,
    },
    /// The runtime is shutting down.
    #[error("the work on the message store was stopped")]
    Stopped(#[source] tokio::task::JoinError),
}

impl RedbStore {
    /// Opens the store in the file `path`, which is made if it is missing. After a crash this may take as long as reading
    /// the file.
    ///
    /// # Errors
    ///
    /// [`RedbOpenError`].
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, RedbOpenError> {
        let path = path.as_ref().to_owned();
        let opened = tokio::task::spawn_blocking(move || File::open(path)).await;
        Ok(Self {
            file: Arc::new(opened.map_err(RedbOpenError::Stopped)??),
            clock: Arc::new(SystemClock),
            retention: Retention::default(),
        })
    }

    /// Takes the time from `clock`. All processes that share the file need one and the same time: that of the machine is.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// How long records are kept.
    #[must_use]
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// Runs a transaction that may change something. Nothing is written where nothing changed.
    async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Writer<'_>, SystemTime) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let this = self.clone();
        blocking(move || {
            this.file.with(|database| {
                let transaction = database.begin_write().map_err(unavailable)?;
                // Not before: waiting for the turn takes time too.
                let now = this.clock.now();
                let mut tables = Writer::open(&transaction)?;
                let answer = change(&mut tables, now)?;
                match tables.close() {
                    true => transaction.commit().map_err(unavailable)?,
                    false => transaction.abort().map_err(unavailable)?,
                }
                Ok(answer)
            })
        })
        .await
    }

    async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Reader, SystemTime) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let this = self.clone();
        blocking(move || {
            this.file.with(|database| {
                let transaction = database.begin_read().map_err(unavailable)?;
                look(&Reader::open(&transaction)?, this.clock.now())
            })
        })
        .await
    }

    async fn find(&self, direction: Direction, id: &ExchangeId) -> Result<Option<Entry>, StoreError> {
        let id = id.clone();
        self.read(move |tables, _| Ok(tables.find(direction, &id)?.map(|(_, entry)| entry)))
            .await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| StoreError::Unavailable(error.into()))?
}

fn unavailable(error: impl Into<redb::Error>) -> StoreError {
    StoreError::Unavailable(error.into().into())
}

/// A call whose future is dropped goes on to its end.
impl MessageStore for RedbStore {
    fn find_received<'a>(&'a self, id: &'a ExchangeId) -> BoxFuture<'a, Result<Option<ReceivedRecord>, StoreError>> {
        Box::pin(async move {
            let found = self.find(Direction::Inbound, id).await?;
            Ok(found.as_ref().and_then(Entry::received))
        })
    }

    fn claim<'a>(
        &'a self,
        id: &'a ExchangeId,
        signature: Option<[u8; 32]>,
        lease: Duration,
    ) -> BoxFuture<'a, Result<Claim, StoreError>> {
        let id = id.clone();
        Box::pin(self.write(move |tables, now| {
            let found = tables.find(Direction::Inbound, &id)?;
            let twin = tables.with_signature(signature)?;
            let entry = found.as_ref().map(|(_, entry)| entry);
            let (change, claim) = entry::claim(&id, entry, signature, twin.as_ref(), lease, now);
            tables.apply(found, change)?;
            Ok(claim)
        }))
    }

    fn complete<'a>(
        &'a self,
        id: &'a ExchangeId,
        token: ClaimToken,
        record: ReceivedRecord,
        lease: Duration,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let id = id.clone();
        Box::pin(self.write(move |tables, now| {
            tables.update(Direction::Inbound, &id, |entry| {
                Ok((entry::complete(&id, entry, token, record, lease, now)?, ()))
            })
        }))
    }

    fn release<'a>(&'a self, id: &'a ExchangeId, token: ClaimToken) -> BoxFuture<'a, Result<(), StoreError>> {
        let id = id.clone();
        Box::pin(self.write(move |tables, _| {
            tables.update(Direction::Inbound, &id, |entry| Ok((entry::release(entry, token), ())))
        }))
    }

    fn update_posting<'a>(
        &'a self,
        id: &'a ExchangeId,
        token: ClaimToken,
        step: PostStep,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let id = id.clone();
        Box::pin(self.write(move |tables, now| {
            tables.update(Direction::Inbound, &id, |entry| {
                Ok((entry::update_posting(entry, token, step, now)?, ()))
            })
        }))
    }

    fn record_sent<'a>(
        &'a self,
        id: &'a ExchangeId,
        record: SentRecord,
        lease: Duration,
    ) -> BoxFuture<'a, Result<ClaimToken, StoreError>> {
        let id = id.clone();
        Box::pin(self.write(move |tables, now| {
            tables.update(Direction::Outbound, &id, |entry| {
                entry::record_sent(&id, entry, record, lease, now)
            })
        }))
    }

    fn find_sent<'a>(&'a self, id: &'a ExchangeId) -> BoxFuture<'a, Result<Option<SentRecord>, StoreError>> {
        Box::pin(async move {
            let found = self.find(Direction::Outbound, id).await?;
            Ok(found.as_ref().and_then(Entry::sent))
        })
    }

    fn update_sent<'a>(
        &'a self,
        id: &'a ExchangeId,
        token: ClaimToken,
        step: SentStep,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let id = id.clone();
        Box::pin(self.write(move |tables, now| {
            tables.update(Direction::Outbound, &id, |entry| {
                Ok((entry::update_sent(entry, token, step, now)?, ()))
            })
        }))
    }

    fn resolve_receipt<'a>(
        &'a self,
        id: &'a ExchangeId,
        outcome: SentOutcome,
        receipt: ReceiptRecord,
    ) -> BoxFuture<'a, Result<Resolution, StoreError>> {
        let id = id.clone();
        Box::pin(self.write(move |tables, now| {
            tables.update(Direction::Outbound, &id, |entry| {
                Ok(entry::resolve(entry, outcome, receipt, now))
            })
        }))
    }

    fn claim_due<'a>(
        &'a self,
        lease: Duration,
        limit: usize,
        busy: &'a [As2Name],
        place: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Vec<Job>, StoreError>> {
        Box::pin(async move {
            // A look costs less than a turn at writing, for which all processes queue.
            if limit == 0 || self.next_due(busy, place).await? != Some(Duration::ZERO) {
                return Ok(Vec::new());
            }
            let (busy, place) = (busy.to_vec(), place.map(str::to_owned));
            self.write(move |tables, now| {
                let (busy, place) = (&busy[..], place.as_deref());
                tables.claim_due(now, lease, limit, Asker { busy, place })
            })
            .await
        })
    }

    fn next_due<'a>(
        &'a self,
        busy: &'a [As2Name],
        place: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<Duration>, StoreError>> {
        let (busy, place) = (busy.to_vec(), place.map(str::to_owned));
        Box::pin(self.read(move |tables, now| {
            let (busy, place) = (&busy[..], place.as_deref());
            let first = tables.first_turn(Asker { busy, place })?;
            Ok(first.map(|due_at| due_at.duration_since(now).unwrap_or_default()))
        }))
    }

    fn list<'a>(
        &'a self,
        filter: &'a Filter,
        after: Option<Cursor>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        let filter = filter.clone();
        Box::pin(self.read(move |tables, _| tables.list(&filter, after, limit)))
    }

    fn expire<'a>(&'a self) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(async move {
            let mut total = 0;
            loop {
                let retention = self.retention;
                let changed = self
                    .write(move |tables, now| tables.expire(&retention, now, BATCH))
                    .await?;
                match changed {
                    0 => return Ok(total),
                    _ => total += changed,
                }
            }
        })
    }
}

impl std::fmt::Debug for RedbStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedbStore").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
