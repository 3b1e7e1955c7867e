//! Whole messages, encoded and decoded.

mod bad_input;
mod foreign;
mod mic;
mod oracle;
mod round_trip;
pub(super) mod support;
