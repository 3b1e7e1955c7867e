use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

use super::As2Receiver;
use super::event::ReceiverEvent;
use super::failures::{DecryptionFailures, FailureCounts};
use super::gate::Gate;
use super::inbox::Inbox;
use super::key_guard::KeyGuard;
use super::pace::BodyPace;
use super::posts::Posts;
use super::replay::ReplayRules;
use super::shared::{Core, EventHook, ReceiptHook, ThrottleHook};
use crate::clock::{Clock, SystemClock};
use crate::entropy::{Entropy, SystemEntropy};
use crate::exchange::Receipt;
use crate::keystore::KeyStore;
use crate::limits::Limits;
use crate::mdn::ErrorModifier;
use crate::spool::SpoolOptions;
use crate::store::{MessageStore, PartnershipStore};
use crate::transport::HttpClient;

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
    /// Strangers would be told something that is not so.
    #[error("{0} is no status for strangers: use 200, 400, 403, 404 or 422")]
    StrangerStatus(StatusCode),
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
    stranger_status: StatusCode,
    alive_page: Option<Bytes>,
    lease: Duration,
    duplicates_are_processed: bool,
    replays: ReplayRules,
    pace: BodyPace,
    concurrency: u16,
    throttle: Option<ThrottleHook>,
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
            stranger_status: StatusCode::FORBIDDEN,
            alive_page: None,
            lease: Duration::from_secs(120),
            duplicates_are_processed: false,
            replays: ReplayRules::default(),
            pace: BodyPace::default(),
            concurrency: 256,
            throttle: None,
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

    /// Posts no receipts: those on record are left to an [`OutboxWorker`](crate::OutboxWorker), which every one needs that
    /// could not be posted at once; those to messages that were refused are not given.
    #[must_use]
    pub fn without_http_client(mut self) -> Self {
        self.http = None;
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
    /// (RFC 4130 §6.2; default `unknown-trading-partner`). All others get the
    /// [`stranger_status`](Self::stranger_status).
    #[must_use]
    pub fn strangers_are_told(mut self, error: ErrorModifier) -> Self {
        self.strangers_are_told = Some(error);
        self
    }

    /// Answers all whose names make no partnership with the [`stranger_status`](Self::stranger_status) alone.
    #[must_use]
    pub fn strangers_get_no_receipts(mut self) -> Self {
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

    /// The status for those whose names make no partnership and that get no receipt: 403, the default, 400, 404, 422, or
    /// 200 for senders that repeat anything else for ever.
    #[must_use]
    pub fn stranger_status(mut self, status: StatusCode) -> Self {
        self.stranger_status = status;
        self
    }

    /// Answers GET and HEAD with 200 and this text, for monitors and people with a browser (default: 405).
    #[must_use]
    pub fn alive_page(mut self, text: impl Into<String>) -> Self {
        self.alive_page = Some(text.into().into());
        self
    }

    /// How long the claim on a message lasts that is being delivered (default 2 min). Make it longer than the inbox and the
    /// key store may take: after that, a copy of the message is delivered too. When a process dies, copies of what it was
    /// delivering are told to come again for that long.
    #[must_use]
    pub fn delivery_lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Tells those that send a message again, and whose first receipt is not there to be repeated, `processed` instead
    /// of `processed/warning: duplicate-document`, which some products take for a failure.
    #[must_use]
    pub fn duplicates_are_processed(mut self) -> Self {
        self.duplicates_are_processed = true;
        self
    }

    /// What more is done about messages that somebody recorded and sends again (RFC 4130 §9.3; default: nothing).
    #[must_use]
    pub fn replay_rules(mut self, rules: ReplayRules) -> Self {
        self.replays = rules;
        self
    }

    /// How fast bodies have to come (default: see [`BodyPace`]).
    #[must_use]
    pub fn body_pace(mut self, pace: BodyPace) -> Self {
        self.pace = pace;
        self
    }

    /// The most requests that are answered at one time (default 256); all others get 503 with `Retry-After`, at once.
    ///
    /// It bounds the memory too: a request takes what a spool keeps in memory
    /// ([`SpoolOptions::threshold`]), twice 256 KiB on its way through the decoder, and once the sizes of a receipt and
    /// of a CMS structure in [`Limits`], whatever it holds.
    #[must_use]
    pub fn concurrency(mut self, requests: u16) -> Self {
        self.concurrency = requests;
        self
    }

    /// Is asked about each sender whose messages could not be decrypted of late, before more of them are read; where it
    /// says true, the answer is 503. It must not block.
    ///
    /// Names can be used by anybody: without [`PeerAddress`](super::PeerAddress) whoever uses a partner's name shuts the
    /// partner out.
    #[must_use]
    pub fn throttle(mut self, hook: impl Fn(&DecryptionFailures<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.throttle = Some(Box::new(hook));
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
        if !matches!(self.stranger_status.as_u16(), 200 | 400 | 403 | 404 | 422) {
            return Err(BuildError::StrangerStatus(self.stranger_status));
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
                stranger_status: self.stranger_status,
                alive_page: self.alive_page,
                posts: Posts::default(),
                lease: self.lease,
                duplicates_are_processed: self.duplicates_are_processed,
                replays: self.replays,
                pace: self.pace,
                gate: Gate::new(self.concurrency),
                failures: FailureCounts::default(),
                throttle: self.throttle,
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
