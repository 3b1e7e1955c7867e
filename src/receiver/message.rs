//! The order of things for one request (RCV-02): head, partnership, connection, body to its end, verdict, claim, inbox,
//! record, receipt.

use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING};
use http::request::Parts;
use http_body::Body;
use tracing::{Instrument, Span};

use super::answer::{Outcome, Refused};
use super::delivery::{self, Arrival};
use super::event::ReceiverEvent;
use super::exchange::Exchange;
use super::failures::{DecryptionFailures, PeerAddress};
use super::gate::Place;
use super::intake::{self, Bounds, Received};
use super::shared::Core;
use super::{Reply, incoming, outgoing, route};
use crate::envelope::{
    Acceptance, As2HeaderError, As2Headers, Decoder, RefusalDetail, RefusalReason, TransportFacts, Verdict,
};
use crate::keystore::{CertificateUsage, KeyStoreError};
use crate::mdn::{ReceiptDestination, ReceiptForm, RequestedReceipt};
use crate::mime::HeaderBlock;
use crate::partnership::{Partnership, Weakness};
use crate::store::ExchangeId;
use crate::telemetry::{self, Pair};
use crate::transport::{OverTls, PeerCertificate};

/// The largest header of a request, all fields together (SEC-26).
const HEADER_MAX: usize = 32 << 10;

/// How much of a stranger's body is read before the answer: enough for a sender that does not look before it is done.
const STRANGER_MAX: u64 = 1 << 20;

/// Answers a request whose method is POST.
pub(super) async fn answer<B>(
    core: &Arc<Core>,
    span: &Span,
    place: &Place,
    head: Parts,
    body: B,
) -> Result<Reply, Refused>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let (block, declared) = check_head(&head)?;
    let headers = As2Headers::parse(block)?;
    let pair = Pair {
        from: headers.from(),
        to: headers.to(),
        message_id: headers.message_id(),
    };
    telemetry::name(span, pair);
    if core.strict_names {
        headers.check_name_quoting()?;
    }
    let requested = RequestedReceipt::from_headers(headers.block()).map_err(As2HeaderError::from)?;
    let found = core.partners.find(headers.to(), headers.from()).await?;
    let Some(partnership) = found else {
        return stranger(core, headers, requested, body).await;
    };
    let transport = connection(&head, &partnership)?;
    let peer = head.extensions.get::<PeerAddress>().map(|peer| peer.0);
    throttle(core, &headers, peer)?;
    if headers.block().content_type().ok().flatten().is_none() {
        return Err(Refused::NoContentType);
    }
    let mut limits = core.limits.clone();
    limits.message_size = partnership.accept_policy().message_size.unwrap_or(limits.message_size);
    let bounds = Bounds {
        wire_size: limits.wire_size(),
        mdn_size: limits.mdn_size,
        declared,
        pace: core.pace,
    };
    if body.size_hint().lower() > bounds.wire_size {
        return Err(Refused::TooLarge(bounds.wire_size));
    }
    let id = headers
        .message_id()
        .map(|id| ExchangeId::new(headers.to().clone(), headers.from().clone(), id.clone()));
    let rule = &partnership.accept_policy().receipt_rule;
    let requested = requested.and_then(|requested| requested.under(rule));
    let mut exchange = Exchange {
        headers,
        partnership,
        requested,
        transport,
        authenticated: false,
        peer,
        id,
        known: None,
    };

    let known = match &exchange.id {
        Some(id) => core.store.find_received(id).await?,
        None => None,
    };
    let decoder = Decoder::new(
        exchange.headers.block().clone(),
        &exchange.asked_digests(),
        exchange.partnership.accept_policy().clone(),
        limits,
    );
    let local = exchange.headers.to();
    let received = intake::receive(body, decoder, core.spools.create(), bounds, &*core.keys, local);
    let received = telemetry::staged("body", received).await?;
    span.record("octets", received.body_len);
    if exchange.partnership.accept_policy().receipt_by_known_key {
        exchange.known.clone_from(&received.decrypted_by);
    }
    // Noted whatever the body turns out to be.
    let fresh_key = core
        .key_guard
        .admit(&received.encrypted_keys, received.body_digest, core.clock.now());
    if received.is_receipt && fresh_key {
        return to_the_end(place, incoming::take(Arc::clone(core), exchange, received)).await;
    }
    core.tell(&ReceiverEvent::Received {
        from: exchange.headers.from(),
        to: exchange.headers.to(),
        id: exchange.id.as_ref(),
        octets: received.body_len,
        body_digest: &received.body_digest,
    });
    if exchange.id.is_none() && !exchange.partnership.accept_policy().without_message_id {
        return Err(Refused::NoMessageId);
    }
    // A copy, octet for octet: knowing the ids alone is not enough (REL-09).
    if let (Some(id), Some(record)) = (&exchange.id, known)
        && record.body_digest == received.body_digest
    {
        return delivery::repeat(core, &exchange, id, record).await;
    }
    judge(core, place, exchange, received, fresh_key).await
}

/// Goes on also when the partner hangs up: what has begun is done once, and to its end, and keeps its place.
async fn to_the_end(
    place: &Place,
    work: impl Future<Output = Result<Reply, Refused>> + Send + 'static,
) -> Result<Reply, Refused> {
    let place = place.clone();
    let work = async move {
        let result = work.await;
        drop(place);
        result
    };
    tokio::spawn(work.in_current_span()).await.map_err(Refused::Stopped)?
}

