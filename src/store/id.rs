use std::fmt;

use crate::entropy::{Entropy, SystemEntropy};
use crate::message_id::MessageId;
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

    /// The name that is not ours.
    #[must_use]
    pub fn partner(&self, direction: Direction) -> &As2Name {
        match direction {
            Direction::Inbound => &self.from,
            Direction::Outbound => &self.to,
        }
    }
}

#[cfg(feature = "transport")]
impl ExchangeId {
    /// For the log.
    pub(crate) const fn pair(&self) -> crate::telemetry::Pair<'_> {
        crate::telemetry::Pair {
            from: &self.from,
            to: &self.to,
            message_id: Some(&self.message_id),
        }
    }
}

impl fmt::Display for ExchangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {} to {}", self.message_id, self.from, self.to)
    }
}

/// Whether a message came in or went out. Ids of one direction are none of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "there is no third way")]
pub enum Direction {
    /// From a partner to us.
    Inbound,
    /// From us to a partner.
    Outbound,
}

/// Proves who holds a claim. The store makes it, and never makes the same one twice for one id: whoever lost a claim
/// can change nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClaimToken(u64);

impl ClaimToken {
    /// A token of the store's choice: a sequence or a random number.
    #[must_use]
    pub fn new(value: u64) -> Self {
        Self(value)
    }

    /// A random token: needs no sequence that processes would have to share.
    #[must_use]
    pub fn random() -> Self {
        Self(rand_core::Rng::next_u64(&mut *SystemEntropy.rng()))
    }

    /// What it was made of.
    #[must_use]
    pub fn value(self) -> u64 {
        self.0
    }
}
