use std::time::SystemTime;

use crate::algorithm::{ContentCipher, DigestAlgorithm};
use crate::cms::{Certificate, SignatureError, SignerCheck, check_signers};
use crate::mic::{Mic, MicSet};
use crate::partnership::{AcceptPolicy, MicSource};

use super::decoder::{Decoded, Fault, LayerKind, SignatureFound};

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
#[derive(Debug)]
#[non_exhaustive]
pub enum Verdict {
    /// It may.
    Accepted(Acceptance),
    /// It must not.
    Refused(Refusal),
}

/// Why a message may be delivered.
#[derive(Debug)]
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
}

/// Why a message must not be delivered.
#[derive(Debug)]
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
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefusalDetail {
    /// The message is broken, or not for us.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// Its signature is wrong.
    #[error("the signature by {signer}: {error}")]
    Signature {
        /// The subject of the certificate.
        signer: String,
        /// What is wrong.
        error: SignatureError,
    },
    /// No certificate configured for the partner made the signature.
    #[error("the message is signed, but by no certificate configured for the partner (signer: {0})")]
    UnknownSigner(String),
    /// No certificate is configured to verify the partner's signatures.
    #[error("no certificate is configured to verify this partner's signatures")]
    NoCertificates,
    /// A SignedData without signers.
    #[error("the signature names no signer")]
    NoSigners,
    /// The signer's certificate is not valid at this time.
    #[error("the certificate of {0} is not valid at this time")]
    NotValid(String),
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
    /// Encrypted, but not signed: CBC content that anybody could have altered (SEC-50).
    #[error("the message is encrypted but not signed, which is not accepted from this partner")]
    UnsignedCbc,
    /// Something follows the end of a layer within encrypted content (SEC-50).
    #[error("octets follow the end of a layer inside the encrypted content")]
    TrailingOctets,
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
        mut self,
        certificates: &[Certificate],
        policy: &AcceptPolicy,
        transport: TransportFacts,
        now: SystemTime,
    ) -> (Self, Verdict) {
        let judged = Judge { policy, transport, now, certificates }.judge(&mut self);
        let verdict = match judged {
            Ok(acceptance) => Verdict::Accepted(acceptance),
            Err(refusal) if self.enveloped && !refusal.safe_in_cbc => Verdict::Refused(Refusal {
                reason: RefusalReason::DecryptionFailed,
                mic: None,
                detail: refusal.detail,
            }),
            Err(Refused { reason, mic, detail, .. }) => Verdict::Refused(Refusal { reason, mic, detail }),
        };
        (self, verdict)
    }
}

/// A refusal, before it is decided whether the partner may be told the reason.
struct Refused {
    reason: RefusalReason,
    mic: Option<Mic>,
    detail: RefusalDetail,
    /// The content is intact, or the reason follows from what everybody can see.
    safe_in_cbc: bool,
}

impl Refused {
    fn new(reason: RefusalReason, mic: Option<Mic>, detail: impl Into<RefusalDetail>) -> Self {
        Self { reason, mic, detail: detail.into(), safe_in_cbc: false }
    }

    fn safe_in_cbc(mut self, safe: bool) -> Self {
        self.safe_in_cbc = safe;
        self
    }
}

struct Judge<'a> {
    policy: &'a AcceptPolicy,
    transport: TransportFacts,
    now: SystemTime,
    certificates: &'a [Certificate],
}

