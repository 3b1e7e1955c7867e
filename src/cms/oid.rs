//! The object identifiers of CMS as content octets, and what they mean.

use const_oid::ObjectIdentifier;
use const_oid::db::{DB, rfc5280, rfc5753, rfc5911, rfc5912, rfc6211, rfc6268};

use super::key_agreement::KeyWrap;
use super::tlv::{BadTlv, Tlv, constructed, encode, hex, tag};
use crate::algorithm::{ContentCipher, DigestAlgorithm, UnknownAlgorithm};

pub(super) const DATA: &[u8] = rfc5911::ID_DATA.as_bytes();
pub(super) const SIGNED_DATA: &[u8] = rfc5911::ID_SIGNED_DATA.as_bytes();
pub(super) const ENVELOPED_DATA: &[u8] = rfc5911::ID_ENVELOPED_DATA.as_bytes();
pub(super) const AUTH_ENVELOPED_DATA: &[u8] = rfc6268::ID_CT_AUTH_ENVELOPED_DATA.as_bytes();
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
pub(super) const AUTHORITY_KEY_IDENTIFIER: &[u8] = rfc5280::ID_CE_AUTHORITY_KEY_IDENTIFIER.as_bytes();
pub(super) const BASIC_CONSTRAINTS: &[u8] = rfc5280::ID_CE_BASIC_CONSTRAINTS.as_bytes();
pub(super) const KEY_USAGE: &[u8] = rfc5280::ID_CE_KEY_USAGE.as_bytes();
pub(super) const EXTENDED_KEY_USAGE: &[u8] = rfc5280::ID_CE_EXT_KEY_USAGE.as_bytes();
pub(super) const SUBJECT_ALT_NAME: &[u8] = rfc5280::ID_CE_SUBJECT_ALT_NAME.as_bytes();
pub(super) const CERTIFICATE_POLICIES: &[u8] = rfc5280::ID_CE_CERTIFICATE_POLICIES.as_bytes();
pub(super) const ANY_USAGE: &[u8] = rfc5280::ANY_EXTENDED_KEY_USAGE.as_bytes();
pub(super) const EMAIL_PROTECTION: &[u8] = rfc5280::ID_KP_EMAIL_PROTECTION.as_bytes();
pub(super) const SERVER_AUTH: &[u8] = rfc5280::ID_KP_SERVER_AUTH.as_bytes();
pub(super) const CLIENT_AUTH: &[u8] = rfc5280::ID_KP_CLIENT_AUTH.as_bytes();

pub(super) const RSA_ENCRYPTION: &[u8] = rfc5912::RSA_ENCRYPTION.as_bytes();
pub(super) const RSAES_OAEP: &[u8] = rfc5912::ID_RSAES_OAEP.as_bytes();
pub(super) const P_SPECIFIED: &[u8] = rfc5912::ID_P_SPECIFIED.as_bytes();
pub(super) const RSASSA_PSS: &[u8] = rfc5912::ID_RSASSA_PSS.as_bytes();
pub(super) const EC_PUBLIC_KEY: &[u8] = rfc5912::ID_EC_PUBLIC_KEY.as_bytes();
pub(super) const SECP256R1: &[u8] = rfc5912::SECP_256_R_1.as_bytes();
pub(super) const SECP384R1: &[u8] = rfc5912::SECP_384_R_1.as_bytes();
pub(super) const SECP521R1: &[u8] = rfc5912::SECP_521_R_1.as_bytes();
const MD5: &[u8] = rfc5912::ID_MD_5.as_bytes();
const MD5_WITH_RSA: &[u8] = rfc5912::MD_5_WITH_RSA_ENCRYPTION.as_bytes();
pub(super) const RC2_CBC: &[u8] = rfc5911::RC_2_CBC.as_bytes();
const DES_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.7");
const ECDSA_WITH_SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.1");
const MGF1: &[u8] = rfc5912::ID_MGF_1.as_bytes();

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
    // Older than CMS, and so missing from the tables of its RFCs.
    (oid == DES_CBC).then_some("des-cbc").or_else(|| DB.by_oid(&oid))
}

/// An algorithm that is not supported.
pub(super) fn unknown(content: &[u8]) -> UnknownAlgorithm {
    #[cfg(not(feature = "legacy"))]
    if [MD5, MD5_WITH_RSA, RC2_CBC, DES_CBC.as_bytes()].contains(&content) {
        return UnknownAlgorithm::needs_legacy(text(content));
    }
    UnknownAlgorithm::new(text(content))
}

