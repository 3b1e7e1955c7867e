//! One request and its response over a connection that stands.

use std::error::Error;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::AbortHandle;
use tokio::time::{Instant, Sleep, sleep_until};

use super::deadline::Deadline;
use super::progress::{Progress, TrackedBody, TrackedStream};
use crate::partnership::{HttpProfile, Timeouts};
use crate::transport::{RequestBody, ResponseBody, Step, TransportError};

pub(super) async fn exchange<S>(
    stream: S,
    request: Request<RequestBody>,
    profile: &HttpProfile,
    deadline: Deadline,
) -> Result<Response<ResponseBody>, TransportError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let progress = Progress::new();
    let request = request.map(|body| TrackedBody::new(body, profile.chunked, progress.clone()));
    let stream = TokioIo::new(TrackedStream::new(stream, progress.clone()));
    let (mut sender, connection) = http1::Builder::new()
        // `Message-Id`, not `message-id`: names are case-insensitive, some partners are not.
        .title_case_headers(true)
        .handshake(stream)
        .await
        .map_err(|error| failure(error, &progress))?;
    let connection = Connection(tokio::spawn(connection).abort_handle());
    let timeouts = profile.timeouts;
    let response = respond(sender.send_request(request), &progress, &timeouts, &deadline).await?;
    Ok(response.map(|incoming| {
        ResponseBody::new(TimedBody {
            incoming,
            progress,
            timeouts,
            deadline,
            waiting_since: None,
            timer: Box::pin(sleep_until(Instant::now())),
            _connection: connection,
        })
    }))
}

/// Waits for the head of the response as long as the partner makes progress.
async fn respond(
    response: impl Future<Output = hyper::Result<Response<Incoming>>>,
    progress: &Progress,
    timeouts: &Timeouts,
    deadline: &Deadline,
) -> Result<Response<Incoming>, TransportError> {
    let mut response = pin!(response);
    loop {
        let (step, last) = progress.now();
        let limit = if step == Step::Write {
            timeouts.write
        } else {
            timeouts.response
        };
        let (at, timeout) = deadline.bound(step, last, limit);
        tokio::select! {
            biased;
            response = &mut response => return response.map_err(|error| failure(error, progress)),
            () = progress.sent() => {}
            () = sleep_until(at) => {
                if progress.now() == (step, last) {
                    return Err(timeout);
                }
            }
        }
    }
}

/// Ends the connection together with whoever uses it.
struct Connection(AbortHandle);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A response body that fails when the partner falls silent.
struct TimedBody {
    incoming: Incoming,
    progress: Arc<Progress>,
    timeouts: Timeouts,
    deadline: Deadline,
    /// Since when we wait: while nobody asks for octets none are read, and that is not the partner's silence.
    waiting_since: Option<Instant>,
    timer: Pin<Box<Sleep>>,
    _connection: Connection,
}

impl Body for TimedBody {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.incoming).poll_frame(cx) {
            this.waiting_since = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(body_failure)));
        }
        let since = *this.waiting_since.get_or_insert_with(Instant::now);
        loop {
            let (_, last) = this.progress.now();
            let (at, timeout) = this.deadline.bound(Step::Body, since.max(last), this.timeouts.response);
            if at <= Instant::now() {
                return Poll::Ready(Some(Err(timeout)));
            }
            if this.timer.deadline() != at {
                this.timer.as_mut().reset(at);
            }
            if this.timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

fn failure(error: hyper::Error, progress: &Progress) -> TransportError {
    if let Some(error) = progress.take_source_error() {
        return TransportError::RequestBody(error);
    }
    if let Some(error) = tls_error(&error) {
        return TransportError::Tls(error);
    }
    if error.is_parse() {
        return TransportError::InvalidResponse(error.into());
    }
    let (step, _) = progress.now();
    TransportError::Connection {
        step,
        source: error.into(),
    }
}

fn body_failure(error: hyper::Error) -> TransportError {
    match tls_error(&error) {
        Some(error) => TransportError::Tls(error),
        None => TransportError::Connection {
            step: Step::Body,
            source: error.into(),
        },
    }
}

/// The TLS error behind an error of hyper: in TLS 1.3 the partner refuses our certificate only after the handshake.
fn tls_error(error: &hyper::Error) -> Option<rustls::Error> {
    let mut cause = error.source();
    while let Some(error) = cause {
        // An `io::Error` skips what it wraps in its `source`.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(error) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return Some(error.clone());
        }
        cause = error.source();
    }
    None
}
