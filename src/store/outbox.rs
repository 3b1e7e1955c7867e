use std::time::{Duration, SystemTime};

use super::entry::later;
use super::{ClaimToken, Direction, ExchangeId, ReceivedRecord, SentRecord};

/// What was tried on a message or receipt in the outbox, and when something is due. The store keeps it; its times are
/// the store's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempts {
    /// How many attempts were begun, those included whose worker died.
    pub made: u32,
    /// When the first of them was.
    pub first_at: Option<SystemTime>,
    /// When something is due: an attempt, the end of the claim of who is at it, or the receipt.
    pub due_at: Option<SystemTime>,
    /// What went wrong last.
    pub error: Option<String>,
}

impl Attempts {
    pub(super) fn begin(&mut self, now: SystemTime, lease: Duration) {
        self.made = self.made.saturating_add(1);
        self.first_at.get_or_insert(now);
        self.due_at = Some(later(now, lease));
    }

    pub(super) fn take_back(&mut self, due_at: SystemTime) {
        self.made = self.made.saturating_sub(1);
        if self.made == 0 {
            self.first_at = None;
        }
        self.due_at = Some(due_at);
    }
}

/// Something that is due, and claimed by whoever asked: see [`MessageStore::claim_due`](super::MessageStore::claim_due).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Job {
    /// The message that it is about.
    pub id: ExchangeId,
    /// Proves the claim.
    pub token: ClaimToken,
    /// What is to be done. The records count the attempt that this is.
    pub work: Work,
}

impl Job {
    /// A job that is claimed under `token`.
    #[must_use]
    pub fn new(id: ExchangeId, token: ClaimToken, work: Work) -> Self {
        Self { id, token, work }
    }
}

/// What is to be done about a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Work {
    /// Send it. Without a [`request`](SentRecord::request), whoever was at it is gone and took the octets along.
    Send(Box<SentRecord>),
    /// Its receipt has not come in time: give up, or send it again.
    Overdue(Box<SentRecord>),
    /// Post our receipt to it.
    Post(Box<ReceivedRecord>),
}

impl Work {
    /// The direction of the message.
    #[must_use]
    pub fn direction(&self) -> Direction {
        match self {
            Self::Send(_) | Self::Overdue(_) => Direction::Outbound,
            Self::Post(_) => Direction::Inbound,
        }
    }
}
