//! Receipts of ours that are posted: one attempt, by whoever holds the claim on it.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Request, Response, Uri};

use crate::entropy::Entropy;
use crate::limits::Limits;
use crate::mime::HeaderBlock;
use crate::partnership::{Partnership, RetryDecision};
use crate::store::{ClaimToken, ExchangeId, MessageStore, PostStep, ReceivedRecord, StoreError};
use crate::transport::{Egress, HttpClient, RequestBody, StatusError, TransportError, require_success};

/// How much is read of what a partner's server says to a receipt that it refuses.
const ANSWER_MAX: usize = 16 << 10;

/// The longest time that posting a receipt may take, whatever the partnership says of messages (SEC-22).
const POST_TIME: Duration = Duration::from_secs(120);

/// How long the claim on a receipt lasts that is being posted: nobody else may be at it as long as we may be.
pub(crate) const POST_LEASE: Duration = Duration::from_secs(150);

/// A receipt as it goes over the wire, in a response or in a request of its own.
#[derive(Clone, Debug)]
pub(crate) struct SealedReceipt {
    headers: HeaderBlock,
    body: Bytes,
}

impl SealedReceipt {
    pub(crate) fn new(headers: HeaderBlock, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self { headers, body }
    }

    /// Header fields, an empty line, the body: what the store keeps.
    pub(crate) fn to_bytes(&self) -> Bytes {
        self.headers.followed_by(&self.body).into()
    }

    /// Reads what [`to_bytes`](Self::to_bytes) gave; `None` where there is nothing.
    pub(crate) fn from_bytes(stored: &Bytes) -> Option<Self> {
        let end = memchr::memmem::find(stored, b"\r\n\r\n")?;
        let headers = HeaderBlock::parse(stored.get(..end + 2)?, &Limits::default()).ok()?;
        Some(Self::new(headers, stored.slice(end + 4..)))
    }

    /// The response that carries it.
    pub(crate) fn into_response(self) -> Response<Bytes> {
        let mut response = Response::new(self.body);
        let length = response.body().len();
        let headers = response.headers_mut();
        for field in self.headers.iter() {
            let name = http::HeaderName::try_from(field.name());
            let value = HeaderValue::from_bytes(field.value());
            if let (Ok(name), Ok(value)) = (name, value) {
                headers.append(name, value);
            }
        }
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        response
    }

    fn request(&self, url: &Uri) -> Result<Request<RequestBody>, http::Error> {
        let mut request = Request::post(url.clone());
        for field in self.headers.iter() {
            // What a server calls itself is a user agent's name in a request.
            let name = match field.name() {
                "Server" => "User-Agent",
                name => name,
            };
            request = request.header(name, field.value());
        }
        request.body(RequestBody::from(self.body.clone()))
    }
}

/// A receipt of ours that is to be posted, claimed in the store.
#[derive(Clone, Debug)]
pub(crate) struct PostJob {
    /// The message.
    pub(crate) id: ExchangeId,
    /// Proves the claim.
    pub(crate) token: ClaimToken,
    pub(crate) url: Uri,
    pub(crate) receipt: SealedReceipt,
    /// Attempts, this one included.
    pub(crate) made: u32,
    /// The time since the first of them.
    pub(crate) elapsed: Duration,
}

/// What came of an attempt.
#[derive(Debug)]
pub(crate) enum Posted {
    /// The partner has the receipt.
    Delivered,
    /// It will be tried again.
    Postponed { error: PostError, after: Duration },
    /// It is given up.
    GivenUp(PostError),
    /// Somebody else has it now.
    ClaimLost,
}

