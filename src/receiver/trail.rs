//! What happened in a receiver, for the host's log and metrics.

use std::fmt::Display;

use super::event::ReceiverEvent;
use crate::exchange::Receipt;
use crate::name::As2Name;
use crate::store::ExchangeId;
use crate::telemetry::{self, Event, EventName, Pair, label};

/// Tells of a receipt that closed the record of a message.
pub(super) fn receipt(receipt: &Receipt) {
    if let Some(disposition) = receipt.disposition() {
        telemetry::count(
            telemetry::RECEIPTS_RECEIVED,
            &[("disposition", label::disposition(disposition))],
        );
    }
    Event {
        disposition: receipt.disposition().map(|told| -> &dyn Display { told }),
        certificate: receipt.signer.as_ref(),
        receipt_status: Some(label::status(&receipt.status)),
        ..Event::about(EventName::ReceiptReceived, receipt.id.pair())
    }
    .tell(&format_args!("{}: {}", receipt.id, receipt.status));
}

impl ReceiverEvent<'_> {
    pub(super) fn trail(&self) {
        self.measure();
        self.entry().tell(self);
    }

    fn measure(&self) {
        let outcome = |outcome| telemetry::count(telemetry::MESSAGES_RECEIVED, &[("outcome", outcome)]);
        match self {
            Self::Received { octets, .. } => telemetry::add(telemetry::OCTETS_RECEIVED, &[], *octets),
            Self::Delivered { .. } => outcome("delivered"),
            Self::Duplicate(_) => outcome("duplicate"),
            Self::Replayed { .. } => outcome("replayed"),
            Self::MessageRefused { .. } => outcome("refused"),
            Self::DecryptionFailed(_) => telemetry::count(telemetry::DECRYPTION_FAILURES, &[]),
            Self::RequestRefused(refused) => {
                let status = refused.status();
                telemetry::count(telemetry::REQUESTS_REFUSED, &[("status", status.as_str())]);
            }
            Self::ReceiptSent { .. } => telemetry::count(telemetry::RECEIPTS_SENT, &[("delivery", "response")]),
            Self::ReceiptPosted { .. } => telemetry::count(telemetry::RECEIPTS_SENT, &[("delivery", "posted")]),
            Self::ReceiptPostponed { .. } => telemetry::count(telemetry::RETRIES, &[("work", "post")]),
            // A conflict is refused, which is told besides.
            Self::Decrypted { .. }
            | Self::Verified { .. }
            | Self::Conflict(_)
            | Self::ReceiptNotAllowed { .. }
            | Self::ReceiptNotPosted { .. }
            | Self::ReceiptIgnored { .. } => {}
        }
    }

    fn entry(&self) -> Event<'_> {
        match self {
            Self::Received {
                from, to, id, octets, ..
            } => Event {
                octets: Some(*octets),
                ..about(EventName::Received, from, to, *id)
            },
            Self::Decrypted {
                from,
                to,
                id,
                certificate,
            } => Event {
                certificate: Some(certificate),
                ..about(EventName::Decrypted, from, to, *id)
            },
            Self::Verified {
                from,
                to,
                id,
                certificate,
                ..
            } => Event {
                certificate: Some(certificate),
                ..about(EventName::Verified, from, to, *id)
            },
            Self::Delivered {
                from,
                to,
                id,
                octets,
                mic,
                disposition,
                signer,
                ..
            } => Event {
                octets: Some(*octets),
                mic: Some(mic),
                disposition: Some(disposition),
                certificate: *signer,
                ..about(EventName::Delivered, from, to, *id)
            },
            Self::Duplicate(id) => Event::about(EventName::Duplicate, id.pair()),
            Self::Conflict(id) => Event::about(EventName::Conflict, id.pair()),
            Self::Replayed { id, .. } => Event::about(EventName::Replayed, id.pair()),
            Self::DecryptionFailed(failures) => Event {
                peer: failures.peer,
                ..about(EventName::DecryptionFailed, failures.from, failures.to, None)
            },
            Self::MessageRefused {
                from,
                to,
                id,
                disposition,
                detail,
            } => Event {
                disposition: Some(disposition),
                error: detail.map(|detail| -> &dyn Display { detail }),
                ..about(EventName::MessageRefused, from, to, *id)
            },
            Self::RequestRefused(refused) => Event {
                status: Some(refused.status().as_u16()),
                error: Some(refused),
                ..Event::new(EventName::RequestRefused)
            },
            Self::ReceiptNotAllowed { id, destination } => {
                let event = match id {
                    Some(id) => Event::about(EventName::ReceiptNotAllowed, id.pair()),
                    None => Event::new(EventName::ReceiptNotAllowed),
                };
                Event {
                    url: Some(destination),
                    ..event
                }
            }
            Self::ReceiptSent { from, to, id } => about(EventName::ReceiptSent, from, to, *id),
            Self::ReceiptPosted { id, url } => Event {
                url: Some(url),
                ..Event::about(EventName::ReceiptPosted, id.pair())
            },
            Self::ReceiptPostponed { id, url, error, after } => Event {
                url: Some(url),
                error: Some(error),
                after: Some(*after),
                ..Event::about(EventName::ReceiptPostponed, id.pair())
            },
            Self::ReceiptNotPosted { id, url, error } => Event {
                url: Some(url),
                error: Some(error),
                ..Event::about(EventName::ReceiptNotPosted, id.pair())
            },
            Self::ReceiptIgnored { from, to, reason } => Event {
                error: Some(reason),
                ..about(EventName::ReceiptIgnored, from, to, None)
            },
        }
    }
}

fn about<'a>(name: EventName, from: &'a As2Name, to: &'a As2Name, id: Option<&'a ExchangeId>) -> Event<'a> {
    let message_id = id.map(ExchangeId::message_id);
    Event::about(name, Pair { from, to, message_id })
}
