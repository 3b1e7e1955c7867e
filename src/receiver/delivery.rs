//! From an accepted message to its receipt: claim, inbox, record.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::sleep;

use super::answer::{Outcome, Refused};
use super::builder::Core;
use super::event::ReceiverEvent;
use super::exchange::Exchange;
use super::inbox::{Delivery, InboxError, ReceivedMessage, storage_key};
use super::outgoing::{self, SealedReceipt};
use super::{Reply, message};
use crate::cms::Certificate;
use crate::envelope::{Acceptance, Decoded};
use crate::mdn::{ReceiptForm, WarningModifier};
use crate::spool::Payload;
use crate::store::{Claim, ClaimToken, ExchangeId, ReceivedRecord};

/// How long a claim lasts whose holder is not heard of again: longer than any delivery takes.
const LEASE: Duration = Duration::from_secs(600);

/// How often a copy asks whether the one that is being delivered is done, and how many times.
const POLL: Duration = Duration::from_millis(200);
const POLLS: u32 = 50;

/// A message that the verdict accepts.
pub(super) struct Arrival {
    core: Arc<Core>,
    exchange: Exchange,
    form: ReceiptForm,
    message: ReceivedMessage,
    body_digest: [u8; 32],
    expired_certificate: bool,
}

/// What came of asking for the right to deliver.
enum Turn {
    /// Nobody could recognise a message without a Message-ID again.
    Anonymous,
    Ours(ExchangeId, ClaimToken),
    Delivered(ExchangeId, Box<ReceivedRecord>),
}

impl Arrival {
    pub(super) fn new(
        core: &Arc<Core>,
        exchange: Exchange,
        form: ReceiptForm,
        (acceptance, decoded): (Acceptance, Decoded),
        payload: Payload,
        body_digest: [u8; 32],
        now: SystemTime,
    ) -> Self {
        let expired_certificate = acceptance.expired;
        Self {
            core: Arc::clone(core),
            message: received_message(&exchange, acceptance, decoded, payload, &body_digest, now),
            exchange,
            form,
            body_digest,
            expired_certificate,
        }
    }

    /// Delivers the message once, and answers.
    pub(super) async fn deliver(self) -> Result<Reply, Refused> {
        let core = Arc::clone(&self.core);
        match self.claim().await? {
            Turn::Anonymous => self.hand_over(None).await.map(|(reply, _)| reply),
            Turn::Delivered(id, record) => self.duplicate(&id, *record).await,
            Turn::Ours(id, token) => {
                let result = self.hand_over(Some((&id, token))).await;
                let recorded = matches!(&result, Ok((_, true)));
                if !recorded && let Err(error) = core.store.release(&id, token).await {
                    // The claim ends with its lease.
                    tracing::warn!(%id, %error, "a claim could not be released");
                }
                result.map(|(reply, _)| reply)
            }
        }
    }

    /// Claims the id, waiting for a copy that is being delivered, within bounds (REL-11).
    async fn claim(&self) -> Result<Turn, Refused> {
        let Some(id) = &self.exchange.id else {
            return Ok(Turn::Anonymous);
        };
        for _ in 0..POLLS {
            match self.core.store.claim(id, None, LEASE).await? {
                Claim::New(token) => return Ok(Turn::Ours(id.clone(), token)),
                Claim::Done(record) => return Ok(Turn::Delivered(id.clone(), record)),
                Claim::InProgress => sleep(POLL).await,
                Claim::Replayed(_) => return Err(Refused::InProgress),
            }
        }
        Err(Refused::InProgress)
    }

