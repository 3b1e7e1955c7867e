//! Receipts: message disposition notifications (RFC 4130 §7).
//!
//! Everything here works on values and bytes: times, boundaries, identifiers and signatures are arguments. A receipt is
//! small ([`Limits::mdn_size`](crate::Limits)), so it is held in memory.

mod disposition;
mod matching;
mod options;
mod report;
mod request;

pub use disposition::{
    Description, Disposition, DispositionError, DispositionMode, DispositionModifier, DispositionType, ErrorModifier,
    FailureModifier, WarningModifier,
};
pub use matching::{Expected, ReceiptSignature, ReceiptStatus};
pub use options::{Importance, MicalgChoice, OptionsError, ReceiptOptions};
pub use report::{Mdn, MdnError, OriginalMessage};
pub use request::{ReceiptDestination, ReceiptForm, RequestedReceipt, push_receipt_request};
