//! Bodies that come too slowly (SEC-29).

use std::error::Error;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout};

use super::answer::Refused;

/// How fast the body of a request has to come. Only the time counts in which the receiver waits for the sender.
///
/// The time that the head of a request may take, and the number of connections, are the business of the HTTP server
/// around the receiver: with hyper, `http1::Builder::header_read_timeout`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BodyPace {
    /// Octets a second, on average (default 1 KiB/s).
    pub octets_per_second: u32,
    /// How far behind a body may fall (default 60 s).
    pub grace: Duration,
    /// The longest time for the whole of it (default 1 h).
    pub total: Duration,
}

impl Default for BodyPace {
    fn default() -> Self {
        Self {
            octets_per_second: 1 << 10,
            grace: Duration::from_secs(60),
            total: Duration::from_secs(3600),
        }
    }
}

impl BodyPace {
    /// The default pace.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Octets a second, on average; zero for no such rule.
    #[must_use]
    pub fn octets_per_second(mut self, octets: u32) -> Self {
        self.octets_per_second = octets;
        self
    }

    /// How far behind a body may fall.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// The longest time for the whole of a body.
    #[must_use]
    pub fn total(mut self, total: Duration) -> Self {
        self.total = total;
        self
    }

    /// How long a body may have kept us waiting that is so long by now.
    fn allowance(&self, octets: u64) -> Duration {
        match octets.checked_div(u64::from(self.octets_per_second)) {
            Some(seconds) => self.total.min(self.grace.saturating_add(Duration::from_secs(seconds))),
            None => self.total,
        }
    }
}

/// A body under watch.
pub(super) struct PacedBody<B> {
    body: Pin<Box<B>>,
    pace: BodyPace,
    octets: u64,
    waited: Duration,
}

impl<B> PacedBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    pub(super) fn new(body: B, pace: BodyPace) -> Self {
        Self {
            body: Box::pin(body),
            pace,
            octets: 0,
            waited: Duration::ZERO,
        }
    }

    /// The octets so far.
    pub(super) fn octets(&self) -> u64 {
        self.octets
    }

    /// The next frame; `None` at the end.
    pub(super) async fn frame(&mut self) -> Result<Option<Frame<Bytes>>, Refused> {
        let allowed = self.pace.allowance(self.octets).saturating_sub(self.waited);
        let began = Instant::now();
        let frame = timeout(allowed, self.body.frame())
            .await
            .map_err(|_| Refused::TooSlow)?;
        self.waited = self.waited.saturating_add(began.elapsed());
        let frame = frame.transpose().map_err(|error| Refused::BodyBroken(error.into()))?;
        let data = frame.as_ref().and_then(Frame::data_ref);
        let len = data.map_or(0, |data| u64::try_from(data.len()).unwrap_or(u64::MAX));
        self.octets = self.octets.saturating_add(len);
        Ok(frame)
    }
}

#[cfg(test)]
mod tests;
