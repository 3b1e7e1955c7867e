//! [`As2Receiver`]: takes messages and asynchronous receipts from partners.

mod answer;
mod body;
mod builder;
mod delivery;
mod directory_inbox;
mod event;
mod exchange;
mod failures;
mod gate;
mod inbox;
mod incoming;
mod intake;
mod key_guard;
mod message;
mod outgoing;
mod pace;
mod replay;
mod route;
mod shared;
mod trail;

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body;
use tracing::Span;

use crate::exchange::SealedReceipt;
use crate::future::BoxFuture;
use crate::telemetry;
use shared::Core;

pub use answer::Refused;
pub use body::{AfterReply, ReplyBody};
pub use builder::{As2ReceiverBuilder, BuildError};
pub use directory_inbox::DirectoryInbox;
pub use event::{IgnoredReceipt, ReceiverEvent};
pub use failures::{DecryptionFailures, PeerAddress};
pub use inbox::{Delivery, Inbox, InboxError, ReceivedMessage};
pub use pace::BodyPace;
pub use replay::ReplayRules;

/// Receives AS2 messages, and the asynchronous receipts to our own, on one endpoint (RFC 4130 §4).
///
/// It is a tower `Service` of HTTP requests, so that it mounts where services do: in axum with
/// `Router::new().route("/as2", axum::routing::post_service(receiver))`. TLS is the host's; where the host sees a client
/// certificate it puts [`PeerCertificate`](crate::transport::PeerCertificate) into the extensions of the request, and
/// [`OverTls`](crate::transport::OverTls) for any connection over TLS.
///
/// Clones share everything. It keeps no state of messages but in its stores.
///
/// # Statuses
///
/// | status | when |
/// |---|---|
/// | 200 | a message was taken, or refused with the receipt that it asked for; a receipt of the partner's arrived |
/// | 400 | the AS2 headers are missing or malformed, the framing is ambiguous, the body is missing or broke off |
/// | 403 | the names make no partnership, or the connection is not the partner's |
/// | 405 | not a POST |
/// | 408 | the body comes too slowly |
/// | 413, 431 | the body or the header is too large |
/// | 415 | no `Content-Type`, or a `Content-Encoding` |
/// | 417 | an `Expect` of something else than `100-continue` |
/// | 503, with `Retry-After` | whatever a retry could cure: overload, shutdown, a store, spool, inbox or key store without an answer, another copy being delivered |
///
/// 401 and 404 are for the host's HTTP stack to give, which knows credentials and paths; 102 (Processing) too, where it
/// can: services of requests and responses cannot.
///
/// # What the time of an answer tells
///
/// Whether a message decrypts, and why not, is told neither by the answer nor by its time: a body is read to its end first,
/// and a key that cannot be unwrapped is replaced by one that does the same work. No such care is taken for what is no
/// secret between partners: names that make no partnership are answered sooner than a wrong signature of a partner is, and
/// a message that is delivered takes the inbox's time.
///
/// # Ending
///
/// [`close`](Self::close) refuses what comes from then on, and waits for what has begun.
///
/// ```
/// # use std::sync::Arc;
/// # use ediint::keystore::MemoryKeyStore;
/// # use ediint::store::{MemoryStore, Partnerships};
/// use ediint::{As2Receiver, ReceivedMessage};
///
/// # fn build(keys: MemoryKeyStore, partners: Arc<Partnerships>) -> Result<As2Receiver, Box<dyn std::error::Error>> {
/// let receiver = As2Receiver::builder(keys, partners, MemoryStore::new())
///     .inbox(|message: ReceivedMessage| async move {
///         let path = format!("inbox/{}", message.storage_key());
///         message.payload.persist(path).await
///     })
///     .build()?;
/// # Ok(receiver)
/// # }
/// ```
#[derive(Clone)]
pub struct As2Receiver {
    core: Arc<Core>,
}

