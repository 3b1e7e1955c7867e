//! `EnvelopedData` (RFC 5652 §6) and `AuthEnvelopedData` (RFC 5083).

use super::content_info::content_info;
use super::event::CmsError;
#[cfg(feature = "legacy")]
use super::legacy;
use super::oid;
use super::recipient::RecipientInfo;
use super::tlv::{Tlv, constructed, encode, encode_open, set_of, tag};
use crate::algorithm::{ContentCipher, UnknownAlgorithm};

/// The authentication codes that we make, in octets.
const MAC_LEN: usize = 16;

/// The start of `EnvelopedData` or `AuthEnvelopedData`, up to the ciphertext.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EnvelopedHead {
    /// Whom the content key is encrypted for by key transport or key agreement, 64 at most; other kinds of recipients are
    /// left out.
    pub recipients: Vec<RecipientInfo>,
    /// The cipher of the content, or the object identifier of one that is not supported.
    pub cipher: Result<ContentCipher, UnknownAlgorithm>,
    /// The initialisation vector or the nonce; empty for ciphers that are not supported.
    pub iv: Vec<u8>,
    /// The length of the authentication code in octets, where it is named (RFC 5084 §3.2 `aes-ICVlen`).
    pub mac_len: Option<usize>,
    /// Whether this is `AuthEnvelopedData`.
    pub authenticated: bool,
}

impl Default for EnvelopedHead {
    fn default() -> Self {
        Self {
            recipients: Vec::new(),
            cipher: Err(UnknownAlgorithm::new("")),
            iv: Vec::new(),
            mac_len: None,
            authenticated: false,
        }
    }
}

impl EnvelopedHead {
    /// Adds a `KeyTransRecipientInfo`, or the recipients of a `KeyAgreeRecipientInfo`, so that there are `most`.
    pub(super) fn add_recipient(&mut self, info: Tlv<'_>, most: usize) -> Result<(), CmsError> {
        if info.tag == tag::SEQUENCE {
            self.recipients.push(RecipientInfo::parse(info)?);
        } else {
            let more = most.saturating_sub(self.recipients.len());
            self.recipients.extend(RecipientInfo::parse_key_agreement(info, more)?);
        }
        Ok(())
    }

    pub(super) fn set_algorithm(&mut self, algorithm: Tlv<'_>) -> Result<(), CmsError> {
        let mut fields = algorithm.children();
        let name = fields.expect(tag::OID)?.value;
        #[cfg(feature = "legacy")]
        if name == oid::RC2_CBC {
            (self.cipher, self.iv) = legacy::rc2_parameters(fields.any()?)?;
            return Ok(());
        }
        self.cipher = oid::cipher(name);
        match self.cipher {
            Ok(cipher) if cipher.is_authenticated() => {
                let mut parameters = fields.expect(tag::SEQUENCE)?.children();
                self.iv = parameters.expect(tag::OCTET_STRING)?.value.to_vec();
                self.mac_len = match parameters.optional(tag::INTEGER)?.map(|len| len.value) {
                    None => None,
                    Some([len @ 12..=16]) => Some(usize::from(*len)),
                    Some(_) => return Err(CmsError::Structure),
                };
            }
            Ok(_) => self.iv = fields.expect(tag::OCTET_STRING)?.value.to_vec(),
            Err(_) => {}
        }
        Ok(())
    }
}

/// The DER of a `ContentInfo` up to the ciphertext, of which `content_len` octets must follow, then
/// [`enveloped_suffix`]: `EnvelopedData` (RFC 5652 §6.1) or, for ciphers that authenticate, `AuthEnvelopedData` (RFC 5083
/// §2.1). The recipients are those that [`encrypt_content_key`](super::encrypt_content_key) made.
#[must_use]
pub fn enveloped_prefix(recipients: &[RecipientInfo], cipher: ContentCipher, iv: &[u8], content_len: u64) -> Vec<u8> {
    let iv = encode(tag::OCTET_STRING, iv);
    let (content_type, version, parameters, suffix_len) = match cipher.is_authenticated() {
        true => {
            let mac_len = [u8::try_from(MAC_LEN).unwrap_or_default()];
            let parameters = constructed(tag::SEQUENCE, [&iv, &encode(tag::INTEGER, &mac_len)]);
            (
                oid::AUTH_ENVELOPED_DATA,
                0,
                parameters,
                enveloped_suffix(&[0; MAC_LEN]).len(),
            )
        }
        false => {
            let all_zero = recipients.iter().all(|recipient| recipient.version() == 0);
            let version = if all_zero { 0 } else { 2 };
            (oid::ENVELOPED_DATA, version, iv, 0)
        }
    };
    let algorithm = constructed(tag::SEQUENCE, [&encode(tag::OID, oid::of_cipher(cipher)), &parameters]);
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
    let rest = content_len.saturating_add(u64::try_from(suffix_len).unwrap_or(u64::MAX));
    content_info(content_type, &fields.concat(), rest)
}

/// What comes after the ciphertext: the authentication code that
/// [`ContentEncryptor::finish`](super::ContentEncryptor::finish) returned, or nothing without one.
#[must_use]
pub fn enveloped_suffix(mac: &[u8]) -> Vec<u8> {
    match mac {
        [] => Vec::new(),
        mac => encode(tag::OCTET_STRING, mac),
    }
}

#[cfg(test)]
mod tests;
