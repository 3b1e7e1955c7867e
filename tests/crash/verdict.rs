//! What holds in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;

use ediint::store::{
    Direction, Filter, MessageStore, PostState, ReceivedRecord, Record, RedbStore, SentOutcome, SentRecord, SentState,
};
use tokio::runtime::Runtime;

use crate::plan::{Place, Plan, Role};

/// What happened on the way.
pub(crate) struct Counts {
    delivered: usize,
    large: usize,
    asynchronous: usize,
    sends: u64,
    posts: u64,
    delivered_again: usize,
    duplicates: usize,
    orphans: u64,
    swept: u64,
}

/// Panics where something is not as it must be.
pub(crate) fn of(plan: &Plan, place: &Place) -> Counts {
    assert_eq!(place.lines("violations"), [""; 0]);
    let (sent, received) = records(place);
    check_sent(plan, &sent);
    check_received(plan, &received);
    check_inbox(plan, place);
    let delivered_again = check_deliveries(plan, place);
    let sum = |name| place.lines(name).iter().map(|line| line.parse::<u64>().unwrap()).sum();
    let numbers = || 0..plan.messages;
    Counts {
        delivered: received.len(),
        large: numbers().filter(|number| Plan::is_large(*number)).count(),
        asynchronous: numbers().filter(|number| Plan::is_asynchronous(*number)).count(),
        sends: sent.values().map(|record| u64::from(record.attempts.made)).sum(),
        posts: received
            .values()
            .filter_map(|record| Some(u64::from(record.posting.as_ref()?.attempts.made)))
            .sum(),
        delivered_again,
        duplicates: place.lines("duplicates").len(),
        orphans: sum("orphans"),
        swept: sum("swept"),
    }
}

type Records = (BTreeMap<String, SentRecord>, BTreeMap<String, ReceivedRecord>);

/// The records of both stores, by Message-ID. Each store has those of one direction.
fn records(place: &Place) -> Records {
    let (mut sent, mut received) = (BTreeMap::new(), BTreeMap::new());
    Runtime::new().unwrap().block_on(async {
        for (role, direction) in [
            (Role::Sender, Direction::Outbound),
            (Role::Receiver, Direction::Inbound),
        ] {
            let store = RedbStore::open(place.store(role)).await.unwrap();
            let mut after = None;
            loop {
                let page = store.list(&Filter::new(), after, 100).await.unwrap();
                for listed in page.records {
                    let key = listed.id.message_id().key().to_owned();
                    let first = match (listed.record, direction) {
                        (Record::Sent(record), Direction::Outbound) => sent.insert(key, *record).is_none(),
                        (Record::Received(record), Direction::Inbound) => received.insert(key, *record).is_none(),
                        _ => false,
                    };
                    assert!(first && !listed.archived, "{}", listed.id);
                }
                match page.next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
        }
    });
    (sent, received)
}

fn ids(plan: &Plan) -> BTreeSet<String> {
    (0..plan.messages)
        .map(|number| plan.message_id(number).key().to_owned())
        .collect()
}

/// Every record of the sender is final: its message is confirmed, with the proof.
fn check_sent(plan: &Plan, sent: &BTreeMap<String, SentRecord>) {
    assert_eq!(sent.keys().cloned().collect::<BTreeSet<_>>(), ids(plan));
    for (id, record) in sent {
        assert_eq!(record.state, SentState::Closed(SentOutcome::Accepted), "{id}");
        let receipt = record.receipt.as_ref().unwrap();
        assert!(receipt.signer.is_some() && record.attempts.due_at.is_none(), "{id}");
    }
}

/// Every record of the receiver is final: its receipt is where it belongs.
fn check_received(plan: &Plan, received: &BTreeMap<String, ReceivedRecord>) {
    assert_eq!(received.keys().cloned().collect::<BTreeSet<_>>(), ids(plan));
    for number in 0..plan.messages {
        let record = &received[plan.message_id(number).key()];
        assert_eq!(record.posting.is_some(), Plan::is_asynchronous(number), "{number}");
        if let Some(posting) = &record.posting {
            assert_eq!(posting.state, PostState::Delivered, "{number}");
        }
    }
}

/// Each message is there once, complete, and nothing else is.
fn check_inbox(plan: &Plan, place: &Place) {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(place.path("inbox/Alice")).unwrap() {
        let directory = entry.unwrap().path();
        let id = fs::read_to_string(directory.join("message-id")).unwrap();
        let number = id.split('.').next().unwrap().parse().unwrap();
        assert_eq!(id, plan.message_id(number).key());
        assert!(
            fs::read(directory.join("payload")).unwrap() == plan.payload(number),
            "{id}"
        );
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 2, "{id}");
        assert!(found.insert(id), "twice: {}", directory.display());
    }
    assert_eq!(found, ids(plan));
    assert_eq!(fs::read_dir(place.path("inbox")).unwrap().count(), 1);
    for empty in ["outbox", "spool", "encoding"] {
        let left: Vec<_> = fs::read_dir(place.path(empty)).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// No process delivered anything twice. A message is delivered again only by the next process, where the one before was
/// killed after the delivery and before the record; the inbox knows it then. How many of those there were.
fn check_deliveries(plan: &Plan, place: &Place) -> usize {
    let lines = place.lines("deliveries");
    let mut by_process = BTreeSet::new();
    let mut new = BTreeSet::new();
    let mut keys = BTreeSet::new();
    for line in &lines {
        let mut words = line.split(' ');
        let (process, key, what) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
        assert!(by_process.insert((process, key)), "twice by one process: {line}");
        assert!(what == "again" || what == "now" && new.insert(key), "{line}");
        keys.insert(key);
    }
    assert_eq!(keys.len(), usize::try_from(plan.messages).unwrap());
    lines.len() - keys.len()
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            delivered,
            large,
            asynchronous,
            sends,
            posts,
            delivered_again,
            duplicates,
            orphans,
            swept,
        } = self;
        writeln!(
            f,
            "delivered once: {delivered}, of these {large} of 8 MiB, and {asynchronous} with asynchronous receipts"
        )?;
        writeln!(f, "attempts: {sends} to send messages, {posts} to post receipts")?;
        writeln!(
            f,
            "recognised: {duplicates} copies by the store, {delivered_again} deliveries after a kill by the inbox"
        )?;
        write!(
            f,
            "removed: {orphans} files of killed processes at a start, {swept} files from the outbox"
        )
    }
}
