//! `Content-Disposition` (RFC 2183).

use std::fmt;

use super::filename;
use super::parameters::{self, Parameters, Quoting, is_token};

#[cfg(test)]
mod tests;

/// How a body part is to be presented, and under which file name.
///
/// ```
/// use ediint::mime::ContentDisposition;
///
/// let disposition = ContentDisposition::parse("attachment; filename*=UTF-8''Bestellung%20%C3%9C.edi");
/// assert_eq!(disposition.filename().as_deref(), Some("Bestellung Ü.edi"));
/// assert_eq!(ContentDisposition::attachment("orders.edi").to_string(), "attachment; filename=\"orders.edi\"");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentDisposition {
    kind: String,
    parameters: Parameters,
    quoting: Quoting,
}

impl ContentDisposition {
    /// An attachment of that name. The name is written in quotes, or as `filename*` (RFC 2231) where it is not ASCII.
    #[must_use]
    pub fn attachment(filename: &str) -> Self {
        let mut parameters = Parameters::default();
        parameters.set("filename", filename.to_owned());
        Self {
            kind: "attachment".to_owned(),
            parameters,
            quoting: Quoting::Always,
        }
    }

    /// The same disposition, but with quotes only where the name cannot be read back without them, for partners that
    /// take quotes for a part of the name.
    #[must_use]
    pub fn without_quotes(mut self) -> Self {
        self.quoting = Quoting::Avoided;
        self
    }

    /// Reads the value of a field. What cannot be understood counts as an attachment without a name (RFC 2183 §2.8).
    #[must_use]
    pub fn parse(value: &str) -> Self {
        let value = value.trim();
        let end = value.find([';', ' ', '\t', '\r', '\n']).unwrap_or(value.len());
        let (kind, rest) = match value.split_at_checked(end) {
            Some((kind, rest)) if is_token(kind) => (kind.to_ascii_lowercase(), rest),
            _ => ("attachment".to_owned(), value),
        };
        Self {
            kind,
            parameters: Parameters::parse(rest),
            quoting: Quoting::Always,
        }
    }

    /// The disposition type in lower case: `attachment`, `inline`.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The file name: from `filename*` (RFC 2231, whole or in segments), otherwise from `filename` with encoded words (RFC
    /// 2047) decoded, as many products send them there. It is the sender's text: see
    /// [`sanitize_filename`](super::sanitize_filename).
    #[must_use]
    pub fn filename(&self) -> Option<String> {
        self.param("filename").map(filename::decode_encoded_words)
    }

    /// The decoded value of a parameter; case does not matter in its name.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.parameters.get(name)
    }
}

impl fmt::Display for ContentDisposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        self.parameters
            .iter()
            .try_for_each(|(name, value)| parameters::write(f, name, value, self.quoting))
    }
}
