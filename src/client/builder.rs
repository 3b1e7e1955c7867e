use std::fmt;
use std::sync::Arc;

use tokio::sync::Notify;

use super::key_separation::KeySeparation;
use super::{As2Client, OutboxDirectory};
use crate::clock::{Clock, SystemClock};
use crate::entropy::{Entropy, SystemEntropy};
use crate::keystore::KeyStore;
use crate::limits::Limits;
use crate::name::As2Name;
use crate::spool::SpoolOptions;
use crate::store::MessageStore;
use crate::transport::{HttpClient, HyperClient, NoCryptoProvider};

/// What a client works with, and an outbox with it.
pub(crate) struct Core {
    pub(crate) keys: Arc<dyn KeyStore>,
    pub(crate) store: Arc<dyn MessageStore>,
    pub(crate) http: Arc<dyn HttpClient>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) limits: Limits,
    pub(crate) spools: SpoolOptions,
    pub(crate) agent: String,
    pub(crate) domain: Option<String>,
    pub(crate) outbox: Option<OutboxDirectory>,
    /// Wakes the workers of this process: something was put into the outbox.
    pub(crate) queued: Notify,
    pub(crate) key_separation: KeySeparation,
}

impl Core {
    /// The right side of Message-IDs of `local`.
    pub(crate) fn domain_of<'a>(&'a self, local: &'a As2Name) -> &'a str {
        self.domain.as_deref().unwrap_or(local.as_str())
    }
}

/// Why a client could not be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientBuildError {
    /// No HTTP client was given, and there is no TLS cryptography for the default one.
    #[error(transparent)]
    NoCryptoProvider(#[from] NoCryptoProvider),
    /// Databases do not keep such a name.
    #[error("{0:?} is no name for the place of an outbox directory: it holds NUL; give OutboxDirectory::own another")]
    Place(String),
}

/// Sets up an [`As2Client`].
pub struct As2ClientBuilder {
    keys: Arc<dyn KeyStore>,
    store: Arc<dyn MessageStore>,
    http: Option<Arc<dyn HttpClient>>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    limits: Limits,
    spools: SpoolOptions,
    agent: String,
    domain: Option<String>,
    outbox: Option<OutboxDirectory>,
}

impl As2Client {
    /// Sets up a client with keys and a store for what was sent. An `Arc` of each will do, and a receiver for
    /// asynchronous receipts shares the store.
    pub fn builder(keys: impl KeyStore, store: impl MessageStore) -> As2ClientBuilder {
        As2ClientBuilder {
            keys: Arc::new(keys),
            store: Arc::new(store),
            http: None,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            limits: Limits::default(),
            spools: SpoolOptions::default(),
            agent: concat!("ediint/", env!("CARGO_PKG_VERSION")).to_owned(),
            domain: None,
            outbox: None,
        }
    }
}

impl As2ClientBuilder {
    /// What requests go through, instead of a [`HyperClient`] that trusts the public roots.
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

    /// Bounds on what is read from partners.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Where encoded messages are kept until they are sent.
    #[must_use]
    pub fn spool(mut self, options: SpoolOptions) -> Self {
        self.spools = options;
        self
    }

    /// The product that `User-Agent` names.
    #[must_use]
    pub fn agent(mut self, agent: impl Into<String>) -> Self {
        self.agent = agent.into();
        self
    }

    /// The right side of the Message-IDs that are made (default: the sending AS2 name, without what a domain cannot
    /// hold).
    #[must_use]
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Where messages wait that are [submitted](As2Client::submit). Without it there is only [`As2Client::send`].
    #[must_use]
    pub fn outbox(mut self, directory: OutboxDirectory) -> Self {
        self.outbox = Some(directory);
        self
    }

    /// The client.
    ///
    /// # Errors
    ///
    /// [`ClientBuildError`].
    pub fn build(self) -> Result<As2Client, ClientBuildError> {
        let place = self.outbox.as_ref().and_then(OutboxDirectory::place);
        if let Some(place) = place.filter(|place| place.contains('\0')) {
            return Err(ClientBuildError::Place(place.to_owned()));
        }
        let http = match self.http {
            Some(http) => http,
            None => Arc::new(HyperClient::new()?),
        };
        Ok(As2Client {
            core: Arc::new(Core {
                keys: self.keys,
                store: self.store,
                http,
                clock: self.clock,
                entropy: self.entropy,
                limits: self.limits,
                spools: self.spools,
                agent: self.agent,
                domain: self.domain,
                key_separation: KeySeparation::default(),
                outbox: self.outbox,
                queued: Notify::new(),
            }),
        })
    }
}

impl fmt::Debug for As2ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("As2ClientBuilder").finish_non_exhaustive()
    }
}
