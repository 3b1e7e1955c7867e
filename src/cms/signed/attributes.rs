//! Signed attributes (RFC 5652 §5.3, §11; RFC 8551 §2.5).

use std::time::SystemTime;

use super::build::SignatureOptions;
use super::check::SignatureError;
use super::signer_info::{digest_algorithm, signature_algorithm};
use crate::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use crate::cms::certificate::Certificate;
use crate::cms::oid;
use crate::cms::scheme::Algorithm;
use crate::cms::time;
use crate::cms::tlv::{BadTlv, Tlv, Tlvs, constructed, encode, set_of, tag};
use crate::mic::Mic;

const ATTRIBUTES_MAX: usize = 64;

/// The signed attributes of a `SignerInfo`.
#[derive(Debug)]
pub(super) struct SignedAttributes<'a> {
    set: Tlv<'a>,
    attributes: Vec<Attribute<'a>>,
}

#[derive(Debug)]
struct Attribute<'a> {
    kind: &'a [u8],
    values: Tlvs<'a>,
    raw: &'a [u8],
}

impl<'a> SignedAttributes<'a> {
    pub(super) fn parse(set: Tlv<'a>) -> Result<Self, BadTlv> {
        let mut rest = set.children();
        let mut attributes = Vec::new();
        while !rest.is_empty() {
            if attributes.len() == ATTRIBUTES_MAX {
                return Err(BadTlv);
            }
            let attribute = rest.expect(tag::SEQUENCE)?;
            let mut fields = attribute.children();
            attributes.push(Attribute {
                kind: fields.expect(tag::OID)?.value,
                values: fields.expect(tag::SET)?.children(),
                raw: attribute.raw,
            });
        }
        Ok(Self { set, attributes })
    }

    /// What may have been signed: the SET OF as it was sent and, for signers that signed DER but sent something else, in
    /// the order of DER (RFC 5652 §5.4).
    pub(super) fn signed_forms(&self) -> [Vec<u8>; 2] {
        let sent = self.set.raw.iter().skip(1).copied();
        [
            [tag::SET].into_iter().chain(sent).collect(),
            set_of(tag::SET, self.attributes.iter().map(|one| one.raw.to_vec()).collect()),
        ]
    }

    /// The value of an attribute that may be there once, with one value.
    fn value(&self, kind: &[u8]) -> Result<Option<Tlv<'a>>, SignatureError> {
        let mut found = self.attributes.iter().filter(|attribute| attribute.kind == kind);
        let Some(attribute) = found.next() else { return Ok(None) };
        let mut values = attribute.values;
        let value = values.any().map_err(|_| SignatureError::Malformed)?;
        if found.next().is_some() || !values.is_empty() {
            return Err(SignatureError::RepeatedAttribute(oid::text(kind)));
        }
        Ok(Some(value))
    }

    fn mandatory(&self, kind: &[u8]) -> Result<Tlv<'a>, SignatureError> {
        self.value(kind)?
            .ok_or_else(|| SignatureError::MissingAttribute(oid::text(kind)))
    }

    /// Whether the signed content is of the type id-data.
    pub(super) fn check_content_type(&self) -> Result<(), SignatureError> {
        let content_type = self.mandatory(oid::CONTENT_TYPE)?;
        if content_type.tag == tag::OID && content_type.value == oid::DATA {
            Ok(())
        } else {
            Err(SignatureError::ContentType)
        }
    }

    /// Whether the signed digest is that of the content. Takes constant time.
    pub(super) fn check_message_digest(&self, content: &Mic) -> Result<(), SignatureError> {
        let signed = self.mandatory(oid::MESSAGE_DIGEST)?;
        match Mic::new(content.algorithm(), signed.value) {
            Ok(digest) if signed.tag == tag::OCTET_STRING && digest == *content => Ok(()),
            _ => Err(SignatureError::ContentDigest),
        }
    }

    /// The signed digest of the content, if it can be one.
    pub(super) fn message_digest(&self, algorithm: DigestAlgorithm) -> Option<Mic> {
        let signed = self.value(oid::MESSAGE_DIGEST).ok()??;
        Mic::new(algorithm, signed.value).ok()
    }

    /// RFC 6211 §3: the algorithms outside the signature are those inside.
    pub(super) fn check_algorithms(
        &self,
        digest: Algorithm<'_>,
        signature: Algorithm<'_>,
    ) -> Result<(), SignatureError> {
        let Some(protection) = self.value(oid::ALGORITHM_PROTECTION)? else {
            return Ok(());
        };
        let mut fields = protection.children();
        let protected = fields.expect(tag::SEQUENCE).and_then(Algorithm::parse).ok() == Some(digest)
            && fields
                .expect(tag::context_constructed(1))
                .and_then(Algorithm::parse)
                .ok()
                == Some(signature)
            && fields.is_empty();
        if protected {
            Ok(())
        } else {
            Err(SignatureError::AlgorithmProtection)
        }
    }

    /// RFC 5035 §5: the first certificate that the signer names is the one it signed with. Names by a digest that is
    /// not supported are passed over.
    pub(super) fn check_signing_certificate(&self, certificate: &Certificate) -> Result<(), SignatureError> {
        for (kind, default) in [
            (oid::SIGNING_CERTIFICATE, DigestAlgorithm::Sha1),
            (oid::SIGNING_CERTIFICATE_V2, DigestAlgorithm::Sha256),
        ] {
            let Some(value) = self.value(kind)? else { continue };
            let named = certificate_hash(value, default).map_err(|_| SignatureError::Malformed)?;
            if let Some((digest, hash)) = named
                && Mic::of(digest, certificate.der()).digest() != hash
            {
                return Err(SignatureError::SigningCertificate);
            }
        }
        Ok(())
    }

    /// When the signer says it signed, if that can be read.
    pub(super) fn signing_time(&self) -> Option<SystemTime> {
        time::parse(self.value(oid::SIGNING_TIME).ok()??).ok()
    }
}

