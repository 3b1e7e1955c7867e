use tokio::time::timeout;

use crate::algorithm::DigestAlgorithm;
use crate::clock::ManualClock;
use crate::message_id::MessageId;
use crate::mic::MicSet;
use crate::store::tests::id;

use super::*;

#[tokio::test]
async fn a_newer_file_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    drop(RedbStore::open(&path).await.unwrap());
    let database = file::open(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    let meta = redb::TableDefinition::<&str, u64>::new("meta");
    transaction.open_table(meta).unwrap().insert("schema", 9).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let error = RedbStore::open(&path).await.unwrap_err();
    assert!(matches!(error, RedbOpenError::Schema { found: 9, .. }), "{error:?}");
    assert!(error.to_string().contains("schema version 9"), "{error}");
}

#[tokio::test]
async fn what_is_no_store_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("letter");
    let letter = "Dear partner, ".repeat(1000);
    std::fs::write(&path, &letter).unwrap();
    let error = RedbStore::open(&path).await.unwrap_err();
    assert!(matches!(error, RedbOpenError::Database { .. }), "{error:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), letter);
    let error = RedbStore::open(directory.path().join("missing/store"))
        .await
        .unwrap_err();
    assert!(matches!(error, RedbOpenError::File { .. }), "{error:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_its_owners_only() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    RedbStore::open(&path).await.unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

/// Waiting for the turn takes time too: what has ended meanwhile has ended.
#[tokio::test]
async fn the_time_is_that_of_the_turn() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new());
    let store = RedbStore::open(directory.path().join("store"))
        .await
        .unwrap()
        .clock(clock.clone());
    let lease = Duration::from_secs(60);
    store.claim(&id("<1@acme>"), None, lease).await.unwrap();
    let other = store
        .file
        .with(|database| database.begin_write().map_err(unavailable))
        .unwrap();
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.claim(&id("<1@acme>"), None, lease).await }
    });
    tokio::task::yield_now().await;
    clock.advance(lease);
    other.abort().unwrap();
    assert!(matches!(waiting.await.unwrap().unwrap(), Claim::New(_)));
}

/// What is passed over costs neither a turn at writing nor the reading of its row.
#[tokio::test]
async fn the_backlog_of_a_busy_partner_is_passed_over() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let store = RedbStore::open(&path).await.unwrap();
    let lease = Duration::from_secs(60);
    let sent = || SentRecord::new(SystemTime::now(), MicSet::from_iter([]), DigestAlgorithm::Sha256);
    for number in 0..3 {
        let id = id(&format!("<{number}@us>"));
        store.record_sent(&id, sent(), Duration::ZERO).await.unwrap();
    }
    let (busy, other) = ([As2Name::new("us").unwrap()], As2Name::new("globex").unwrap());
    let other = ExchangeId::new(other, busy[0].clone(), MessageId::parse("<1@us>").unwrap());

    let writing = store.file.with(|database| database.begin_write().map_err(unavailable));
    let writing = writing.unwrap();
    // It would wait for ever.
    let none = timeout(lease, store.claim_due(lease, 10, &busy, None)).await.unwrap();
    assert_eq!(none.unwrap(), []);
    let rows = redb::TableDefinition::<u64, &[u8]>::new("rows");
    for row in 1..=3 {
        let damage: &[u8] = b"damaged";
        writing.open_table(rows).unwrap().insert(row, damage).unwrap();
    }
    writing.commit().unwrap();

    store.record_sent(&other, sent(), Duration::ZERO).await.unwrap();
    let jobs = store.claim_due(lease, 10, &busy, None).await.unwrap();
    assert_eq!(jobs.len(), 1);
    assert_eq!(jobs[0].id, other);
    let error = store.claim_due(lease, 10, &[], None).await.unwrap_err();
    assert!(matches!(error, StoreError::Unreadable(_)), "{error:?}");
}
