use std::fmt;
use std::str::FromStr;

use super::UnknownAlgorithm;

/// A message digest, of signatures (RFC 8551 §2.1) and of the MIC (RFC 4130 §7.4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DigestAlgorithm {
    /// SHA-1: historic, refused unless a partnership allows it.
    Sha1,
    /// SHA-224.
    Sha224,
    /// SHA-256, the default.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// How a digest is spelled in `micalg`, in `Disposition-Notification-Options` and in `Received-content-MIC`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MicalgStyle {
    /// `sha-256`, `sha-1` (RFC 5751 and RFC 8551 §3.5.3.2).
    #[default]
    Rfc5751,
    /// `sha256`, `sha1` (RFC 3851 §3.4.3.2), for older partners.
    Rfc3851,
}

impl DigestAlgorithm {
    /// All digests, strongest last.
    pub const ALL: [Self; 5] = [Self::Sha1, Self::Sha224, Self::Sha256, Self::Sha384, Self::Sha512];

    /// The length of a digest in octets.
    #[must_use]
    pub const fn output_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// The `micalg` token in the given style.
    #[must_use]
    pub const fn micalg(self, style: MicalgStyle) -> &'static str {
        match (style, self) {
            (MicalgStyle::Rfc5751, Self::Sha1) => "sha-1",
            (MicalgStyle::Rfc5751, Self::Sha224) => "sha-224",
            (MicalgStyle::Rfc5751, Self::Sha256) => "sha-256",
            (MicalgStyle::Rfc5751, Self::Sha384) => "sha-384",
            (MicalgStyle::Rfc5751, Self::Sha512) => "sha-512",
            (MicalgStyle::Rfc3851, Self::Sha1) => "sha1",
            (MicalgStyle::Rfc3851, Self::Sha224) => "sha224",
            (MicalgStyle::Rfc3851, Self::Sha256) => "sha256",
            (MicalgStyle::Rfc3851, Self::Sha384) => "sha384",
            (MicalgStyle::Rfc3851, Self::Sha512) => "sha512",
        }
    }

    /// Reads one `micalg` token in any spelling that partners are known to use: case does not matter, nor do quotes,
    /// `-`, `_` and a leading `rsa-`.
    ///
    /// # Errors
    ///
    /// [`UnknownAlgorithm`] with the token, also for digests that are known but not supported (MD5, SHA-3).
    pub fn from_micalg(token: &str) -> Result<Self, UnknownAlgorithm> {
        let bare: String = token
            .chars()
            .filter(|c| !matches!(c, '-' | '_' | '"' | ' ' | '\t'))
            .map(|c| c.to_ascii_lowercase())
            .collect();
        match bare.strip_prefix("rsa").unwrap_or(&bare) {
            "sha1" => Ok(Self::Sha1),
            "sha224" | "sha2224" => Ok(Self::Sha224),
            "sha256" | "sha2256" => Ok(Self::Sha256),
            "sha384" | "sha2384" => Ok(Self::Sha384),
            "sha512" | "sha2512" => Ok(Self::Sha512),
            _ => Err(UnknownAlgorithm(token.trim().to_owned())),
        }
    }
}

/// The RFC 5751 spelling, `sha-256`.
impl fmt::Display for DigestAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.micalg(MicalgStyle::Rfc5751))
    }
}

impl FromStr for DigestAlgorithm {
    type Err = UnknownAlgorithm;

    fn from_str(token: &str) -> Result<Self, UnknownAlgorithm> {
        Self::from_micalg(token)
    }
}
