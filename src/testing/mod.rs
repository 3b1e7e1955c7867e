//! What key stores and message stores have to do, as tests: for those in this crate, and for those that a host makes.
//! Feature `testing`.
//!
//! The checks panic where a promise is broken.
#![expect(clippy::unwrap_used, reason = "a check that fails panics")]

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::clock::Clock;

pub mod key_store;
pub mod message_store;

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock(Mutex<SystemTime>);

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl ManualClock {
    /// A clock that shows a time in 2027.
    #[must_use]
    pub fn new() -> Self {
        let start = Duration::from_secs(1_800_000_000);
        Self(Mutex::new(SystemTime::UNIX_EPOCH + start))
    }

    /// Moves it on.
    pub fn advance(&self, by: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> SystemTime {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
