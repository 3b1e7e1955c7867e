//! What every [`MessageStore`] promises.
//!
//! ```
//! # use std::sync::Arc;
//! # use ediint::store::{MemoryStore, MessageStore, Retention};
//! # use ediint::testing::ManualClock;
//! use ediint::BoxFuture;
//! use ediint::testing::message_store::{Subject, check};
//!
//! struct Mine;
//!
//! impl Subject for Mine {
//!     fn create(&self, clock: Arc<ManualClock>, retention: Retention) -> BoxFuture<'_, Arc<dyn MessageStore>> {
//!         Box::pin(async move {
//!             let store: Arc<dyn MessageStore> = Arc::new(MemoryStore::new().clock(clock).retention(retention));
//!             store
//!         })
//!     }
//! }
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! // In a test, on a runtime with several threads.
//! check(&Mine).await;
//! # });
//! ```

mod inbound;
mod outbound;
mod outbox;
mod records;

use std::sync::Arc;
use std::time::Duration;

use crate::algorithm::DigestAlgorithm;
use crate::clock::Clock;
use crate::future::BoxFuture;
use crate::message_id::MessageId;
use crate::mic::{Mic, MicSet};
use crate::name::As2Name;
use crate::partnership::ReceiptDelivery;
use crate::store::{
    Claim, ClaimToken, ExchangeId, MessageStore, QueuedRequest, ReceiptRecord, ReceivedRecord, Retention, SentRecord,
};

use super::ManualClock;

/// What is under test.
pub trait Subject: Send + Sync {
    /// A store that is new and empty, and that takes its time from `clock`.
    fn create(&self, clock: Arc<ManualClock>, retention: Retention) -> BoxFuture<'_, Arc<dyn MessageStore>>;

    /// Another handle on the store that was created last, as another process would open it; `None` (the default) where
    /// nothing outlives the handle.
    fn reopen(&self, clock: Arc<ManualClock>, retention: Retention) -> BoxFuture<'_, Option<Arc<dyn MessageStore>>> {
        let _ = (clock, retention);
        Box::pin(async { None })
    }
}

/// Checks everything.
///
/// # Panics
///
/// Where a promise is broken.
pub async fn check(subject: &dyn Subject) {
    inbound::check(subject).await;
    outbound::check(subject).await;
    outbox::check(subject).await;
    records::check(subject).await;
}

const LEASE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const RETENTION: Retention = Retention {
    records: Duration::from_secs(3 * 24 * 60 * 60),
    evidence: Duration::from_secs(10 * 24 * 60 * 60),
};

type Store = Arc<dyn MessageStore>;

/// A fresh store, and the clock that it goes by.
async fn fresh(subject: &dyn Subject) -> (Store, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new());
    (subject.create(clock.clone(), RETENTION).await, clock)
}

/// The store through two handles, where that is possible.
async fn shared(subject: &dyn Subject) -> ([Store; 2], Arc<ManualClock>) {
    let (store, clock) = fresh(subject).await;
    let other = subject.reopen(clock.clone(), RETENTION).await;
    let other = other.unwrap_or_else(|| Arc::clone(&store));
    ([store, other], clock)
}

fn name(name: &str) -> As2Name {
    As2Name::new(name).unwrap()
}

fn id(to: &str, from: &str, message_id: &str) -> ExchangeId {
    ExchangeId::new(name(to), name(from), MessageId::parse(message_id).unwrap())
}

fn inbound(number: u32) -> ExchangeId {
    id("us", "acme", &format!("<{number}@acme>"))
}

fn outbound(number: u32) -> ExchangeId {
    id("acme", "us", &format!("<{number}@us>"))
}

fn mics(content: &[u8]) -> MicSet {
    let of = |algorithm| Mic::of(algorithm, content);
    MicSet::from_iter([of(DigestAlgorithm::Sha256), of(DigestAlgorithm::Sha1)])
}

/// A record with nothing left out.
fn received(clock: &ManualClock) -> ReceivedRecord {
    ReceivedRecord::new([7; 32], clock.now())
        .mic(Mic::of(DigestAlgorithm::Sha384, b"order"))
        .reply("AS2-To: acme\r\n\r\nreceipt")
        .disposition("automatic-action/MDN-sent-automatically; processed")
        .head("Message-ID: <1@acme>\r\nSubject: \u{fc}\r\n")
        .signed(vec![0x30, 0x00, 0xff], [9; 32])
}

fn posted(clock: &ManualClock) -> ReceivedRecord {
    received(clock).post_to("https://acme.example/receipts?a=b".parse().unwrap())
}

fn sent(clock: &ManualClock) -> SentRecord {
    SentRecord::new(clock.now(), mics(b"order"), DigestAlgorithm::Sha256)
}

/// A record with nothing left out.
fn queued(clock: &ManualClock) -> SentRecord {
    let url = "https://acme.example/as2".parse().unwrap();
    sent(clock)
        .signed_receipt(false)
        .mic_required(false)
        .delivery(ReceiptDelivery::Async("https://us.example/as2".parse().unwrap()))
        .head("Message-ID: <1@us>\r\n")
        .request(QueuedRequest::new(url, vec![0, 1, 0xff], "spool-1", u64::MAX))
}

fn receipt(clock: &ManualClock, octets: &'static str) -> ReceiptRecord {
    ReceiptRecord::new(octets, clock.now())
        .disposition(Some("automatic-action/MDN-sent-automatically; processed".to_owned()))
        .signer(Some([3; 32]))
}

async fn claimed(store: &dyn MessageStore, id: &ExchangeId) -> ClaimToken {
    match store.claim(id, None, LEASE).await.unwrap() {
        Claim::New(token) => token,
        other => panic!("{id} cannot be claimed: {other:?}"),
    }
}

async fn claim(store: &dyn MessageStore, id: &ExchangeId) -> Claim {
    store.claim(id, None, LEASE).await.unwrap()
}

async fn completed(store: &dyn MessageStore, id: &ExchangeId, record: ReceivedRecord) -> ClaimToken {
    let token = claimed(store, id).await;
    store.complete(id, token, record, Duration::ZERO).await.unwrap();
    token
}

async fn record(store: &dyn MessageStore, id: &ExchangeId) -> SentRecord {
    store.find_sent(id).await.unwrap().unwrap()
}

#[cfg(test)]
mod tests;
