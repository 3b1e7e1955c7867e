use std::io;

use crate::algorithm::{ContentCipher, UnknownAlgorithm};
use crate::cms::{CmsError, InflateError};
use crate::mime::{HeaderError, MultipartError, TransferError, UnknownTransferEncoding};

use super::LayerKind;

/// What stopped the decoding of a message. It says what is wrong with the partner's octets, for the host's log; what
/// the partner is told is decided by the verdict.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The headers of a layer.
    #[error("headers of a body part: {0}")]
    Header(#[from] HeaderError),
    /// The framing of a multipart.
    #[error("multipart: {0}")]
    Multipart(#[from] MultipartError),
    /// A transfer encoding.
    #[error("transfer encoding: {0}")]
    Transfer(#[from] TransferError),
    /// A transfer encoding that does not exist.
    #[error(transparent)]
    TransferEncoding(#[from] UnknownTransferEncoding),
    /// The cipher is not supported.
    #[error("cipher: {0}")]
    CipherUnsupported(#[from] UnknownAlgorithm),
    /// The framing or algorithms of a CMS structure.
    #[error("CMS: {0}")]
    Cms(#[from] CmsError),
    /// Compressed content.
    #[error("compressed content: {0}")]
    Inflate(#[from] InflateError),
    /// The content could not be decrypted: a wrong key, damaged ciphertext or wrong padding. Which one stays unknown.
    #[error("the content cannot be decrypted")]
    Decrypt,
    /// None of our keys is among the recipients.
    #[error("the message is not encrypted for any of our keys")]
    NoRecipient,
    /// The cipher is refused by the partnership's policy.
    #[error("content encrypted with {0} is not accepted from this partner")]
    CipherRefused(ContentCipher),
    /// A cipher that authenticates in EnvelopedData, or one that does not in AuthEnvelopedData (RFC 5083).
    #[error("{0} in a structure that is not for it")]
    CipherMisplaced(ContentCipher),
    /// The content type says another thing than the CMS structure (ENV-36, INT-38).
    #[error("smime-type {declared:?} does not fit the CMS structure")]
    SmimeType {
        /// The parameter, in lower case.
        declared: String,
    },
    /// A second layer of one kind, or encryption inside another layer: none of the ten structures (RFC 5402 §3).
    #[error("a layer of kind {0} where AS2 has none")]
    Structure(LayerKind),
    /// Content was compressed twice (RFC 5402 §3).
    #[error("the content is compressed twice")]
    CompressedTwice,
    /// Not exactly two parts in a multipart/signed (RFC 1847 §2.1), or the second is no signature.
    #[error("a multipart/signed needs two parts, content and signature")]
    SignedParts,
    /// The payload is larger than the limit.
    #[error("the payload is larger than {0} octets")]
    TooLarge(u64),
    /// The message ends before its layers do.
    #[error("the message ends too early")]
    Truncated,
}

/// Stops decoding: the message's fault, or ours.
#[derive(Debug)]
pub(super) enum Stop {
    Fault(Fault),
    Sink(io::Error),
}

impl<F: Into<Fault>> From<F> for Stop {
    fn from(fault: F) -> Self {
        Self::Fault(fault.into())
    }
}
