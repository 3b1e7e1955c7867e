//! Files that are dropped into `outbox/PARTNER/` are sent, and then moved to `sent/` or `failed/`.

mod look;

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ediint::keystore::KeyStoreError;
use ediint::store::ExchangeId;
use ediint::{As2Client, Entropy, MessageId, MessageStore, OutboxWorker, PrepareError, SubmitError, SystemEntropy};
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::Result;
use crate::config::Partner;
use crate::files::{blocking, digest, keep_receipt, receipt_path, replace, safe_name, sync_directory};
use crate::outcome::{Outcome, Status, chain};
use crate::send::of_file;
use crate::station::Station;
use look::{Look, directories};

/// How often the directories are looked at.
const LOOK: Duration = Duration::from_millis(250);
/// Files that are on their way at one time, those that wait for a receipt included; more stay in the outbox.
const TAKEN: usize = 256;
/// How long after a failure of our own disk or store something is tried again, and how often the store is asked for what
/// other processes have done.
const AGAIN: Duration = Duration::from_secs(5);
/// How long after a crash what was under way is left alone.
const LEASE: Duration = Duration::from_secs(15);

/// Takes files and submits them until `drain` says true, and puts them away once their record is closed. `news` tells
/// that one may have been. What is not done at the end goes on at the next start.
pub(crate) async fn run(station: Arc<Station>, news: Arc<Notify>, mut drain: watch::Receiver<bool>) -> Result<()> {
    let client = station.client(station.http.clone())?;
    let tell = news.clone();
    let worker = OutboxWorker::new(&client, station.partners.clone())
        .lease(LEASE)
        .on_event(move |_| tell.notify_waiters());
    let mut stop = drain.clone();
    let worker = tokio::spawn(worker.run(async move {
        stop.wait_for(|stop| *stop).await.ok();
    }));
    let (end, over) = watch::channel(false);
    let mut tasks = JoinSet::new();
    let (directories, mut sizes) = (Arc::new(directories(&station.config)), HashMap::new());
    let mut told = HashSet::new();
    while !*drain.borrow() {
        let room = TAKEN.saturating_sub(tasks.len());
        let (at, all, before) = (station.clone(), directories.clone(), sizes);
        let look = blocking(move || Ok(Look::new(&at, &all, &before, room))).await?;
        sizes = look.sizes;
        for (path, why) in look.strays {
            if told.insert(path.clone()) {
                tracing::warn!("{} is not sent: {why}", path.display());
            }
        }
        for taken in look.taken {
            let (station, client) = (station.clone(), client.clone());
            tasks.spawn(taken.finish(station, client, news.clone(), over.clone()));
        }
        while tasks.try_join_next().is_some() {}
        tokio::select! {
            () = sleep(LOOK) => {}
            _ = drain.wait_for(|stop| *stop) => {}
        }
    }
    worker.await?;
    end.send_replace(true);
    while tasks.join_next().await.is_some() {}
    Ok(())
}

/// A file on its way. Which Message-ID it goes out under is written down beside, in `spool/sending/PARTNER/`, before
/// anything is sent: whoever goes on after a crash sends the same message, and the partner recognises it. As long as
/// that note is locked, the file is being sent.
struct Taken {
    partner: usize,
    id: MessageId,
    path: PathBuf,
    content: Content,
    note: PathBuf,
    _lock: File,
}

/// What is written down.
#[derive(Serialize, Deserialize)]
struct Note {
    message_id: String,
    content: Content,
}

