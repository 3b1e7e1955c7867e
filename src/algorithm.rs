//! The algorithms of AS2 messages and how partners spell them.

use std::fmt;
use std::str::FromStr;

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

/// An algorithm name that is not supported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("algorithm {0:?} is not supported")]
pub struct UnknownAlgorithm(pub(crate) String);

/// The cipher of encrypted content (RFC 8551 §2.7): in CBC mode within `EnvelopedData`, in GCM within
/// `AuthEnvelopedData`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ContentCipher {
    /// AES-128 in CBC mode.
    Aes128Cbc,
    /// AES-192 in CBC mode.
    Aes192Cbc,
    /// AES-256 in CBC mode, the default.
    Aes256Cbc,
    /// AES-128 in Galois/Counter Mode, which few AS2 products read.
    Aes128Gcm,
    /// AES-192 in Galois/Counter Mode, which few AS2 products read.
    Aes192Gcm,
    /// AES-256 in Galois/Counter Mode, which few AS2 products read.
    Aes256Gcm,
    /// Triple DES with three keys in CBC mode: historic, refused unless a partnership allows it.
    TripleDesCbc,
}

impl ContentCipher {
    /// All ciphers.
    pub const ALL: [Self; 7] = [
        Self::TripleDesCbc,
        Self::Aes128Cbc,
        Self::Aes192Cbc,
        Self::Aes256Cbc,
        Self::Aes128Gcm,
        Self::Aes192Gcm,
        Self::Aes256Gcm,
    ];

    /// The length of a content key in octets.
    #[must_use]
    pub const fn key_len(self) -> usize {
        match self {
            Self::Aes128Cbc | Self::Aes128Gcm => 16,
            Self::Aes192Cbc | Self::Aes192Gcm | Self::TripleDesCbc => 24,
            Self::Aes256Cbc | Self::Aes256Gcm => 32,
        }
    }

    /// The length of a block in octets.
    #[must_use]
    pub const fn block_len(self) -> usize {
        match self {
            Self::TripleDesCbc => 8,
            _ => 16,
        }
    }

    /// The length of the initialisation vector, or of the nonce, in octets.
    #[must_use]
    pub const fn iv_len(self) -> usize {
        if self.is_authenticated() { 12 } else { self.block_len() }
    }

    /// Whether nobody without the key can alter the content unnoticed.
    #[must_use]
    pub const fn is_authenticated(self) -> bool {
        matches!(self, Self::Aes128Gcm | Self::Aes192Gcm | Self::Aes256Gcm)
    }
}

/// `aes256-cbc`, `aes256-gcm`, `3des`.
impl fmt::Display for ContentCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aes128Cbc => "aes128-cbc",
            Self::Aes192Cbc => "aes192-cbc",
            Self::Aes256Cbc => "aes256-cbc",
            Self::Aes128Gcm => "aes128-gcm",
            Self::Aes192Gcm => "aes192-gcm",
            Self::Aes256Gcm => "aes256-gcm",
            Self::TripleDesCbc => "3des",
        })
    }
}

impl FromStr for ContentCipher {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        by_name(Self::ALL, name)
    }
}

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
        .ok_or_else(|| UnknownAlgorithm(name.to_owned()))
}

#[cfg(test)]
#[path = "algorithm/tests.rs"]
mod tests;
