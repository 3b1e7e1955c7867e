//! Message-ID and Original-Message-ID (RFC 4130 §5.3.3).

use std::fmt;

use rand_core::CryptoRng;
#[cfg(feature = "client")]
use sha2::{Digest, Sha256};

/// The most octets that RFC 4130 §5.3.3 allows.
const MAX_LEN: usize = 998;
/// The most octets that it recommends; what we send stays below.
const MAX_SEND_LEN: usize = 255;

/// A message identifier, kept exactly as it was written, brackets included (RFC 4130 §5.3.3).
///
/// Identifiers are compared without one pair of outer angle brackets, which some products add and others drop
/// ([`MessageId::key`]); everything else counts.
#[derive(Clone)]
pub struct MessageId(Box<str>);

/// Why a text is not a message identifier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageIdError {
    /// Nothing between the brackets.
    #[error("a Message-ID must not be empty")]
    Empty,
    /// Longer than 998 octets, or than 255 for one that we send.
    #[error("this Message-ID has {length} octets, more than the {limit} allowed")]
    TooLong {
        /// Its length.
        length: usize,
        /// The limit that it broke.
        limit: usize,
    },
    /// A control character or one outside ASCII.
    #[error("a Message-ID holds printable ASCII only, not {0:?}")]
    InvalidCharacter(char),
    /// For an identifier to be sent: not of the form `<left@right>` without spaces.
    #[error("a Message-ID to be sent has the form <left@right> without spaces, unlike {0:?}")]
    Form(String),
}

impl MessageId {
    /// Takes an identifier for a message to be sent, with or without brackets, which are added.
    ///
    /// # Errors
    ///
    /// [`MessageIdError`] unless it has the form `<left@right>`, no spaces and at most 255 octets.
    pub fn new(id: &str) -> Result<Self, MessageIdError> {
        let bare = strip_brackets(id);
        let bracketed = Self::parse(&format!("<{bare}>"))?;
        let limit = MAX_SEND_LEN;
        if bracketed.0.len() > limit {
            return Err(MessageIdError::TooLong {
                length: bracketed.0.len(),
                limit,
            });
        }
        match bare.split_once('@') {
            Some((left, right)) if !left.is_empty() && !right.is_empty() && !bare.contains([' ', '<', '>']) => {
                Ok(bracketed)
            }
            _ => Err(MessageIdError::Form(id.to_owned())),
        }
    }

    /// Makes a fresh identifier with 128 random bits and `domain` as its right side. Characters that a domain cannot
    /// hold are left out.
    #[must_use]
    pub fn generate(domain: &str, rng: &mut dyn CryptoRng) -> Self {
        let mut random = [0; 16];
        rng.fill_bytes(&mut random);
        Self::of_bits(u128::from_be_bytes(random), domain)
    }

    /// The identifier that `source` always leads to; like a fresh one for whoever does not know it.
    #[cfg(feature = "client")]
    pub(crate) fn derive(domain: &str, source: &str) -> Self {
        let digest = Sha256::digest(source);
        let bits = digest.iter().take(16);
        Self::of_bits(bits.fold(0, |bits, octet| bits << 8 | u128::from(*octet)), domain)
    }

    fn of_bits(bits: u128, domain: &str) -> Self {
        Self(format!("<{bits:032x}@{}>", domain_part(domain)).into())
    }

    /// Reads a received identifier. Brackets and `@` are not required, and spaces are allowed: products send all of it.
    ///
    /// # Errors
    ///
    /// [`MessageIdError`] where it is empty, longer than 998 octets or holds anything but printable ASCII.
    pub fn parse(value: &str) -> Result<Self, MessageIdError> {
        let value = value.trim_matches([' ', '\t']);
        if let Some(bad) = value.chars().find(|c| !matches!(c, ' '..='~')) {
            return Err(MessageIdError::InvalidCharacter(bad));
        }
        let limit = MAX_LEN;
        if value.len() > limit {
            return Err(MessageIdError::TooLong {
                length: value.len(),
                limit,
            });
        }
        if strip_brackets(value).is_empty() {
            return Err(MessageIdError::Empty);
        }
        Ok(Self(value.into()))
    }

    /// The identifier as it was written, for `Message-ID` and `Original-Message-ID`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The identifier without one pair of outer brackets: what identifiers are compared and stored by.
    #[must_use]
    pub fn key(&self) -> &str {
        strip_brackets(&self.0)
    }
}

/// The right side of identifiers and addresses: a domain, or a name without what a domain cannot hold.
pub(crate) fn domain_part(name: &str) -> String {
    let domain: String = name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
        .take(128)
        .collect();
    match domain.as_str() {
        "" => "ediint.invalid".to_owned(),
        _ => domain,
    }
}

fn strip_brackets(id: &str) -> &str {
    id.strip_prefix('<').and_then(|id| id.strip_suffix('>')).unwrap_or(id)
}

impl PartialEq for MessageId {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for MessageId {}

impl std::hash::Hash for MessageId {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageId({:?})", &*self.0)
    }
}

#[cfg(test)]
mod tests;
