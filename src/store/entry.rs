//! The rules of a [`MessageStore`](super::MessageStore), each once, for whatever keeps the rows.

use std::time::{Duration, SystemTime};

use super::{
    Attempts, Claim, ClaimToken, Direction, ExchangeId, Filter, Job, Listed, PostState, PostStep, Posting,
    ReceiptRecord, ReceivedRecord, Record, Resolution, Retention, SentOutcome, SentRecord, SentState, SentStep,
    StoreError, Work,
};
use crate::name::As2Name;

/// A row: a message, and who holds the claim on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: ExchangeId,
    /// The latest claim. Old ones are of no effect.
    pub(super) token: ClaimToken,
    pub(super) body: Body,
    /// When nothing was left to be done.
    pub(super) finished_at: Option<SystemTime>,
    /// The id is free again; this is evidence.
    pub(super) archived: bool,
    /// The hash of the inbound message's signature, where it must not come twice (SEC-44).
    pub(super) signature: Option<[u8; 32]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// An inbound message on its way to the host.
    Claimed { until: SystemTime },
    /// An inbound message that the host has.
    Received(Box<ReceivedRecord>),
    /// An outbound message.
    Sent(Box<SentRecord>),
}

/// What becomes of the row of an id, besides the answer.
#[derive(Debug)]
pub(super) enum Change {
    Keep,
    Put(Entry),
    Remove,
}

/// What becomes of a row that has its age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Keep,
    Archive,
    Remove,
}

/// The distant future stands for times that cannot be expressed: SystemTime has no maximum.
pub(super) fn later(now: SystemTime, by: Duration) -> SystemTime {
    const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    now.checked_add(by.min(CENTURY)).unwrap_or(now)
}

impl Entry {
    fn new(id: ExchangeId, token: ClaimToken, body: Body) -> Self {
        Self {
            id,
            token,
            body,
            finished_at: None,
            archived: false,
            signature: None,
        }
    }

    pub(super) fn direction(&self) -> Direction {
        match self.body {
            Body::Claimed { .. } | Body::Received(_) => Direction::Inbound,
            Body::Sent(_) => Direction::Outbound,
        }
    }

    /// When the outbox has to look at it.
    pub(super) fn due_at(&self) -> Option<SystemTime> {
        match &self.body {
            Body::Claimed { .. } => None,
            Body::Received(record) => record.posting.as_ref().and_then(|posting| posting.attempts.due_at),
            Body::Sent(record) => record.attempts.due_at,
        }
    }

    pub(super) fn partner(&self) -> &As2Name {
        self.id.partner(self.direction())
    }

    /// Where its file is, if that matters.
    pub(super) fn place(&self) -> Option<&str> {
        match &self.body {
            Body::Sent(record) => record.request.as_ref()?.place.as_deref(),
            Body::Claimed { .. } | Body::Received(_) => None,
        }
    }

    /// Whether somebody is delivering it.
    fn is_held(&self, now: SystemTime) -> bool {
        matches!(self.body, Body::Claimed { until } if now < until)
    }

    pub(super) fn received(&self) -> Option<ReceivedRecord> {
        match &self.body {
            Body::Received(record) => Some((**record).clone()),
            Body::Claimed { .. } | Body::Sent(_) => None,
        }
    }

    pub(super) fn sent(&self) -> Option<SentRecord> {
        match &self.body {
            Body::Sent(record) => Some((**record).clone()),
            Body::Claimed { .. } | Body::Received(_) => None,
        }
    }

    /// The row in a list: claims are not on record.
    pub(super) fn listed(self) -> Option<Listed> {
        let record = match self.body {
            Body::Claimed { .. } => return None,
            Body::Received(record) => Record::Received(record),
            Body::Sent(record) => Record::Sent(record),
        };
        let mut listed = Listed::new(self.id, record);
        listed.archived = self.archived;
        Some(listed)
    }

    pub(super) fn fits(&self, filter: &Filter) -> bool {
        let direction = self.direction();
        let is = |wanted: Option<bool>| wanted.unwrap_or(true);
        is(filter.direction.map(|wanted| wanted == direction))
            && is(filter.partner.as_ref().map(|wanted| wanted == self.partner()))
            && is(filter.message_id.as_ref().map(|wanted| wanted == self.id.message_id()))
            && is(filter.finished.map(|wanted| wanted == self.finished_at.is_some()))
            && is(filter
                .state
                .map(|wanted| matches!(&self.body, Body::Sent(record) if record.state == wanted)))
    }

