//! Encoded messages on disk until their records are closed.

mod tag;

use std::fs::{self, File};
use std::io::{self, ErrorKind, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rand_core::CryptoRng;

use crate::spool::{PersistError, PersistStep, Spool, SpoolOptions};
use crate::store::ExchangeId;
pub(crate) use tag::Tag;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Where encoded messages wait to be sent: a directory that exists already, on a local disk, or one that all machines
/// have mounted that share the message store. Where each machine has [its own](Self::own), that has to be said.
///
/// A file is written under a temporary name, synced and renamed before its message is put on record. Only its owner may
/// read it. It is deleted once a receipt has closed the record, and says itself which message it belongs to: files whose
/// message is not on record, because a process died between the two, are found and removed. Those of messages that
/// failed stay for a while, to be [retried](crate::As2Client::retry).
#[derive(Clone, Debug)]
pub struct OutboxDirectory {
    path: PathBuf,
    keep: Duration,
    orphan_age: Duration,
    place: Option<String>,
}

/// A file that is not removed as long as this lives.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) name: String,
    _lock: File,
}

/// A file that was found in the directory.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) name: String,
    /// The message that it says it belongs to; `None` where it is damaged.
    pub(crate) tag: Option<Tag>,
}

/// Why the octets of a queued message cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueuedError {
    /// The client that the outbox works with was built without a directory.
    #[error("the client has no outbox directory: name one with As2ClientBuilder::outbox")]
    NoDirectory,
    /// The message was not queued: whoever was sending it had its octets in memory, and is gone.
    #[error("the message was sent by a process that is gone, and took its octets along")]
    NotQueued,
    /// The file is not there.
    #[error("the file {} of a queued message is gone", .0.display())]
    Gone(PathBuf),
    /// The file is not what was put there.
    #[error("the file {} of a queued message is damaged", .0.display())]
    Damaged(PathBuf),
    /// The directory or the file cannot be read at present.
    #[error("the outbox directory cannot be read")]
    Unavailable(#[from] io::Error),
}

