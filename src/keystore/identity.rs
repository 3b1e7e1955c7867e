//! An identity of ours: its keys, and what is done with them.

use std::time::SystemTime;

use rustls_pki_types::CertificateDer;

use super::KeyStoreError;
use super::entry::{KeyEntry, KeyPurpose, newest_active};
use super::private_key::{PrivateKey, PrivateKeyError};
use super::unwrapped::{Unwrapped, addressed_to};
use crate::algorithm::{ContentCipher, SignatureAlgorithm};
use crate::cms::{Certificate, CertificateError, KeyError, RecipientInfo, SigningInput};
use crate::name::As2Name;

#[cfg(test)]
mod tests;

/// One of our own identities: the keys that sign for it, and those that decrypt what is sent to it.
///
/// The newest key that is active signs; all that are retained decrypt. It is cheap to clone, and may serve several AS2
/// names.
#[derive(Clone, Debug)]
pub struct Identity {
    first: KeyEntry,
    more: Vec<KeyEntry>,
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

/// An identity of one key.
impl From<KeyEntry> for Identity {
    fn from(entry: KeyEntry) -> Self {
        Self {
            first: entry,
            more: Vec::new(),
        }
    }
}

impl Identity {
    /// An identity that signs and decrypts with one key.
    ///
    /// # Errors
    ///
    /// [`IdentityError::PublicKey`], [`IdentityError::Mismatch`].
    pub fn new(certificate: Certificate, key: PrivateKey) -> Result<Self, IdentityError> {
        KeyEntry::new(certificate, key).map(Self::from)
    }

    /// An identity from PEM texts, which may be one and the same: its certificate, then its issuers if they are to be
    /// sent along with signatures; and its private key (see [`PrivateKey::from_pem`]). Other formats, and keys under a
    /// password, are read by [`KeyFile`](super::KeyFile).
    ///
    /// # Errors
    ///
    /// [`IdentityError`].
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, IdentityError> {
        let mut certificates = Certificate::all_from_pem(certificates)?.into_iter();
        let certificate = certificates.next().ok_or(CertificateError::NoCertificate)?;
        let entry = KeyEntry::new(certificate, PrivateKey::from_pem(key)?)?;
        Ok(entry.with_issuers(certificates).into())
    }

    /// Sends these certificates along with that of the first key.
    #[must_use]
    pub fn with_issuers(mut self, issuers: impl IntoIterator<Item = Certificate>) -> Self {
        self.first = self.first.with_issuers(issuers);
        self
    }

    /// Also has this key: an earlier one that partners may still use, or a coming one.
    #[must_use]
    pub fn with_entry(mut self, entry: KeyEntry) -> Self {
        self.more.push(entry);
        self
    }

    /// Also decrypts with this key: an earlier one that partners may still use, a coming one that they may already
    /// have, or one that is for decryption only.
    ///
    /// # Errors
    ///
    /// [`IdentityError::PublicKey`], [`IdentityError::Mismatch`].
    pub fn with_decryption_key(self, certificate: Certificate, key: PrivateKey) -> Result<Self, IdentityError> {
        Ok(self.with_entry(KeyEntry::new(certificate, key)?.purpose(KeyPurpose::Decrypt)))
    }

    /// The certificate of the first key.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.first.certificate
    }

    /// All keys, in the order in which they were given.
    pub fn entries(&self) -> impl Iterator<Item = &KeyEntry> + Clone {
        std::iter::once(&self.first).chain(&self.more)
    }

    /// The key that signs at `now`: the newest active one. Where all have expired it is the last that did, since a
    /// signature that a partner may refuse is worth more than none.
    ///
    /// `known` is the certificate that a sender encrypted for: the key that belongs to it signs, if it is still retained,
    /// for a sender in the middle of a rollover may know no other.
    #[must_use]
    pub fn signing_entry(&self, known: Option<&Certificate>, now: SystemTime) -> Option<&KeyEntry> {
        let signing = self.entries().filter(|entry| entry.purpose.signs());
        let paired = |known: &Certificate| {
            let mut retained = signing.clone().filter(|entry| entry.is_retained(now));
            retained.find(|entry| entry.is_known_with(known))
        };
        known
            .and_then(paired)
            .or_else(|| newest_active(signing.clone(), KeyEntry::period, now))
    }

