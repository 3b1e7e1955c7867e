//! Quoted-printable (RFC 2045 §6.7).

use super::parameters::hex;
use super::transfer_encoding::TransferError;

#[cfg(test)]
mod tests;

/// The longest run of white space that is held back. Lines have 76 characters at most.
const MAX_HELD: usize = 1000;

/// The longest line before the `=` of a soft line break.
const LINE: usize = 75;

/// Decodes chunks.
#[derive(Clone, Debug, Default)]
pub(super) struct QuotedPrintableDecoder {
    state: State,
    /// White space that is dropped if the line ends after it.
    held: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// After `=`.
    Escape,
    /// After `=` and a hexadecimal digit.
    Digit(u8),
    /// After `=` and white space that was added on the way.
    SoftBreak,
    /// After `=`, white space and CR.
    SoftBreakCr,
}

impl QuotedPrintableDecoder {
    pub(super) fn decode(&mut self, mut input: &[u8], out: &mut Vec<u8>) -> Result<(), TransferError> {
        while let Some((&octet, rest)) = input.split_first() {
            if self.state == State::Text {
                let end = memchr::memchr2(b'=', b'\n', input).unwrap_or(input.len());
                let (text, rest) = input.split_at_checked(end).unwrap_or((input, &[]));
                self.text(text, out)?;
                input = match rest.split_first() {
                    Some((b'\n', rest)) => {
                        self.end_line(out);
                        rest
                    }
                    Some((_, rest)) => {
                        out.append(&mut self.held);
                        self.state = State::Escape;
                        rest
                    }
                    None => rest,
                };
                continue;
            }
            self.state = match (self.state, octet) {
                (State::Escape | State::SoftBreak | State::SoftBreakCr, b'\n') => State::Text,
                (State::Escape | State::SoftBreak, b'\r') => State::SoftBreakCr,
                (State::Escape | State::SoftBreak, b' ' | b'\t') => State::SoftBreak,
                (State::Escape, digit) => State::Digit(hex(digit).ok_or(TransferError::InvalidQuotedPrintable)?),
                (State::Digit(high), digit) => {
                    out.push(high << 4 | hex(digit).ok_or(TransferError::InvalidQuotedPrintable)?);
                    State::Text
                }
                _ => return Err(TransferError::InvalidQuotedPrintable),
            };
            input = rest;
        }
        Ok(())
    }

    pub(super) fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), TransferError> {
        // A soft line break at the very end is harmless.
        if let State::Digit(_) = self.state {
            return Err(TransferError::Truncated);
        }
        let kept = without_trailing_blanks(&self.held);
        out.extend_from_slice(kept);
        self.held.clear();
        Ok(())
    }

    /// Text without line ends. In pieces, so that a run of white space within one is not too long.
    fn text(&mut self, text: &[u8], out: &mut Vec<u8>) -> Result<(), TransferError> {
        text.chunks(MAX_HELD).try_for_each(|piece| self.piece(piece, out))
    }

    /// A CR may belong to a line end, so it is held back with the white space before it.
    fn piece(&mut self, text: &[u8], out: &mut Vec<u8>) -> Result<(), TransferError> {
        let is_blank = |octet: &&u8| matches!(octet, b' ' | b'\t' | b'\r');
        let before = text.iter().take_while(is_blank).count();
        if self.held.len() + before > MAX_HELD {
            return Err(TransferError::InvalidQuotedPrintable);
        }
        let blanks = text.iter().rev().take_while(is_blank).count();
        let (text, blanks) = text.split_at_checked(text.len() - blanks).unwrap_or((text, &[]));
        if !text.is_empty() {
            out.append(&mut self.held);
            out.extend_from_slice(text);
        }
        self.held.extend_from_slice(blanks);
        Ok(())
    }

    fn end_line(&mut self, out: &mut Vec<u8>) {
        let (blanks, line_end): (&[u8], &[u8]) = match self.held.strip_suffix(b"\r") {
            Some(blanks) => (blanks, b"\r\n"),
            None => (&self.held, b"\n"),
        };
        out.extend_from_slice(without_trailing_blanks(blanks));
        out.extend_from_slice(line_end);
        self.held.clear();
    }
}

fn without_trailing_blanks(mut text: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// Encodes chunks so that any octets survive: line ends are encoded like other control characters.
#[derive(Clone, Debug, Default)]
pub(super) struct QuotedPrintableEncoder {
    column: usize,
    /// White space that must be encoded if it turns out to be the last octet.
    blank: Option<u8>,
}

impl QuotedPrintableEncoder {
    pub(super) fn encode(&mut self, input: &[u8], out: &mut Vec<u8>) {
        for &octet in input {
            if let Some(blank) = self.blank.take() {
                self.put(&[blank], out);
            }
            match octet {
                b' ' | b'\t' => self.blank = Some(octet),
                b'!'..=b'<' | b'>'..=b'~' => self.put(&[octet], out),
                _ => self.put(&escape(octet), out),
            }
            // For people: a line of the text is a line of the encoding.
            if octet == b'\n' {
                out.extend_from_slice(b"=\r\n");
                self.column = 0;
            }
        }
    }

    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        if let Some(blank) = self.blank.take() {
            self.put(&escape(blank), out);
        }
    }

    fn put(&mut self, text: &[u8], out: &mut Vec<u8>) {
        if self.column + text.len() > LINE {
            out.extend_from_slice(b"=\r\n");
            self.column = 0;
        }
        out.extend_from_slice(text);
        self.column += text.len();
    }
}

fn escape(octet: u8) -> [u8; 3] {
    let digit = |value: u8| if value < 10 { b'0' + value } else { b'A' + value - 10 };
    [b'=', digit(octet >> 4), digit(octet & 0xF)]
}
