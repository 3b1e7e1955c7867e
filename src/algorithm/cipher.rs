use std::fmt;
use std::str::FromStr;

use super::{UnknownAlgorithm, by_name};

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
