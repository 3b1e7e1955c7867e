//! What happened in an outbox, for the host's log and metrics.

use super::OutboxEvent;
use crate::client::answered;
use crate::telemetry::{self, Event, EventName};

impl OutboxEvent {
    pub(super) fn trail(&self) {
        match self {
            Self::AwaitingReceipt { .. } => telemetry::count(telemetry::MESSAGES_SENT, &[("status", "pending")]),
            Self::Failed { .. } => telemetry::count(telemetry::MESSAGES_SENT, &[("status", "failed")]),
            Self::Postponed { .. } => telemetry::count(telemetry::RETRIES, &[("work", "send")]),
            Self::ReceiptPostponed { .. } => telemetry::count(telemetry::RETRIES, &[("work", "post")]),
            Self::ReceiptPosted { .. } => telemetry::count(telemetry::RECEIPTS_SENT, &[("delivery", "posted")]),
            _ => {}
        }
        let blank = Event::new;
        let event = match self {
            Self::Answered(receipt) => return answered(receipt),
            Self::AwaitingReceipt { id, within } => Event {
                after: Some(*within),
                ..Event::about(EventName::AwaitingReceipt, id.pair())
            },
            Self::Postponed {
                id,
                error,
                attempt,
                after,
            } => Event {
                error: Some(error),
                attempt: Some(*attempt),
                after: Some(*after),
                ..Event::about(EventName::Postponed, id.pair())
            },
            Self::Failed { id, error, attempts } => Event {
                error: Some(error),
                attempt: Some(*attempts),
                ..Event::about(EventName::Failed, id.pair())
            },
            Self::MdnTimeout { id, .. } => Event::about(EventName::ReceiptOverdue, id.pair()),
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
            Self::StoreUnavailable(error) => Event {
                error: Some(error),
                ..blank(EventName::StoreUnavailable)
            },
            Self::Swept { .. } => blank(EventName::Swept),
            Self::NotSwept(error) => Event {
                error: Some(error),
                ..blank(EventName::NotSwept)
            },
        };
        event.tell(self);
    }
}
