//! The object identifiers of CMS as content octets, and what they mean.

use const_oid::ObjectIdentifier;
use const_oid::db::{DB, rfc5280, rfc5911, rfc5912, rfc6211, rfc6268};

use super::tlv::hex;
use crate::algorithm::{ContentCipher, DigestAlgorithm, UnknownAlgorithm};

pub(super) const DATA: &[u8] = rfc5911::ID_DATA.as_bytes();
pub(super) const SIGNED_DATA: &[u8] = rfc5911::ID_SIGNED_DATA.as_bytes();
pub(super) const ENVELOPED_DATA: &[u8] = rfc5911::ID_ENVELOPED_DATA.as_bytes();
pub(super) const COMPRESSED_DATA: &[u8] = rfc6268::ID_CT_COMPRESSED_DATA.as_bytes();
pub(super) const ZLIB: &[u8] = rfc6268::ID_ALG_ZLIB_COMPRESS.as_bytes();

pub(super) const CONTENT_TYPE: &[u8] = rfc5911::ID_CONTENT_TYPE.as_bytes();
pub(super) const MESSAGE_DIGEST: &[u8] = rfc5911::ID_MESSAGE_DIGEST.as_bytes();
pub(super) const SIGNING_TIME: &[u8] = rfc5911::ID_SIGNING_TIME.as_bytes();
pub(super) const SMIME_CAPABILITIES: &[u8] = rfc5911::SMIME_CAPABILITIES.as_bytes();
pub(super) const ALGORITHM_PROTECTION: &[u8] = rfc6211::ID_AA_CMS_ALGORITHM_PROTECTION.as_bytes();
pub(super) const SIGNING_CERTIFICATE: &[u8] = rfc5911::ID_AA_SIGNING_CERTIFICATE.as_bytes();
pub(super) const SIGNING_CERTIFICATE_V2: &[u8] = rfc5911::ID_AA_SIGNING_CERTIFICATE_V_2.as_bytes();

pub(super) const SUBJECT_KEY_IDENTIFIER: &[u8] = rfc5280::ID_CE_SUBJECT_KEY_IDENTIFIER.as_bytes();

pub(super) const RSA_ENCRYPTION: &[u8] = rfc5912::RSA_ENCRYPTION.as_bytes();

/// Dotted, or hexadecimal where it is not well-formed.
pub(super) fn dotted(content: &[u8]) -> String {
    match ObjectIdentifier::from_bytes(content) {
        Ok(oid) => oid.to_string(),
        Err(_) => hex(content.get(..64).unwrap_or(content)),
    }
}

/// Dotted, with the name where it is a known one, for people.
pub(super) fn text(content: &[u8]) -> String {
    let dotted = dotted(content);
    match known_name(content) {
        Some(name) => format!("{dotted} ({name})"),
        None => dotted,
    }
}

/// The name alone, dotted where it is not known.
pub(super) fn name(content: &[u8]) -> String {
    known_name(content).map_or_else(|| dotted(content), str::to_owned)
}

fn known_name(content: &[u8]) -> Option<&'static str> {
    let oid = ObjectIdentifier::from_bytes(content).ok()?;
    DB.by_oid(&oid)
}

/// The identifiers of a digest (RFC 5754 §2, RFC 3370 §2.1) and of its RSA signatures (§3.2).
pub(super) const fn of_digest(digest: DigestAlgorithm) -> (&'static [u8], &'static [u8]) {
    match digest {
        DigestAlgorithm::Sha1 => (
            rfc5912::ID_SHA_1.as_bytes(),
            rfc5912::SHA_1_WITH_RSA_ENCRYPTION.as_bytes(),
        ),
        DigestAlgorithm::Sha224 => (
            rfc5912::ID_SHA_224.as_bytes(),
            rfc5912::SHA_224_WITH_RSA_ENCRYPTION.as_bytes(),
        ),
        DigestAlgorithm::Sha256 => (
            rfc5912::ID_SHA_256.as_bytes(),
            rfc5912::SHA_256_WITH_RSA_ENCRYPTION.as_bytes(),
        ),
        DigestAlgorithm::Sha384 => (
            rfc5912::ID_SHA_384.as_bytes(),
            rfc5912::SHA_384_WITH_RSA_ENCRYPTION.as_bytes(),
        ),
        DigestAlgorithm::Sha512 => (
            rfc5912::ID_SHA_512.as_bytes(),
            rfc5912::SHA_512_WITH_RSA_ENCRYPTION.as_bytes(),
        ),
    }
}

/// The digest of a `digestAlgorithm`.
pub(super) fn digest(content: &[u8]) -> Result<DigestAlgorithm, UnknownAlgorithm> {
    DigestAlgorithm::ALL
        .into_iter()
        .find(|digest| of_digest(*digest).0 == content)
        .ok_or_else(|| UnknownAlgorithm(text(content)))
}

/// The digest of a `signatureAlgorithm` that names one.
pub(super) fn digest_with_rsa(content: &[u8]) -> Option<DigestAlgorithm> {
    DigestAlgorithm::ALL
        .into_iter()
        .find(|digest| of_digest(*digest).1 == content)
}

/// The identifier of a cipher: id-aes128-CBC and its siblings (RFC 3565 §4.1), des-EDE3-CBC (RFC 3370 §5.1).
pub(super) const fn of_cipher(cipher: ContentCipher) -> &'static [u8] {
    match cipher {
        ContentCipher::Aes128Cbc => rfc5911::ID_AES_128_CBC.as_bytes(),
        ContentCipher::Aes192Cbc => rfc5911::ID_AES_192_CBC.as_bytes(),
        ContentCipher::Aes256Cbc => rfc5911::ID_AES_256_CBC.as_bytes(),
        ContentCipher::TripleDesCbc => rfc5911::DES_EDE_3_CBC.as_bytes(),
    }
}

/// The cipher of a `contentEncryptionAlgorithm`.
pub(super) fn cipher(content: &[u8]) -> Result<ContentCipher, UnknownAlgorithm> {
    ContentCipher::ALL
        .into_iter()
        .find(|cipher| of_cipher(*cipher) == content)
        .ok_or_else(|| UnknownAlgorithm(text(content)))
}
