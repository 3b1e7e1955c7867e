use std::time::Duration;

use super::{Direction, ExchangeId, ReceivedRecord, SentRecord, SentState};
use crate::message_id::MessageId;
use crate::name::As2Name;

/// Which records [`MessageStore::list`](super::MessageStore::list) gives: all that fit everything that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Filter {
    /// Inbound or outbound ones.
    pub direction: Option<Direction>,
    /// Those of this partner.
    pub partner: Option<As2Name>,
    /// Those with this Message-ID.
    pub message_id: Option<MessageId>,
    /// Those whose work is done (`true`), or that wait for something (`false`).
    pub finished: Option<bool>,
    /// Outbound ones in this state.
    pub state: Option<SentState>,
}

impl Filter {
    /// Every record.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only records of this direction.
    #[must_use]
    pub fn direction(mut self, direction: Direction) -> Self {
        self.direction = Some(direction);
        self
    }

    /// Only records of this partner.
    #[must_use]
    pub fn partner(mut self, partner: As2Name) -> Self {
        self.partner = Some(partner);
        self
    }

    /// Only records of this Message-ID.
    #[must_use]
    pub fn message_id(mut self, message_id: MessageId) -> Self {
        self.message_id = Some(message_id);
        self
    }

    /// Only records whose work is done, or only those that wait for something.
    #[must_use]
    pub fn finished(mut self, finished: bool) -> Self {
        self.finished = Some(finished);
        self
    }

    /// Only outbound records in this state.
    #[must_use]
    pub fn state(mut self, state: SentState) -> Self {
        self.state = Some(state);
        self
    }
}

/// Where a list goes on. Good for the store that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cursor(u64);

impl Cursor {
    /// A cursor of the store's choice.
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

/// Some records, latest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// The records.
    pub records: Vec<Listed>,
    /// Where the list goes on; `None` at its end.
    pub next: Option<Cursor>,
}

impl Page {
    /// These records, and where the list goes on.
    #[must_use]
    pub fn new(records: Vec<Listed>, next: Option<Cursor>) -> Self {
        Self { records, next }
    }
}

/// A record in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed {
    /// Its id.
    pub id: ExchangeId,
    /// The record.
    pub record: Record,
    /// It is evidence only: duplicates are no longer recognised by it, receipts no longer matched to it.
    pub archived: bool,
}

impl Listed {
    /// A record that counts.
    #[must_use]
    pub fn new(id: ExchangeId, record: Record) -> Self {
        Self {
            id,
            record,
            archived: false,
        }
    }
}

/// A record of either direction.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "one for each direction")]
pub enum Record {
    /// Of an inbound message.
    Received(Box<ReceivedRecord>),
    /// Of an outbound message.
    Sent(Box<SentRecord>),
}

/// How long records are kept once their work is done. What waits for something is never removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retention {
    /// How long duplicates are recognised and receipts matched (default 30 days).
    pub records: Duration,
    /// How long receipts, signatures and header fields are kept as evidence (default 400 days). Not shorter than
    /// `records` in effect.
    pub evidence: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        let day = Duration::from_secs(24 * 60 * 60);
        Self {
            records: 30 * day,
            evidence: 400 * day,
        }
    }
}

impl Retention {
    /// 30 days for records, 400 for evidence.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How long duplicates are recognised and receipts matched. A partner that retries later than that delivers twice.
    #[must_use]
    pub fn records(mut self, age: Duration) -> Self {
        self.records = age;
        self
    }

    /// How long evidence is kept (RFC 4130 §9.1): as long as the law and the partners may ask for it.
    #[must_use]
    pub fn evidence(mut self, age: Duration) -> Self {
        self.evidence = age;
        self
    }
}
