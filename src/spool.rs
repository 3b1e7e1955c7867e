//! Payloads and encoded messages on their way: in memory while small, in a private temporary file beyond.

#[cfg(feature = "transport")]
mod blocking;
#[cfg(feature = "transport")]
mod payload;
mod persist;
mod quota;
#[cfg(feature = "transport")]
mod staged;
#[cfg(feature = "transport")]
mod stream;
mod temporary;

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::Deref;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tempfile::NamedTempFile;

use quota::Reservation;

pub use persist::{PersistError, PersistStep};
pub use quota::{SpoolQuota, SpoolQuotaExceeded};

#[cfg(feature = "transport")]
pub(crate) use blocking::blocking;
#[cfg(feature = "transport")]
pub use payload::{Payload, PayloadReader};
#[cfg(feature = "transport")]
pub use staged::{Committed, StagedDirectory};
#[cfg(feature = "transport")]
pub(crate) use stream::SpoolStream;

/// What is collected before it is written to the file.
const FILE_BUFFER: usize = 64 << 10;

/// Where spools keep their octets. Clones share the quota.
#[derive(Clone, Debug)]
pub struct SpoolOptions {
    threshold: usize,
    directory: Option<PathBuf>,
    quota: SpoolQuota,
}

impl Default for SpoolOptions {
    fn default() -> Self {
        Self {
            threshold: 256 << 10,
            directory: None,
            quota: SpoolQuota::default(),
        }
    }
}

impl SpoolOptions {
    /// Up to 256 KiB in memory, then the system's directory for temporary files, up to 16 GiB together.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The octets that one spool keeps in memory before it goes to a file.
    #[must_use]
    pub fn threshold(mut self, octets: usize) -> Self {
        self.threshold = octets;
        self
    }

    /// The directory of the temporary files. On the file system where payloads are persisted,
    /// [`Spool::persist`] renames; elsewhere it copies.
    #[must_use]
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// The cap on the disk use of all spools that share this quota.
    #[must_use]
    pub fn quota(mut self, quota: SpoolQuota) -> Self {
        self.quota = quota;
        self
    }

    /// Removes what spools of processes that were killed have left in the directory, and says what that was. Call it at
    /// the start, and for the directories that payloads are persisted in, where the copies are made, with
    /// `SpoolOptions::new().directory(..)`.
    ///
    /// It is safe at any time, also with other processes at work in the directory: an open spool holds an advisory lock
    /// on its file, and a file that nobody holds a lock on has no owner any more. Where the file system knows no locks,
    /// nothing is removed. It blocks.
    ///
    /// # Errors
    ///
    /// The directory cannot be read, or a file cannot be removed.
    pub fn remove_orphans(&self) -> io::Result<Vec<PathBuf>> {
        temporary::remove_orphans(&self.place())
    }

    fn place(&self) -> Cow<'_, Path> {
        match &self.directory {
            Some(directory) => directory.into(),
            None => tempfile::env::temp_dir().into(),
        }
    }

    /// An empty spool. The file is not made before it is needed.
    #[must_use]
    pub fn create(&self) -> Spool {
        Spool {
            on_disk: None,
            file_len: 0,
            memory: Vec::new(),
            options: self.clone(),
        }
    }
}

/// Octets written once, from front to back, and read as often as needed (RFC 4130 §5.5: a retry sends identical
/// content).
///
/// The temporary file has a random name, only its owner may read it (mode 0600 on Unix), and it is deleted when the
/// spool is dropped, also by a panic that unwinds. A process that is killed leaves its files behind: their names begin
/// with `.ediint-`, and [`SpoolOptions::remove_orphans`] removes them.
///
/// All calls block. In an async task they belong into `spawn_blocking`.
pub struct Spool {
    // Dropped file first, then reservation: the count never falls below what is on disk.
    on_disk: Option<(NamedTempFile, Reservation)>,
    file_len: u64,
    /// What follows the file's content: everything while there is no file.
    memory: Vec<u8>,
    options: SpoolOptions,
}

impl Default for Spool {
    fn default() -> Self {
        SpoolOptions::default().create()
    }
}

