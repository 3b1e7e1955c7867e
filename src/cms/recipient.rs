//! Whom a content key is encrypted for, and how (RFC 5652 §6.2).

use rand_core::CryptoRng;
use rsa::Pkcs1v15Encrypt;

use super::cbc::ContentKey;
use super::certificate::{Certificate, CertificateId, KeyError, KeyKind, PublicKey};
use super::event::CmsError;
use super::key_agreement::KeyAgreement;
use super::oaep::OaepParameters;
use super::oid;
use super::tlv::{BadTlv, Tlv, constructed, encode, tag};
use crate::algorithm::{DigestAlgorithm, KeyTransport};

/// The content key, encrypted for one recipient: `KeyTransRecipientInfo` (RFC 5652 §6.2.1), or one of the recipients of a
/// `KeyAgreeRecipientInfo` (§6.2.2).
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
    /// ECDH, ephemeral-static (RFC 5753 §3.1).
    Ecdh(KeyAgreement),
}

impl KeyEncryption {
    /// Its name, without parameters.
    #[must_use]
    pub fn key_transport(&self) -> KeyTransport {
        match self {
            Self::RsaPkcs1 => KeyTransport::RsaPkcs1,
            Self::RsaOaep(_) => KeyTransport::RsaOaep,
            Self::Ecdh(_) => KeyTransport::Ecdh,
        }
    }

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

    /// Reads the recipients of a `KeyAgreeRecipientInfo`, `most` of them.
    pub(super) fn parse_key_agreement(info: Tlv<'_>, most: usize) -> Result<Vec<Self>, CmsError> {
        let mut fields = info.children();
        fields.expect(tag::INTEGER)?;
        let originator = fields.expect(tag::context_constructed(0))?;
        let ukm = fields.optional(tag::context_constructed(1))?;
        let key_encryption =
            KeyAgreement::parse(originator, ukm, fields.expect(tag::SEQUENCE)?)?.map(KeyEncryption::Ecdh);
        let mut keys = fields.expect(tag::SEQUENCE)?.children();
        let mut recipients = Vec::new();
        while !keys.is_empty() {
            if recipients.len() == most {
                return Err(CmsError::TooManyRecipients);
            }
            let mut key = keys.expect(tag::SEQUENCE)?.children();
            recipients.push(Self {
                id: CertificateId::from_der(key.any()?.raw).map_err(|_| BadTlv)?,
                key_encryption: key_encryption.clone(),
                encrypted_key: key.expect(tag::OCTET_STRING)?.value.to_vec(),
            });
        }
        Ok(recipients)
    }

    /// RFC 5652 §6.2.2: version 3; §6.2.1: version 0 with issuer and serial number, 2 with a key identifier.
    pub(super) fn version(&self) -> u8 {
        match (&self.key_encryption, &self.id) {
            (Some(KeyEncryption::Ecdh(_)), _) => 3,
            (_, CertificateId::IssuerAndSerial { .. }) => 0,
            (_, CertificateId::SubjectKeyIdentifier(_)) => 2,
        }
    }

    pub(super) fn to_der(&self) -> Vec<u8> {
        let (oid, parameters) = match &self.key_encryption {
            // RFC 8551 §2.3: rsaEncryption comes with NULL.
            Some(KeyEncryption::RsaPkcs1) | None => (oid::RSA_ENCRYPTION, encode(tag::NULL, &[])),
            Some(KeyEncryption::RsaOaep(parameters)) => (oid::RSAES_OAEP, parameters.to_der()),
            Some(KeyEncryption::Ecdh(agreement)) => return agreement.to_der(&self.id.to_der(), &self.encrypted_key),
        };
        constructed(
            tag::SEQUENCE,
            [
                &encode(tag::INTEGER, &[self.version()]),
                &self.id.to_der(),
                &constructed(tag::SEQUENCE, [&encode(tag::OID, oid), &parameters]),
                &encode(tag::OCTET_STRING, &self.encrypted_key),
            ],
        )
    }
}

/// Encrypts a content key for the recipient with this certificate, named by issuer and serial number. With
/// [`KeyTransport::Ecdh`], recipients with RSA keys get theirs by RSAES-PKCS1-v1_5, so that both kinds read one message.
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
    let key = key.as_bytes();
    // The modulus has 1024 bits at least, and content keys are as long as those of AES, so each fits.
    let fits = |_| KeyError::Malformed;
    let (key_encryption, encrypted_key) = match (certificate.public_key()?, transport) {
        (PublicKey::Ec(public), KeyTransport::Ecdh) => {
            let (agreement, wrapped) = KeyAgreement::wrap(public, key, rng).ok_or(KeyError::Malformed)?;
            (KeyEncryption::Ecdh(agreement), wrapped)
        }
        (PublicKey::Rsa(public), KeyTransport::RsaPkcs1 | KeyTransport::Ecdh) => {
            let encrypted = public.encrypt(rng, Pkcs1v15Encrypt, key).map_err(fits)?;
            (KeyEncryption::RsaPkcs1, encrypted)
        }
        (PublicKey::Rsa(public), KeyTransport::RsaOaep) => {
            let parameters = OaepParameters::new(DigestAlgorithm::Sha256);
            let encrypted = parameters.encrypt(public, key, rng).map_err(fits)?;
            (KeyEncryption::RsaOaep(parameters), encrypted)
        }
        (other, KeyTransport::Ecdh) => return Err(other.unfit(KeyKind::Ec)),
        (other, KeyTransport::RsaPkcs1 | KeyTransport::RsaOaep) => return Err(other.unfit(KeyKind::Rsa)),
    };
    Ok(RecipientInfo {
        id: CertificateId::issuer_and_serial(certificate),
        key_encryption: Some(key_encryption),
        encrypted_key,
    })
}
