//! Messages that are put into the outbox, and put there again.

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use super::error::SubmitError;
use super::outbound::OutboundMessage;
use super::prepare;
use super::queue::{Held, OutboxDirectory, QueuedError, Tag};
use super::{As2Client, Core, LEASE, note, sent_record};
use crate::limits::Limits;
use crate::message_id::MessageId;
use crate::mime::HeaderBlock;
use crate::partnership::Partnership;
use crate::spool;
use crate::store::{ClaimToken, ExchangeId, QueuedRequest, SentOutcome, SentRecord, SentState, SentStep, StoreError};

impl As2Client {
    /// Puts a message into the outbox. When this returns, it is encoded, on disk and on record, and will be delivered: by
    /// an [`OutboxWorker`](crate::OutboxWorker) of this process or another one on the same store and
    /// [`OutboxDirectory`], after crashes and restarts too. Header fields of the host's own are kept in the store with it.
    ///
    /// The future may be dropped at any time: then the message is in the outbox or it is not, which
    /// [`MessageStore::find_sent`](crate::MessageStore::find_sent) tells for a Message-ID that was
    /// [given](OutboundMessage::message_id). Submitted again under that Message-ID it is the same message, and delivered
    /// once.
    ///
    /// # Errors
    ///
    /// [`SubmitError`].
    pub async fn submit(&self, partnership: &Partnership, message: OutboundMessage) -> Result<ExchangeId, SubmitError> {
        let core = &self.core;
        let directory = outbox(core)?.clone();
        // In the same directory, so that the file need only be renamed.
        let spools = core.spools.clone().directory(directory.path());
        let mut prepared = prepare::prepare(core, partnership, message, &spools).await?;
        let record = sent_record(partnership, &prepared);
        // What cannot be read again cannot be sent.
        head_of(&record)?;
        let content_length = prepared.content_length();
        let body = std::mem::take(&mut prepared.content);
        let tag = Tag {
            id: prepared.id.clone(),
            resent: 0,
        };
        let (mut rng, put) = (core.entropy.rng(), directory.clone());
        let held = blocking(move || {
            // Nobody else has it.
            let body = Arc::into_inner(body).unwrap_or_default();
            Ok(put.put(body, &tag, &mut *rng)?)
        })
        .await?;
        let name = held.name.clone();
        let request = QueuedRequest::new(prepared.url, prepared.prefix, name.as_str(), content_length)
            .place(directory.place().map(str::to_owned));
        match self.queue(&prepared.id, record.request(request), held).await {
            Ok(()) => Ok(prepared.id),
            // Nobody knows whether it is on record: if not, the file is an orphan.
            Err(error @ StoreError::Unavailable(_)) => Err(error.into()),
            Err(error) => {
                if let Err(error) = blocking(move || Ok(directory.remove(&name).map_err(QueuedError::from)?)).await {
                    tracing::debug!(%error, "the next sweep removes the file");
                }
                Err(error.into())
            }
        }
    }

    /// Puts a message into the outbox again that was submitted and has no receipt, because it failed or its receipt did
    /// not come: the same octets under the same Message-ID and Date (RFC 4130 §5.5), at once, with all its attempts before
    /// it.
    ///
    /// # Errors
    ///
    /// [`SubmitError`]. [`QueuedError::Gone`] where its octets were not
    /// [kept](OutboxDirectory::keep) for so long.
    pub async fn retry(&self, id: &ExchangeId) -> Result<(), SubmitError> {
        let (record, request) = self.unanswered(id).await?;
        let directory = outbox(&self.core)?.clone();
        // Here it is found, whatever the place was called then.
        let record = record.request(request.clone().place(directory.place().map(str::to_owned)));
        let held = blocking(move || Ok(directory.hold(&request.spool)?)).await?;
        Ok(self.queue(id, record, held).await?)
    }

    /// Puts a message into the outbox again that was submitted and has no receipt, as a new one with a Message-ID and a
    /// Date of its own: for partners that answer a known Message-ID with an error (REL-06). Others take it for another
    /// order. The first one is not sent any more; a receipt for it still counts.
    ///
    /// # Errors
    ///
    /// [`SubmitError`].
    pub async fn resubmit(&self, id: &ExchangeId) -> Result<ExchangeId, SubmitError> {
        let (record, request) = self.unanswered(id).await?;
        let (directory, first) = (outbox(&self.core)?.clone(), id.clone());
        let (name, len) = (request.spool.clone(), request.file_len());
        let first = blocking(move || Ok(directory.open(&first, &name, len)?)).await?;
        let domain = self.core.domain_of(id.from());
        let new = renamed(id, MessageId::generate(domain, &mut *self.core.entropy.rng()));
        let (again, held) = self.copy(&record, request, first, &new).await?;
        // That took its time: the receipt may have come.
        let (record, _) = self.unanswered(id).await?;
        let open = !matches!(record.state, SentState::Closed(_));
        let claim = match open {
            // Whoever is at it stops.
            true => Some(self.core.store.record_sent(id, record, LEASE).await?),
            false => None,
        };
        self.queue(&new, again, held).await?;
        if let Some(token) = claim {
            self.close_in_favour_of(id, token, &new, SentOutcome::Failed).await?;
        }
        Ok(new)
    }

