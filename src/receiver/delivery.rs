//! From an accepted message to its receipt: claim, inbox, record.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::sleep;
use tracing::Instrument;

use super::answer::{Outcome, Refused};
use super::event::ReceiverEvent;
use super::exchange::Exchange;
use super::inbox::{Delivery, InboxError, ReceivedMessage, storage_key};
use super::intake::Received;
use super::route::{self, Route};
use super::shared::Core;
use super::{Reply, message, outgoing};
use crate::cms::detached_signature;
use crate::envelope::Acceptance;
use crate::exchange::{POST_LEASE, PostJob, SealedReceipt};
use crate::mdn::{ReceiptForm, WarningModifier};
use crate::message_id::MessageId;
use crate::mic::Mic;
use crate::mime::decode_encoded_words;
use crate::store::{Claim, ClaimToken, ExchangeId, PostState, ReceivedRecord};
use crate::telemetry;

/// How often a copy asks whether the one that is being delivered is done, and how many times.
const POLL: Duration = Duration::from_millis(200);
const POLLS: u32 = 50;

/// A message that the verdict accepts.
pub(super) struct Arrival {
    core: Arc<Core>,
    exchange: Exchange,
    form: ReceiptForm,
    message: ReceivedMessage,
    expired_certificate: bool,
    /// What the signature is known by, where it must not come twice (SEC-44).
    signature_key: Option<[u8; 32]>,
    /// What is put on record of it (SEC-42).
    record: ReceivedRecord,
}

/// What came of asking for the right to deliver.
enum Turn {
    /// Nobody could recognise a message without a Message-ID again.
    Anonymous,
    Ours(ExchangeId, ClaimToken),
    Delivered(ExchangeId, Box<ReceivedRecord>),
    /// The signature was delivered under the other id.
    Replayed(ExchangeId, Box<ExchangeId>),
}

impl Arrival {
    pub(super) fn new(
        core: &Arc<Core>,
        exchange: Exchange,
        form: ReceiptForm,
        acceptance: Acceptance,
        received: Received,
        now: SystemTime,
    ) -> Self {
        let expired_certificate = acceptance.expired;
        let signer = acceptance.signer.as_ref();
        let found = received.decoded.signature.as_ref();
        let signature_key = core.replays.signature_key(found, signer, acceptance.signing_time);
        let mut head = Vec::new();
        exchange.headers.block().write_to(&mut head);
        let mut record = ReceivedRecord::new(received.body_digest, now)
            .mic(acceptance.mic.clone())
            .head(head);
        if let (Some(found), Some(signer)) = (found, signer) {
            let signature = detached_signature(&found.signer_infos, &found.certificates);
            record = record.signed(signature, signer.fingerprint());
        }
        Self {
            core: Arc::clone(core),
            message: received_message(&exchange, acceptance, received, now),
            exchange,
            form,
            expired_certificate,
            signature_key,
            record,
        }
    }

