//! `AS2-Version` (RFC 4130 §6.1).

use std::fmt;
use std::str::FromStr;

/// The value of `AS2-Version` (RFC 4130 §6.1). Every 1.x is this protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct As2Version {
    /// The major digit; only 1 exists.
    pub major: u8,
    /// The minor digit: 0 is the baseline, 1 announces compression, 2 names further features.
    pub minor: u8,
}

/// A version that is not two numbers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("AS2-Version {0:?} is not a version number")]
pub struct As2VersionError(String);

impl As2Version {
    /// The baseline, which a message without `AS2-Version` speaks.
    pub const V1_0: Self = Self { major: 1, minor: 0 };
    /// With compression (RFC 5402 §6).
    pub const V1_1: Self = Self { major: 1, minor: 1 };
    /// With `EDIINT-Features` (RFC 6017 §4).
    pub const V1_2: Self = Self { major: 1, minor: 2 };

    /// Whether this is the protocol of RFC 4130: minor digits do not matter.
    #[must_use]
    pub fn is_supported(self) -> bool {
        self.major == 1
    }
}

impl FromStr for As2Version {
    type Err = As2VersionError;

    fn from_str(value: &str) -> Result<Self, As2VersionError> {
        let error = || As2VersionError(value.to_owned());
        let (major, minor) = value.trim().split_once('.').ok_or_else(error)?;
        Ok(Self {
            major: major.parse().map_err(|_| error())?,
            minor: minor.parse().map_err(|_| error())?,
        })
    }
}

impl fmt::Display for As2Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}
