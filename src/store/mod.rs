//! Durable state: which messages arrived, which were sent and wait for a receipt, what is still to be done, and who the
//! partners are.
//!
//! A host with one process may start with [`MemoryStore`], which forgets everything at the end of the process.
//! `RedbStore` (feature `redb`) keeps it in one file, that the processes of one machine share; `PostgresStore` (feature
//! `postgres`) in a database that many machines share. A host's own store implements [`MessageStore`]: the documentation
//! of each call says what it promises and what a wrong answer costs, and the suite in `testing::message_store` (feature
//! `testing`) checks it.

#[cfg(any(feature = "postgres", feature = "redb"))]
mod codec;
mod entry;
mod id;
mod memory;
mod outbox;
mod partnerships;
#[cfg(feature = "postgres")]
mod postgres;
mod query;
mod received;
#[cfg(feature = "redb")]
mod redb;
mod sent;
mod turn;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use crate::future::BoxFuture;
use crate::name::As2Name;

pub use id::{ClaimToken, Direction, ExchangeId};
pub use memory::MemoryStore;
pub use outbox::{Attempts, Job, Work};
pub use partnerships::{PartnershipStore, PartnershipStoreError, Partnerships};
#[cfg(feature = "postgres")]
pub use postgres::{PostgresOpenError, PostgresStore};
pub use query::{Cursor, Filter, Listed, Page, Record, Retention};
pub use received::{Claim, PostState, PostStep, Posting, ReceivedRecord};
#[cfg(feature = "redb")]
pub use redb::{RedbOpenError, RedbStore};
pub use sent::{QueuedRequest, ReceiptRecord, Resolution, SentOutcome, SentRecord, SentState, SentStep};

