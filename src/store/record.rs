use std::fmt;
use std::time::SystemTime;

use bytes::Bytes;

use crate::algorithm::DigestAlgorithm;
use crate::message_id::MessageId;
use crate::mic::{Mic, MicSet};
use crate::name::As2Name;

/// What identifies a message: whom it goes to, whom it comes from, and its Message-ID (RFC 4130 §5.5).
///
/// Ids are equal where the names are equal, with case, and the Message-IDs are, but for angle brackets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExchangeId {
    to: As2Name,
    from: As2Name,
    message_id: MessageId,
}

impl ExchangeId {
    /// The id of the message `message_id` from `from` to `to`.
    #[must_use]
    pub fn new(to: As2Name, from: As2Name, message_id: MessageId) -> Self {
        Self { to, from, message_id }
    }

    /// The receiver of the message: us for an inbound one, the partner for an outbound one.
    #[must_use]
    pub fn to(&self) -> &As2Name {
        &self.to
    }

    /// The sender of the message.
    #[must_use]
    pub fn from(&self) -> &As2Name {
        &self.from
    }

    /// The message's own id.
    #[must_use]
    pub fn message_id(&self) -> &MessageId {
        &self.message_id
    }
}

impl fmt::Display for ExchangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {} to {}", self.message_id, self.from, self.to)
    }
}

/// The answer to [`MessageStore::claim`](super::MessageStore::claim).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Claim {
    /// The caller holds the id now, and delivers the message.
    New(ClaimToken),
    /// Somebody else is delivering it. Ask again a little later, within bounds (REL-11).
    InProgress,
    /// It was delivered.
    Done(ReceivedRecord),
}

/// Proves who holds a claim. The store makes it, and never makes the same one twice for one id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClaimToken(u64);

impl ClaimToken {
    /// A token of the store's choice: a sequence or a random number.
    #[must_use]
    pub fn new(value: u64) -> Self {
        Self(value)
    }

    /// What it was made of.
    #[must_use]
    pub fn value(self) -> u64 {
        self.0
    }
}

/// A delivered inbound message, as duplicates of it are answered (REL-16).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceivedRecord {
    /// The SHA-256 of the body as it came over the wire: a retry is identical, anything else is not a duplicate.
    pub body_digest: [u8; 32],
    /// The MIC of the message, where one could be computed.
    pub mic: Option<Mic>,
    /// The receipt: header fields, a blank line, the body. Empty where none was asked for. Duplicates get it unchanged.
    pub reply: Bytes,
}

impl ReceivedRecord {
    /// A record without MIC and receipt.
    #[must_use]
    pub fn new(body_digest: [u8; 32]) -> Self {
        Self {
            body_digest,
            mic: None,
            reply: Bytes::new(),
        }
    }

    /// Adds the MIC.
    #[must_use]
    pub fn mic(mut self, mic: Mic) -> Self {
        self.mic = Some(mic);
        self
    }

    /// Adds the receipt.
    #[must_use]
    pub fn reply(mut self, reply: impl Into<Bytes>) -> Self {
        self.reply = reply.into();
        self
    }
}

/// An outbound message, with what is needed to check its receipt, as agreed when it was sent (CLI-12).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SentRecord {
    /// When it was first recorded.
    pub sent_at: SystemTime,
    /// The MIC of the message under each digest that its receipt may use.
    pub mics: MicSet,
    /// The digest of a receipt whose MIC names none: the first that was asked for.
    pub requested_digest: DigestAlgorithm,
    /// A receipt must be signed by the partner to count.
    pub signed_receipt: bool,
    /// A positive receipt must carry a MIC to count.
    pub mic_required: bool,
    /// The receipt that closed this record, header fields included (RFC 4130 §1.2; MDN-54).
    pub receipt: Option<Bytes>,
}

impl SentRecord {
    /// A message sent at `sent_at` that waits for a signed receipt with one of `mics`.
    #[must_use]
    pub fn new(sent_at: SystemTime, mics: MicSet, requested_digest: DigestAlgorithm) -> Self {
        Self {
            sent_at,
            mics,
            requested_digest,
            signed_receipt: true,
            mic_required: true,
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
