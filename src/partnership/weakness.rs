use std::fmt;

use crate::algorithm::{ContentCipher, DigestAlgorithm};
use crate::cms::Certificate;

/// RSA keys of fewer bits are taken only where a policy says so.
pub(super) const RSA_BITS: usize = 2048;

/// Something weak that a message has, and that counts only because the policy of the partnership allows it (SEC-14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Weakness {
    /// It is signed over this digest.
    Digest(DigestAlgorithm),
    /// It is encrypted with this cipher.
    Cipher(ContentCipher),
    /// It is signed by an RSA key of so many bits.
    RsaKey(usize),
}

impl Weakness {
    pub(crate) fn of_signature(certificate: &Certificate, digest: DigestAlgorithm) -> impl Iterator<Item = Self> {
        let bits = certificate.key_bits().filter(|bits| *bits < RSA_BITS);
        Self::of_digest(digest).into_iter().chain(bits.map(Self::RsaKey))
    }

    pub(crate) fn of_digest(digest: DigestAlgorithm) -> Option<Self> {
        digest.is_weak().then_some(Self::Digest(digest))
    }

    pub(crate) fn of_cipher(cipher: ContentCipher) -> Option<Self> {
        cipher.is_weak().then_some(Self::Cipher(cipher))
    }

    /// `sha-1, 3des`.
    pub(crate) fn list(all: &[Self]) -> String {
        let names: Vec<_> = all.iter().map(Self::to_string).collect();
        names.join(", ")
    }
}

/// Algorithms as configurations name them, `md5`, `rc2-40`; keys by their length, `rsa-1536`.
impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Digest(digest) => digest.fmt(f),
            Self::Cipher(cipher) => cipher.fmt(f),
            Self::RsaKey(bits) => write!(f, "rsa-{bits}"),
        }
    }
}
