//! Events: the audit trail in the log.

use std::fmt::Display;
use std::net::IpAddr;
use std::time::Duration;

use tracing::Level;

use super::milliseconds;
use super::span::Pair;
use crate::cms::Certificate;
use crate::message_id::MessageId;
use crate::name::As2Name;

macro_rules! names {
    ($($level:ident $name:ident $text:literal)+) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum EventName { $($name),+ }

        impl EventName {
            #[cfg(test)]
            pub(super) const ALL: &[(&str, Level)] = &[$(($text, Level::$level)),+];

            const fn text(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }

            const fn level(self) -> Level {
                match self { $(Self::$name => Level::$level),+ }
            }
        }
    };
}

names! {
    DEBUG Received "received"
    DEBUG Decrypted "decrypted"
    DEBUG Verified "verified"
    INFO Delivered "delivered"
    INFO Duplicate "duplicate"
    WARN Conflict "conflict"
    WARN Replayed "replayed"
    WARN DecryptionFailed "decryption-failed"
    WARN MessageRefused "message-refused"
    WARN RequestRefused "request-refused"
    WARN ReceiptNotAllowed "receipt-not-allowed"
    DEBUG ReceiptSent "receipt-sent"
    DEBUG ReceiptPosted "receipt-posted"
    WARN ReceiptPostponed "receipt-postponed"
    ERROR ReceiptNotPosted "receipt-not-posted"
    INFO ReceiptReceived "receipt-received"
    WARN ReceiptIgnored "receipt-ignored"
    INFO Accepted "accepted"
    WARN NotAccepted "not-accepted"
    DEBUG AwaitingReceipt "awaiting-receipt"
    WARN Postponed "postponed"
    ERROR Failed "failed"
    ERROR ReceiptOverdue "receipt-overdue"
    ERROR StoreUnavailable "store-unavailable"
    DEBUG Swept "swept"
    WARN NotSwept "not-swept"
}

/// The fields that every event has, in the order of the macro below; empty ones are left out.
#[cfg(test)]
pub(super) const FIELDS: &[&str] = &[
    "event",
    "from",
    "to",
    "message_id",
    "octets",
    "mic",
    "disposition",
    "certificate",
    "receipt_status",
    "status",
    "peer",
    "url",
    "attempt",
    "after_ms",
    "error",
];

/// Something that happened, with what is known of it.
pub(crate) struct Event<'a> {
    pub(crate) name: EventName,
    pub(crate) from: Option<&'a As2Name>,
    pub(crate) to: Option<&'a As2Name>,
    pub(crate) message_id: Option<&'a MessageId>,
    pub(crate) octets: Option<u64>,
    pub(crate) mic: Option<&'a dyn Display>,
    pub(crate) disposition: Option<&'a dyn Display>,
    /// Shown as the SHA-256 of its DER.
    pub(crate) certificate: Option<&'a Certificate>,
    pub(crate) receipt_status: Option<&'static str>,
    pub(crate) status: Option<u16>,
    pub(crate) peer: Option<IpAddr>,
    pub(crate) url: Option<&'a dyn Display>,
    pub(crate) attempt: Option<u32>,
    pub(crate) after: Option<Duration>,
    pub(crate) error: Option<&'a dyn Display>,
}

impl<'a> Event<'a> {
    pub(crate) const fn new(name: EventName) -> Self {
        Self {
            name,
            from: None,
            to: None,
            message_id: None,
            octets: None,
            mic: None,
            disposition: None,
            certificate: None,
            receipt_status: None,
            status: None,
            peer: None,
            url: None,
            attempt: None,
            after: None,
            error: None,
        }
    }

    pub(crate) const fn about(name: EventName, pair: Pair<'a>) -> Self {
        Self {
            from: Some(pair.from),
            to: Some(pair.to),
            message_id: pair.message_id,
            ..Self::new(name)
        }
    }

    /// Tells it, in words for people too.
    pub(crate) fn tell(&self, words: &dyn Display) {
        macro_rules! tell {
            ($level:ident) => {
                tracing::event!(
                    target: "ediint::audit",
                    Level::$level,
                    event = self.name.text(),
                    from = self.from.map(tracing::field::display),
                    to = self.to.map(tracing::field::display),
                    message_id = self.message_id.map(tracing::field::display),
                    octets = self.octets,
                    mic = self.mic.map(tracing::field::display),
                    disposition = self.disposition.map(tracing::field::display),
                    certificate = self.certificate.map(Certificate::fingerprint_hex),
                    receipt_status = self.receipt_status,
                    status = self.status,
                    peer = self.peer.map(tracing::field::display),
                    url = self.url.map(tracing::field::display),
                    attempt = self.attempt,
                    after_ms = self.after.map(milliseconds),
                    error = self.error.map(tracing::field::display),
                    "{words}"
                )
            };
        }
        match self.name.level() {
            Level::ERROR => tell!(ERROR),
            Level::WARN => tell!(WARN),
            Level::INFO => tell!(INFO),
            _ => tell!(DEBUG),
        }
    }
}
