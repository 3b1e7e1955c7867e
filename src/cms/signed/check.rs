//! Whose signature it is, and whether it is right.

use std::time::SystemTime;

use super::signer_info::SignerInfo;
use crate::algorithm::{DigestAlgorithm, UnknownAlgorithm};
use crate::cms::certificate::{Certificate, CertificateId, KeyError};
use crate::cms::oid;
use crate::cms::pss::PssParameters;
use crate::cms::scheme::Scheme;
use crate::cms::tlv::BadTlv;
use crate::mic::{Mic, MicSet};

/// What became of the signers of a SignedData.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignerCheck {
    /// The signature by the key of a configured certificate is right.
    Verified {
        /// The configured certificate.
        certificate: Certificate,
        /// The digest of the content.
        digest: DigestAlgorithm,
        /// When the signer says it signed.
        signing_time: Option<SystemTime>,
    },
    /// The signer is a configured certificate, but its signature is wrong.
    Failed {
        /// The configured certificate.
        certificate: Certificate,
        /// The digest of the content, if it is a known one.
        digest: Option<DigestAlgorithm>,
        /// Whether the digest of the content is the signed one (never so for signatures without signed attributes).
        digest_matches: bool,
        /// What is wrong.
        error: SignatureError,
    },
    /// No signer is a configured certificate.
    UnknownSigner {
        /// How the first signer is named.
        id: CertificateId,
        /// The digest of the content, if it is a known one.
        digest: Option<DigestAlgorithm>,
        /// Whether the digest of the content is the signed one (never so for signatures without signed attributes).
        digest_matches: bool,
    },
    /// There is no signer, or none that can be read.
    NoSigners,
}

/// Why a signature by a configured certificate is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// A signed attribute is malformed, or an algorithm has parameters that it does not take.
    #[error("a signed attribute or an algorithm is malformed")]
    Malformed,
    /// The content is digested in a way that is not supported.
    #[error("the signature's digest: {0}")]
    UnsupportedDigest(#[source] UnknownAlgorithm),
    /// The signature is made in a way that is not supported.
    #[error("the signature: {0}")]
    UnsupportedSignature(#[source] UnknownAlgorithm),
    /// The signature algorithm names another digest than the digest algorithm does.
    #[error("the signature is over a {signature} digest of a {content} digest")]
    MixedDigests {
        /// The digest of the content.
        content: DigestAlgorithm,
        /// The digest in the name of the signature algorithm.
        signature: DigestAlgorithm,
    },
    /// The content was read, but the digest that the signer names was not computed over it: `micalg` announced another.
    #[error(
        "the signature is over a {named} digest of the content, which was not computed, but {}",
        names(computed)
    )]
    DigestNotComputed {
        /// The digest that the signer names.
        named: DigestAlgorithm,
        /// The digests that there are.
        computed: Vec<DigestAlgorithm>,
    },
    /// A signed attribute that has to be there (RFC 5652 §5.3) is not.
    #[error("signed attribute {0} is missing")]
    MissingAttribute(String),
    /// A signed attribute that may be there once with one value (RFC 5652 §11) is there twice or has several.
    #[error("signed attribute {0} is repeated")]
    RepeatedAttribute(String),
    /// The content-type attribute does not say id-data.
    #[error("what is signed is not of the type id-data")]
    ContentType,
    /// The content is not what was signed.
    #[error("the digest of the content is not the signed one")]
    ContentDigest,
    /// The CMSAlgorithmProtection attribute names other algorithms than the SignerInfo (RFC 6211 §3).
    #[error("the protected algorithms are not those of the signature")]
    AlgorithmProtection,
    /// The signingCertificate attribute names another certificate (RFC 5035 §5).
    #[error("the signature names another signing certificate")]
    SigningCertificate,
    /// The key of the configured certificate cannot be used.
    #[error("the signer's certificate: {0}")]
    Key(#[from] KeyError),
    /// The signature value is wrong.
    #[error("the signature value is wrong")]
    Value,
}

impl From<BadTlv> for SignatureError {
    fn from(BadTlv: BadTlv) -> Self {
        Self::Malformed
    }
}

fn names(digests: &[DigestAlgorithm]) -> String {
    let names: Vec<_> = digests.iter().map(DigestAlgorithm::to_string).collect();
    names.join(", ")
}