    /// Delivers the message once, and answers.
    pub(super) async fn deliver(mut self) -> Result<Reply, Refused> {
        let core = Arc::clone(&self.core);
        match self.claim().await? {
            Turn::Anonymous => self.hand_over(None).await.map(|(reply, _)| reply),
            Turn::Delivered(id, record) => self.duplicate(&id, *record).await,
            Turn::Replayed(id, first) => self.replayed(&id, &first).await,
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
    async fn claim(&mut self) -> Result<Turn, Refused> {
        let Some(mut id) = self.exchange.id.clone() else {
            return Ok(Turn::Anonymous);
        };
        for _ in 0..POLLS {
            let claim = self.core.store.claim(&id, self.signature_key, self.core.lease);
            match claim.await? {
                Claim::New(token) => return Ok(Turn::Ours(id, token)),
                Claim::Done(record) => match self.id_as_new(&id, &record) {
                    Some(new) => {
                        self.message.storage_key = storage_key_of(&new);
                        self.exchange.id = Some(new.clone());
                        id = new;
                    }
                    None => return Ok(Turn::Delivered(id, record)),
                },
                Claim::Replayed(first) => return Ok(Turn::Replayed(id.clone(), first)),
                Claim::InProgress => sleep(POLL).await,
            }
        }
        Err(Refused::InProgress)
    }

    /// Whether it is the message on record that has come again: the same body, or the same content.
    fn is(&self, record: &ReceivedRecord) -> bool {
        record.body_digest == self.record.body_digest || record.mic.as_ref() == Some(&self.message.mic)
    }

    /// The id for a message that is not the one on record under its own, where the partner may use ids again (REL-13).
    fn id_as_new(&self, id: &ExchangeId, record: &ReceivedRecord) -> Option<ExchangeId> {
        let may = self.exchange.partnership.accept_policy().reused_message_ids;
        (may && !self.is(record)).then(|| id_of_content(id, &self.message.mic))?
    }

    /// Gives the message to the host, puts it on record under the claim, and makes its receipt. Says too whether it is
    /// on record now.
    async fn hand_over(self, claim: Option<(&ExchangeId, ClaimToken)>) -> Result<(Reply, bool), Refused> {
        let Self {
            core,
            exchange,
            form,
            message,
            expired_certificate,
            mut record,
            ..
        } = self;
        let mic = message.mic.clone();
        let octets = message.payload.len();
        let signer = message.signer.clone();
        let weaknesses = message.weaknesses.clone();
        let continued = message.continued_unauthenticated;
        let inbox = Arc::clone(&core.inbox);
        // An inbox that panics has not taken the message, and must not keep the claim.
        let delivered = tokio::spawn(async move { inbox.deliver(message).await }.in_current_span());
        let delivered = telemetry::staged("deliver", delivered).await;
        let outcome = match delivered.map_err(InboxError::new)?? {
            Delivery::Accepted if continued => Outcome::ContinuedUnauthenticated(mic.clone()),
            Delivery::Accepted => Outcome::Processed(mic.clone()),
            Delivery::AcceptedWithWarning(warning) => Outcome::Warning(warning, mic.clone()),
            Delivery::Duplicate => Outcome::Warning(WarningModifier::DuplicateDocument, mic.clone()),
            Delivery::Rejected(error) => {
                let outcome = Outcome::Rejected(error, mic);
                return Ok((message::refuse(&core, &exchange, outcome, None).await?, false));
            }
        };
        let receipt = match &exchange.requested {
            Some(_) => Some(outgoing::sealed(&core, &exchange, &outcome, form).await?),
            None => None,
        };
        let route = route::of(&exchange);
        let disposition = outcome.disposition();
        let mut job = None;
        if let Some((id, token)) = claim {
            record.disposition = Some(disposition.to_string());
            record.reply = receipt.as_ref().map(SealedReceipt::to_bytes).unwrap_or_default();
            if let Route::Post(url) = &route
                && receipt.is_some()
            {
                record = record.post_to(url.clone());
                // Who has no client, or has too much to do, leaves all of it to the outbox.
                let turn = core.posts.turn(exchange.headers.from());
                let turn = turn.filter(|_| core.http.is_some());
                job = PostJob::new(id, token, &record, record.received_at).zip(turn);
            }
            let lease = job.as_ref().map_or(Duration::ZERO, |_| POST_LEASE);
            core.store.complete(id, token, record, lease).await?;
        }
        core.tell(&ReceiverEvent::Delivered {
            from: exchange.headers.from(),
            to: exchange.headers.to(),
            id: exchange.id.as_ref(),
            octets,
            mic: &mic,
            disposition: &disposition,
            signer: signer.as_ref(),
            expired_certificate,
            weaknesses: &weaknesses,
        });
        let reply = match (route, receipt, job) {
            (Route::Response, Some(receipt), _) => route::respond(&core, &exchange, receipt),
            (Route::NotAllowed(destination), ..) => route::not_allowed(&core, &exchange, &destination),
            (_, _, Some((job, turn))) => route::post_claimed(&core, &exchange, job, turn),
            _ => Reply::Nothing,
        };
        Ok((reply, true))
    }

    /// The id is on record as delivered: the same body or content again, or another message (REL-09, REL-13).
    async fn duplicate(self, id: &ExchangeId, record: ReceivedRecord) -> Result<Reply, Refused> {
        if self.is(&record) {
            return repeat(&self.core, &self.exchange, id, record).await;
        }
        self.core.tell(&ReceiverEvent::Conflict(id));
        let outcome = Outcome::Conflict(self.message.mic);
        message::refuse(&self.core, &self.exchange, outcome, None).await
    }

    /// Nothing of the first message is told: whoever sends it under another id does not know the first one.
    async fn replayed(self, id: &ExchangeId, first: &ExchangeId) -> Result<Reply, Refused> {
        self.core.tell(&ReceiverEvent::Replayed { id, first });
        let outcome = Outcome::Duplicate(Some(self.message.mic));
        answer_anew(&self.core, &self.exchange, &outcome).await
    }
}

/// Answers a message that was delivered before, with the receipt of then. It goes the way that is asked for now; where
/// that is to an address, to the one that was asked for then (REL-12).
pub(super) async fn repeat(
    core: &Arc<Core>,
    exchange: &Exchange,
    id: &ExchangeId,
    record: ReceivedRecord,
) -> Result<Reply, Refused> {
    core.tell(&ReceiverEvent::Duplicate(id));
    let Some(receipt) = SealedReceipt::from_bytes(&record.reply) else {
        let outcome = match record.mic {
            Some(mic) if core.duplicates_are_processed => Outcome::Processed(mic),
            mic => Outcome::Duplicate(mic),
        };
        return answer_anew(core, exchange, &outcome).await;
    };
    Ok(match (route::of(exchange), record.posting) {
        // The outbox is at it.
        (Route::Post(_), Some(posting)) if posting.state == PostState::Waiting => Reply::Nothing,
        (Route::Post(_), Some(posting)) => route::dispatch(core, exchange, Route::Post(posting.url), receipt),
        (route, _) => route::dispatch(core, exchange, route, receipt),
    })
}

/// Answers a duplicate with a receipt of its own.
async fn answer_anew(core: &Arc<Core>, exchange: &Exchange, outcome: &Outcome) -> Result<Reply, Refused> {
    if exchange.requested.is_none() {
        return Ok(Reply::Nothing);
    }
    let form = exchange.form().unwrap_or(ReceiptForm::Unsigned);
    let receipt = outgoing::sealed(core, exchange, outcome, form).await?;
    Ok(route::dispatch(core, exchange, route::of(exchange), receipt))
}

fn received_message(
    exchange: &Exchange,
    acceptance: Acceptance,
    received: Received,
    now: SystemTime,
) -> ReceivedMessage {
    let Received {
        decoded,
        payload,
        body_digest,
        ..
    } = received;
    let headers = &exchange.headers;
    let filename = decoded.filename();
    let payload_head = decoded.payload_head.unwrap_or_default();
    let storage_key = match &exchange.id {
        Some(id) => storage_key_of(id),
        None => storage_key([
            headers.to().as_str().as_bytes(),
            headers.from().as_str().as_bytes(),
            &body_digest,
        ]),
    };
    ReceivedMessage {
        payload: payload.into(),
        from: headers.from().clone(),
        to: headers.to().clone(),
        message_id: headers.message_id().cloned(),
        // What was encoded may hold line ends, which no header of a host is to be made of.
        subject: headers
            .subject()
            .map(|subject| decode_encoded_words(subject).replace(char::is_control, " ")),
        content_type: payload_head.get("Content-Type").map(str::to_owned),
        filename: filename.as_ref().and_then(|filename| filename.sanitized.clone()),
        untrusted_filename: filename.map(|filename| filename.raw),
        payload_head,
        headers: headers.block().clone(),
        as2_version: headers.version(),
        features: headers.features(),
        layers: decoded.layers,
        mic: acceptance.mic,
        signer: acceptance.signer,
        signing_time: acceptance.signing_time,
        continued_unauthenticated: acceptance.continued_unauthenticated,
        weaknesses: acceptance.weaknesses,
        transport: exchange.transport,
        received_at: now,
        storage_key,
    }
}

/// The id for another message that came under an id, told by its content; `None` where that is too long.
fn id_of_content(id: &ExchangeId, mic: &Mic) -> Option<ExchangeId> {
    let message_id = format!("<{};mic={}>", id.message_id().key(), mic.base64());
    let message_id = MessageId::parse(&message_id).ok()?;
    Some(ExchangeId::new(id.to().clone(), id.from().clone(), message_id))
}

fn storage_key_of(id: &ExchangeId) -> String {
    storage_key([
        id.to().as_str().as_bytes(),
        id.from().as_str().as_bytes(),
        id.message_id().key().as_bytes(),
    ])
}
