use std::sync::Mutex;
use std::time::SystemTime;

use crate::algorithm::DigestAlgorithm;
use crate::clock::Clock;
use crate::message_id::MessageId;
use crate::mic::{Digester, MicSet};
use crate::name::As2Name;
use crate::partnership::Partnership;

use super::*;

const LEASE: Duration = Duration::from_secs(60);

#[derive(Debug)]
struct ManualClock(Mutex<SystemTime>);

impl ManualClock {
    fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(
            SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000),
        )))
    }

    fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> SystemTime {
        *self.0.lock().unwrap()
    }
}

fn name(name: &str) -> As2Name {
    As2Name::new(name).unwrap()
}

fn id(to: &str, from: &str, message_id: &str) -> ExchangeId {
    ExchangeId::new(name(to), name(from), MessageId::parse(message_id).unwrap())
}

fn mics(content: &[u8]) -> MicSet {
    let mut digester = Digester::new([DigestAlgorithm::Sha256]);
    digester.update(content);
    digester.finish()
}

fn sent(clock: &ManualClock, content: &[u8]) -> SentRecord {
    SentRecord::new(clock.now(), mics(content), DigestAlgorithm::Sha256)
}

fn receipt(octets: &'static str) -> ReceiptRecord {
    ReceiptRecord::new(octets, SystemTime::UNIX_EPOCH)
}

fn received() -> ReceivedRecord {
    let mic = mics(b"order").first().unwrap().clone();
    ReceivedRecord::new([7; 32], SystemTime::UNIX_EPOCH)
        .mic(mic)
        .reply("AS2-To: acme\r\n\r\nreceipt")
}

fn store(clock: &Arc<ManualClock>) -> MemoryStore {
    MemoryStore::new().clock(clock.clone())
}

async fn claimed(store: &dyn MessageStore, id: &ExchangeId) -> ClaimToken {
    match store.claim(id, None, LEASE).await.unwrap() {
        Claim::New(token) => token,
        other => panic!("{other:?}"),
    }
}

/// REL-08, REL-16: what was delivered stays delivered, with body digest, MIC and reply.
#[tokio::test]
async fn a_message_is_claimed_then_completed_then_done() {
    let store: Arc<dyn MessageStore> = Arc::new(store(&ManualClock::new()));
    let id = id("us", "acme", "<1@acme>");
    assert_eq!(store.find_received(&id).await.unwrap(), None);
    let token = claimed(&store, &id).await;
    assert_eq!(store.claim(&id, None, LEASE).await.unwrap(), Claim::InProgress);
    assert_eq!(store.find_received(&id).await.unwrap(), None);
    store.complete(&id, token, received(), LEASE).await.unwrap();
    assert_eq!(
        store.claim(&id, None, LEASE).await.unwrap(),
        Claim::Done(received().into())
    );
    assert_eq!(store.find_received(&id).await.unwrap(), Some(received()));
    assert!(matches!(
        store.complete(&id, token, received(), LEASE).await,
        Err(StoreError::ClaimLost)
    ));
    store.release(&id, token).await.unwrap();
    assert_eq!(
        store.claim(&id, None, LEASE).await.unwrap(),
        Claim::Done(received().into())
    );
}

/// REL-08: the key is the pair of names and the normalised Message-ID.
#[tokio::test]
async fn ids_differ_by_each_name_and_not_by_angle_brackets() {
    let store = store(&ManualClock::new());
    claimed(&store, &id("us", "acme", "<1@acme>")).await;
    assert_eq!(
        store.claim(&id("us", "acme", "1@acme"), None, LEASE).await.unwrap(),
        Claim::InProgress
    );
    for other in [
        id("us", "ACME", "<1@acme>"),
        id("them", "acme", "<1@acme>"),
        id("acme", "us", "<1@acme>"),
        id("us", "acme", "<2@acme>"),
    ] {
        claimed(&store, &other).await;
    }
}

/// REL-15: a dead holder does not block, and a failed delivery frees the id at once.
#[tokio::test]
async fn claims_end_by_release_and_by_their_lease() {
    let clock = ManualClock::new();
    let store = store(&clock);
    let id = id("us", "acme", "<1@acme>");
    let first = claimed(&store, &id).await;
    store.release(&id, first).await.unwrap();
    let second = claimed(&store, &id).await;
    clock.advance(LEASE - Duration::from_secs(1));
    assert_eq!(store.claim(&id, None, LEASE).await.unwrap(), Claim::InProgress);
    clock.advance(Duration::from_secs(1));
    let third = claimed(&store, &id).await;
    // The second holder wakes up too late: it may neither complete nor release what is not its own.
    assert!(matches!(
        store.complete(&id, second, received(), LEASE).await,
        Err(StoreError::ClaimLost)
    ));
    store.release(&id, second).await.unwrap();
    assert_eq!(store.claim(&id, None, LEASE).await.unwrap(), Claim::InProgress);
    store.complete(&id, third, received(), LEASE).await.unwrap();
}

