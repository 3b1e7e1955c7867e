//! The process that sends.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ediint::store::{Filter, MessageStore, Partnerships, RedbStore};
use ediint::{
    As2Client, As2Receiver, OutboundMessage, OutboxDirectory, OutboxEvent, OutboxWorker, Receipt, ReceivedMessage,
    SpoolOptions,
};
use tokio::time::sleep;

use crate::plan::{Place, Plan, Role, keys, partnership};
use crate::processes::{self, serve};

/// How long a message is left alone whose process was killed.
pub(crate) const LEASE: Duration = Duration::from_secs(2);

pub(crate) fn run(plan: Plan, place: &Place) {
    processes::run(async {
        let store = Arc::new(RedbStore::open(place.store(Role::Sender)).await.unwrap());
        let spools = SpoolOptions::new().directory(place.path("encoding"));
        spools.remove_orphans().unwrap();
        let outbox = OutboxDirectory::new(place.path("outbox")).orphan_age(LEASE);
        let client = As2Client::builder(keys(Role::Sender), store.clone())
            .outbox(outbox)
            .spool(spools.clone());
        let client = client.build().unwrap();

        let promised = Promises::new(&plan, place);
        let receipts = promised.clone();
        let partnerships = || Partnerships::from_iter([partnership(Role::Sender, place, false)]);
        let receiver = As2Receiver::builder(keys(Role::Sender), partnerships(), store.clone())
            .spool(spools)
            .inbox(|_: ReceivedMessage| async { Err::<(), _>("nobody sends messages here") })
            .on_receipt(move |receipt| {
                receipts.check(&receipt);
                async {}
            });
        serve(Role::Sender, place, receiver.build().unwrap()).await;

        let notes = place.clone();
        let worker = OutboxWorker::new(&client, partnerships())
            .lease(LEASE)
            .sweep_interval(Duration::from_millis(500))
            .per_partner(8)
            .on_event(move |event| match event {
                OutboxEvent::Answered(receipt) => promised.check(&receipt),
                OutboxEvent::Failed { .. } | OutboxEvent::MdnTimeout { .. } => {
                    notes.note("violations", &format!("given up: {event}"));
                }
                OutboxEvent::Swept { files } => notes.note("swept", &files.to_string()),
                OutboxEvent::StoreUnavailable(_) | OutboxEvent::NotSwept(_) => {
                    notes.note("violations", &event.to_string());
                }
                _ => {}
            });
        tokio::spawn(worker.run(std::future::pending()));
        submit(&plan, place, &client).await;
        processes::tell_when_done(Role::Sender, place, || async {
            let waiting = store.list(&Filter::new().finished(false), None, 1).await.unwrap();
            waiting.records.is_empty()
        })
        .await;
    });
}

/// Submits one message after the other, as fast as the kills go on, and keeps a journal of it. A message that was being
/// submitted when the process was killed is submitted again: under its Message-ID it is the same.
async fn submit(plan: &Plan, place: &Place, client: &As2Client) {
    let profiles = [false, true].map(|asynchronous| partnership(Role::Sender, place, asynchronous));
    let first = place.lines("submitted").len().try_into().unwrap();
    for number in first..plan.messages {
        while place
            .told("quota")
            .is_some_and(|quota| quota.parse::<u32>().unwrap() <= number)
        {
            sleep(Duration::from_millis(5)).await;
        }
        let message = OutboundMessage::new(plan.payload(number)).message_id(plan.message_id(number));
        let [sync, later] = &profiles;
        let profile = if Plan::is_asynchronous(number) { later } else { sync };
        client.submit(profile, message).await.unwrap();
        place.note("submitted", &number.to_string());
    }
}

/// Sees that what receipts promise is so.
#[derive(Clone)]
struct Promises(Arc<Inbox>);

struct Inbox {
    plan: Plan,
    place: Place,
    /// What was seen there, by Message-ID.
    seen: Mutex<HashMap<String, PathBuf>>,
}

impl Promises {
    fn new(plan: &Plan, place: &Place) -> Self {
        Self(Arc::new(Inbox {
            plan: plan.clone(),
            place: place.clone(),
            seen: Mutex::default(),
        }))
    }

    fn check(&self, receipt: &Receipt) {
        let Inbox { plan, place, .. } = &*self.0;
        let id = receipt.message_id().key();
        let number = id.split('.').next().unwrap().parse().unwrap();
        if !receipt.is_accepted() {
            place.note("violations", &format!("receipt for {id}: {}", receipt.status));
        }
        let complete = |directory: PathBuf| fs::read(directory.join("payload")).unwrap() == plan.payload(number);
        if !self.find(id).is_some_and(complete) {
            place.note("violations", &format!("a receipt for {id}, which is not in the inbox"));
        }
    }

    fn find(&self, id: &str) -> Option<PathBuf> {
        let mut seen = self.0.seen.lock().unwrap();
        if !seen.contains_key(id) {
            let known: HashSet<_> = seen.values().cloned().collect();
            let there = fs::read_dir(self.0.place.path("inbox/Alice")).ok()?;
            for directory in there
                .map(|entry| entry.unwrap().path())
                .filter(|path| !known.contains(path))
            {
                if !is_temporary(&directory)
                    && let Ok(id) = fs::read_to_string(directory.join("message-id"))
                {
                    seen.insert(id, directory);
                }
            }
        }
        seen.get(id).cloned()
    }
}

/// Whether a directory is still being made.
fn is_temporary(directory: &Path) -> bool {
    directory.file_name().unwrap().as_encoded_bytes().starts_with(b".")
}
