//! From the configuration to a client and a receiver: keys, partners, store, limits.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ediint::keystore::MemoryKeyStore;
use ediint::store::{MemoryStore, Partnerships, RedbStore};
use ediint::transport::{HttpClient, HyperClient};
use ediint::{As2Client, As2Receiver, Entropy, Limits, MessageStore, OutboxDirectory, SpoolOptions, SystemEntropy};

use crate::config::Config;
use crate::inbox::DirectoryInbox;
use crate::{Result, database, files};

/// Requests that are answered at one time; all others are told to come again.
const REQUESTS: u16 = 256;

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
    place: String,
}

impl Station {
    pub(crate) async fn open(config: Config) -> Result<Self> {
        let record = record(&config).await?;
        Self::on(config, record)
    }

    /// For commands that are of use without what is on record: where `data_dir` or the database is not to be had, they say
    /// so and go without.
    pub(crate) async fn open_to_look(config: Config) -> Result<Self> {
        let record = record(&config).await.unwrap_or_else(|error| {
            tracing::warn!("nothing on record is looked at: {error}");
            Record {
                store: Arc::new(MemoryStore::new()),
                place: "none".to_owned(),
            }
        });
        Self::on(config, record)
    }

    fn on(config: Config, record: Record) -> Result<Self> {
        let partners = Partnerships::new();
        for partner in &config.partners {
            partners.insert(partner.partnership.clone());
        }
        let mut limits = Limits::default();
        limits.message_size = config.max_message_size;
        Ok(Self {
            // Beside the inbox, so that payloads are renamed and not copied.
            spools: SpoolOptions::new().directory(config.data_dir.join("spool")),
            keys: Arc::new(config.key_store()),
            partners: Arc::new(partners),
            store: record.store,
            limits,
            http: HyperClient::new()?,
            place: record.place,
            config,
        })
    }

    pub(crate) fn path(&self, directory: &str) -> PathBuf {
        self.config.data_dir.join(directory)
    }

    /// Sends through `http`. What is submitted waits in `queue/`, which other gateways on the same database do not see.
    pub(crate) fn client(&self, http: impl HttpClient) -> Result<As2Client> {
        let builder = As2Client::builder(self.keys.clone(), self.store.clone())
            .limits(self.limits.clone())
            .spool(self.spools.clone())
            .outbox(OutboxDirectory::new(self.path("queue")).own(&self.place))
            .http_client(http);
        Ok(builder.build()?)
    }

    /// Receives into the inbox. `closed` is called when a receipt that came later has closed a record.
    pub(crate) fn receiver(&self, closed: impl Fn() + Send + Sync + 'static) -> Result<As2Receiver> {
        let receipts = self.path("receipts");
        let closed = Arc::new(closed);
        let builder = As2Receiver::builder(self.keys.clone(), self.partners.clone(), self.store.clone())
            .inbox(DirectoryInbox::new(&self.config.data_dir, self.spools.clone()))
            .on_receipt(move |receipt| {
                let (receipts, closed) = (receipts.clone(), closed.clone());
                async move {
                    if let Err(error) = files::keep_receipt(&receipts, &receipt.id, receipt.to_bytes()).await {
                        tracing::error!("the receipt for {} was not written down: {error}", receipt.id);
                    }
                    closed();
                }
            })
            .concurrency(REQUESTS)
            .limits(self.limits.clone())
            .spool(self.spools.clone())
            .http_client(self.http.clone());
        Ok(builder.build()?)
    }

    /// Removes what processes that were killed have left half-done.
    pub(crate) fn clear_up(&self) -> Result<()> {
        let left = self.spools.remove_orphans();
        let left = left.map_err(|error| format!("cannot clear up {}: {error}", self.path("spool").display()))?;
        if !left.is_empty() {
            tracing::info!("removed what {} transfers left that were cut off", left.len());
        }
        Ok(())
    }
}

/// What tells this gateway's `queue/` from those of others on the same database. The first process makes it up, and all
/// that come later find it. A copy of `data_dir` for another gateway has to be without it.
fn place(path: &Path) -> Result<String> {
    let made = || -> io::Result<String> {
        match fs::read_to_string(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            found => return found,
        }
        let mut name = [0; 16];
        SystemEntropy.rng().fill_bytes(&mut name);
        match files::create(path, files::hex(&name).as_bytes()) {
            // Another process was first.
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => fs::read_to_string(path),
        }
    };
    let place = made().map_err(|error| format!("cannot read or make {}: {error}", path.display()))?;
    match place.trim() {
        "" => Err(format!("{} is empty: remove it, and start again", path.display()).into()),
        place => Ok(place.to_owned()),
    }
}

/// What outlives a process.
struct Record {
    store: Arc<dyn MessageStore>,
    place: String,
}

async fn record(config: &Config) -> Result<Record> {
    for directory in ["spool", "queue", "inbox", "outbox", "sent", "failed", "receipts"] {
        let path = config.data_dir.join(directory);
        fs::create_dir_all(&path).map_err(|error| format!("cannot make {}: {error}", path.display()))?;
    }
    for partner in &config.partners {
        let name = files::safe_name(partner.name().as_str());
        let outbox = config.data_dir.join("outbox").join(name);
        fs::create_dir_all(&outbox).map_err(|error| format!("cannot make {}: {error}", outbox.display()))?;
    }
    Ok(Record {
        store: store(config).await?,
        place: place(&config.data_dir.join("place"))?,
    })
}

/// PostgreSQL where it is configured, else a file that any number of processes of this machine share.
async fn store(config: &Config) -> Result<Arc<dyn MessageStore>> {
    if let Some(url) = &config.postgres {
        return Ok(Arc::new(database::connect(url).await?));
    }
    Ok(Arc::new(RedbStore::open(config.data_dir.join("store.redb")).await?))
}
