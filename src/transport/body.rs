//! Request and response bodies.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::TransportError;

/// Octets read from a source at once.
const CHUNK: usize = 64 << 10;

/// The body of a request, of known length.
///
/// A retry makes a new body from the same source: the octets are the same (RFC 4130 §5.5).
pub struct RequestBody {
    source: Source,
    remaining: u64,
}

type Reader = Pin<Box<dyn AsyncRead + Send + Sync>>;
type Open = Arc<dyn Fn() -> Reader + Send + Sync>;

enum Source {
    Bytes(Bytes),
    Reader {
        reader: Reader,
        buffer: BytesMut,
        /// Begins anew, where that can be done.
        open: Option<Open>,
    },
}

impl RequestBody {
    /// A body that is read from `reader`, which must give exactly `length` octets: fewer are an error of the body, more
    /// are left unread.
    pub fn from_reader(reader: impl AsyncRead + Send + Sync + 'static, length: u64) -> Self {
        Self {
            source: Source::Reader {
                reader: Box::pin(reader),
                buffer: BytesMut::new(),
                open: None,
            },
            remaining: length,
        }
    }

    /// A body that can be sent again: `open` gives a reader from the beginning each time that it is called, as
    /// [`from_reader`](Self::from_reader) takes one. Basic authentication needs that, and so does a partner that closes
    /// a connection just as it is used again.
    pub fn replayable<R>(open: impl Fn() -> R + Send + Sync + 'static, length: u64) -> Self
    where
        R: AsyncRead + Send + Sync + 'static,
    {
        let open: Open = Arc::new(move || Box::pin(open()));
        Self {
            source: Source::Reader {
                reader: open(),
                buffer: BytesMut::new(),
                open: Some(open),
            },
            remaining: length,
        }
    }

    /// The same body from the beginning, where it can be sent again: while nothing has been taken from it.
    #[must_use]
    pub fn replay(&self) -> Option<Self> {
        let source = match &self.source {
            Source::Bytes(bytes) => Source::Bytes(bytes.clone()),
            Source::Reader { open: Some(open), .. } => Source::Reader {
                reader: open(),
                buffer: BytesMut::new(),
                open: Some(Arc::clone(open)),
            },
            Source::Reader { open: None, .. } => return None,
        };
        Some(Self {
            source,
            remaining: self.remaining,
        })
    }

    /// The octets not yet taken; at first, the length of the body.
    #[must_use]
    pub const fn remaining(&self) -> u64 {
        self.remaining
    }
}

impl From<Bytes> for RequestBody {
    fn from(bytes: Bytes) -> Self {
        Self {
            remaining: octets(bytes.len()),
            source: Source::Bytes(bytes),
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        if this.remaining == 0 {
            return Poll::Ready(None);
        }
        let chunk = match &mut this.source {
            Source::Bytes(bytes) => std::mem::take(bytes),
            Source::Reader { reader, buffer, .. } => {
                let most = usize::try_from(this.remaining).map_or(CHUNK, |rest| rest.min(CHUNK));
                // Frees up what earlier chunks took once those are sent, else allocates.
                buffer.reserve(most);
                let room = this.remaining.min(octets(CHUNK));
                // `read_buf` keeps no state of its own: dropping it while it is pending loses nothing.
                let read = pin!(reader.as_mut().take(room).read_buf(buffer)).poll(cx);
                if let Err(error) = ready!(read) {
                    return Poll::Ready(Some(Err(error)));
                }
                buffer.split().freeze()
            }
        };
        if chunk.is_empty() {
            return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into())));
        }
        this.remaining -= octets(chunk.len());
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.remaining == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining)
    }
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBody")
            .field("remaining", &self.remaining)
            .finish_non_exhaustive()
    }
}

/// The body of a response, as it comes.
pub struct ResponseBody(Pin<Box<dyn Body<Data = Bytes, Error = TransportError> + Send>>);

impl ResponseBody {
    /// Takes the body of a host-made [`HttpClient`](super::HttpClient).
    pub fn new(body: impl Body<Data = Bytes, Error = TransportError> + Send + 'static) -> Self {
        Self(Box::pin(body))
    }
}

impl From<Bytes> for ResponseBody {
    fn from(bytes: Bytes) -> Self {
        Self::new(http_body_util::Full::new(bytes).map_err(|never| match never {}))
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        self.0.as_mut().poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody").finish_non_exhaustive()
    }
}

/// Reads a whole body of at most `limit` octets. A body that announces more is not read at all.
///
/// # Errors
///
/// [`TransportError::ResponseTooLarge`] beyond `limit`, and whatever the body fails with.
pub async fn read_limited<B>(body: B, limit: usize) -> Result<Bytes, TransportError>
where
    B: Body<Data = Bytes, Error = TransportError>,
{
    if body.size_hint().lower() > octets(limit) {
        return Err(TransportError::ResponseTooLarge { limit });
    }
    let mut read = BytesMut::new();
    if !read_prefix(body, limit, &mut read).await? {
        return Err(TransportError::ResponseTooLarge { limit });
    }
    Ok(read.freeze())
}

/// Reads the first `limit` octets of a body at most into the empty `read`, and says whether that is all of it.
pub(super) async fn read_prefix<B>(body: B, limit: usize, read: &mut BytesMut) -> Result<bool, TransportError>
where
    B: Body<Data = Bytes, Error = TransportError>,
{
    let mut body = pin!(body);
    while let Some(frame) = body.frame().await {
        // Trailers are of no use here: AS2 fields never come from them.
        let Ok(mut data) = frame?.into_data() else { continue };
        let room = limit.saturating_sub(read.len());
        let fits = data.len() <= room;
        data.truncate(room);
        read.extend_from_slice(&data);
        if !fits {
            return Ok(false);
        }
    }
    Ok(true)
}

fn octets(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
