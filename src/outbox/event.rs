use std::fmt;
use std::time::Duration;

use http::Uri;

use crate::client::{QueuedError, SendError, SubmitError};
use crate::exchange::{PostError, Receipt};
use crate::store::{ExchangeId, PartnershipStoreError, StoreError};

/// What happened in an outbox, for the host's log, alarms and business.
#[derive(Debug)]
#[non_exhaustive]
pub enum OutboxEvent {
    /// The partner answered a message: with its receipt, good or bad, or with something that does not count as one. It is
    /// not sent again.
    Answered(Box<Receipt>),
    /// The partner has a message, and its asynchronous receipt is to come.
    AwaitingReceipt {
        /// The message.
        id: ExchangeId,
        /// How long it is waited for.
        within: Duration,
    },
    /// A message could not be sent, and will be tried again.
    Postponed {
        /// The message.
        id: ExchangeId,
        /// Why.
        error: WorkError,
        /// Which attempt it was.
        attempt: u32,
        /// When the next one is due, from now.
        after: Duration,
    },
    /// A message could not be sent, and is given up. [`As2Client::retry`](crate::As2Client::retry) has it tried again.
    Failed {
        /// The message.
        id: ExchangeId,
        /// Why the last attempt failed.
        error: WorkError,
        /// How many there were.
        attempts: u32,
    },
    /// The asynchronous receipt of a message has not come in time (REL-07). One that comes later still counts.
    MdnTimeout {
        /// The message.
        id: ExchangeId,
        /// What is done about it.
        next: AfterTimeout,
    },
    /// A receipt of ours was posted.
    ReceiptPosted {
        /// The message.
        id: ExchangeId,
        /// Where its receipt went.
        url: Uri,
    },
    /// A receipt of ours could not be posted, and will be tried again.
    ReceiptPostponed {
        /// The message.
        id: ExchangeId,
        /// Where its receipt should have gone.
        url: Uri,
        /// Why.
        error: WorkError,
        /// When the next attempt is due, from now.
        after: Duration,
    },
    /// A receipt of ours could not be posted, and is given up.
    ReceiptNotPosted {
        /// The message.
        id: ExchangeId,
        /// Where its receipt should have gone.
        url: Uri,
        /// Why the last attempt failed.
        error: WorkError,
    },
    /// The message store cannot do its work at present. It is asked again.
    StoreUnavailable(StoreError),
    /// Files were removed from the outbox directory: of messages that were given up or answered, or are not on record
    /// because a process died.
    Swept {
        /// How many.
        files: usize,
    },
    /// The outbox directory cannot be cleared up at present.
    NotSwept(std::io::Error),
}

/// What is done about a receipt that has not come.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AfterTimeout {
    /// Nothing more: the message has expired.
    GiveUp,
    /// It is sent again, octet for octet.
    Resend,
    /// It is sent again under this id.
    ResendAs(ExchangeId),
}

/// Why work on a message in the outbox failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkError {
    /// Sending it failed.
    #[error(transparent)]
    Send(#[from] SendError),
    /// Its octets cannot be had.
    #[error(transparent)]
    Queued(#[from] QueuedError),
    /// It could not be put into the outbox under another Message-ID.
    #[error("sending it again as a new message: {0}")]
    Resubmit(#[from] SubmitError),
    /// It is sent again under another Message-ID, and so not under this one.
    #[error("sent again as {}", .0.message_id())]
    SentAgain(ExchangeId),
    /// The partnership store cannot answer.
    #[error(transparent)]
    Partnerships(#[from] PartnershipStoreError),
    /// The two names make no partnership any more.
    #[error("there is no partnership of these two names")]
    NoPartnership,
    /// Posting a receipt failed.
    #[error(transparent)]
    Post(#[from] PostError),
    /// The receipt on record cannot be read.
    #[error("the receipt on record cannot be read")]
    Receipt,
    /// The worker was to stop.
    #[error("broken off, because the worker was to stop")]
    Stopped,
}

/// One line for a log.
impl fmt::Display for OutboxEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(receipt) => write!(f, "{}: {}", receipt.id, receipt.status),
            Self::AwaitingReceipt { id, within } => write!(f, "sent {id}, whose receipt is due within {within:?}"),
            Self::Postponed {
                id,
                error,
                attempt,
                after,
            } => write!(
                f,
                "attempt {attempt} to send {id} failed, the next one is due in {after:?}: {error}"
            ),
            Self::Failed { id, error, attempts } => write!(f, "gave {id} up after {attempts} attempts: {error}"),
            Self::MdnTimeout { id, next } => {
                write!(f, "no receipt for {id} in time: ")?;
                match next {
                    AfterTimeout::GiveUp => f.write_str("expired"),
                    AfterTimeout::Resend => f.write_str("sent again"),
                    AfterTimeout::ResendAs(new) => write!(f, "sent again as {}", new.message_id()),
                }
            }
            Self::ReceiptPosted { id, url } => write!(f, "posted the receipt for {id} to {url}"),
            Self::ReceiptPostponed { id, url, error, after } => {
                write!(
                    f,
                    "could not post the receipt for {id} to {url}, the next attempt is due in {after:?}: {error}"
                )
            }
            Self::ReceiptNotPosted { id, url, error } => {
                write!(f, "gave up posting the receipt for {id} to {url}: {error}")
            }
            Self::StoreUnavailable(error) => write!(f, "message store: {error}"),
            Self::Swept { files } => write!(f, "removed {files} files from the outbox"),
            Self::NotSwept(error) => write!(f, "the outbox directory cannot be cleared up: {error}"),
        }
    }
}
