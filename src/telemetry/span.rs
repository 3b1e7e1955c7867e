//! Spans. Their fields are filled in as they become known.

use std::fmt::Display;

use tracing::field::{Empty, display};
use tracing::{Level, Span};

use crate::message_id::MessageId;
use crate::name::As2Name;

macro_rules! spans {
    ($($level:ident $function:ident $name:literal { $($field:ident),* $(,)? })+) => {
        $(
            pub(crate) fn $function() -> Span {
                tracing::span!(target: "ediint", Level::$level, $name, $($field = Empty),*)
            }
        )+

        /// Each with its fields.
        #[cfg(test)]
        pub(super) const SPANS: &[(&str, &[&str])] = &[$(($name, &[$(stringify!($field)),*])),+];
    };
}

spans! {
    INFO send "as2.send" { message_id, from, to, elapsed_ms }
    DEBUG prepare "as2.prepare" { message_id, from, to, octets, elapsed_ms }
    DEBUG transmit "as2.transmit" { message_id, from, to, octets, status, elapsed_ms }
    INFO receive "as2.receive" { message_id, from, to, octets, status, elapsed_ms }
    INFO outbox "as2.outbox" { message_id, from, to, work, attempt, elapsed_ms }
    DEBUG stage "as2.stage" { stage, elapsed_ms }
    DEBUG http "as2.http" { host, port, elapsed_ms }
}

/// Whom a message is from and to, and which it is.
#[derive(Clone, Copy)]
pub(crate) struct Pair<'a> {
    pub(crate) from: &'a As2Name,
    pub(crate) to: &'a As2Name,
    pub(crate) message_id: Option<&'a MessageId>,
}

/// Fills in what a span is about.
pub(crate) fn name(span: &Span, pair: Pair<'_>) {
    record(span, "from", pair.from);
    record(span, "to", pair.to);
    if let Some(message_id) = pair.message_id {
        record(span, "message_id", message_id);
    }
}

fn record(span: &Span, field: &str, value: impl Display) {
    span.record(field, display(value));
}