/// The hash in the first `ESSCertID` or `ESSCertIDv2` of a `SigningCertificate` (RFC 5035 §3, §4).
fn certificate_hash(value: Tlv<'_>, default: DigestAlgorithm) -> Result<Option<(DigestAlgorithm, &[u8])>, BadTlv> {
    let mut certificates = value.children().expect(tag::SEQUENCE)?.children();
    let mut id = certificates.expect(tag::SEQUENCE)?.children();
    let digest = match id.optional(tag::SEQUENCE)? {
        Some(algorithm) => oid::digest(Algorithm::parse(algorithm)?.oid).ok(),
        None => Some(default),
    };
    let hash = id.expect(tag::OCTET_STRING)?.value;
    Ok(digest.map(|digest| (digest, hash)))
}

/// The signed attributes of our own signatures, as the SET OF that is signed.
pub(super) fn write(
    algorithm: SignatureAlgorithm,
    content: &Mic,
    signing_time: SystemTime,
    options: &SignatureOptions,
) -> Vec<u8> {
    let mut attributes = vec![
        attribute(oid::CONTENT_TYPE, &encode(tag::OID, oid::DATA)),
        attribute(oid::SIGNING_TIME, &time::encode(signing_time)),
        attribute(oid::MESSAGE_DIGEST, &encode(tag::OCTET_STRING, content.digest())),
    ];
    if !options.capabilities.is_empty() {
        // RFC 8551 §2.5.2, RFC 3565 §4.2 (in its AES form): no parameters.
        let ciphers = options.capabilities.iter();
        let ciphers: Vec<_> = ciphers
            .map(|cipher| encode(tag::SEQUENCE, &encode(tag::OID, oid::of_cipher(*cipher))))
            .collect();
        let capabilities = encode(tag::SEQUENCE, &ciphers.concat());
        attributes.push(attribute(oid::SMIME_CAPABILITIES, &capabilities));
    }
    if options.algorithm_protection {
        let algorithms = [
            digest_algorithm(algorithm.digest()),
            signature_algorithm(tag::context_constructed(1), algorithm, options.combined_oid),
        ];
        let protection = encode(tag::SEQUENCE, &algorithms.concat());
        attributes.push(attribute(oid::ALGORITHM_PROTECTION, &protection));
    }
    set_of(tag::SET, attributes)
}

fn attribute(kind: &[u8], value: &[u8]) -> Vec<u8> {
    constructed(tag::SEQUENCE, [&encode(tag::OID, kind), &encode(tag::SET, value)])
}