/// Looks for the signer among the certificates configured for the partner and verifies its signature over content with
/// these digests.
///
/// How a signer is named only says which of `certificates` to try, all of those that fit; a certificate that came with
/// the message is never looked at. Of several signers one that verifies is enough (RFC 5652 §5.1). Whether the digest is
/// strong enough, and the certificate still valid, is for the caller to judge.
#[must_use]
pub fn check_signers(signer_infos: &[Vec<u8>], certificates: &[Certificate], digests: &MicSet) -> SignerCheck {
    let mut failed = None;
    let mut unknown = None;
    for signer in signer_infos.iter().filter_map(|octets| SignerInfo::parse(octets).ok()) {
        let digest = oid::digest(signer.digest_algorithm.oid).ok();
        let mut candidates = certificates
            .iter()
            .filter(|certificate| signer.id.matches(certificate))
            .peekable();
        if candidates.peek().is_none() {
            unknown.get_or_insert_with(|| SignerCheck::UnknownSigner {
                id: signer.id.clone(),
                digest,
                digest_matches: signer.signs_content(digests),
            });
        }
        for certificate in candidates {
            match signer.verify(certificate, digests) {
                Ok(digest) => {
                    return SignerCheck::Verified {
                        certificate: certificate.clone(),
                        digest,
                        signing_time: signer.attributes.and_then(|attributes| attributes.signing_time()),
                    };
                }
                Err(error) => {
                    failed.get_or_insert_with(|| SignerCheck::Failed {
                        certificate: certificate.clone(),
                        digest,
                        digest_matches: signer.signs_content(digests),
                        error,
                    });
                }
            }
        }
    }
    failed.or(unknown).unwrap_or(SignerCheck::NoSigners)
}

impl SignerInfo<'_> {
    fn verify(&self, certificate: &Certificate, digests: &MicSet) -> Result<DigestAlgorithm, SignatureError> {
        let content = self.content(digests)?;
        let digest = content.algorithm();
        let scheme = self.scheme(digest)?;
        let signed = match &self.attributes {
            None => vec![content.clone()],
            Some(attributes) => {
                attributes.check_content_type()?;
                attributes.check_message_digest(content)?;
                attributes.check_algorithms(self.digest_algorithm, self.signature_algorithm)?;
                attributes.check_signing_certificate(certificate)?;
                let forms = attributes.signed_forms();
                let [sent, _] = &forms;
                if scheme.verifies_fast(certificate, digest, sent, self.signature) {
                    return Ok(digest);
                }
                forms.map(|form| Mic::of(digest, &form)).into()
            }
        };
        if scheme.verifies(certificate, &signed, self.signature)? {
            Ok(digest)
        } else {
            Err(SignatureError::Value)
        }
    }

    /// The digest of the content under the signer's algorithm.
    fn content<'a>(&self, digests: &'a MicSet) -> Result<&'a Mic, SignatureError> {
        let named = oid::digest(self.digest_algorithm.oid).map_err(SignatureError::UnsupportedDigest)?;
        self.digest_algorithm.check_no_parameters()?;
        digests.get(named).ok_or_else(|| SignatureError::DigestNotComputed {
            named,
            computed: digests.iter().map(Mic::algorithm).collect(),
        })
    }

    /// Whether the digest of the content is among the signed attributes, whoever signed them.
    fn signs_content(&self, digests: &MicSet) -> bool {
        let (Ok(content), Some(attributes)) = (self.content(digests), &self.attributes) else {
            return false;
        };
        attributes.check_message_digest(content).is_ok()
    }

    /// What the signature algorithm stands for, over a content digest of this kind.
    fn scheme(&self, content: DigestAlgorithm) -> Result<Scheme, SignatureError> {
        let algorithm = self.signature_algorithm;
        if let Some((scheme, signature)) = Scheme::named(algorithm)? {
            return match signature == content {
                true => Ok(scheme),
                false => Err(SignatureError::MixedDigests { content, signature }),
            };
        }
        match (algorithm.oid, algorithm.parameters()?) {
            // They have to be there (RFC 4056 §3); pyas2lib leaves them out, whatever its salt.
            (oid::RSASSA_PSS, None) => Ok(Scheme::RsaPss(PssParameters::any_salt(content))),
            // RFC 8551 §2.2: products name the key's algorithm alone or the digest with it.
            (oid::RSA_ENCRYPTION, None) => Ok(Scheme::RsaPkcs1),
            (oid::RSA_ENCRYPTION, Some(_)) => Err(SignatureError::Malformed),
            (name, _) => Err(SignatureError::UnsupportedSignature(oid::unknown(name))),
        }
    }
}