    /// The record of a message that may be tried again.
    async fn unanswered(&self, id: &ExchangeId) -> Result<(SentRecord, QueuedRequest), SubmitError> {
        let record = self.core.store.find_sent(id).await?;
        let record = record.ok_or_else(|| SubmitError::Unknown(id.clone()))?;
        if record.receipt.is_some() {
            return Err(SubmitError::Answered(id.clone()));
        }
        match record.request.clone() {
            Some(request) => Ok((record, request)),
            None => Err(QueuedError::NotQueued.into()),
        }
    }

    /// Puts a message whose receipt has not come into the outbox once more, under another Message-ID. Where that was done
    /// before, by a worker that crashed before it closed the first record, it is found and not done again: partners would
    /// take it for another order.
    pub(crate) async fn requeue(
        &self,
        id: &ExchangeId,
        record: &SentRecord,
        request: QueuedRequest,
        first: (File, Tag),
    ) -> Result<ExchangeId, SubmitError> {
        let (to, from, key) = (id.to(), id.from(), id.message_id().key());
        // Neither names nor Message-IDs hold line breaks.
        let source = format!("{to}\n{from}\n{key}\n{}", first.1.resent.saturating_add(1));
        let new = renamed(id, MessageId::derive(self.core.domain_of(from), &source));
        if self.core.store.find_sent(&new).await?.is_none() {
            let (again, held) = self.copy(record, request, first, &new).await?;
            self.queue(&new, again, held).await?;
        }
        Ok(new)
    }

    /// Puts the octets of a message into the directory once more, and makes the record that goes with them.
    async fn copy(
        &self,
        record: &SentRecord,
        request: QueuedRequest,
        first: (File, Tag),
        new: &ExchangeId,
    ) -> Result<(SentRecord, Held), SubmitError> {
        let core = &self.core;
        let now = core.clock.now();
        let mut rng = core.entropy.rng();
        let date = httpdate::fmt_http_date(now);
        let head = head_of(record)?;
        let mut written = Vec::new();
        for field in head.iter() {
            written.extend_from_slice(field.name().as_bytes());
            written.extend_from_slice(b": ");
            written.extend_from_slice(match field.name() {
                "Message-ID" => new.message_id().as_str().as_bytes(),
                "Date" => date.as_bytes(),
                _ => field.value(),
            });
            written.extend_from_slice(b"\r\n");
        }

        let (directory, spools) = (outbox(core)?.clone(), core.spools.clone());
        let place = directory.place().map(str::to_owned);
        let (tagged, len) = (new.clone(), request.file_len());
        let held = blocking(move || Ok(directory.put_again(first, len, tagged, &spools, &mut *rng)?)).await?;
        let mut again = SentRecord::new(now, record.mics.clone(), record.requested_digest)
            .signed_receipt(record.signed_receipt)
            .mic_required(record.mic_required)
            .delivery(record.delivery.clone())
            .head(written);
        again = again.request(QueuedRequest {
            spool: held.name.clone(),
            place,
            ..request
        });
        Ok((again, held))
    }

    /// Closes the record of a message that is sent again under another Message-ID. False where others have it now.
    pub(crate) async fn close_in_favour_of(
        &self,
        id: &ExchangeId,
        token: ClaimToken,
        new: &ExchangeId,
        outcome: SentOutcome,
    ) -> Result<bool, StoreError> {
        let error = Some(format!("sent again as {}", new.message_id()));
        note(&self.core, id, token, SentStep::Close { outcome, error }).await
    }

    /// Puts a message on record whose file is held, for the workers.
    async fn queue(&self, id: &ExchangeId, record: SentRecord, held: Held) -> Result<(), StoreError> {
        self.core.store.record_sent(id, record, Duration::ZERO).await?;
        drop(held);
        self.core.queued.notify_one();
        Ok(())
    }
}

fn renamed(id: &ExchangeId, message_id: MessageId) -> ExchangeId {
    ExchangeId::new(id.to().clone(), id.from().clone(), message_id)
}

fn head_of(record: &SentRecord) -> Result<HeaderBlock, SubmitError> {
    HeaderBlock::parse(&record.head, &Limits::default()).map_err(SubmitError::Head)
}

fn outbox(core: &Core) -> Result<&OutboxDirectory, QueuedError> {
    core.outbox.as_ref().ok_or(QueuedError::NoDirectory)
}

/// Runs blocking work.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SubmitError> + Send + 'static,
) -> Result<T, SubmitError> {
    spool::blocking(work).await.map_err(SubmitError::ShuttingDown)?
}
