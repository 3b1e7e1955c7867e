//! `CompressedData` (RFC 3274): zlib (RFC 1950) in chunks, out of which no bomb goes off.

use std::fmt;
use std::io;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::content_info::content_info;
use super::oid;
use super::tlv::{encode, encode_open, tag};
use crate::limits::Limits;

#[cfg(test)]
mod tests;

/// Output is handed on in pieces of this size at most.
const PIECE: usize = 32 << 10;

/// Why a zlib stream cannot be inflated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InflateError {
    /// Not a zlib stream, damaged, or its checksum is wrong.
    #[error("compressed content is damaged")]
    Damaged,
    /// Octets after the end of the zlib stream.
    #[error("octets follow the compressed content")]
    TrailingOctets,
    /// The stream ends too early.
    #[error("compressed content is truncated")]
    Truncated,
    /// [`Limits::message_size`] is exceeded.
    #[error("compressed content inflates to more than the permitted size")]
    TooLarge,
    /// [`Limits::inflate_ratio`] is exceeded.
    #[error("compressed content inflates by more than the permitted ratio")]
    Ratio,
}

impl From<InflateError> for io::Error {
    fn from(error: InflateError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

/// Inflates a zlib stream. The output is bounded while it comes into being, not afterwards.
pub struct Inflater {
    zlib: Decompress,
    piece: Vec<u8>,
    ended: bool,
    size: u64,
    ratio: Option<u32>,
}

impl Inflater {
    /// An inflater under [`Limits::message_size`] and [`Limits::inflate_ratio`].
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            zlib: Decompress::new(true),
            piece: vec![0; PIECE],
            ended: false,
            size: limits.message_size,
            ratio: limits.inflate_ratio,
        }
    }

    /// Inflates `input` and gives the output to `sink` in pieces of at most 32 KiB.
    ///
    /// # Errors
    ///
    /// An [`InflateError`] in the error type of `sink`, or what `sink` returned. The inflater is of no use afterwards.
    pub fn update<E: From<InflateError>>(
        &mut self,
        mut input: &[u8],
        mut sink: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        loop {
            if self.ended {
                return if input.is_empty() {
                    Ok(())
                } else {
                    Err(InflateError::TrailingOctets.into())
                };
            }
            let (consumed, produced) = (self.zlib.total_in(), self.zlib.total_out());
            let status = self.zlib.decompress(input, &mut self.piece, FlushDecompress::None);
            let consumed = offset(consumed, self.zlib.total_in());
            let produced = offset(produced, self.zlib.total_out());
            input = input.get(consumed..).unwrap_or_default();
            // What comes before a fault is given out, so that it does not show how the input was cut.
            let excess = offset(self.size, self.zlib.total_out().max(self.size));
            let within = self.piece.get(..produced.saturating_sub(excess)).unwrap_or_default();
            if !within.is_empty() {
                sink(within)?;
            }
            self.check()?;
            self.ended = status.map_err(|_| InflateError::Damaged)? == Status::StreamEnd;
            // A full piece may have left output behind in the window.
            if !self.ended && produced < self.piece.len() {
                if input.is_empty() {
                    return Ok(());
                }
                if consumed == 0 && produced == 0 {
                    return Err(InflateError::Damaged.into());
                }
            }
        }
    }

    fn check(&self) -> Result<(), InflateError> {
        if self.zlib.total_out() > self.size {
            return Err(InflateError::TooLarge);
        }
        // Small messages may inflate by any ratio: what they amount to is bounded by zlib itself.
        let slack = 1 << 20;
        let most = |ratio| {
            self.zlib
                .total_in()
                .saturating_mul(u64::from(ratio))
                .saturating_add(slack)
        };
        match self.ratio {
            Some(ratio) if self.zlib.total_out() > most(ratio) => Err(InflateError::Ratio),
            _ => Ok(()),
        }
    }

    /// To be called when there is no more input.
    ///
    /// # Errors
    ///
    /// [`InflateError::Truncated`] when the stream has not ended.
    pub fn finish(&self) -> Result<(), InflateError> {
        if self.ended {
            Ok(())
        } else {
            Err(InflateError::Truncated)
        }
    }
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater")
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

/// Deflates into a zlib stream.
pub struct Deflater {
    zlib: Compress,
}

impl Deflater {
    /// A deflater at zlib's usual level.
    #[must_use]
    pub fn new() -> Self {
        Self {
            zlib: Compress::new(Compression::default(), true),
        }
    }

    /// Deflates `input` and appends what comes of it to `out`, often nothing.
    ///
    /// # Errors
    ///
    /// None with the zlib in use; its interface has them.
    pub fn update(&mut self, mut input: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        while !input.is_empty() {
            out.reserve(PIECE);
            let before = self.zlib.total_in();
            self.zlib.compress_vec(input, out, FlushCompress::None)?;
            input = input.get(offset(before, self.zlib.total_in())..).unwrap_or_default();
        }
        Ok(())
    }

    /// Ends the stream and appends the rest of it to `out`.
    ///
    /// # Errors
    ///
    /// As [`Deflater::update`].
    pub fn finish(mut self, out: &mut Vec<u8>) -> io::Result<()> {
        loop {
            out.reserve(PIECE);
            if self.zlib.compress_vec(&[], out, FlushCompress::Finish)? == Status::StreamEnd {
                return Ok(());
            }
        }
    }
}

impl Default for Deflater {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Deflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deflater").finish_non_exhaustive()
    }
}

/// The DER of a `ContentInfo` with `CompressedData` (RFC 3274 §1.1) up to the zlib stream, of which `content_len` octets
/// must follow; nothing comes after them.
#[must_use]
pub fn compressed_prefix(content_len: u64) -> Vec<u8> {
    let algorithm = encode(tag::SEQUENCE, &encode(tag::OID, oid::ZLIB));
    let octets = encode_open(tag::OCTET_STRING, &[], content_len);
    let content = encode_open(tag::context_constructed(0), &octets, content_len);
    let encapsulated = [encode(tag::OID, oid::DATA), content].concat();
    let fields = [
        encode(tag::INTEGER, &[0]),
        algorithm,
        encode_open(tag::SEQUENCE, &encapsulated, content_len),
    ];
    content_info(oid::COMPRESSED_DATA, &fields.concat(), content_len)
}

fn offset(before: u64, after: u64) -> usize {
    usize::try_from(after - before).unwrap_or(usize::MAX)
}
