//! The fields of an X.509 certificate that AS2 needs: names, serial number, key and validity.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use rsa::PublicKey as RsaPublicKey;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::{self, PemObject};
use sha1::{Digest, Sha1};
use sha2::Sha256;

use super::ec::EcPublicKey;
use super::fast_verify::FastVerifier;
use super::oid;
use super::pss::PssParameters;
use super::time;
use super::tlv::{self, BadTlv, Tlv, Tlvs, tag};
use crate::algorithm::SignatureAlgorithm;

#[path = "certificate/extensions.rs"]
mod extensions;
#[path = "certificate/id.rs"]
mod id;
#[path = "certificate/key.rs"]
mod key;
#[path = "certificate/names.rs"]
mod names;

use key::KeyFields;

pub use id::CertificateId;
pub use key::{KeyError, KeyKind};
pub(crate) use key::{MAX_MODULUS_BITS, PublicKey};

/// An X.509 certificate (RFC 5280 §4.1), read once and cheap to clone.
///
/// In AS2 a certificate is trusted because the host configured it, so nothing is asked of it but its fields: version 1,
/// CA certificates used as leaves and odd extensions are all taken. Two certificates are equal when their bytes are.
#[derive(Clone)]
pub struct Certificate(Arc<Fields>);

struct Fields {
    der: CertificateDer<'static>,
    fingerprint: [u8; 32],
    issuer: Vec<u8>,
    serial: Vec<u8>,
    subject: Vec<u8>,
    subject_key_identifier: Option<Vec<u8>>,
    key_hash: [u8; 20],
    not_before: SystemTime,
    not_after: SystemTime,
    key: Result<KeyFields, KeyError>,
    /// The key ready for use: making it ready costs as much as using it.
    public_key: OnceLock<Result<PublicKey, KeyError>>,
    fast_verifier: OnceLock<Option<FastVerifier>>,
}

/// Why a certificate cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// The bytes are not a DER certificate.
    #[error("not an X.509 certificate in DER form")]
    Malformed,
    /// The text is not PEM.
    #[error("not PEM")]
    Pem(#[source] pem::Error),
    /// The PEM text holds no `CERTIFICATE` section.
    #[error("no certificate in the PEM text")]
    NoCertificate,
}

impl From<BadTlv> for CertificateError {
    fn from(BadTlv: BadTlv) -> Self {
        Self::Malformed
    }
}

