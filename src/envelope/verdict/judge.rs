use std::time::SystemTime;

use crate::algorithm::DigestAlgorithm;
use crate::cms::{Certificate, SignerCheck};
use crate::mic::{Mic, MicSet};
use crate::partnership::{AcceptPolicy, MicSource, SignerRefusal, Weakness};

use super::super::decoder::{CheckedSignature, Decoded, Fault, LayerKind, SignatureFound};
use super::{Acceptance, Refusal, RefusalDetail, RefusalReason, TransportFacts, Verdict};

pub(super) struct Judge<'a> {
    pub(super) decoded: &'a Decoded,
    pub(super) policy: &'a AcceptPolicy,
    pub(super) transport: TransportFacts,
    pub(super) now: SystemTime,
    pub(super) certificates: &'a [Certificate],
}

/// A refusal, before it is decided whether the partner may be told the reason.
struct Refused {
    refusal: Refusal,
    /// The content is intact, or the reason follows from what everybody can see.
    safe_in_cbc: bool,
}

impl Refused {
    fn new(reason: RefusalReason, mic: Option<Mic>, detail: impl Into<RefusalDetail>) -> Self {
        Self {
            refusal: Refusal {
                reason,
                mic,
                detail: detail.into(),
            },
            safe_in_cbc: false,
        }
    }

    fn safe_in_cbc(mut self, safe: bool) -> Self {
        self.safe_in_cbc = safe;
        self
    }
}

