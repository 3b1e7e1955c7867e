//! What is refused unless a policy allows it, by name.

use super::names::{misread, one_of};
use super::text::{AsText, Misread, Text};
use crate::algorithm::{ContentCipher, DigestAlgorithm};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weak {
    Digest(DigestAlgorithm),
    Cipher(ContentCipher),
    /// With keys of every length.
    #[cfg(feature = "legacy")]
    Rc2,
    Rsa1024,
}

impl Weak {
    /// What is weak of the digests and ciphers that a policy allows.
    pub(super) fn of(digests: &[DigestAlgorithm], ciphers: &[ContentCipher]) -> Vec<AsText<Self>> {
        let allowed = |(_, weak)| match weak {
            Self::Digest(digest) => digests.contains(&digest).then_some(AsText(weak)),
            Self::Cipher(cipher) => ciphers.contains(&cipher).then_some(AsText(weak)),
            _ => None,
        };
        Self::names().into_iter().filter_map(allowed).collect()
    }

    pub(super) fn digests(self) -> Vec<DigestAlgorithm> {
        match self {
            Self::Digest(digest) => vec![digest],
            _ => Vec::new(),
        }
    }

    pub(super) fn ciphers(self) -> Vec<ContentCipher> {
        match self {
            Self::Cipher(cipher) => vec![cipher],
            #[cfg(feature = "legacy")]
            Self::Rc2 => vec![
                ContentCipher::Rc2Cbc40,
                ContentCipher::Rc2Cbc64,
                ContentCipher::Rc2Cbc128,
            ],
            _ => Vec::new(),
        }
    }

    fn names() -> Vec<(String, Self)> {
        let digests = DigestAlgorithm::known().filter(|digest| digest.is_weak());
        let ciphers = ContentCipher::known().filter(|cipher| cipher.is_weak());
        let all = digests.map(Self::Digest).chain(ciphers.map(Self::Cipher));
        #[cfg(feature = "legacy")]
        let all = all.chain([Self::Rc2]);
        all.chain([Self::Rsa1024]).map(|weak| (weak.write(), weak)).collect()
    }
}

impl Text for Weak {
    fn expected() -> String {
        one_of(Self::names())
    }

    fn read(text: &str) -> Result<Self, Misread> {
        let named = Self::names()
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(text));
        named
            .map(|(_, weak)| weak)
            .ok_or_else(|| match misread::<DigestAlgorithm>(text) {
                Misread::Unexpected => misread::<ContentCipher>(text),
                because => because,
            })
    }

    fn write(&self) -> String {
        match self {
            Self::Digest(digest) => digest.to_string(),
            Self::Cipher(cipher) => cipher.to_string(),
            #[cfg(feature = "legacy")]
            Self::Rc2 => "rc2".to_owned(),
            Self::Rsa1024 => "rsa-1024".to_owned(),
        }
    }
}