impl Judge<'_> {
    fn judge(&self, decoded: &mut Decoded) -> Result<Acceptance, Refused> {
        if let Some(fault) = decoded.fault.take() {
            return Err(refuse_fault(fault, None));
        }
        let signature = decoded.signature.take();
        match &signature {
            Some(signature) => self.judge_signed(decoded, signature),
            None => self.judge_unsigned(decoded),
        }
    }

    fn judge_unsigned(&self, decoded: &Decoded) -> Result<Acceptance, Refused> {
        let mic = decoded.unsigned_mics.first().cloned();
        let insufficient = |detail| Refused::new(RefusalReason::InsufficientMessageSecurity, mic.clone(), detail);
        if self.policy.require_signature {
            return Err(insufficient(RefusalDetail::NotSigned));
        }
        if decoded.enveloped {
            let vouched = self.policy.allow_unsigned_cbc && self.transport.authenticated;
            if !vouched && !self.policy.danger_accept_unsigned_cbc {
                return Err(insufficient(RefusalDetail::UnsignedCbc));
            }
            if !decoded.ends_exactly {
                return Err(insufficient(RefusalDetail::TrailingOctets));
            }
        }
        self.layers_demanded(decoded).map_err(insufficient)?;
        Ok(Acceptance {
            signer: None,
            signing_time: None,
            continued_unauthenticated: false,
            unauthenticated: !self.transport.authenticated,
            canonicalised: false,
            expired: false,
            mic: mic.ok_or_else(no_mic)?,
        })
    }

    fn judge_signed(&self, decoded: &mut Decoded, signature: &SignatureFound) -> Result<Acceptance, Refused> {
        let exact = check_signers(&signature.signer_infos, self.certificates, &signature.mics);
        let canonical = signature.canonical.as_ref().filter(|_| !matches!(exact, SignerCheck::Verified { .. }));
        let canonical = canonical
            .map(|mics| (check_signers(&signature.signer_infos, self.certificates, mics), mics))
            .filter(|(check, _)| matches!(check, SignerCheck::Verified { .. }));
        let (check, mics, canonicalised) = match canonical {
            Some((check, mics)) => (check, mics, true),
            None => (exact, &signature.mics, false),
        };
        let ends_exactly = decoded.ends_exactly;
        let SignerCheck::Verified { certificate, digest, signing_time } = check else {
            return self.judge_unverified(decoded, check, mics);
        };
        let mic = self.mic(decoded, mics, digest);
        let refuse = |reason, detail: RefusalDetail| {
            Err(Refused::new(reason, mic.clone(), detail).safe_in_cbc(ends_exactly))
        };
        if decoded.enveloped && !ends_exactly {
            return refuse(RefusalReason::DecryptionFailed, RefusalDetail::TrailingOctets);
        }
        let expired = !certificate.is_valid_at(self.now);
        if expired && !self.policy.accept_expired {
            return refuse(RefusalReason::AuthenticationFailed, RefusalDetail::NotValid(certificate.to_string()));
        }
        if !self.policy.allows_digest(digest) {
            return refuse(RefusalReason::InsufficientMessageSecurity, RefusalDetail::WeakDigest(digest));
        }
        let bits = certificate.key_bits().unwrap_or_default();
        if bits < self.policy.min_rsa_bits {
            return refuse(RefusalReason::InsufficientMessageSecurity, RefusalDetail::WeakKey(bits));
        }
        if let Err(detail) = self.layers_demanded(decoded) {
            return refuse(RefusalReason::InsufficientMessageSecurity, detail);
        }
        if let Some(fault) = decoded.content_fault.take() {
            return Err(refuse_fault(fault, mic).safe_in_cbc(true));
        }
        Ok(Acceptance {
            mic: mic.ok_or_else(no_mic)?,
            signer: Some(certificate),
            signing_time,
            continued_unauthenticated: false,
            unauthenticated: false,
            canonicalised,
            expired,
        })
    }

    /// No configured certificate verifies the signature.
    fn judge_unverified(&self, decoded: &Decoded, check: SignerCheck, mics: &MicSet) -> Result<Acceptance, Refused> {
        let named = check.digest();
        let mic = named.and_then(|digest| self.mic(decoded, mics, digest)).or_else(|| mics.first().cloned());
        let digest_matches = check.digest_matches();
        let (reason, detail) = match check {
            SignerCheck::Failed { certificate, error, .. } => (
                RefusalReason::IntegrityCheckFailed,
                RefusalDetail::Signature { signer: certificate.to_string(), error },
            ),
            SignerCheck::NoSigners => (RefusalReason::InsufficientMessageSecurity, RefusalDetail::NoSigners),
            _ if self.certificates.is_empty() => (RefusalReason::AuthenticationFailed, RefusalDetail::NoCertificates),
            SignerCheck::UnknownSigner { id, .. } => {
                (RefusalReason::AuthenticationFailed, RefusalDetail::UnknownSigner(id))
            }
            SignerCheck::Verified { .. } => (RefusalReason::AuthenticationFailed, RefusalDetail::NoCertificates),
        };
        let intact = digest_matches && decoded.ends_exactly && decoded.content_fault.is_none();
        let unknown = reason == RefusalReason::AuthenticationFailed;
        if self.policy.continue_unauthenticated && unknown && intact && self.layers_demanded(decoded).is_ok() {
            return Ok(Acceptance {
                mic: mic.ok_or_else(no_mic)?,
                signer: None,
                signing_time: None,
                continued_unauthenticated: true,
                unauthenticated: !self.transport.authenticated,
                canonicalised: false,
                expired: false,
            });
        }
        // Inside CBC, a digest that matches shows intact content; it does not show whose, so no MIC is told.
        let mic = mic.filter(|_| !decoded.enveloped);
        Err(Refused::new(reason, mic, detail).safe_in_cbc(unknown && intact))
    }

    /// The layers that the policy demands besides a signature.
    fn layers_demanded(&self, decoded: &Decoded) -> Result<(), RefusalDetail> {
        let encrypted = decoded.layers.iter().any(|layer| matches!(layer, LayerKind::Encrypted(_)));
        let private = encrypted || (self.policy.tls_suffices && self.transport.tls);
        if self.policy.require_encryption && !private {
            return Err(RefusalDetail::NotEncrypted);
        }
        if self.policy.require_compression && !decoded.layers.contains(&LayerKind::Compressed) {
            return Err(RefusalDetail::NotCompressed);
        }
        Ok(())
    }

    /// The digest that the receipt of a signed message returns (RFC 4130 §7.4.3, or §7.3 by policy).
    fn mic(&self, decoded: &Decoded, mics: &MicSet, signature: DigestAlgorithm) -> Option<Mic> {
        let algorithm = match self.policy.mic_source {
            MicSource::Signature => signature,
            MicSource::Requested => decoded.requested.unwrap_or(signature),
        };
        mics.get(algorithm).cloned()
    }
}

fn no_mic() -> Refused {
    Refused::new(RefusalReason::UnexpectedProcessingError, None, RefusalDetail::NoMic)
}

/// Which reason a fault has outside encrypted content; within it all are one.
fn refuse_fault(fault: Fault, mic: Option<Mic>) -> Refused {
    let reason = match &fault {
        Fault::Decrypt | Fault::NoRecipient => RefusalReason::DecryptionFailed,
        Fault::CipherRefused(_) => RefusalReason::InsufficientMessageSecurity,
        Fault::Inflate(_) | Fault::CompressedTwice | Fault::TooLarge(_) => RefusalReason::DecompressionFailed,
        Fault::Header(_)
        | Fault::Multipart(_)
        | Fault::Transfer(_)
        | Fault::TransferEncoding(_)
        | Fault::Cms(_)
        | Fault::CipherUnsupported(_)
        | Fault::SmimeType { .. }
        | Fault::Structure(_)
        | Fault::SignedParts
        | Fault::Truncated => RefusalReason::UnexpectedProcessingError,
    };
    // The cipher is named outside the encrypted content, for everybody to see.
    let visible = matches!(fault, Fault::CipherRefused(_));
    Refused::new(reason, mic, fault).safe_in_cbc(visible)
}
