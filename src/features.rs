//! `EDIINT-Features` (RFC 6017).

use std::fmt;

#[cfg(test)]
mod tests;

/// The value of `EDIINT-Features` (RFC 6017 §2): the optional features that a sender supports, beyond what its
/// `AS2-Version` says. They inform; nothing is refused for a feature that is missing or unknown.
///
/// ```
/// use ediint::EdiintFeatures;
///
/// let features = EdiintFeatures::parse("CEM , multiple-attachments");
/// assert!(features.contains(EdiintFeatures::MULTIPLE_ATTACHMENTS));
/// assert_eq!(features.to_string(), "CEM, multiple-attachments");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EdiintFeatures(Vec<String>);

impl EdiintFeatures {
    /// Several documents in one message (RFC 6362).
    pub const MULTIPLE_ATTACHMENTS: &'static str = "multiple-attachments";
    /// Messages that failed are sent again as they were, and those that come twice are taken once (AS2 Reliability).
    pub const RELIABILITY: &'static str = "AS2-Reliability";
    /// Certificates are exchanged by messages.
    pub const CERTIFICATE_EXCHANGE: &'static str = "CEM";

    /// Reads the value of a field. What is not a name, of letters, digits and `-`, is passed over.
    #[must_use]
    pub fn parse(value: &str) -> Self {
        let names = value.split(',').map(str::trim).filter(|name| is_name(name));
        Self(names.map(str::to_owned).collect())
    }

    /// The same features and one more.
    #[must_use]
    pub fn with(mut self, name: &'static str) -> Self {
        if !self.contains(name) {
            self.0.push(name.to_owned());
        }
        self
    }

    /// Whether the feature is there; case does not matter (RFC 6017 §2).
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.iter().any(|own| own.eq_ignore_ascii_case(name))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names as written, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
}

impl fmt::Display for EdiintFeatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}
