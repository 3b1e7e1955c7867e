//! One of our own parties, with everything that it has: a client, a receiver, and what both of them saw.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ediint::cms::Certificate;
use ediint::keystore::{Identity, MemoryKeyStore, PartnerCertificates};
use ediint::partnership::Partnership;
use ediint::store::{MemoryStore, Partnerships};
use ediint::{As2Client, As2Receiver, Clock, Receipt, ReceivedMessage};
use http::Uri;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
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
    /// What is on record of messages.
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

    /// Serves the receiver on a loopback port, and returns its URL.
    pub(crate) async fn serve(&self) -> Uri {
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/as2", port.local_addr().unwrap());
        let receiver = self.receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = port.accept().await {
                let receiver = receiver.clone();
                let service = service_fn(move |request| {
                    let receiver = receiver.clone();
                    async move { Ok::<_, Infallible>(receiver.receive(request).await) }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        url.parse().unwrap()
    }

    /// What happened in the receiver since this was asked last.
    pub(crate) fn events(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.events.try_recv().ok()).collect()
    }
}
