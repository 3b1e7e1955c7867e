//! From the configuration to a client and a receiver: keys, partners, store, limits.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use ediint::keystore::MemoryKeyStore;
use ediint::store::{MemoryStore, Partnerships};
use ediint::transport::{HttpClient, HyperClient};
use ediint::{As2Client, As2Receiver, Limits, MessageStore, SpoolOptions};

use crate::Result;
use crate::config::Config;
use crate::inbox::DirectoryInbox;

/// What one process works with. `serve` and `send` make one each, of the same file.
pub(crate) struct Station {
    pub(crate) config: Config,
    pub(crate) keys: Arc<MemoryKeyStore>,
    pub(crate) partners: Arc<Partnerships>,
    pub(crate) store: Arc<dyn MessageStore>,
    pub(crate) limits: Limits,
    /// One for all: it keeps connections.
    pub(crate) http: HyperClient,
    spools: SpoolOptions,
}

impl Station {
    pub(crate) fn open(config: Config) -> Result<Self> {
        for directory in ["spool", "inbox", "outbox", "sent", "failed", "receipts"] {
            let path = config.data_dir.join(directory);
            fs::create_dir_all(&path).map_err(|error| format!("cannot make {}: {error}", path.display()))?;
        }
        let keys = MemoryKeyStore::new();
        for station in &config.stations {
            keys.set_identity(station.name.clone(), station.identity.clone());
        }
        let partners = Partnerships::new();
        for partner in &config.partners {
            if let Some(certificates) = partner.key_store_entry(SystemTime::now()) {
                keys.set_partner(partner.station().clone(), partner.name().clone(), certificates);
            }
            partners.insert(partner.partnership.clone());
        }
        let mut limits = Limits::default();
        limits.message_size = config.max_message_size;
        Ok(Self {
            // Beside the inbox, so that payloads are renamed and not copied.
            spools: SpoolOptions::new().directory(config.data_dir.join("spool")),
            keys: Arc::new(keys),
            partners: Arc::new(partners),
            store: Arc::new(MemoryStore::new()),
            limits,
            http: HyperClient::new()?,
            config,
        })
    }

    pub(crate) fn spools(&self) -> &SpoolOptions {
        &self.spools
    }

    pub(crate) fn path(&self, directory: &str) -> PathBuf {
        self.config.data_dir.join(directory)
    }

    /// Sends through `http`.
    pub(crate) fn client(&self, http: impl HttpClient) -> Result<As2Client> {
        let builder = As2Client::builder(self.keys.clone(), self.store.clone())
            .limits(self.limits.clone())
            .spool(self.spools.clone())
            .http_client(http);
        Ok(builder.build()?)
    }

    /// Receives into the inbox.
    pub(crate) fn receiver(&self) -> Result<As2Receiver> {
        let receipts = self.path("receipts");
        let builder = As2Receiver::builder(self.keys.clone(), self.partners.clone(), self.store.clone())
            .inbox(DirectoryInbox::new(&self.config.data_dir))
            .on_event(|event| tracing::info!("{event}"))
            .on_receipt(move |receipt| {
                let receipts = receipts.clone();
                async move {
                    tracing::info!("receipt for {}: {}", receipt.id, receipt.status);
                    if let Err(error) = crate::files::keep_receipt(&receipts, &receipt).await {
                        tracing::error!("the receipt for {} was not written down: {error}", receipt.id);
                    }
                }
            })
            .limits(self.limits.clone())
            .spool(self.spools.clone())
            .http_client(self.http.clone());
        Ok(builder.build()?)
    }
}
