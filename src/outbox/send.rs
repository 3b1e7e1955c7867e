//! Messages: sent, and what follows when that fails or the receipt does not come.

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use super::event::{AfterTimeout, WorkError};
use super::job::PAUSE;
use super::run::Stop;
use super::{OutboxEvent, OutboxWorker};
use crate::cause::describe;
use crate::client::{
    OutboxDirectory, QueuedError, SendError, Standing, SubmitError, Tag, exchange, note, note_answer, outcome_of,
    request,
};
use crate::exchange::Receipt;
use crate::limits::Limits;
use crate::mime::HeaderBlock;
use crate::partnership::{Partnership, ReceiptRequest, RetryDecision, RetryPolicy};
use crate::spool::{SpoolStream, blocking};
use crate::store::{ClaimToken, Direction, ExchangeId, QueuedRequest, SentOutcome, SentRecord, SentStep};

/// What becomes of a message after an attempt that failed.
enum Next {
    /// The attempt was none.
    Wait(Duration),
    Again(Duration),
    Close(SentOutcome),
}

impl OutboxWorker {
    pub(super) async fn send(&self, id: &ExchangeId, token: ClaimToken, record: &SentRecord, mut stopped: Stop) {
        if let Some(queued) = self.elsewhere(record) {
            let gone = QueuedError::Gone(queued.spool.clone().into());
            return self.failed(id, token, record, None, gone.into()).await;
        }
        let partnership = match self.partnership(id, Direction::Outbound).await {
            Ok(partnership) => partnership,
            Err(error) => return self.failed(id, token, record, None, error).await,
        };
        let attempt = self.hold(Direction::Outbound, id, token);
        let attempt = attempt.unless_lost(self.attempt(&partnership, id, record));
        let result = tokio::select! {
            biased;
            result = attempt => result,
            () = stopped.wanted() => Some(Err(WorkError::Stopped)),
        };
        match result {
            Some(Ok(receipt)) => self.answered(&partnership, token, record, receipt).await,
            Some(Err(error)) => self.failed(id, token, record, Some(&partnership), error).await,
            None => tracing::debug!(%id, "others have it, or a receipt has closed it"),
        }
    }

    async fn attempt(
        &self,
        partnership: &Partnership,
        id: &ExchangeId,
        record: &SentRecord,
    ) -> Result<Receipt, WorkError> {
        let queued = record.request.as_ref().ok_or(QueuedError::NotQueued)?;
        // Whoever did that may have had no time to close this one.
        if let Some(new) = self.client.sent_again_as(id).await.map_err(SendError::from)? {
            return Err(WorkError::SentAgain(new));
        }
        let (file, _) = self.open(id, queued).await?;
        let damaged = || QueuedError::Damaged(queued.spool.clone().into());
        let headers = HeaderBlock::parse(&record.head, &Limits::default()).map_err(|_| damaged())?;
        let file = Arc::new(file);
        let open = move || SpoolStream::of_file(Arc::clone(&file));
        let request =
            request(&queued.url, &headers, &queued.prefix, open, queued.content_length).map_err(SendError::from)?;
        Ok(exchange(self.core(), partnership, (id, record), request).await?)
    }

    /// Notes what the partner answered.
    async fn answered(&self, partnership: &Partnership, token: ClaimToken, record: &SentRecord, receipt: Receipt) {
        let deadline = partnership.send_profile().receipt.deadline;
        let noted = self
            .insist(|| note_answer(self.core(), Some(token), &receipt, deadline))
            .await;
        match noted {
            Ok(true) => {}
            Ok(false) => return tracing::debug!(id = %receipt.id, "the record was closed before"),
            Err(error) => return self.tell(OutboxEvent::StoreUnavailable(error)),
        }
        match Standing::after(&receipt.status) {
            Standing::Waiting => {
                let (id, within) = (receipt.id, deadline);
                return self.tell(OutboxEvent::AwaitingReceipt { id, within });
            }
            Standing::Answered(_) | Standing::Over(SentOutcome::NoReceiptRequested) => self.discard(record).await,
            Standing::Over(_) => {}
        }
        self.tell(OutboxEvent::Answered(Box::new(receipt)));
    }

