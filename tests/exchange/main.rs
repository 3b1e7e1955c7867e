//! `As2Client` and `As2Receiver` against each other and against servers and clients made by hand, over HTTP on loopback.
//!
//! One test crate for all: every one of them costs a link of the whole.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests, also where they are no test functions"
)]

mod algorithms;
mod answers;
mod attachments;
mod audit;
mod choices;
mod claims;
mod common;
mod copies;
mod demands;
#[cfg(target_os = "linux")]
mod disk;
mod faults;
mod gate;
mod handmade;
mod heads;
mod incoming;
#[cfg(feature = "legacy")]
mod legacy;
mod oracle;
mod outages;
mod outbox;
mod outbox_host;
mod outbox_life;
mod outbox_places;
mod outbox_receipts;
mod outbox_successors;
mod overload;
mod preparation;
mod refusals;
mod rollover;
mod rows;
mod statuses;
mod structures;
mod tls;
mod watched;
