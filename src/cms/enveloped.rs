//! `EnvelopedData` (RFC 5652 §6).

use rand_core::CryptoRng;
use rsa::Pkcs1v15Encrypt;

use super::cbc::ContentKey;
use super::certificate::{Certificate, CertificateId, KeyError};
use super::content_info::content_info;
use super::event::CmsError;
use super::oid;
use super::tlv::{BadTlv, Tlv, constructed, encode, encode_open, set_of, tag};
use crate::algorithm::{ContentCipher, KeyTransport, UnknownAlgorithm};

/// The start of `EnvelopedData`, up to the ciphertext.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EnvelopedHead {
    /// Whom the content key is encrypted for by key transport, 64 at most; other kinds of recipients are left out.
    pub recipients: Vec<RecipientInfo>,
    /// The cipher of the content, or the object identifier of one that is not supported.
    pub cipher: Result<ContentCipher, UnknownAlgorithm>,
    /// The initialisation vector; empty for ciphers that are not supported.
    pub iv: Vec<u8>,
}

impl Default for EnvelopedHead {
    fn default() -> Self {
        Self {
            recipients: Vec::new(),
            cipher: Err(UnknownAlgorithm(String::new())),
            iv: Vec::new(),
        }
    }
}

impl EnvelopedHead {
    pub(super) fn add_recipient(&mut self, key_trans_recipient_info: Tlv<'_>) -> Result<(), CmsError> {
        self.recipients.push(RecipientInfo::parse(key_trans_recipient_info)?);
        Ok(())
    }

    pub(super) fn set_algorithm(&mut self, algorithm: Tlv<'_>) -> Result<(), CmsError> {
        let mut fields = algorithm.children();
        self.cipher = oid::cipher(fields.expect(tag::OID)?.value);
        if self.cipher.is_ok() {
            self.iv = fields.expect(tag::OCTET_STRING)?.value.to_vec();
        }
        Ok(())
    }
}

/// The content key, encrypted for one recipient: `KeyTransRecipientInfo` (RFC 5652 §6.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecipientInfo {
    /// Which certificate the recipient is.
    pub id: CertificateId,
    /// How the content key is encrypted; `None` for a way that is not supported.
    pub key_transport: Option<KeyTransport>,
    /// The encrypted content key.
    pub encrypted_key: Vec<u8>,
}

impl RecipientInfo {
    fn parse(info: Tlv<'_>) -> Result<Self, BadTlv> {
        let mut fields = info.children();
        fields.expect(tag::INTEGER)?;
        let id = CertificateId::from_der(fields.any()?.raw).map_err(|_| BadTlv)?;
        let key_transport = match fields.expect(tag::SEQUENCE)?.children().expect(tag::OID)?.value {
            oid::RSA_ENCRYPTION => Some(KeyTransport::RsaPkcs1),
            _ => None,
        };
        let encrypted_key = fields.expect(tag::OCTET_STRING)?.value.to_vec();
        Ok(Self {
            id,
            key_transport,
            encrypted_key,
        })
    }

    /// RFC 5652 §6.2.1: version 0 with issuer and serial number, 2 with a key identifier.
    fn version(&self) -> u8 {
        match self.id {
            CertificateId::IssuerAndSerial { .. } => 0,
            CertificateId::SubjectKeyIdentifier(_) => 2,
        }
    }

    fn to_der(&self) -> Vec<u8> {
        // RFC 8551 §2.3: rsaEncryption comes with NULL.
        let algorithm = constructed(
            tag::SEQUENCE,
            [&encode(tag::OID, oid::RSA_ENCRYPTION), &encode(tag::NULL, &[])],
        );
        constructed(
            tag::SEQUENCE,
            [
                &encode(tag::INTEGER, &[self.version()]),
                &self.id.to_der(),
                &algorithm,
                &encode(tag::OCTET_STRING, &self.encrypted_key),
            ],
        )
    }
}

/// Encrypts a content key for the recipient with this certificate, named by issuer and serial number.
///
/// # Errors
///
/// [`KeyError`] where the certificate has no RSA key that can be used.
pub fn encrypt_content_key(
    certificate: &Certificate,
    transport: KeyTransport,
    key: &ContentKey,
    rng: &mut dyn CryptoRng,
) -> Result<RecipientInfo, KeyError> {
    let encrypted_key = match transport {
        KeyTransport::RsaPkcs1 => certificate
            .rsa_public_key()?
            .encrypt(rng, Pkcs1v15Encrypt, key.as_bytes())
            // The modulus has 1024 bits at least, so the key fits.
            .map_err(|_| KeyError::Malformed)?,
    };
    Ok(RecipientInfo {
        id: CertificateId::issuer_and_serial(certificate),
        key_transport: Some(transport),
        encrypted_key,
    })
}

/// The DER of a `ContentInfo` with `EnvelopedData` (RFC 5652 §6.1) up to the ciphertext, of which `content_len` octets
/// must follow; nothing comes after them. The recipients are those that [`encrypt_content_key`] made.
#[must_use]
pub fn enveloped_prefix(recipients: &[RecipientInfo], cipher: ContentCipher, iv: &[u8], content_len: u64) -> Vec<u8> {
    let version = recipients.iter().map(RecipientInfo::version).max().unwrap_or(0);
    let algorithm = constructed(
        tag::SEQUENCE,
        [
            &encode(tag::OID, oid::of_cipher(cipher)),
            &encode(tag::OCTET_STRING, iv),
        ],
    );
    let encrypted = [
        encode(tag::OID, oid::DATA),
        algorithm,
        encode_open(tag::context(0), &[], content_len),
    ];
    let fields = [
        encode(tag::INTEGER, &[version]),
        set_of(tag::SET, recipients.iter().map(RecipientInfo::to_der).collect()),
        encode_open(tag::SEQUENCE, &encrypted.concat(), content_len),
    ];
    content_info(oid::ENVELOPED_DATA, &fields.concat(), content_len)
}

#[cfg(test)]
mod tests;