#[tokio::test]
async fn a_late_holder_completes_what_nobody_else_took() {
    let clock = ManualClock::new();
    let store = store(&clock);
    let id = id("us", "acme", "<1@acme>");
    let token = claimed(&store, &id).await;
    clock.advance(LEASE * 2);
    store.complete(&id, token, received(), LEASE).await.unwrap();
    assert_eq!(
        store.claim(&id, None, LEASE).await.unwrap(),
        Claim::Done(received().into())
    );
}

/// REL-08, RCV-21: one claim among many at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_simultaneous_claims_one_is_new() {
    let store = Arc::new(store(&ManualClock::new()));
    for round in 0..50 {
        let id = id("us", "acme", &format!("<{round}@acme>"));
        let tasks: Vec<_> = (0..16)
            .map(|_| {
                let (store, id) = (Arc::clone(&store), id.clone());
                tokio::spawn(async move { store.claim(&id, None, LEASE).await.unwrap() })
            })
            .collect();
        let mut new = 0;
        for task in tasks {
            match task.await.unwrap() {
                Claim::New(_) => new += 1,
                other => assert_eq!(other, Claim::InProgress),
            }
        }
        assert_eq!(new, 1);
    }
}

/// CLI-15: a future that is dropped before it is polled did nothing.
#[tokio::test]
async fn a_dropped_future_leaves_nothing() {
    let clock = ManualClock::new();
    let store = store(&clock);
    let id = id("us", "acme", "<1@acme>");
    drop(store.claim(&id, None, LEASE));
    drop(store.record_sent(&id, sent(&clock, b"order"), LEASE));
    claimed(&store, &id).await;
    assert_eq!(store.find_sent(&id).await.unwrap(), None);
}

/// CLI-12, SEC-17: on record with all that a check needs, and closed by the first receipt only.
#[tokio::test]
async fn an_outbound_record_takes_one_receipt() {
    let clock = ManualClock::new();
    let store: Arc<dyn MessageStore> = Arc::new(store(&clock));
    let order = id("acme", "us", "<1@us>");
    let record = sent(&clock, b"order").signed_receipt(false).mic_required(false);
    assert_eq!(
        store
            .resolve_receipt(&order, SentOutcome::Accepted, receipt("forged"))
            .await
            .unwrap(),
        Resolution::Unknown
    );
    store.record_sent(&order, record.clone(), LEASE).await.unwrap();
    let found = store.find_sent(&id("acme", "us", "1@us")).await.unwrap().unwrap();
    assert_eq!(
        (found.attempts.made, found.attempts.due_at),
        (1, Some(clock.now() + LEASE))
    );
    let attempts = found.attempts.clone();
    assert_eq!(found, SentRecord { attempts, ..record });
    // Another partner cannot answer for this one.
    assert_eq!(store.find_sent(&id("evil", "us", "<1@us>")).await.unwrap(), None);
    assert_eq!(
        store
            .resolve_receipt(&id("evil", "us", "<1@us>"), SentOutcome::Accepted, receipt("forged"))
            .await
            .unwrap(),
        Resolution::Unknown
    );
    assert_eq!(
        store
            .resolve_receipt(&order, SentOutcome::Accepted, receipt("receipt"))
            .await
            .unwrap(),
        Resolution::First
    );
    assert_eq!(
        store
            .resolve_receipt(&order, SentOutcome::Accepted, receipt("copy"))
            .await
            .unwrap(),
        Resolution::AlreadyResolved
    );
    let closed = store.find_sent(&order).await.unwrap().unwrap();
    assert_eq!(closed.state, SentState::Closed(SentOutcome::Accepted));
    assert_eq!(closed.receipt, Some(receipt("receipt")));
    // Outbound ids are not inbound ids.
    assert_eq!(store.find_received(&order).await.unwrap(), None);
}

