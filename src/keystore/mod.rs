//! Keys: where private keys sign and decrypt, and which certificates are configured for whom (RFC 4130 §8).
//!
//! The core never holds a private key. It stops and asks, and the shells pass the question on to a [`KeyStore`]. A host
//! whose keys may lie in memory uses [`MemoryKeyStore`], or [`DirectoryKeyStore`] if they lie in files; one whose keys
//! come from a database, an HSM or a cloud KMS implements the trait.
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
//!
//! # Which key for what
//!
//! Keys that sign and keys that decrypt may be one or two ([`KeyPurpose`]); those of TLS are not here but in each
//! partnership and in the server's configuration ([`TlsIdentity`](crate::partnership::TlsIdentity)), so that a web
//! server's key cannot sign orders. [`ExpiryReport::shared_with_tls`] finds certificates that serve both all the same.
//! The same files are read for either by [`KeyFile`].
//!
//! A certificate is trusted because it is configured for a partner of an identity, and is told from others by all of its
//! octets: neither a name nor a serial number, nor that it came with a message, counts. What a policy may demand besides,
//! such as a chain or that it is not revoked, is in [`AcceptPolicy`](crate::partnership::AcceptPolicy).
//!
//! # Keys that others keep
//!
//! A store of one's own needs two operations: a signature, and the decryption of a few dozen octets. `examples/custom_key_store`
//! has them in a PKCS#11 token. What the large services offer for AS2 (as of 2026; RSA keys of 2048, 3072 and 4096 bits):
//!
//! | service | signs | decrypts | one key for both |
//! |---|---|---|---|
//! | PKCS#11 | `CKM_RSA_PKCS`, `CKM_SHA256_RSA_PKCS` | `CKM_RSA_PKCS`, in some devices only OAEP | yes |
//! | AWS KMS | `RSASSA_PKCS1_V1_5_SHA_256`, message or digest | `RSAES_OAEP_SHA_1` and `_SHA_256` only | no: a key signs or decrypts |
//! | Azure Key Vault, Managed HSM | `RS256`, of a digest | `RSA1_5` (not recommended by Microsoft), `RSA-OAEP`, `RSA-OAEP-256` | yes |
//! | Google Cloud KMS | `RSA_SIGN_PKCS1_*_SHA256`, of a digest | `RSA_DECRYPT_OAEP_*` only | no: a key has one purpose |
//!
//! This crate takes content keys under RSAES-PKCS1-v1_5, RSAES-OAEP and ECDH alike, and asks the store for whichever the
//! partner chose ([`KeyEncryption`](crate::cms::KeyEncryption)). Nearly all AS2 products encrypt with RSAES-PKCS1-v1_5,
//! though, and many know nothing else. So with AWS and Google only partners that have agreed on OAEP can be served, or the
//! decryption key stays with the host while the service signs: a store may do the one here and the other there, under two
//! certificates. Of [`OaepParameters`](crate::cms::OaepParameters) the services take those with one digest for label and
//! mask and an empty label; others, like any way that a device does not know, are
//! [`KeyStoreError::UnsupportedKeyTransport`], which everybody can see from the message.
//!
//! Keys on curves sign in all of them (P-256 and P-384 at least). PKCS#11 and Azure return the two numbers side by side,
//! AWS and Google in the DER that [`KeyStore::sign`] has to return. For decryption they agree on a secret with PKCS#11
//! (`CKM_ECDH1_DERIVE`) and AWS (`DeriveSharedSecret`); see [`KeyAgreement`](crate::cms::KeyAgreement).
//!
//! What is sent to be decrypted is an attacker's choice, and a service that tells bad padding from good is the oracle of
//! Bleichenbacher's attack if that shows in an answer. So an answer of the service that has to do with the ciphertext,
//! an error as much as octets, goes into [`Unwrapped::new`], which puts a key in its place that nobody knows; only
//! errors that would come for every ciphertext (no connection, no permission, too many requests) are
//! [`KeyStoreError::Unavailable`]. Retrying a call because of bad padding, or logging it where a partner could see the
//! log, would give it away again; so would the time, where a service answers one much faster than the other.

