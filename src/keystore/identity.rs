//! An identity of ours: its keys, and what is done with them.

use super::KeyStoreError;
use super::private_key::{PrivateKey, PrivateKeyError};
use super::unwrapped::{Unwrapped, addressed_to};
use crate::algorithm::{ContentCipher, SignatureAlgorithm};
use crate::cms::{Certificate, CertificateError, KeyError, RecipientInfo, SigningInput};
use crate::name::As2Name;

#[cfg(test)]
mod tests;

/// One of our own identities: the key it signs with, and those that decrypt what is sent to it.
///
/// It is cheap to clone, and may serve several AS2 names.
#[derive(Clone, Debug)]
pub struct Identity {
    certificate: Certificate,
    issuers: Vec<Certificate>,
    key: PrivateKey,
    /// Certificates and keys that decrypt, that above first.
    decryption: Vec<(Certificate, PrivateKey)>,
}

/// Why a certificate and a private key are no [`Identity`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The certificate cannot be read.
    #[error("the certificate cannot be read")]
    Certificate(#[from] CertificateError),
    /// The private key cannot be read.
    #[error("the private key cannot be read")]
    PrivateKey(#[from] PrivateKeyError),
    /// The public key in the certificate cannot be used.
    #[error("the key of the certificate cannot be used")]
    PublicKey(#[from] KeyError),
    /// The private key is not that of the certificate.
    #[error("the private key does not belong to the certificate of {0}")]
    Mismatch(Certificate),
}

impl Identity {
    /// An identity that signs and decrypts with one key.
    ///
    /// # Errors
    ///
    /// [`IdentityError::PublicKey`], [`IdentityError::Mismatch`].
    pub fn new(certificate: Certificate, key: PrivateKey) -> Result<Self, IdentityError> {
        check(&certificate, &key)?;
        Ok(Self {
            decryption: vec![(certificate.clone(), key.clone())],
            certificate,
            issuers: Vec::new(),
            key,
        })
    }

    /// An identity from PEM texts, which may be one and the same: its certificate, then its issuers if they are to be
    /// sent along with signatures; and its private key (see [`PrivateKey::from_pem`]).
    ///
    /// # Errors
    ///
    /// [`IdentityError`].
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, IdentityError> {
        let mut certificates = Certificate::all_from_pem(certificates)?.into_iter();
        let certificate = certificates.next().ok_or(CertificateError::NoCertificate)?;
        Ok(Self::new(certificate, PrivateKey::from_pem(key)?)?.with_issuers(certificates))
    }

    /// Sends these certificates along with the identity's own.
    #[must_use]
    pub fn with_issuers(mut self, issuers: impl IntoIterator<Item = Certificate>) -> Self {
        self.issuers = issuers.into_iter().collect();
        self
    }

    /// Also decrypts with this key: an earlier one that partners may still use, a coming one that they may already
    /// have, or one that is for decryption only.
    ///
    /// # Errors
    ///
    /// [`IdentityError::PublicKey`], [`IdentityError::Mismatch`].
    pub fn with_decryption_key(mut self, certificate: Certificate, key: PrivateKey) -> Result<Self, IdentityError> {
        check(&certificate, &key)?;
        self.decryption.push((certificate, key));
        Ok(self)
    }

    /// The certificate of the key that signs.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The certificate of the key that signs, then its issuers.
    pub fn signing_chain(&self) -> impl Iterator<Item = &Certificate> {
        std::iter::once(&self.certificate).chain(&self.issuers)
    }

    /// What [`KeyStore::sign`](super::KeyStore::sign) does, for stores that load identities from elsewhere. It computes
    /// for milliseconds, so it belongs on a pool for blocking work.
    ///
    /// # Errors
    ///
    /// [`KeyStoreError::Unusable`] where the key is of another kind, too short for the digest, or where its certificate
    /// forbids the algorithm.
    pub fn sign(
        &self,
        local: &As2Name,
        algorithm: SignatureAlgorithm,
        input: SigningInput<'_>,
    ) -> Result<Vec<u8>, KeyStoreError> {
        let unusable = |error| KeyStoreError::Unusable(local.clone(), error);
        self.certificate
            .check_signature_algorithm(algorithm)
            .map_err(|error| unusable(error.into()))?;
        self.key.sign(algorithm, input).map_err(|error| unusable(error.into()))
    }

    /// What [`KeyStore::unwrap_key`](super::KeyStore::unwrap_key) does; see [`Identity::sign`].
    ///
    /// # Errors
    ///
    /// [`KeyStoreError::NoRecipient`], [`KeyStoreError::UnsupportedKeyTransport`].
    pub fn unwrap_key(
        &self,
        local: &As2Name,
        recipients: &[RecipientInfo],
        cipher: ContentCipher,
    ) -> Result<Vec<Unwrapped>, KeyStoreError> {
        let certificates = self.decryption.iter().map(|(certificate, _)| certificate);
        let addressed = addressed_to(local, certificates, recipients)?;
        let unwrap = |(recipient, certificate): (&RecipientInfo, &Certificate)| {
            let (_, key) = self.decryption.iter().find(|(own, _)| own == certificate)?;
            let decrypted = key.decrypt(recipient);
            Some(Unwrapped::new(decrypted, certificate, recipient, cipher))
        };
        Ok(addressed.into_iter().filter_map(unwrap).collect())
    }
}

fn check(certificate: &Certificate, key: &PrivateKey) -> Result<(), IdentityError> {
    if key.belongs_to(certificate)? {
        Ok(())
    } else {
        Err(IdentityError::Mismatch(certificate.clone()))
    }
}
