//! What became of messages, for the host's log and metrics.

use std::error::Error;
use std::fmt::Display;

use super::describe;
use crate::exchange::Receipt;
use crate::mdn::ReceiptStatus;
use crate::store::ExchangeId;
use crate::telemetry::{self, Event, EventName, label};

/// Tells what the partner answered.
pub(crate) fn answered(receipt: &Receipt) {
    let status = label::status(&receipt.status);
    telemetry::count(telemetry::MESSAGES_SENT, &[("status", status)]);
    if let Some(disposition) = receipt.disposition() {
        telemetry::count(
            telemetry::RECEIPTS_RECEIVED,
            &[("disposition", label::disposition(disposition))],
        );
    }
    let name = match &receipt.status {
        ReceiptStatus::Accepted { .. } | ReceiptStatus::AcceptedWithoutMic | ReceiptStatus::NotRequested => {
            EventName::Accepted
        }
        ReceiptStatus::Pending => EventName::AwaitingReceipt,
        _ => EventName::NotAccepted,
    };
    Event {
        disposition: receipt.disposition().map(|told| -> &dyn Display { told }),
        certificate: receipt.signer.as_ref(),
        receipt_status: Some(status),
        status: receipt.http_status.map(|status| status.as_u16()),
        ..Event::about(name, receipt.id.pair())
    }
    .tell(&format_args!("{}: {}", receipt.id, receipt.status));
}

/// Tells that a message could not be sent.
pub(super) fn failed(id: &ExchangeId, error: &(dyn Error + 'static)) {
    telemetry::count(telemetry::MESSAGES_SENT, &[("status", "failed")]);
    let error = describe(error);
    Event {
        error: Some(&error),
        ..Event::about(EventName::Failed, id.pair())
    }
    .tell(&format_args!("{id} could not be sent: {error}"));
}
