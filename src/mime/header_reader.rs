//! Reads a header block from chunks.

use super::header::{HeaderBlock, HeaderError, LineParser};
use crate::limits::Limits;

#[cfg(test)]
mod tests;

/// Reads a header block that arrives in chunks, and keeps its exact octets.
///
/// Call [`read`](Self::read) with each chunk until it gives the block. If the input ends first, call
/// [`finish`](Self::finish). Memory is bounded by [`Limits::header_fields`] and [`Limits::header_line`].
#[derive(Debug)]
pub struct HeaderReader {
    parser: LineParser,
    raw: Vec<u8>,
    /// Where in `raw` the line begins that is not complete.
    line_start: usize,
    state: State,
}

#[derive(Debug)]
enum State {
    Reading,
    Done,
    Failed(HeaderError),
}

impl HeaderReader {
    /// A reader at the beginning of a block.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            parser: LineParser::new(limits),
            raw: Vec::new(),
            line_start: 0,
            state: State::Reading,
        }
    }

    /// Takes from the front of `input`, up to and including the empty line that ends the block, and gives the block once
    /// that line has been seen. `None` means that all of `input` was taken and more is needed; afterwards, that nothing
    /// was taken because the block was given already.
    ///
    /// # Errors
    ///
    /// [`HeaderError`] as soon as a line cannot belong to a header block or a limit is exceeded. What was taken until
    /// then is [`raw`](Self::raw), the rest is still in `input`.
    pub fn read(&mut self, input: &mut &[u8]) -> Result<Option<HeaderBlock>, HeaderError> {
        match &self.state {
            State::Reading => {}
            State::Done => return Ok(None),
            State::Failed(error) => return Err(error.clone()),
        }
        let result = self.read_lines(input);
        match &result {
            Ok(None) => {}
            Ok(Some(_)) => self.state = State::Done,
            Err(error) => self.state = State::Failed(error.clone()),
        }
        result
    }

    /// Ends a block without an empty line after it. A block that was given already is not given again: the result is
    /// empty then.
    ///
    /// # Errors
    ///
    /// [`HeaderError`] if the last line is not a header field, or reading failed before.
    pub fn finish(&mut self) -> Result<HeaderBlock, HeaderError> {
        if let State::Failed(error) = &self.state {
            return Err(error.clone());
        }
        if let Some(line) = self.raw.get(self.line_start..).filter(|line| !line.is_empty())
            && let Err(error) = self.parser.push(line)
        {
            self.state = State::Failed(error.clone());
            return Err(error);
        }
        self.line_start = self.raw.len();
        self.state = State::Done;
        Ok(self.parser.finish())
    }

    /// Everything that was taken so far, exactly.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Everything that was taken so far.
    #[must_use]
    pub fn into_raw(self) -> Vec<u8> {
        self.raw
    }

    fn read_lines(&mut self, input: &mut &[u8]) -> Result<Option<HeaderBlock>, HeaderError> {
        while !input.is_empty() {
            let (taken, complete) = match memchr::memchr(b'\n', input) {
                Some(end) => (end + 1, true),
                None => (input.len(), false),
            };
            let Some((piece, rest)) = input.split_at_checked(taken) else {
                break;
            };
            // Checked before it is kept: a line without an end must not be kept beyond its limit.
            let first = self
                .raw
                .get(self.line_start)
                .or(piece.first())
                .copied()
                .unwrap_or(b'\n');
            let have = self.raw.len() - self.line_start;
            let allowed = self.parser.allowance(first).saturating_add(2);
            if have + piece.len() > allowed {
                return Err(self.parser.too_long());
            }
            self.raw.extend_from_slice(piece);
            *input = rest;
            if complete {
                let line = self.raw.get(self.line_start..).unwrap_or_default();
                let ended = self.parser.push(line)?;
                self.line_start = self.raw.len();
                if ended {
                    return Ok(Some(self.parser.finish()));
                }
            }
        }
        Ok(None)
    }
}
