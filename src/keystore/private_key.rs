//! Private keys in memory.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use const_oid::db::rfc5912;
use der::asn1::AnyRef;
use der::{Decode, SliceReader, Tag};
use rsa::Pkcs1v15Encrypt;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::{DecodePrivateKey, PrivateKeyInfoRef};
use rsa::traits::PublicKeyParts;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::{self, PemObject};
use zeroize::Zeroizing;

use super::ec_key::EcPrivateKey;
use super::fast_rsa::{self, FastRsa};
use crate::algorithm::{SignatureAlgorithm, SignatureScheme};
use crate::cms::{
    Certificate, KeyEncryption, KeyError, MAX_MODULUS_BITS, PublicKey, RecipientInfo, SigningInput, sign_pss,
    signature_scheme,
};
use crate::entropy::{Entropy, SystemEntropy};
use crate::mic::Mic;

#[cfg(test)]
mod tests;

/// An RSA or EC (P-256, P-384, P-521) private key. It is wiped from memory when the last copy is dropped, and never shown.
#[derive(Clone)]
pub struct PrivateKey(Arc<Keys>);

enum Keys {
    Rsa {
        key: rsa::PrivateKey,
        fast: Option<Box<dyn FastRsa>>,
    },
    Ec(EcPrivateKey),
}

/// Why a private key does not sign.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SignError {
    #[error("the private key is not of the kind that signs in this way")]
    Kind,
    #[error("the digest is not as long as it has to be")]
    DigestLength,
    #[error(transparent)]
    Rsa(#[from] rsa::Error),
    #[error("the key on this curve does not sign so short a digest")]
    Ec,
}

