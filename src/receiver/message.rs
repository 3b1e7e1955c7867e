//! The order of things for one request (RCV-02): head, partnership, connection, body to its end, verdict, claim, inbox,
//! record, receipt.

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::request::Parts;
use http_body::Body;

use super::answer::{Outcome, Refused};
use super::builder::Core;
use super::delivery::{self, Arrival};
use super::event::ReceiverEvent;
use super::exchange::Exchange;
use super::intake::{self, Bounds, Received};
use super::outgoing::{self, SealedReceipt};
use super::{Reply, incoming};
use crate::envelope::{As2HeaderError, As2Headers, Decoder, RefusalDetail, RefusalReason, TransportFacts, Verdict};
use crate::keystore::{CertificateUsage, KeyStoreError};
use crate::mdn::{ReceiptDestination, ReceiptForm, RequestedReceipt};
use crate::mime::HeaderBlock;
use crate::partnership::Partnership;
use crate::store::ExchangeId;
use crate::transport::{OverTls, PeerCertificate};

/// The largest header of a request, all fields together (SEC-26).
const HEADER_MAX: usize = 32 << 10;

/// How much of a stranger's body is read before the answer: enough for a sender that does not look before it is done.
const STRANGER_MAX: u64 = 1 << 20;

/// Answers a request whose method is POST.
pub(super) async fn answer<B>(core: &Arc<Core>, head: Parts, body: B) -> Result<Reply, Refused>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let (block, declared) = check_head(&head)?;
    let headers = As2Headers::parse(block)?;
    if core.strict_names {
        headers.check_name_quoting()?;
    }
    let requested = RequestedReceipt::from_headers(headers.block()).map_err(As2HeaderError::from)?;
    let found = core.partners.find(headers.to(), headers.from()).await?;
    let Some(partnership) = found else {
        return stranger(core, headers, requested, body).await;
    };
    let transport = connection(&head, &partnership)?;
    if headers.block().content_type().ok().flatten().is_none() {
        return Err(Refused::NoContentType);
    }
    let mut limits = core.limits.clone();
    limits.message_size = partnership.accept_policy().message_size.unwrap_or(limits.message_size);
    let bounds = Bounds {
        wire_size: limits.wire_size(),
        mdn_size: limits.mdn_size,
        declared,
    };
    if body.size_hint().lower() > bounds.wire_size {
        return Err(Refused::TooLarge(bounds.wire_size));
    }
    let id = headers
        .message_id()
        .map(|id| ExchangeId::new(headers.to().clone(), headers.from().clone(), id.clone()));
    let rule = &partnership.accept_policy().receipt_rule;
    let requested = requested.and_then(|requested| requested.under(rule));
    let exchange = Exchange {
        headers,
        partnership,
        requested,
        transport,
        id,
    };

    let known = match &exchange.id {
        Some(id) => core.store.find_received(id).await?,
        None => None,
    };
    let policy = exchange.partnership.accept_policy();
    let decoder = Decoder::new(
        exchange.headers.block().clone(),
        &exchange.asked_digests(),
        policy.clone(),
        limits,
    );
    let local = exchange.headers.to();
    let received = intake::receive(body, decoder, core.spools.create(), bounds, &*core.keys, local).await?;
    // Noted whatever the body turns out to be.
    let fresh_key = core
        .key_guard
        .admit(&received.encrypted_keys, received.body_digest, core.clock.now());
    if received.is_receipt && fresh_key {
        return to_the_end(incoming::take(Arc::clone(core), exchange, received)).await;
    }
    if exchange.id.is_none() && !policy.without_message_id {
        return Err(Refused::NoMessageId);
    }
    // A copy, octet for octet: knowing the ids alone is not enough (REL-09).
    if let (Some(id), Some(record)) = (&exchange.id, known)
        && record.body_digest == received.body_digest
    {
        return delivery::repeat(core, &exchange, id, record).await;
    }
    judge(core, exchange, received, fresh_key).await
}

/// Goes on also when the partner hangs up: what has begun is done once, and to its end.
async fn to_the_end(work: impl Future<Output = Result<Reply, Refused>> + Send + 'static) -> Result<Reply, Refused> {
    tokio::spawn(work).await.map_err(Refused::Stopped)?
}

/// Refuses what is no request for us, before anything is looked up. Gives the header fields, and the length that they
/// declare for the body.
fn check_head(head: &Parts) -> Result<(HeaderBlock, Option<u64>), Refused> {
    let size = head
        .headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4);
    if size.sum::<usize>() > HEADER_MAX {
        return Err(Refused::HeaderTooLarge);
    }
    let mut lengths = head.headers.get_all(CONTENT_LENGTH).iter();
    let declared = match (lengths.next(), head.headers.contains_key(TRANSFER_ENCODING)) {
        (None, _) => None,
        (Some(_), true) => return Err(Refused::Framing),
        (Some(length), false) if lengths.all(|other| other == length) => {
            let digits = length
                .to_str()
                .ok()
                .filter(|text| text.bytes().all(|octet| octet.is_ascii_digit()));
            let length = digits.and_then(|digits| digits.parse().ok());
            Some(length.ok_or(Refused::Framing)?)
        }
        (Some(_), false) => return Err(Refused::Framing),
    };
    if let Some(coding) = head.headers.get(CONTENT_ENCODING)
        && !coding.as_bytes().eq_ignore_ascii_case(b"identity")
    {
        let coding = String::from_utf8_lossy(coding.as_bytes()).into_owned();
        return Err(Refused::ContentEncoding(coding));
    }
    Ok((HeaderBlock::from(&head.headers), declared))
}

