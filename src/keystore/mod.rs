//! Keys: where private keys sign and decrypt, and which certificates are configured for whom (RFC 4130 §8).
//!
//! The core never holds a private key. It stops and asks, and the shells pass the question on to a [`KeyStore`]. A host
//! whose keys may lie in memory uses [`MemoryKeyStore`]; one whose keys come from a database, an HSM or a cloud KMS
//! implements the trait.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let read = |name: &str| {
//! #     std::fs::read(format!("{}/tests/data/openssl/cms/{name}", env!("CARGO_MANIFEST_DIR")))
//! # };
//! # let (our_certificate, our_key, their_certificate) = (read("alice.pem")?, read("alice.key.der")?, read("bob.pem")?);
//! use ediint::As2Name;
//! use ediint::cms::Certificate;
//! use ediint::keystore::{Identity, MemoryKeyStore, PartnerCertificates, PrivateKey};
//!
//! let (us, them) = (As2Name::new("US")?, As2Name::new("THEM")?);
//! let keys = MemoryKeyStore::new();
//! let identity = Identity::new(Certificate::from_pem(&our_certificate)?, PrivateKey::from_der(&our_key)?)?;
//! keys.set_identity(us.clone(), identity);
//! let theirs = Certificate::from_pem(&their_certificate)?;
//! keys.set_partner(us, them, PartnerCertificates::new(theirs));
//! # Ok(())
//! # }
//! ```

mod ec_key;
mod fast_rsa;
mod identity;
mod memory;
mod private_key;
mod unwrapped;

use std::error::Error;
use std::sync::Arc;

use rustls_pki_types::CertificateDer;

use crate::algorithm::{ContentCipher, SignatureAlgorithm};
use crate::cms::{Certificate, RecipientInfo, SigningInput};
use crate::future::BoxFuture;
use crate::name::As2Name;

pub use identity::{Identity, IdentityError};
pub use memory::{MemoryKeyStore, PartnerCertificates};
pub use private_key::{PrivateKey, PrivateKeyError};
pub use unwrapped::{Unwrapped, addressed_to};

