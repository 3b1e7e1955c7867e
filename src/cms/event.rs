//! What a CMS structure is made of, as the reader finds it, and what can be wrong with it.

use rustls_pki_types::CertificateDer;

use super::ber::BerError;
use super::enveloped::EnvelopedHead;
use super::gcm::ContentMac;
use super::tlv::BadTlv;
use crate::algorithm::DigestAlgorithm;

/// Why octets are not acceptable CMS.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CmsError {
    /// Not BER.
    #[error(transparent)]
    Ber(#[from] BerError),
    /// BER, but not the structure of the content type.
    #[error("not a valid CMS structure")]
    Structure,
    /// The input ends before the structure does.
    #[error("the CMS structure is truncated")]
    Truncated,
    /// A content type that is not read here, as its object identifier; what is signed has to be id-data.
    #[error("CMS content type {0} is not supported")]
    UnsupportedContentType(String),
    /// A compression algorithm other than zlib, as its object identifier.
    #[error("compression algorithm {0} is not supported")]
    UnsupportedCompression(String),
    /// Encrypted or compressed content is to be found elsewhere (RFC 5652 §6.1), which S/MIME has no place for.
    #[error("the CMS structure is without its content")]
    NoContent,
    /// [`Limits::cms_structure`](crate::Limits::cms_structure) is exceeded.
    #[error("the CMS structure around the content is too large")]
    TooLarge,
    /// More than 64 recipients.
    #[error("too many recipients")]
    TooManyRecipients,
    /// More than 32 certificates.
    #[error("too many certificates")]
    TooManyCertificates,
    /// More than 16 signers.
    #[error("too many signers")]
    TooManySigners,
}

impl From<BadTlv> for CmsError {
    fn from(BadTlv: BadTlv) -> Self {
        Self::Structure
    }
}

/// The content types that [`CmsReader`](super::CmsReader) reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ContentKind {
    /// RFC 5652 §5.
    SignedData,
    /// RFC 5652 §6.
    EnvelopedData,
    /// RFC 5083.
    AuthEnvelopedData,
    /// RFC 3274.
    CompressedData,
}

/// What [`CmsReader::next`](super::CmsReader::next) found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CmsEvent<'a> {
    /// All of the input is consumed, or the structure has ended.
    NeedInput,
    /// `EnvelopedData` or `AuthEnvelopedData` up to its content; once.
    Enveloped(EnvelopedHead),
    /// `SignedData` up to its content; once.
    Signed(SignedHead),
    /// `CompressedData` up to its content, which is a zlib stream; once.
    Compressed,
    /// Content octets: ciphertext, a zlib stream, or what is signed.
    Content(&'a [u8]),
    /// The end of the structure; once.
    End(CmsTrailer),
}

/// The start of `SignedData`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignedHead {
    /// The digests announced for one-pass processing, as far as they are known. Signers may use others.
    pub digest_algorithms: Vec<DigestAlgorithm>,
}

/// What comes after the content; empty unless it is `SignedData` or `AuthEnvelopedData`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CmsTrailer {
    /// The X.509 certificates sent along, in no particular order.
    pub certificates: Vec<CertificateDer<'static>>,
    /// Each `SignerInfo`, with definite lengths.
    pub signer_infos: Vec<Vec<u8>>,
    /// The content is elsewhere, as in `multipart/signed`.
    pub detached: bool,
    /// What authenticates the content of `AuthEnvelopedData`.
    pub mac: ContentMac,
}
