//! Whole messages, encoded and decoded.

mod bad_input;
mod foreign;
#[cfg(feature = "legacy")]
mod legacy;
mod mic;
mod oracle;
mod round_trip;
pub(super) mod support;
