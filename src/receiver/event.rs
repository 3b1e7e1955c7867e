use std::fmt;
use std::time::{Duration, SystemTime};

use http::Uri;

use super::answer::Refused;
use super::failures::DecryptionFailures;
use crate::cms::Certificate;
use crate::envelope::RefusalDetail;
use crate::exchange::{PostError, Receipt};
use crate::mdn::{Disposition, MdnError};
use crate::mic::Mic;
use crate::name::As2Name;
use crate::partnership::Weakness;
use crate::store::ExchangeId;

/// What happened in a receiver, for the host's log, alarms and audit. None of the detail has been told to the partner, and
/// nothing of a message's content is in it.
///
/// A message that is taken is `Received`, `Decrypted` and `Verified`, as far as it was encrypted and signed, `Delivered`,
/// and its receipt is `ReceiptSent` or, asynchronous, `ReceiptPosted`. All others end with one event that says why.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReceiverEvent<'a> {
    /// The body of a message arrived, to its end; what it is worth is yet to be seen.
    Received {
        /// The partner's name.
        from: &'a As2Name,
        /// Ours.
        to: &'a As2Name,
        /// The message; `None` for one without a Message-ID.
        id: Option<&'a ExchangeId>,
        /// The octets of the body on the wire.
        octets: u64,
        /// The SHA-256 of the body.
        body_digest: &'a [u8; 32],
    },
    /// A message that passed the verdict was decrypted.
    Decrypted {
        /// The partner's name.
        from: &'a As2Name,
        /// Ours.
        to: &'a As2Name,
        /// The message; `None` for one without a Message-ID.
        id: Option<&'a ExchangeId>,
        /// Our certificate.
        certificate: &'a Certificate,
    },
    /// The signature of a message verified, and the message passed the verdict.
    Verified {
        /// The partner's name.
        from: &'a As2Name,
        /// Ours.
        to: &'a As2Name,
        /// The message; `None` for one without a Message-ID.
        id: Option<&'a ExchangeId>,
        /// The partner's certificate.
        certificate: &'a Certificate,
        /// When the partner says it signed.
        signing_time: Option<SystemTime>,
    },
    /// A message was delivered.
    Delivered {
        /// The partner's name.
        from: &'a As2Name,
        /// Ours.
        to: &'a As2Name,
        /// The message; `None` for one without a Message-ID.
        id: Option<&'a ExchangeId>,
        /// The octets of the payload.
        octets: u64,
        /// The digest that the receipt returns.
        mic: &'a Mic,
        /// What its receipt says.
        disposition: &'a Disposition,
        /// The configured certificate whose key signed the message: during a rollover it tells which one the partner
        /// uses (KEY-14).
        signer: Option<&'a Certificate>,
        /// The signer's certificate is not valid at present, and the policy takes it all the same (SEC-45).
        expired_certificate: bool,
        /// What of the message is weak and counts only because the policy allows it (SEC-14).
        weaknesses: &'a [Weakness],
    },
    /// A message was delivered before; its receipt was sent again.
    Duplicate(&'a ExchangeId),
    /// A message came under the Message-ID of another one that was delivered. It was refused.
    Conflict(&'a ExchangeId),
    /// The signature of a message was delivered before, under another Message-ID: see
    /// [`ReplayRules::each_signature_once`](crate::ReplayRules::each_signature_once). It is answered as a duplicate.
    Replayed {
        /// The message.
        id: &'a ExchangeId,
        /// The one that was delivered.
        first: &'a ExchangeId,
    },
    /// A message could not be decrypted, or was altered inside its encryption. Many of them are an attack (SEC-04).
    DecryptionFailed(DecryptionFailures<'a>),
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
    /// A receipt leaves in the response, for a message that was delivered, now or before, or refused.
    ReceiptSent {
        /// The partner's name.
        from: &'a As2Name,
        /// Ours.
        to: &'a As2Name,
        /// The message; `None` for one without a Message-ID.
        id: Option<&'a ExchangeId>,
    },
    /// An asynchronous receipt was posted.
    ReceiptPosted {
        /// The message.
        id: &'a ExchangeId,
        /// Where its receipt went.
        url: &'a Uri,
    },
    /// An asynchronous receipt could not be posted, and waits in the outbox for another attempt.
    ReceiptPostponed {
        /// The message.
        id: &'a ExchangeId,
        /// Where its receipt should have gone.
        url: &'a Uri,
        /// Why the attempt failed.
        error: &'a PostError,
        /// When the next attempt is due, from now.
        after: Duration,
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
            Self::Received {
                from, to, id, octets, ..
            } => match id {
                Some(id) => write!(f, "received {octets} octets of {id}"),
                None => write!(f, "received {octets} octets from {from} to {to}"),
            },
            Self::Decrypted { id, certificate, .. } => {
                write!(f, "decrypted {} with the key of {certificate}", Named(*id))
            }
            Self::Verified { id, certificate, .. } => write!(f, "verified {}, signed by {certificate}", Named(*id)),
            Self::Delivered { id, disposition, .. } => write!(f, "delivered {}: {disposition}", Named(*id)),
            Self::Replayed { id, first } => write!(f, "{id} has the signature of {first}, answered as a duplicate"),
            Self::DecryptionFailed(failures) => {
                let peer = failures
                    .peer
                    .map_or_else(String::new, |peer| format!(", sent by {peer}"));
                let (from, to, count) = (failures.from, failures.to, failures.count);
                write!(
                    f,
                    "could not decrypt a message from {from} to {to}{peer}: {count} of late"
                )
            }
            Self::ReceiptSent { id, .. } => write!(f, "sent the receipt for {}", Named(*id)),
            Self::ReceiptPostponed { id, url, error, after } => {
                let seconds = after.as_secs();
                write!(
                    f,
                    "could not post the receipt for {id} to {url}: {error}; again in {seconds} s"
                )
            }
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
                    "no receipt for {}: {destination:?} is not an address of the partner; if it is, allow its host and port",
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