impl Taken {
    /// Takes a file out of the outbox; none where another task or process has it.
    fn take(station: &Station, index: usize, path: &Path) -> io::Result<Option<Self>> {
        let partner = station.config.partners.get(index).ok_or(io::ErrorKind::NotFound)?;
        let notes = station
            .path("spool")
            .join("sending")
            .join(safe_name(partner.name().as_str()));
        fs::create_dir_all(&notes)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let note = notes.join(safe_name(&name));
        let mut lock = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&note)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // Whoever had the lock before may be done with both.
        if !path.exists() || !note.exists() {
            return Ok(None);
        }
        let mut text = String::new();
        lock.read_to_string(&mut text)?;
        let before = serde_json::from_str(&text).ok();
        let before = before.filter(|before: &Note| before.content.is_at(path));
        let before = before.and_then(|before| Some((MessageId::new(&before.message_id).ok()?, before.content)));
        let (id, content) = match before {
            Some(before) => before,
            None => {
                let content = Content::of(path)?;
                let id = MessageId::generate(partner.station().as_str(), &mut *SystemEntropy.rng());
                let message_id = id.to_string();
                let note = Note { message_id, content };
                let text = serde_json::to_vec(&note)?;
                lock.rewind()?;
                lock.set_len(0)?;
                lock.write_all(&text)?;
                lock.sync_all()?;
                sync_directory(&notes)?;
                (id, note.content)
            }
        };
        Ok(Some(Self {
            partner: index,
            id,
            path: path.to_owned(),
            content,
            note,
            _lock: lock,
        }))
    }

    /// Submits the file, if that was not done before, and puts it away once its record is closed.
    async fn finish(
        self,
        station: Arc<Station>,
        client: As2Client,
        news: Arc<Notify>,
        mut over: watch::Receiver<bool>,
    ) {
        loop {
            let last = *over.borrow();
            // From here on nothing that is told is missed.
            let mut told = pin!(news.notified());
            told.as_mut().enable();
            match self.try_finish(&station, &client, last).await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => tracing::error!("{}: {}", self.path.display(), chain(&*error)),
            }
            if last {
                return;
            }
            tokio::select! {
                () = told => {}
                () = sleep(AGAIN) => {}
                _ = over.wait_for(|over| *over) => {}
            }
        }
    }

    /// Whether the file is put away.
    async fn try_finish(&self, station: &Station, client: &As2Client, last: bool) -> Result<bool> {
        let Some(partner) = station.config.partners.get(self.partner) else {
            return Ok(true);
        };
        let id = ExchangeId::new(partner.name().clone(), partner.station().clone(), self.id.clone());
        let outcome = match station.store.find_sent(&id).await? {
            Some(record) => {
                let Some(outcome) = Outcome::recorded(&Outcome::unknown(&id), &record) else {
                    return Ok(false);
                };
                if let Some(receipt) = record.receipt {
                    keep_receipt(&station.path("receipts"), &id, receipt.octets).await?;
                }
                outcome
            }
            None if last => return Ok(false),
            None => {
                let (content, path, note) = (self.content.clone(), self.path.clone(), self.note.clone());
                let is_there = blocking(move || match content.is_at(&path) {
                    true => Ok(true),
                    // Another file is there, which is taken by itself.
                    false => fs::remove_file(&note).map(|()| false),
                });
                if !is_there.await? {
                    return Ok(true);
                }
                let message = of_file(&self.path).await?.message_id(self.id.clone());
                match client.submit(&partner.partnership, message).await {
                    Ok(_) => return Ok(false),
                    // It would be the same the next time.
                    Err(SubmitError::Prepare(error)) if !is_passing(&error) => {
                        Outcome::not_sent(partner.name().as_str(), Some(&self.id), &error)
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        };
        match outcome.status {
            Status::NotSent => tracing::warn!("{} goes to failed/: {outcome}", self.path.display()),
            // The crate has told it.
            _ => tracing::debug!("{}: {outcome}", self.path.display()),
        }
        self.put_away(station, partner, outcome).await?;
        Ok(true)
    }

    /// Moves the file to `sent/` or `failed/`, with its receipt and what became of it.
    async fn put_away(&self, station: &Station, partner: &Partner, outcome: Outcome) -> io::Result<()> {
        let kind = if outcome.status.is_success() { "sent" } else { "failed" };
        let directory = station.path(kind).join(safe_name(partner.name().as_str()));
        let receipt = receipt_path(&station.path("receipts"), partner.name(), &self.id);
        let (path, note) = (self.path.clone(), self.note.clone());
        let content = self.content.clone();
        blocking(move || {
            fs::create_dir_all(&directory)?;
            let ending = if outcome.status.is_success() {
                ".json"
            } else {
                ".error.json"
            };
            let id = outcome.message_id.as_deref();
            let place = free_place(&directory, path.file_name().unwrap_or_default(), ending, id);
            if receipt.exists() {
                replace(&beside(&place, ".mdn"), &fs::read(receipt)?)?;
            }
            replace(&beside(&place, ending), &serde_json::to_vec_pretty(&outcome)?)?;
            // Somebody may have taken it away meanwhile, or put another file in its place: that one is yet to be sent.
            if content.is_at(&path) {
                fs::rename(&path, &place)?;
            } else {
                tracing::warn!("{} is not the file that was sent: that one is gone", path.display());
            }
            sync_directory(&directory)?;
            fs::remove_file(&note)
        })
        .await
    }
}

/// What tells a file from others that come to its place. One that was only touched is the same.
#[derive(Clone, Serialize, Deserialize)]
struct Content {
    size: u64,
    modified: SystemTime,
    sha256: String,
}

impl Content {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self {
            size: metadata.len(),
            modified: metadata.modified()?,
            sha256: digest(path)?,
        })
    }

    fn is_at(&self, path: &Path) -> bool {
        let metadata = fs::metadata(path);
        metadata.is_ok_and(|now| {
            now.len() == self.size
                && (now.modified().is_ok_and(|time| time == self.modified)
                    || digest(path).is_ok_and(|digest| digest == self.sha256))
        })
    }
}