impl Judge<'_> {
    pub(super) fn judge(&self) -> Verdict {
        match self.decide() {
            Ok(acceptance) => Verdict::Accepted(acceptance),
            Err(Refused { refusal, safe_in_cbc }) if safe_in_cbc || !self.decoded.enveloped => {
                Verdict::Refused(refusal)
            }
            Err(Refused { refusal, .. }) => Verdict::Refused(Refusal {
                reason: RefusalReason::DecryptionFailed,
                mic: None,
                detail: refusal.detail,
            }),
        }
    }

    fn decide(&self) -> Result<Acceptance, Refused> {
        match (&self.decoded.fault, &self.decoded.signature) {
            (Some(fault), _) => Err(refuse_fault(fault, None)),
            (None, Some(signature)) => self.signed(signature),
            (None, None) => self.unsigned(),
        }
    }

    fn unsigned(&self) -> Result<Acceptance, Refused> {
        let mic = &self.decoded.unsigned_mic;
        let insufficient = |detail| Refused::new(RefusalReason::InsufficientMessageSecurity, mic.clone(), detail);
        if self.policy.require_signature {
            return Err(insufficient(RefusalDetail::NotSigned));
        }
        // What a cipher authenticates cannot be altered, whoever sent it.
        let authenticated =
            matches!(self.decoded.layers.first(), Some(LayerKind::Encrypted(cipher)) if cipher.is_authenticated());
        if self.decoded.enveloped && !authenticated {
            let vouched = self.policy.allow_unsigned_cbc && self.transport.authenticated;
            if !vouched && !self.policy.danger_accept_unsigned_cbc {
                return Err(insufficient(RefusalDetail::UnsignedCbc));
            }
            if !self.decoded.nothing_added {
                return Err(insufficient(RefusalDetail::AddedOctets));
            }
        }
        self.demanded_layers().map_err(insufficient)?;
        self.demanded_filename(mic)?;
        let accepted = self.acceptance(mic.clone(), [])?;
        Ok(Acceptance {
            unauthenticated: !self.transport.authenticated,
            ..accepted
        })
    }

    fn signed(&self, signature: &SignatureFound) -> Result<Acceptance, Refused> {
        let trust = &self.policy.signer_trust;
        let signers = trust.signers(self.certificates, &signature.certificates, self.now);
        let CheckedSignature {
            check,
            mics,
            canonicalised,
        } = signature.check(&signers.certificates);
        let SignerCheck::Verified {
            certificate,
            digest,
            signing_time,
            ..
        } = check
        else {
            return self.unverified(check, mics);
        };

        // From here on the content is known to be the partner's, if nothing was added to it.
        let mic = self.mic(mics, digest);
        let refuse = |reason, detail: RefusalDetail| Refused::new(reason, mic.clone(), detail).safe_in_cbc(true);
        let insufficient = |detail| refuse(RefusalReason::InsufficientMessageSecurity, detail);
        if self.decoded.enveloped && !self.decoded.nothing_added {
            let reason = RefusalReason::DecryptionFailed;
            return Err(Refused::new(reason, None, RefusalDetail::AddedOctets));
        }
        let expired = match self.policy.check_signer(&certificate, digest, &signers, self.now) {
            Ok(expired) => expired,
            Err(SignerRefusal::NotValid) => {
                let detail = RefusalDetail::NotValid(certificate);
                return Err(refuse(RefusalReason::AuthenticationFailed, detail));
            }
            Err(SignerRefusal::Untrusted(error)) => {
                let detail = RefusalDetail::Untrusted { certificate, error };
                return Err(refuse(RefusalReason::AuthenticationFailed, detail));
            }
            Err(SignerRefusal::WeakDigest) => return Err(insufficient(RefusalDetail::WeakDigest(digest))),
            Err(SignerRefusal::WeakKey(bits)) => return Err(insufficient(RefusalDetail::WeakKey(bits))),
        };
        self.demanded_layers().map_err(insufficient)?;
        if let Some(fault) = &self.decoded.content_fault {
            return Err(refuse_fault(fault, mic).safe_in_cbc(true));
        }
        self.demanded_filename(&mic)
            .map_err(|refused| refused.safe_in_cbc(true))?;
        let accepted = self.acceptance(mic, Weakness::of_signature(&certificate, digest))?;
        Ok(Acceptance {
            signer: Some(certificate),
            signing_time,
            canonicalised,
            expired,
            ..accepted
        })
    }

    /// No configured certificate verifies the signature.
    fn unverified(&self, check: SignerCheck, mics: &MicSet) -> Result<Acceptance, Refused> {
        let (reason, detail, digest, digest_matches) = match check {
            SignerCheck::Failed {
                certificate,
                digest,
                digest_matches,
                error,
                ..
            } => (
                RefusalReason::IntegrityCheckFailed,
                RefusalDetail::Signature { certificate, error },
                digest,
                digest_matches,
            ),
            SignerCheck::UnknownSigner {
                id,
                digest,
                digest_matches,
                ..
            } => {
                let detail = match self.certificates {
                    [] => RefusalDetail::NoCertificates,
                    _ => RefusalDetail::UnknownSigner(id),
                };
                (RefusalReason::AuthenticationFailed, detail, digest, digest_matches)
            }
            // Signed by nobody is not signed. (A verified signature does not come here.)
            SignerCheck::NoSigners | SignerCheck::Verified { .. } => (
                RefusalReason::InsufficientMessageSecurity,
                RefusalDetail::NoSigners,
                None,
                false,
            ),
        };
        let mic = digest
            .and_then(|digest| self.mic(mics, digest))
            .or_else(|| mics.first().cloned());
        let unknown = reason == RefusalReason::AuthenticationFailed;
        // Inside CBC a digest that matches shows intact content, though not whose.
        let intact = digest_matches && self.decoded.nothing_added;
        let sound = intact
            && self.decoded.content_fault.is_none()
            && digest.is_some_and(|digest| self.policy.allows_digest(digest))
            && self.demanded_layers().is_ok();
        if self.policy.continue_unauthenticated && unknown && sound {
            let accepted = self.acceptance(mic, digest.and_then(Weakness::of_digest))?;
            return Ok(Acceptance {
                continued_unauthenticated: true,
                unauthenticated: !self.transport.authenticated,
                ..accepted
            });
        }
        // A digest is told only of content that the configured signer vouches for (SEC-50).
        let mic = mic.filter(|_| !self.decoded.enveloped);
        Err(Refused::new(reason, mic, detail).safe_in_cbc(unknown && intact))
    }

    fn acceptance(
        &self,
        mic: Option<Mic>,
        of_signature: impl IntoIterator<Item = Weakness>,
    ) -> Result<Acceptance, Refused> {
        let of_ciphers = self.decoded.layers.iter().filter_map(|layer| match layer {
            LayerKind::Encrypted(cipher) => Weakness::of_cipher(*cipher),
            LayerKind::Signed | LayerKind::Compressed => None,
        });
        let no_mic = || Refused::new(RefusalReason::UnexpectedProcessingError, None, RefusalDetail::NoMic);
        Ok(Acceptance {
            mic: mic.ok_or_else(no_mic)?,
            signer: None,
            signing_time: None,
            continued_unauthenticated: false,
            unauthenticated: false,
            canonicalised: false,
            expired: false,
            weaknesses: of_signature.into_iter().chain(of_ciphers).collect(),
        })
    }

    /// The layers that the policy demands besides a signature.
    fn demanded_layers(&self) -> Result<(), RefusalDetail> {
        let layers = &self.decoded.layers;
        let encrypted = layers.iter().any(|layer| matches!(layer, LayerKind::Encrypted(_)));
        let private = encrypted || (self.policy.tls_suffices && self.transport.tls);
        if self.policy.require_encryption && !private {
            return Err(RefusalDetail::NotEncrypted);
        }
        if self.policy.require_compression && !layers.contains(&LayerKind::Compressed) {
            return Err(RefusalDetail::NotCompressed);
        }
        Ok(())
    }

    fn demanded_filename(&self, mic: &Option<Mic>) -> Result<(), Refused> {
        if self.policy.require_filename && self.decoded.filename().is_none() {
            let reason = RefusalReason::UnexpectedProcessingError;
            return Err(Refused::new(reason, mic.clone(), RefusalDetail::NoFilename));
        }
        Ok(())
    }

    /// The digest that the receipt of a signed message returns (RFC 4130 §7.4.3, or §7.3 by policy).
    ///
    /// Where the policy allows a weak digest, MD5 even, it is that one: the partner compares it with its own and has no
    /// other, and it proves as much as the signature of the message does. What the receipt itself is signed over is another
    /// question, and MD5 never the answer (MDN-43).
    fn mic(&self, mics: &MicSet, signature: DigestAlgorithm) -> Option<Mic> {
        let algorithm = match self.policy.mic_source {
            MicSource::Signature => signature,
            MicSource::Requested => self.decoded.requested.unwrap_or(signature),
        };
        mics.get(algorithm).cloned()
    }
}

