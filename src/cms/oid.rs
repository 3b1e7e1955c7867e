//! The object identifiers of CMS, as content octets.

use const_oid::ObjectIdentifier;
use const_oid::db::DB;

use super::ber::{self, OBJECT_IDENTIFIER, SEQUENCE};
use crate::algorithm::{ContentCipher, DigestAlgorithm, UnknownAlgorithm};

/// id-data.
pub(super) const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
/// id-signedData.
pub(super) const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
/// id-envelopedData.
pub(super) const ENVELOPED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 3];
/// id-ct-compressedData.
pub(super) const COMPRESSED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 9];
/// id-alg-zlibCompress.
pub(super) const ZLIB: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 3, 8];

/// Dotted, with the name where it is a known one, for people.
pub(super) fn text(content: &[u8]) -> String {
    let Ok(oid) = ObjectIdentifier::from_bytes(content) else {
        return format!("{content:02x?}");
    };
    match DB.by_oid(&oid) {
        Some(name) => format!("{oid} ({name})"),
        None => oid.to_string(),
    }
}

/// The start of a `ContentInfo` (RFC 5652 §3) whose content starts with the fields `head` and goes on for `rest` octets.
pub(super) fn content_info(content_type: &[u8], head: &[u8], rest: u64) -> Vec<u8> {
    let mut wrapped = Vec::with_capacity(head.len() + 40);
    ber::push_value(&mut wrapped, OBJECT_IDENTIFIER, content_type);
    ber::nested_headers(&mut wrapped, &[0xa0, SEQUENCE], ber::len_u64(head).saturating_add(rest));
    wrapped.extend_from_slice(head);
    let mut out = Vec::with_capacity(wrapped.len() + 10);
    ber::push_header(&mut out, SEQUENCE, ber::len_u64(&wrapped).saturating_add(rest));
    out.append(&mut wrapped);
    out
}

/// The digest of a `digestAlgorithm` (RFC 5754 §2).
pub(super) fn digest(content: &[u8]) -> Option<DigestAlgorithm> {
    match content {
        [0x2b, 14, 3, 2, 26] => Some(DigestAlgorithm::Sha1),
        [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, last] => match last {
            1 => Some(DigestAlgorithm::Sha256),
            2 => Some(DigestAlgorithm::Sha384),
            3 => Some(DigestAlgorithm::Sha512),
            4 => Some(DigestAlgorithm::Sha224),
            _ => None,
        },
        _ => None,
    }
}

/// id-aes128-CBC and its siblings (RFC 3565 §4.1), des-EDE3-CBC (RFC 3370 §5.1).
const CIPHERS: [(ContentCipher, &[u8]); 4] = [
    (ContentCipher::Aes128Cbc, &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 2]),
    (ContentCipher::Aes192Cbc, &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 22]),
    (ContentCipher::Aes256Cbc, &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 42]),
    (ContentCipher::TripleDesCbc, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 3, 7]),
];

/// The cipher of a `contentEncryptionAlgorithm`.
pub(super) fn cipher(content: &[u8]) -> Result<ContentCipher, UnknownAlgorithm> {
    CIPHERS
        .iter()
        .find(|(_, oid)| *oid == content)
        .map_or_else(|| Err(UnknownAlgorithm(text(content))), |(cipher, _)| Ok(*cipher))
}

/// rsaEncryption.
pub(super) const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
