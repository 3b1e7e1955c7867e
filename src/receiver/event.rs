use std::fmt;

use http::Uri;

use super::answer::Refused;
use crate::cms::Certificate;
use crate::envelope::RefusalDetail;
use crate::exchange::Receipt;
use crate::mdn::{Disposition, MdnError};
use crate::name::As2Name;
use crate::store::ExchangeId;
use crate::transport::{StatusError, TransportError};

/// What happened in a receiver, for the host's log and alarms. None of the detail has been told to the partner.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReceiverEvent<'a> {
    /// A message was delivered.
    Delivered {
        /// The message; `None` for one without a Message-ID.
        id: Option<&'a ExchangeId>,
        /// What its receipt says.
        disposition: &'a Disposition,
        /// The configured certificate whose key signed the message: during a rollover it tells which one the partner
        /// uses (KEY-14).
        signer: Option<&'a Certificate>,
        /// The signer's certificate is not valid at present, and the policy takes it all the same (SEC-45).
        expired_certificate: bool,
    },
    /// A message was delivered before; its receipt was sent again.
    Duplicate(&'a ExchangeId),
    /// A message came under the Message-ID of another one that was delivered. It was refused.
    Conflict(&'a ExchangeId),
    /// A message was refused. It is answered with the receipt that it asked for.
    MessageRefused {
        /// The partner's name.
        from: &'a As2Name,
        /// Ours.
        to: &'a As2Name,
        /// The message; `None` for one without a Message-ID, and where the two names make no partnership.
        id: Option<&'a ExchangeId>,
        /// What the partner was told, or would have been had it asked for a receipt.
        disposition: &'a Disposition,
        /// What really happened.
        detail: Option<&'a RefusalDetail>,
    },
    /// A request was answered with an HTTP status alone.
    RequestRefused(&'a Refused),
    /// A message asks for its receipt at an address that no receipt is sent to: not http, or none that the partnership
    /// allows (SEC-20).
    ReceiptNotAllowed {
        /// The message; `None` for one without a Message-ID.
        id: Option<&'a ExchangeId>,
        /// The address.
        destination: &'a str,
    },
    /// An asynchronous receipt was posted.
    ReceiptPosted {
        /// The message.
        id: &'a ExchangeId,
        /// Where its receipt went.
        url: &'a Uri,
    },
    /// An asynchronous receipt could not be posted, and is given up.
    ReceiptNotPosted {
        /// The message.
        id: &'a ExchangeId,
        /// Where its receipt should have gone.
        url: &'a Uri,
        /// Why the last attempt failed.
        error: &'a PostError,
    },
    /// A receipt arrived that closes no record: wrong signer, another message, a second one.
    ReceiptIgnored {
        /// The partner's name.
        from: &'a As2Name,
        /// Ours.
        to: &'a As2Name,
        /// Why.
        reason: &'a IgnoredReceipt,
    },
}

/// One line for a log.
impl fmt::Display for ReceiverEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delivered { id, disposition, .. } => write!(f, "delivered {}: {disposition}", Named(*id)),
            Self::Duplicate(id) => write!(f, "{id} again, answered as before"),
            Self::Conflict(id) => write!(f, "another message under the id of {id}, refused"),
            Self::MessageRefused {
                from,
                to,
                id,
                disposition,
                detail,
            } => {
                match id {
                    Some(id) => write!(f, "refused {id}: {disposition}")?,
                    None => write!(f, "refused a message from {from} to {to}: {disposition}")?,
                }
                detail.map_or(Ok(()), |detail| write!(f, " ({detail})"))
            }
            Self::RequestRefused(refused) => write!(f, "refused a request with {}: {refused}", refused.status()),
            Self::ReceiptNotAllowed { id, destination } => {
                write!(
                    f,
                    "no receipt for {}: {destination:?} is not an address of the partner",
                    Named(*id)
                )
            }
            Self::ReceiptPosted { id, url } => write!(f, "posted the receipt for {id} to {url}"),
            Self::ReceiptNotPosted { id, url, error } => {
                write!(f, "could not post the receipt for {id} to {url}: {error}")
            }
            Self::ReceiptIgnored { from, to, reason } => {
                write!(f, "a receipt from {from} to {to} is ignored: {reason}")
            }
        }
    }
}

/// A message that may lack an identifier.
struct Named<'a>(Option<&'a ExchangeId>);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(id) => id.fmt(f),
            None => f.write_str("a message without a Message-ID"),
        }
    }
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
    /// The receiver is set to make no attempt.
    #[error("the receiver is set to make no attempt at posting receipts")]
    NoAttempt,
    /// The receiver was built without an HTTP client.
    #[error("the receiver has no HTTP client to post receipts with")]
    NoClient,
}

/// Why a receipt that arrived closes no record (CLI-10).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IgnoredReceipt {
    /// It cannot be read.
    #[error(transparent)]
    Invalid(#[from] MdnError),
    /// It is larger than a receipt may be.
    #[error("the receipt is too large")]
    TooLarge,
    /// It names no message.
    #[error("the receipt has no Original-Message-ID")]
    NoMessageId,
    /// No message of that id was sent to this partner.
    #[error("no message {0} is on record")]
    UnknownMessage(ExchangeId),
    /// A receipt had closed the record before (SEC-17).
    #[error("a receipt for {0} had arrived before")]
    AlreadyResolved(ExchangeId),
    /// It does not count: not signed though it had to be, signed by somebody else, or damaged.
    #[error("the receipt for {} does not count: {}", .0.id, .0.status)]
    NotConfirming(Box<Receipt>),
}