/// What the connection shows of the partner. One that must show a certificate shows the right one (TRN-27).
fn connection(head: &Parts, partnership: &Partnership) -> Result<TransportFacts, Refused> {
    let peer = head.extensions.get::<PeerCertificate>();
    let tls = peer.is_some() || head.extensions.get::<OverTls>().is_some();
    let trusted = partnership.trusted_client_certificates();
    let authenticated = peer.is_some_and(|peer| trusted.iter().any(|trusted| peer.is(trusted)));
    if !trusted.is_empty() && !authenticated {
        return Err(Refused::NotThePartner);
    }
    Ok(TransportFacts::new(tls, authenticated))
}

/// Answers those whose names make no partnership: unsigned, in the response or not at all (RFC 4130 §6.2).
async fn stranger<B>(
    core: &Core,
    headers: As2Headers,
    requested: Option<RequestedReceipt>,
    body: B,
) -> Result<Reply, Refused>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    intake::discard(body, STRANGER_MAX).await?;
    let wanted = requested.is_some_and(|requested| *requested.destination() == ReceiptDestination::Response);
    let Some(told) = core.strangers_are_told.clone().filter(|_| wanted) else {
        return Err(Refused::UnknownPartner);
    };
    let outcome = Outcome::UnknownPartner(told);
    core.tell(&ReceiverEvent::MessageRefused {
        from: headers.from(),
        to: headers.to(),
        id: None,
        disposition: &outcome.disposition(),
        detail: None,
    });
    let receipt = SealedReceipt::unsigned(core, &headers, &outcome)?;
    Ok(Reply::Receipt(receipt))
}

/// The verdict, and what follows from it.
async fn judge(core: &Arc<Core>, exchange: Exchange, received: Received, fresh_key: bool) -> Result<Reply, Refused> {
    let form = match exchange.form() {
        Ok(form) => form,
        Err(failure) => return refuse(core, &exchange, Outcome::ReceiptUnsupported(failure), None).await,
    };
    if received.body_len == 0 && exchange.requested.is_none() {
        return Err(Refused::EmptyBody);
    }
    if received.body_len == 0 || !exchange.headers.version().is_supported() {
        return refuse(core, &exchange, Outcome::NotProcessable, None).await;
    }
    let (local, remote) = (exchange.headers.to(), exchange.headers.from());
    let certificates = match core
        .keys
        .partner_certificates(local, remote, CertificateUsage::Verify)
        .await
    {
        Ok(certificates) => certificates,
        Err(error @ KeyStoreError::Unavailable(_)) => return Err(Refused::KeyStore(error)),
        Err(_) => Vec::new(),
    };
    let now = core.clock.now();
    let policy = exchange.partnership.accept_policy();
    let Received {
        decoded,
        payload,
        body_digest,
        ..
    } = received;
    let verdict = decoded.judge(&certificates, policy, exchange.transport, now);
    let acceptance = match verdict {
        Verdict::Accepted(acceptance) if fresh_key => acceptance,
        Verdict::Refused(refusal) if fresh_key => {
            let outcome = Outcome::Refused(refusal.reason, refusal.mic);
            return refuse(core, &exchange, outcome, Some(&refusal.detail)).await;
        }
        // One content key, too many bodies: the answer tells nothing of this one (SEC-52).
        Verdict::Accepted(_) | Verdict::Refused(_) => {
            let outcome = Outcome::Refused(RefusalReason::DecryptionFailed, None);
            return refuse(core, &exchange, outcome, None).await;
        }
    };
    let arrival = Arrival::new(
        core,
        exchange,
        form,
        (acceptance, decoded),
        payload.into(),
        body_digest,
        now,
    );
    to_the_end(arrival.deliver()).await
}

/// Answers a message that is not delivered, and tells the host.
pub(super) async fn refuse(
    core: &Arc<Core>,
    exchange: &Exchange,
    outcome: Outcome,
    detail: Option<&RefusalDetail>,
) -> Result<Reply, Refused> {
    core.tell(&ReceiverEvent::MessageRefused {
        from: exchange.headers.from(),
        to: exchange.headers.to(),
        id: exchange.id.as_ref(),
        disposition: &outcome.disposition(),
        detail,
    });
    if exchange.requested.is_none() {
        return match core.failures_without_receipt {
            true => Err(Refused::Message),
            false => Ok(Reply::Nothing),
        };
    }
    let form = exchange.form().unwrap_or(ReceiptForm::Unsigned);
    let receipt = SealedReceipt::new(core, exchange, &outcome, form).await?;
    Ok(outgoing::dispatch(core, exchange, Some(receipt)))
}
