//! [`OutboxWorker`]: delivers what waits in the outbox: messages of ours, and receipts to those of partners.

mod event;
mod job;
mod post;
mod run;
mod send;
mod sweep;
mod trail;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::client::{As2Client, Core};
use crate::store::PartnershipStore;

pub use event::{AfterTimeout, OutboxEvent, WorkError};

/// Bounds of what is waited for: neither a spinning loop nor a time that cannot be expressed.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

type EventHook = Box<dyn Fn(OutboxEvent) + Send + Sync>;

/// Works on the outbox of a message store: sends the messages that were [submitted](As2Client::submit), again where they
/// failed for now; posts asynchronous receipts of ours; sees which receipts of partners do not come; and clears up.
///
/// Any number of workers, of any number of processes and machines, share one store and one
/// [`OutboxDirectory`](crate::OutboxDirectory). What one of them was at when it died is taken up by another when its
/// lease ends. Each attempt sends the same octets (RFC 4130 §5.5), so the partner recognises what it got twice. Where each
/// machine has a directory of [its own](crate::OutboxDirectory::own), a message is sent by the one that has its file; the
/// others leave it alone, and give it up once it is overdue by an hour. Receipts to partners are anybody's.
///
/// | what happened | what follows |
/// |---|---|
/// | no connection, a broken one, a timeout, 408, 425, 429, 5xx but 501 and 505 | tried again as the partnership's [`RetryPolicy`](crate::partnership::RetryPolicy) says, not before `Retry-After` |
/// | TLS refused, another status, an invalid response | failed |
/// | a receipt, good or bad | closed |
/// | something else in its place, or nothing | closed; a receipt that comes later still counts |
/// | an asynchronous receipt does not come | expired, or sent again: see [`ReceiptRequest::resends`](crate::partnership::ReceiptRequest::resends) |
/// | the store or the outbox directory is away | asked again until it is back, with nothing lost |
///
/// ```no_run
/// # use std::error::Error;
/// # use ediint::store::Partnerships;
/// # use ediint::{As2Client, OutboxEvent, OutboxWorker};
/// # async fn run(client: As2Client, partners: Partnerships) {
/// let worker = OutboxWorker::new(&client, partners).on_event(|event: OutboxEvent| println!("{event}"));
/// worker.run(async { tokio::signal::ctrl_c().await.unwrap_or_default() }).await;
/// # }
/// ```
pub struct OutboxWorker {
    client: As2Client,
    partners: Arc<dyn PartnershipStore>,
    events: Option<EventHook>,
    lease: Duration,
    concurrency: usize,
    per_partner: usize,
    poll: Duration,
    sweep: Duration,
    drain: Duration,
}

impl OutboxWorker {
    /// A worker with the keys, the store, the HTTP client and the outbox directory of `client`. Messages and receipts go
    /// out under the partnerships of now.
    #[must_use]
    pub fn new(client: &As2Client, partners: impl PartnershipStore) -> Self {
        Self {
            client: client.clone(),
            partners: Arc::new(partners),
            events: None,
            lease: Duration::from_secs(60),
            concurrency: 32,
            per_partner: 4,
            poll: Duration::from_secs(5),
            sweep: Duration::from_secs(600),
            drain: Duration::from_secs(30),
        }
    }

    /// Is called with everything that happens. It must not block; the sender of a channel makes a stream of it.
    #[must_use]
    pub fn on_event(mut self, hook: impl Fn(OutboxEvent) + Send + Sync + 'static) -> Self {
        self.events = Some(Box::new(hook));
        self
    }

    /// How long others leave alone what a worker is at that is not heard of any more (default 60 s, from 100 ms to a day).
    /// The claim is extended while the work goes on.
    #[must_use]
    pub fn lease(mut self, length: Duration) -> Self {
        self.lease = length.clamp(SHORTEST, LONGEST);
        self
    }

    /// How many messages and receipts are under way at one time (default 32, at least 1).
    #[must_use]
    pub fn concurrency(mut self, most: usize) -> Self {
        self.concurrency = most.max(1);
        self
    }

    /// How many of them go to one partner (default 4, at least 1). One alone keeps the order in which they are due, but
    /// for those that are tried again.
    #[must_use]
    pub fn per_partner(mut self, most: usize) -> Self {
        self.per_partner = most.max(1);
        self
    }

    /// How often to look for what other processes have put into the outbox (default 5 s, from 10 ms to a day). What this
    /// one submits is seen at once.
    #[must_use]
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll = interval.clamp(SHORTEST / 10, LONGEST);
        self
    }

    /// How often old records and files without a record are removed (default 10 min, from 10 ms to a day, and at
    /// the start).
    #[must_use]
    pub fn sweep_interval(mut self, interval: Duration) -> Self {
        self.sweep = interval.clamp(SHORTEST / 10, LONGEST);
        self
    }

    /// How long what is under way may take to end once the worker is to stop (default 30 s). What is not done then is
    /// broken off, and due again at once.
    #[must_use]
    pub fn drain_limit(mut self, limit: Duration) -> Self {
        self.drain = limit;
        self
    }

    fn core(&self) -> &Core {
        self.client.core()
    }

    fn tell(&self, event: OutboxEvent) {
        event.trail();
        if let Some(hook) = &self.events {
            hook(event);
        }
    }
}

impl fmt::Debug for OutboxWorker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutboxWorker").finish_non_exhaustive()
    }
}
