//! Payloads put where they stay.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::{Spool, temporary};

impl Spool {
    /// Puts the content at `path`, durably: when this returns, file and directory entry survive a loss of power.
    ///
    /// The file appears complete or not at all, and replaces what was at `path`: the same message delivered twice (a
    /// crash before its receipt) must not fail. So never use a partner's file name alone as the path. On the file
    /// system of the spool's directory the file is renamed, otherwise it is copied. It stays readable by its owner
    /// only.
    ///
    /// # Errors
    ///
    /// [`PersistError`]; nothing is left at `path` that was not there before, unless the last step, syncing the
    /// directory, failed.
    pub fn persist(self, path: impl AsRef<Path>) -> Result<(), PersistError> {
        let path = path.as_ref();
        self.place(path)?;
        sync_directory(parent(path)).map_err(PersistStep::SyncDirectory.failed(path))
    }

    /// Does all of it but sync the directory.
    pub(super) fn place(mut self, path: &Path) -> Result<(), PersistError> {
        if self.on_disk.is_some() {
            self.flush_memory().map_err(PersistStep::Write.failed(path))?;
        }
        if let Some((file, reservation)) = self.on_disk.take() {
            file.as_file().sync_all().map_err(PersistStep::Sync.failed(path))?;
            match file.persist(path) {
                Ok(_) => return Ok(()),
                // On another file system: it is copied.
                Err(error) if error.error.kind() == io::ErrorKind::CrossesDevices => {
                    self.on_disk = Some((error.file, reservation));
                }
                Err(error) => return Err(PersistStep::Rename.failed(path)(error.error)),
            }
        }
        let mut copy = temporary::file(parent(path)).map_err(PersistStep::Create.failed(path))?;
        io::copy(&mut self.reader(), copy.as_file_mut()).map_err(PersistStep::Write.failed(path))?;
        copy.as_file().sync_all().map_err(PersistStep::Sync.failed(path))?;
        copy.persist(path)
            .map_err(|error| PersistStep::Rename.failed(path)(error.error))?;
        Ok(())
    }
}

/// Why a payload could not be put where it stays: [`Spool::persist`], `StagedDirectory`.
#[derive(Debug, thiserror::Error)]
#[error("persisting a payload at {}: cannot {step}", path.display())]
#[non_exhaustive]
pub struct PersistError {
    /// What could not be done.
    pub step: PersistStep,
    /// The path that was asked for.
    pub path: PathBuf,
    /// The cause.
    pub source: io::Error,
}

impl PersistStep {
    /// What an I/O error at this step becomes.
    pub(crate) fn failed(self, path: &Path) -> impl FnOnce(io::Error) -> PersistError {
        move |source| PersistError {
            step: self,
            path: path.to_owned(),
            source,
        }
    }
}

/// A step of putting a payload where it stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PersistStep {
    /// Creating a file in the directory of the path.
    Create,
    /// Writing the content.
    Write,
    /// Syncing the content.
    Sync,
    /// Renaming the file into place.
    Rename,
    /// Syncing the directory.
    SyncDirectory,
}

impl fmt::Display for PersistStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create a file in its directory",
            Self::Write => "write the content",
            Self::Sync => "sync the content",
            Self::Rename => "rename the file into place",
            Self::SyncDirectory => "sync the directory",
        })
    }
}

pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

#[cfg(unix)]
pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Directories cannot be synced here; the file system's journal does it.
#[cfg(not(unix))]
pub(super) fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}