/// The identifiers of a digest (RFC 5754 §2, RFC 3370 §2.1) and of its RSA signatures (§3.2).
pub(super) const fn of_digest(digest: DigestAlgorithm) -> (&'static [u8], &'static [u8]) {
    match digest {
        #[cfg(feature = "legacy")]
        DigestAlgorithm::Md5 => (MD5, MD5_WITH_RSA),
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

/// The identifier of an ECDSA signature over a digest (RFC 5753 §7.1.3).
pub(super) const fn ecdsa_with(digest: DigestAlgorithm) -> &'static [u8] {
    match digest {
        // There is none.
        #[cfg(feature = "legacy")]
        DigestAlgorithm::Md5 => &[],
        DigestAlgorithm::Sha1 => ECDSA_WITH_SHA1.as_bytes(),
        DigestAlgorithm::Sha224 => rfc5912::ECDSA_WITH_SHA_224.as_bytes(),
        DigestAlgorithm::Sha256 => rfc5912::ECDSA_WITH_SHA_256.as_bytes(),
        DigestAlgorithm::Sha384 => rfc5912::ECDSA_WITH_SHA_384.as_bytes(),
        DigestAlgorithm::Sha512 => rfc5912::ECDSA_WITH_SHA_512.as_bytes(),
    }
}

/// The digest of a `digestAlgorithm`.
pub(super) fn digest(content: &[u8]) -> Result<DigestAlgorithm, UnknownAlgorithm> {
    DigestAlgorithm::known()
        .find(|digest| of_digest(*digest).0 == content)
        .ok_or_else(|| unknown(content))
}

/// The digest of a `signatureAlgorithm` that names one.
pub(super) fn digest_with_rsa(content: &[u8]) -> Option<DigestAlgorithm> {
    DigestAlgorithm::known().find(|digest| of_digest(*digest).1 == content)
}

/// The digest of an ECDSA `signatureAlgorithm`.
pub(super) fn digest_with_ecdsa(content: &[u8]) -> Option<DigestAlgorithm> {
    DigestAlgorithm::ALL
        .into_iter()
        .find(|digest| ecdsa_with(*digest) == content)
}

/// A digest with NULL parameters, as those of RSAES-OAEP and RSASSA-PSS have it (RFC 4055 §2.1).
pub(super) fn digest_with_null(digest: DigestAlgorithm) -> Vec<u8> {
    constructed(
        tag::SEQUENCE,
        [&encode(tag::OID, of_digest(digest).0), &encode(tag::NULL, &[])],
    )
}

/// MGF1 with a digest (RFC 4055 §2.2).
pub(super) fn mgf1(digest: DigestAlgorithm) -> Vec<u8> {
    constructed(tag::SEQUENCE, [&encode(tag::OID, MGF1), &digest_with_null(digest)])
}

/// The digest of an identifier inside of a tag; `None` for one that is not supported.
pub(super) fn wrapped_digest(wrapped: Tlv<'_>) -> Result<Option<DigestAlgorithm>, BadTlv> {
    sha(wrapped.children().expect(tag::SEQUENCE)?)
}

/// RFC 4055 §2.1 knows no other digests.
fn sha(algorithm: Tlv<'_>) -> Result<Option<DigestAlgorithm>, BadTlv> {
    let found = digest(algorithm.children().expect(tag::OID)?.value).ok();
    Ok(found.filter(|digest| !digest.is_legacy()))
}

/// The digest of MGF1 inside of a tag; `None` for one or for another function that is not supported.
pub(super) fn wrapped_mgf1(wrapped: Tlv<'_>) -> Result<Option<DigestAlgorithm>, BadTlv> {
    let mut function = wrapped.children().expect(tag::SEQUENCE)?.children();
    if function.expect(tag::OID)?.value != MGF1 {
        return Ok(None);
    }
    sha(function.expect(tag::SEQUENCE)?)
}

/// The identifier of a cipher: id-aes128-CBC and its siblings (RFC 3565 §4.1), id-aes128-GCM
/// and its own (RFC 5084 §3.2), des-EDE3-CBC (RFC 3370 §5.1), rc2-cbc (§5.2), which leaves the length of its keys to its
/// parameters, and desCBC of the OSI Implementors' Workshop.
pub(super) const fn of_cipher(cipher: ContentCipher) -> &'static [u8] {
    match cipher {
        ContentCipher::Aes128Cbc => rfc5911::ID_AES_128_CBC.as_bytes(),
        ContentCipher::Aes192Cbc => rfc5911::ID_AES_192_CBC.as_bytes(),
        ContentCipher::Aes256Cbc => rfc5911::ID_AES_256_CBC.as_bytes(),
        ContentCipher::Aes128Gcm => rfc5911::ID_AES_128_GCM.as_bytes(),
        ContentCipher::Aes192Gcm => rfc5911::ID_AES_192_GCM.as_bytes(),
        ContentCipher::Aes256Gcm => rfc5911::ID_AES_256_GCM.as_bytes(),
        ContentCipher::TripleDesCbc => rfc5911::DES_EDE_3_CBC.as_bytes(),
        #[cfg(feature = "legacy")]
        ContentCipher::Rc2Cbc40 | ContentCipher::Rc2Cbc64 | ContentCipher::Rc2Cbc128 => RC2_CBC,
        #[cfg(feature = "legacy")]
        ContentCipher::DesCbc => DES_CBC.as_bytes(),
    }
}

