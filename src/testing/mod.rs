//! What key stores and message stores have to do, as tests: for those in this crate, and for those that a host makes.
//! Feature `testing`.
//!
//! The checks panic where a promise is broken.
#![expect(clippy::unwrap_used, reason = "a check that fails panics")]

pub mod key_store;
pub mod message_store;

pub use crate::clock::ManualClock;
