//! How far a long transfer is, on a terminal.

use std::fmt;
use std::future::Future;
use std::io::{self, IsTerminal};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use ediint::partnership::HttpProfile;
use ediint::transport::{HttpClient, RequestBody, ResponseBody, TransportError};
use http::{Request, Response};
use http_body::Body;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::interval;

/// Below this, a transfer is over before anybody has read how far it is.
const LONG: u64 = 1 << 20;

/// An HTTP client that shows on stderr how much of a long request is sent, where stderr is a terminal.
pub(crate) struct ShowingProgress<C>(pub(crate) C);

impl<C: HttpClient> HttpClient for ShowingProgress<C> {
    fn send<'a>(
        &'a self,
        request: Request<RequestBody>,
        profile: &'a HttpProfile,
    ) -> Pin<Box<dyn Future<Output = Result<Response<ResponseBody>, TransportError>> + Send + 'a>> {
        let total = request.body().remaining();
        if total < LONG || !io::stderr().is_terminal() {
            return self.0.send(request, profile);
        }
        let sent = Arc::new(AtomicU64::new(0));
        let counter = sent.clone();
        let request = request.map(|body| RequestBody::from_reader(Counted::new(body, counter), total));
        Box::pin(async move {
            tokio::select! {
                response = self.0.send(request, profile) => {
                    eprint!("\r\x1b[K");
                    response
                }
                never = show(&sent, total) => match never {},
            }
        })
    }
}

impl<C: fmt::Debug> fmt::Debug for ShowingProgress<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ShowingProgress").field(&self.0).finish()
    }
}

async fn show(sent: &AtomicU64, total: u64) -> std::convert::Infallible {
    let mut tick = interval(Duration::from_millis(200));
    let mib = |octets: u64| octets >> 20;
    loop {
        tick.tick().await;
        let sent = sent.load(Ordering::Relaxed);
        match sent < total {
            true => eprint!("\r\x1b[K{} of {} MiB, {} %", mib(sent), mib(total), sent * 100 / total),
            false => eprint!("\r\x1b[K{} MiB sent, waiting for the answer", mib(total)),
        }
    }
}

/// A request body as a reader that counts.
struct Counted {
    body: RequestBody,
    chunk: Bytes,
    sent: Arc<AtomicU64>,
}

impl Counted {
    fn new(body: RequestBody, sent: Arc<AtomicU64>) -> Self {
        Self {
            body,
            chunk: Bytes::new(),
            sent,
        }
    }
}

impl AsyncRead for Counted {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.chunk.is_empty() {
            match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                None => return Poll::Ready(Ok(())),
                Some(Err(error)) => return Poll::Ready(Err(error)),
                Some(Ok(frame)) => this.chunk = frame.into_data().unwrap_or_default(),
            }
        }
        let take = this.chunk.len().min(buffer.remaining());
        buffer.put_slice(this.chunk.get(..take).unwrap_or_default());
        this.chunk.advance(take);
        this.sent
            .fetch_add(u64::try_from(take).unwrap_or(u64::MAX), Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}
