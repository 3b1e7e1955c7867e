//! One `SignerInfo` (RFC 5652 §5.3), read and written.

use super::attributes::SignedAttributes;
use crate::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use crate::cms::certificate::CertificateId;
use crate::cms::oid;
use crate::cms::pss::PssParameters;
use crate::cms::scheme::Algorithm;
use crate::cms::tlv::{BadTlv, Tlvs, constructed, encode, tag};

/// A signer as the message describes it. Nothing in it is to be believed before the signature is verified.
#[derive(Debug)]
pub(super) struct SignerInfo<'a> {
    pub(super) id: CertificateId,
    pub(super) digest_algorithm: Algorithm<'a>,
    pub(super) attributes: Option<SignedAttributes<'a>>,
    pub(super) signature_algorithm: Algorithm<'a>,
    pub(super) signature: &'a [u8],
}

impl<'a> SignerInfo<'a> {
    /// The version is not looked at: it only says which kind of identifier follows, and some get it wrong. Unsigned
    /// attributes are left alone: nobody vouches for them.
    pub(super) fn parse(octets: &'a [u8]) -> Result<Self, BadTlv> {
        let mut fields = Tlvs(octets).expect(tag::SEQUENCE)?.children();
        fields.expect(tag::INTEGER)?;
        Ok(Self {
            id: CertificateId::from_der(fields.any()?.raw).map_err(|_| BadTlv)?,
            digest_algorithm: Algorithm::parse(fields.expect(tag::SEQUENCE)?)?,
            attributes: fields
                .optional(tag::context_constructed(0))?
                .map(SignedAttributes::parse)
                .transpose()?,
            signature_algorithm: Algorithm::parse(fields.expect(tag::SEQUENCE)?)?,
            signature: fields.expect(tag::OCTET_STRING)?.value,
        })
    }
}

/// The identifier of a digest, without parameters (RFC 5754 §2).
pub(super) fn digest_algorithm(digest: DigestAlgorithm) -> Vec<u8> {
    encode(tag::SEQUENCE, &encode(tag::OID, oid::of_digest(digest).0))
}

/// The identifier of a signature algorithm. One of RSASSA-PKCS1-v1_5 names its digest or not (RFC 5754 §3.2), and its
/// parameters are NULL; those of RSASSA-PSS are all there (RFC 4056 §3), and ECDSA has none (RFC 5754 §3.3).
pub(super) fn signature_algorithm(tag: u8, algorithm: SignatureAlgorithm, combined: bool) -> Vec<u8> {
    let (oid, parameters) = match algorithm {
        SignatureAlgorithm::RsaPkcs1(digest) if combined => (oid::of_digest(digest).1, encode(tag::NULL, &[])),
        SignatureAlgorithm::RsaPkcs1(_) => (oid::RSA_ENCRYPTION, encode(tag::NULL, &[])),
        SignatureAlgorithm::RsaPss(digest) => (oid::RSASSA_PSS, PssParameters::new(digest).to_der()),
        SignatureAlgorithm::Ecdsa(digest) => (oid::ecdsa_with(digest), Vec::new()),
    };
    constructed(tag, [&encode(tag::OID, oid), &parameters])
}
