//! The framing of multipart bodies (RFC 2046 §5.1.1).

use memchr::memmem::Finder;

#[cfg(test)]
mod tests;

/// The most body parts of one multipart.
pub(crate) const MAX_PARTS: usize = 50;

/// The longest boundary (RFC 2046 §5.1.1).
const MAX_BOUNDARY: usize = 70;

/// The most white space between a boundary and the end of its line.
const MAX_PADDING: usize = 100;

/// Splits a multipart body that arrives in chunks into its parts, without changing an octet of them.
///
/// Give each chunk to [`next`](Self::next) until it wants more, and call [`finish`](Self::finish) when the body has
/// ended. Octets that may turn out to belong to a delimiter are held back until that is known, so the events do not
/// depend on how the body is cut into chunks, except that runs of the same kind of data may come in several events.
///
/// The line end before a delimiter belongs to the delimiter. Line ends may be CR LF or LF, and white space may follow
/// the boundary; a longer boundary that begins with this one is not mistaken for it.
#[derive(Clone, Debug)]
pub struct MultipartScanner {
    /// LF, `--`, boundary.
    delimiter: Finder<'static>,
    state: State,
    /// Whether the next octet is the first of a line whose predecessor is not part of any data.
    line_start: bool,
    /// The beginning of what may be a delimiter.
    held: Vec<u8>,
    /// What was held back and was given out with the last event.
    given: Vec<u8>,
    parts: usize,
    closed: bool,
    padded: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Preamble,
    /// After a delimiter.
    BeforePart,
    Part,
    Epilogue,
}

