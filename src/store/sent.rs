use std::fmt;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::Uri;

use super::Attempts;
use crate::algorithm::DigestAlgorithm;
use crate::mic::MicSet;
use crate::partnership::ReceiptDelivery;

/// An outbound message, with what is needed to check its receipt, as agreed when it was sent (CLI-12), and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SentRecord {
    /// When it was made, by the sender's clock: its Date.
    pub sent_at: SystemTime,
    /// The MIC of the message under each digest that its receipt may use.
    pub mics: MicSet,
    /// The digest of a receipt whose MIC names none: the first that was asked for.
    pub requested_digest: DigestAlgorithm,
    /// A receipt must be signed by the partner to count.
    pub signed_receipt: bool,
    /// A positive receipt must carry a MIC to count.
    pub mic_required: bool,
    /// How the receipt comes, if one was asked for.
    pub delivery: ReceiptDelivery,
    /// The header fields of the message, exactly as they go over the wire.
    pub head: Bytes,
    /// What it takes to send the very same octets again; `None` where only the caller can.
    pub request: Option<QueuedRequest>,
    /// How far it is. The store's business.
    pub state: SentState,
    /// What was tried, and when something is due next. The store's business.
    pub attempts: Attempts,
    /// The receipt that closed this record (RFC 4130 §1.2; MDN-54).
    pub receipt: Option<ReceiptRecord>,
}

impl SentRecord {
    /// A message sent at `sent_at` that waits for a signed receipt with one of `mics`, in the response.
    #[must_use]
    pub fn new(sent_at: SystemTime, mics: MicSet, requested_digest: DigestAlgorithm) -> Self {
        Self {
            sent_at,
            mics,
            requested_digest,
            signed_receipt: true,
            mic_required: true,
            delivery: ReceiptDelivery::Sync,
            head: Bytes::new(),
            request: None,
            state: SentState::Sending,
            attempts: Attempts::default(),
            receipt: None,
        }
    }

    /// Whether a receipt must be signed to count (default: it must).
    #[must_use]
    pub fn signed_receipt(mut self, required: bool) -> Self {
        self.signed_receipt = required;
        self
    }

    /// Whether a positive receipt must carry a MIC to count (default: it must).
    #[must_use]
    pub fn mic_required(mut self, required: bool) -> Self {
        self.mic_required = required;
        self
    }

    /// How the receipt comes (default: in the response).
    #[must_use]
    pub fn delivery(mut self, delivery: ReceiptDelivery) -> Self {
        self.delivery = delivery;
        self
    }

    /// Adds the header fields of the message.
    #[must_use]
    pub fn head(mut self, head: impl Into<Bytes>) -> Self {
        self.head = head.into();
        self
    }

    /// Adds what it takes to send it from the outbox.
    #[must_use]
    pub fn request(mut self, request: QueuedRequest) -> Self {
        self.request = Some(request);
        self
    }
}

/// An encoded message on disk: with [`SentRecord::head`] it makes the same request again, octet for octet (REL-04).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueuedRequest {
    /// Where it goes.
    pub url: Uri,
    /// The octets of the body before those of the file.
    pub prefix: Bytes,
    /// The name of the file in the spool directory, without the directory: machines may mount it elsewhere.
    pub spool: String,
    /// The octets of the body, the prefix included. What the file has behind them says which message it belongs to.
    pub content_length: u64,
    /// Where the file is, if it is not within the reach of all workers: see
    #[cfg_attr(feature = "client", doc = "[`OutboxDirectory::own`](crate::OutboxDirectory::own).")]
    #[cfg_attr(not(feature = "client"), doc = "`OutboxDirectory::own`.")]
    pub place: Option<String>,
}

impl QueuedRequest {
    /// A body of `content_length` octets, `prefix` first and the file `spool` after it, that goes to `url`.
    #[must_use]
    pub fn new(url: Uri, prefix: impl Into<Bytes>, spool: impl Into<String>, content_length: u64) -> Self {
        Self {
            url,
            prefix: prefix.into(),
            spool: spool.into(),
            content_length,
            place: None,
        }
    }

    /// Says where the file is (default: within the reach of all workers).
    #[must_use]
    pub fn place(mut self, place: Option<String>) -> Self {
        self.place = place;
        self
    }

