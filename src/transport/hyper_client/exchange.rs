//! Requests and their responses over a connection that stands.

use std::error::Error;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use super::deadline::Deadline;
use super::progress::{Progress, TrackedBody, TrackedStream};
use crate::partnership::{HttpProfile, Timeouts};
use crate::transport::error::of_rustls;
use crate::transport::{RequestBody, ResponseBody, Step, TransportError};

/// A connection over which requests go one after the other. Dropped, it ends.
pub(super) struct Connection {
    sender: SendRequest<TrackedBody>,
    progress: Arc<Progress>,
    task: JoinHandle<hyper::Result<()>>,
}

/// Where a connection goes when its exchange is over.
pub(super) type Home = Box<dyn FnOnce(Connection) + Send>;

/// A failed exchange.
pub(super) struct Failed {
    pub(super) error: TransportError,
    /// The connection broke before the partner answered with a single octet.
    pub(super) unanswered: bool,
}

impl Connection {
    pub(super) async fn over<S>(stream: S) -> Result<Self, TransportError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let progress = Progress::new();
        let stream = TokioIo::new(TrackedStream::new(stream, progress.clone()));
        let (sender, connection) = http1::Builder::new()
            // `Message-Id`, not `message-id`: names are case-insensitive, some partners are not.
            .title_case_headers(true)
            .handshake(stream)
            .await
            .map_err(|error| failure(error, &progress))?;
        Ok(Self {
            sender,
            progress,
            task: tokio::spawn(connection),
        })
    }

    /// Whether the connection, which has been idle, takes another request.
    pub(super) async fn is_alive(&mut self) -> bool {
        // It is idle, or about to be.
        let ready = timeout(Duration::from_secs(1), self.sender.ready()).await;
        matches!(ready, Ok(Ok(())))
    }

    /// Sends one request and waits for the head of the response, whose body keeps the connection until it has been
    /// read.
    pub(super) async fn exchange(
        mut self,
        request: Request<RequestBody>,
        profile: &HttpProfile,
        deadline: Deadline,
        home: Option<Home>,
    ) -> Result<Response<ResponseBody>, Failed> {
        let progress = self.progress.clone();
        progress.begin();
        let request = request.map(|body| TrackedBody::new(body, profile.chunked, progress.clone()));
        let timeouts = profile.timeouts;
        let response = respond(self.sender.send_request(request), &progress, &timeouts, &deadline).await;
        let response = match response {
            Ok(response) => response,
            Err(error) => {
                let error = match error {
                    Broken::Limit(error) => error,
                    Broken::Http(error) => failure(self.cause(error).await, &progress),
                };
                return Err(Failed {
                    unanswered: matches!(error, TransportError::Connection { .. }) && progress.first_octet().is_none(),
                    error,
                });
            }
        };
        Ok(response.map(|incoming| {
            ResponseBody::new(TimedBody {
                incoming,
                timeouts,
                deadline,
                waiting_since: None,
                timer: Box::pin(sleep_until(Instant::now())),
                ended: false,
                connection: Some(self),
                progress,
                home,
            })
        }))
    }

    /// Why the connection ended. One that ends before it takes a request tells the request only that it is over: a
    /// server that refuses our certificate in TLS 1.3 may be faster than we are.
    async fn cause(&mut self, error: hyper::Error) -> hyper::Error {
        if !error.is_canceled() {
            return error;
        }
        match timeout(Duration::from_secs(1), &mut self.task).await {
            Ok(Ok(Err(cause))) => cause,
            _ => error,
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Why there is no response.
enum Broken {
    Limit(TransportError),
    Http(hyper::Error),
}

/// Waits for the head of the response as long as the partner makes progress.
async fn respond(
    response: impl Future<Output = hyper::Result<Response<Incoming>>>,
    progress: &Progress,
    timeouts: &Timeouts,
    deadline: &Deadline,
) -> Result<Response<Incoming>, Broken> {
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
            response = &mut response => return response.map_err(Broken::Http),
            () = progress.sent() => {}
            () = sleep_until(at) => {
                if progress.now() == (step, last) {
                    return Err(Broken::Limit(timeout));
                }
            }
        }
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
    ended: bool,
    connection: Option<Connection>,
    home: Option<Home>,
}

/// A connection whose request and response are over is free for the next.
impl Drop for TimedBody {
    fn drop(&mut self) {
        let over = (self.ended || self.incoming.is_end_stream()) && self.progress.now().0 != Step::Write;
        if let (true, Some(connection), Some(home)) = (over, self.connection.take(), self.home.take()) {
            home(connection);
        }
    }
}

impl Body for TimedBody {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.incoming).poll_frame(cx) {
            this.waiting_since = None;
            this.ended = frame.is_none();
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
        return of_rustls(error);
    }
    if error.is_parse() {
        // An alert of TLS begins so (RFC 8446 §5.1), no response of HTTP does.
        if progress.first_octet() == Some(0x15) {
            return TransportError::TlsExpected;
        }
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
        Some(error) => of_rustls(error),
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
