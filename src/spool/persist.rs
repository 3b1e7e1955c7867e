//! Payloads put where they stay.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::{PREFIX, Spool, octets};

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
    pub fn persist(mut self, path: impl AsRef<Path>) -> Result<(), PersistError> {
        let path = path.as_ref();
        let failed = |step| {
            move |source| PersistError {
                step,
                path: path.to_owned(),
                source,
            }
        };
        if self.on_disk.is_some() {
            self.flush_memory().map_err(failed(PersistStep::Write))?;
        }
        // The reservation lives until the file has left the spool.
        let (renamed, _reservation) = match self.on_disk.take() {
            Some((file, reservation)) => {
                file.as_file().sync_all().map_err(failed(PersistStep::Sync))?;
                (
                    rename(file, path).map_err(failed(PersistStep::Rename))?,
                    Some(reservation),
                )
            }
            None => (Renamed::Otherwise(None), None),
        };
        if let Renamed::Otherwise(source) = renamed {
            let mut copy = tempfile::Builder::new()
                .prefix(PREFIX)
                .tempfile_in(parent(path))
                .map_err(failed(PersistStep::Create))?;
            match source {
                Some(source) => source
                    .reopen()
                    .and_then(|mut source| io::copy(&mut source, copy.as_file_mut())),
                None => copy
                    .as_file_mut()
                    .write_all(&self.memory)
                    .map(|()| octets(&self.memory)),
            }
            .map_err(failed(PersistStep::Write))?;
            copy.as_file().sync_all().map_err(failed(PersistStep::Sync))?;
            copy.persist(path)
                .map_err(|error| failed(PersistStep::Rename)(error.error))?;
        }
        sync_directory(parent(path)).map_err(failed(PersistStep::SyncDirectory))
    }
}

/// Why [`Spool::persist`] failed.
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

#[cfg(feature = "transport")]
impl PersistError {
    /// The content could not be written.
    pub(crate) fn write(path: &Path, source: io::Error) -> Self {
        Self {
            step: PersistStep::Write,
            path: path.to_owned(),
            source,
        }
    }
}

/// A step of [`Spool::persist`].
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

enum Renamed {
    InPlace,
    /// To be written anew: from this file of another file system, or from memory.
    Otherwise(Option<NamedTempFile>),
}

fn rename(file: NamedTempFile, path: &Path) -> io::Result<Renamed> {
    match file.persist(path) {
        Ok(_) => Ok(Renamed::InPlace),
        Err(error) if error.error.kind() == io::ErrorKind::CrossesDevices => Ok(Renamed::Otherwise(Some(error.file))),
        Err(error) => Err(error.error),
    }
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Directories cannot be synced here; the file system's journal does it.
#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}
