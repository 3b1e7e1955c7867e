//! Base64 in lines (RFC 2045 §6.8).

use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use base64::{DecodeError, Engine as _};

use super::transfer_encoding::TransferError;

#[cfg(test)]
mod tests;

/// Octets in a line of 76 characters.
const LINE: usize = 57;

/// How much is decoded at a time: small enough to stay in the cache.
const BLOCK: usize = 16 << 10;

/// Encoders exist that leave rubbish in the unused bits of the last character.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// `input` in lines of 76 characters, each ended by CR LF. For small structures such as signatures.
#[must_use]
pub fn encode_base64_lines(input: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(input.len().div_ceil(LINE) * 78);
    encode_lines(input, &mut out);
    out
}

fn encode_lines(input: &[u8], out: &mut Vec<u8>) {
    let mut text = [0; 76];
    for line in input.chunks(LINE) {
        // 57 octets are 76 characters: the buffer is never too small.
        let written = STANDARD.encode_slice(line, &mut text).unwrap_or(0);
        out.extend_from_slice(text.get(..written).unwrap_or_default());
        out.extend_from_slice(b"\r\n");
    }
}

/// Encodes chunks.
#[derive(Clone, Debug, Default)]
pub(super) struct Base64Encoder {
    /// The beginning of a line.
    held: Vec<u8>,
}

impl Base64Encoder {
    pub(super) fn encode(&mut self, mut input: &[u8], out: &mut Vec<u8>) {
        if !self.held.is_empty() {
            let missing = LINE - self.held.len();
            let (head, rest) = input.split_at_checked(missing).unwrap_or((input, &[]));
            self.held.extend_from_slice(head);
            input = rest;
            if self.held.len() < LINE {
                return;
            }
            encode_lines(&self.held, out);
            self.held.clear();
        }
        let whole = input.len() - input.len() % LINE;
        let (lines, rest) = input.split_at_checked(whole).unwrap_or((input, &[]));
        encode_lines(lines, out);
        self.held.extend_from_slice(rest);
    }

    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        encode_lines(&self.held, out);
        self.held.clear();
    }
}

/// Decodes chunks.
#[derive(Clone, Debug, Default)]
pub(super) struct Base64Decoder {
    /// Characters that are not decoded yet; between calls at most three.
    characters: Vec<u8>,
    end: End,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum End {
    #[default]
    Open,
    /// Padding was seen, and this many more `=` must follow.
    Padded(usize),
}

impl Base64Decoder {
    pub(super) fn decode(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<(), TransferError> {
        for block in input.chunks(BLOCK) {
            self.decode_block(block, out)?;
        }
        Ok(())
    }

    pub(super) fn finish(&mut self) -> Result<(), TransferError> {
        if self.characters.is_empty() && matches!(self.end, End::Open | End::Padded(0)) {
            Ok(())
        } else {
            Err(TransferError::Truncated)
        }
    }

    fn decode_block(&mut self, block: &[u8], out: &mut Vec<u8>) -> Result<(), TransferError> {
        if let End::Padded(_) = self.end {
            return self.after_padding(block);
        }
        let (text, padding) = match memchr::memchr(b'=', block).and_then(|at| block.split_at_checked(at)) {
            Some((text, padding)) => (text, Some(padding)),
            None => (block, None),
        };
        self.collect(text);
        let whole = self.characters.len() - self.characters.len() % 4;
        let (quanta, rest) = self.characters.split_at_checked(whole).unwrap_or_default();
        decode_quanta(quanta, out)?;
        let Some(padding) = padding else {
            self.characters.drain(..whole);
            return Ok(());
        };
        let missing = match rest.len() {
            2 => 2,
            3 => 1,
            _ => return Err(TransferError::InvalidBase64),
        };
        decode_quanta(rest, out)?;
        self.characters.clear();
        self.end = End::Padded(missing);
        self.after_padding(padding)
    }

    /// Appends what is not white space. Line ends are skipped by whole runs; other white space is rare.
    fn collect(&mut self, mut text: &[u8]) {
        while !text.is_empty() {
            let end = memchr::memchr2(b'\r', b'\n', text).unwrap_or(text.len());
            let (run, rest) = text.split_at_checked(end).unwrap_or((text, &[]));
            if run.iter().fold(false, |found, &octet| found | is_blank(octet)) {
                self.characters
                    .extend(run.iter().copied().filter(|&octet| !is_blank(octet)));
            } else {
                self.characters.extend_from_slice(run);
            }
            text = rest.strip_prefix(b"\r\n").or(rest.get(1..)).unwrap_or_default();
        }
    }

    /// Only the missing `=` and white space may follow: octets after the end would be outside of what was signed.
    fn after_padding(&mut self, block: &[u8]) -> Result<(), TransferError> {
        for &octet in block {
            match (octet, self.end) {
                (b'=', End::Padded(missing @ 1..)) => self.end = End::Padded(missing - 1),
                (b'\r' | b'\n' | b' ' | b'\t', _) => {}
                _ => return Err(TransferError::AfterPadding),
            }
        }
        Ok(())
    }
}

/// Appends what stands before a fault too, so that it does not show how the input was cut.
fn decode_quanta(quanta: &[u8], out: &mut Vec<u8>) -> Result<(), TransferError> {
    let start = out.len();
    let Err(error) = LENIENT.decode_vec(quanta, out) else {
        return Ok(());
    };
    out.truncate(start);
    if let DecodeError::InvalidByte(at, _) = error {
        let sound = quanta.get(..at - at % 4).unwrap_or_default();
        if LENIENT.decode_vec(sound, out).is_err() {
            out.truncate(start);
        }
    }
    Err(TransferError::InvalidBase64)
}

fn is_blank(octet: u8) -> bool {
    octet == b' ' || octet == b'\t'
}
