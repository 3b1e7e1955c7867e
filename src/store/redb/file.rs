//! The file of a store, opened again after the disk has failed.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use redb::{ConcurrencyMode, Database};

use super::tables::{SCHEMA, schema};
use super::{RedbOpenError, StoreError};

/// What of the file is kept in memory at most, by each process.
const CACHE: usize = 64 << 20;

/// A file with a database. After an error of the disk, be it that it was full for a moment, redb refuses all further work
/// until the file is opened again.
pub(super) struct File {
    path: PathBuf,
    opened: RwLock<Opened>,
}

struct Opened {
    /// None after an error, until the file could be opened again.
    database: Option<Database>,
    /// How often it was opened.
    generation: u64,
}

impl File {
    pub(super) fn open(path: PathBuf) -> Result<Self, RedbOpenError> {
        let opened = Opened {
            database: Some(open(&path)?),
            generation: 0,
        };
        Ok(Self {
            path,
            opened: RwLock::new(opened),
        })
    }

    /// Works with the database. It blocks.
    pub(super) fn with<T>(&self, work: impl FnOnce(&Database) -> Result<T, StoreError>) -> Result<T, StoreError> {
        loop {
            let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
            let Some(database) = &opened.database else {
                drop(opened);
                self.reopen()?;
                continue;
            };
            let result = work(database);
            let generation = opened.generation;
            drop(opened);
            if result.as_ref().is_err_and(is_of_the_disk) {
                self.close(generation);
            }
            return result;
        }
    }

    /// Waits for all other work to end, so that nobody has the file open twice.
    fn close(&self, generation: u64) {
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        // Others may have seen the same error, and have opened it again.
        if opened.generation == generation {
            opened.database = None;
        }
    }

    fn reopen(&self) -> Result<(), StoreError> {
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        if opened.database.is_none() {
            let database = open(&self.path).map_err(|error| StoreError::Unavailable(error.into()))?;
            opened.database = Some(database);
            opened.generation += 1;
        }
        Ok(())
    }
}

/// Whether redb works no more after it.
fn is_of_the_disk(error: &StoreError) -> bool {
    let StoreError::Unavailable(error) = error else {
        return false;
    };
    matches!(error.downcast_ref(), Some(redb::Error::Io(_) | redb::Error::PreviousIo))
}

/// Opens a database, which is made if it is missing.
pub(super) fn open(path: &Path) -> Result<Database, RedbOpenError> {
    make_private(path).map_err(|source| RedbOpenError::File {
        path: path.to_owned(),
        source,
    })?;
    let failed = |error: redb::Error| RedbOpenError::Database {
        path: path.to_owned(),
        source: Box::new(error),
    };
    let database = Database::builder()
        .set_concurrency_mode(ConcurrencyMode::MultiWriter)
        .set_cache_size(CACHE)
        .create(path)
        .map_err(|error| failed(error.into()))?;
    match schema(&database).map_err(failed)? {
        SCHEMA => Ok(database),
        found => Err(RedbOpenError::Schema {
            path: path.to_owned(),
            found,
        }),
    }
}

fn make_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}