/// What must outlive a crash: the inbound messages that were delivered, the outbound ones and their receipts, and what is
/// still to be done about either: the outbox.
///
/// Inbound and outbound records are apart: the same id may be in both. Ids are compared by
/// [`ExchangeId`]'s equality, which normalises the Message-ID. A store on a database keeps
/// [`MessageId::key`](crate::MessageId::key) in its unique index.
///
/// "Durable" means: survives the death of the process, and of the machine as far as the host cares. Each call is one
/// transaction. Dropping a returned future at any time must leave either the state before the call or the state after it.
///
/// # Claims
///
/// Whoever works on a message claims it, for as long as a lease lasts; so any number of processes and machines share one
/// store. The store makes a new [`ClaimToken`] for each claim, and what is done under an older one has no effect:
/// [`StoreError::ClaimLost`]. Who was slow therefore never undoes what its successor did. Until there is a successor, a
/// claim past its lease still counts: the work was done, and nobody does it again.
///
/// # Time
///
/// No call takes the time. Leases and delays are lengths, added to the store's own clock, of which there is one: machines
/// that disagree about the time would else take each other's claims away. The times within records that say when
/// something happened are evidence, and come from the clock of who was there. They are kept to the microsecond.
pub trait MessageStore: Send + Sync + 'static {
    /// The record of an inbound message that was delivered. Writes nothing: anybody can make us look.
    ///
    /// A missing record costs a decoding, since [`claim`](Self::claim) asks again. A record of another message costs
    /// the delivery of this one.
    fn find_received<'a>(&'a self, id: &'a ExchangeId) -> BoxFuture<'a, Result<Option<ReceivedRecord>, StoreError>>;

    /// Claims an inbound id for delivery, atomically: of any number of simultaneous calls for one id, on any number of
    /// machines, exactly one is answered [`Claim::New`] until the claim is released, its lease of the given length
    /// ends, or the message is complete (RFC 4130 §5.5; REL-08).
    ///
    /// It is called only once the message has passed the verdict, so that strangers can neither poison nor hold an id
    /// (REL-15). The lease is there for holders that died; it must be longer than a delivery may take.
    ///
    /// With the hash of the message's signature, the same is promised for the signature: where a message of another id
    /// was completed that has it, the answer is [`Claim::Replayed`], and [`Claim::InProgress`] while one is being
    /// delivered (RFC 4130 §9.3; SEC-44).
    ///
    /// Answering `New` twice costs a double delivery: an order is executed twice. Answering `Done` for what was never
    /// completed costs the message: the partner believes it delivered.
    ///
    /// # Errors
    ///
    /// [`StoreError::Full`] here, and not in [`complete`](Self::complete), where the host has the message already.
    fn claim<'a>(
        &'a self,
        id: &'a ExchangeId,
        signature: Option<[u8; 32]>,
        lease: Duration,
    ) -> BoxFuture<'a, Result<Claim, StoreError>>;

    /// Turns a claim into the record of a delivered message. When this returns, the record is durable: the receipt
    /// leaves after that, never before. A receipt that is to be [posted](ReceivedRecord::post_to) is in the outbox by
    /// the same transaction: no crash loses it.
    ///
    /// The caller posts it first, under the same token and within `lease`, which counts as the first attempt; with a
    /// lease of zero it is left to whoever asks [`claim_due`](Self::claim_due).
    ///
    /// Returning early costs a double delivery after a crash, or the receipt.
    ///
    /// # Errors
    ///
    /// [`StoreError::ClaimLost`] where somebody else holds the claim or has completed it: the payload was delivered
    /// twice, and the other's reply stands.
    fn complete<'a>(
        &'a self,
        id: &'a ExchangeId,
        token: ClaimToken,
        record: ReceivedRecord,
        lease: Duration,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Gives a claim on an inbound id up, because the delivery failed: the next copy is [`Claim::New`]. A claim that is
    /// no longer held is none of our business, and not an error.
    ///
    /// Not doing it costs time: until the lease ends, retries are told to come again.
    fn release<'a>(&'a self, id: &'a ExchangeId, token: ClaimToken) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Notes how the posting of an asynchronous receipt went (REL-19).
    ///
    /// Losing a [`PostStep::Delivered`] costs a receipt that arrives twice, which partners bear.
    ///
    /// # Errors
    ///
    /// [`StoreError::ClaimLost`] where another worker has claimed it since, or it is done: leave it alone.
    fn update_posting<'a>(
        &'a self,
        id: &'a ExchangeId,
        token: ClaimToken,
        step: PostStep,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Records an outbound message, durably, before its first octet leaves: otherwise a crash leaves a receipt that
    /// cannot be matched, and the partner has proof of receipt that we have not (RFC 4130 §1.2, non-repudiation of
    /// receipt).
    ///
    /// The caller holds a claim on it for `lease`, and sends it: that is an attempt. With a lease of zero it is left to
    /// the outbox, due at once. The record's own [`state`](SentRecord::state), [`attempts`](SentRecord::attempts) and
    /// [`receipt`](SentRecord::receipt) are not looked at.
    ///
    /// Recording an id again with the same MICs is another try: the first record stands, with its receipt if there is
    /// one; the claim goes to the caller, whoever held it; what was closed without a receipt is open again, with no
    /// attempts made. A [`request`](SentRecord::request) that is given replaces the first one, and so does the
    /// [`head`](SentRecord::head) that comes with it: the two are of one encoding, of which the next has other boundaries.
    ///
    /// A head with the body of another encoding costs the message: the partner cannot read it.
    ///
    /// # Errors
    ///
    /// [`StoreError::AlreadySent`] where the MICs differ under an algorithm that both records have, or have none in common; what
    /// only one of them has is kept beside the others. Two messages under one id could not be told apart by their
    /// receipts.
    fn record_sent<'a>(
        &'a self,
        id: &'a ExchangeId,
        record: SentRecord,
        lease: Duration,
    ) -> BoxFuture<'a, Result<ClaimToken, StoreError>>;

    /// The record of an outbound message, by what a receipt names: `Original-Message-ID` and the pair of names, ours as
    /// [`from`](ExchangeId::from).
    ///
    /// A missing record costs the proof of receipt. A record of another pair lets one partner answer for another.
    fn find_sent<'a>(&'a self, id: &'a ExchangeId) -> BoxFuture<'a, Result<Option<SentRecord>, StoreError>>;

    /// Notes how the work on an outbound message went.
    ///
    /// Losing it costs a message that is sent again, octet for octet, which the partner recognises.
    ///
    /// # Errors
    ///
    /// [`StoreError::ClaimLost`] where another worker has claimed it since, or it is closed, as by a receipt that
    /// overtook the response: leave it alone.
    fn update_sent<'a>(
        &'a self,
        id: &'a ExchangeId,
        token: ClaimToken,
        step: SentStep,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Closes an outbound record with its receipt, atomically and durably, whoever holds a claim on it and whatever
    /// state it is in: a receipt is the last word, also when it comes after the time, or after all attempts have
    /// seemed to fail. Of any number of calls for one id, exactly one is answered [`Resolution::First`] (SEC-17).
    ///
    /// It is called only with receipts that were verified and matched: anything else would let a stranger close a
    /// record.
    ///
    /// Answering `First` twice costs a host that acts twice on one receipt. Losing the octets costs the proof.
    fn resolve_receipt<'a>(
        &'a self,
        id: &'a ExchangeId,
        outcome: SentOutcome,
        receipt: ReceiptRecord,
    ) -> BoxFuture<'a, Result<Resolution, StoreError>>;

    /// Claims up to `limit` of what is due in the outbox, longest due first, except for the partners in `busy`: messages
    /// to be sent, receipts to be posted, receipts that did not come. Of simultaneous callers each gets others.
    ///
    /// A message whose file is at another [`place`](QueuedRequest::place) than the caller's is left to those who are there,
    /// until all that waits there is overdue by an hour: then nobody seems to be, and anybody may close it. As long as they
    /// claim anything, or extend a claim, something there is not. What names no place is anybody's.
    ///
    /// What is claimed and not noted as done within `lease` is due again: its worker died. A lease that is too short
    /// costs a second attempt at the same time; a long one costs time after a crash. [`SentStep::Extend`] prolongs it.
    ///
    /// Giving one job to two costs a partner that gets the same octets twice at once. Forgetting one costs the message, and
    /// so does giving it to somebody who does not have the file.
    fn claim_due<'a>(
        &'a self,
        lease: Duration,
        limit: usize,
        busy: &'a [As2Name],
        place: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Vec<Job>, StoreError>>;

    /// How long from now until [`claim_due`](Self::claim_due) may answer such a caller with something: zero where it may
    /// now. `None` where nothing waits for it. Others may add something at any time, so a worker does not sleep for longer
    /// than it may be late.
    ///
    /// Answering zero for what the caller is not given costs a worker that asks all the time.
    fn next_due<'a>(
        &'a self,
        busy: &'a [As2Name],
        place: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<Duration>, StoreError>>;

    /// Up to `limit` of the records that fit, latest first, evidence of old ones included; `after` is where a page
    /// before ended (REL-24). Records that come or change meanwhile may be left out; none comes twice.
    fn list<'a>(
        &'a self,
        filter: &'a Filter,
        after: Option<Cursor>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>>;

    /// Removes what is older than the [`Retention`] that the store was set up with, and says how many rows went or
    /// became mere evidence. What waits for something stays. Records are kept at least as long as the retention says,
    /// and until the next call.
    ///
    /// Removing early costs a double delivery, or the proof of receipt. Never calling it costs space.
    fn expire<'a>(&'a self) -> BoxFuture<'a, Result<u64, StoreError>>;
}

