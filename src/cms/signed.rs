//! `SignedData` (RFC 5652 §5): detached signatures built, and signers checked.

use std::time::SystemTime;

use rustls_pki_types::CertificateDer;

use super::certificate::{Certificate, CertificateId};
use crate::algorithm::{ContentCipher, DigestAlgorithm, SignatureAlgorithm};
use crate::mic::{Mic, MicSet};

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
#[derive(Clone, Debug)]
pub struct PendingSignature {
    algorithm: SignatureAlgorithm,
}

impl PendingSignature {
    /// Begins a signature by the key of `signer` over content whose digest is `content`.
    #[must_use]
    pub fn new(signer: &Certificate, algorithm: SignatureAlgorithm, content: &Mic, options: SignatureOptions) -> Self {
        let _ = (signer, content, options);
        Self { algorithm }
    }

    /// How the private key signs.
    #[must_use]
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// What the private key signs.
    #[must_use]
    pub fn input(&self) -> SigningInput<'_> {
        unimplemented!()
    }

    /// The DER of the ContentInfo, with the private key's answer.
    #[must_use]
    pub fn complete(self, signature: &[u8]) -> Vec<u8> {
        let _ = signature;
        unimplemented!()
    }
}

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
    /// The SignerInfo is malformed.
    #[error("the SignerInfo is malformed")]
    Malformed,
}

/// Looks for the signer among the certificates configured for the partner and verifies its signature over content with
/// these digests.
#[must_use]
pub fn check_signers(signer_infos: &[Vec<u8>], certificates: &[Certificate], digests: &MicSet) -> SignerCheck {
    let _ = (signer_infos, certificates, digests);
    unimplemented!()
}
