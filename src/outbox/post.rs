//! Asynchronous receipts of ours.

use std::time::Duration;

use super::event::WorkError;
use super::job::PAUSE;
use super::run::Stop;
use super::{OutboxEvent, OutboxWorker};
use crate::exchange::{PostJob, Posted};
use crate::partnership::{Partnership, RetryDecision, RetryPolicy};
use crate::store::{ClaimToken, Direction, ExchangeId, PostStep, Posting, ReceivedRecord, StoreError};
use crate::telemetry;

impl OutboxWorker {
    /// Posts a receipt once more, or for the first time.
    pub(super) async fn post(&self, id: &ExchangeId, token: ClaimToken, record: &ReceivedRecord, mut stopped: Stop) {
        let Some(posting) = &record.posting else {
            return tracing::warn!(%id, "the store gave a receipt to post that goes nowhere");
        };
        let partnership = match self.partnership(id, Direction::Inbound).await {
            Ok(partnership) => partnership,
            Err(error) => return self.not_tried(id, token, posting, error).await,
        };
        let Some(job) = PostJob::new(id, token, record, self.core().clock.now()) else {
            return self.not_tried(id, token, posting, WorkError::Receipt).await;
        };
        let posted = tokio::select! {
            biased;
            posted = self.post_once(&job, &partnership) => posted,
            () = stopped.wanted() => {
                return self.not_tried(id, token, posting, WorkError::Stopped).await;
            }
        };
        let (id, url) = (job.id, job.url);
        match posted {
            Some(Posted::Delivered) => self.tell(OutboxEvent::ReceiptPosted { id, url }),
            Some(Posted::Postponed { error, after }) => {
                let error = error.into();
                self.tell(OutboxEvent::ReceiptPostponed { id, url, error, after });
            }
            Some(Posted::GivenUp(error)) => {
                let error = error.into();
                self.tell(OutboxEvent::ReceiptNotPosted { id, url, error });
            }
            Some(Posted::ClaimLost) | None => tracing::debug!(%id, "others have its receipt"),
        }
    }

    async fn post_once(&self, job: &PostJob, partnership: &Partnership) -> Option<Posted> {
        let core = self.core();
        let work = job.run(&*core.store, Some(&*core.http), partnership, &*core.entropy);
        let work = telemetry::staged("post", work);
        self.hold(Direction::Inbound, &job.id, job.token)
            .unless_lost(work)
            .await
    }

    /// Notes what keeps a receipt from being posted on our side.
    async fn not_tried(&self, id: &ExchangeId, token: ClaimToken, posting: &Posting, error: WorkError) {
        let (attempts, told) = (&posting.attempts, error.to_string());
        let step = match &error {
            // It may be there again when the host has put its configuration right.
            WorkError::NoPartnership => {
                let (elapsed, mut rng) = (self.since(attempts.first_at), self.core().entropy.rng());
                match RetryPolicy::default().decide(attempts.made, elapsed, None, &mut *rng) {
                    RetryDecision::After(after) => PostStep::Retry { after, error: told },
                    RetryDecision::GiveUp => PostStep::Failed { error: told },
                }
            }
            WorkError::Stopped => PostStep::Retry {
                after: Duration::ZERO,
                error: told,
            },
            WorkError::Receipt => PostStep::Failed { error: told },
            _ => PostStep::Release(PAUSE),
        };
        let store = &self.core().store;
        match self.insist(|| store.update_posting(id, token, step.clone())).await {
            Ok(()) => {}
            Err(StoreError::ClaimLost) => return tracing::debug!(%id, "others have its receipt"),
            Err(error) => return self.tell(OutboxEvent::StoreUnavailable(error)),
        }
        let (id, url) = (id.clone(), posting.url.clone());
        self.tell(match step {
            PostStep::Release(after) | PostStep::Retry { after, .. } => {
                OutboxEvent::ReceiptPostponed { id, url, error, after }
            }
            _ => OutboxEvent::ReceiptNotPosted { id, url, error },
        });
    }
}
