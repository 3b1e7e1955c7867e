use std::io::Cursor;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use http::{Request, Uri};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::algorithm::DigestAlgorithm;
use crate::envelope::Structure;
use crate::message_id::MessageId;
use crate::mic::MicSet;
use crate::mime::HeaderBlock;
use crate::spool::{Spool, SpoolStream};
use crate::store::{ClaimToken, ExchangeId};
use crate::transport::RequestBody;

/// A message, encoded once: every attempt sends the same octets under the same Message-ID and Date (RFC 4130 §5.5).
///
/// Clones share the encoded octets.
#[derive(Clone, Debug)]
pub struct PreparedMessage {
    pub(super) id: ExchangeId,
    pub(super) url: Uri,
    pub(super) headers: HeaderBlock,
    pub(super) prefix: Bytes,
    pub(super) content: Arc<Spool>,
    pub(super) mics: MicSet,
    pub(super) requested_digest: DigestAlgorithm,
    pub(super) prepared_at: SystemTime,
    pub(super) payload_len: u64,
    pub(super) structure: Structure,
    pub(super) claim: Claimed,
}

/// The claim under which what became of the message is noted, once it is on record.
#[derive(Clone, Debug, Default)]
pub(super) struct Claimed(Arc<Mutex<Option<ClaimToken>>>);

impl Claimed {
    pub(super) fn set(&self, token: ClaimToken) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
    }

    pub(super) fn get(&self) -> Option<ClaimToken> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PreparedMessage {
    /// The Message-ID.
    #[must_use]
    pub fn message_id(&self) -> &MessageId {
        self.id.message_id()
    }

    /// Who sends the message, to whom, under which Message-ID.
    #[must_use]
    pub fn id(&self) -> &ExchangeId {
        &self.id
    }

    /// The digests of the message, one of which its receipt has to return (RFC 4130 §7.3.1).
    #[must_use]
    pub fn mics(&self) -> &MicSet {
        &self.mics
    }

    /// The HTTP header fields, in their order.
    #[must_use]
    pub fn headers(&self) -> &HeaderBlock {
        &self.headers
    }

    /// The layers. Displayed, they read outermost first: `encrypted(signed(payload))`.
    #[must_use]
    pub fn structure(&self) -> Structure {
        self.structure
    }

    /// The octets of the payload.
    #[must_use]
    pub fn payload_len(&self) -> u64 {
        self.payload_len
    }

    /// The octets of the body.
    #[must_use]
    pub fn content_length(&self) -> u64 {
        let prefix = u64::try_from(self.prefix.len()).unwrap_or(u64::MAX);
        self.content.len().saturating_add(prefix)
    }

    /// The HTTP request, for hosts that send it with a stack of their own: an absolute URL, and a body that gives
    /// [`content_length`](Self::content_length) octets. Each call makes the same request again.
    ///
    /// # Errors
    ///
    /// [`http::Error`] where a header cannot be expressed in HTTP; preparing the message has ruled that out.
    pub fn request(&self) -> Result<Request<RequestBody>, http::Error> {
        let content = Arc::clone(&self.content);
        let open = move || SpoolStream::new(Arc::clone(&content));
        request(&self.url, &self.headers, &self.prefix, open, self.content_length())
    }
}

/// The request of a message: every attempt is made of the same (RFC 4130 §5.5). `open` gives what follows the prefix,
/// from the beginning.
pub(crate) fn request<R>(
    url: &Uri,
    headers: &HeaderBlock,
    prefix: &Bytes,
    open: impl Fn() -> R + Send + Sync + 'static,
    content_length: u64,
) -> Result<Request<RequestBody>, http::Error>
where
    R: AsyncRead + Send + Sync + 'static,
{
    let mut request = Request::post(url.clone());
    for field in headers.iter() {
        request = request.header(field.name(), field.value());
    }
    let prefix = prefix.clone();
    let open = move || Cursor::new(prefix.clone()).chain(open());
    request.body(RequestBody::replayable(open, content_length))
}