    /// Gives the message to the host, puts it on record under the claim, and makes its receipt. Says too whether it is
    /// on record now.
    async fn hand_over(self, claim: Option<(&ExchangeId, ClaimToken)>) -> Result<(Reply, bool), Refused> {
        let Self {
            core,
            exchange,
            form,
            message,
            body_digest,
            expired_certificate,
        } = self;
        let mic = message.mic.clone();
        let continued = message.continued_unauthenticated;
        let received_at = message.received_at;
        let signer = message.signer.as_ref().map(Certificate::fingerprint);
        let mut head = Vec::new();
        message.headers.write_to(&mut head);
        let inbox = Arc::clone(&core.inbox);
        // An inbox that panics has not taken the message, and must not keep the claim.
        let delivered = tokio::spawn(async move { inbox.deliver(message).await }).await;
        let outcome = match delivered.map_err(InboxError::new)?? {
            Delivery::Accepted if continued => Outcome::ContinuedUnauthenticated(mic),
            Delivery::Accepted => Outcome::Processed(mic),
            Delivery::AcceptedWithWarning(warning) => Outcome::Warning(warning, mic),
            Delivery::Duplicate => Outcome::Warning(WarningModifier::DuplicateDocument, mic),
            Delivery::Rejected(error) => {
                let outcome = Outcome::Rejected(error, mic);
                return Ok((message::refuse(&core, &exchange, outcome, None).await?, false));
            }
        };
        let receipt = match &exchange.requested {
            Some(_) => Some(SealedReceipt::new(&core, &exchange, &outcome, form).await?),
            None => None,
        };
        if let Some((id, token)) = claim {
            let mut record = ReceivedRecord::new(body_digest, received_at);
            record.mic = outcome.mic().cloned();
            record.disposition = Some(outcome.disposition().to_string());
            record.head = head.into();
            record.signer = signer;
            record.reply = receipt.as_ref().map(SealedReceipt::to_bytes).unwrap_or_default();
            core.store.complete(id, token, record, Duration::ZERO).await?;
        }
        core.tell(&ReceiverEvent::Delivered {
            id: exchange.id.as_ref(),
            disposition: &outcome.disposition(),
            expired_certificate,
        });
        Ok((outgoing::dispatch(&core, &exchange, receipt), true))
    }

    /// The id is on record as delivered: the same content again, or another message (REL-09, REL-13).
    async fn duplicate(self, id: &ExchangeId, record: ReceivedRecord) -> Result<Reply, Refused> {
        if record.mic.as_ref() == Some(&self.message.mic) {
            return repeat(&self.core, &self.exchange, id, record).await;
        }
        self.core.tell(&ReceiverEvent::Conflict(id));
        let outcome = Outcome::Conflict(self.message.mic);
        message::refuse(&self.core, &self.exchange, outcome, None).await
    }
}

/// Answers a message that was delivered before, with the receipt of then.
pub(super) async fn repeat(
    core: &Arc<Core>,
    exchange: &Exchange,
    id: &ExchangeId,
    record: ReceivedRecord,
) -> Result<Reply, Refused> {
    core.tell(&ReceiverEvent::Duplicate(id));
    if exchange.requested.is_none() {
        return Ok(Reply::Nothing);
    }
    let receipt = match SealedReceipt::from_bytes(&record.reply, &core.limits) {
        Some(stored) => stored,
        None => {
            let form = exchange.form().unwrap_or(ReceiptForm::Unsigned);
            SealedReceipt::new(core, exchange, &Outcome::Duplicate(record.mic), form).await?
        }
    };
    Ok(outgoing::dispatch(core, exchange, Some(receipt)))
}

fn received_message(
    exchange: &Exchange,
    acceptance: Acceptance,
    decoded: Decoded,
    payload: Payload,
    body_digest: &[u8; 32],
    now: SystemTime,
) -> ReceivedMessage {
    let headers = &exchange.headers;
    let filename = decoded.filename();
    let payload_head = decoded.payload_head.unwrap_or_default();
    let key: &[u8] = match headers.message_id() {
        Some(id) => id.key().as_bytes(),
        None => body_digest,
    };
    ReceivedMessage {
        payload,
        from: headers.from().clone(),
        to: headers.to().clone(),
        message_id: headers.message_id().cloned(),
        subject: headers.subject().map(str::to_owned),
        content_type: payload_head.get("Content-Type").map(str::to_owned),
        filename: filename.as_ref().and_then(|filename| filename.sanitized.clone()),
        untrusted_filename: filename.map(|filename| filename.raw),
        payload_head,
        headers: headers.block().clone(),
        layers: decoded.layers,
        mic: acceptance.mic,
        signer: acceptance.signer,
        signing_time: acceptance.signing_time,
        continued_unauthenticated: acceptance.continued_unauthenticated,
        transport: exchange.transport,
        received_at: now,
        storage_key: storage_key([
            headers.to().as_str().as_bytes(),
            headers.from().as_str().as_bytes(),
            key,
        ]),
    }
}