impl PostJob {
    /// The job that a record makes whose receipt is claimed under `token`; `None` where there is nothing to post.
    pub(crate) fn new(id: &ExchangeId, token: ClaimToken, record: &ReceivedRecord, now: SystemTime) -> Option<Self> {
        let posting = record.posting.as_ref()?;
        // A clock that was put back has let no time pass.
        let elapsed = posting.attempts.first_at.and_then(|then| now.duration_since(then).ok());
        Some(Self {
            id: id.clone(),
            token,
            url: posting.url.clone(),
            receipt: SealedReceipt::from_bytes(&record.reply)?,
            // A record that is about to be made counts no attempt yet.
            made: posting.attempts.made.max(1),
            elapsed: elapsed.unwrap_or_default(),
        })
    }

    /// Posts the receipt once, the same octets at each attempt (RCV-11), and notes in the store how it went. The claim
    /// has to last for [`POST_LEASE`].
    pub(crate) async fn run(
        &self,
        store: &dyn MessageStore,
        client: Option<&dyn HttpClient>,
        partnership: &Partnership,
        entropy: &dyn Entropy,
    ) -> Posted {
        let result = match client {
            Some(client) => post(client, partnership, &self.url, &self.receipt).await,
            None => Err(PostError::NoClient),
        };
        let (step, posted) = match result {
            Ok(()) => (PostStep::Delivered, Posted::Delivered),
            Err(error) => match self.decide(partnership, &error, entropy) {
                RetryDecision::After(after) => {
                    let told = error.to_string();
                    (
                        PostStep::Retry { after, error: told },
                        Posted::Postponed { error, after },
                    )
                }
                RetryDecision::GiveUp => {
                    let told = error.to_string();
                    (PostStep::Failed { error: told }, Posted::GivenUp(error))
                }
            },
        };
        match store.update_posting(&self.id, self.token, step).await {
            Ok(()) => posted,
            Err(StoreError::ClaimLost) => Posted::ClaimLost,
            Err(error) => {
                // It is due again when the lease ends: the partner may get it twice, and bears that.
                tracing::warn!(id = %self.id, %error, "how the posting of a receipt went could not be noted");
                posted
            }
        }
    }

    fn decide(&self, partnership: &Partnership, error: &PostError, entropy: &dyn Entropy) -> RetryDecision {
        if !error.is_transient() {
            return RetryDecision::GiveUp;
        }
        let policy = partnership.receipt_retry_policy();
        policy.decide(self.made, self.elapsed, error.retry_after(), &mut *entropy.rng())
    }
}

/// Posts a receipt once.
pub(crate) async fn post(
    client: &dyn HttpClient,
    partnership: &Partnership,
    url: &Uri,
    receipt: &SealedReceipt,
) -> Result<(), PostError> {
    let mut request = receipt.request(url)?;
    let egress = match partnership.allows_receipt_to(url) {
        true => Egress::NamedHost,
        false => Egress::Stranger,
    };
    request.extensions_mut().insert(egress);
    let mut profile = partnership.http_profile().clone();
    profile.timeouts.total = profile.timeouts.total.min(POST_TIME);
    let response = client.send(request, &profile).await?;
    require_success(response, ANSWER_MAX).await.map_err(Box::new)?;
    Ok(())
}

/// Why an asynchronous receipt could not be posted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostError {
    /// The exchange failed.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The partner's server refused it.
    #[error(transparent)]
    Status(#[from] Box<StatusError>),
    /// The receipt cannot be put into an HTTP request.
    #[error(transparent)]
    Request(#[from] http::Error),
    /// There is no HTTP client to post it with.
    #[error("there is no HTTP client to post receipts with")]
    NoClient,
    /// Too many receipts are being posted, and this one is on no record: those to refused messages are not.
    #[error("too many receipts are being posted, and this one is on no record")]
    TooMany,
}

impl PostError {
    /// Whether the same request may well succeed later.
    fn is_transient(&self) -> bool {
        match self {
            Self::Transport(error) => error.is_transient(),
            Self::Status(error) => error.is_transient(),
            Self::NoClient | Self::TooMany => true,
            Self::Request(_) => false,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status(error) => error.retry_after(),
            Self::Transport(_) | Self::Request(_) | Self::NoClient | Self::TooMany => None,
        }
    }
}
