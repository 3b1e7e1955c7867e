//! `EnvelopedData` (RFC 5652 §6).

use super::content_info::content_info;
use super::event::CmsError;
use super::oid;
use super::recipient::RecipientInfo;
use super::tlv::{Tlv, constructed, encode, encode_open, set_of, tag};
use crate::algorithm::{ContentCipher, UnknownAlgorithm};

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

/// The DER of a `ContentInfo` with `EnvelopedData` (RFC 5652 §6.1) up to the ciphertext, of which `content_len` octets
/// must follow; nothing comes after them. The recipients are those that [`encrypt_content_key`](super::encrypt_content_key) made.
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
