//! Receipts that we give: written, signed, and sent in the response or posted afterwards.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderValue};
use http::{Request, Response, Uri};
use tokio::time::sleep;

use super::Reply;
use super::answer::{Outcome, Refused};
use super::body::{AfterReply, ReplyBody};
use super::builder::Core;
use super::event::{PostError, ReceiverEvent};
use super::exchange::Exchange;
use crate::algorithm::{MicalgStyle, SignatureAlgorithm};
use crate::envelope::{As2Headers, Blueprint, Layers, OutgoingHeaders, Structure};
use crate::exchange::{EncodeFailure, encode, signature_blueprint};
use crate::keystore::KeyStoreError;
use crate::limits::Limits;
use crate::mdn::{Mdn, OriginalMessage, ReceiptDestination, ReceiptForm};
use crate::message_id::MessageId;
use crate::mime::{HeaderBlock, TransferEncoding};
use crate::partnership::Partnership;
use crate::spool::Payload;
use crate::transport::{Egress, RequestBody, require_success};
use crate::version::As2Version;

/// How much is read of what a partner's server says to a receipt that it refuses.
const ANSWER_MAX: usize = 16 << 10;

/// A receipt as it goes over the wire, in a response or a request of its own.
#[derive(Clone, Debug)]
pub(super) struct SealedReceipt {
    headers: HeaderBlock,
    body: Bytes,
}

impl SealedReceipt {
    /// Writes the receipt for `outcome`, signed where `form` says so and the identity that was addressed has a key.
    pub(super) async fn new(
        core: &Core,
        exchange: &Exchange,
        outcome: &Outcome,
        form: ReceiptForm,
    ) -> Result<Self, Refused> {
        let (digest, style) = match form {
            ReceiptForm::Signed { digest, style, .. } => (Some(digest), style),
            ReceiptForm::Unsigned | ReceiptForm::UnsignedInstead => (None, MicalgStyle::default()),
        };
        let mdn = mdn(core, &exchange.headers, outcome, style);
        let version = exchange.partnership.send_profile().as2_version;
        let Some(digest) = digest else {
            return Self::unsigned_mdn(core, &exchange.headers, version, &mdn);
        };
        let local = exchange.headers.to();
        let profile = exchange.partnership.send_profile();
        let now = core.clock.now();
        let mut signature = match signature_blueprint(&*core.keys, local, profile, now).await {
            Ok(signature) => signature,
            Err(EncodeFailure::KeyStore(KeyStoreError::NoKey(_))) => {
                return Self::unsigned_mdn(core, &exchange.headers, version, &mdn);
            }
            Err(error) => return Err(Refused::Receipt(error.into())),
        };
        signature.micalg_style = style;
        let mut rng = core.entropy.rng();
        let (head, body) = mdn.write(&mut *rng).map_err(|error| Refused::Receipt(error.into()))?;
        let layers = Layers::payload().sign(SignatureAlgorithm::RsaPkcs1(digest));
        let mut blueprint = Blueprint::new(Structure::from(layers), head);
        blueprint.transfer_encoding = TransferEncoding::SevenBit;
        blueprint.signature = Some(signature);
        let (encoded, content) = encode(
            &*core.keys,
            local,
            blueprint,
            Payload::from(body),
            &core.spools,
            &mut *rng,
        )
        .await
        .map_err(|error| Refused::Receipt(error.into()))?;
        let mut body = encoded.prefix;
        body.extend_from_slice(&content.into_bytes().map_err(Refused::Spool)?);
        Self::assemble(core, &exchange.headers, version, &encoded.head, body)
    }

    /// Writes the receipt for `outcome` without a signature.
    pub(super) fn unsigned(core: &Core, headers: &As2Headers, outcome: &Outcome) -> Result<Self, Refused> {
        let mdn = mdn(core, headers, outcome, MicalgStyle::default());
        Self::unsigned_mdn(core, headers, As2Version::V1_1, &mdn)
    }

    fn unsigned_mdn(core: &Core, headers: &As2Headers, version: As2Version, mdn: &Mdn) -> Result<Self, Refused> {
        let written = mdn.write(&mut *core.entropy.rng());
        let (head, body) = written.map_err(|error| Refused::Receipt(error.into()))?;
        Self::assemble(core, headers, version, &head, body)
    }

    /// Puts the HTTP header before a receipt: the names are those of the message, swapped (ENV-16).
    fn assemble(
        core: &Core,
        message: &As2Headers,
        version: As2Version,
        head: &HeaderBlock,
        body: Vec<u8>,
    ) -> Result<Self, Refused> {
        let (local, remote) = (message.to(), message.from());
        let domain = core.domain.as_deref().unwrap_or(local.as_str());
        let message_id = MessageId::generate(domain, &mut *core.entropy.rng());
        let headers = OutgoingHeaders::new(local, remote, &message_id, core.clock.now())
            .version(version)
            .server(&core.agent)
            .build(head)
            .map_err(|error| Refused::Receipt(error.into()))?;
        Ok(Self {
            headers,
            body: body.into(),
        })
    }

