use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use super::As2Receiver;
use super::event::ReceiverEvent;
use super::inbox::Inbox;
use super::key_guard::KeyGuard;
use crate::clock::{Clock, SystemClock};
use crate::entropy::{Entropy, SystemEntropy};
use crate::exchange::Receipt;
use crate::future::BoxFuture;
use crate::keystore::KeyStore;
use crate::limits::Limits;
use crate::mdn::ErrorModifier;
use crate::spool::SpoolOptions;
use crate::store::{MessageStore, PartnershipStore};
use crate::transport::HttpClient;

type ReceiptHook = Box<dyn Fn(Receipt) -> BoxFuture<'static, ()> + Send + Sync>;
type EventHook = Box<dyn Fn(&ReceiverEvent<'_>) + Send + Sync>;

/// What a receiver works with.
pub(super) struct Core {
    pub(super) keys: Arc<dyn KeyStore>,
    pub(super) partners: Arc<dyn PartnershipStore>,
    pub(super) store: Arc<dyn MessageStore>,
    pub(super) inbox: Arc<dyn Inbox>,
    pub(super) receipts: Option<ReceiptHook>,
    pub(super) events: Option<EventHook>,
    pub(super) http: Option<Arc<dyn HttpClient>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) limits: Limits,
    pub(super) spools: SpoolOptions,
    pub(super) agent: String,
    pub(super) domain: Option<String>,
    pub(super) remark: Option<String>,
    pub(super) strangers_are_told: Option<ErrorModifier>,
    pub(super) empty_status: StatusCode,
    pub(super) failures_without_receipt: bool,
    pub(super) strict_names: bool,
    pub(super) post_delays: Vec<Duration>,
    pub(super) key_guard: KeyGuard,
}

impl Core {
    pub(super) fn tell(&self, event: &ReceiverEvent<'_>) {
        tracing::debug!(?event, "receiver");
        if let Some(events) = &self.events {
            events(event);
        }
    }
}

/// Why a receiver could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Nobody takes the messages.
    #[error("the receiver has no inbox: say where messages go with As2ReceiverBuilder::inbox")]
    NoInbox,
    /// Responses without a receipt have a status that senders take for a failure.
    #[error("{0} is no status for messages that were taken: use 200, 202 or 204")]
    EmptyStatus(StatusCode),
}

/// Sets up an [`As2Receiver`].
pub struct As2ReceiverBuilder {
    keys: Arc<dyn KeyStore>,
    partners: Arc<dyn PartnershipStore>,
    store: Arc<dyn MessageStore>,
    inbox: Option<Arc<dyn Inbox>>,
    receipts: Option<ReceiptHook>,
    events: Option<EventHook>,
    http: Option<Arc<dyn HttpClient>>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    limits: Limits,
    spools: SpoolOptions,
    agent: String,
    domain: Option<String>,
    remark: Option<String>,
    strangers_are_told: Option<ErrorModifier>,
    empty_status: StatusCode,
    failures_without_receipt: bool,
    strict_names: bool,
    post_delays: Vec<Duration>,
}

impl As2Receiver {
    /// Sets up a receiver with keys, partnerships and a store for what was received and sent. An `Arc` of each will do,
    /// and a client in the same process shares the store, so that asynchronous receipts find what they answer.
    pub fn builder(
        keys: impl KeyStore,
        partners: impl PartnershipStore,
        store: impl MessageStore,
    ) -> As2ReceiverBuilder {
        As2ReceiverBuilder {
            keys: Arc::new(keys),
            partners: Arc::new(partners),
            store: Arc::new(store),
            inbox: None,
            receipts: None,
            events: None,
            http: default_http_client(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            limits: Limits::default(),
            spools: SpoolOptions::default(),
            agent: concat!("ediint/", env!("CARGO_PKG_VERSION")).to_owned(),
            domain: None,
            remark: None,
            strangers_are_told: Some(ErrorModifier::UnknownTradingPartner),
            empty_status: StatusCode::OK,
            failures_without_receipt: false,
            strict_names: false,
            post_delays: [0, 10, 60, 300].map(Duration::from_secs).to_vec(),
        }
    }
}

/// Without TLS cryptography there is none: a host that has its own gives an HTTP client too.
#[cfg(feature = "client")]
fn default_http_client() -> Option<Arc<dyn HttpClient>> {
    match crate::transport::HyperClient::new() {
        Ok(client) => Some(Arc::new(client)),
        Err(_) => None,
    }
}

#[cfg(not(feature = "client"))]
fn default_http_client() -> Option<Arc<dyn HttpClient>> {
    None
}

impl As2ReceiverBuilder {
    /// Says where messages go; there must be one.
    #[must_use]
    pub fn inbox(mut self, inbox: impl Inbox) -> Self {
        self.inbox = Some(Arc::new(inbox));
        self
    }

