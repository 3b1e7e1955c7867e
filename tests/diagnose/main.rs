//! Captures of messages and receipts, explained: what other products made, as it is and tampered with.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test, also where it is no test function"
)]

mod captures;
mod encrypted;
mod messages;
mod receipts;
mod signatures;
mod support;
