//! What is left over: old records, and files that no message needs.

use std::io;

use super::{OutboxEvent, OutboxWorker};
use crate::client::{Found, OutboxDirectory};
use crate::spool::{self, SpoolOptions};
#[cfg(feature = "metrics")]
use crate::store::{Filter, Record};
use crate::store::{SentOutcome, SentState, StoreError};
#[cfg(feature = "metrics")]
use crate::telemetry;

/// How much of the outbox is counted at most, in pages.
#[cfg(feature = "metrics")]
const PAGES: usize = 100;
#[cfg(feature = "metrics")]
const PAGE: usize = 100;

/// What becomes of a file.
#[derive(Clone, Copy)]
enum Fate {
    Keep,
    /// Its message is answered.
    Remove,
    /// Its message was given up, and may be retried for a while.
    GivenUp,
    /// Its message is not on record, or has another file.
    Orphan,
}

impl OutboxWorker {
    pub(super) async fn sweep(&self) {
        match self.core().store.expire().await {
            Ok(records) => tracing::debug!(records, "expired"),
            Err(error) => self.tell(OutboxEvent::StoreUnavailable(error)),
        }
        #[cfg(feature = "metrics")]
        if let Err(error) = self.measure().await {
            self.tell(OutboxEvent::StoreUnavailable(error));
        }
        let Some(directory) = self.core().outbox.clone() else {
            return;
        };
        match self.sweep_files(&directory).await {
            Ok(0) => {}
            Ok(files) => self.tell(OutboxEvent::Swept { files }),
            Err(error) => self.tell(error),
        }
    }

    /// Counts what waits, up to a bound, and the age of what has waited longest.
    #[cfg(feature = "metrics")]
    async fn measure(&self) -> Result<(), StoreError> {
        let filter = Filter::new().finished(false);
        let (mut after, mut depth, mut oldest) = (None, 0_u32, None);
        for _ in 0..PAGES {
            let page = self.core().store.list(&filter, after, PAGE).await?;
            for listed in &page.records {
                let began = match &listed.record {
                    Record::Sent(record) => record.sent_at,
                    Record::Received(record) => record.received_at,
                };
                depth = depth.saturating_add(1);
                oldest = Some(oldest.unwrap_or(began).min(began));
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        telemetry::set(telemetry::OUTBOX_DEPTH, depth.into());
        telemetry::set(telemetry::OUTBOX_AGE, self.since(oldest).as_secs_f64());
        Ok(())
    }

    async fn sweep_files(&self, directory: &OutboxDirectory) -> Result<usize, OutboxEvent> {
        let found = blocking(directory, |directory| {
            // Copies that were being written when their process died.
            let half = SpoolOptions::new().directory(directory.path()).remove_orphans()?;
            Ok((half.len(), directory.files()?))
        });
        let (mut removed, files) = found.await?;
        for file in files {
            let fate = self.fate(&file).await.map_err(OutboxEvent::StoreUnavailable)?;
            let gone = blocking(directory, move |directory| match fate {
                Fate::Keep => Ok(false),
                Fate::Remove => directory.remove(&file.name).map(|()| true),
                Fate::GivenUp => directory.remove_given_up(&file.name),
                Fate::Orphan => directory.remove_orphan(&file.name),
            });
            removed += usize::from(gone.await?);
        }
        Ok(removed)
    }

    async fn fate(&self, file: &Found) -> Result<Fate, StoreError> {
        let Some(tag) = &file.tag else {
            return Ok(Fate::GivenUp);
        };
        let Some(record) = self.core().store.find_sent(&tag.id).await? else {
            return Ok(Fate::Orphan);
        };
        let its_own = record.request.is_some_and(|queued| queued.spool == file.name);
        Ok(match record.state {
            _ if !its_own => Fate::Orphan,
            SentState::Closed(_) if record.receipt.is_some() => Fate::Remove,
            SentState::Closed(SentOutcome::NoReceiptRequested) => Fate::Remove,
            SentState::Closed(_) => Fate::GivenUp,
            SentState::Sending | SentState::AwaitingReceipt => Fate::Keep,
        })
    }
}

async fn blocking<T: Send + 'static>(
    directory: &OutboxDirectory,
    work: impl FnOnce(&OutboxDirectory) -> io::Result<T> + Send + 'static,
) -> Result<T, OutboxEvent> {
    let directory = directory.clone();
    let done = spool::blocking(move || work(&directory)).await;
    done.flatten().map_err(OutboxEvent::NotSwept)
}