    /// Is called with each asynchronous receipt that closes the record of a message of ours, once for each message.
    #[must_use]
    pub fn on_receipt<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(Receipt) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.receipts = Some(Box::new(move |receipt| Box::pin(hook(receipt))));
        self
    }

    /// Is called with everything that happens. It must not block.
    #[must_use]
    pub fn on_event(mut self, hook: impl Fn(&ReceiverEvent<'_>) + Send + Sync + 'static) -> Self {
        self.events = Some(Box::new(hook));
        self
    }

    /// What asynchronous receipts are posted with, instead of a `HyperClient` that trusts the public roots.
    #[must_use]
    pub fn http_client(mut self, client: impl HttpClient) -> Self {
        self.http = Some(Arc::new(client));
        self
    }

    /// The clock, instead of the system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The source of randomness, instead of the system's.
    #[must_use]
    pub fn entropy(mut self, entropy: impl Entropy) -> Self {
        self.entropy = Arc::new(entropy);
        self
    }

    /// Bounds on what is read.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Where payloads are kept until they are delivered.
    #[must_use]
    pub fn spool(mut self, options: SpoolOptions) -> Self {
        self.spools = options;
        self
    }

    /// The product that `Server` and `Reporting-UA` name.
    #[must_use]
    pub fn agent(mut self, agent: impl Into<String>) -> Self {
        self.agent = agent.into();
        self
    }

    /// The right side of the Message-IDs of our receipts (default: the name that the message was sent to).
    #[must_use]
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// A paragraph for people in the text of each receipt, such as whom to ask (RFC 4130 §7.6).
    #[must_use]
    pub fn receipt_remark(mut self, remark: impl Into<String>) -> Self {
        self.remark = Some(remark.into());
        self
    }

    /// What those are told, unsigned, whose names make no partnership and that ask for a receipt in the response
    /// (RFC 4130 §6.2; default `unknown-trading-partner`). All others get 403.
    #[must_use]
    pub fn strangers_are_told(mut self, error: ErrorModifier) -> Self {
        self.strangers_are_told = Some(error);
        self
    }

    /// Answers 403 to all whose names make no partnership.
    #[must_use]
    pub fn no_receipts_to_strangers(mut self) -> Self {
        self.strangers_are_told = None;
        self
    }

    /// The status of responses without a receipt, where none was asked for or it comes later: 200, the default, which
    /// older products insist on, 202 or 204 (RFC 4130 §7.2, §7.6).
    #[must_use]
    pub fn empty_status(mut self, status: StatusCode) -> Self {
        self.empty_status = status;
        self
    }

    /// Answers 400 instead of 200 to refused messages that asked for no receipt: one status for all reasons.
    #[must_use]
    pub fn failure_status_without_receipt(mut self) -> Self {
        self.failures_without_receipt = true;
        self
    }

    /// Refuses names with spaces that are not quoted, as RFC 4130 §6.2 has it. Older products send them.
    #[must_use]
    pub fn strict_names(mut self) -> Self {
        self.strict_names = true;
        self
    }

    /// How long to wait before each attempt to post an asynchronous receipt; there are as many attempts as delays
    /// (default: at once, 10 s, 1 min, 5 min). Without any, none is posted.
    #[must_use]
    pub fn receipt_delays(mut self, delays: impl IntoIterator<Item = Duration>) -> Self {
        self.post_delays = delays.into_iter().collect();
        self
    }

    /// The receiver.
    ///
    /// # Errors
    ///
    /// [`BuildError`].
    pub fn build(self) -> Result<As2Receiver, BuildError> {
        if !self.empty_status.is_success() {
            return Err(BuildError::EmptyStatus(self.empty_status));
        }
        let key_guard = KeyGuard::new(&mut *self.entropy.rng());
        Ok(As2Receiver {
            core: Arc::new(Core {
                keys: self.keys,
                partners: self.partners,
                store: self.store,
                inbox: self.inbox.ok_or(BuildError::NoInbox)?,
                receipts: self.receipts,
                events: self.events,
                http: self.http,
                clock: self.clock,
                entropy: self.entropy,
                limits: self.limits,
                spools: self.spools,
                agent: self.agent,
                domain: self.domain,
                remark: self.remark,
                strangers_are_told: self.strangers_are_told,
                empty_status: self.empty_status,
                failures_without_receipt: self.failures_without_receipt,
                strict_names: self.strict_names,
                post_delays: self.post_delays,
                key_guard,
            }),
        })
    }
}

impl fmt::Debug for As2ReceiverBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("As2ReceiverBuilder").finish_non_exhaustive()
    }
}
