//! A file with an HTTP message, taken apart as far as it goes.

use std::fmt;

use super::headers::{HeaderFault, HeaderProblem};
use crate::limits::Limits;
use crate::mime::{HeaderBlock, HeaderError};

/// An HTTP message: start line, header fields, and the body without the framing of HTTP.
pub(super) struct Capture {
    pub(super) start_line: Option<String>,
    pub(super) head: HeaderBlock,
    pub(super) body: Vec<u8>,
    pub(super) length: BodyLength,
    /// What the lines of the head and the framing of the body are wrong in.
    pub(super) problems: Vec<HeaderProblem>,
}

/// How the body compares to what HTTP says of its length (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyLength {
    /// HTTP does not say, or the body is as long as it says.
    Whole,
    /// The body ends too early.
    Truncated {
        /// Octets that there should be; unknown of chunked bodies.
        declared: Option<u64>,
        /// Octets that there are.
        found: u64,
    },
    /// Octets are missing that may be the CRs of lines that end in a bare LF: as many as there are, or fewer where the body
    /// is text and holds no CR LF. Whatever saved the capture, or passed it on, removed them.
    CarriageReturnsLost {
        /// Octets that there should be.
        declared: u64,
        /// Octets that there are.
        found: u64,
    },
    /// There are too many octets by the number of lines that end in CR LF: whatever saved the capture, or passed it on,
    /// added the CRs.
    CarriageReturnsAdded {
        /// Octets that there should be.
        declared: u64,
        /// Octets that there are.
        found: u64,
    },
    /// The body is longer than it should be.
    Surplus {
        /// Octets that there should be.
        declared: u64,
        /// Octets that there are.
        found: u64,
    },
}

impl fmt::Display for BodyLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("the body is whole"),
            Self::Truncated {
                declared: Some(declared),
                found: 0,
            } => write!(
                f,
                "the head alone was captured: there is nothing of a body of {declared} octets"
            ),
            Self::Truncated {
                declared: Some(declared),
                found,
            } => write!(f, "the body has {found} octets of {declared}: the rest is missing"),
            Self::Truncated { declared: None, found } => {
                write!(f, "the chunked body ends after {found} octets, before its last chunk")
            }
            Self::CarriageReturnsLost { declared, found } => write!(
                f,
                "the body has {found} octets, not {declared}, and its lines end in a bare LF: CR LF was turned into LF"
            ),
            Self::CarriageReturnsAdded { declared, found } => write!(
                f,
                "the body has {found} octets, not {declared}: as many are too much as lines end in CR LF, so LF was turned \
                 into CR LF"
            ),
            Self::Surplus { declared, found } => write!(f, "the body has {found} octets, not {declared}"),
        }
    }
}

impl Capture {
    pub(super) fn read(octets: &[u8], limits: &Limits) -> Self {
        let mut rest = octets;
        loop {
            let (start_line, head, body, ended) = split(rest);
            // An interim response comes before the one that counts (RFC 9110 §15.2).
            if ended && start_line.as_deref().is_some_and(is_interim) {
                rest = body;
                continue;
            }
            let mut problems = Vec::new();
            let head = fields(head, limits, &mut problems);
            if !ended {
                problems.push(HeaderProblem::new("", HeaderFault::NoEmptyLine, "RFC 9112 §2.1"));
            }
            let (body, length) = unframe(&head, body, &mut problems);
            return Self {
                start_line,
                head,
                body,
                length,
                problems,
            };
        }
    }
}

