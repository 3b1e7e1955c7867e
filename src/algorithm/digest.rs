use std::fmt;
use std::str::FromStr;

use super::{LegacyAlgorithm, UnknownAlgorithm};

/// A message digest, of signatures (RFC 8551 §2.1) and of the MIC (RFC 4130 §7.4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DigestAlgorithm {
    /// MD5: broken. Signatures over it are verified where a partnership allows it, and none are made.
    #[cfg(feature = "legacy")]
    Md5,
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
    /// All digests that are signed with, strongest last.
    pub const ALL: [Self; 5] = [Self::Sha1, Self::Sha224, Self::Sha256, Self::Sha384, Self::Sha512];

    /// Those that are only read: MD5 with the feature `legacy`, none without it.
    pub const LEGACY: &'static [Self] = &[
        #[cfg(feature = "legacy")]
        Self::Md5,
    ];

    /// All that are read, strongest last.
    pub(crate) fn known() -> impl Iterator<Item = Self> {
        Self::LEGACY.iter().copied().chain(Self::ALL)
    }

    /// Whether it is only read.
    pub(crate) fn is_legacy(self) -> bool {
        Self::LEGACY.contains(&self)
    }

    /// Whether partnerships refuse it unless they name it.
    pub(crate) fn is_weak(self) -> bool {
        self == Self::Sha1 || self.is_legacy()
    }

    /// Whether anything is signed with it.
    ///
    /// # Errors
    ///
    /// [`LegacyAlgorithm`] for one of [`LEGACY`](Self::LEGACY).
    pub fn check_sent(self) -> Result<(), LegacyAlgorithm> {
        match self.is_legacy() {
            true => Err(LegacyAlgorithm(self.to_string())),
            false => Ok(()),
        }
    }

    /// The length of a digest in octets.
    #[must_use]
    pub const fn output_len(self) -> usize {
        match self {
            #[cfg(feature = "legacy")]
            Self::Md5 => 16,
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
            #[cfg(feature = "legacy")]
            (_, Self::Md5) => "md5",
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
    /// [`UnknownAlgorithm`] with the token, also for digests that are known but not supported: SHA-3, and MD5 without the
    /// feature `legacy`.
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
            #[cfg(feature = "legacy")]
            "md5" => Ok(Self::Md5),
            #[cfg(not(feature = "legacy"))]
            "md5" => Err(UnknownAlgorithm::needs_legacy(token.trim())),
            _ => Err(UnknownAlgorithm::new(token.trim())),
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
