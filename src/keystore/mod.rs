//! Keys: where private keys sign and decrypt, and which certificates are configured for whom (RFC 4130 §8).
//!
//! The core never holds a private key. It stops and asks, and the shells pass the question on to a [`KeyStore`].

use std::error::Error;
use std::sync::Arc;

use rustls_pki_types::CertificateDer;

use crate::algorithm::{ContentCipher, SignatureAlgorithm};
use crate::cms::{Certificate, ContentKey, RecipientInfo, SigningInput};
use crate::future::BoxFuture;
use crate::name::As2Name;

/// Keys of our own identities and certificates of partners.
pub trait KeyStore: Send + Sync + 'static {
    /// The certificate with which `local` signs at present, then its issuers if they are to be sent along.
    fn signing_chain<'a>(
        &'a self,
        local: &'a As2Name,
    ) -> BoxFuture<'a, Result<Vec<CertificateDer<'static>>, KeyStoreError>>;

    /// Signs with the key of the first certificate of [`signing_chain`](Self::signing_chain).
    fn sign<'a>(
        &'a self,
        local: &'a As2Name,
        algorithm: SignatureAlgorithm,
        input: SigningInput<'a>,
    ) -> BoxFuture<'a, Result<Vec<u8>, KeyStoreError>>;

    /// Decrypts the content key that a message to `local` carries.
    fn unwrap_key<'a>(
        &'a self,
        local: &'a As2Name,
        recipients: &'a [RecipientInfo],
        cipher: ContentCipher,
    ) -> BoxFuture<'a, Result<Vec<Unwrapped>, KeyStoreError>>;

    /// The certificates configured for `remote` as a partner of `local`.
    fn partner_certificates<'a>(
        &'a self,
        local: &'a As2Name,
        remote: &'a As2Name,
        usage: CertificateUsage,
    ) -> BoxFuture<'a, Result<Vec<Certificate>, KeyStoreError>>;
}

/// What a partner's certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CertificateUsage {
    /// Verifying the partner's signatures: all that are in force, several during a rollover.
    Verify,
    /// Encrypting for the partner: the one to use first.
    Encrypt,
}

/// A content key that one of our private keys decrypted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Unwrapped {
    /// The key of the content.
    pub content_key: ContentKey,
    /// The certificate of the private key.
    pub certificate: Certificate,
}

/// Why a [`KeyStore`] could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyStoreError {
    /// There is no such identity, or it has no key for this.
    #[error("no key is configured for {0}")]
    NoKey(As2Name),
    /// None of the identity's keys is among the recipients.
    #[error("the message is not encrypted for any key of {0}")]
    NoRecipient(As2Name),
    /// The key cannot do this: not of the algorithm's kind, or too short.
    #[error("the key of {0} cannot be used")]
    Unusable(As2Name, #[source] Box<dyn Error + Send + Sync>),
    /// The store cannot be reached or failed. Worth a retry.
    #[error("the key store is unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}

impl<T: KeyStore + ?Sized> KeyStore for Arc<T> {
    fn signing_chain<'a>(
        &'a self,
        local: &'a As2Name,
    ) -> BoxFuture<'a, Result<Vec<CertificateDer<'static>>, KeyStoreError>> {
        (**self).signing_chain(local)
    }

    fn sign<'a>(
        &'a self,
        local: &'a As2Name,
        algorithm: SignatureAlgorithm,
        input: SigningInput<'a>,
    ) -> BoxFuture<'a, Result<Vec<u8>, KeyStoreError>> {
        (**self).sign(local, algorithm, input)
    }

    fn unwrap_key<'a>(
        &'a self,
        local: &'a As2Name,
        recipients: &'a [RecipientInfo],
        cipher: ContentCipher,
    ) -> BoxFuture<'a, Result<Vec<Unwrapped>, KeyStoreError>> {
        (**self).unwrap_key(local, recipients, cipher)
    }

    fn partner_certificates<'a>(
        &'a self,
        local: &'a As2Name,
        remote: &'a As2Name,
        usage: CertificateUsage,
    ) -> BoxFuture<'a, Result<Vec<Certificate>, KeyStoreError>> {
        (**self).partner_certificates(local, remote, usage)
    }
}
