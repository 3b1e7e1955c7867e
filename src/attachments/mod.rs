//! Several documents in one message (RFC 6362): a multipart/related whose parts are files, put together when it is sent and
//! taken apart when it has arrived, in constant memory.

#[cfg(feature = "client")]
mod join;
#[cfg(feature = "receiver")]
mod split;

#[cfg(feature = "client")]
pub(crate) use join::join;
#[cfg(feature = "client")]
pub use join::{Attachment, AttachmentsError};
#[cfg(feature = "receiver")]
pub use split::{ReceivedAttachment, SplitError};
#[cfg(feature = "receiver")]
pub(crate) use split::{is_split, split};

#[cfg(test)]
mod tests;