/// What is to be answered.
enum Reply {
    /// No body.
    Nothing,
    /// The receipt in the response.
    Receipt(SealedReceipt),
    /// No body, and something to do afterwards.
    Later(AfterReply),
}

impl As2Receiver {
    /// Answers one request. Never fails: whatever is wrong has an answer.
    ///
    /// An asynchronous receipt is posted by a task that is spawned when the HTTP stack drops the body of the response.
    /// Use [`receive_split`](Self::receive_split) to decide that moment.
    pub async fn receive<B>(&self, request: Request<B>) -> Response<ReplyBody>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (response, after) = self.receive_split(request).await;
        response.map(|body| body.then(after))
    }

    /// Answers one request, and hands what has to be done after the response is out to the caller (RFC 4130 §7.2).
    pub async fn receive_split<B>(&self, request: Request<B>) -> (Response<ReplyBody>, Option<AfterReply>)
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        if let Some(page) = self.alive_page(request.method()) {
            return (page, None);
        }
        let span = telemetry::receive();
        let (response, after) = telemetry::timed("receive", span.clone(), self.answer_fully(&span, request)).await;
        span.record("status", response.status().as_u16());
        (response, after)
    }

    async fn answer_fully<B>(&self, span: &Span, request: Request<B>) -> (Response<ReplyBody>, Option<AfterReply>)
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        match self.answer(span, request).await {
            Ok(Reply::Nothing) => (empty(self.core.empty_status), None),
            Ok(Reply::Later(after)) => (empty(self.core.empty_status), Some(after)),
            Ok(Reply::Receipt(receipt)) => (receipt.into_response().map(ReplyBody::new), None),
            Err(refused) => {
                self.core.tell(&ReceiverEvent::RequestRefused(&refused));
                (refusal(&refused), None)
            }
        }
    }

    async fn answer<B>(&self, span: &Span, request: Request<B>) -> Result<Reply, Refused>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        if request.method() != Method::POST {
            return Err(Refused::Method);
        }
        let place = self.core.gate.enter()?;
        let (head, body) = request.into_parts();
        message::answer(&self.core, span, &place, head, body).await
    }

    /// Refuses all requests from now on with 503, in all clones, and resolves when those that have begun are done, their
    /// deliveries included. Close listeners afterwards, so that partners get an answer and not an error.
    ///
    /// It is closed at once, whatever becomes of the future. Asynchronous receipts that are on record and not posted yet
    /// stay in the outbox of the message store.
    pub fn close(&self) -> impl Future<Output = ()> + Send + 'static {
        self.core.gate.close();
        self.core.gate.emptied()
    }

    /// How many requests are being answered, for the host's metrics: see
    /// [`As2ReceiverBuilder::concurrency`].
    #[must_use]
    pub fn in_progress(&self) -> u16 {
        self.core.gate.inside()
    }

    fn alive_page(&self, method: &Method) -> Option<Response<ReplyBody>> {
        let page = self.core.alive_page.as_ref()?;
        let content = match *method {
            Method::GET => page.clone(),
            Method::HEAD => Bytes::new(),
            _ => return None,
        };
        let mut response = Response::new(ReplyBody::new(content));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(page.len()));
        Some(response)
    }
}

fn empty(status: StatusCode) -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody::new(Bytes::new()));
    *response.status_mut() = status;
    if status != StatusCode::NO_CONTENT {
        let headers = response.headers_mut();
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    response
}

fn refusal(refused: &Refused) -> Response<ReplyBody> {
    let mut response = empty(refused.status());
    match refused.status() {
        StatusCode::METHOD_NOT_ALLOWED => response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST")),
        StatusCode::SERVICE_UNAVAILABLE => response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from_static("60")),
        _ => None,
    };
    response
}

impl<B> tower_service::Service<Request<B>> for As2Receiver
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Response = Response<ReplyBody>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let receiver = self.clone();
        Box::pin(async move { Ok(receiver.receive(request).await) })
    }
}

impl fmt::Debug for As2Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("As2Receiver").finish_non_exhaustive()
    }
}