impl OutboxDirectory {
    /// The outbox at `path`.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            keep: 7 * 24 * HOUR,
            orphan_age: HOUR,
            place: None,
        }
    }

    /// How long the files of messages stay that were given up, counted from when they were put there (default 7 days).
    #[must_use]
    pub fn keep(mut self, age: Duration) -> Self {
        self.keep = age;
        self
    }

    /// How old a file must be to be removed because its message is not on record (default 1 h). Where the file system
    /// knows no locks, it has to be longer than putting a message on record may take.
    #[must_use]
    pub fn orphan_age(mut self, age: Duration) -> Self {
        self.orphan_age = age;
        self
    }

    /// Says that other workers on the message store have directories of their own, and do not see this one (default: all
    /// share it). `place` is its name, which no other directory has and which it keeps through restarts: text without NUL.
    ///
    /// What is put there is left to workers whose directory has that name. Once all that waits there is overdue by an hour,
    /// for no worker has claimed anything, others give it up: nobody who has the files seems to be alive. They stay, for a
    /// [retry](crate::As2Client::retry).
    #[must_use]
    pub fn own(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    /// The name of the [place](Self::own), where it is not shared by all workers.
    #[must_use]
    pub fn place(&self) -> Option<&str> {
        self.place.as_deref()
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts a body in, durably. It blocks.
    pub(super) fn put(&self, mut body: Spool, tag: &Tag, rng: &mut dyn CryptoRng) -> Result<Held, PersistError> {
        let name = tag::file_name(rng);
        let path = self.path.join(&name);
        let written = body.write_all(&tag.to_bytes());
        written.map_err(PersistStep::Write.failed(&path))?;
        body.persist(&path)?;
        self.lock(name).map_err(PersistStep::Write.failed(&path))
    }

    /// Puts the body of `len` octets of a file that was [opened](Self::open) in once more, for the message `new`. It
    /// blocks.
    pub(super) fn put_again(
        &self,
        (file, first): (File, Tag),
        len: u64,
        new: ExchangeId,
        spools: &SpoolOptions,
        rng: &mut dyn CryptoRng,
    ) -> Result<Held, PutAgainError> {
        let mut copy = spools.clone().directory(&self.path).create();
        io::copy(&mut io::Read::take(file, len), &mut copy).map_err(QueuedError::Unavailable)?;
        let tag = Tag {
            id: new,
            resent: first.resent.saturating_add(1),
        };
        Ok(self.put(copy, &tag, rng)?)
    }

    /// Finds the body of a message, of `len` octets, again. It blocks.
    pub(crate) fn open(&self, id: &ExchangeId, name: &str, len: u64) -> Result<(File, Tag), QueuedError> {
        let mut file = self.find(name)?;
        match Tag::read(&mut file)? {
            Some((tag, body)) if body == len && tag.id == *id => {
                file.rewind()?;
                Ok((file, tag))
            }
            _ => Err(QueuedError::Damaged(self.path.join(name))),
        }
    }

    fn find(&self, name: &str) -> Result<File, QueuedError> {
        let path = self.path.join(name);
        // A name from the store leads nowhere else.
        if !tag::is_file_name(name) {
            return Err(QueuedError::Gone(path));
        }
        match File::open(&path) {
            Ok(file) => Ok(file),
            // A directory that is not there, for it is not mounted, has lost nothing.
            Err(error) if error.kind() == ErrorKind::NotFound && self.path.is_dir() => Err(QueuedError::Gone(path)),
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps a file that is there already from being removed; it counts as new from now on. It blocks.
    pub(super) fn hold(&self, name: &str) -> Result<Held, QueuedError> {
        self.find(name)?;
        let held = self.lock(name.to_owned())?;
        let writable = File::options().append(true).open(self.path.join(name))?;
        writable.set_modified(SystemTime::now())?;
        Ok(held)
    }

    fn lock(&self, name: String) -> io::Result<Held> {
        let path = self.path.join(&name);
        let file = File::open(&path)?;
        match file.lock_shared() {
            // Its age has to protect it.
            Err(error) if error.kind() == ErrorKind::Unsupported => {}
            locked => locked?,
        }
        // It may have been removed meanwhile.
        fs::symlink_metadata(&path)?;
        Ok(Held { name, _lock: file })
    }

    /// Deletes the file of a message that is closed. It blocks.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        if !tag::is_file_name(name) {
            return Ok(());
        }
        match fs::remove_file(self.path.join(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The files that are there. It blocks.
    pub(crate) fn files(&self) -> io::Result<Vec<Found>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            let Some(name) = name.to_str().filter(|name| tag::is_file_name(name)) else {
                continue;
            };
            let read = File::open(self.path.join(name)).and_then(|mut file| Tag::read(&mut file));
            match read {
                Ok(tag) => found.push(Found {
                    name: name.to_owned(),
                    tag: tag.map(|(tag, _)| tag),
                }),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// Removes a file that belongs to no message on record. Says whether it did. It blocks.
    pub(crate) fn remove_orphan(&self, name: &str) -> io::Result<bool> {
        self.remove_old(name, self.orphan_age)
    }

    /// Removes the file of a message that was given up. Says whether it did. It blocks.
    pub(crate) fn remove_given_up(&self, name: &str) -> io::Result<bool> {
        self.remove_old(name, self.keep)
    }

    fn remove_old(&self, name: &str, age: Duration) -> io::Result<bool> {
        let path = self.path.join(name);
        // On NFS an exclusive lock takes a file that is open for writing (flock(2)).
        let file = match File::options().read(true).write(true).open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            file => file?,
        };
        if matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock)) {
            return Ok(false);
        }
        // A time in the future is young.
        let modified = file.metadata()?.modified()?;
        if SystemTime::now().duration_since(modified).unwrap_or_default() < age {
            return Ok(false);
        }
        fs::remove_file(&path).map(|()| true)
    }
}

/// Why a body could not be put in once more.
#[derive(Debug, thiserror::Error)]
pub(super) enum PutAgainError {
    #[error(transparent)]
    Queued(#[from] QueuedError),
    #[error(transparent)]
    Persist(#[from] PersistError),
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