    /// The octets of the body that are in the file.
    #[cfg(feature = "client")]
    pub(crate) fn file_len(&self) -> u64 {
        let prefix = u64::try_from(self.prefix.len()).unwrap_or(u64::MAX);
        self.content_length.saturating_sub(prefix)
    }
}

/// A receipt that closed a record: the proof of receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceiptRecord {
    /// The receipt as it came: header fields, an empty line, the body.
    pub octets: Bytes,
    /// When it arrived, by the clock of who took it.
    pub received_at: SystemTime,
    /// What it says, in the text form of the field `Disposition`.
    pub disposition: Option<String>,
    /// The SHA-256 of the certificate that signed it.
    pub signer: Option<[u8; 32]>,
}

impl ReceiptRecord {
    /// A receipt without disposition and signer.
    #[must_use]
    pub fn new(octets: impl Into<Bytes>, received_at: SystemTime) -> Self {
        Self {
            octets: octets.into(),
            received_at,
            disposition: None,
            signer: None,
        }
    }

    /// Adds what it says.
    #[must_use]
    pub fn disposition(mut self, disposition: Option<String>) -> Self {
        self.disposition = disposition;
        self
    }

    /// Adds who signed it.
    #[must_use]
    pub fn signer(mut self, fingerprint: Option<[u8; 32]>) -> Self {
        self.signer = fingerprint;
        self
    }
}

/// How far an outbound message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "what is neither to be sent nor waited for is closed"
)]
pub enum SentState {
    /// To be sent, or being sent: whether it arrived is not known.
    Sending,
    /// The partner has it; the receipt is to come.
    AwaitingReceipt,
    /// Nothing more will be done about it.
    Closed(SentOutcome),
}

/// What became of an outbound message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SentOutcome {
    /// The partner confirms it.
    Accepted,
    /// The partner confirms it, with a warning.
    Warning,
    /// The partner refuses it.
    Rejected,
    /// The receipt returns another digest, or none that can be compared.
    MicMismatch,
    /// What came instead of the receipt is none that counts.
    InvalidReceipt,
    /// The partner answered without the receipt.
    MissingReceipt,
    /// Sent; no receipt was asked for.
    NoReceiptRequested,
    /// It could not be sent.
    Failed,
    /// The receipt has not come in time.
    Expired,
}

impl SentOutcome {
    /// Each of them.
    pub const ALL: [Self; 9] = [
        Self::Accepted,
        Self::Warning,
        Self::Rejected,
        Self::MicMismatch,
        Self::InvalidReceipt,
        Self::MissingReceipt,
        Self::NoReceiptRequested,
        Self::Failed,
        Self::Expired,
    ];

    /// Its name, for databases and people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Warning => "warning",
            Self::Rejected => "rejected",
            Self::MicMismatch => "mic-mismatch",
            Self::InvalidReceipt => "invalid-receipt",
            Self::MissingReceipt => "missing-receipt",
            Self::NoReceiptRequested => "no-receipt-requested",
            Self::Failed => "failed",
            Self::Expired => "expired",
        }
    }
}

impl fmt::Display for SentOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl SentState {
    /// Its name, for databases and people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::AwaitingReceipt => "awaiting-receipt",
            Self::Closed(outcome) => outcome.as_str(),
        }
    }
}

impl fmt::Display for SentState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How the work on an outbound message went: see [`MessageStore::update_sent`](super::MessageStore::update_sent).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SentStep {
    /// Still at it: the claim ends this much from now.
    Extend(Duration),
    /// Not tried after all: it is due again this much from now, and the attempt does not count.
    Release(Duration),
    /// To be sent, or sent again, later.
    Retry {
        /// When it is due, from now.
        after: Duration,
        /// What went wrong, for people.
        error: String,
    },
    /// The partner has it, and its receipt is to come. It is due again, as [`Work::Overdue`](super::Work::Overdue),
    /// where none comes.
    AwaitReceipt {
        /// How long the receipt is waited for, from now.
        within: Duration,
    },
    /// Nothing more will be done.
    Close {
        /// What became of it.
        outcome: SentOutcome,
        /// What went wrong, for people.
        error: Option<String>,
    },
}

/// The answer to [`MessageStore::resolve_receipt`](super::MessageStore::resolve_receipt).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resolution {
    /// This receipt closed the record.
    First,
    /// Another receipt, or another copy of this one, closed it before.
    AlreadyResolved,
    /// No such message is on record.
    Unknown,
}
