//! What the suite of `testing` leaves open: each store passes that too.

use crate::clock::{Clock, ManualClock};
use crate::message_id::MessageId;
use crate::partnership::Partnership;

use super::*;

const LEASE: Duration = Duration::from_secs(60);

fn name(name: &str) -> As2Name {
    As2Name::new(name).unwrap()
}

pub(super) fn id(message_id: &str) -> ExchangeId {
    ExchangeId::new(name("us"), name("acme"), MessageId::parse(message_id).unwrap())
}

/// What waits for something is never forgotten to make room.
#[tokio::test]
async fn a_full_store_refuses_and_makes_room_when_records_expire() {
    let clock = Arc::new(ManualClock::new());
    let day = Duration::from_secs(86_400);
    let retention = Retention::new().records(day).evidence(day);
    let store = MemoryStore::new().clock(clock.clone()).retention(retention).capacity(2);
    for (message, waits) in [("<1@acme>", false), ("<2@acme>", true)] {
        let Claim::New(token) = store.claim(&id(message), None, LEASE).await.unwrap() else {
            panic!("not new")
        };
        let record = ReceivedRecord::new([7; 32], clock.now());
        let record = match waits {
            true => record.post_to("https://acme.example/".parse().unwrap()),
            false => record,
        };
        store.complete(&id(message), token, record, LEASE).await.unwrap();
    }
    let full = store.claim(&id("<3@acme>"), None, LEASE).await;
    assert!(matches!(full, Err(StoreError::Full { limit: 2 })), "{full:?}");
    // What it has is still of use.
    let known = store.claim(&id("<1@acme>"), None, LEASE).await.unwrap();
    assert!(matches!(known, Claim::Done(_)), "{known:?}");
    clock.advance(day);
    let third = store.claim(&id("<3@acme>"), None, LEASE).await.unwrap();
    assert!(matches!(third, Claim::New(_)), "{third:?}");
    // One is being delivered, the other has its receipt to post.
    let full = store.claim(&id("<4@acme>"), None, LEASE).await;
    assert!(matches!(full, Err(StoreError::Full { limit: 2 })), "{full:?}");
}

/// KEY-21: nothing stands for all, nor for another spelling.
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
