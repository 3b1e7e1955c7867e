//! [`As2Client`]: sends messages and judges their receipts.

mod attempt;
mod builder;
mod error;
mod key_separation;
mod lease;
mod outbound;
mod prepare;
mod prepared;
mod queue;
mod submit;
mod trail;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Response;
use tokio::time::{Instant, sleep};

use crate::cause::describe;
use crate::exchange::Receipt;
use crate::partnership::{Partnership, RetryDecision};
use crate::store::{ClaimToken, Direction, SentRecord, SentStep, StoreError};
use crate::telemetry;
use crate::transport::{Probe, ProbeRequest, ResponseBody};

pub(crate) use attempt::{Standing, exchange, note, note_answer, outcome_of};
pub(crate) use builder::Core;
pub use builder::{As2ClientBuilder, ClientBuildError};
pub use error::{PrepareError, SendError, SubmitError};
pub(crate) use lease::Lease;
pub use outbound::OutboundMessage;
pub use prepared::PreparedMessage;
pub(crate) use prepared::request;
pub(crate) use queue::{Found, Tag};
pub use queue::{OutboxDirectory, QueuedError};
pub(crate) use trail::answered;

/// How long the outbox leaves a message alone that is being sent by its caller, and that is not heard of again.
const LEASE: Duration = Duration::from_secs(600);

/// Sends AS2 messages (RFC 4130 §4) and judges the receipts that come back in the responses.
///
/// Receipts that come back later arrive at an [`As2Receiver`](crate::As2Receiver) that shares the message store.
///
/// | | returns | survives the process |
/// |---|---|---|
/// | [`send`](Self::send) | when the partner has answered, or not | no: a message that was not answered is the caller's again |
/// | [`submit`](Self::submit) | when the message is in the outbox | yes: an [`OutboxWorker`](crate::OutboxWorker) delivers it, after a restart too |
///
/// `send` sets no limit to how many messages go to a partner at one time, and keeps no order among them: that is the
/// caller's. The worker has a limit for each partner. Who needs an order waits for one receipt before the next message.
///
/// Clones share everything.
///
/// ```no_run
/// # use ediint::keystore::MemoryKeyStore;
/// # use ediint::partnership::Partnership;
/// # use ediint::store::MemoryStore;
/// use ediint::{As2Client, OutboundMessage, Payload};
///
/// # async fn send(keys: MemoryKeyStore, acme: &Partnership) -> Result<(), Box<dyn std::error::Error>> {
/// let client = As2Client::builder(keys, MemoryStore::new()).build()?;
/// let invoice = OutboundMessage::new(Payload::open("invoice.edi").await?).content_type("application/edifact");
/// let receipt = client.send(acme, invoice).await?;
/// assert!(receipt.is_accepted(), "{:?}", receipt.status);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct As2Client {
    core: Arc<Core>,
}

impl As2Client {
    /// Sends a message once and judges its receipt: [`prepare`](Self::prepare), then [`transmit`](Self::transmit).
    ///
    /// # Errors
    ///
    /// [`SendError`]; an answer of the partner, bad news included, is no error.
    pub async fn send(&self, partnership: &Partnership, message: OutboundMessage) -> Result<Receipt, SendError> {
        let span = telemetry::send();
        let work = async {
            let prepared = self.prepare(partnership, message).await?;
            telemetry::name(&span, prepared.id.pair());
            self.transmit(partnership, &prepared).await
        };
        telemetry::timed("send", span.clone(), work).await
    }

    /// Sends a message, and the same octets again as the partnership's [`RetryPolicy`](crate::partnership::RetryPolicy)
    /// says, until the partner has answered or there is no hope left. That may take hours, and the message is lost with
    /// the process: see [`submit`](Self::submit).
    ///
    /// # Errors
    ///
    /// The [`SendError`] of the last attempt.
    pub async fn send_with_retries(
        &self,
        partnership: &Partnership,
        message: OutboundMessage,
    ) -> Result<Receipt, SendError> {
        let prepared = self.prepare(partnership, message).await?;
        let began = Instant::now();
        let mut attempt = 1;
        loop {
            let result = self.attempt(partnership, &prepared).await;
            let delay = match &result {
                Err(error) if error.is_transient() => {
                    let mut rng = self.core.entropy.rng();
                    let policy = partnership.retry_policy();
                    match policy.decide(attempt, began.elapsed(), error.retry_after(), &mut *rng) {
                        RetryDecision::After(delay) => {
                            let error = describe(error);
                            tracing::warn!(id = %prepared.id, attempt, ?delay, error, "sending failed, and is tried again");
                            delay
                        }
                        RetryDecision::GiveUp => return self.note(partnership, &prepared, result).await,
                    }
                }
                _ => return self.note(partnership, &prepared, result).await,
            };
            if let Some(token) = prepared.claim.get() {
                let step = SentStep::Extend(delay.saturating_add(LEASE));
                if let Err(error) = note(&self.core, &prepared.id, token, step).await {
                    tracing::warn!(id = %prepared.id, %error, "the claim on a message could not be extended");
                }
            }
            telemetry::count(telemetry::RETRIES, &[("work", "send")]);
            sleep(delay).await;
            attempt += 1;
        }
    }