    /// Header fields, an empty line, the body: what the store keeps.
    pub(super) fn to_bytes(&self) -> Bytes {
        self.headers.followed_by(&self.body).into()
    }

    /// Reads what [`to_bytes`](Self::to_bytes) gave; `None` where there is nothing.
    pub(super) fn from_bytes(stored: &Bytes, limits: &Limits) -> Option<Self> {
        let end = memchr::memmem::find(stored, b"\r\n\r\n")?;
        let headers = HeaderBlock::parse(stored.get(..end + 2)?, limits).ok()?;
        Some(Self {
            headers,
            body: stored.slice(end + 4..),
        })
    }

    pub(super) fn into_response(self) -> Response<ReplyBody> {
        let mut response = Response::new(ReplyBody::new(self.body.clone()));
        let headers = response.headers_mut();
        for field in self.headers.iter() {
            let name = http::HeaderName::try_from(field.name());
            let value = HeaderValue::from_bytes(field.value());
            if let (Ok(name), Ok(value)) = (name, value) {
                headers.append(name, value);
            }
        }
        headers.insert(CONTENT_LENGTH, HeaderValue::from(self.body.len()));
        response
    }

    fn request(&self, url: &Uri) -> Result<Request<RequestBody>, http::Error> {
        let mut request = Request::post(url.clone());
        for field in self.headers.iter() {
            // What a server calls itself is a user agent's name in a request.
            let name = if field.name() == "Server" {
                "User-Agent"
            } else {
                field.name()
            };
            request = request.header(name, field.value());
        }
        request.body(RequestBody::from(self.body.clone()))
    }
}

fn mdn(core: &Core, headers: &As2Headers, outcome: &Outcome, style: MicalgStyle) -> Mdn {
    let original = OriginalMessage::new(headers.from(), headers.to(), core.clock.now())
        .message_id(headers.message_id())
        .subject(headers.subject())
        .date(headers.date());
    let mut mdn = Mdn::new(&original, outcome.disposition()).with_reporting_ua(core.agent.clone());
    if let Some(remark) = &core.remark {
        mdn = mdn.with_remark(remark);
    }
    match outcome.mic() {
        Some(mic) => mdn.with_mic(mic, style),
        None => mdn,
    }
}

/// Gives the receipt the way that was asked for.
pub(super) fn dispatch(core: &Arc<Core>, exchange: &Exchange, receipt: Option<SealedReceipt>) -> Reply {
    let (Some(receipt), Some(requested)) = (receipt, &exchange.requested) else {
        return Reply::Nothing;
    };
    let url = match requested.destination() {
        ReceiptDestination::Response => return Reply::Receipt(receipt),
        ReceiptDestination::Url(url) if exchange.partnership.allows_receipt_to(url) => url.clone(),
        ReceiptDestination::Url(other) => return not_allowed(core, exchange, &other.to_string()),
        ReceiptDestination::Unsupported(other) => return not_allowed(core, exchange, other),
    };
    let Some(id) = exchange.id.clone() else {
        return not_allowed(core, exchange, &url.to_string());
    };
    let (core, partnership) = (Arc::clone(core), Arc::clone(&exchange.partnership));
    Reply::Later(AfterReply::new(async move {
        match post(&core, &partnership, &url, &receipt).await {
            Ok(()) => core.tell(&ReceiverEvent::ReceiptPosted { id: &id, url: &url }),
            Err(error) => core.tell(&ReceiverEvent::ReceiptNotPosted {
                id: &id,
                url: &url,
                error: &error,
            }),
        }
    }))
}

/// A plain 200 tells nothing to whoever named the address (SEC-20).
fn not_allowed(core: &Core, exchange: &Exchange, destination: &str) -> Reply {
    core.tell(&ReceiverEvent::ReceiptNotAllowed {
        id: exchange.id.as_ref(),
        destination,
    });
    Reply::Nothing
}

/// Posts a receipt, the same octets at each attempt (RCV-11).
async fn post(core: &Core, partnership: &Partnership, url: &Uri, receipt: &SealedReceipt) -> Result<(), PostError> {
    let client = core.http.as_ref().ok_or(PostError::NoClient)?;
    let mut result = Err(PostError::NoAttempt);
    for delay in &core.post_delays {
        sleep(*delay).await;
        let mut request = receipt.request(url).map_err(PostError::Request)?;
        request.extensions_mut().insert(Egress::NamedHost);
        result = match client.send(request, partnership.http_profile()).await {
            Ok(response) => require_success(response, ANSWER_MAX)
                .await
                .map(drop)
                .map_err(|error| PostError::Status(Box::new(error))),
            Err(error) => Err(PostError::Transport(error)),
        };
        match &result {
            Err(PostError::Transport(error)) if error.is_transient() => {}
            Err(PostError::Status(error)) if error.is_transient() => {}
            _ => break,
        }
    }
    result
}