impl Certificate {
    /// Reads a certificate from DER. Bytes after it are ignored: files often end with a line feed.
    ///
    /// # Errors
    ///
    /// [`CertificateError::Malformed`].
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let certificate = Tlvs(der).expect(tag::SEQUENCE)?;
        let mut tbs = certificate.children().expect(tag::SEQUENCE)?.children();
        tbs.optional(tag::context_constructed(0))?;
        let serial = tbs.expect(tag::INTEGER)?.value.to_vec();
        tbs.expect(tag::SEQUENCE)?;
        let issuer = tbs.expect(tag::SEQUENCE)?.raw.to_vec();
        let mut validity = tbs.expect(tag::SEQUENCE)?.children();
        let (not_before, not_after) = (time::parse(validity.any()?)?, time::parse(validity.any()?)?);
        let subject = tbs.expect(tag::SEQUENCE)?.raw.to_vec();
        let key_info = tbs.expect(tag::SEQUENCE)?;
        tbs.optional(tag::context(1))?;
        tbs.optional(tag::context(2))?;
        let subject_key_identifier = match tbs.optional(tag::context_constructed(3))? {
            Some(extensions) => subject_key_identifier(extensions)?,
            None => None,
        };
        let (key_bits, key) = KeyFields::parse(key_info)?;
        Ok(Self(Arc::new(Fields {
            fingerprint: Sha256::digest(certificate.raw).into(),
            der: CertificateDer::from(certificate.raw.to_vec()),
            issuer,
            serial,
            subject,
            subject_key_identifier,
            key_hash: Sha1::digest(key_bits).into(),
            not_before,
            not_after,
            key,
            public_key: OnceLock::new(),
            fast_verifier: OnceLock::new(),
        })))
    }

    /// Reads the first certificate of a PEM text; what is around it is ignored.
    ///
    /// # Errors
    ///
    /// [`CertificateError`].
    pub fn from_pem(text: &[u8]) -> Result<Self, CertificateError> {
        Self::sections(text).next().ok_or(CertificateError::NoCertificate)?
    }

    /// Reads all certificates of a PEM text in their order.
    ///
    /// # Errors
    ///
    /// [`CertificateError`], also when there is none.
    pub fn all_from_pem(text: &[u8]) -> Result<Vec<Self>, CertificateError> {
        let all = Self::sections(text).collect::<Result<Vec<_>, _>>()?;
        if all.is_empty() {
            return Err(CertificateError::NoCertificate);
        }
        Ok(all)
    }

    fn sections(text: &[u8]) -> impl Iterator<Item = Result<Self, CertificateError>> + '_ {
        CertificateDer::pem_slice_iter(text).map(|section| match section {
            Ok(der) => Self::from_der(&der),
            Err(error) => Err(CertificateError::Pem(error)),
        })
    }

    /// The certificate itself.
    #[must_use]
    pub fn der(&self) -> &CertificateDer<'static> {
        &self.0.der
    }

    /// SHA-256 of the certificate.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        self.0.fingerprint
    }

    /// [`Certificate::fingerprint`] in lower-case hexadecimal without separators.
    #[must_use]
    pub fn fingerprint_hex(&self) -> String {
        tlv::hex(&self.0.fingerprint)
    }

    /// The issuer as a DER `Name`, as it is in the certificate.
    #[must_use]
    pub fn issuer(&self) -> &[u8] {
        &self.0.issuer
    }

    /// The content octets of the serial number.
    #[must_use]
    pub fn serial(&self) -> &[u8] {
        &self.0.serial
    }

    /// The subject as a DER `Name`, as it is in the certificate. [`Display`](fmt::Display) is the form for people.
    #[must_use]
    pub fn subject(&self) -> &[u8] {
        &self.0.subject
    }

    /// The subject key identifier: the extension or, without one, the SHA-1 of the key (RFC 5280 §4.2.1.2 (1)).
    #[must_use]
    pub fn subject_key_identifier(&self) -> &[u8] {
        self.0.subject_key_identifier.as_deref().unwrap_or(&self.0.key_hash)
    }

    /// Whether both certificates are for the same key.
    pub(crate) fn has_key_of(&self, other: &Self) -> bool {
        self.0.key_hash == other.0.key_hash
    }

    /// The beginning of the validity period.
    #[must_use]
    pub fn not_before(&self) -> SystemTime {
        self.0.not_before
    }

    /// The end of the validity period, inclusive.
    #[must_use]
    pub fn not_after(&self) -> SystemTime {
        self.0.not_after
    }

    /// Whether `time` is within the validity period.
    #[must_use]
    pub fn is_valid_at(&self, time: SystemTime) -> bool {
        (self.0.not_before..=self.0.not_after).contains(&time)
    }

    /// The length of the RSA modulus in bits; `None` for other keys.
    #[must_use]
    pub fn key_bits(&self) -> Option<usize> {
        self.0.key.as_ref().ok().and_then(KeyFields::modulus_bits)
    }

    /// What the public key is for.
    ///
    /// # Errors
    ///
    /// [`KeyError`] where it cannot be used.
    pub fn key_kind(&self) -> Result<KeyKind, KeyError> {
        self.public_key().map(PublicKey::kind)
    }

    /// The RSA public key, after its size and exponent have been found to be sane.
    ///
    /// # Errors
    ///
    /// [`KeyError`], also for keys that are not for RSA in every form.
    pub fn rsa_public_key(&self) -> Result<RsaPublicKey, KeyError> {
        self.rsa_pkcs1_key().cloned()
    }

    /// The public key, after it has been found to be sane.
    pub(crate) fn public_key(&self) -> Result<&PublicKey, KeyError> {
        let make = || self.0.key.as_ref().map_err(Clone::clone)?.to_key();
        self.0.public_key.get_or_init(make).as_ref().map_err(Clone::clone)
    }

    /// Whether the key can make signatures of this kind.
    ///
    /// # Errors
    ///
    /// [`KeyError`] where it cannot, and for what no key signs.
    pub fn check_signature_algorithm(&self, algorithm: SignatureAlgorithm) -> Result<(), KeyError> {
        algorithm.digest().check_sent()?;
        match algorithm {
            SignatureAlgorithm::RsaPkcs1(_) => self.rsa_pkcs1_key().map(|_| ()),
            SignatureAlgorithm::RsaPss(digest) => self.rsa_pss_key(PssParameters::new(digest)).map(|_| ()),
            SignatureAlgorithm::Ecdsa(_) => self.ec_key().map(|_| ()),
        }
    }

    pub(super) fn rsa_pkcs1_key(&self) -> Result<&RsaPublicKey, KeyError> {
        match self.public_key()? {
            PublicKey::Rsa(key) => Ok(key),
            other => Err(other.unfit(KeyKind::Rsa)),
        }
    }

    pub(super) fn rsa_pss_key(&self, parameters: PssParameters) -> Result<&RsaPublicKey, KeyError> {
        match self.public_key()? {
            PublicKey::RsaPss(_, Some(restriction)) if !restriction.allows(parameters) => Err(KeyError::Restricted),
            PublicKey::Rsa(key) | PublicKey::RsaPss(key, _) => Ok(key),
            other => Err(other.unfit(KeyKind::RsaPss)),
        }
    }

    pub(super) fn ec_key(&self) -> Result<&EcPublicKey, KeyError> {
        match self.public_key()? {
            PublicKey::Ec(key) => Ok(key),
            other => Err(other.unfit(KeyKind::Ec)),
        }
    }

    /// The key for verifying RSA signatures fast, where that can be done.
    pub(super) fn fast_verifier(&self) -> Option<&FastVerifier> {
        let make = || match self.public_key().ok()? {
            PublicKey::Rsa(key) | PublicKey::RsaPss(key, _) => FastVerifier::new(key),
            PublicKey::Ec(_) => None,
        };
        self.0.fast_verifier.get_or_init(make).as_ref()
    }
}

fn subject_key_identifier(extensions: Tlv<'_>) -> Result<Option<Vec<u8>>, BadTlv> {
    let mut extensions = extensions.children().expect(tag::SEQUENCE)?.children();
    while !extensions.is_empty() {
        let mut extension = extensions.expect(tag::SEQUENCE)?.children();
        if extension.expect(tag::OID)?.value == oid::SUBJECT_KEY_IDENTIFIER {
            extension.optional(tag::BOOLEAN)?;
            let value = extension.expect(tag::OCTET_STRING)?;
            // An odd extension is as good as none: the identifier is only a hint.
            return Ok(value
                .children()
                .expect(tag::OCTET_STRING)
                .ok()
                .map(|id| id.value.to_vec()));
        }
    }
    Ok(None)
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.0.der == other.0.der
    }
}

impl Eq for Certificate {}

/// The subject, most specific part first: `CN=Acme EDI, O=Acme`. Values are escaped as in RFC 4514 §2.4, so that no two
/// names look the same: `CN=Acme\, Inc`.
impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        names::display(&self.0.subject, f)
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("subject", &self.to_string())
            .field("fingerprint", &self.fingerprint_hex())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "certificate/tests.rs"]
mod tests;