/// What [`MultipartScanner`] finds next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MultipartEvent<'a> {
    /// All input is used up.
    NeedInput,
    /// Octets before the first delimiter.
    Preamble(&'a [u8]),
    /// A part begins.
    PartStart,
    /// The next octets of the part: its headers, the empty line and its body.
    PartData(&'a [u8]),
    /// The part is complete.
    PartEnd,
    /// Octets after the line of the closing delimiter.
    Epilogue(&'a [u8]),
}

/// What is wrong with a multipart body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MultipartError {
    /// The boundary is empty, longer than 70 characters, or not printable ASCII.
    #[error("the boundary is not one of RFC 2046")]
    InvalidBoundary,
    /// More than 50 body parts.
    #[error("more than {MAX_PARTS} body parts")]
    TooManyParts,
    /// The body ended without a closing delimiter.
    #[error("the closing delimiter is missing")]
    Unclosed,
}

/// What a line is, or can still become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Incomplete,
    Other,
    Delimiter { len: usize, kind: Delimiter },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Delimiter {
    closing: bool,
    /// White space stands before its line end.
    padded: bool,
}

impl MultipartScanner {
    /// A scanner for the decoded `boundary` parameter. Characters that RFC 2046 does not allow are taken too.
    ///
    /// # Errors
    ///
    /// [`MultipartError::InvalidBoundary`].
    pub fn new(boundary: &str) -> Result<Self, MultipartError> {
        let boundary = boundary.trim_end();
        if !(1..=MAX_BOUNDARY).contains(&boundary.len()) || !boundary.bytes().all(|c| matches!(c, b' '..=b'~')) {
            return Err(MultipartError::InvalidBoundary);
        }
        let delimiter = format!("\n--{boundary}");
        Ok(Self {
            delimiter: Finder::new(delimiter.as_bytes()).into_owned(),
            state: State::Preamble,
            line_start: true,
            held: Vec::new(),
            given: Vec::new(),
            parts: 0,
            closed: false,
            padded: false,
        })
    }

    /// Takes from the front of `input` and says what it is. Data borrows from `input`, but for the few octets that were
    /// held back. [`MultipartEvent::NeedInput`] means that `input` is empty now.
    ///
    /// # Errors
    ///
    /// [`MultipartError::TooManyParts`].
    pub fn next<'a, 'i: 'a>(&'a mut self, input: &mut &'i [u8]) -> Result<MultipartEvent<'a>, MultipartError> {
        loop {
            match self.state {
                State::BeforePart => return self.start_part(),
                State::Epilogue if input.is_empty() => return Ok(MultipartEvent::NeedInput),
                State::Epilogue => return Ok(MultipartEvent::Epilogue(std::mem::take(input))),
                State::Preamble | State::Part => {}
            }
            if input.is_empty() {
                return Ok(MultipartEvent::NeedInput);
            }
            if self.line_start || !self.held.is_empty() {
                match self.continue_line(input) {
                    Line::Incomplete => return Ok(MultipartEvent::NeedInput),
                    Line::Other if self.held.is_empty() => {}
                    Line::Other => return Ok(self.give_held()),
                    Line::Delimiter { kind, .. } => {
                        if let Some(event) = self.end_part(kind) {
                            return Ok(event);
                        }
                    }
                }
                continue;
            }
            let (data, line) = self.split_data(input);
            match line {
                Line::Other => {}
                Line::Incomplete => {
                    self.held.extend_from_slice(input);
                    *input = &[];
                }
                // Data first: the next call sees the same delimiter at the front of `input`.
                Line::Delimiter { .. } if !data.is_empty() => {}
                Line::Delimiter { len, kind } => {
                    *input = input.get(len..).unwrap_or_default();
                    if let Some(event) = self.end_part(kind) {
                        return Ok(event);
                    }
                }
            }
            if !data.is_empty() {
                return Ok(self.data(data));
            }
        }
    }

    /// Ends the body. Call it until it gives `None`: it gives out what was held back, and takes a delimiter at the very
    /// end for one although its line is not ended.
    ///
    /// # Errors
    ///
    /// [`MultipartError::Unclosed`], after everything else, if there was no closing delimiter. The last part is not ended
    /// then: whether it is complete cannot be known.
    pub fn finish(&mut self) -> Result<Option<MultipartEvent<'_>>, MultipartError> {
        if self.state == State::BeforePart {
            return self.start_part().map(Some);
        }
        if !self.held.is_empty() {
            match self.unended_delimiter() {
                Some(kind) => {
                    self.held.clear();
                    let in_part = self.state == State::Part;
                    let event = self.end_part(kind);
                    if in_part {
                        return Ok(event);
                    }
                    if self.state == State::BeforePart {
                        return self.start_part().map(Some);
                    }
                }
                None => return Ok(Some(self.give_held())),
            }
        }
        if self.closed {
            Ok(None)
        } else {
            Err(MultipartError::Unclosed)
        }
    }

    /// Whether the closing delimiter was seen.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether white space followed the closing delimiter on its line, which belongs to no event.
    #[must_use]
    pub fn is_padded(&self) -> bool {
        self.padded
    }

    fn start_part(&mut self) -> Result<MultipartEvent<'static>, MultipartError> {
        if self.parts == MAX_PARTS {
            return Err(MultipartError::TooManyParts);
        }
        self.parts += 1;
        self.state = State::Part;
        Ok(MultipartEvent::PartStart)
    }

    /// Leaves the preamble or a part, after a delimiter.
    fn end_part(&mut self, Delimiter { closing, padded }: Delimiter) -> Option<MultipartEvent<'static>> {
        let in_part = self.state == State::Part;
        self.padded = closing && padded;
        self.state = if closing { State::Epilogue } else { State::BeforePart };
        self.closed = closing;
        // The line end of a delimiter may also be that before the next one.
        self.line_start = !closing;
        in_part.then_some(MultipartEvent::PartEnd)
    }

    fn data<'a>(&self, data: &'a [u8]) -> MultipartEvent<'a> {
        match self.state {
            State::Preamble => MultipartEvent::Preamble(data),
            _ => MultipartEvent::PartData(data),
        }
    }

    fn give_held(&mut self) -> MultipartEvent<'_> {
        std::mem::swap(&mut self.held, &mut self.given);
        self.held.clear();
        self.line_start = false;
        self.data(&self.given)
    }

    /// Moves octets from `input` to those held back, until it is known whether they are a delimiter. The octet that
    /// shows that they are not stays in `input`: it may begin another one.
    fn continue_line(&mut self, input: &mut &[u8]) -> Line {
        while let Some((&octet, rest)) = input.split_first() {
            self.held.push(octet);
            let line = self.classify(&self.held);
            match line {
                Line::Incomplete => {}
                Line::Other => {
                    self.held.pop();
                    self.line_start = false;
                    return line;
                }
                Line::Delimiter { .. } => {
                    self.held.clear();
                    *input = rest;
                    return line;
                }
            }
            *input = rest;
        }
        Line::Incomplete
    }

    /// Takes data up to a delimiter, up to what may become one, or to the end. `input` is left with what follows.
    fn split_data<'i>(&self, input: &mut &'i [u8]) -> (&'i [u8], Line) {
        let whole = *input;
        let mut from = 0;
        let (at, line) = loop {
            let rest = whole.get(from..).unwrap_or_default();
            let Some(found) = self.delimiter.find(rest) else {
                match self.possible_start(whole, from) {
                    Some(at) => break (at, Line::Incomplete),
                    None => break (whole.len(), Line::Other),
                }
            };
            let at = from + found;
            match self.classify(whole.get(at..).unwrap_or_default()) {
                Line::Other => from = at + 1,
                Line::Incomplete => break (at, Line::Incomplete),
                Line::Delimiter { len, kind } => break (at, Line::Delimiter { len, kind }),
            }
        };
        // The CR before the LF is part of the delimiter too.
        let before = at.checked_sub(1).filter(|_| whole.get(at) == Some(&b'\n'));
        let (start, line) = match (before, line) {
            (Some(before), Line::Delimiter { len, kind }) if whole.get(before) == Some(&b'\r') => {
                (before, Line::Delimiter { len: len + 1, kind })
            }
            (Some(before), Line::Incomplete) if whole.get(before) == Some(&b'\r') => (before, line),
            _ => (at, line),
        };
        let (data, rest) = whole.split_at_checked(start).unwrap_or((whole, &[]));
        *input = rest;
        (data, line)
    }

    /// Where a delimiter may begin that `input` ends inside of. `from` is after every line that was looked at.
    fn possible_start(&self, input: &[u8], from: usize) -> Option<usize> {
        let needle = self.delimiter.needle();
        let tail_start = input.len().saturating_sub(needle.len()).max(from);
        let tail = input.get(tail_start..).unwrap_or_default();
        match memchr::memrchr(b'\n', tail) {
            Some(at) if needle.starts_with(tail.get(at..).unwrap_or_default()) => Some(tail_start + at),
            // A CR at the end: the LF may come with the next chunk.
            _ => (tail.last() == Some(&b'\r')).then(|| input.len() - 1),
        }
    }

    /// Says what the front of `text` is. `text` begins with the line end before the line unless `line_start`.
    fn classify(&self, text: &[u8]) -> Line {
        let needle = self.delimiter.needle();
        let (rest, needle) = if self.line_start {
            (text, needle.get(1..).unwrap_or_default())
        } else {
            (text.strip_prefix(b"\r").unwrap_or(text), needle)
        };
        let Some(mut rest) = rest.strip_prefix(needle) else {
            return if needle.starts_with(rest) {
                Line::Incomplete
            } else {
                Line::Other
            };
        };
        let closing = match rest {
            [] | [b'-'] => return Line::Incomplete,
            [b'-', b'-', after @ ..] => {
                rest = after;
                true
            }
            _ => false,
        };
        let padding = rest.iter().take_while(|octet| matches!(octet, b' ' | b'\t')).count();
        if padding > MAX_PADDING {
            return Line::Other;
        }
        let after = match rest.get(padding..).unwrap_or_default() {
            [] | [b'\r'] => return Line::Incomplete,
            [b'\n', after @ ..] | [b'\r', b'\n', after @ ..] => after,
            _ => return Line::Other,
        };
        Line::Delimiter {
            len: text.len() - after.len(),
            kind: Delimiter {
                closing,
                padded: padding > 0,
            },
        }
    }

    /// What is held back at the end of the body, if it is a delimiter but for its line end.
    fn unended_delimiter(&self) -> Option<Delimiter> {
        let mut line = self.held.clone();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        line.push(b'\n');
        match self.classify(&line) {
            Line::Delimiter { kind, .. } => Some(kind),
            Line::Incomplete | Line::Other => None,
        }
    }
}