mod directory;
mod ec_key;
mod entry;
mod expiry;
mod fast_rsa;
mod files;
mod identity;
mod index;
mod memory;
mod operations;
mod partner;
mod prime_order;
mod private_key;
mod revocation_files;
mod unwrapped;

use std::error::Error;
use std::sync::Arc;

use rustls_pki_types::CertificateDer;

use crate::algorithm::{ContentCipher, SignatureAlgorithm};
use crate::cms::{Certificate, RecipientInfo, SigningInput};
use crate::future::BoxFuture;
use crate::name::As2Name;

pub use directory::{DirectoryError, DirectoryKeyStore, ReloadError, SettingsError};
pub use entry::{KeyEntry, KeyPurpose};
pub use expiry::{CertificateRole, CertificateUse, ExpiryMonitor, ExpiryReport, ExpiryWarning};
pub use files::{KeyFile, KeyFileError};
pub use identity::{Identity, IdentityError};
pub use memory::MemoryKeyStore;
pub use operations::{KeyOperations, TooManyOperations};
pub use partner::{PartnerCertificate, PartnerCertificates};
#[cfg(feature = "transport")]
pub(crate) use prime_order::larger_prime_first_der;
pub use private_key::{PrivateKey, PrivateKeyError};
pub use revocation_files::{RevocationFileError, RevocationFiles};
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
    /// `known` is a certificate of `local` that the partner evidently knows, for it encrypted for it. It is given for
    /// receipts, where the partnership asks for that: while keys are being changed, a receipt under the certificate that
    /// belongs to it is one that the partner can verify. A store that has one certificate, or that does not tell them
    /// apart, ignores it.
    ///
    /// # Errors
    ///
    /// [`KeyStoreError::NoKey`] for an identity that is not here, [`KeyStoreError::Unavailable`].
    fn signing_chain<'a>(
        &'a self,
        local: &'a As2Name,
        known: Option<&'a Certificate>,
    ) -> BoxFuture<'a, Result<Vec<CertificateDer<'static>>, KeyStoreError>>;

    /// Signs with the key of `certificate`, the first that [`signing_chain`](Self::signing_chain) named a moment ago, and
    /// returns the signature value as it goes into a SignerInfo: for RSA (RFC 8017 §8) exactly as many octets as the
    /// modulus has, for ECDSA the two numbers in DER (RFC 5753 §7.2). It must be that key, whatever has changed in
    /// between, for what is signed names its certificate.
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
    /// [`KeyStoreError::NoKey`] for an identity that is not here, [`KeyStoreError::KeyGone`] where it has no such
    /// certificate, [`KeyStoreError::Unusable`] where the key cannot sign that way, [`KeyStoreError::Unavailable`].
    fn sign<'a>(
        &'a self,
        local: &'a As2Name,
        certificate: &'a Certificate,
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
    /// Encrypting for the partner: the one to use first. Of several that are in force it is the newest; it comes also
    /// where it has expired, so that the sender can say so.
    Encrypt,
}

/// Why a [`KeyStore`] could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyStoreError {
    /// There is no such identity, or it has no key for this.
    #[error("no key is configured for {0}")]
    NoKey(As2Name),
    /// The identity had a key for this certificate, but it has been removed or replaced. Begun anew, with the certificate
    /// that is there now, it works.
    #[error("the key of {1} was removed from the keys of {0} while it was in use: try again")]
    KeyGone(As2Name, Certificate),
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
        known: Option<&'a Certificate>,
    ) -> BoxFuture<'a, Result<Vec<CertificateDer<'static>>, KeyStoreError>> {
        (**self).signing_chain(local, known)
    }

    fn sign<'a>(
        &'a self,
        local: &'a As2Name,
        certificate: &'a Certificate,
        algorithm: SignatureAlgorithm,
        input: SigningInput<'a>,
    ) -> BoxFuture<'a, Result<Vec<u8>, KeyStoreError>> {
        (**self).sign(local, certificate, algorithm, input)
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
