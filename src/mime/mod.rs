//! MIME codecs (RFC 2045, RFC 2046, RFC 2183, RFC 2231): bytes in, typed values out, in chunks.
//!
//! Header blocks, `Content-Type` and `Content-Disposition`, transfer encodings and the framing of multipart bodies.
//! Everything here is strict in what it writes and tolerant of what AS2 products are known to send. Nothing here knows
//! of AS2, and nothing is ever re-serialised: the scanner hands out the exact octets of a part.

mod base64_lines;
mod boundary;
mod charset;
mod content_disposition;
mod content_type;
mod ending;
mod filename;
mod header;
mod header_reader;
mod multipart;
mod parameters;
mod quoted_printable;
mod transfer_encoding;

pub use base64_lines::encode_base64_lines;
pub use boundary::{BoundaryCheck, boundary};
pub use content_disposition::ContentDisposition;
pub use content_type::{ContentType, ContentTypeError};
pub use ending::type_by_ending;
#[cfg(feature = "receiver")]
pub(crate) use filename::decode_encoded_words;
pub use filename::sanitize_filename;
pub use header::{Field, HeaderBlock, HeaderError};
pub use header_reader::HeaderReader;
#[cfg(feature = "client")]
pub(crate) use multipart::MAX_PARTS;
pub use multipart::{MultipartError, MultipartEvent, MultipartScanner};
pub use transfer_encoding::{
    TransferDecoder, TransferEncoder, TransferEncoding, TransferError, UnknownTransferEncoding,
};