    /// What age does to the row.
    pub(super) fn fate(&self, retention: &Retention, now: SystemTime) -> Fate {
        if let Body::Claimed { until } = self.body {
            return if now < until { Fate::Keep } else { Fate::Remove };
        }
        let Some(age) = self.finished_at.and_then(|then| now.duration_since(then).ok()) else {
            return Fate::Keep;
        };
        if age < retention.records {
            Fate::Keep
        } else if age >= retention.evidence {
            Fate::Remove
        } else {
            Fate::Archive
        }
    }

    /// Claims what is due.
    pub(super) fn claim_due(&mut self, now: SystemTime, lease: Duration, token: ClaimToken) -> Option<Job> {
        let work = match &mut self.body {
            Body::Claimed { .. } => return None,
            Body::Received(record) => {
                record.posting.as_mut()?.attempts.begin(now, lease);
                Work::Post(record.clone())
            }
            Body::Sent(record) => match record.state {
                SentState::Sending => {
                    record.attempts.begin(now, lease);
                    Work::Send(record.clone())
                }
                SentState::AwaitingReceipt => {
                    record.attempts.due_at = Some(later(now, lease));
                    Work::Overdue(record.clone())
                }
                SentState::Closed(_) => return None,
            },
        };
        self.token = token;
        Some(Job::new(self.id.clone(), token, work))
    }
}

/// [`MessageStore::claim`](super::MessageStore::claim). `twin` is the row with the same signature, where there is one.
pub(super) fn claim(
    id: &ExchangeId,
    entry: Option<&Entry>,
    signature: Option<[u8; 32]>,
    twin: Option<&Entry>,
    lease: Duration,
    now: SystemTime,
) -> (Change, Claim) {
    match entry {
        Some(entry) if entry.is_held(now) => return (Change::Keep, Claim::InProgress),
        Some(Entry {
            body: Body::Received(record),
            ..
        }) => return (Change::Keep, Claim::Done(record.clone())),
        _ => {}
    }
    match twin.filter(|twin| twin.id != *id) {
        Some(twin) if twin.is_held(now) => return (Change::Keep, Claim::InProgress),
        Some(Entry {
            body: Body::Received(_),
            id,
            ..
        }) => return (Change::Keep, Claim::Replayed(Box::new(id.clone()))),
        _ => {}
    }
    let token = ClaimToken::random();
    let until = later(now, lease);
    let mut entry = Entry::new(id.clone(), token, Body::Claimed { until });
    entry.signature = signature;
    (Change::Put(entry), Claim::New(token))
}

/// [`MessageStore::complete`](super::MessageStore::complete). A claim that is past its end counts while nobody else has
/// taken its place, even if its row was swept.
pub(super) fn complete(
    id: &ExchangeId,
    entry: Option<&Entry>,
    token: ClaimToken,
    mut record: ReceivedRecord,
    lease: Duration,
    now: SystemTime,
) -> Result<Change, StoreError> {
    let signature = match entry {
        None => None,
        Some(entry) if entry.token == token && matches!(entry.body, Body::Claimed { .. }) => entry.signature,
        Some(_) => return Err(StoreError::ClaimLost),
    };
    let finished_at = match &mut record.posting {
        None => Some(now),
        Some(posting) => {
            posting.attempts = Attempts::default();
            if lease.is_zero() {
                posting.attempts.due_at = Some(now);
            } else {
                posting.attempts.begin(now, lease);
            }
            None
        }
    };
    let mut entry = Entry::new(id.clone(), token, Body::Received(Box::new(record)));
    (entry.finished_at, entry.signature) = (finished_at, signature);
    Ok(Change::Put(entry))
}

/// [`MessageStore::release`](super::MessageStore::release).
pub(super) fn release(entry: Option<&Entry>, token: ClaimToken) -> Change {
    match entry {
        Some(entry) if entry.token == token && matches!(entry.body, Body::Claimed { .. }) => Change::Remove,
        _ => Change::Keep,
    }
}

/// [`MessageStore::update_posting`](super::MessageStore::update_posting).
pub(super) fn update_posting(
    entry: Option<&Entry>,
    token: ClaimToken,
    step: PostStep,
    now: SystemTime,
) -> Result<Change, StoreError> {
    let mut entry = entry.cloned().ok_or(StoreError::ClaimLost)?;
    let posting = match &mut entry.body {
        Body::Received(record) if entry.token == token => record.posting.as_mut(),
        _ => None,
    };
    let Some(Posting { state, attempts, .. }) = posting.filter(|posting| posting.state == PostState::Waiting) else {
        return Err(StoreError::ClaimLost);
    };
    match step {
        PostStep::Extend(lease) => attempts.due_at = Some(later(now, lease)),
        PostStep::Release(after) => attempts.take_back(later(now, after)),
        PostStep::Retry { after, error } => {
            (attempts.due_at, attempts.error) = (Some(later(now, after)), Some(error));
        }
        PostStep::Delivered => (*state, attempts.due_at) = (PostState::Delivered, None),
        PostStep::Failed { error } => {
            *state = PostState::Failed;
            (attempts.due_at, attempts.error) = (None, Some(error));
        }
    }
    if *state != PostState::Waiting {
        entry.finished_at = Some(now);
    }
    Ok(Change::Put(entry))
}

