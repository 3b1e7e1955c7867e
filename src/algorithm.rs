//! The algorithms of AS2 messages and how partners spell them.

mod cipher;
mod digest;

use std::fmt;
use std::str::FromStr;

pub use cipher::ContentCipher;
pub use digest::{DigestAlgorithm, MicalgStyle};

/// An algorithm that is not supported, by the name that it was called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("algorithm {name:?} is not supported{remedy}")]
pub struct UnknownAlgorithm {
    name: String,
    /// What would help, after the message.
    remedy: &'static str,
}

impl UnknownAlgorithm {
    pub(crate) fn new(name: impl Into<String>) -> Self {
        let (name, remedy) = (name.into(), "");
        Self { name, remedy }
    }

    /// One of those that this build leaves out.
    #[cfg(not(feature = "legacy"))]
    pub(crate) fn needs_legacy(name: impl Into<String>) -> Self {
        let (name, remedy) = (name.into(), ": it needs the feature `legacy` of ediint");
        Self { name, remedy }
    }

    /// What it was called.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is known all the same, and something would help.
    #[cfg(any(feature = "postgres", feature = "redb", feature = "serde"))]
    pub(crate) fn has_remedy(&self) -> bool {
        !self.remedy.is_empty()
    }
}

/// An algorithm that is read where a partnership allows it, and that nothing is sent with, whatever names it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is only read, never sent: sign with SHA-256 and encrypt with AES")]
pub struct LegacyAlgorithm(String);

/// How a signature is made (RFC 8551 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignatureAlgorithm {
    /// RSASSA-PKCS1-v1_5 over the given digest, which every AS2 product reads.
    RsaPkcs1(DigestAlgorithm),
    /// RSASSA-PSS (RFC 8017 §8.1) over the given digest, with MGF1 over the same one and a salt of its length.
    RsaPss(DigestAlgorithm),
    /// ECDSA over the given digest, by a key on P-256, P-384 or P-521.
    Ecdsa(DigestAlgorithm),
}

impl SignatureAlgorithm {
    /// The algorithm of a scheme with a digest.
    #[must_use]
    pub const fn new(scheme: SignatureScheme, digest: DigestAlgorithm) -> Self {
        match scheme {
            SignatureScheme::RsaPkcs1 => Self::RsaPkcs1(digest),
            SignatureScheme::RsaPss => Self::RsaPss(digest),
            SignatureScheme::Ecdsa => Self::Ecdsa(digest),
        }
    }

    /// The digest of the content, which is also the digest of the MIC.
    #[must_use]
    pub const fn digest(self) -> DigestAlgorithm {
        match self {
            Self::RsaPkcs1(digest) | Self::RsaPss(digest) | Self::Ecdsa(digest) => digest,
        }
    }

    /// What the key does with the digest.
    #[must_use]
    pub const fn scheme(self) -> SignatureScheme {
        match self {
            Self::RsaPkcs1(_) => SignatureScheme::RsaPkcs1,
            Self::RsaPss(_) => SignatureScheme::RsaPss,
            Self::Ecdsa(_) => SignatureScheme::Ecdsa,
        }
    }
}

/// A [`SignatureAlgorithm`] without its digest, as configurations name it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignatureScheme {
    /// [`SignatureAlgorithm::RsaPkcs1`].
    #[default]
    RsaPkcs1,
    /// [`SignatureAlgorithm::RsaPss`].
    RsaPss,
    /// [`SignatureAlgorithm::Ecdsa`].
    Ecdsa,
}

impl SignatureScheme {
    /// All schemes.
    pub const ALL: [Self; 3] = [Self::RsaPkcs1, Self::RsaPss, Self::Ecdsa];
}

/// `rsa-pkcs1`, `rsa-pss`, `ecdsa`.
impl fmt::Display for SignatureScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RsaPkcs1 => "rsa-pkcs1",
            Self::RsaPss => "rsa-pss",
            Self::Ecdsa => "ecdsa",
        })
    }
}

impl FromStr for SignatureScheme {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        by_name(Self::ALL, name)
    }
}

/// How the content key is encrypted for a recipient (RFC 8551 §2.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyTransport {
    /// RSAES-PKCS1-v1_5, which every AS2 product reads.
    #[default]
    RsaPkcs1,
    /// RSAES-OAEP with SHA-256 (RFC 8017 §7.1), which few products read.
    RsaOaep,
    /// ECDH with an ephemeral key (RFC 5753 §3.1) and AES key wrap, for partners with EC certificates.
    Ecdh,
}

impl KeyTransport {
    /// All ways.
    pub const ALL: [Self; 3] = [Self::RsaPkcs1, Self::RsaOaep, Self::Ecdh];
}

/// `rsa-pkcs1`, `rsa-oaep`, `ecdh`.
impl fmt::Display for KeyTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RsaPkcs1 => "rsa-pkcs1",
            Self::RsaOaep => "rsa-oaep",
            Self::Ecdh => "ecdh",
        })
    }
}

impl FromStr for KeyTransport {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        by_name(Self::ALL, name)
    }
}

/// The one of `all` that is displayed as `name`, whatever its case.
fn by_name<T: fmt::Display>(all: impl IntoIterator<Item = T>, name: &str) -> Result<T, UnknownAlgorithm> {
    let name = name.trim();
    all.into_iter()
        .find(|one| one.to_string().eq_ignore_ascii_case(name))
        .ok_or_else(|| UnknownAlgorithm::new(name))
}

#[cfg(test)]
#[path = "algorithm/tests.rs"]
mod tests;
