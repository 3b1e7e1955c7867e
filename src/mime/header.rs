//! Header blocks of messages, body parts and receipts (RFC 5322 §2.2, RFC 2045 §3).

use std::fmt;

use super::charset;
use super::content_disposition::ContentDisposition;
use super::content_type::{ContentType, ContentTypeError};
use super::parameters::is_token;
use super::transfer_encoding::{TransferEncoding, UnknownTransferEncoding};
use crate::limits::Limits;

#[cfg(test)]
mod tests;

/// An ordered header block. Names keep their case and are compared without it; repeated fields are kept.
///
/// The same type holds the fields of an HTTP request, of a body part and of a receipt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderBlock {
    fields: Vec<Field>,
}

/// One header field: a name, and a value that is unfolded and without surrounding white space.
#[derive(Clone, PartialEq, Eq)]
pub struct Field {
    name: String,
    value: Vec<u8>,
}

/// What is wrong with a header block, or with a field that was to be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// A line is neither a field, nor the continuation of one, nor empty.
    #[error("line {line} of the header block is not a header field")]
    NotAField {
        /// The number of the line, from 1.
        line: usize,
    },
    /// More fields than [`Limits::header_fields`].
    #[error("more than {limit} header fields")]
    TooManyFields {
        /// The limit that was exceeded.
        limit: usize,
    },
    /// A field, with the lines that continue it, is longer than [`Limits::header_line`].
    #[error("a header line is longer than {limit} octets")]
    LineTooLong {
        /// The limit that was exceeded.
        limit: usize,
    },
    /// A value holds a NUL or a lone CR, or, where it was to be written, any other control character.
    #[error("the value of header field {name} holds control characters")]
    InvalidValue {
        /// The field.
        name: String,
    },
    /// A name that was to be written is not a token (RFC 7230 §3.2.6).
    #[error("{name:?} is not a name for a header field")]
    InvalidName {
        /// The name.
        name: String,
    },
    /// A field that may occur once occurs more often.
    #[error("header field {name} occurs more than once")]
    Duplicate {
        /// The field.
        name: String,
    },
    /// A value that must be text is not UTF-8.
    #[error("the value of header field {name} is not UTF-8")]
    NotText {
        /// The field.
        name: String,
    },
}

impl HeaderBlock {
    /// An empty block.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a block up to the first empty line or to the end of `raw`. Lines may end in CR LF or in LF, and may be
    /// folded (RFC 5322 §2.2.3).
    ///
    /// # Errors
    ///
    /// [`HeaderError`] if a line is not a header field or a limit is exceeded.
    pub fn parse(raw: &[u8], limits: &Limits) -> Result<Self, HeaderError> {
        let mut lines = LineParser::new(limits);
        for line in raw.split_inclusive(|&octet| octet == b'\n') {
            if lines.push(line)? {
                break;
            }
        }
        Ok(lines.finish())
    }

    /// Appends a field. White space around `value` is dropped.
    ///
    /// # Errors
    ///
    /// [`HeaderError::InvalidName`] and [`HeaderError::InvalidValue`]: nothing that is pushed can end a line.
    pub fn push(&mut self, name: &str, value: &str) -> Result<(), HeaderError> {
        if !is_token(name) {
            return Err(HeaderError::InvalidName { name: name.to_owned() });
        }
        let value = value.trim_matches([' ', '\t']);
        if value.chars().any(|c| c.is_control() && c != '\t') {
            return Err(HeaderError::InvalidValue { name: name.to_owned() });
        }
        self.fields.push(Field {
            name: name.to_owned(),
            value: value.as_bytes().to_vec(),
        });
        Ok(())
    }

    /// The value of the first field of that name; `None` too if it is not UTF-8.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.find(name)?.text()
    }

    /// The values of all fields of that name, without those that are not UTF-8.
    pub fn get_all<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.named(name).filter_map(Field::text)
    }

    /// The value of a field that may occur only once.
    ///
    /// # Errors
    ///
    /// [`HeaderError::Duplicate`] if there is more than one line of that name, equal or not: which one counts would
    /// depend on who reads it. [`HeaderError::NotText`] if the value is not UTF-8.
    pub fn single(&self, name: &str) -> Result<Option<&str>, HeaderError> {
        let mut fields = self.named(name);
        let Some(field) = fields.next() else { return Ok(None) };
        if fields.next().is_some() {
            return Err(HeaderError::Duplicate { name: name.to_owned() });
        }
        match field.text() {
            Some(text) => Ok(Some(text)),
            None => Err(HeaderError::NotText { name: name.to_owned() }),
        }
    }

    /// Whether there is a field of that name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// All fields in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter()
    }

    /// The number of fields.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are no fields.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The first `Content-Type`, also if it holds a name in an eight-bit character set.
    ///
    /// # Errors
    ///
    /// [`ContentTypeError`] if there is one that is not `type/subtype`.
    pub fn content_type(&self) -> Result<Option<ContentType>, ContentTypeError> {
        self.find("Content-Type")
            .map(|field| ContentType::parse(&charset::decode_unlabelled(&field.value)))
            .transpose()
    }

    /// The first `Content-Disposition`, also if it holds a file name in an eight-bit character set.
    #[must_use]
    pub fn content_disposition(&self) -> Option<ContentDisposition> {
        self.find("Content-Disposition")
            .map(|field| ContentDisposition::parse(&charset::decode_unlabelled(&field.value)))
    }

    /// The file name of what this is the head of: that of its disposition, else the `name` of its type, as some products
    /// have it. It is the sender's text: see [`sanitize_filename`](super::sanitize_filename).
    #[must_use]
    pub fn filename(&self) -> Option<String> {
        let disposition = self
            .content_disposition()
            .and_then(|disposition| disposition.filename());
        disposition.or_else(|| self.content_type().ok().flatten()?.name())
    }

    /// The first `Content-Transfer-Encoding`.
    ///
    /// # Errors
    ///
    /// [`UnknownTransferEncoding`] if there is one that is not in RFC 2045.
    pub fn transfer_encoding(&self) -> Result<Option<TransferEncoding>, UnknownTransferEncoding> {
        self.find("Content-Transfer-Encoding")
            .map(|field| TransferEncoding::parse(&charset::decode_unlabelled(&field.value)))
            .transpose()
    }

    /// Writes `Name: value` lines that end in CR LF and are never folded (folded lines are refused by HTTP servers), and
    /// no empty line after them.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        for field in &self.fields {
            out.extend_from_slice(field.name.as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(&field.value);
            out.extend_from_slice(b"\r\n");
        }
    }

    /// The block, the empty line and `body`: a message as it is kept.
    #[must_use]
    pub fn followed_by(&self, body: &[u8]) -> Vec<u8> {
        let mut octets = Vec::new();
        self.write_to(&mut octets);
        octets.extend_from_slice(b"\r\n");
        octets.extend_from_slice(body);
        octets
    }

    fn find(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))
    }

    fn named<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a Field> + use<'a, 'n> {
        self.fields
            .iter()
            .filter(move |field| field.name.eq_ignore_ascii_case(name))
    }
}

