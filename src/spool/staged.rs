//! Several files that appear together.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tempfile::TempDir;

use super::persist::{parent, sync_directory};
use super::{Payload, PersistError, PersistStep, temporary};

/// A directory of files that appears complete or not at all, durably: a message with its attachments and what is known
/// of it.
///
/// It is built in a temporary directory that only its owner may read, beside its place or elsewhere, and renamed. A second
/// delivery of what is there already changes nothing: see [`Committed`].
///
/// ```
/// # use std::error::Error;
/// # use ediint::{Committed, ReceivedMessage, StagedDirectory};
/// # async fn deliver(message: ReceivedMessage) -> Result<(), Box<dyn Error + Send + Sync>> {
/// let path = std::path::Path::new("inbox").join(message.storage_key());
/// let mut files = StagedDirectory::new(&path).await?;
/// files.metadata("mic", message.mic.to_string()).await?;
/// files.payload("payload", message.payload).await?;
/// match files.commit().await? {
///     Committed::Now | Committed::Before => Ok(()),
///     _ => Err("another message has this key".into()),
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct StagedDirectory {
    path: PathBuf,
    staged: TempDir,
    // What marks the directory as in use until it is renamed or removed.
    lock: Option<File>,
    payloads: Vec<String>,
}

/// What [`StagedDirectory::commit`] found in the place of the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Committed {
    /// Nothing: the directory is there now.
    Now,
    /// A directory with the same payloads, from a delivery before. It stays as it is.
    Before,
    /// A directory with other payloads. It stays as it is.
    Other,
}

impl StagedDirectory {
    /// Begins a directory that will be at `path`. Directories above it that are missing are made.
    ///
    /// # Errors
    ///
    /// [`PersistError`] at [`PersistStep::Create`], or [`PersistStep::SyncDirectory`] where directories had to be made.
    pub async fn new(path: impl AsRef<Path>) -> Result<Self, PersistError> {
        let path = path.as_ref();
        Self::new_in(parent(path), path).await
    }

    /// Begins a directory that will be at `path`, and is built in `workplace`: nothing that is half-done is ever beside
    /// its place. Both have to be on one file system, or [`commit`](Self::commit) fails.
    /// [`SpoolOptions::remove_orphans`](super::SpoolOptions::remove_orphans) clears up `workplace`.
    ///
    /// # Errors
    ///
    /// [`PersistError`] at [`PersistStep::Create`], or [`PersistStep::SyncDirectory`] where directories had to be made.
    pub async fn new_in(workplace: impl AsRef<Path>, path: impl AsRef<Path>) -> Result<Self, PersistError> {
        let (workplace, path) = (workplace.as_ref().to_owned(), path.as_ref().to_owned());
        blocking(path.clone(), move || {
            let failed = |error| PersistStep::Create.failed(&path)(error);
            make_directory(parent(&path)).map_err(|(step, error)| step.failed(&path)(error))?;
            let (staged, lock) = temporary::directory(&workplace).map_err(failed)?;
            Ok(Self {
                path,
                staged,
                lock,
                payloads: Vec::new(),
            })
        })
        .await
    }

    /// Adds a payload: renamed out of the spool where it can be. `name` must be a plain file name, never a partner's.
    ///
    /// # Errors
    ///
    /// [`PersistError`].
    pub async fn payload(&mut self, name: &str, payload: Payload) -> Result<(), PersistError> {
        self.add(name, payload).await?;
        self.payloads.push(name.to_owned());
        Ok(())
    }

    /// Adds a file that may differ when the same payloads are delivered again: times, how they came. `name` must be a
    /// plain file name, never a partner's.
    ///
    /// # Errors
    ///
    /// [`PersistError`].
    pub async fn metadata(&mut self, name: &str, content: impl Into<Bytes>) -> Result<(), PersistError> {
        self.add(name, content.into().into()).await
    }

    async fn add(&self, name: &str, payload: Payload) -> Result<(), PersistError> {
        let path = self.staged.path().join(name);
        if !is_plain(name) {
            return Err(PersistStep::Create.failed(&path)(ErrorKind::InvalidFilename.into()));
        }
        blocking(path.clone(), move || payload.into_spool(&path)?.place(&path)).await
    }

