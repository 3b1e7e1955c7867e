//! RSA private keys in memory.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use der::asn1::AnyRef;
use der::{Decode, SliceReader, Tag};
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey;
use rsa::{Pkcs1v15Encrypt, PublicKey};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::{self, PemObject};
use zeroize::Zeroizing;

use super::fast_rsa::FastRsa;
use crate::algorithm::SignatureAlgorithm;
use crate::cms::{KeyEncryption, RecipientInfo, SigningInput, signature_scheme};
use crate::entropy::{Entropy, SystemEntropy};
use crate::mic::Mic;

#[cfg(test)]
mod tests;

/// An RSA private key. It is wiped from memory when the last copy is dropped, and never shown.
#[derive(Clone)]
pub struct PrivateKey(Arc<Keys>);

struct Keys {
    rsa: rsa::PrivateKey,
    fast: Option<FastRsa>,
}

/// Why a private key cannot be read. No variant holds any of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrivateKeyError {
    /// The text is not PEM.
    #[error("not PEM")]
    Pem(#[source] pem::Error),
    /// The PEM text holds no `PRIVATE KEY` or `RSA PRIVATE KEY` section.
    #[error("no private key in the PEM text")]
    NoPrivateKey,
    /// The key is protected by a password.
    #[error("the private key is encrypted, which is not supported: decrypt it first")]
    Encrypted,
    /// Not an RSA key of two primes in PKCS#8 or PKCS#1 form, or one whose numbers do not belong together.
    #[error("not an RSA private key in PKCS#8 or PKCS#1 form")]
    Malformed(#[source] Box<dyn Error + Send + Sync>),
}

impl PrivateKey {
    /// Reads the first private key of a PEM text: PKCS#8 (`PRIVATE KEY`) or PKCS#1 (`RSA PRIVATE KEY`).
    ///
    /// # Errors
    ///
    /// [`PrivateKeyError`].
    pub fn from_pem(text: &[u8]) -> Result<Self, PrivateKeyError> {
        // PKCS#8 has a label of its own, the old form of OpenSSL a header.
        let encrypted = ["-----BEGIN ENCRYPTED PRIVATE KEY-----", "Proc-Type: 4,ENCRYPTED"];
        match PrivateKeyDer::from_pem_slice(text) {
            Ok(key) => Self::from_der(Zeroizing::new(key).secret_der()),
            Err(_)
                if encrypted
                    .iter()
                    .any(|mark| memchr::memmem::find(text, mark.as_bytes()).is_some()) =>
            {
                Err(PrivateKeyError::Encrypted)
            }
            Err(pem::Error::NoItemsFound) => Err(PrivateKeyError::NoPrivateKey),
            Err(error) => Err(PrivateKeyError::Pem(error)),
        }
    }

    /// Reads a private key from DER: PKCS#8 (RFC 5958) or PKCS#1 (RFC 8017 §A.1.2).
    ///
    /// # Errors
    ///
    /// [`PrivateKeyError::Encrypted`], [`PrivateKeyError::Malformed`].
    pub fn from_der(der: &[u8]) -> Result<Self, PrivateKeyError> {
        let rsa = match rsa::PrivateKey::from_pkcs8_der(der) {
            Ok(rsa) => rsa,
            Err(error) => match rsa::PrivateKey::from_pkcs1_der(der) {
                Ok(rsa) => rsa,
                Err(_) if is_encrypted(der) => return Err(PrivateKeyError::Encrypted),
                Err(_) => return Err(PrivateKeyError::Malformed(error.into())),
            },
        };
        let fast = FastRsa::new(&rsa);
        Ok(Self(Arc::new(Keys { rsa, fast })))
    }

    pub(super) fn public_key(&self) -> &PublicKey {
        self.0.rsa.as_public_key()
    }

    /// Takes 1 to 4 ms for 2048 bits, and about seven times as long for each doubling.
    pub(super) fn sign(&self, algorithm: SignatureAlgorithm, input: SigningInput<'_>) -> rsa::Result<Vec<u8>> {
        let SignatureAlgorithm::RsaPkcs1(digest) = algorithm;
        let digested = match input {
            SigningInput::Message(message) => {
                if let Some(signature) = self.0.fast.as_ref().and_then(|fast| fast.sign(digest, message)) {
                    return Ok(signature);
                }
                Mic::of(digest, message)
            }
            SigningInput::Digest(octets) => Mic::new(digest, octets).map_err(|_| rsa::Error::InputNotHashed)?,
        };
        let rng = &mut *SystemEntropy.rng();
        self.0
            .rsa
            .sign_with_rng(rng, signature_scheme(digest), digested.digest())
    }

    /// Decrypts a content key. `None` stands for what is no ciphertext and, where that can be told, for wrong padding;
    /// with RSAES-PKCS1-v1_5 octets come back then that stand for nothing. The caller treats all of it alike.
    pub(super) fn decrypt(&self, recipient: &RecipientInfo) -> Option<Vec<u8>> {
        let rng = &mut *SystemEntropy.rng();
        let encrypted = &recipient.encrypted_key;
        match recipient.key_encryption.as_ref()? {
            KeyEncryption::RsaPkcs1 => self.0.rsa.decrypt_blinded(rng, Pkcs1v15Encrypt, encrypted).ok(),
            KeyEncryption::RsaOaep(parameters) => parameters.decrypt(&self.0.rsa, encrypted, rng),
        }
    }
}

/// Whether this is an `EncryptedPrivateKeyInfo` (RFC 5958 §3), which begins with an algorithm where the others have a
/// version.
fn is_encrypted(der: &[u8]) -> bool {
    let first_tag = || {
        let info = AnyRef::from_der(der)?;
        let algorithm = AnyRef::decode(&mut SliceReader::new(info.value())?)?;
        Tag::peek(&SliceReader::new(algorithm.value())?)
    };
    first_tag() == Ok(Tag::ObjectIdentifier)
}

/// Without the key.
impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(..)")
    }
}
