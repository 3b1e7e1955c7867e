//! One of our own parties, with everything that it has: a client, a receiver, and what both of them saw.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ediint::cms::Certificate;
use ediint::keystore::{Identity, MemoryKeyStore, PartnerCertificates};
use ediint::partnership::Partnership;
use ediint::store::{MemoryStore, Partnerships};
use ediint::{As2Client, As2Receiver, Clock, Receipt, ReceivedMessage};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// A party of ours in one partnership.
pub(crate) struct Us {
    pub(crate) partnership: Partnership,
    pub(crate) client: As2Client,
    pub(crate) receiver: As2Receiver,
    /// What was delivered.
    pub(crate) inbox: UnboundedReceiver<ReceivedMessage>,
    /// Asynchronous receipts that closed a record.
    pub(crate) receipts: UnboundedReceiver<Receipt>,
    /// Everything that happened in the receiver, one line each.
    pub(crate) events: UnboundedReceiver<String>,
    pub(crate) store: Arc<MemoryStore>,
}

/// A day on which all certificates of `tests/data` are valid.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Today;

impl Clock for Today {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000)
    }
}

impl Us {
    /// The party `partnership.local()` with its keys and the partner's certificate.
    pub(crate) fn new(partnership: Partnership, identity: Identity, partner: Certificate) -> Self {
        let keys = Arc::new(MemoryKeyStore::new());
        let (local, remote) = (partnership.local().clone(), partnership.remote().clone());
        keys.set_identity(local.clone(), identity);
        keys.set_partner(local, remote, PartnerCertificates::new(partner));
        let store = Arc::new(MemoryStore::new());
        let (delivered, inbox) = unbounded_channel();
        let (confirmed, receipts) = unbounded_channel();
        let (happened, events) = unbounded_channel();
        let receiver = As2Receiver::builder(
            Arc::clone(&keys),
            Partnerships::from_iter([partnership.clone()]),
            Arc::clone(&store),
        )
        .inbox(move |message: ReceivedMessage| {
            let delivered = delivered.clone();
            async move { delivered.send(message) }
        })
        .on_receipt(move |receipt| {
            let confirmed = confirmed.clone();
            async move { confirmed.send(receipt).unwrap_or_default() }
        })
        .on_event(move |event| happened.send(event.to_string()).unwrap_or_default())
        .clock(Today)
        .build()
        .unwrap();
        let client = As2Client::builder(keys, Arc::clone(&store))
            .clock(Today)
            .build()
            .unwrap();
        Self {
            partnership,
            client,
            receiver,
            inbox,
            receipts,
            events,
            store,
        }
    }

    /// What happened in the receiver since this was asked last.
    pub(crate) fn events(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.events.try_recv().ok()).collect()
    }
}