    /// What [`KeyStore::signing_chain`](super::KeyStore::signing_chain) does, for stores that load identities from
    /// elsewhere.
    ///
    /// # Errors
    ///
    /// [`KeyStoreError::NoKey`] where no key signs.
    pub fn signing_chain(
        &self,
        local: &As2Name,
        known: Option<&Certificate>,
        now: SystemTime,
    ) -> Result<Vec<CertificateDer<'static>>, KeyStoreError> {
        let entry = self.signing_entry(known, now);
        let entry = entry.ok_or_else(|| KeyStoreError::NoKey(local.clone()))?;
        // For who knows it, one that is not active yet, or not any more, is the right one.
        let known = known.is_some_and(|known| entry.is_known_with(known)) && entry.certificate.is_valid_at(now);
        if !known && !entry.is_active(now) {
            tracing::warn!(%local, certificate = %entry.certificate, fingerprint = entry.certificate.fingerprint_hex(),
                "signs with a certificate that is not valid or not active at this time");
        }
        Ok(entry.chain().map(|one| one.der().clone()).collect())
    }

    /// What [`KeyStore::sign`](super::KeyStore::sign) does, for stores that load identities from elsewhere. It computes
    /// for milliseconds, so it belongs on a pool for blocking work ([`KeyOperations`](super::KeyOperations)).
    ///
    /// # Errors
    ///
    /// [`KeyStoreError::KeyGone`] where the certificate is not that of a key that signs, [`KeyStoreError::Unusable`] where
    /// the key is of another kind, too short for the digest, or where its certificate forbids the algorithm.
    pub fn sign(
        &self,
        local: &As2Name,
        certificate: &Certificate,
        algorithm: SignatureAlgorithm,
        input: SigningInput<'_>,
    ) -> Result<Vec<u8>, KeyStoreError> {
        let signing = |entry: &&KeyEntry| entry.purpose.signs() && entry.certificate == *certificate;
        let Some(entry) = self.entries().find(signing) else {
            return Err(KeyStoreError::KeyGone(local.clone(), certificate.clone()));
        };
        let unusable = |error| KeyStoreError::Unusable(local.clone(), error);
        certificate
            .check_signature_algorithm(algorithm)
            .map_err(|error| unusable(error.into()))?;
        entry.key.sign(algorithm, input).map_err(|error| unusable(error.into()))
    }

    /// What [`KeyStore::unwrap_key`](super::KeyStore::unwrap_key) does at `now`; see [`Identity::sign`].
    ///
    /// # Errors
    ///
    /// [`KeyStoreError::NoRecipient`], [`KeyStoreError::UnsupportedKeyTransport`].
    pub fn unwrap_key(
        &self,
        local: &As2Name,
        recipients: &[RecipientInfo],
        cipher: ContentCipher,
        now: SystemTime,
    ) -> Result<Vec<Unwrapped>, KeyStoreError> {
        let decrypting = |entry: &&KeyEntry| entry.purpose.decrypts() && entry.is_retained(now);
        let entries = self.entries().filter(decrypting);
        let certificates = entries.clone().map(|entry| &entry.certificate);
        let addressed = addressed_to(local, certificates, recipients)?;
        let unwrap = |(recipient, certificate): (&RecipientInfo, &Certificate)| {
            let entry = entries.clone().find(|entry| entry.certificate == *certificate)?;
            if !certificate.is_valid_at(now) {
                tracing::warn!(%local, %certificate, fingerprint = certificate.fingerprint_hex(),
                    "a message was encrypted for a certificate of ours that is not valid at this time");
            }
            let decrypted = entry.key.decrypt(recipient);
            Some(Unwrapped::new(decrypted, certificate, recipient, cipher))
        };
        Ok(addressed.into_iter().filter_map(unwrap).collect())
    }
}

pub(super) fn check(certificate: &Certificate, key: &PrivateKey) -> Result<(), IdentityError> {
    if key.belongs_to(certificate)? {
        Ok(())
    } else {
        Err(IdentityError::Mismatch(certificate.clone()))
    }
}
