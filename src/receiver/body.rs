use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::runtime::Handle;

use crate::future::BoxFuture;

/// How long after the response was handed over the work of after begins: the last octets may still be in a buffer.
const GRACE: Duration = Duration::from_millis(50);

/// What is to be done once the response is out: posting an asynchronous receipt (RFC 4130 §7.2).
#[must_use = "the partner waits for its receipt"]
pub struct AfterReply(pub(super) BoxFuture<'static, ()>);

impl AfterReply {
    /// Does it. Call this only when the response has been sent.
    pub async fn run(self) {
        self.0.await;
    }
}

impl fmt::Debug for AfterReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AfterReply").finish_non_exhaustive()
    }
}

/// The body of a response of [`As2Receiver`](super::As2Receiver): empty, or a receipt.
///
/// When the HTTP stack is done with it, what comes after the reply is spawned on the tokio runtime.
#[derive(Debug)]
pub struct ReplyBody {
    octets: Bytes,
    after: Option<AfterReply>,
}

impl ReplyBody {
    pub(super) fn new(octets: Bytes) -> Self {
        Self { octets, after: None }
    }

    pub(super) fn then(mut self, after: Option<AfterReply>) -> Self {
        self.after = after;
        self
    }

    /// The octets that are still to be read.
    #[must_use]
    pub fn octets(&self) -> &Bytes {
        &self.octets
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let octets = std::mem::take(&mut self.get_mut().octets);
        Poll::Ready((!octets.is_empty()).then(|| Ok(Frame::data(octets))))
    }

    fn is_end_stream(&self) -> bool {
        self.octets.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(u64::try_from(self.octets.len()).unwrap_or(u64::MAX))
    }
}

impl Drop for ReplyBody {
    fn drop(&mut self) {
        let Some(after) = self.after.take() else { return };
        match Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(async move {
                    tokio::time::sleep(GRACE).await;
                    after.run().await;
                });
            }
            Err(_) => tracing::error!("no tokio runtime to post an asynchronous receipt on"),
        }
    }
}