/// Keys of our own identities and certificates of partners.
///
/// It is asked anew for every message, so a change takes effect with the next one. Every question names the local
/// identity: one store may serve many of them, and must not let one use the keys or the partners of another.
///
/// Dropping a returned future at any time must be harmless. Private-key operations in software take milliseconds and
/// belong on a pool for blocking work.
pub trait KeyStore: Send + Sync + 'static {
    /// The certificate with which `local` signs at present, then its issuers if they are to be sent along.
    ///
    /// The certificate names the signer in what is signed next, so it must belong to the key that
    /// [`sign`](Self::sign) uses; a store that changes keys while a message is being signed costs that message: the
    /// partner refuses it.
    ///
    /// # Errors
    ///
    /// [`KeyStoreError::NoKey`] for an identity that is not here, [`KeyStoreError::Unavailable`].
    fn signing_chain<'a>(
        &'a self,
        local: &'a As2Name,
    ) -> BoxFuture<'a, Result<Vec<CertificateDer<'static>>, KeyStoreError>>;

    /// Signs with the key of the first certificate of [`signing_chain`](Self::signing_chain), and returns the signature
    /// value as it goes into a SignerInfo: for RSA (RFC 8017 §8) exactly as many octets as the modulus has, for ECDSA the
    /// two numbers in DER (RFC 5753 §7.2).
    ///
    /// [`SigningInput::Message`] is to be hashed with the algorithm's digest and signed (a PKCS#11 mechanism such as
    /// `CKM_SHA256_RSA_PKCS`, the "raw" message type of a KMS); it is a few hundred octets.
    /// [`SigningInput::Digest`] already is that digest (`CKM_RSA_PKCS` over a DigestInfo, the "digest" message type). A
    /// device that takes only digests gets them from [`Mic::of`](crate::Mic::of).
    ///
    /// A wrong signature costs the message: the partner refuses it. It is not verified before it is sent.
    ///
    /// # Errors
    ///
    /// [`KeyStoreError::NoKey`] for an identity that is not here, [`KeyStoreError::Unusable`] where its key cannot sign
    /// that way, [`KeyStoreError::Unavailable`].
    fn sign<'a>(
        &'a self,
        local: &'a As2Name,
        algorithm: SignatureAlgorithm,
        input: SigningInput<'a>,
    ) -> BoxFuture<'a, Result<Vec<u8>, KeyStoreError>>;

    /// Decrypts the content key that a message to `local` carries (RFC 5652 §6.2) with every private key of `local`
    /// that is named among the recipients: the present one, and earlier ones for as long as partners may still use
    /// them. Usually one key comes back; where several do, each is tried on the content.
    ///
    /// What cannot be decrypted must look like what can: an answer, a log line or a delay that tells a partner whether
    /// the padding was right lets it decrypt captured messages (Bleichenbacher 1998, RFC 3218). So no error reports bad
    /// padding, and [`Unwrapped::new`] is the only way to make an answer. An HSM or a KMS does as follows, where `decrypt`
    /// picks the device's mechanism by [`RecipientInfo::key_encryption`]. For ECDH the device agrees on the shared secret
    /// with [`KeyAgreement::ephemeral_key`](crate::cms::KeyAgreement), which it must refuse where the point is not on the
    /// curve of its key, and [`KeyAgreement::unwrap_key`](crate::cms::KeyAgreement::unwrap_key) makes `decrypted` of that:
    ///
    /// ```no_run
    /// # use ediint::{ContentCipher, As2Name};
    /// # use ediint::cms::{Certificate, KeyEncryption, RecipientInfo};
    /// # use ediint::keystore::{KeyStoreError, Unwrapped, addressed_to};
    /// # enum DeviceError { Padding, Offline(std::io::Error) }
    /// # async fn decrypt(certificate: &Certificate, recipient: &RecipientInfo) -> Result<Vec<u8>, DeviceError> { Ok(vec![]) }
    /// # async fn unwrap_key(local: &As2Name, certificates: &[Certificate], recipients: &[RecipientInfo],
    /// #     cipher: ContentCipher) -> Result<Vec<Unwrapped>, KeyStoreError> {
    /// let mut unwrapped = Vec::new();
    /// for (recipient, certificate) in addressed_to(local, certificates, recipients)? {
    ///     let decrypted = match decrypt(certificate, recipient).await {
    ///         Ok(octets) => Some(octets),
    ///         Err(DeviceError::Offline(error)) => return Err(KeyStoreError::Unavailable(error.into())),
    ///         Err(DeviceError::Padding) => None,
    ///     };
    ///     unwrapped.push(Unwrapped::new(decrypted, certificate, recipient, cipher));
    /// }
    /// Ok(unwrapped)
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`KeyStoreError::NoKey`] for an identity that is not here; [`KeyStoreError::NoRecipient`] and
    /// [`KeyStoreError::UnsupportedKeyTransport`] depend on nothing but the recipients' names and algorithms, which
    /// everybody can read; [`KeyStoreError::Unavailable`].
    fn unwrap_key<'a>(
        &'a self,
        local: &'a As2Name,
        recipients: &'a [RecipientInfo],
        cipher: ContentCipher,
    ) -> BoxFuture<'a, Result<Vec<Unwrapped>, KeyStoreError>>;

    /// The certificates configured for `remote` as a partner of `local`; none where there is no such partner.
    ///
    /// They are the whole of the trust in that partner: whoever holds the key of one of the certificates for
    /// [`CertificateUsage::Verify`] signs in the partner's name. An authority's certificate is not to be among them
    /// because it issued the partner's: everything that it signs as a mere signer would be the partner's. Where this
    /// returns the certificate of another partner, that one can send in this one's name.
    ///
    /// # Errors
    ///
    /// [`KeyStoreError::Unavailable`].
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
    /// The message is encrypted for the identity, but the content key in a way that is not supported.
    #[error("the content key for {0} is encrypted in a way that is not supported")]
    UnsupportedKeyTransport(As2Name),
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
