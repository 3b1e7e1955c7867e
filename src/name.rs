//! AS2 system identifiers, the names in `AS2-From` and `AS2-To` (RFC 4130 §6.2).

use std::fmt;
use std::str::FromStr;

/// The most characters in a name; quotes and escapes do not count.
const MAX_LEN: usize = 128;

/// An AS2 system identifier: 1 to 128 printable ASCII characters, compared case-sensitively (RFC 4130 §6.2).
///
/// The value is the name itself. Quotes and backslash escapes exist only in headers: [`As2Name::parse_header`] removes
/// them and [`As2Name::to_header`] adds them where the name needs them, so `"ABC"` and `ABC` are the same name.
///
/// ```
/// use ediint::As2Name;
///
/// let name = As2Name::new("AS2 Test")?;
/// assert_eq!(name.to_header(), "\"AS2 Test\"");
/// assert_eq!(As2Name::parse_header("\"AS2 Test\"")?, name);
/// # Ok::<(), ediint::As2NameError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct As2Name(Box<str>);

/// Why a text is not an AS2 system identifier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum As2NameError {
    /// The name has no characters.
    #[error("an AS2 name must not be empty")]
    Empty,
    /// The name has more than 128 characters.
    #[error("an AS2 name has at most {MAX_LEN} characters, this one has {0}")]
    TooLong(usize),
    /// A character outside printable ASCII.
    #[error("an AS2 name holds printable ASCII characters only, not {0:?}")]
    InvalidCharacter(char),
    /// A quoted name whose quotes or escapes are wrong: only `\"` and `\\` are escapes, and a quote closes the name.
    #[error("the quotes or escapes of the AS2 name {0:?} are wrong")]
    Quoting(String),
}

impl As2Name {
    /// Takes the bare name, without quotes or escapes.
    ///
    /// # Errors
    ///
    /// [`As2NameError`] where the name is empty, longer than 128 characters or not printable ASCII.
    pub fn new(name: impl Into<String>) -> Result<Self, As2NameError> {
        let name = name.into();
        if let Some(bad) = name.chars().find(|c| !matches!(c, ' '..='~')) {
            return Err(As2NameError::InvalidCharacter(bad));
        }
        match name.len() {
            0 => Err(As2NameError::Empty),
            1..=MAX_LEN => Ok(Self(name.into())),
            longer => Err(As2NameError::TooLong(longer)),
        }
    }

    /// Reads a header value. Outer white space is dropped; unquoted names may hold spaces, as older products send them.
    ///
    /// # Errors
    ///
    /// [`As2NameError`] as [`As2Name::new`], and for quotes and escapes that RFC 4130 §6.2 does not know.
    pub fn parse_header(value: &str) -> Result<Self, As2NameError> {
        let value = value.trim_matches([' ', '\t']);
        let Some(quoted) = value.strip_prefix('"') else {
            return Self::new(value);
        };
        let quoting = || As2NameError::Quoting(value.to_owned());
        let mut name = String::with_capacity(quoted.len());
        let mut characters = quoted.chars();
        loop {
            match characters.next().ok_or_else(quoting)? {
                '"' => break,
                '\\' => match characters.next() {
                    Some(escaped @ ('"' | '\\')) => name.push(escaped),
                    _ => return Err(quoting()),
                },
                character => name.push(character),
            }
        }
        if characters.next().is_some() {
            return Err(quoting());
        }
        Self::new(name)
    }

    /// The header value: quoted only where the name holds a space, a quote or a backslash. Never folded.
    #[must_use]
    pub fn to_header(&self) -> String {
        if !self.0.contains([' ', '"', '\\']) {
            return self.0.to_string();
        }
        let mut header = String::with_capacity(self.0.len() + 2);
        header.push('"');
        for character in self.0.chars() {
            if matches!(character, '"' | '\\') {
                header.push('\\');
            }
            header.push(character);
        }
        header.push('"');
        header
    }

    /// The bare name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for As2Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for As2Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "As2Name({:?})", &*self.0)
    }
}

impl FromStr for As2Name {
    type Err = As2NameError;

    /// As [`As2Name::new`]: the bare name.
    fn from_str(name: &str) -> Result<Self, As2NameError> {
        Self::new(name)
    }
}

impl TryFrom<&str> for As2Name {
    type Error = As2NameError;

    fn try_from(name: &str) -> Result<Self, As2NameError> {
        Self::new(name)
    }
}

impl AsRef<str> for As2Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests;