fn trim_line(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Start line, header lines, body, and whether an empty line ends the head.
fn split(octets: &[u8]) -> (Option<String>, &[u8], &[u8], bool) {
    let blank = octets.iter().take_while(|octet| matches!(octet, b'\r' | b'\n')).count();
    let octets = octets.get(blank..).unwrap_or_default();
    let mut start_line = None;
    let (mut begin, mut end) = (0, 0);
    for line in octets.split_inclusive(|octet| *octet == b'\n') {
        let text = trim_line(line);
        if end == 0 && is_start_line(text) {
            start_line = Some(String::from_utf8_lossy(text).into_owned());
            begin = line.len();
        }
        let head_end = end;
        end += line.len();
        if text.is_empty() {
            let head = octets.get(begin..head_end).unwrap_or_default();
            return (start_line, head, octets.get(end..).unwrap_or_default(), true);
        }
    }
    (start_line, octets.get(begin..).unwrap_or_default(), &[], false)
}

fn is_start_line(line: &[u8]) -> bool {
    let version = line.rsplit(|octet| *octet == b' ').next().unwrap_or_default();
    line.starts_with(b"HTTP/") || (version.starts_with(b"HTTP/") && version.len() < line.len())
}

fn is_interim(start_line: &str) -> bool {
    let status = start_line.strip_prefix("HTTP/").and_then(|rest| rest.split(' ').nth(1));
    status.is_some_and(|status| status.len() == 3 && status.starts_with('1'))
}

/// As many wrong lines are told one by one.
const TOLD: usize = 10;

/// The fields of a head. Lines that are none are told of and left out.
fn fields(head: &[u8], limits: &Limits, problems: &mut Vec<HeaderProblem>) -> HeaderBlock {
    let bare = |line: &[u8]| line.ends_with(b"\n") && !line.ends_with(b"\r\n");
    if head.split_inclusive(|octet| *octet == b'\n').any(bare) {
        problems.push(HeaderProblem::new("", HeaderFault::BareLineFeeds, "RFC 9112 §2.2"));
    }
    if let Ok(block) = HeaderBlock::parse(head, limits) {
        return block;
    }
    let mut good = Vec::new();
    let mut faults: Vec<HeaderProblem> = Vec::new();
    let mut fields = 0;
    let mut field = Vec::new();
    // `before` are the lines before the field.
    let mut take = |before: usize, field: &mut Vec<u8>, good: &mut Vec<u8>| {
        match HeaderBlock::parse(field, limits) {
            Ok(block) if fields + block.len() <= limits.header_fields => {
                fields += block.len();
                good.extend_from_slice(field);
            }
            Ok(_) => {}
            Err(error) => {
                let name = field.split(|octet| *octet == b':').next().unwrap_or_default();
                let name: String = String::from_utf8_lossy(name).trim().chars().take(40).collect();
                let error = match error {
                    HeaderError::NotAField { line } => HeaderError::NotAField { line: before + line },
                    error => error,
                };
                // It goes to terminals.
                let name = name.escape_debug().to_string();
                faults.push(HeaderProblem::new(&name, error.into(), "RFC 9112 §5"));
            }
        }
        field.clear();
    };
    let mut before = 0;
    for (number, line) in head.split_inclusive(|octet| *octet == b'\n').enumerate() {
        if !matches!(line.first(), Some(b' ' | b'\t')) {
            take(before, &mut field, &mut good);
            before = number;
        }
        field.extend_from_slice(line);
    }
    take(before, &mut field, &mut good);
    let block = HeaderBlock::parse(&good, limits).unwrap_or_default();
    match block.is_empty() {
        // It is no head at all.
        true => problems.push(HeaderProblem::new("", HeaderFault::NoFields, "RFC 9112 §5")),
        false => {
            let more = faults.len().saturating_sub(TOLD);
            problems.extend(faults.into_iter().take(TOLD));
            if more > 0 {
                problems.push(HeaderProblem::new("", HeaderFault::MoreLines(more), "RFC 9112 §5"));
            }
        }
    }
    block
}

/// Removes the chunks of HTTP, and holds the length against what it should be.
fn unframe(head: &HeaderBlock, body: &[u8], problems: &mut Vec<HeaderProblem>) -> (Vec<u8>, BodyLength) {
    let chunked = head
        .get_all("Transfer-Encoding")
        .any(|coding| coding.to_ascii_lowercase().contains("chunked"));
    if chunked {
        if let Some((body, complete)) = unchunk(body) {
            let length = match complete {
                true => BodyLength::Whole,
                false => BodyLength::Truncated {
                    declared: None,
                    found: len(&body),
                },
            };
            note(length, "Transfer-Encoding", problems);
            return (body, length);
        }
        // Tools that show bodies often remove the chunks and keep the header.
        problems.push(HeaderProblem::new(
            "Transfer-Encoding",
            HeaderFault::NotChunked,
            "RFC 9112 §7.1",
        ));
        return (body.to_vec(), BodyLength::Whole);
    }
    let Ok(Some(declared)) = head.single("Content-Length") else {
        return (body.to_vec(), BodyLength::Whole);
    };
    let Ok(declared) = declared.trim().parse::<u64>() else {
        problems.push(HeaderProblem::new(
            "Content-Length",
            HeaderFault::NoNumber,
            "RFC 9110 §8.6",
        ));
        return (body.to_vec(), BodyLength::Whole);
    };
    let length = compare(declared, body);
    note(length, "Content-Length", problems);
    let end = usize::try_from(declared)
        .ok()
        .filter(|_| matches!(length, BodyLength::Surplus { .. }));
    let body = match end.and_then(|end| body.split_at_checked(end)) {
        Some((whole, surplus)) if is_foreign(surplus) => whole,
        _ => body,
    };
    (body.to_vec(), length)
}

/// Whether what follows a body is the end of the file or another message. Anything else may belong to the body: it was
/// edited, or the length is wrong.
fn is_foreign(surplus: &[u8]) -> bool {
    let line = surplus.trim_ascii_start().split(|octet| *octet == b'\n').next();
    let line = trim_line(line.unwrap_or_default());
    line.is_empty() || is_start_line(line)
}

fn note(length: BodyLength, header: &str, problems: &mut Vec<HeaderProblem>) {
    if length != BodyLength::Whole {
        problems.push(HeaderProblem::new(header, HeaderFault::Length(length), "RFC 9112 §6.3"));
    }
}

fn compare(declared: u64, body: &[u8]) -> BodyLength {
    let found = len(body);
    let feeds = memchr::memchr_iter(b'\n', body);
    let (mut pairs, mut bare) = (0_u64, 0_u64);
    for feed in feeds {
        match feed.checked_sub(1).and_then(|before| body.get(before)) {
            Some(b'\r') => pairs += 1,
            _ => bare += 1,
        }
    }
    if found == declared {
        BodyLength::Whole
    } else if found < declared {
        // Where no CR LF is left, some lines may have ended in LF before; of text only, as LF is an octet like others in
        // what is not.
        let lost = found + bare == declared || (pairs == 0 && found + bare > declared && body.is_ascii());
        match bare > 0 && lost {
            true => BodyLength::CarriageReturnsLost { declared, found },
            false => BodyLength::Truncated {
                declared: Some(declared),
                found,
            },
        }
    } else {
        match pairs > 1 && found - pairs == declared {
            true => BodyLength::CarriageReturnsAdded { declared, found },
            false => BodyLength::Surplus { declared, found },
        }
    }
}

/// The content of chunks (RFC 9112 §7.1), and whether the last one is there. `None` where it does not begin with one.
fn unchunk(mut rest: &[u8]) -> Option<(Vec<u8>, bool)> {
    let mut content = Vec::new();
    let mut first = true;
    loop {
        let Some(end) = memchr::memchr(b'\n', rest) else {
            return (!first).then_some((content, false));
        };
        let (line, after) = rest.split_at_checked(end + 1)?;
        let digits = trim_line(line).split(|octet| *octet == b';').next().unwrap_or_default();
        let size = std::str::from_utf8(digits).ok().map(str::trim);
        let Some(size) = size.and_then(|digits| usize::from_str_radix(digits, 16).ok()) else {
            return (!first).then_some((content, false));
        };
        if size == 0 {
            return Some((content, true));
        }
        first = false;
        let Some((chunk, after)) = after.split_at_checked(size) else {
            content.extend_from_slice(after);
            return Some((content, false));
        };
        content.extend_from_slice(chunk);
        rest = after
            .strip_prefix(b"\r\n")
            .or_else(|| after.strip_prefix(b"\n"))
            .unwrap_or(after);
    }
}

pub(super) fn len(octets: &[u8]) -> u64 {
    u64::try_from(octets.len()).unwrap_or(u64::MAX)
}
