//! Request bodies that have to keep a pace.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

/// How fast a body has to come.
///
/// What a sender may take is `grace`, and a second more for each `octets_per_second` that it has sent; all together no
/// more than `total`. Time in which nobody asks for octets is not the sender's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pace {
    /// What everyone may take (default 30 s).
    pub grace: Duration,
    /// The lowest rate in the long run (default 1024).
    pub octets_per_second: u32,
    /// The longest time for the whole body, whatever the rate (default 1 h).
    pub total: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            grace: Duration::from_secs(30),
            octets_per_second: 1024,
            total: Duration::from_secs(3600),
        }
    }
}

impl Pace {
    fn allowance(&self, received: u64) -> Duration {
        let earned = received.checked_div(self.octets_per_second.into());
        let earned = earned.map_or(Duration::MAX, Duration::from_secs);
        self.grace.saturating_add(earned)
    }
}

/// The sender of a body was slower than its [`Pace`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sender is too slow: {received} octets in {elapsed:?}")]
#[non_exhaustive]
pub struct TooSlow {
    /// The octets that came.
    pub received: u64,
    /// Since the body was first asked for.
    pub elapsed: Duration,
}

/// A body that fails with [`TooSlow`] when its sender is: many slow ones would hold every connection that a host has.
///
/// A host wraps the bodies of requests in it before the receiver gets them, where its HTTP server has nothing of the
/// kind. The time for the head of a request is up to that server. Needs a tokio runtime with time.
pub struct PacedBody<B> {
    body: Pin<Box<B>>,
    pace: Pace,
    received: u64,
    started: Option<Instant>,
    waiting_since: Option<Instant>,
    waited: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl<B> PacedBody<B> {
    /// Lets a body take as long as `pace` says.
    pub fn new(body: B, pace: Pace) -> Self {
        Self {
            body: Box::pin(body),
            pace,
            received: 0,
            started: None,
            waiting_since: None,
            waited: Duration::ZERO,
            timer: None,
        }
    }
}

impl<B> Body for PacedBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        let now = Instant::now();
        let started = *this.started.get_or_insert(now);
        if let Poll::Ready(frame) = this.body.as_mut().poll_frame(cx) {
            let since = this.waiting_since.take();
            this.waited += since.map_or(Duration::ZERO, |since| now - since);
            if let Some(Ok(frame)) = &frame {
                let octets = frame.data_ref().map_or(0, Bytes::len);
                this.received = this.received.saturating_add(u64::try_from(octets).unwrap_or(u64::MAX));
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let since = *this.waiting_since.get_or_insert(now);
        let left = this.pace.allowance(this.received).saturating_sub(this.waited);
        let end = this.pace.total.saturating_sub(since - started).min(left);
        // Beyond what `Instant` can hold, nobody waits.
        let Some(at) = since.checked_add(end) else {
            return Poll::Pending;
        };
        let timer = this.timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if timer.deadline() != at {
            timer.as_mut().reset(at);
        }
        if timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(Box::new(TooSlow {
            received: this.received,
            elapsed: started.elapsed(),
        }))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> fmt::Debug for PacedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PacedBody")
            .field("pace", &self.pace)
            .field("received", &self.received)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