/// The cipher of a `contentEncryptionAlgorithm` that the identifier alone tells.
pub(super) fn cipher(content: &[u8]) -> Result<ContentCipher, UnknownAlgorithm> {
    ContentCipher::known()
        .find(|cipher| of_cipher(*cipher) == content)
        .ok_or_else(|| unknown(content))
}

/// The identifier of an AES key wrap (RFC 3565 §2.3.2).
pub(super) const fn of_key_wrap(wrap: KeyWrap) -> &'static [u8] {
    match wrap {
        KeyWrap::Aes128 => rfc5911::ID_AES_128_WRAP.as_bytes(),
        KeyWrap::Aes192 => rfc5911::ID_AES_192_WRAP.as_bytes(),
        KeyWrap::Aes256 => rfc5911::ID_AES_256_WRAP.as_bytes(),
    }
}

/// The identifier of ECDH whose keys are derived with a digest (RFC 5753 §7.1.4): dhSinglePass-stdDH.
pub(super) const fn of_kdf(digest: DigestAlgorithm) -> &'static [u8] {
    kdf_schemes(digest).0
}

/// dhSinglePass-stdDH and dhSinglePass-cofactorDH.
const fn kdf_schemes(digest: DigestAlgorithm) -> (&'static [u8], &'static [u8]) {
    match digest {
        // There are none.
        #[cfg(feature = "legacy")]
        DigestAlgorithm::Md5 => (&[], &[]),
        DigestAlgorithm::Sha1 => (
            rfc5753::DH_SINGLE_PASS_STD_DH_SHA_1_KDF_SCHEME.as_bytes(),
            rfc5753::DH_SINGLE_PASS_COFACTOR_DH_SHA_1_KDF_SCHEME.as_bytes(),
        ),
        DigestAlgorithm::Sha224 => (
            rfc5753::DH_SINGLE_PASS_STD_DH_SHA_224_KDF_SCHEME.as_bytes(),
            rfc5753::DH_SINGLE_PASS_COFACTOR_DH_SHA_224_KDF_SCHEME.as_bytes(),
        ),
        DigestAlgorithm::Sha256 => (
            rfc5753::DH_SINGLE_PASS_STD_DH_SHA_256_KDF_SCHEME.as_bytes(),
            rfc5753::DH_SINGLE_PASS_COFACTOR_DH_SHA_256_KDF_SCHEME.as_bytes(),
        ),
        DigestAlgorithm::Sha384 => (
            rfc5753::DH_SINGLE_PASS_STD_DH_SHA_384_KDF_SCHEME.as_bytes(),
            rfc5753::DH_SINGLE_PASS_COFACTOR_DH_SHA_384_KDF_SCHEME.as_bytes(),
        ),
        DigestAlgorithm::Sha512 => (
            rfc5753::DH_SINGLE_PASS_STD_DH_SHA_512_KDF_SCHEME.as_bytes(),
            rfc5753::DH_SINGLE_PASS_COFACTOR_DH_SHA_512_KDF_SCHEME.as_bytes(),
        ),
    }
}

/// The digest that an ECDH scheme derives keys with. The cofactor of all curves here is one, so both schemes are the same.
pub(super) fn kdf(content: &[u8]) -> Option<DigestAlgorithm> {
    DigestAlgorithm::ALL.into_iter().find(|digest| {
        let (standard, cofactor) = kdf_schemes(*digest);
        content == standard || content == cofactor
    })
}
