//! A spool as a source for tokio.

use std::fs::File;
use std::io::{self, Read};
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::task::{JoinHandle, spawn_blocking};

use super::{Spool, SpoolReader, read_at};

/// Octets read from the file at once.
const CHUNK: usize = 256 << 10;

/// Reads from the first octet, on the blocking pool where that is on disk.
#[derive(Debug)]
pub(crate) struct SpoolStream<R> {
    on_disk: bool,
    state: State<R>,
}

#[derive(Debug)]
enum State<R> {
    /// What was read ahead, from `taken` on.
    Idle {
        reader: R,
        chunk: Vec<u8>,
        taken: usize,
    },
    Reading(JoinHandle<Chunk<R>>),
    Gone,
}

/// A chunk that was read, or not, and the reader that did it.
type Chunk<R> = (R, io::Result<Vec<u8>>);

impl SpoolStream<SpoolReader<Arc<Spool>>> {
    pub(crate) fn new(spool: Arc<Spool>) -> Self {
        Self::of(spool.is_on_disk(), SpoolReader::new(spool))
    }
}

impl SpoolStream<FileReader> {
    /// Reads a file. Streams of one file do not disturb each other.
    #[cfg(feature = "client")]
    pub(crate) fn of_file(file: Arc<File>) -> Self {
        Self::of(true, FileReader { file, position: 0 })
    }
}

impl<R> SpoolStream<R> {
    fn of(on_disk: bool, reader: R) -> Self {
        let state = State::Idle {
            reader,
            chunk: Vec::new(),
            taken: 0,
        };
        Self { on_disk, state }
    }
}

/// Reads a file from its first octet, wherever others are in it.
#[derive(Debug)]
pub(crate) struct FileReader {
    file: Arc<File>,
    position: u64,
}

impl Read for FileReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = read_at(&self.file, buffer, self.position)?;
        self.position = self.position.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}

fn read_chunk<R: Read>(mut reader: R, mut chunk: Vec<u8>) -> Chunk<R> {
    chunk.resize(CHUNK, 0);
    let read = reader.read(&mut chunk);
    let result = read.map(|read| {
        chunk.truncate(read);
        chunk
    });
    (reader, result)
}

impl<R: Read + Send + Unpin + 'static> AsyncRead for SpoolStream<R> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let on_disk = self.on_disk;
        loop {
            match &mut self.state {
                State::Idle { chunk, taken, .. } if *taken < chunk.len() => {
                    let rest = chunk.get(*taken..).unwrap_or_default();
                    let (now, _) = rest.split_at(rest.len().min(buffer.remaining()));
                    buffer.put_slice(now);
                    *taken += now.len();
                    return Poll::Ready(Ok(()));
                }
                State::Idle { reader, .. } if !on_disk => {
                    let read = reader.read(buffer.initialize_unfilled())?;
                    buffer.advance(read);
                    return Poll::Ready(Ok(()));
                }
                State::Idle { .. } => {
                    let State::Idle { reader, chunk, .. } = mem::replace(&mut self.state, State::Gone) else {
                        return Poll::Ready(Ok(()));
                    };
                    self.state = State::Reading(spawn_blocking(|| read_chunk(reader, chunk)));
                }
                State::Reading(task) => {
                    let done = ready!(Pin::new(task).poll(cx));
                    // A task that is done must not be asked again, whatever comes of it.
                    self.state = State::Gone;
                    let (reader, result) = done.map_err(io::Error::other)?;
                    let chunk = result?;
                    let ended = chunk.is_empty();
                    self.state = State::Idle {
                        reader,
                        chunk,
                        taken: 0,
                    };
                    if ended {
                        return Poll::Ready(Ok(()));
                    }
                }
                State::Gone => return Poll::Ready(Err(io::Error::other("the spool could not be read before"))),
            }
        }
    }
}

#[cfg(test)]
mod tests;