/// Which reason a fault has outside encrypted content; within it all are one.
fn refuse_fault(fault: &Fault, mic: Option<Mic>) -> Refused {
    let reason = match fault {
        Fault::Decrypt | Fault::NoRecipient | Fault::CipherUnsupported(_) | Fault::CipherMisplaced(_) => {
            RefusalReason::DecryptionFailed
        }
        // SMI-21: as where they are not supported.
        Fault::CipherRefused(cipher) if cipher.is_legacy() => RefusalReason::DecryptionFailed,
        Fault::CipherRefused(_) => RefusalReason::InsufficientMessageSecurity,
        Fault::Inflate(_) | Fault::CompressedTwice | Fault::TooLarge(_) => RefusalReason::DecompressionFailed,
        Fault::Header(_)
        | Fault::Multipart(_)
        | Fault::Transfer(_)
        | Fault::TransferEncoding(_)
        | Fault::Cms(_)
        | Fault::SmimeType { .. }
        | Fault::Structure(_)
        | Fault::SignedParts
        | Fault::Truncated => RefusalReason::UnexpectedProcessingError,
    };
    // The cipher is named outside the encrypted content, for everybody to see.
    let visible = matches!(fault, Fault::CipherRefused(_));
    Refused::new(reason, mic, fault.clone()).safe_in_cbc(visible)
}
