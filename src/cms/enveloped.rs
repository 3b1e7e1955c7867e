//! `EnvelopedData` (RFC 5652 §6).

use rand_core::CryptoRng;

use super::ber::{self, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, Tlv};
use super::cbc::ContentKey;
use super::certificate::{Certificate, CertificateId, KeyError};
use super::oid;
use super::reader::CmsError;
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
    pub(super) fn add_recipient(&mut self, key_trans_recipient_info: &[u8]) -> Result<(), CmsError> {
        self.recipients.push(RecipientInfo::parse(key_trans_recipient_info)?);
        Ok(())
    }

    pub(super) fn set_algorithm(&mut self, mut algorithm: &[u8]) -> Result<(), CmsError> {
        let mut fields = Tlv::read_as(&mut algorithm, SEQUENCE)?.content;
        self.cipher = oid::cipher(Tlv::read_as(&mut fields, OBJECT_IDENTIFIER)?.content);
        if self.cipher.is_ok() {
            self.iv = Tlv::read_as(&mut fields, OCTET_STRING)?.content.to_vec();
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
    fn parse(mut octets: &[u8]) -> Result<Self, CmsError> {
        let mut fields = Tlv::read_as(&mut octets, SEQUENCE)?.content;
        Tlv::read_as(&mut fields, ber::INTEGER)?;
        let id = CertificateId::from_der(Tlv::read(&mut fields)?.octets).map_err(|_| CmsError::Structure)?;
        let mut algorithm = Tlv::read_as(&mut fields, SEQUENCE)?.content;
        let key_transport = match Tlv::read_as(&mut algorithm, OBJECT_IDENTIFIER)?.content {
            oid::RSA_ENCRYPTION => Some(KeyTransport::RsaPkcs1),
            _ => None,
        };
        let encrypted_key = Tlv::read_as(&mut fields, OCTET_STRING)?.content.to_vec();
        Ok(Self {
            id,
            key_transport,
            encrypted_key,
        })
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
    let _ = (certificate, transport, key, rng);
    unimplemented!()
}

/// The DER of a `ContentInfo` with `EnvelopedData` (RFC 5652 §6.1) up to the ciphertext, of which `content_len` octets
/// must follow; nothing comes after them.
#[must_use]
pub fn enveloped_prefix(recipients: &[RecipientInfo], cipher: ContentCipher, iv: &[u8], content_len: u64) -> Vec<u8> {
    let _ = (recipients, cipher, iv, content_len);
    unimplemented!()
}
