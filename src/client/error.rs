use std::io;
use std::time::Duration;

use http::Uri;

use super::queue::{PutAgainError, QueuedError};
use crate::algorithm::LegacyAlgorithm;
use crate::attachments::AttachmentsError;
use crate::cms::{Certificate, CertificateError};
use crate::envelope::{EncodeError, OutgoingHeaderError};
use crate::exchange::ReadError;
use crate::keystore::KeyStoreError;
use crate::mime::{ContentTypeError, HeaderError};
use crate::name::As2Name;
use crate::spool::PersistError;
use crate::store::{ExchangeId, StoreError};
use crate::transport::{StatusError, TransportError};

/// Why a message could not be prepared. Nothing has been sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// Unencrypted content over plain http, which the partnership does not allow (CLI-04).
    #[error("the message would go unencrypted to {0}: encrypt it, use https, or allow plaintext in the send profile")]
    Plaintext(Uri),
    /// The partnership's URL is neither http nor https, or not absolute.
    #[error("the partnership's URL {0} is not an absolute http or https URL")]
    Url(Uri),
    /// The send profile names an algorithm that is only read (SMI-14, SMI-20).
    #[error("the send profile: {0}")]
    Legacy(#[from] LegacyAlgorithm),
    /// The key store has no usable answer.
    #[error("key store: {0}")]
    KeyStore(#[from] KeyStoreError),
    /// No certificate is configured to encrypt for the partner.
    #[error("no certificate is configured to encrypt for {0}")]
    NoRecipient(As2Name),
    /// An RSA key is shorter than the send profile allows (SEC-14).
    #[error("the RSA key of {certificate} has {bits} bits, fewer than the {minimum} that the send profile allows")]
    WeakKey {
        /// The certificate of the key, ours or the partner's.
        certificate: Certificate,
        /// The length of its modulus.
        bits: usize,
        /// The shortest that is allowed.
        minimum: usize,
    },
    /// A certificate that the message is to be encrypted for has expired, or is not valid yet (KEY-11).
    #[error(
        "the recipient's certificate {certificate} (fingerprint {}) is not valid at this time: configure its successor, or \
         let the send profile encrypt for expired certificates", .certificate.fingerprint_hex()
    )]
    NotValid {
        /// The certificate.
        certificate: Certificate,
    },
    /// Our own signing certificate cannot be read.
    #[error("our signing certificate cannot be read")]
    SigningCertificate(#[source] CertificateError),
    /// The payload could not be read.
    #[error("reading the payload failed")]
    Payload(#[source] io::Error),
    /// The encoded message could not be kept, or its layers could not be made.
    #[error("encoding the message failed")]
    Encode(#[from] EncodeError),
    /// A subject, file name, content type or header cannot be sent as it is.
    #[error(transparent)]
    Header(#[from] OutgoingHeaderError),
    /// The attachments cannot be put together.
    #[error(transparent)]
    Attachments(#[from] AttachmentsError),
    /// The content type is none.
    #[error("content type: {0}")]
    ContentType(#[from] ContentTypeError),
}

/// Why sending failed. What the partner answered to a message that arrived is not an error: see
/// [`Receipt`](crate::Receipt).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The message could not be prepared. Nothing was sent.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// The message could not be put on record, so it was not sent; or its receipt could not be.
    #[error("message store: {0}")]
    Store(#[from] StoreError),
    /// The key store had no answer when the receipt was to be verified. The message was sent.
    #[error("key store: {0}")]
    KeyStore(#[from] KeyStoreError),
    /// The receipt could not be kept while it was read.
    #[error("reading the receipt failed")]
    Receipt(#[source] io::Error),
    /// The message cannot be put into an HTTP request.
    #[error(transparent)]
    Request(#[from] http::Error),
    /// The exchange failed. Whether the message arrived may be unknown: a retry sends identical octets.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The partner's server refused the request (RFC 4130 §5.4).
    #[error(transparent)]
    Status(#[from] Box<StatusError>),
}

/// Why a message could not be put into the outbox. Nothing will be sent, unless the store has the message all the same:
/// [`StoreError::Unavailable`] says nothing about that.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// The message could not be prepared.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// The encoded message could not be put into the outbox directory.
    #[error("outbox: {0}")]
    Persist(#[from] PersistError),
    /// The octets of the message that is to be sent again cannot be had; or there is no outbox directory.
    #[error(transparent)]
    Queued(#[from] QueuedError),
    /// The message could not be put on record.
    #[error("message store: {0}")]
    Store(#[from] StoreError),
    /// No such message is on record.
    #[error("no message {0} is on record")]
    Unknown(ExchangeId),
    /// The partner has answered the message with a receipt: there is nothing to be tried again.
    #[error("message {0} has its receipt")]
    Answered(ExchangeId),
    /// The header fields of the message are too many or too long to be read from its record again.
    #[error("the header fields of the message cannot be kept")]
    Head(#[source] HeaderError),
    /// The message was being put into the outbox when the runtime shut down.
    #[error("the runtime is shutting down")]
    ShuttingDown(#[source] io::Error),
}

impl From<PutAgainError> for SubmitError {
    fn from(error: PutAgainError) -> Self {
        match error {
            PutAgainError::Queued(error) => Self::Queued(error),
            PutAgainError::Persist(error) => Self::Persist(error),
        }
    }
}

impl From<HeaderError> for PrepareError {
    fn from(error: HeaderError) -> Self {
        Self::Header(error.into())
    }
}

impl From<ReadError> for SendError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::KeyStore(error) => Self::KeyStore(error),
            ReadError::Io(error) => Self::Receipt(error),
        }
    }
}

impl SendError {
    /// How long the partner asks us to wait before the next attempt.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status(error) => error.retry_after(),
            _ => None,
        }
    }

    /// Whether the same message may well arrive later: send the [`PreparedMessage`](crate::PreparedMessage) again.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Prepare(PrepareError::KeyStore(error)) | Self::KeyStore(error) => {
                matches!(error, KeyStoreError::Unavailable(_))
            }
            Self::Prepare(_) | Self::Receipt(_) | Self::Request(_) => false,
            Self::Store(error) => matches!(error, StoreError::Unavailable(_)),
            Self::Transport(error) => error.is_transient(),
            Self::Status(error) => error.is_transient(),
        }
    }
}