/// Asks the host about senders whose messages could not be decrypted (SEC-04).
fn throttle(core: &Core, headers: &As2Headers, peer: Option<IpAddr>) -> Result<(), Refused> {
    let Some(throttle) = &core.throttle else { return Ok(()) };
    let (from, to) = (headers.from(), headers.to());
    let count = core.failures.of(to, from, peer, core.clock.now());
    let failures = DecryptionFailures { from, to, peer, count };
    match count > 0 && throttle(&failures) {
        true => Err(Refused::Throttled),
        false => Ok(()),
    }
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
    // RFC 9110 §10.1.1. The HTTP stack has answered the one that is known.
    for expectation in head.headers.get_all(EXPECT) {
        let mut members = expectation.as_bytes().split(|octet| *octet == b',');
        if !members.all(|member| member.trim_ascii().eq_ignore_ascii_case(b"100-continue")) {
            let expectation = String::from_utf8_lossy(expectation.as_bytes()).into_owned();
            return Err(Refused::Expectation(expectation));
        }
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
        return Err(Refused::NotThePartner(partnership.remote().clone()));
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
    intake::discard(body, STRANGER_MAX, core.pace).await?;
    let wanted = requested.is_some_and(|requested| *requested.destination() == ReceiptDestination::Response);
    let Some(told) = core.strangers_are_told.clone().filter(|_| wanted) else {
        return Err(Refused::UnknownPartner {
            from: headers.from().clone(),
            to: headers.to().clone(),
            status: core.stranger_status,
        });
    };
    let outcome = Outcome::UnknownPartner(told);
    core.tell(&ReceiverEvent::MessageRefused {
        from: headers.from(),
        to: headers.to(),
        id: None,
        disposition: &outcome.disposition(),
        detail: None,
    });
    let receipt = outgoing::unsigned(core, &headers, &outcome)?;
    Ok(Reply::Receipt(receipt))
}

/// The verdict, and what follows from it.
async fn judge(
    core: &Arc<Core>,
    place: &Place,
    mut exchange: Exchange,
    received: Received,
    fresh_key: bool,
) -> Result<Reply, Refused> {
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
    let verdict = received.decoded.judge(&certificates, policy, exchange.transport, now);
    let acceptance = match verdict {
        Verdict::Accepted(acceptance) if fresh_key => acceptance,
        Verdict::Refused(refusal) if fresh_key => {
            if refusal.reason == RefusalReason::DecryptionFailed {
                decryption_failed(core, &exchange, now);
            }
            let outcome = Outcome::Refused(refusal.reason, refusal.mic);
            return refuse(core, &exchange, outcome, Some(&refusal.detail)).await;
        }
        // One content key, too many bodies: the answer tells nothing of this one (SEC-52).
        Verdict::Accepted(_) | Verdict::Refused(_) => {
            decryption_failed(core, &exchange, now);
            let outcome = Outcome::Refused(RefusalReason::DecryptionFailed, None);
            return refuse(core, &exchange, outcome, None).await;
        }
    };
    exchange.authenticated = !acceptance.unauthenticated && !acceptance.continued_unauthenticated;
    tell_stages(core, &exchange, &received, &acceptance);
    let (signed, date) = (acceptance.signing_time, exchange.headers.date());
    if !core.replays.is_timely(signed, date, now) {
        let outcome = Outcome::Refused(RefusalReason::UnexpectedProcessingError, Some(acceptance.mic));
        return refuse(core, &exchange, outcome, Some(&RefusalDetail::Untimely)).await;
    }
    let arrival = Arrival::new(core, exchange, form, acceptance, received, now);
    to_the_end(place, arrival.deliver()).await
}

fn tell_stages(core: &Core, exchange: &Exchange, received: &Received, acceptance: &Acceptance) {
    let (from, to) = (exchange.headers.from(), exchange.headers.to());
    let id = exchange.id.as_ref();
    if let Some(certificate) = &received.decrypted_by {
        core.tell(&ReceiverEvent::Decrypted {
            from,
            to,
            id,
            certificate,
        });
    }
    if let Some(certificate) = &acceptance.signer {
        core.tell(&ReceiverEvent::Verified {
            from,
            to,
            id,
            certificate,
            signing_time: acceptance.signing_time,
        });
    }
    if !acceptance.weaknesses.is_empty() {
        let weak = Weakness::list(&acceptance.weaknesses);
        let message_id = id.map(ExchangeId::message_id).map(tracing::field::display);
        tracing::warn!(%from, %to, message_id, weak, "a message counts only because the partnership allows what is weak");
    }
}

fn decryption_failed(core: &Core, exchange: &Exchange, now: SystemTime) {
    let (from, to, peer) = (exchange.headers.from(), exchange.headers.to(), exchange.peer);
    let count = core.failures.note(to, from, peer, now);
    core.tell(&ReceiverEvent::DecryptionFailed(DecryptionFailures {
        from,
        to,
        peer,
        count,
    }));
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
    let receipt = outgoing::sealed(core, exchange, &outcome, form).await?;
    let route = route::of(exchange);
    Ok(route::dispatch(core, exchange, route, receipt))
}
