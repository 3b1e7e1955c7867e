//! `Content-Type` (RFC 2045 §5).

use std::fmt;

use super::filename;
use super::parameters::{self, Parameters, Quoting, is_token};

#[cfg(test)]
mod tests;

/// A media type with parameters. [`Display`](fmt::Display) writes it on one line, with quotes where RFC 2045 §5.1 needs
/// them.
///
/// ```
/// use ediint::mime::ContentType;
///
/// let signed = ContentType::parse("Multipart/Signed; micalg=sha-256;\tboundary=\"=_a b\"").unwrap();
/// assert!(signed.is("multipart", "signed"));
/// assert_eq!(signed.param("boundary"), Some("=_a b"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentType {
    /// As written: products compare `EDI-X12` with case.
    written: String,
    essence: String,
    parameters: Parameters,
}

/// The value of a `Content-Type` field does not begin with `type/subtype`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a media type")]
pub struct ContentTypeError(String);

impl ContentType {
    /// A type without parameters.
    ///
    /// # Panics
    ///
    /// If a name is not a token. Use [`parse`](Self::parse) for what does not come from the program text.
    #[must_use]
    pub fn new(kind: &'static str, subtype: &'static str) -> Self {
        assert!(
            is_token(kind) && is_token(subtype),
            "{kind}/{subtype} is not a media type"
        );
        let written = format!("{kind}/{subtype}");
        Self {
            essence: written.to_ascii_lowercase(),
            written,
            parameters: Parameters::default(),
        }
    }

    /// The same type with one more parameter, or with another value for it.
    ///
    /// # Panics
    ///
    /// If the name is not an attribute (RFC 2231 §7). Every value can be written.
    #[must_use]
    pub fn with_param(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.parameters.set(name, value.into());
        self
    }

    /// Reads the value of a field. Parameters are read as leniently as they can be understood: in any order, quoted or
    /// not, with white space around `=`, with stray `;`, split and encoded as in RFC 2231.
    ///
    /// # Errors
    ///
    /// [`ContentTypeError`] if the value does not begin with `type/subtype`.
    pub fn parse(value: &str) -> Result<Self, ContentTypeError> {
        let value = value.trim();
        let end = value.find([';', ' ', '\t', '\r', '\n']).unwrap_or(value.len());
        let (written, rest) = value.split_at_checked(end).unwrap_or((value, ""));
        match written.split_once('/') {
            Some((kind, subtype)) if is_token(kind) && is_token(subtype) => Ok(Self {
                written: written.to_owned(),
                essence: written.to_ascii_lowercase(),
                parameters: Parameters::parse(rest),
            }),
            _ => Err(ContentTypeError(written.to_owned())),
        }
    }

    /// `type/subtype` in lower case.
    #[must_use]
    pub fn essence(&self) -> &str {
        &self.essence
    }

    /// Whether this is the given type; case does not matter.
    #[must_use]
    pub fn is(&self, kind: &str, subtype: &str) -> bool {
        self.essence
            .split_once('/')
            .is_some_and(|(a, b)| a.eq_ignore_ascii_case(kind) && b.eq_ignore_ascii_case(subtype))
    }

    /// Whether this is a multipart of any kind.
    #[must_use]
    pub fn is_multipart(&self) -> bool {
        self.essence.starts_with("multipart/")
    }

    /// `application/pkcs7-mime`, also under its older name with `x-` (RFC 8551 §1.1).
    #[must_use]
    pub fn is_pkcs7_mime(&self) -> bool {
        matches!(self.essence(), "application/pkcs7-mime" | "application/x-pkcs7-mime")
    }

    /// `application/pkcs7-signature`, also under its older name with `x-` and as RFC 4130 §7.1 misspells it.
    #[must_use]
    pub fn is_pkcs7_signature(&self) -> bool {
        matches!(
            self.essence(),
            "application/pkcs7-signature" | "application/x-pkcs7-signature" | "application/pkcs-7-signature"
        )
    }

    /// The decoded value of a parameter; case does not matter in its name.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.parameters.get(name)
    }

    /// The parameters in their order, names in lower case.
    pub fn params(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters.iter()
    }

    /// The `name` parameter as a file name, encoded words (RFC 2047) decoded. It is the sender's text: see
    /// [`sanitize_filename`](super::sanitize_filename).
    #[must_use]
    pub fn name(&self) -> Option<String> {
        self.param("name").map(filename::decode_encoded_words)
    }
}

impl fmt::Display for ContentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)?;
        self.parameters
            .iter()
            .try_for_each(|(name, value)| parameters::write(f, name, value, Quoting::WhereNeeded))
    }
}

impl std::str::FromStr for ContentType {
    type Err = ContentTypeError;

    fn from_str(value: &str) -> Result<Self, ContentTypeError> {
        Self::parse(value)
    }
}
