//! What both shells do with keys and stores: drive the encoder, and read a receipt.

mod content_keys;
mod encode;
mod receipt;

pub(crate) use content_keys::content_keys;
pub(crate) use encode::{EncodeFailure, encode, signature_blueprint};
pub use receipt::Receipt;
pub(crate) use receipt::{ReadError, ReceivedReport, closes, open_report};
