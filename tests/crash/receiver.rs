//! The process that receives.

use std::sync::Arc;
use std::time::Duration;

use ediint::store::{Filter, MessageStore, Partnerships, RedbStore};
use ediint::{
    As2Client, As2Receiver, BoxFuture, Delivery, DirectoryInbox, Inbox, InboxError, OutboxEvent, OutboxWorker,
    ReceivedMessage, ReceiverEvent, SpoolOptions,
};

use crate::plan::{Place, Plan, Role, keys, partnership};
use crate::processes::{self, serve};
use crate::sender::LEASE;

pub(crate) fn run(_: Plan, place: &Place) {
    processes::run(async {
        let store = Arc::new(RedbStore::open(place.store(Role::Receiver)).await.unwrap());
        // Payloads go through the disk, however small.
        let spools = SpoolOptions::new().threshold(1 << 10).directory(place.path("spool"));
        let inbox = DirectoryInbox::new(place.path("inbox")).metadata("message-id", |message| {
            message.message_id.as_ref().unwrap().key().to_owned().into()
        });
        let orphans = spools.remove_orphans().unwrap().len() + inbox.remove_orphans().unwrap().len();
        if orphans > 0 {
            place.note("orphans", &orphans.to_string());
        }
        let inbox = Watched {
            inbox,
            place: place.clone(),
        };
        let partnerships = || Partnerships::from_iter([partnership(Role::Receiver, place, false)]);
        let notes = place.clone();
        let receiver = As2Receiver::builder(keys(Role::Receiver), partnerships(), store.clone())
            .spool(spools)
            .inbox(inbox)
            .delivery_lease(LEASE * 2)
            .without_http_client()
            .on_event(move |event| match event {
                ReceiverEvent::Duplicate(id) => notes.note("duplicates", id.message_id().key()),
                ReceiverEvent::Conflict(_) | ReceiverEvent::MessageRefused { .. } => {
                    notes.note("violations", &event.to_string());
                }
                _ => {}
            });
        serve(Role::Receiver, place, receiver.build().unwrap()).await;

        let notes = place.clone();
        let client = As2Client::builder(keys(Role::Receiver), store.clone()).build().unwrap();
        let worker = OutboxWorker::new(&client, partnerships())
            .lease(LEASE)
            .poll_interval(Duration::from_millis(20))
            .per_partner(8)
            .on_event(move |event| match event {
                OutboxEvent::ReceiptNotPosted { .. } | OutboxEvent::StoreUnavailable(_) => {
                    notes.note("violations", &event.to_string());
                }
                _ => {}
            });
        tokio::spawn(worker.run(std::future::pending()));
        processes::tell_when_done(Role::Receiver, place, || async {
            let waiting = store.list(&Filter::new().finished(false), None, 1).await.unwrap();
            waiting.records.is_empty()
        })
        .await;
    });
}

/// An inbox that keeps a journal: which process took what, and whether it was there already.
struct Watched {
    inbox: DirectoryInbox,
    place: Place,
}

impl Inbox for Watched {
    fn deliver(&self, message: ReceivedMessage) -> BoxFuture<'_, Result<Delivery, InboxError>> {
        let key = message.storage_key().to_owned();
        Box::pin(async move {
            let before = self.place.path("inbox/Alice").join(&key).exists();
            let result = self.inbox.deliver(message).await;
            let what = match &result {
                Ok(Delivery::Accepted) if before => "again",
                Ok(Delivery::Accepted) => "now",
                _ => "failed",
            };
            self.place
                .note("deliveries", &format!("{} {key} {what}", std::process::id()));
            result
        })
    }
}