    /// Encodes a message, signs and encrypts it. No network is touched but by the key store.
    ///
    /// # Errors
    ///
    /// [`PrepareError`].
    pub async fn prepare(
        &self,
        partnership: &Partnership,
        message: OutboundMessage,
    ) -> Result<PreparedMessage, PrepareError> {
        prepare::prepare(&self.core, partnership, message, &self.core.spools).await
    }

    /// Puts the message on record and sends it. Called again, it sends the same octets under the same Message-ID and
    /// Date (RFC 4130 §5.5), so that the partner recognises the copy.
    ///
    /// The future may be dropped at any time: the message is on record then, and a receipt for it will be recognised.
    ///
    /// # Errors
    ///
    /// [`SendError`].
    pub async fn transmit(&self, partnership: &Partnership, prepared: &PreparedMessage) -> Result<Receipt, SendError> {
        let result = self.attempt(partnership, prepared).await;
        self.note(partnership, prepared, result).await
    }

    async fn attempt(&self, partnership: &Partnership, prepared: &PreparedMessage) -> Result<Receipt, SendError> {
        let request = prepared.request()?;
        let record = sent_record(partnership, prepared);
        let token = self.claim(prepared, &record).await?;
        let lease = Lease {
            store: &*self.core.store,
            direction: Direction::Outbound,
            id: &prepared.id,
            token,
            length: LEASE,
        };
        let sent = (&prepared.id, &record);
        lease.during(exchange(&self.core, partnership, sent, request)).await
    }

    async fn claim(&self, prepared: &PreparedMessage, record: &SentRecord) -> Result<ClaimToken, StoreError> {
        let token = self.core.store.record_sent(&prepared.id, record.clone(), LEASE).await?;
        prepared.claim.set(token);
        Ok(token)
    }

    /// Notes what became of a message that is not tried again.
    async fn note(
        &self,
        partnership: &Partnership,
        prepared: &PreparedMessage,
        result: Result<Receipt, SendError>,
    ) -> Result<Receipt, SendError> {
        let (core, token) = (&self.core, prepared.claim.get());
        match &result {
            Ok(receipt) => answered(receipt),
            Err(error) => trail::failed(&prepared.id, error),
        }
        match (&result, token) {
            (Ok(receipt), _) => {
                let deadline = partnership.send_profile().receipt.deadline;
                note_answer(core, token, receipt, deadline).await?;
            }
            (Err(error), Some(token)) => {
                let (outcome, told) = (outcome_of(error), Some(describe(error)));
                let step = SentStep::Close { outcome, error: told };
                if let Err(error) = note(core, &prepared.id, token, step).await {
                    // The outbox closes it when the claim ends.
                    tracing::warn!(id = %prepared.id, %error, "a message that failed could not be closed");
                }
            }
            (Err(_), None) => {}
        }
        result
    }

    /// Tries the way to a partner, step by step: name, TCP, TLS, trust, our certificate and, where asked for, HTTP. No
    /// business data is sent. None where the HTTP client that the host supplied cannot do that; the default one can.
    pub async fn probe(&self, partnership: &Partnership, request: ProbeRequest) -> Option<Probe> {
        let profile = partnership.http_profile();
        Some(self.core.http.probe(partnership.url(), profile, request)?.await)
    }

    /// Puts a message on record that the host sends with an HTTP stack of its own, before its first octet leaves. Within
    /// ten minutes the response has to be [accepted](Self::accept_response), or the message recorded again.
    ///
    /// # Errors
    ///
    /// [`SendError::Store`].
    pub async fn record(&self, partnership: &Partnership, prepared: &PreparedMessage) -> Result<(), SendError> {
        self.claim(prepared, &sent_record(partnership, prepared)).await?;
        Ok(())
    }

    /// Judges the response to a message that the host sent with an HTTP stack of its own, and notes what came of it.
    ///
    /// # Errors
    ///
    /// [`SendError`].
    pub async fn accept_response(
        &self,
        partnership: &Partnership,
        prepared: &PreparedMessage,
        response: Response<ResponseBody>,
    ) -> Result<Receipt, SendError> {
        let record = sent_record(partnership, prepared);
        let sent = (&prepared.id, &record);
        let result = attempt::judge_response(&self.core, partnership, sent, response).await;
        self.note(partnership, prepared, result).await
    }

    pub(crate) fn core(&self) -> &Core {
        &self.core
    }
}

/// What is on record of a message, with what its receipt has to be like.
fn sent_record(partnership: &Partnership, prepared: &PreparedMessage) -> SentRecord {
    let (request, policy) = (&partnership.send_profile().receipt, partnership.accept_policy());
    let mut head = Vec::new();
    prepared.headers.write_to(&mut head);
    SentRecord::new(prepared.prepared_at, prepared.mics.clone(), prepared.requested_digest)
        .signed_receipt(request.is_signed() && !policy.unsigned_receipts)
        .mic_required(!policy.receipts_without_mic)
        .delivery(request.delivery().clone())
        .head(head)
}

impl fmt::Debug for As2Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("As2Client").finish_non_exhaustive()
    }
}