/// RFC 4130 §5.5: a retry has the same Message-ID and the same content.
#[tokio::test]
async fn a_retry_is_the_same_record_and_another_message_is_refused() {
    let clock = ManualClock::new();
    let store = store(&clock);
    let id = id("acme", "us", "<1@us>");
    let first = sent(&clock, b"order");
    store.record_sent(&id, first.clone(), LEASE).await.unwrap();
    store
        .resolve_receipt(&id, SentOutcome::Accepted, receipt("receipt"))
        .await
        .unwrap();
    clock.advance(LEASE);
    store.record_sent(&id, sent(&clock, b"order"), LEASE).await.unwrap();
    let kept = store.find_sent(&id).await.unwrap().unwrap();
    assert_eq!(kept.sent_at, first.sent_at);
    assert_eq!(
        store
            .resolve_receipt(&id, SentOutcome::Accepted, receipt("copy"))
            .await
            .unwrap(),
        Resolution::AlreadyResolved
    );
    let other = store.record_sent(&id, sent(&clock, b"another order"), LEASE).await;
    assert!(matches!(other, Err(StoreError::AlreadySent)));
}

/// CLI-12, REL-08: records last as long as the host says.
#[tokio::test]
async fn records_expire_after_the_retention() {
    let clock = ManualClock::new();
    let day = Duration::from_secs(86_400);
    let store = store(&clock).retention(Retention::new().records(3 * day).evidence(3 * day));
    let (inbound, outbound) = (id("us", "acme", "<1@acme>"), id("acme", "us", "<1@us>"));
    let token = claimed(&store, &inbound).await;
    store.complete(&inbound, token, received(), LEASE).await.unwrap();
    store
        .record_sent(&outbound, sent(&clock, b"order"), LEASE)
        .await
        .unwrap();
    store
        .resolve_receipt(&outbound, SentOutcome::Accepted, receipt("receipt"))
        .await
        .unwrap();
    clock.advance(3 * day - Duration::from_secs(1));
    assert_eq!(
        store.claim(&inbound, None, LEASE).await.unwrap(),
        Claim::Done(received().into())
    );
    assert!(store.find_sent(&outbound).await.unwrap().is_some());
    assert_eq!(store.expire().await.unwrap(), 0);
    clock.advance(Duration::from_secs(1));
    assert_eq!(store.expire().await.unwrap(), 2);
    assert_eq!(store.find_received(&inbound).await.unwrap(), None);
    assert_eq!(store.find_sent(&outbound).await.unwrap(), None);
    assert_eq!(
        store
            .resolve_receipt(&outbound, SentOutcome::Accepted, receipt("late"))
            .await
            .unwrap(),
        Resolution::Unknown
    );
    claimed(&store, &inbound).await;
}

#[tokio::test]
async fn a_full_store_refuses_and_makes_room_when_records_expire() {
    let clock = ManualClock::new();
    let day = Duration::from_secs(86_400);
    let store = store(&clock)
        .retention(Retention::new().records(day).evidence(day))
        .capacity(2);
    for message in ["<1@acme>", "<2@acme>"] {
        let id = id("us", "acme", message);
        let token = claimed(&store, &id).await;
        store.complete(&id, token, received(), LEASE).await.unwrap();
    }
    let third = id("us", "acme", "<3@acme>");
    assert!(matches!(
        store.claim(&third, None, LEASE).await,
        Err(StoreError::Full { limit: 2 })
    ));
    clock.advance(day);
    claimed(&store, &third).await;
}

#[tokio::test]
async fn partnerships_are_found_by_both_names_with_case() {
    let url = || "https://as2.acme.example/".parse().unwrap();
    let partners: Partnerships = [Partnership::new(name("us"), name("acme"), url())]
        .into_iter()
        .collect();
    let partners: Arc<dyn PartnershipStore> = Arc::new(partners);
    let found = partners.find(&name("us"), &name("acme")).await.unwrap().unwrap();
    assert_eq!(found.remote(), &name("acme"));
    for (local, remote) in [("us", "ACME"), ("US", "acme"), ("acme", "us"), ("us", "us")] {
        assert!(partners.find(&name(local), &name(remote)).await.unwrap().is_none());
    }
}

#[test]
fn partnerships_change_while_in_use() {
    let partners = Partnerships::new();
    let with_url = |url: &str| Partnership::new(name("us"), name("acme"), url.parse().unwrap());
    assert!(partners.insert(with_url("https://old.example/")).is_none());
    let before = partners.get(&name("us"), &name("acme")).unwrap();
    assert!(partners.insert(with_url("https://new.example/")).is_some());
    assert_eq!(before.url().host(), Some("old.example"));
    assert_eq!(
        partners.get(&name("us"), &name("acme")).unwrap().url().host(),
        Some("new.example")
    );
    assert!(partners.remove(&name("us"), &name("acme")).is_some());
    assert!(partners.get(&name("us"), &name("acme")).is_none());
}