/// Why a private key cannot be read. No variant holds any of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrivateKeyError {
    /// The text is not PEM.
    #[error("not PEM")]
    Pem(#[source] pem::Error),
    /// The PEM text holds no `PRIVATE KEY`, `RSA PRIVATE KEY` or `EC PRIVATE KEY` section.
    #[error("no private key in the PEM text")]
    NoPrivateKey,
    /// The key is protected by a password.
    #[error("the private key is encrypted: `KeyFile` reads it with its password")]
    Encrypted,
    /// The RSA key is longer than 8192 bits, which would take seconds for each message.
    #[error("an RSA key of {0} bits is not supported: 2048 to 4096 are usual, 8192 the most")]
    TooLong(usize),
    /// Not an RSA key of two primes in PKCS#8 or PKCS#1 form nor an EC key on P-256, P-384 or P-521 in PKCS#8 or SEC 1
    /// form, or one whose numbers do not belong together.
    #[error("not an RSA private key in PKCS#8 or PKCS#1 form, nor an EC one in PKCS#8 or SEC 1 form")]
    Malformed(#[source] Box<dyn Error + Send + Sync>),
}

impl PrivateKey {
    /// Reads the first private key of a PEM text: PKCS#8 (`PRIVATE KEY`), PKCS#1 (`RSA PRIVATE KEY`) or
    /// SEC 1 (`EC PRIVATE KEY`).
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

    /// Reads a private key from DER: PKCS#8 (RFC 5958), PKCS#1 (RFC 8017 §A.1.2) or SEC 1 (RFC 5915).
    ///
    /// # Errors
    ///
    /// [`PrivateKeyError::Encrypted`], [`PrivateKeyError::TooLong`], [`PrivateKeyError::Malformed`].
    pub fn from_der(der: &[u8]) -> Result<Self, PrivateKeyError> {
        if let Some(key) = EcPrivateKey::from_der(der) {
            return Ok(Self(Arc::new(Keys::Ec(key))));
        }
        let key = match rsa::PrivateKey::from_pkcs8_der(der).or_else(|error| pss_key(der).ok_or(error)) {
            Ok(key) => key,
            Err(error) => match rsa::PrivateKey::from_pkcs1_der(der) {
                Ok(key) => key,
                Err(_) if is_encrypted(der) => return Err(PrivateKeyError::Encrypted),
                Err(_) => return Err(PrivateKeyError::Malformed(error.into())),
            },
        };
        let bits = usize::try_from(key.n().bit_width()).unwrap_or(usize::MAX);
        if bits > MAX_MODULUS_BITS {
            return Err(PrivateKeyError::TooLong(bits));
        }
        let fast = fast_rsa::fastest(&key);
        Ok(Self(Arc::new(Keys::Rsa { key, fast })))
    }

    /// Whether the key belongs to the certificate.
    pub(super) fn belongs_to(&self, certificate: &Certificate) -> Result<bool, KeyError> {
        Ok(match (&*self.0, certificate.public_key()?) {
            (Keys::Rsa { key, .. }, PublicKey::Rsa(public) | PublicKey::RsaPss(public, _)) => {
                key.as_public_key() == public
            }
            (Keys::Ec(key), PublicKey::Ec(public)) => key.public_key() == *public,
            _ => false,
        })
    }

    /// With RSA this takes 1 to 4 ms for 2048 bits, and about seven times as long for each doubling.
    pub(super) fn sign(&self, algorithm: SignatureAlgorithm, input: SigningInput<'_>) -> Result<Vec<u8>, SignError> {
        let rng = &mut *SystemEntropy.rng();
        let digested = || match input {
            SigningInput::Message(message) => Ok(Mic::of(algorithm.digest(), message)),
            SigningInput::Digest(octets) => Mic::new(algorithm.digest(), octets).map_err(|_| SignError::DigestLength),
        };
        match (&*self.0, algorithm) {
            (Keys::Rsa { key, fast }, SignatureAlgorithm::RsaPkcs1(_) | SignatureAlgorithm::RsaPss(_)) => {
                if let (Some(fast), SigningInput::Message(message)) = (fast, input)
                    && let Some(signature) = fast.sign(algorithm, message)
                {
                    return Ok(signature);
                }
                let digest = digested()?;
                Ok(match algorithm.scheme() {
                    SignatureScheme::RsaPss => sign_pss(key, &digest, rng)?,
                    _ => key.sign_with_rng(rng, signature_scheme(digest.algorithm()), digest.digest())?,
                })
            }
            (Keys::Ec(key), SignatureAlgorithm::Ecdsa(_)) => key.sign(&digested()?, rng).map_err(|_| SignError::Ec),
            _ => Err(SignError::Kind),
        }
    }

    /// Decrypts a content key. `None` stands for what is no ciphertext and, where that can be told, for wrong padding;
    /// with RSAES-PKCS1-v1_5 by `rsa` octets come back then that stand for nothing. The caller treats all of it alike.
    pub(super) fn decrypt(&self, recipient: &RecipientInfo) -> Option<Vec<u8>> {
        let rng = &mut *SystemEntropy.rng();
        let encrypted = &recipient.encrypted_key;
        let encryption = recipient.key_encryption.as_ref()?;
        if let Keys::Rsa { fast: Some(fast), .. } = &*self.0
            && let Ok(decrypted) = fast.decrypt(encryption, encrypted)
        {
            return decrypted;
        }
        match (&*self.0, encryption) {
            (Keys::Rsa { key, .. }, KeyEncryption::RsaPkcs1) => {
                key.decrypt_blinded(rng, Pkcs1v15Encrypt, encrypted).ok()
            }
            (Keys::Rsa { key, .. }, KeyEncryption::RsaOaep(parameters)) => parameters.decrypt(key, encrypted, rng),
            (Keys::Ec(key), KeyEncryption::Ecdh(agreement)) => {
                let shared_secret = key.agree(&agreement.ephemeral_key)?;
                agreement.unwrap_key(&shared_secret, encrypted)
            }
            (Keys::Rsa { .. }, KeyEncryption::Ecdh(_)) | (Keys::Ec(_), _) => None,
        }
    }
}

/// The RSA key of a PKCS#8 structure that is for RSASSA-PSS alone. Its parameters are those of the certificate, which are
/// looked at there.
fn pss_key(der: &[u8]) -> Option<rsa::PrivateKey> {
    let info = PrivateKeyInfoRef::from_der(der).ok()?;
    (info.algorithm.oid == rfc5912::ID_RSASSA_PSS).then_some(())?;
    rsa::PrivateKey::from_pkcs1_der(info.private_key.as_bytes()).ok()
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
