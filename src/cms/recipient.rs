//! Whom a content key is encrypted for, and how (RFC 5652 §6.2).

use rand_core::CryptoRng;
use rsa::Pkcs1v15Encrypt;

use super::cbc::ContentKey;
use super::certificate::{Certificate, CertificateId, KeyError};
use super::oaep::OaepParameters;
use super::oid;
use super::tlv::{BadTlv, Tlv, constructed, encode, tag};
use crate::algorithm::{DigestAlgorithm, KeyTransport};

/// The content key, encrypted for one recipient: `KeyTransRecipientInfo` (RFC 5652 §6.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecipientInfo {
    /// Which certificate the recipient is.
    pub id: CertificateId,
    /// How the content key is encrypted; `None` for a way that is not supported.
    pub key_encryption: Option<KeyEncryption>,
    /// The encrypted content key.
    pub encrypted_key: Vec<u8>,
}

/// How a content key is encrypted, with all that decrypting it takes besides the private key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyEncryption {
    /// RSAES-PKCS1-v1_5 (RFC 8017 §7.2).
    RsaPkcs1,
    /// RSAES-OAEP (RFC 8017 §7.1).
    RsaOaep(OaepParameters),
}

impl KeyEncryption {
    /// Reads a `keyEncryptionAlgorithm` of key transport.
    fn parse(algorithm: Tlv<'_>) -> Result<Option<Self>, BadTlv> {
        let mut fields = algorithm.children();
        Ok(match fields.expect(tag::OID)?.value {
            oid::RSA_ENCRYPTION => Some(Self::RsaPkcs1),
            oid::RSAES_OAEP => {
                let parameters = (!fields.is_empty()).then(|| fields.any()).transpose()?;
                OaepParameters::parse(parameters)?.map(Self::RsaOaep)
            }
            _ => None,
        })
    }

    fn to_der(&self) -> Vec<u8> {
        match self {
            // RFC 8551 §2.3: rsaEncryption comes with NULL.
            Self::RsaPkcs1 => constructed(
                tag::SEQUENCE,
                [&encode(tag::OID, oid::RSA_ENCRYPTION), &encode(tag::NULL, &[])],
            ),
            Self::RsaOaep(parameters) => constructed(
                tag::SEQUENCE,
                [&encode(tag::OID, oid::RSAES_OAEP), &parameters.to_der()],
            ),
        }
    }
}

impl RecipientInfo {
    /// Reads a `KeyTransRecipientInfo`.
    pub(super) fn parse(info: Tlv<'_>) -> Result<Self, BadTlv> {
        let mut fields = info.children();
        fields.expect(tag::INTEGER)?;
        Ok(Self {
            id: CertificateId::from_der(fields.any()?.raw).map_err(|_| BadTlv)?,
            key_encryption: KeyEncryption::parse(fields.expect(tag::SEQUENCE)?)?,
            encrypted_key: fields.expect(tag::OCTET_STRING)?.value.to_vec(),
        })
    }

    /// RFC 5652 §6.2.1: version 0 with issuer and serial number, 2 with a key identifier.
    pub(super) fn version(&self) -> u8 {
        match self.id {
            CertificateId::IssuerAndSerial { .. } => 0,
            CertificateId::SubjectKeyIdentifier(_) => 2,
        }
    }

    pub(super) fn to_der(&self) -> Vec<u8> {
        let algorithm = self.key_encryption.as_ref().unwrap_or(&KeyEncryption::RsaPkcs1);
        constructed(
            tag::SEQUENCE,
            [
                &encode(tag::INTEGER, &[self.version()]),
                &self.id.to_der(),
                &algorithm.to_der(),
                &encode(tag::OCTET_STRING, &self.encrypted_key),
            ],
        )
    }
}

/// Encrypts a content key for the recipient with this certificate, named by issuer and serial number.
///
/// # Errors
///
/// [`KeyError`] where the certificate has no key that can be used in this way.
pub fn encrypt_content_key(
    certificate: &Certificate,
    transport: KeyTransport,
    key: &ContentKey,
    rng: &mut dyn CryptoRng,
) -> Result<RecipientInfo, KeyError> {
    let public = certificate.rsa_public_key()?;
    let (key_encryption, encrypted_key) = match transport {
        KeyTransport::RsaPkcs1 => (
            KeyEncryption::RsaPkcs1,
            public.encrypt(rng, Pkcs1v15Encrypt, key.as_bytes()),
        ),
        KeyTransport::RsaOaep => {
            let parameters = OaepParameters::new(DigestAlgorithm::Sha256);
            let encrypted = parameters.encrypt(&public, key.as_bytes(), rng);
            (KeyEncryption::RsaOaep(parameters), encrypted)
        }
    };
    Ok(RecipientInfo {
        id: CertificateId::issuer_and_serial(certificate),
        key_encryption: Some(key_encryption),
        // The modulus has 1024 bits at least, so the key fits.
        encrypted_key: encrypted_key.map_err(|_| KeyError::Malformed)?,
    })
}