/// The file of the outbox that went out under that id, now in `sent/` or `failed/`.
pub(crate) async fn sent_file(station: &Station, id: &ExchangeId) -> io::Result<Option<PathBuf>> {
    let partner = safe_name(id.to().as_str());
    let places = [("failed", ".error.json"), ("sent", ".json")]
        .map(|(kind, ending)| (station.path(kind).join(&partner), ending));
    let message_id = id.message_id().to_string();
    blocking(move || {
        for (directory, ending) in places {
            // Where it is missing, nothing was put away for this partner.
            for entry in fs::read_dir(directory).into_iter().flatten() {
                let note = entry?.path();
                let file = note
                    .to_str()
                    .and_then(|path| path.strip_suffix(ending))
                    .map(PathBuf::from);
                let Some(file) = file.filter(|file| file.is_file()) else {
                    continue;
                };
                if id_in(&note).as_deref() == Some(&message_id) {
                    return Ok(Some(file));
                }
            }
        }
        Ok(None)
    })
    .await
}

/// Of which message an [`Outcome`] in a file is.
fn id_in(note: &Path) -> Option<String> {
    #[derive(Deserialize)]
    struct Id {
        message_id: Option<String>,
    }
    let of: Option<Id> = serde_json::from_slice(&fs::read(note).ok()?).ok();
    of?.message_id
}

/// Whether a message may be prepared later that cannot be now.
fn is_passing(error: &PrepareError) -> bool {
    matches!(
        error,
        PrepareError::KeyStore(KeyStoreError::Unavailable(_)) | PrepareError::Payload(_) | PrepareError::Encode(_)
    )
}

/// The path with something more at its end.
fn beside(place: &Path, ending: &str) -> PathBuf {
    let mut name = place.to_owned().into_os_string();
    name.push(ending);
    name.into()
}

/// The same name, or with a number in front where there is such a file already, or something of another message beside it.
fn free_place(directory: &Path, name: &OsStr, ending: &str, id: Option<&str>) -> PathBuf {
    let is_free = |place: &PathBuf| {
        let note = beside(place, ending);
        // Begun before a crash.
        let is_own = id.is_some() && id_in(&note).as_deref() == id;
        !place.exists() && (is_own || !(note.exists() || beside(place, ".mdn").exists()))
    };
    let numbered = |number: u32| directory.join(format!("{number}-{}", name.to_string_lossy()));
    let own = directory.join(name);
    let places = std::iter::once(own.clone()).chain((2..).map(numbered));
    places.into_iter().find(is_free).unwrap_or(own)
}
