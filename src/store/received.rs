use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::Uri;

use super::{Attempts, ClaimToken, ExchangeId};
use crate::mic::Mic;

/// The answer to [`MessageStore::claim`](super::MessageStore::claim).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Claim {
    /// The caller holds the id now, and delivers the message.
    New(ClaimToken),
    /// Somebody else is delivering it. Ask again a little later, within bounds (REL-11).
    InProgress,
    /// It was delivered.
    Done(Box<ReceivedRecord>),
    /// Its signature was seen before, on the message of this other id: a replay (SEC-44).
    Replayed(Box<ExchangeId>),
}

/// A delivered inbound message, as duplicates of it are answered (REL-16), with the evidence of it (SEC-42).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceivedRecord {
    /// The SHA-256 of the body as it came over the wire: a retry is identical, anything else is not a duplicate.
    pub body_digest: [u8; 32],
    /// The MIC of the message, where one could be computed.
    pub mic: Option<Mic>,
    /// The receipt: header fields, a blank line, the body. Empty where none was asked for. Duplicates get it unchanged.
    pub reply: Bytes,
    /// The disposition that the receipt tells, in its text form.
    pub disposition: Option<String>,
    /// When the message had arrived, by the receiver's clock.
    pub received_at: SystemTime,
    /// The header fields of the request, exactly as they came.
    pub head: Bytes,
    /// The sender's signature: the `SignedData` without the content, as it came. Empty where the message had none.
    pub signature: Bytes,
    /// The SHA-256 of the certificate that verified it.
    pub signer: Option<[u8; 32]>,
    /// The asynchronous receipt to be posted: the `reply`.
    pub posting: Option<Posting>,
}

impl ReceivedRecord {
    /// A record of a message that arrived at `received_at`, without MIC, receipt and evidence.
    #[must_use]
    pub fn new(body_digest: [u8; 32], received_at: SystemTime) -> Self {
        Self {
            body_digest,
            mic: None,
            reply: Bytes::new(),
            disposition: None,
            received_at,
            head: Bytes::new(),
            signature: Bytes::new(),
            signer: None,
            posting: None,
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

    /// Adds what the receipt tells.
    #[must_use]
    pub fn disposition(mut self, disposition: impl Into<String>) -> Self {
        self.disposition = Some(disposition.into());
        self
    }

    /// Adds the header fields of the request, as they came.
    #[must_use]
    pub fn head(mut self, head: impl Into<Bytes>) -> Self {
        self.head = head.into();
        self
    }

    /// Adds the signature, as it came, and the SHA-256 of the certificate that verified it.
    #[must_use]
    pub fn signed(mut self, signature: impl Into<Bytes>, signer: [u8; 32]) -> Self {
        self.signature = signature.into();
        self.signer = Some(signer);
        self
    }

    /// Puts the receipt into the outbox, to be posted to `url`.
    #[must_use]
    pub fn post_to(mut self, url: Uri) -> Self {
        self.posting = Some(Posting {
            url,
            state: PostState::Waiting,
            attempts: Attempts::default(),
        });
        self
    }
}

/// An asynchronous receipt of ours on its way (RFC 4130 §7.2; RCV-11, REL-19).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Posting {
    /// Where the message asked for it, and its partnership allowed it to go.
    pub url: Uri,
    /// How far it is.
    pub state: PostState,
    /// What was tried.
    pub attempts: Attempts,
}

/// How far an asynchronous receipt of ours is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PostState {
    /// In the outbox.
    Waiting,
    /// The partner has it.
    Delivered,
    /// Given up.
    Failed,
}

impl PostState {
    /// Its name, for databases and people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

/// How the work on an asynchronous receipt went: see
/// [`MessageStore::update_posting`](super::MessageStore::update_posting).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PostStep {
    /// Still at it: the claim ends this much from now.
    Extend(Duration),
    /// Not tried after all: it is due again this much from now, and the attempt does not count.
    Release(Duration),
    /// Failed, and worth another attempt.
    Retry {
        /// When it is due again, from now.
        after: Duration,
        /// What went wrong, for people.
        error: String,
    },
    /// The partner took it.
    Delivered,
    /// Given up.
    Failed {
        /// What went wrong, for people.
        error: String,
    },
}
