//! What the host's log and metrics are told. Every name that is promised in the guide is here, once.

#![cfg_attr(
    not(all(feature = "client", feature = "receiver", feature = "metrics")),
    allow(dead_code, unused_imports, reason = "each shell uses its part, and metrics theirs")
)]

mod event;
pub(crate) mod label;
mod metric;
mod span;

use std::time::{Duration, Instant};

use tracing::{Instrument, Span};

pub(crate) use event::{Event, EventName};
pub(crate) use metric::{
    DECRYPTION_FAILURES, KEY_OPERATIONS, MESSAGES_RECEIVED, MESSAGES_SENT, OCTETS_RECEIVED, OCTETS_SENT, OUTBOX_AGE,
    OUTBOX_DEPTH, OUTBOX_IN_PROGRESS, RECEIPTS_MADE, RECEIPTS_RECEIVED, RECEIPTS_SENT, REQUESTS_IN_PROGRESS,
    REQUESTS_REFUSED, RETRIES, TLS_FAILURES,
};
pub(crate) use metric::{add, count, set, shift};
pub(crate) use span::{Pair, http, name, outbox, prepare, receive, send, stage, transmit};

/// Does the work within the span, and tells how long it took. Where it is dropped, it took no time.
pub(crate) async fn timed<T>(stage: &'static str, span: Span, work: impl Future<Output = T>) -> T {
    let began = Instant::now();
    let result = work.instrument(span.clone()).await;
    let elapsed = began.elapsed();
    span.record("elapsed_ms", milliseconds(elapsed));
    metric::observe(metric::STAGE_SECONDS, &[("stage", stage)], elapsed.as_secs_f64());
    result
}

/// Does a step of the work on a message.
pub(crate) async fn staged<T>(name: &'static str, work: impl Future<Output = T>) -> T {
    let span = stage();
    span.record("stage", name);
    timed(name, span, work).await
}

pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
