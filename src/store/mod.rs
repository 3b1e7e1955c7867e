//! Durable state: which messages arrived, which were sent and wait for a receipt, and who the partners are.
//!
//! A host with one process may start with [`MemoryStore`], which forgets everything at the end of the process. Whatever
//! stores for real implements [`MessageStore`]; the documentation of each call says what it promises and what a wrong
//! answer costs.

mod memory;
mod partnerships;
mod record;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::future::BoxFuture;

pub use memory::MemoryStore;
pub use partnerships::{PartnershipStore, PartnershipStoreError, Partnerships};
pub use record::{Claim, ClaimToken, ExchangeId, ReceivedRecord, Resolution, SentRecord};

/// What must outlive a crash: the inbound messages that were delivered, and the outbound ones that wait for a receipt.
///
/// Inbound and outbound records are apart: the same id may be in both. Ids are compared by
/// [`ExchangeId`]'s equality, which normalises the Message-ID. A store on a database keeps
/// [`MessageId::key`](crate::MessageId::key) in its unique index.
///
/// "Durable" means: survives the death of the process, and of the machine as far as the host cares. Records may be
/// removed once they are older than the retention that the host wants: a duplicate that arrives later than that is
/// delivered again, a receipt that arrives later is unknown.
///
/// Dropping a returned future at any time must leave either the state before the call or the state after it.
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
    /// Answering `New` twice costs a double delivery: an order is executed twice. Answering `Done` for what was never
    /// completed costs the message: the partner believes it delivered.
    fn claim<'a>(&'a self, id: &'a ExchangeId, lease: Duration) -> BoxFuture<'a, Result<Claim, StoreError>>;

    /// Turns a claim into the record of a delivered message. When this returns, the record is durable: the receipt
    /// leaves after that, never before.
    ///
    /// A claim whose lease has ended may still be completed, if nobody else has claimed the id since.
    ///
    /// Returning early costs a double delivery after a crash.
    ///
    /// Fails with [`StoreError::ClaimLost`] where somebody else holds the claim or has completed it: the payload was
    /// delivered twice, and the other's reply stands.
    fn complete<'a>(
        &'a self,
        id: &'a ExchangeId,
        token: ClaimToken,
        record: ReceivedRecord,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Gives a claim up, because the delivery failed: the next copy is [`Claim::New`]. A claim that is no longer held
    /// is none of our business, and not an error.
    ///
    /// Not doing it costs time: until the lease ends, retries are told to come again.
    fn release<'a>(&'a self, id: &'a ExchangeId, token: ClaimToken) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Records an outbound message, durably, before its first octet leaves: otherwise a crash leaves a receipt that
    /// cannot be matched, and the partner has proof of receipt that we have not (RFC 4130 §1.2, non-repudiation of
    /// receipt).
    ///
    /// Recording an id again with the same MICs is a retry: the first record stands, with its receipt if there is one.
    /// Fails with [`StoreError::AlreadySent`] where the MICs differ: two messages under one id could not be told apart
    /// by their receipts.
    fn record_sent<'a>(&'a self, id: &'a ExchangeId, record: SentRecord) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The record of an outbound message, by what a receipt names: `Original-Message-ID` and the pair of names, ours as
    /// [`from`](ExchangeId::from).
    ///
    /// A missing record costs the proof of receipt. A record of another pair lets one partner answer for another.
    fn find_sent<'a>(&'a self, id: &'a ExchangeId) -> BoxFuture<'a, Result<Option<SentRecord>, StoreError>>;

    /// Closes an outbound record with its receipt (the raw octets, header fields included), atomically and durably: of
    /// any number of calls for one id, exactly one is answered [`Resolution::First`] (SEC-17).
    ///
    /// It is called only with receipts that were verified and matched: anything else would let a stranger close a
    /// record.
    ///
    /// Answering `First` twice costs a host that acts twice on one receipt. Losing the octets costs the proof.
    fn resolve_receipt<'a>(
        &'a self,
        id: &'a ExchangeId,
        receipt: Bytes,
    ) -> BoxFuture<'a, Result<Resolution, StoreError>>;
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

    fn claim<'a>(&'a self, id: &'a ExchangeId, lease: Duration) -> BoxFuture<'a, Result<Claim, StoreError>> {
        (**self).claim(id, lease)
    }

    fn complete<'a>(
        &'a self,
        id: &'a ExchangeId,
        token: ClaimToken,
        record: ReceivedRecord,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        (**self).complete(id, token, record)
    }

    fn release<'a>(&'a self, id: &'a ExchangeId, token: ClaimToken) -> BoxFuture<'a, Result<(), StoreError>> {
        (**self).release(id, token)
    }

    fn record_sent<'a>(&'a self, id: &'a ExchangeId, record: SentRecord) -> BoxFuture<'a, Result<(), StoreError>> {
        (**self).record_sent(id, record)
    }

    fn find_sent<'a>(&'a self, id: &'a ExchangeId) -> BoxFuture<'a, Result<Option<SentRecord>, StoreError>> {
        (**self).find_sent(id)
    }

    fn resolve_receipt<'a>(
        &'a self,
        id: &'a ExchangeId,
        receipt: Bytes,
    ) -> BoxFuture<'a, Result<Resolution, StoreError>> {
        (**self).resolve_receipt(id, receipt)
    }
}

#[cfg(test)]
mod tests;
