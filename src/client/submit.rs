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
        self.put(&prepared.id, record.request(request), held).await?;
        Ok(prepared.id)
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
    /// There is one new message: while that is under way, or when it is answered, another call returns its id, also a call
    /// that follows an error or a crash. Where it has failed, there is the next.
    ///
    /// # Errors
    ///
    /// [`SubmitError`].
    pub async fn resubmit(&self, id: &ExchangeId) -> Result<ExchangeId, SubmitError> {
        let (record, request) = self.unanswered(id).await?;
        let new = match self.successor(id).await? {
            Successor::Found(new) => new,
            Successor::None { next, .. } => {
                let (directory, first) = (outbox(&self.core)?.clone(), id.clone());
                let (name, len) = (request.spool.clone(), request.file_len());
                let first = blocking(move || Ok(directory.open(&first, &name, len)?)).await?;
                self.put_again(id, &record, request, first, &next).await?;
                next
            }
        };
        // From now on whoever claims the first one finds the new one.
        let record = self.core.store.find_sent(id).await?;
        if let Some(record) = record.filter(|record| !matches!(record.state, SentState::Closed(_))) {
            let unchanged = SentRecord {
                request: None,
                ..record
            };
            let token = self.core.store.record_sent(id, unchanged, LEASE).await?;
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

    /// Puts a message whose receipt has not come into the outbox once more, under another Message-ID. What does the work of
    /// the message already is found and not put there again; `None` where that has failed.
    pub(crate) async fn requeue(
        &self,
        id: &ExchangeId,
        record: &SentRecord,
        request: QueuedRequest,
        first: (File, Tag),
    ) -> Result<Option<ExchangeId>, SubmitError> {
        match self.successor(id).await? {
            Successor::Found(new) => Ok(Some(new)),
            Successor::None { failed: true, .. } => Ok(None),
            Successor::None { next, .. } => {
                self.put_again(id, record, request, first, &next).await?;
                Ok(Some(next))
            }
        }
    }

    /// The message that is sent in place of this one, or is answered.
    pub(crate) async fn sent_again_as(&self, id: &ExchangeId) -> Result<Option<ExchangeId>, StoreError> {
        match self.successor(id).await? {
            Successor::Found(new) => Ok(Some(new)),
            Successor::None { .. } => Ok(None),
        }
    }

    /// Who sends a message again gives it the same id as everybody else, and so finds what others, or a process that
    /// crashed, have done: partners would take two new messages for two orders.
    async fn successor(&self, id: &ExchangeId) -> Result<Successor, StoreError> {
        let (mut next, mut failed) = (after(id), false);
        while let Some(record) = self.core.store.find_sent(&next).await? {
            match record.state {
                SentState::Closed(SentOutcome::NoReceiptRequested) => return Ok(Successor::Found(next)),
                SentState::Closed(_) if record.receipt.is_none() => (next, failed) = (after(&next), true),
                _ => return Ok(Successor::Found(next)),
            }
        }
        Ok(Successor::None { next, failed })
    }

    /// Copies a message, and puts it on record as `new`, unless it is answered by then or somebody else was faster.
    async fn put_again(
        &self,
        id: &ExchangeId,
        record: &SentRecord,
        request: QueuedRequest,
        first: (File, Tag),
        new: &ExchangeId,
    ) -> Result<(), SubmitError> {
        let (again, held) = self.copy(record, request, first, new).await?;
        // That took its time.
        let found = match self.unanswered(id).await {
            Ok(_) => self.core.store.find_sent(new).await.map_err(SubmitError::from),
            Err(error) => Err(error),
        };
        match found {
            Ok(None) => Ok(self.put(new, again, held).await?),
            Ok(Some(_)) => {
                self.discard(held.name).await;
                Ok(())
            }
            Err(error) => {
                self.discard(held.name).await;
                Err(error)
            }
        }
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

    /// Puts a message on record whose file is new; where that fails, the file goes.
    async fn put(&self, id: &ExchangeId, record: SentRecord, held: Held) -> Result<(), StoreError> {
        let name = held.name.clone();
        let result = self.queue(id, record, held).await;
        // If the store is away nobody knows whether it is on record: if not, the file is an orphan.
        if matches!(&result, Err(error) if !matches!(error, StoreError::Unavailable(_))) {
            self.discard(name).await;
        }
        result
    }

    /// Removes the file of a message that is not on record.
    async fn discard(&self, name: String) {
        if let Some(directory) = self.core.outbox.clone()
            && let Err(error) = blocking(move || Ok(directory.remove(&name).map_err(QueuedError::from)?)).await
        {
            tracing::debug!(%error, "the next sweep removes the file");
        }
    }

    /// Puts a message on record whose file is held, for the workers.
    async fn queue(&self, id: &ExchangeId, record: SentRecord, held: Held) -> Result<(), StoreError> {
        self.core.store.record_sent(id, record, Duration::ZERO).await?;
        drop(held);
        self.core.queued.notify_one();
        Ok(())
    }
}

/// What has become of a message under another Message-ID.
enum Successor {
    /// This one is under way, or answered.
    Found(ExchangeId),
    /// Nothing. The `next` has this id; `failed` says that there were others before it.
    None { next: ExchangeId, failed: bool },
}

/// The id of the message that this one is sent again as, whatever the client is set up like.
fn after(id: &ExchangeId) -> ExchangeId {
    let (to, from, key) = (id.to(), id.from(), id.message_id().key());
    let domain = key.rsplit_once('@').map_or("", |(_, domain)| domain);
    // Neither names nor Message-IDs hold line breaks.
    let message_id = MessageId::derive(domain, &format!("{to}\n{from}\n{key}"));
    ExchangeId::new(to.clone(), from.clone(), message_id)
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
