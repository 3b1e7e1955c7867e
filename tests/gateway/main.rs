//! The gateway example, driven from outside: command lines, files, sockets, exit codes.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests, also where they are no test functions"
)]

mod algorithms;
mod answers;
mod certificates;
mod common;
mod configuration;
mod database;
mod exchange;
mod init;
mod inspecting;
mod keys;
mod later;
mod legacy;
mod outbox;
mod partner;
mod postgres;
mod presets;
mod progress;
mod reaching;
mod readme;
mod serving;
mod stations;
mod tls;

// Examples have no tests of their own: those of these rooms run here.
#[expect(dead_code, reason = "the example uses it")]
#[path = "../../examples/gateway/files.rs"]
mod files;
#[allow(
    dead_code,
    reason = "the example uses it; rustc does not see that an expectation of it is fulfilled"
)]
#[path = "../../examples/gateway/config/values.rs"]
mod values;