impl From<&http::HeaderMap> for HeaderBlock {
    fn from(headers: &http::HeaderMap) -> Self {
        let fields = headers
            .iter()
            .map(|(name, value)| Field {
                name: name.as_str().to_owned(),
                value: value.as_bytes().trim_ascii().to_vec(),
            })
            .collect();
        Self { fields }
    }
}

impl Field {
    /// The name as it was written.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The octets of the value.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// The value, if it is UTF-8.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.value).ok()
    }
}

/// Credentials are left out.
impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SECRET: [&str; 4] = ["Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie"];
        if SECRET.iter().any(|secret| self.name.eq_ignore_ascii_case(secret)) {
            write!(f, "{}: [redacted]", self.name)
        } else {
            write!(f, "{}: {:?}", self.name, String::from_utf8_lossy(&self.value))
        }
    }
}

/// Builds a block from complete lines.
#[derive(Debug)]
pub(super) struct LineParser {
    fields: Vec<Field>,
    lines: usize,
    /// Octets of the last field so far, folds included.
    field_len: usize,
    max_fields: usize,
    max_line: usize,
}

impl LineParser {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            fields: Vec::new(),
            lines: 0,
            field_len: 0,
            max_fields: limits.header_fields,
            max_line: limits.header_line,
        }
    }

    /// How many octets a line that starts with `first` may have.
    pub(super) fn allowance(&self, first: u8) -> usize {
        if is_blank(first) {
            self.max_line.saturating_sub(self.field_len)
        } else {
            self.max_line
        }
    }

    pub(super) fn too_long(&self) -> HeaderError {
        HeaderError::LineTooLong { limit: self.max_line }
    }

    /// Takes one line with its line end. True if it is the empty line that ends the block.
    pub(super) fn push(&mut self, line: &[u8]) -> Result<bool, HeaderError> {
        self.lines += 1;
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Some(&first) = line.first() else { return Ok(true) };
        if line.len() > self.allowance(first) {
            return Err(self.too_long());
        }
        if is_blank(first) {
            self.continuation(line)?;
        } else {
            self.field(line)?;
        }
        Ok(false)
    }

    pub(super) fn finish(&mut self) -> HeaderBlock {
        HeaderBlock {
            fields: std::mem::take(&mut self.fields),
        }
    }

    fn field(&mut self, line: &[u8]) -> Result<(), HeaderError> {
        let not_a_field = HeaderError::NotAField { line: self.lines };
        let Some(colon) = memchr::memchr(b':', line) else {
            return Err(not_a_field);
        };
        let Some((name, value)) = line.split_at_checked(colon) else {
            return Err(not_a_field);
        };
        let name = match std::str::from_utf8(trim_blank(name)) {
            Ok(name) if is_token(name) => name.to_owned(),
            _ => return Err(not_a_field),
        };
        if self.fields.len() >= self.max_fields {
            return Err(HeaderError::TooManyFields { limit: self.max_fields });
        }
        let value = trim_blank(value.strip_prefix(b":").unwrap_or(value));
        check_value(&name, value)?;
        self.field_len = line.len();
        self.fields.push(Field {
            name,
            value: value.to_vec(),
        });
        Ok(())
    }

    fn continuation(&mut self, line: &[u8]) -> Result<(), HeaderError> {
        let Some(field) = self.fields.last_mut() else {
            return Err(HeaderError::NotAField { line: self.lines });
        };
        self.field_len += line.len();
        let more = trim_blank(line);
        check_value(&field.name, more)?;
        if !more.is_empty() {
            if !field.value.is_empty() {
                field.value.push(b' ');
            }
            field.value.extend_from_slice(more);
        }
        Ok(())
    }
}

/// A lone CR is a line end to some readers and not to others.
fn check_value(name: &str, value: &[u8]) -> Result<(), HeaderError> {
    if memchr::memchr2(b'\r', 0, value).is_some() {
        return Err(HeaderError::InvalidValue { name: name.to_owned() });
    }
    Ok(())
}

fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

fn trim_blank(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}
