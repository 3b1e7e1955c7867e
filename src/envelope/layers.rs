use std::fmt;
use std::marker::PhantomData;

use crate::algorithm::{ContentCipher, SignatureAlgorithm};
use crate::partnership::{Compression, SendProfile};

/// The layers of a message, built outwards in the only orders that AS2 knows (RFC 4130 §2.4.2, RFC 5402 §3).
///
/// The state type holds the order: a message is compressed at most once, signed at most once, and encryption is
/// outermost. Anything else does not compile:
///
/// ```
/// use ediint::envelope::{Layers, Structure};
/// use ediint::{ContentCipher, DigestAlgorithm, SignatureAlgorithm};
///
/// let sign = SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256);
/// let structure = Structure::from(Layers::payload().compress().sign(sign).encrypt(ContentCipher::Aes256Cbc));
/// assert_eq!(structure.to_string(), "encrypted(signed(compressed(payload)))");
/// ```
///
/// ```compile_fail,E0599
/// use ediint::envelope::Layers;
/// use ediint::{ContentCipher, DigestAlgorithm, SignatureAlgorithm};
///
/// let sign = SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256);
/// Layers::payload().encrypt(ContentCipher::Aes256Cbc).sign(sign);
/// ```
///
/// ```compile_fail,E0599
/// # use ediint::envelope::Layers;
/// # use ediint::{DigestAlgorithm, SignatureAlgorithm};
/// # let sign = SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256);
/// Layers::payload().compress().sign(sign).compress();
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Layers<State> {
    structure: Structure,
    state: PhantomData<State>,
}

/// State of [`Layers`]: nothing but the payload.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Plain {}
/// State of [`Layers`]: compressed, not signed.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Compressed {}
/// State of [`Layers`]: signed, not compressed.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Signed {}
/// State of [`Layers`]: signed and compressed, in either order.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum SignedAndCompressed {}
/// State of [`Layers`]: encrypted, so complete.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Encrypted {}

impl<State> Layers<State> {
    fn of<Next>(structure: Structure) -> Layers<Next> {
        Layers {
            structure,
            state: PhantomData,
        }
    }

    fn signed<Next>(self, algorithm: SignatureAlgorithm) -> Layers<Next> {
        Self::of(Structure {
            signature: Some(algorithm),
            ..self.structure
        })
    }

    fn compressed<Next>(self, compression: Compression) -> Layers<Next> {
        Self::of(Structure {
            compression,
            ..self.structure
        })
    }

    fn encrypted(self, cipher: ContentCipher) -> Layers<Encrypted> {
        Self::of(Structure {
            encryption: Some(cipher),
            ..self.structure
        })
    }
}

impl Layers<Plain> {
    /// The payload alone.
    #[must_use]
    pub fn payload() -> Self {
        Self::of(Structure {
            signature: None,
            compression: Compression::None,
            encryption: None,
        })
    }

    /// Compresses the payload.
    #[must_use]
    pub fn compress(self) -> Layers<Compressed> {
        self.compressed(Compression::BeforeSigning)
    }

    /// Signs the payload.
    #[must_use]
    pub fn sign(self, algorithm: SignatureAlgorithm) -> Layers<Signed> {
        self.signed(algorithm)
    }

    /// Encrypts the payload. Nobody will be able to tell who sent it.
    #[must_use]
    pub fn encrypt(self, cipher: ContentCipher) -> Layers<Encrypted> {
        self.encrypted(cipher)
    }
}

impl Layers<Compressed> {
    /// Signs the compressed entity.
    #[must_use]
    pub fn sign(self, algorithm: SignatureAlgorithm) -> Layers<SignedAndCompressed> {
        self.signed(algorithm)
    }

    /// Encrypts the compressed entity. Nobody will be able to tell who sent it.
    #[must_use]
    pub fn encrypt(self, cipher: ContentCipher) -> Layers<Encrypted> {
        self.encrypted(cipher)
    }
}

impl Layers<Signed> {
    /// Compresses the signed entity.
    #[must_use]
    pub fn compress(self) -> Layers<SignedAndCompressed> {
        self.compressed(Compression::AfterSigning)
    }

    /// Encrypts the signed entity.
    #[must_use]
    pub fn encrypt(self, cipher: ContentCipher) -> Layers<Encrypted> {
        self.encrypted(cipher)
    }
}

impl Layers<SignedAndCompressed> {
    /// Encrypts the whole.
    #[must_use]
    pub fn encrypt(self, cipher: ContentCipher) -> Layers<Encrypted> {
        self.encrypted(cipher)
    }
}

/// One of the ten structures that AS2 messages have. Only [`Layers`] and send profiles make them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Structure {
    signature: Option<SignatureAlgorithm>,
    compression: Compression,
    encryption: Option<ContentCipher>,
}

impl Structure {
    /// Whether there are no layers.
    #[must_use]
    pub fn is_payload_only(&self) -> bool {
        *self == Self::from(Layers::payload())
    }

    /// The signature, if there is one.
    #[must_use]
    pub fn signature(&self) -> Option<SignatureAlgorithm> {
        self.signature
    }

    /// Where compression stands. Without a signature it is [`Compression::BeforeSigning`] or [`Compression::None`].
    #[must_use]
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// The cipher, if there is one.
    #[must_use]
    pub fn encryption(&self) -> Option<ContentCipher> {
        self.encryption
    }
}

impl<State> From<Layers<State>> for Structure {
    fn from(layers: Layers<State>) -> Self {
        layers.structure
    }
}

impl From<&SendProfile> for Structure {
    fn from(profile: &SendProfile) -> Self {
        let payload = Layers::payload();
        match (profile.compression, profile.signature, profile.encryption) {
            (Compression::None, None, None) => payload.into(),
            (Compression::None, None, Some(cipher)) => payload.encrypt(cipher).into(),
            (Compression::None, Some(sign), None) => payload.sign(sign).into(),
            (Compression::None, Some(sign), Some(cipher)) => payload.sign(sign).encrypt(cipher).into(),
            (_, None, None) => payload.compress().into(),
            (_, None, Some(cipher)) => payload.compress().encrypt(cipher).into(),
            (Compression::BeforeSigning, Some(sign), None) => payload.compress().sign(sign).into(),
            (Compression::BeforeSigning, Some(sign), Some(cipher)) => {
                payload.compress().sign(sign).encrypt(cipher).into()
            }
            (Compression::AfterSigning, Some(sign), None) => payload.sign(sign).compress().into(),
            (Compression::AfterSigning, Some(sign), Some(cipher)) => {
                payload.sign(sign).compress().encrypt(cipher).into()
            }
        }
    }
}

/// The layers outermost first, `encrypted(signed(payload))`.
impl fmt::Display for Structure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layers = [
            (self.encryption.is_some(), "encrypted("),
            (self.compression == Compression::AfterSigning, "compressed("),
            (self.signature.is_some(), "signed("),
            (self.compression == Compression::BeforeSigning, "compressed("),
        ];
        let present = || layers.iter().filter(|(present, _)| *present);
        for (_, layer) in present() {
            f.write_str(layer)?;
        }
        f.write_str("payload")?;
        present().try_for_each(|_| f.write_str(")"))
    }
}

#[cfg(test)]
mod tests;
