//! Whether what was decoded may be delivered, and what the partner is told if not.

mod judge;

#[cfg(test)]
mod tests;

use std::time::SystemTime;

use crate::algorithm::DigestAlgorithm;
use crate::cms::{Certificate, CertificateId, SignatureError};
use crate::mic::Mic;
use crate::partnership::{AcceptPolicy, TrustError, Weakness};

use super::decoder::{Decoded, Fault};
use judge::Judge;

/// What the transport knows of the partner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransportFacts {
    /// The message came over TLS.
    pub tls: bool,
    /// The partner proved who it is: by a client certificate configured for it, or by credentials.
    pub authenticated: bool,
}

impl TransportFacts {
    /// What is known of a connection.
    #[must_use]
    pub fn new(tls: bool, authenticated: bool) -> Self {
        Self { tls, authenticated }
    }
}

/// Whether a message may be delivered, under the policy of its partnership.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It may.
    Accepted(Acceptance),
    /// It must not.
    Refused(Refusal),
}

/// Why a message may be delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Acceptance {
    /// The digest that the receipt returns.
    pub mic: Mic,
    /// The configured certificate whose signature verified.
    pub signer: Option<Certificate>,
    /// When the partner says it signed.
    pub signing_time: Option<SystemTime>,
    /// Taken although the signer is not the partner, because the policy says so (RFC 4130 §7.5.5).
    pub continued_unauthenticated: bool,
    /// Neither a signature nor the transport shows who sent it (SEC-10).
    pub unauthenticated: bool,
    /// The signature verified over the CRLF-canonical form of the part only (SMI-12).
    pub canonicalised: bool,
    /// The signer's certificate is not valid at present, and the policy takes it all the same (SEC-45).
    pub expired: bool,
    /// What is weak and counts only because the policy allows it (SEC-14).
    pub weaknesses: Vec<Weakness>,
}

/// Why a message must not be delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// What the partner may be told.
    pub reason: RefusalReason,
    /// The digest for the receipt, where telling it is safe.
    pub mic: Option<Mic>,
    /// What really happened, for the host alone.
    pub detail: RefusalDetail,
}

/// What a partner is told of a refused message. Each is one disposition modifier of RFC 4130 §7.5.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalReason {
    /// `decryption-failed`: also everything that an attacker could learn from otherwise (SEC-01, SEC-50).
    DecryptionFailed,
    /// `decompression-failed`.
    DecompressionFailed,
    /// `authentication-failed`.
    AuthenticationFailed,
    /// `integrity-check-failed`.
    IntegrityCheckFailed,
    /// `insufficient-message-security`.
    InsufficientMessageSecurity,
    /// `unexpected-processing-error`.
    UnexpectedProcessingError,
}

/// What really happened to a refused message. For logs and events, never for the wire.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RefusalDetail {
    /// The message is broken, or not for us.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// Its signature by a configured certificate is wrong.
    #[error("the signature by {certificate}: {error}")]
    Signature {
        /// The configured certificate.
        certificate: Certificate,
        /// What is wrong.
        error: SignatureError,
    },
    /// No certificate configured for the partner made the signature.
    #[error("the message is signed, but by no certificate configured for the partner ({0})")]
    UnknownSigner(CertificateId),
    /// No certificate is configured to verify the partner's signatures.
    #[error("no certificate is configured to verify this partner's signatures")]
    NoCertificates,
    /// A SignedData without signers that can be read.
    #[error("the signature names no signer")]
    NoSigners,
    /// The signer's certificate is not valid at this time.
    #[error("the certificate of {0} is not valid at this time")]
    NotValid(Certificate),
    /// The signer's certificate does not meet what the policy demands of it besides being configured.
    #[error("the certificate of {certificate} is not trusted: {error}")]
    Untrusted {
        /// The certificate.
        certificate: Certificate,
        /// Which demand it does not meet.
        error: TrustError,
    },
    /// The signature's digest is refused by the policy.
    #[error("signatures over {0} are not accepted from this partner")]
    WeakDigest(DigestAlgorithm),
    /// The signer's key is shorter than the policy allows.
    #[error("an RSA key of {0} bits is not accepted from this partner")]
    WeakKey(usize),
    /// The policy demands a signature.
    #[error("the message is not signed")]
    NotSigned,
    /// The policy demands encryption.
    #[error("the message is not encrypted")]
    NotEncrypted,
    /// The policy demands compression.
    #[error("the message is not compressed")]
    NotCompressed,
    /// The policy demands a file name.
    #[error("the payload has no file name")]
    NoFilename,
    /// Encrypted, but not signed: CBC content that anybody could have altered (SEC-50).
    #[error("the message is encrypted but not signed, which is not accepted from this partner")]
    UnsignedCbc,
    /// Something follows the end of a layer within encrypted content, or its framing is not plausible (SEC-50).
    #[error("the encrypted content holds octets that belong to none of its layers")]
    AddedOctets,
    /// It was made too long ago, or will be made in the future (RFC 4130 §9.3; SEC-44).
    #[error("the message is older than is accepted, or its time is yet to come")]
    Untimely,
    /// No digest for the receipt could be computed.
    #[error("no digest for the receipt was computed")]
    NoMic,
}

impl Decoded {
    /// Judges the message under the policy, with the certificates configured to verify this partner's signatures.
    ///
    /// Policy is held against what was verified, never against what headers say. Inside CBC content only intact content
    /// is told apart from garbage: everything else is [`RefusalReason::DecryptionFailed`] without a digest (SEC-50).
    #[must_use]
    pub fn judge(
        &self,
        certificates: &[Certificate],
        policy: &AcceptPolicy,
        transport: TransportFacts,
        now: SystemTime,
    ) -> Verdict {
        Judge {
            decoded: self,
            policy,
            transport,
            now,
            certificates,
        }
        .judge()
    }
}