    /// Puts the directory into its place. When this returns [`Committed::Now`] or [`Committed::Before`], all of it
    /// survives a loss of power.
    ///
    /// # Errors
    ///
    /// [`PersistError`]; nothing is left, unless the last step, syncing the directories above, failed.
    pub async fn commit(self) -> Result<Committed, PersistError> {
        blocking(self.path.clone(), move || self.commit_now()).await
    }

    fn commit_now(self) -> Result<Committed, PersistError> {
        let Self {
            path,
            staged,
            lock,
            payloads,
        } = self;
        let failed = |step: PersistStep| step.failed(&path);
        sync_directory(staged.path()).map_err(failed(PersistStep::SyncDirectory))?;
        let committed = match fs::rename(staged.path(), &path) {
            Ok(()) => {
                // There is nothing to remove any more.
                let _renamed = staged.keep();
                Committed::Now
            }
            Err(_) if path.is_dir() => match same_payloads(staged.path(), &path, &payloads) {
                Ok(true) => Committed::Before,
                Ok(false) => return Ok(Committed::Other),
                Err(error) => return Err(failed(PersistStep::Rename)(error)),
            },
            Err(error) => return Err(failed(PersistStep::Rename)(error)),
        };
        drop(lock);
        // Whoever was there before may have crashed before it came to this. The directory above may be as new; those above
        // that are not.
        let above = parent(&path);
        sync_directory(above)
            .and_then(|()| sync_directory(parent(above)))
            .map_err(failed(PersistStep::SyncDirectory))?;
        Ok(committed)
    }
}

/// Makes a directory and those above it that are missing. Each one is durable before another is made in it: so it is for
/// whoever finds the other there, whatever became of its maker. The last one has to be synced into its own by the caller.
fn make_directory(directory: &Path) -> Result<(), (PersistStep, io::Error)> {
    let missing = |path: &&Path| !path.as_os_str().is_empty() && !path.is_dir();
    let missing: Vec<&Path> = directory.ancestors().take_while(missing).collect();
    for (made, path) in missing.into_iter().rev().enumerate() {
        match sync_directory(parent(parent(path))) {
            // Others have made what is in there.
            Err(error) if made == 0 && error.kind() == ErrorKind::PermissionDenied => {}
            synced => synced.map_err(|error| (PersistStep::SyncDirectory, error))?,
        }
        match fs::create_dir(path) {
            // By another delivery.
            Err(_) if path.is_dir() => {}
            made => made.map_err(|error| (PersistStep::Create, error))?,
        }
    }
    Ok(())
}

/// Whether a name leads nowhere else.
fn is_plain(name: &str) -> bool {
    let mut components = Path::new(name).components();
    matches!(components.next(), Some(std::path::Component::Normal(only)) if only == name)
}

fn same_payloads(one: &Path, other: &Path, names: &[String]) -> io::Result<bool> {
    for name in names {
        if !same_content(&one.join(name), &other.join(name))? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn same_content(one: &Path, other: &Path) -> io::Result<bool> {
    let mut one = File::open(one)?;
    let mut other = match File::open(other) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    if one.metadata()?.len() != other.metadata()?.len() {
        return Ok(false);
    }
    let (mut here, mut there) = (Vec::new(), Vec::new());
    loop {
        here.clear();
        there.clear();
        one.by_ref().take(CHUNK).read_to_end(&mut here)?;
        other.by_ref().take(CHUNK).read_to_end(&mut there)?;
        if here != there || here.is_empty() {
            return Ok(here == there);
        }
    }
}

/// Octets that are compared at once.
const CHUNK: u64 = 64 << 10;

/// Runs blocking work on the way to `path`.
async fn blocking<T: Send + 'static>(
    path: PathBuf,
    work: impl FnOnce() -> Result<T, PersistError> + Send + 'static,
) -> Result<T, PersistError> {
    super::blocking(work).await.map_err(PersistStep::Write.failed(&path))?
}

#[cfg(unix)]
#[cfg(test)]
mod tests;
