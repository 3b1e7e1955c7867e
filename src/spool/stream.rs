//! A spool as a source for tokio.

use std::io::{self, Read};
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::task::{JoinHandle, spawn_blocking};

use super::{Spool, SpoolReader};

/// Octets read from the file at once.
const CHUNK: usize = 256 << 10;

/// Reads a [`Spool`] from its first octet, on the blocking pool where it is on disk.
#[derive(Debug)]
pub(crate) struct SpoolStream {
    spool: Arc<Spool>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// What was read ahead, from `taken` on.
    Idle {
        reader: SpoolReader<Arc<Spool>>,
        chunk: Vec<u8>,
        taken: usize,
    },
    Reading(JoinHandle<Chunk>),
    Gone,
}

/// A chunk that was read, or not, and the reader that did it.
type Chunk = (SpoolReader<Arc<Spool>>, io::Result<Vec<u8>>);

impl SpoolStream {
    pub(crate) fn new(spool: Arc<Spool>) -> Self {
        let reader = SpoolReader::new(Arc::clone(&spool));
        Self {
            spool,
            state: State::Idle {
                reader,
                chunk: Vec::new(),
                taken: 0,
            },
        }
    }
}

fn read_chunk(mut reader: SpoolReader<Arc<Spool>>, mut chunk: Vec<u8>) -> Chunk {
    chunk.resize(CHUNK, 0);
    let read = reader.read(&mut chunk);
    let result = read.map(|read| {
        chunk.truncate(read);
        chunk
    });
    (reader, result)
}

impl AsyncRead for SpoolStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let on_disk = self.spool.is_on_disk();
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
