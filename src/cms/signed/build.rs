//! A signature of our own.

use std::time::SystemTime;

use rustls_pki_types::CertificateDer;

use super::attributes;
use super::signer_info::{digest_algorithm, signature_algorithm};
use crate::algorithm::{ContentCipher, SignatureAlgorithm};
use crate::cms::certificate::{Certificate, CertificateId};
use crate::cms::content_info::content_info;
use crate::cms::oid;
use crate::cms::tlv::{encode, set_of, tag};
use crate::mic::Mic;

/// What a private key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SigningInput<'a> {
    /// Octets that are hashed with the algorithm's digest and signed: the DER of the signed attributes (RFC 5652 §5.4).
    Message(&'a [u8]),
    /// A digest that is signed as it is: that of the content, for signatures without signed attributes.
    Digest(&'a [u8]),
}

/// How a signature is made.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SignatureOptions {
    /// The signing time; `None` signs the bare digest, without signed attributes (RFC 5652 §5.4).
    pub signing_time: Option<SystemTime>,
    /// The ciphers announced in the sMIMECapabilities attribute (RFC 8551 §2.5.2), best first; none leaves it out.
    pub capabilities: Vec<ContentCipher>,
    /// Whether the CMSAlgorithmProtection attribute is added (RFC 6211).
    pub algorithm_protection: bool,
    /// Whether the signature algorithm is named with its digest, `sha256WithRSAEncryption`.
    pub combined_oid: bool,
    /// The certificates that the signature carries.
    pub certificates: Vec<CertificateDer<'static>>,
}

/// A detached signature that waits for the private key.
///
/// Its one signer is named by issuer and serial number, which every AS2 product understands, and all of it is DER.
#[derive(Clone, Debug)]
pub struct PendingSignature {
    algorithm: SignatureAlgorithm,
    signer: CertificateId,
    content: Mic,
    /// The SET OF signed attributes, if there are to be any.
    attributes: Option<Vec<u8>>,
    combined_oid: bool,
    certificates: Vec<CertificateDer<'static>>,
}

impl PendingSignature {
    /// Begins a signature by the key of `signer` over content whose digest, of the kind that `algorithm` takes, is
    /// `content`.
    #[must_use]
    pub fn new(signer: &Certificate, algorithm: SignatureAlgorithm, content: &Mic, options: SignatureOptions) -> Self {
        debug_assert_eq!(
            algorithm.digest(),
            content.algorithm(),
            "the digest is not the signature's"
        );
        Self {
            algorithm,
            signer: CertificateId::issuer_and_serial(signer),
            content: content.clone(),
            attributes: options
                .signing_time
                .map(|time| attributes::write(algorithm, content, time, &options)),
            combined_oid: options.combined_oid,
            certificates: options.certificates,
        }
    }

    /// How the private key signs.
    #[must_use]
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// What the private key signs.
    #[must_use]
    pub fn input(&self) -> SigningInput<'_> {
        match &self.attributes {
            Some(attributes) => SigningInput::Message(attributes),
            None => SigningInput::Digest(self.content.digest()),
        }
    }

    /// The DER of the ContentInfo, with the private key's answer.
    #[must_use]
    pub fn complete(self, signature: &[u8]) -> Vec<u8> {
        let digest_algorithm = digest_algorithm(self.algorithm.digest());

        // RFC 5652 §5.3: version 1 with issuer and serial number. The attributes change their tag only, SET to [0].
        let mut signer = [
            encode(tag::INTEGER, &[1]),
            self.signer.to_der(),
            digest_algorithm.clone(),
        ]
        .concat();
        if let Some(attributes) = &self.attributes {
            signer.push(tag::context_constructed(0));
            signer.extend(attributes.iter().skip(1));
        }
        signer.extend(signature_algorithm(tag::SEQUENCE, self.algorithm, self.combined_oid));
        signer.extend(encode(tag::OCTET_STRING, signature));

        // RFC 5652 §5.1: version 1 as the content is id-data. No eContent: the signature is detached.
        let mut fields = [
            encode(tag::INTEGER, &[1]),
            encode(tag::SET, &digest_algorithm),
            encode(tag::SEQUENCE, &encode(tag::OID, oid::DATA)),
        ]
        .concat();
        if !self.certificates.is_empty() {
            let certificates = self.certificates.iter().map(|certificate| certificate.to_vec());
            fields.extend(set_of(tag::context_constructed(0), certificates.collect()));
        }
        fields.extend(encode(tag::SET, &encode(tag::SEQUENCE, &signer)));
        content_info(oid::SIGNED_DATA, &fields, 0)
    }
}
