//! `Content-Transfer-Encoding` (RFC 2045 §6).

use std::fmt;

use super::base64_lines::{Base64Decoder, Base64Encoder};
use super::quoted_printable::{QuotedPrintableDecoder, QuotedPrintableEncoder};

#[cfg(test)]
mod tests;

/// How the body of a part is encoded. AS2 sends `binary` (RFC 4130 §5.2.1) and must take all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransferEncoding {
    /// Short lines of ASCII, not encoded.
    SevenBit,
    /// Short lines, not encoded.
    EightBit,
    /// Any octets, not encoded.
    #[default]
    Binary,
    /// Base64 in lines.
    Base64,
    /// Quoted-printable.
    QuotedPrintable,
}

/// A `Content-Transfer-Encoding` that is not in RFC 2045.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("transfer encoding {0:?} is not supported")]
pub struct UnknownTransferEncoding(String);

/// What is wrong with encoded content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// A character is not of the alphabet, or padding is where none can be.
    #[error("content is not valid base64")]
    InvalidBase64,
    /// Something other than white space follows the padding of base64.
    #[error("content goes on after the padding of base64")]
    AfterPadding,
    /// `=` is followed neither by two hexadecimal digits nor by a line end, or a line is full of white space.
    #[error("content is not valid quoted-printable")]
    InvalidQuotedPrintable,
    /// The content ends inside of an encoded group.
    #[error("encoded content is incomplete")]
    Truncated,
}

impl TransferEncoding {
    /// Reads the value of a field; case does not matter.
    ///
    /// # Errors
    ///
    /// [`UnknownTransferEncoding`] if it is none of RFC 2045.
    pub fn parse(value: &str) -> Result<Self, UnknownTransferEncoding> {
        let value = value.trim();
        match value.to_ascii_lowercase().as_str() {
            "7bit" => Ok(Self::SevenBit),
            "8bit" => Ok(Self::EightBit),
            "binary" => Ok(Self::Binary),
            "base64" => Ok(Self::Base64),
            "quoted-printable" => Ok(Self::QuotedPrintable),
            _ => Err(UnknownTransferEncoding(value.to_owned())),
        }
    }

    /// Whether content is sent as it is, so that it need not go through a decoder.
    #[must_use]
    pub fn is_identity(self) -> bool {
        match self {
            Self::SevenBit | Self::EightBit | Self::Binary => true,
            Self::Base64 | Self::QuotedPrintable => false,
        }
    }
}

impl fmt::Display for TransferEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SevenBit => "7bit",
            Self::EightBit => "8bit",
            Self::Binary => "binary",
            Self::Base64 => "base64",
            Self::QuotedPrintable => "quoted-printable",
        })
    }
}

/// Decodes content that arrives in chunks: [`decode`](Self::decode) each, then [`finish`](Self::finish).
///
/// After an error the decoder is of no use. What it wrote is what the octets before the fault decode to, however they
/// were cut into chunks.
#[derive(Clone, Debug)]
pub struct TransferDecoder {
    decoder: Decoder,
}

#[derive(Clone, Debug)]
enum Decoder {
    Identity,
    Base64(Base64Decoder),
    QuotedPrintable(QuotedPrintableDecoder),
}

impl TransferDecoder {
    /// A decoder at the beginning of the content.
    #[must_use]
    pub fn new(encoding: TransferEncoding) -> Self {
        let decoder = match encoding {
            TransferEncoding::SevenBit | TransferEncoding::EightBit | TransferEncoding::Binary => Decoder::Identity,
            TransferEncoding::Base64 => Decoder::Base64(Base64Decoder::default()),
            TransferEncoding::QuotedPrintable => Decoder::QuotedPrintable(QuotedPrintableDecoder::default()),
        };
        Self { decoder }
    }

    /// Appends what `input` decodes to. White space in base64 is skipped.
    ///
    /// # Errors
    ///
    /// [`TransferError`] as soon as `input` cannot be decoded.
    pub fn decode(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<(), TransferError> {
        match &mut self.decoder {
            Decoder::Identity => {
                out.extend_from_slice(input);
                Ok(())
            }
            Decoder::Base64(decoder) => decoder.decode(input, out),
            Decoder::QuotedPrintable(decoder) => decoder.decode(input, out),
        }
    }

    /// Ends the content and appends what was held back.
    ///
    /// # Errors
    ///
    /// [`TransferError::Truncated`] if the last group is incomplete. Base64 without its padding is: nothing else would
    /// show that the end is missing.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), TransferError> {
        match &mut self.decoder {
            Decoder::Identity => Ok(()),
            Decoder::Base64(decoder) => decoder.finish(),
            Decoder::QuotedPrintable(decoder) => decoder.finish(out),
        }
    }
}

/// Encodes content that is given in chunks: [`encode`](Self::encode) each, then [`finish`](Self::finish).
#[derive(Clone, Debug)]
pub struct TransferEncoder {
    encoder: Encoder,
}

#[derive(Clone, Debug)]
enum Encoder {
    Identity,
    Base64(Base64Encoder),
    QuotedPrintable(QuotedPrintableEncoder),
}

impl TransferEncoder {
    /// An encoder at the beginning of the content.
    #[must_use]
    pub fn new(encoding: TransferEncoding) -> Self {
        let encoder = match encoding {
            TransferEncoding::SevenBit | TransferEncoding::EightBit | TransferEncoding::Binary => Encoder::Identity,
            TransferEncoding::Base64 => Encoder::Base64(Base64Encoder::default()),
            TransferEncoding::QuotedPrintable => Encoder::QuotedPrintable(QuotedPrintableEncoder::default()),
        };
        Self { encoder }
    }

    /// Appends the encoding of `input`: base64 in lines of 76 characters that end in CR LF, quoted-printable in which
    /// any octets survive. The other encodings change nothing and check nothing.
    pub fn encode(&mut self, input: &[u8], out: &mut Vec<u8>) {
        match &mut self.encoder {
            Encoder::Identity => out.extend_from_slice(input),
            Encoder::Base64(encoder) => encoder.encode(input, out),
            Encoder::QuotedPrintable(encoder) => encoder.encode(input, out),
        }
    }

    /// Ends the content and appends what was held back.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        match &mut self.encoder {
            Encoder::Identity => {}
            Encoder::Base64(encoder) => encoder.finish(out),
            Encoder::QuotedPrintable(encoder) => encoder.finish(out),
        }
    }
}
