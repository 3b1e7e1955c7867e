use std::fmt;
use std::str::FromStr;

use super::{LegacyAlgorithm, UnknownAlgorithm, by_name};

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
    /// RC2 with 40 effective key bits in CBC mode: broken. It is decrypted where a partnership allows it.
    #[cfg(feature = "legacy")]
    Rc2Cbc40,
    /// RC2 with 64 effective key bits in CBC mode, as [`Rc2Cbc40`](Self::Rc2Cbc40).
    #[cfg(feature = "legacy")]
    Rc2Cbc64,
    /// RC2 with 128 effective key bits in CBC mode, as [`Rc2Cbc40`](Self::Rc2Cbc40).
    #[cfg(feature = "legacy")]
    Rc2Cbc128,
    /// DES with its key of 56 bits in CBC mode, as [`Rc2Cbc40`](Self::Rc2Cbc40).
    #[cfg(feature = "legacy")]
    DesCbc,
}

impl ContentCipher {
    /// All ciphers that are encrypted with.
    pub const ALL: [Self; 7] = [
        Self::TripleDesCbc,
        Self::Aes128Cbc,
        Self::Aes192Cbc,
        Self::Aes256Cbc,
        Self::Aes128Gcm,
        Self::Aes192Gcm,
        Self::Aes256Gcm,
    ];

    /// Those that are only read: RC2 and DES with the feature `legacy`, none without it.
    pub const LEGACY: &'static [Self] = &[
        #[cfg(feature = "legacy")]
        Self::Rc2Cbc40,
        #[cfg(feature = "legacy")]
        Self::Rc2Cbc64,
        #[cfg(feature = "legacy")]
        Self::Rc2Cbc128,
        #[cfg(feature = "legacy")]
        Self::DesCbc,
    ];

    /// All that are read.
    pub(crate) fn known() -> impl Iterator<Item = Self> {
        Self::LEGACY.iter().copied().chain(Self::ALL)
    }

    /// Whether it is only read.
    pub(crate) fn is_legacy(self) -> bool {
        Self::LEGACY.contains(&self)
    }

    /// Whether partnerships refuse it unless they name it.
    pub(crate) fn is_weak(self) -> bool {
        self == Self::TripleDesCbc || self.is_legacy()
    }

    /// Whether anything is encrypted with it.
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

    /// The length of a content key in octets. Keys of RC2 have as many bits as count.
    #[must_use]
    pub const fn key_len(self) -> usize {
        match self {
            #[cfg(feature = "legacy")]
            Self::Rc2Cbc40 => 5,
            #[cfg(feature = "legacy")]
            Self::Rc2Cbc64 | Self::DesCbc => 8,
            #[cfg(feature = "legacy")]
            Self::Rc2Cbc128 => 16,
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
            #[cfg(feature = "legacy")]
            Self::Rc2Cbc40 | Self::Rc2Cbc64 | Self::Rc2Cbc128 | Self::DesCbc => 8,
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

/// `aes256-cbc`, `aes256-gcm`, `3des`, `rc2-128`, `des`.
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
            #[cfg(feature = "legacy")]
            Self::Rc2Cbc40 => "rc2-40",
            #[cfg(feature = "legacy")]
            Self::Rc2Cbc64 => "rc2-64",
            #[cfg(feature = "legacy")]
            Self::Rc2Cbc128 => "rc2-128",
            #[cfg(feature = "legacy")]
            Self::DesCbc => "des",
        })
    }
}

impl FromStr for ContentCipher {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        by_name(Self::known(), name).map_err(|unknown| match unknown.name.to_ascii_lowercase().as_str() {
            #[cfg(not(feature = "legacy"))]
            "rc2" | "rc2-40" | "rc2-64" | "rc2-128" | "des" => UnknownAlgorithm::needs_legacy(unknown.name),
            #[cfg(feature = "legacy")]
            "rc2" => UnknownAlgorithm {
                remedy: ": it is read as rc2-40, rc2-64 or rc2-128, and never sent",
                ..unknown
            },
            _ => unknown,
        })
    }
}
