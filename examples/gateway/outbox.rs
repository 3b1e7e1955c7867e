//! Files that are dropped into `outbox/PARTNER/` are sent, and then moved to `sent/` or `failed/`.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ediint::transport::HyperClient;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::Result;
use crate::config::Partner;
use crate::files::{blocking, replace, safe_name, sync_directory};
use crate::outcome::Outcome;
use crate::send::{Sender, of_file};
use crate::station::Station;

/// How often the directories are looked at.
const LOOK: Duration = Duration::from_millis(250);
/// A file that has not been written to for so long is complete.
const QUIET: Duration = Duration::from_secs(2);
/// Messages that are sent at one time.
const AT_ONCE: usize = 8;

/// Looks for files until `drain` says true, then finishes what is being sent. What is not sent then stays where it is.
pub(crate) async fn run(station: Arc<Station>, mut drain: watch::Receiver<bool>) {
    let mut watching = Watching::default();
    let mut tasks = JoinSet::new();
    while !*drain.borrow() {
        for (partner, path) in watching.ready(&station) {
            let (station, taken) = (station.clone(), path.clone());
            tasks.spawn(async move {
                if let Err(error) = deliver(&station, partner, &path).await {
                    tracing::error!("{} stays in the outbox: {error}", path.display());
                    sleep(QUIET).await;
                }
                path
            });
            watching.taken.insert(taken);
        }
        tokio::select! {
            () = sleep(LOOK) => {}
            Some(done) = tasks.join_next() => if let Ok(path) = done { watching.done(&path); },
            _ = drain.wait_for(|stop| *stop) => {}
        }
    }
    while tasks.join_next().await.is_some() {}
}

/// What the last look has seen.
#[derive(Default)]
struct Watching {
    sizes: HashMap<PathBuf, u64>,
    taken: HashSet<PathBuf>,
}

impl Watching {
    /// Complete files that nobody is sending, with the index of their partner.
    fn ready(&mut self, station: &Station) -> Vec<(usize, PathBuf)> {
        let mut ready = Vec::new();
        let mut seen = HashMap::new();
        for (index, partner) in station.config.partners.iter().enumerate() {
            let directory = station.path("outbox").join(safe_name(partner.name().as_str()));
            // Nobody has dropped anything for this partner.
            let Ok(entries) = fs::read_dir(directory) else { continue };
            for entry in entries.flatten() {
                let path = entry.path();
                let Ok(metadata) = entry.metadata() else { continue };
                if !metadata.is_file() || is_temporary(&entry.file_name()) || self.taken.contains(&path) {
                    continue;
                }
                let as_before = self.sizes.get(&path) == Some(&metadata.len());
                if self.taken.len() + ready.len() < AT_ONCE
                    && (was_moved(&metadata) || (as_before && is_quiet(&metadata)))
                {
                    ready.push((index, path));
                } else {
                    seen.insert(path, metadata.len());
                }
            }
        }
        self.sizes = seen;
        ready
    }

    fn done(&mut self, path: &Path) {
        self.taken.remove(path);
    }
}

/// Names that programs use while they write.
fn is_temporary(name: &OsString) -> bool {
    let name = name.to_string_lossy().to_ascii_lowercase();
    name.starts_with('.') || [".tmp", ".part", "~"].iter().any(|ending| name.ends_with(ending))
}

fn is_quiet(metadata: &Metadata) -> bool {
    let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    SystemTime::now().duration_since(modified).is_ok_and(|age| age >= QUIET)
}

/// Whether the file was renamed after it was last written to: then whoever wrote it is done.
#[cfg(unix)]
fn was_moved(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (metadata.ctime(), metadata.ctime_nsec()) > (metadata.mtime(), metadata.mtime_nsec())
}

#[cfg(not(unix))]
fn was_moved(_: &Metadata) -> bool {
    false
}

async fn deliver(station: &Station, partner: usize, path: &Path) -> Result<()> {
    let Some(partner) = station.config.partners.get(partner) else {
        return Ok(());
    };
    let sender = Sender {
        station,
        partner,
        partnership: partner.partnership.clone(),
        client: station.client(HyperClient::new()?)?,
        retries: partner.retries,
    };
    let outcome = sender.send(of_file(path).await?, None).await;
    tracing::info!("{}: {outcome}", path.display());
    Ok(put_away(station, partner, path, outcome).await?)
}

/// Moves the file to `sent/` or `failed/`, with its receipt and what became of it.
async fn put_away(station: &Station, partner: &Partner, path: &Path, outcome: Outcome) -> io::Result<()> {
    let kind = if outcome.status.is_success() { "sent" } else { "failed" };
    let directory = station.path(kind).join(safe_name(partner.name().as_str()));
    let path = path.to_owned();
    blocking(move || {
        fs::create_dir_all(&directory)?;
        let place = free_place(&directory, path.file_name().unwrap_or_default());
        let beside = |ending: &str| {
            let mut name = place.clone().into_os_string();
            name.push(ending);
            PathBuf::from(name)
        };
        if let Some(receipt) = &outcome.receipt_file {
            replace(&beside(".mdn"), &fs::read(receipt)?)?;
        }
        let ending = if outcome.status.is_success() {
            ".json"
        } else {
            ".error.json"
        };
        replace(&beside(ending), &serde_json::to_vec_pretty(&outcome)?)?;
        fs::rename(&path, &place)?;
        sync_directory(&directory)?;
        sync_directory(path.parent().unwrap_or(Path::new(".")))
    })
    .await
}

/// The same name, or with a number in front where there is such a file already.
fn free_place(directory: &Path, name: &std::ffi::OsStr) -> PathBuf {
    let own = directory.join(name);
    if !own.exists() {
        return own;
    }
    let numbered = |number: u32| directory.join(format!("{number}-{}", name.to_string_lossy()));
    (2..).map(numbered).find(|place| !place.exists()).unwrap_or(own)
}