    /// Notes that an attempt failed, and what follows.
    async fn failed(
        &self,
        id: &ExchangeId,
        token: ClaimToken,
        record: &SentRecord,
        partnership: Option<&Partnership>,
        error: WorkError,
    ) {
        let told = describe(&error);
        let (step, after) = match self.next(record, partnership, &error) {
            Next::Wait(after) => (SentStep::Release(after), Some(after)),
            Next::Again(after) => (SentStep::Retry { after, error: told }, Some(after)),
            Next::Close(outcome) => {
                let error = Some(told);
                (SentStep::Close { outcome, error }, None)
            }
        };
        let attempt = record.attempts.made;
        let event = match after {
            Some(after) => OutboxEvent::Postponed {
                id: id.clone(),
                error,
                attempt,
                after,
            },
            None => OutboxEvent::Failed {
                id: id.clone(),
                error,
                attempts: attempt,
            },
        };
        self.conclude(id, token, step, event).await;
    }

    async fn conclude(&self, id: &ExchangeId, token: ClaimToken, step: SentStep, event: OutboxEvent) {
        match self.insist(|| note(self.core(), id, token, step.clone())).await {
            Ok(true) => self.tell(event),
            Ok(false) => tracing::debug!(%id, "others have it, or a receipt has closed it"),
            Err(error) => self.tell(OutboxEvent::StoreUnavailable(error)),
        }
    }

    /// What the failures of an attempt lead to (REL-01, REL-02).
    fn next(&self, record: &SentRecord, partnership: Option<&Partnership>, error: &WorkError) -> Next {
        match error {
            WorkError::Stopped => Next::Again(Duration::ZERO),
            WorkError::Queued(QueuedError::NoDirectory | QueuedError::Unavailable(_))
            | WorkError::Partnerships(_)
            | WorkError::Resubmit(_) => Next::Wait(PAUSE),
            WorkError::Queued(QueuedError::NotQueued | QueuedError::Gone(_) | QueuedError::Damaged(_)) => {
                Next::Close(SentOutcome::Failed)
            }
            // It may be there again when the host has put its configuration right.
            WorkError::NoPartnership => self.again(record, &RetryPolicy::default(), Duration::ZERO, None),
            WorkError::Send(error) if error.is_transient() => {
                let policy = partnership.map_or_else(RetryPolicy::default, |found| found.retry_policy().clone());
                let waited = partnership.map_or(Duration::ZERO, |found| {
                    let ReceiptRequest { deadline, resends, .. } = &found.send_profile().receipt;
                    deadline.saturating_mul(*resends)
                });
                self.again(record, &policy, waited, error.retry_after())
            }
            WorkError::Send(error) => Next::Close(outcome_of(error)),
            WorkError::SentAgain(_) | WorkError::Post(_) | WorkError::Receipt => Next::Close(SentOutcome::Failed),
        }
    }

    /// `waited` is what may have been spent with waiting for receipts, which is not for the policy to bound.
    fn again(&self, record: &SentRecord, policy: &RetryPolicy, waited: Duration, asked: Option<Duration>) -> Next {
        let core = self.core();
        let elapsed = self.since(record.attempts.first_at).saturating_sub(waited);
        match policy.decide(record.attempts.made, elapsed, asked, &mut *core.entropy.rng()) {
            RetryDecision::After(delay) => Next::Again(delay),
            RetryDecision::GiveUp => Next::Close(SentOutcome::Failed),
        }
    }