/// [`MessageStore::record_sent`](super::MessageStore::record_sent).
pub(super) fn record_sent(
    id: &ExchangeId,
    entry: Option<&Entry>,
    record: SentRecord,
    lease: Duration,
    now: SystemTime,
) -> Result<(Change, ClaimToken), StoreError> {
    let mut record = match entry.map(|entry| &entry.body) {
        Some(Body::Sent(first)) if !first.mics.is_of_the_content_of(&record.mics) => {
            return Err(StoreError::AlreadySent);
        }
        Some(Body::Sent(first)) => {
            let mut first = (**first).clone();
            // The configuration may have changed, so that more of them may be returned.
            first.mics = first.mics.with(&record.mics);
            // Of one encoding.
            if record.request.is_some() {
                (first.head, first.request) = (record.head, record.request);
            }
            first
        }
        _ => SentRecord {
            state: SentState::Sending,
            attempts: Attempts::default(),
            receipt: None,
            ..record
        },
    };
    let token = ClaimToken::random();
    let mut finished_at = entry.and_then(|entry| entry.finished_at);
    if record.receipt.is_none() {
        if matches!(record.state, SentState::Closed(_)) {
            record.attempts = Attempts::default();
        }
        (record.state, finished_at) = (SentState::Sending, None);
        if lease.is_zero() {
            record.attempts.due_at = Some(now);
        } else {
            record.attempts.begin(now, lease);
        }
    }
    let mut entry = Entry::new(id.clone(), token, Body::Sent(Box::new(record)));
    entry.finished_at = finished_at;
    Ok((Change::Put(entry), token))
}

/// [`MessageStore::update_sent`](super::MessageStore::update_sent). A record that a receipt closed is nobody's work.
pub(super) fn update_sent(
    entry: Option<&Entry>,
    token: ClaimToken,
    step: SentStep,
    now: SystemTime,
) -> Result<Change, StoreError> {
    let mut entry = entry.cloned().ok_or(StoreError::ClaimLost)?;
    let (state, attempts) = match &mut entry.body {
        Body::Sent(record) if entry.token == token && !matches!(record.state, SentState::Closed(_)) => {
            (&mut record.state, &mut record.attempts)
        }
        _ => return Err(StoreError::ClaimLost),
    };
    match step {
        SentStep::Extend(lease) => attempts.due_at = Some(later(now, lease)),
        SentStep::Release(after) if *state == SentState::Sending => attempts.take_back(later(now, after)),
        SentStep::Release(after) => attempts.due_at = Some(later(now, after)),
        SentStep::Retry { after, error } => {
            *state = SentState::Sending;
            (attempts.due_at, attempts.error) = (Some(later(now, after)), Some(error));
        }
        SentStep::AwaitReceipt { within } => {
            *state = SentState::AwaitingReceipt;
            attempts.due_at = Some(later(now, within));
        }
        SentStep::Close { outcome, error } => {
            *state = SentState::Closed(outcome);
            attempts.due_at = None;
            attempts.error = error.or(attempts.error.take());
            entry.finished_at = Some(now);
        }
    }
    Ok(Change::Put(entry))
}

/// [`MessageStore::resolve_receipt`](super::MessageStore::resolve_receipt).
pub(super) fn resolve(
    entry: Option<&Entry>,
    outcome: SentOutcome,
    receipt: ReceiptRecord,
    now: SystemTime,
) -> (Change, Resolution) {
    let mut entry = match entry {
        Some(entry) => entry.clone(),
        None => return (Change::Keep, Resolution::Unknown),
    };
    let Body::Sent(record) = &mut entry.body else {
        return (Change::Keep, Resolution::Unknown);
    };
    if record.receipt.is_some() {
        return (Change::Keep, Resolution::AlreadyResolved);
    }
    record.state = SentState::Closed(outcome);
    record.receipt = Some(receipt);
    record.attempts.due_at = None;
    entry.finished_at = Some(now);
    (Change::Put(entry), Resolution::First)
}
