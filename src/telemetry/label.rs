//! Values of labels: few, whatever partners send.

use crate::mdn::{Disposition, DispositionModifier, DispositionType, ReceiptStatus};

/// What is known of a message that was sent.
pub(crate) const fn status(status: &ReceiptStatus) -> &'static str {
    match status {
        ReceiptStatus::Accepted { .. } | ReceiptStatus::AcceptedWithoutMic => "accepted",
        ReceiptStatus::Warning { .. } => "warning",
        ReceiptStatus::NotRequested => "no-receipt-requested",
        ReceiptStatus::Pending => "pending",
        ReceiptStatus::Rejected(_) => "rejected",
        ReceiptStatus::Missing => "missing-receipt",
        ReceiptStatus::MicMismatch { .. } | ReceiptStatus::MissingMic | ReceiptStatus::UnusableMic { .. } => {
            "mic-mismatch"
        }
        ReceiptStatus::Invalid(_)
        | ReceiptStatus::InvalidSignature(_)
        | ReceiptStatus::Unsigned
        | ReceiptStatus::OtherPartner
        | ReceiptStatus::OtherMessage { .. } => "invalid-receipt",
    }
}

/// What a receipt says, without the reason.
pub(crate) const fn disposition(disposition: &Disposition) -> &'static str {
    match (disposition.kind(), disposition.modifier()) {
        (DispositionType::Processed, None) => "processed",
        (DispositionType::Processed | DispositionType::Failed, Some(DispositionModifier::Error(_))) => "error",
        (DispositionType::Processed, Some(DispositionModifier::Warning(_))) => "warning",
        (DispositionType::Processed | DispositionType::Failed, _) => "failure",
        (DispositionType::Other(_), _) => "other",
    }
}