impl Spool {
    /// An empty spool with default options and a quota of its own.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of octets written.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.file_len.saturating_add(octets(&self.memory))
    }

    /// Nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there is a temporary file.
    #[must_use]
    pub fn is_on_disk(&self) -> bool {
        self.on_disk.is_some()
    }

    /// Reads from the first octet to the last. Readers do not disturb each other.
    #[must_use]
    pub fn reader(&self) -> SpoolReader<&Self> {
        SpoolReader::new(self)
    }

    /// Everything, in memory. For content that is known to be small: check [`len`](Self::len) first.
    ///
    /// # Errors
    ///
    /// Reading the temporary file failed.
    pub fn into_bytes(mut self) -> io::Result<Bytes> {
        if self.on_disk.is_none() {
            return Ok(std::mem::take(&mut self.memory).into());
        }
        let mut content = Vec::new();
        self.reader().read_to_end(&mut content)?;
        Ok(content.into())
    }

    /// Moves what is in memory to the end of the file.
    fn flush_memory(&mut self) -> io::Result<()> {
        let memory = std::mem::take(&mut self.memory);
        let written = self.append_to_file(&memory);
        self.memory = memory;
        written?;
        if self.memory.capacity() > FILE_BUFFER {
            self.memory = Vec::new();
        }
        self.memory.clear();
        Ok(())
    }

    fn append_to_file(&mut self, content: &[u8]) -> io::Result<()> {
        if content.is_empty() {
            return Ok(());
        }
        let end = self.file_len.saturating_add(octets(content));
        if self.on_disk.is_none() {
            let mut reservation = Reservation::new(self.options.quota.clone());
            reservation.grow_to(end)?;
            let file = temporary::file(&self.options.place())?;
            self.on_disk = Some((file, reservation));
        }
        if let Some((file, reservation)) = &mut self.on_disk {
            reservation.grow_to(end)?;
            // Octets of an earlier write that failed half-way are overwritten.
            write_all_at(file.as_file(), content, self.file_len)?;
            self.file_len = end;
        }
        Ok(())
    }
}

impl Write for Spool {
    fn write(&mut self, content: &[u8]) -> io::Result<usize> {
        let room = if self.on_disk.is_some() {
            FILE_BUFFER
        } else {
            self.options.threshold
        };
        if self.memory.len().saturating_add(content.len()) > room {
            self.flush_memory()?;
            if content.len() >= FILE_BUFFER.min(room) {
                self.append_to_file(content)?;
                return Ok(content.len());
            }
        }
        self.memory.extend_from_slice(content);
        Ok(content.len())
    }

    /// Does nothing: readers see what was written without it.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Says nothing of the content.
impl fmt::Debug for Spool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spool")
            .field("len", &self.len())
            .field("on_disk", &self.is_on_disk())
            .finish_non_exhaustive()
    }
}

/// Reads a [`Spool`] from its first octet. `S` is `&Spool`, or `Arc<Spool>` for readers that outlive a borrow.
#[derive(Debug)]
pub struct SpoolReader<S> {
    spool: S,
    position: u64,
}

impl<S: Deref<Target = Spool>> SpoolReader<S> {
    /// A reader at the first octet.
    #[must_use]
    pub fn new(spool: S) -> Self {
        Self { spool, position: 0 }
    }
}

impl<S: Deref<Target = Spool>> Read for SpoolReader<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let spool = &*self.spool;
        let left_in_file = spool.file_len.saturating_sub(self.position);
        let read = match &spool.on_disk {
            Some((file, _)) if left_in_file > 0 => {
                // A failed write may have left octets behind the end.
                let most = usize::try_from(left_in_file).map_or(buffer.len(), |left| left.min(buffer.len()));
                let target = buffer.get_mut(..most).unwrap_or_default();
                let read = read_at(file.as_file(), target, self.position)?;
                if read == 0 && most > 0 {
                    return Err(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        "the spool's file was cut short",
                    ));
                }
                read
            }
            _ => {
                let offset = usize::try_from(self.position.saturating_sub(spool.file_len)).unwrap_or(usize::MAX);
                spool.memory.get(offset..).unwrap_or_default().read(buffer)?
            }
        };
        self.position = self.position.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(unix)]
fn write_all_at(file: &File, content: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, content, offset)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}

#[cfg(windows)]
fn write_all_at(file: &File, mut content: &[u8], mut offset: u64) -> io::Result<()> {
    while !content.is_empty() {
        let written = std::os::windows::fs::FileExt::seek_write(file, content, offset)?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        content = content.get(written..).unwrap_or_default();
        offset = offset.saturating_add(u64::try_from(written).unwrap_or(u64::MAX));
    }
    Ok(())
}

fn octets(content: &[u8]) -> u64 {
    u64::try_from(content.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