    /// The asynchronous receipt has not come in time (REL-07).
    pub(super) async fn overdue(&self, id: &ExchangeId, token: ClaimToken, record: &SentRecord) {
        let partnership = match self.partnership(id, Direction::Outbound).await {
            _ if self.elsewhere(record).is_some() => None,
            Ok(partnership) => Some(partnership),
            Err(WorkError::NoPartnership) => None,
            Err(error) => return self.failed(id, token, record, None, error).await,
        };
        let wanted = partnership.as_ref().map(|found| &found.send_profile().receipt);
        let event = |next| OutboxEvent::MdnTimeout { id: id.clone(), next };
        let error = "no receipt came in time".to_owned();
        match (wanted, &record.request) {
            (Some(wanted), Some(queued)) if wanted.resend_as_new => {
                let work = self.resend_as_new(id, record, queued, wanted.resends);
                match self.hold(Direction::Outbound, id, token).unless_lost(work).await {
                    Some(Ok(Some(new))) => {
                        let outcome = SentOutcome::Expired;
                        let close = || self.client.close_in_favour_of(id, token, &new, outcome);
                        return match self.insist(close).await {
                            Ok(true) => {
                                self.tell(event(AfterTimeout::ResendAs(new.clone())));
                                self.discard(record).await;
                            }
                            // Who has it now may need the file.
                            Ok(false) => tracing::debug!(%id, "others have it, or a receipt has closed it"),
                            Err(error) => self.tell(OutboxEvent::StoreUnavailable(error)),
                        };
                    }
                    Some(Ok(None) | Err(SubmitError::Queued(QueuedError::Gone(_) | QueuedError::Damaged(_)))) => {}
                    None | Some(Err(SubmitError::Answered(_))) => {
                        return tracing::debug!(%id, "others have it, or a receipt has closed it");
                    }
                    Some(Err(error)) => return self.failed(id, token, record, None, error.into()).await,
                }
            }
            (Some(wanted), Some(_)) if record.attempts.made <= wanted.resends => {
                let after = Duration::ZERO;
                let step = SentStep::Retry { after, error };
                return self.conclude(id, token, step, event(AfterTimeout::Resend)).await;
            }
            _ => {}
        }
        let step = SentStep::Close {
            outcome: SentOutcome::Expired,
            error: Some(error),
        };
        self.conclude(id, token, step, event(AfterTimeout::GiveUp)).await;
    }

    /// What was queued at another machine, which nobody has heard of for so long that the store gives its jobs to this
    /// one. They are closed at once: whatever else was noted of one would put off all others of that machine.
    fn elsewhere<'a>(&self, record: &'a SentRecord) -> Option<&'a QueuedRequest> {
        let own = self.core().outbox.as_ref().and_then(OutboxDirectory::place);
        let queued = record.request.as_ref();
        queued.filter(|queued| queued.place.as_deref().is_some_and(|place| own != Some(place)))
    }

    /// `None` where that was done as often as it may be, or in vain.
    async fn resend_as_new(
        &self,
        id: &ExchangeId,
        record: &SentRecord,
        queued: &QueuedRequest,
        resends: u32,
    ) -> Result<Option<ExchangeId>, SubmitError> {
        let first = self.open(id, queued).await?;
        if first.1.resent >= resends {
            return Ok(None);
        }
        self.client.requeue(id, record, queued.clone(), first).await
    }

    async fn open(&self, id: &ExchangeId, queued: &QueuedRequest) -> Result<(File, Tag), QueuedError> {
        let directory = self.core().outbox.clone().ok_or(QueuedError::NoDirectory)?;
        let (id, name, len) = (id.clone(), queued.spool.clone(), queued.file_len());
        blocking(move || directory.open(&id, &name, len)).await?
    }

    /// Deletes the file of a message that is answered. What fails here the next sweep does.
    async fn discard(&self, record: &SentRecord) {
        if let (Some(queued), Some(directory)) = (&record.request, self.core().outbox.clone()) {
            let name = queued.spool.clone();
            if let Err(error) = blocking(move || directory.remove(&name)).await.flatten() {
                self.tell(OutboxEvent::NotSwept(error));
            }
        }
    }
}
