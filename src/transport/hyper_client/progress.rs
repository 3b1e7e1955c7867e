//! What has gone over a connection, and when: the basis of its timeouts.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::transport::{RequestBody, Step};

/// Shared by the request body, the stream and whoever waits.
pub(super) struct Progress {
    state: Mutex<State>,
    /// Told when the request has been sent.
    sent: Notify,
}

struct State {
    step: Step,
    /// When the partner last took or gave an octet, whichever the step is about.
    last: Instant,
    body_taken: bool,
    head_written: bool,
    /// The first octet that the partner gave.
    first: Option<u8>,
    source_error: Option<io::Error>,
}

impl Progress {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                step: Step::Write,
                last: Instant::now(),
                body_taken: false,
                head_written: false,
                first: None,
                source_error: None,
            }),
            sent: Notify::new(),
        })
    }

    /// The next request on the same connection.
    pub(super) fn begin(&self) {
        let mut state = self.state();
        state.step = Step::Write;
        state.last = Instant::now();
        state.head_written = false;
        state.first = None;
        state.source_error = None;
    }

    /// The first octet of the response, if there was any.
    pub(super) fn first_octet(&self) -> Option<u8> {
        self.state().first
    }

    /// The step and when it last made progress.
    pub(super) fn now(&self) -> (Step, Instant) {
        let state = self.state();
        (state.step, state.last)
    }

    pub(super) async fn sent(&self) {
        self.sent.notified().await;
    }

    pub(super) fn take_source_error(&self) -> Option<io::Error> {
        self.state().source_error.take()
    }

    fn written(&self) {
        let mut state = self.state();
        state.head_written = true;
        if state.step == Step::Write {
            state.last = Instant::now();
        }
    }

    fn read(&self, octets: &[u8]) {
        let mut state = self.state();
        state.first = state.first.or(octets.first().copied());
        if state.step != Step::Write {
            state.last = Instant::now();
        }
    }

    /// hyper flushes the stream only when its own buffer is empty: then the last octet of the request is out.
    fn flushed(&self) {
        let mut state = self.state();
        if state.step == Step::Write && state.body_taken && state.head_written {
            state.step = Step::Response;
            state.last = Instant::now();
            self.sent.notify_one();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is whole between any two statements that change it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request body that tells when it has been taken and why it failed, and that hides its length where asked to, so that
/// hyper sends it chunked.
pub(super) struct TrackedBody {
    body: RequestBody,
    chunked: bool,
    progress: Arc<Progress>,
}

impl TrackedBody {
    pub(super) fn new(body: RequestBody, chunked: bool, progress: Arc<Progress>) -> Self {
        progress.state().body_taken = body.is_end_stream();
        Self {
            body,
            chunked,
            progress,
        }
    }
}

impl Body for TrackedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        let frame = frame.map(|frame| {
            frame.map_err(|error| {
                let kind = error.kind();
                self.progress.state().source_error = Some(error);
                kind.into()
            })
        });
        if self.body.is_end_stream() {
            self.progress.state().body_taken = true;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.chunked && !self.body.is_end_stream() {
            return SizeHint::default();
        }
        self.body.size_hint()
    }
}

/// A stream that tells when octets pass.
pub(super) struct TrackedStream<S> {
    stream: S,
    progress: Arc<Progress>,
}

impl<S> TrackedStream<S> {
    pub(super) fn new(stream: S, progress: Arc<Progress>) -> Self {
        Self { stream, progress }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TrackedStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = ready!(Pin::new(&mut self.stream).poll_read(cx, buffer));
        let read = buffer.filled().get(before..).unwrap_or_default();
        if !read.is_empty() {
            self.progress.read(read);
        }
        Poll::Ready(result)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TrackedStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let result = ready!(Pin::new(&mut self.stream).poll_write(cx, octets));
        self.progress.written();
        Poll::Ready(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, octets));
        self.progress.written();
        Poll::Ready(result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = ready!(Pin::new(&mut self.stream).poll_flush(cx));
        if result.is_ok() {
            self.progress.flushed();
        }
        Poll::Ready(result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
