//! What both shells do with keys, stores and partners: drive the encoder, read a receipt, post one.

mod content_keys;
mod encode;
mod posting;
mod receipt;

pub(crate) use content_keys::content_keys;
pub(crate) use encode::{EncodeFailure, encode, signature_blueprint};
pub use posting::PostError;
pub(crate) use posting::{POST_LEASE, PostJob, Posted, SealedReceipt, post};
pub use receipt::Receipt;
pub(crate) use receipt::{ReadError, ReceivedReport, closes, open_report};
