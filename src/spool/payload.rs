//! The content of a message at the boundary of the shells: a file to send, a spool that arrived.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::vec;

use bytes::Bytes;

use super::{PersistError, PersistStep, Spool, SpoolReader, blocking};

/// The payload of a message, of any size: what is sent is read when the message is encoded, what was received lies in
/// memory while it is small, and in a private temporary file beyond.
pub struct Payload(Source);

enum Source {
    Bytes(Bytes),
    File {
        file: File,
        len: u64,
        path: PathBuf,
    },
    /// Shared with readers that are at it.
    Spool(Arc<Spool>),
    /// One after the other.
    Parts(Vec<Payload>),
}

impl Payload {
    /// A file to be sent. It is opened now and read when the message is encoded; it must not change in between.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, or is not a regular one: of a directory, a pipe or a device nobody knows how long it is.
    pub async fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref().to_owned();
        blocking(move || {
            let file = File::open(&path)?;
            let metadata = file.metadata()?;
            if !metadata.is_file() {
                let cause = "a payload is read from a regular file";
                return Err(io::Error::new(io::ErrorKind::InvalidInput, cause));
            }
            Ok(Self(Source::File {
                file,
                len: metadata.len(),
                path,
            }))
        })
        .await?
    }

    /// The number of octets.
    #[must_use]
    pub fn len(&self) -> u64 {
        match &self.0 {
            Source::Bytes(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Source::File { len, .. } => *len,
            Source::Spool(spool) => spool.len(),
            Source::Parts(parts) => parts.iter().fold(0, |sum, part| part.len().saturating_add(sum)),
        }
    }

    /// Whether there are none. An empty payload is a valid one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The path of a payload that was opened from a file.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.0 {
            Source::File { path, .. } => Some(path),
            Source::Bytes(_) | Source::Spool(_) | Source::Parts(_) => None,
        }
    }

    /// Everything, in memory. Check [`len`](Self::len) first.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub async fn into_bytes(self) -> io::Result<Bytes> {
        match self.0 {
            Source::Bytes(bytes) => Ok(bytes),
            Source::Spool(spool) => match Arc::try_unwrap(spool) {
                Ok(spool) if !spool.is_on_disk() => spool.into_bytes(),
                Ok(spool) => blocking(|| spool.into_bytes()).await?,
                Err(shared) => blocking(|| read_whole(Self(Source::Spool(shared)))).await?,
            },
            source @ (Source::File { .. } | Source::Parts(_)) => blocking(|| read_whole(Self(source))).await?,
        }
    }

    /// What these are one after the other.
    #[cfg(feature = "client")]
    pub(crate) fn concat(parts: Vec<Self>) -> Self {
        Self(Source::Parts(parts))
    }

    /// A blocking reader from the first octet, as often as wanted, that does not disturb others. In an async task it
    /// belongs into `spawn_blocking`.
    ///
    /// # Errors
    ///
    /// A file that is to be sent cannot be opened again.
    pub fn reader(&self) -> io::Result<PayloadReader> {
        Ok(PayloadReader(match &self.0 {
            Source::Bytes(bytes) => Reader::Bytes(io::Cursor::new(bytes.clone())),
            Source::File { len, path, .. } => Reader::File {
                file: File::open(path)?,
                left: *len,
            },
            Source::Spool(spool) => Reader::Spool(SpoolReader::new(Arc::clone(spool))),
            Source::Parts(parts) => {
                let readers: io::Result<Vec<_>> = parts.iter().map(Self::reader).collect();
                Reader::of_parts(readers?)
            }
        }))
    }

    /// A blocking reader from the first octet. In an async task it belongs into `spawn_blocking`.
    #[must_use]
    pub fn into_reader(self) -> PayloadReader {
        PayloadReader(match self.0 {
            Source::Bytes(bytes) => Reader::Bytes(io::Cursor::new(bytes)),
            Source::File { file, len, .. } => Reader::File { file, left: len },
            Source::Spool(spool) => Reader::Spool(SpoolReader::new(spool)),
            Source::Parts(parts) => Reader::of_parts(parts.into_iter().map(Self::into_reader).collect()),
        })
    }

    /// Puts the content at `path`, durably and complete or not at all, as [`Spool::persist`] does: renamed where it can
    /// be, readable by its owner only.
    ///
    /// # Errors
    ///
    /// [`PersistError`].
    pub async fn persist(self, path: impl AsRef<Path>) -> Result<(), PersistError> {
        let (path, asked) = (path.as_ref().to_owned(), path.as_ref().to_owned());
        blocking(move || self.into_spool(&path)?.persist(&path))
            .await
            .map_err(PersistStep::Write.failed(&asked))?
    }

    /// The content as a spool, on its way to `path`.
    pub(super) fn into_spool(self, path: &Path) -> Result<Spool, PersistError> {
        let source = match self.0 {
            Source::Spool(shared) => match Arc::try_unwrap(shared) {
                Ok(spool) => return Ok(spool),
                // Somebody is reading it.
                Err(shared) => Source::Spool(shared),
            },
            other => other,
        };
        let mut spool = Spool::new();
        io::copy(&mut Self(source).into_reader(), &mut spool).map_err(PersistStep::Write.failed(path))?;
        Ok(spool)
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self(Source::Bytes(bytes))
    }
}

impl From<Vec<u8>> for Payload {
    fn from(octets: Vec<u8>) -> Self {
        Bytes::from(octets).into()
    }
}

impl From<&'static str> for Payload {
    fn from(text: &'static str) -> Self {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl From<Spool> for Payload {
    fn from(spool: Spool) -> Self {
        Self(Source::Spool(Arc::new(spool)))
    }
}

/// Says nothing of the content.
impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload")
            .field("len", &self.len())
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}

/// Reads a [`Payload`].
pub struct PayloadReader(Reader);

enum Reader {
    Bytes(io::Cursor<Bytes>),
    File {
        file: File,
        left: u64,
    },
    Spool(SpoolReader<Arc<Spool>>),
    Parts {
        now: Box<PayloadReader>,
        later: vec::IntoIter<PayloadReader>,
    },
}

impl Reader {
    fn of_parts(readers: Vec<PayloadReader>) -> Self {
        let nothing = PayloadReader(Self::Bytes(io::Cursor::default()));
        Self::Parts {
            now: Box::new(nothing),
            later: readers.into_iter(),
        }
    }
}

fn read_whole(payload: Payload) -> io::Result<Bytes> {
    let mut octets = Vec::new();
    payload.into_reader().read_to_end(&mut octets)?;
    Ok(octets.into())
}

/// Says nothing of the content.
impl fmt::Debug for PayloadReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PayloadReader").finish_non_exhaustive()
    }
}

impl Read for PayloadReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.0 {
            Reader::Bytes(cursor) => cursor.read(buffer),
            Reader::Spool(reader) => reader.read(buffer),
            Reader::Parts { now, later } => loop {
                let read = now.read(buffer)?;
                if read > 0 || buffer.is_empty() {
                    return Ok(read);
                }
                match later.next() {
                    Some(next) => **now = next,
                    None => return Ok(0),
                }
            },
            Reader::File { file, left } => {
                let read = file.take(*left).read(buffer)?;
                if read == 0 && *left > 0 && !buffer.is_empty() {
                    let cause = "the file became shorter while it was read";
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, cause));
                }
                *left = left.saturating_sub(u64::try_from(read).unwrap_or(u64::MAX));
                Ok(read)
            }
        }
    }
}

#[cfg(test)]
mod tests;