/// Why a [`MessageStore`] could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store cannot be reached or failed. Worth a retry; the partner is told to come again.
    #[error("the message store is unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// The store holds as many records as it may, and none of them is old enough to go.
    #[error("the message store is full: it holds {limit} records")]
    Full {
        /// The most records it may hold.
        limit: usize,
    },
    /// A record cannot be read: a newer version of the crate wrote it, or it is damaged.
    #[error("a record of the message store cannot be read")]
    Unreadable(#[source] Box<dyn Error + Send + Sync>),
    /// The claim is not held: its lease ended, and somebody else claimed or completed the message.
    #[error("the claim on this message is no longer held")]
    ClaimLost,
    /// Another message was sent under this id.
    #[error("another message was already sent under this Message-ID")]
    AlreadySent,
}

impl<T: MessageStore + ?Sized> MessageStore for Arc<T> {
    fn find_received<'a>(&'a self, id: &'a ExchangeId) -> BoxFuture<'a, Result<Option<ReceivedRecord>, StoreError>> {
        (**self).find_received(id)
    }

    fn claim<'a>(
        &'a self,
        id: &'a ExchangeId,
        signature: Option<[u8; 32]>,
        lease: Duration,
    ) -> BoxFuture<'a, Result<Claim, StoreError>> {
        (**self).claim(id, signature, lease)
    }

    fn complete<'a>(
        &'a self,
        id: &'a ExchangeId,
        token: ClaimToken,
        record: ReceivedRecord,
        lease: Duration,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        (**self).complete(id, token, record, lease)
    }

    fn release<'a>(&'a self, id: &'a ExchangeId, token: ClaimToken) -> BoxFuture<'a, Result<(), StoreError>> {
        (**self).release(id, token)
    }

    fn update_posting<'a>(
        &'a self,
        id: &'a ExchangeId,
        token: ClaimToken,
        step: PostStep,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        (**self).update_posting(id, token, step)
    }

    fn record_sent<'a>(
        &'a self,
        id: &'a ExchangeId,
        record: SentRecord,
        lease: Duration,
    ) -> BoxFuture<'a, Result<ClaimToken, StoreError>> {
        (**self).record_sent(id, record, lease)
    }

    fn find_sent<'a>(&'a self, id: &'a ExchangeId) -> BoxFuture<'a, Result<Option<SentRecord>, StoreError>> {
        (**self).find_sent(id)
    }

    fn update_sent<'a>(
        &'a self,
        id: &'a ExchangeId,
        token: ClaimToken,
        step: SentStep,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        (**self).update_sent(id, token, step)
    }

    fn resolve_receipt<'a>(
        &'a self,
        id: &'a ExchangeId,
        outcome: SentOutcome,
        receipt: ReceiptRecord,
    ) -> BoxFuture<'a, Result<Resolution, StoreError>> {
        (**self).resolve_receipt(id, outcome, receipt)
    }

    fn claim_due<'a>(
        &'a self,
        lease: Duration,
        limit: usize,
        busy: &'a [As2Name],
        place: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Vec<Job>, StoreError>> {
        (**self).claim_due(lease, limit, busy, place)
    }

    fn next_due<'a>(
        &'a self,
        busy: &'a [As2Name],
        place: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<Duration>, StoreError>> {
        (**self).next_due(busy, place)
    }

    fn list<'a>(
        &'a self,
        filter: &'a Filter,
        after: Option<Cursor>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        (**self).list(filter, after, limit)
    }

    fn expire<'a>(&'a self) -> BoxFuture<'a, Result<u64, StoreError>> {
        (**self).expire()
    }
}

#[cfg(test)]
mod tests;
