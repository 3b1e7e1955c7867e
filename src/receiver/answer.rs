//! What goes back: each thing that can become of a request has exactly one wire form.

use std::error::Error;
use std::io;

use http::StatusCode;
use tokio::task::JoinError;

use super::inbox::InboxError;
use crate::envelope::{As2HeaderError, RefusalReason};
use crate::keystore::KeyStoreError;
use crate::mdn::{Disposition, ErrorModifier, FailureModifier, WarningModifier};
use crate::mic::Mic;
use crate::name::As2Name;
use crate::store::{PartnershipStoreError, StoreError};

/// Why a request is answered with an HTTP status alone: there is nobody to give a receipt to, or nothing final to say.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// Not a POST.
    #[error("only POST reaches AS2")]
    Method,
    /// `Content-Length` beside `Transfer-Encoding`, several of them, or one that is no number (RFC 9112 §6.3).
    #[error("the framing of the request is ambiguous")]
    Framing,
    /// All header fields together are larger than 32 KiB.
    #[error("the header of the request is too large")]
    HeaderTooLarge,
    /// A `Content-Encoding`, which AS2 does not use (RFC 4130 §5.2.2).
    #[error("Content-Encoding {0:?} is not supported")]
    ContentEncoding(String),
    /// An `Expect` of something else than `100-continue` (RFC 9110 §10.1.1).
    #[error("Expect {0:?} is not supported")]
    Expectation(String),
    /// The AS2 headers are missing or malformed.
    #[error(transparent)]
    Headers(#[from] As2HeaderError),
    /// No `Message-ID`, so that neither duplicates nor receipts could be matched.
    #[error("the header Message-ID is missing")]
    NoMessageId,
    /// No `Content-Type`, or none that is one.
    #[error("the header Content-Type is missing or malformed")]
    NoContentType,
    /// No body, and no receipt to say so in.
    #[error("the request has no body")]
    EmptyBody,
    /// The body is larger than allowed.
    #[error("the body is larger than {0} octets")]
    TooLarge(u64),
    /// The body ended early, or its connection broke.
    #[error("the body of the request broke off")]
    BodyBroken(#[source] Box<dyn Error + Send + Sync>),
    /// The message is refused, asked for no receipt, and the receiver is set to say so all the same. One status for all
    /// reasons (RFC 4130 §7.6 asks for none).
    #[error("the message is refused")]
    Message,
    /// No partnership of the two names, and no receipt to say so in. Answered with the status that the receiver is set
    /// to give (default 403).
    #[error("no partnership from {:?} to {:?} is configured", .from.as_str(), .to.as_str())]
    UnknownPartner {
        /// The sender.
        from: As2Name,
        /// Whom it is for.
        to: As2Name,
        /// What is answered.
        status: StatusCode,
    },
    /// The client certificate is not one of those configured for the partner (TRN-27).
    #[error("the connection is not one of the partner's, {:?}: its client certificate is missing or another", .0.as_str())]
    NotThePartner(As2Name),
    /// The body comes too slowly, or for too long (SEC-29).
    #[error("the body of the request came too slowly")]
    TooSlow,
    /// As many requests are being answered as may be at one time (RCV-20).
    #[error("too many requests are being answered")]
    Overloaded,
    /// The receiver is closed: its process is about to end.
    #[error("the receiver is closed")]
    Closed,
    /// The host throttles the sender: too many of its messages could not be decrypted (SEC-04).
    #[error("too many messages of this sender could not be decrypted")]
    Throttled,
    /// A copy of the message is being delivered.
    #[error("another copy of the message is being delivered")]
    InProgress,
    /// The partnership store has no answer.
    #[error(transparent)]
    Partnerships(#[from] PartnershipStoreError),
    /// The key store has no answer.
    #[error(transparent)]
    KeyStore(KeyStoreError),
    /// The message store has no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The payload cannot be kept: the disk is full, or the quota used up.
    #[error("the payload cannot be spooled")]
    Spool(#[source] io::Error),
    /// The host cannot take the message at present.
    #[error(transparent)]
    Inbox(#[from] InboxError),
    /// The host's code panicked, or its runtime is shutting down.
    #[error("the work on the request was stopped")]
    Stopped(#[source] JoinError),
    /// The receipt could not be made.
    #[error("the receipt could not be made: {0}")]
    Receipt(#[source] Box<dyn Error + Send + Sync>),
}

impl Refused {
    /// The status of the response. What a retry could cure is 503, for the sender must not take it for final.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Framing
            | Self::Headers(_)
            | Self::NoMessageId
            | Self::EmptyBody
            | Self::BodyBroken(_)
            | Self::Message => StatusCode::BAD_REQUEST,
            Self::HeaderTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::ContentEncoding(_) | Self::NoContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Expectation(_) => StatusCode::EXPECTATION_FAILED,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnknownPartner { status, .. } => *status,
            Self::NotThePartner(_) => StatusCode::FORBIDDEN,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Overloaded
            | Self::Closed
            | Self::Throttled
            | Self::InProgress
            | Self::Partnerships(_)
            | Self::KeyStore(_)
            | Self::Store(_)
            | Self::Spool(_)
            | Self::Inbox(_)
            | Self::Stopped(_)
            | Self::Receipt(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// What became of a message, for its receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The host has it.
    Processed(Mic),
    /// The host has it, but something was odd.
    Warning(WarningModifier, Mic),
    /// Delivered although its signer is not the partner, as the policy says.
    ContinuedUnauthenticated(Mic),
    /// It had been delivered before, and the receipt of then is not there.
    Duplicate(Option<Mic>),
    /// The verdict refuses it.
    Refused(RefusalReason, Option<Mic>),
    /// The host refuses it.
    Rejected(ErrorModifier, Mic),
    /// Another message was delivered under its Message-ID.
    Conflict(Mic),
    /// The receipt that it insists on cannot be given, so it is not delivered.
    ReceiptUnsupported(FailureModifier),
    /// Another major version of AS2, or a body that is missing: nothing to look into.
    NotProcessable,
    /// No partnership of the two names.
    UnknownPartner(ErrorModifier),
}

impl Outcome {
    pub(super) fn disposition(&self) -> Disposition {
        match self {
            Self::Processed(_) => Disposition::processed(),
            Self::Warning(warning, _) => Disposition::warning(warning.clone()),
            Self::ContinuedUnauthenticated(_) => {
                Disposition::warning(WarningModifier::AuthenticationFailedProcessingContinued)
            }
            Self::Duplicate(_) => Disposition::warning(WarningModifier::DuplicateDocument),
            Self::Refused(reason, _) => Disposition::error(modifier(*reason)),
            Self::Rejected(error, _) | Self::UnknownPartner(error) => Disposition::error(error.clone()),
            Self::ReceiptUnsupported(failure) => Disposition::failure(failure.clone()),
            Self::Conflict(_) | Self::NotProcessable => Disposition::error(ErrorModifier::UnexpectedProcessingError),
        }
    }

    pub(super) fn mic(&self) -> Option<&Mic> {
        match self {
            Self::Processed(mic)
            | Self::Warning(_, mic)
            | Self::ContinuedUnauthenticated(mic)
            | Self::Rejected(_, mic)
            | Self::Conflict(mic) => Some(mic),
            Self::Duplicate(mic) | Self::Refused(_, mic) => mic.as_ref(),
            Self::ReceiptUnsupported(_) | Self::NotProcessable | Self::UnknownPartner(_) => None,
        }
    }
}

fn modifier(reason: RefusalReason) -> ErrorModifier {
    match reason {
        RefusalReason::DecryptionFailed => ErrorModifier::DecryptionFailed,
        RefusalReason::DecompressionFailed => ErrorModifier::DecompressionFailed,
        RefusalReason::AuthenticationFailed => ErrorModifier::AuthenticationFailed,
        RefusalReason::IntegrityCheckFailed => ErrorModifier::IntegrityCheckFailed,
        RefusalReason::InsufficientMessageSecurity => ErrorModifier::InsufficientMessageSecurity,
        RefusalReason::UnexpectedProcessingError => ErrorModifier::UnexpectedProcessingError,
    }
}
