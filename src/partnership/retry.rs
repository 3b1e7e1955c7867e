use std::time::Duration;

use rand_core::Rng;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// When something that failed for now is tried again (RFC 4130 §5.5), and when it is given up: limits in attempts and in
/// time.
///
/// It is about what the network or the partner's load can cause. What needs somebody to change a configuration, and what
/// the partner refused, is never tried again.
///
/// ```
/// use std::time::Duration;
/// use ediint::partnership::RetryPolicy;
///
/// // Three retries, after 30 s, 1 min and 2 min.
/// let quick = RetryPolicy::exponential(Duration::from_secs(30), 3);
/// assert_eq!(quick, RetryPolicy::schedule([30, 60, 120].map(Duration::from_secs)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    pub(super) delays: Vec<Duration>,
    pub(super) within: Duration,
    pub(super) jitter: bool,
}

/// What a [`RetryPolicy`] makes of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third way")]
pub enum RetryDecision {
    /// Try again this much later.
    After(Duration),
    /// No more attempts.
    GiveUp,
}

impl RetryPolicy {
    /// One attempt.
    #[must_use]
    pub fn never() -> Self {
        Self::schedule([])
    }

    /// `retries` attempts after the first: the second one `first` after it, and each later one twice as long after the
    /// one before.
    #[must_use]
    pub fn exponential(first: Duration, retries: u32) -> Self {
        let delays = std::iter::successors(Some(first), |delay| Some(delay.saturating_mul(2)));
        Self::schedule(delays.take(usize::try_from(retries).unwrap_or(usize::MAX)))
    }

    /// One attempt after each of these delays, besides the first attempt.
    #[must_use]
    pub fn schedule(delays: impl IntoIterator<Item = Duration>) -> Self {
        Self {
            delays: delays.into_iter().collect(),
            within: DAY,
            jitter: true,
        }
    }

    /// No attempt begins later than this after the first one (default 24 h).
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.within = limit;
        self
    }

    /// Keeps to the delays exactly. By default each is up to a fifth longer, at random, so that those that failed together
    /// do not come back together.
    #[must_use]
    pub fn without_jitter(mut self) -> Self {
        self.jitter = false;
        self
    }

    /// What to do when attempt number `attempt` (the first one is 1) has failed, `elapsed` after the first one began.
    /// `asked` is how long the partner wants us to wait (`Retry-After`): not less than that, as far as the limit in time
    /// allows.
    #[must_use]
    pub fn decide(
        &self,
        attempt: u32,
        elapsed: Duration,
        asked: Option<Duration>,
        rng: &mut (impl Rng + ?Sized),
    ) -> RetryDecision {
        let index = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
        let Some(delay) = self.delays.get(index) else {
            return RetryDecision::GiveUp;
        };
        let left = self.within.saturating_sub(elapsed);
        if *delay > left {
            return RetryDecision::GiveUp;
        }
        let delay = (*delay).max(asked.unwrap_or_default().min(left));
        let delay = match self.jitter {
            true => delay.saturating_add((delay / 5 / FRACTIONS).saturating_mul(rng.next_u32() % FRACTIONS)),
            false => delay,
        };
        RetryDecision::After(delay.min(left))
    }
}

/// The steps of the jitter.
const FRACTIONS: u32 = 1000;

/// Four retries, after 5, 10, 20 and 40 minutes.
impl Default for RetryPolicy {
    fn default() -> Self {
        Self::exponential(5 * MINUTE, 4)
    }
}

/// How receipts of ours are posted: each is a small request for which somebody may be waiting.
pub(super) fn for_receipts() -> RetryPolicy {
    let minutes = [1, 5, 30, 120, 240, 360, 720].map(|minutes| MINUTE.saturating_mul(minutes));
    RetryPolicy::schedule(std::iter::once(MINUTE / 6).chain(minutes)).within(DAY.saturating_mul(2))
}
