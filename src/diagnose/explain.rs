//! From what the receiver decides to why, with everything that is at hand.

use super::capture::{BodyLength, Capture};
use super::layer::{Layer, LayerDetail, SignedBy, Signer};
use super::open::{Opened, requested};
use super::reason::{Outcome, Reason};
use super::signers::Certificates;
use crate::cms::{CmsReader, ContentKind, SignatureError};
use crate::envelope::{As2Headers, Fault, Refusal, RefusalDetail, Verdict};
use crate::limits::Limits;
use crate::mdn::ErrorModifier;
use crate::mime::HeaderBlock;
use crate::name::As2Name;
use crate::partnership::AcceptPolicy;

/// What a refused or accepted message is explained with.
pub(super) struct Evidence<'a> {
    pub(super) capture: &'a Capture,
    pub(super) opened: &'a Opened,
    pub(super) layers: &'a [Layer],
    pub(super) certificates: &'a Certificates,
    /// We, and the partner.
    pub(super) local: &'a As2Name,
    pub(super) partner: &'a As2Name,
}

impl Evidence<'_> {
    pub(super) fn of_verdict(&self, verdict: &Verdict) -> (Outcome, Reason) {
        match verdict {
            Verdict::Accepted(acceptance) => {
                let reserved = acceptance.canonicalised || acceptance.expired || acceptance.unauthenticated;
                let reason = Reason::Accepted {
                    signer: acceptance.signer.clone(),
                    canonicalised: acceptance.canonicalised,
                    expired: acceptance.expired,
                    unauthenticated: acceptance.unauthenticated,
                    weaknesses: acceptance.weaknesses.clone(),
                };
                let outcome = if reserved {
                    Outcome::Reservation
                } else {
                    Outcome::Accepted
                };
                (outcome, reason)
            }
            Verdict::Refused(refusal) => (Outcome::Refused, self.of_refusal(refusal)),
        }
    }

    fn of_refusal(&self, refusal: &Refusal) -> Reason {
        match &refusal.detail {
            RefusalDetail::Fault(fault) => self.of_fault(fault),
            RefusalDetail::Signature { .. } | RefusalDetail::UnknownSigner(_) | RefusalDetail::NoCertificates => self
                .of_signature()
                .unwrap_or_else(|| Reason::Message(refusal.detail.clone())),
            RefusalDetail::NotSigned | RefusalDetail::NotEncrypted | RefusalDetail::NotCompressed => {
                match (self.unnamed_cms(), &refusal.detail) {
                    (Some(reason), _) => reason,
                    (None, RefusalDetail::NotSigned) if self.is_head_broken() => self.broken_inside(&refusal.detail),
                    (None, detail) => Reason::Message(detail.clone()),
                }
            }
            RefusalDetail::AddedOctets => self.broken_inside(&refusal.detail),
            detail => Reason::Message(detail.clone()),
        }
    }

    /// A body that nobody opens because its type is not that of CMS.
    fn unnamed_cms(&self) -> Option<Reason> {
        if !self.layers.is_empty() {
            return None;
        }
        let mut reader = CmsReader::new(&Limits::default());
        // What is wrong further on does not matter here.
        reader.next(&mut self.opened.payload.as_slice()).ok();
        reader.kind().map(|structure: ContentKind| Reason::UnnamedCms {
            structure,
            content_type: self.capture.head.get("Content-Type").unwrap_or_default().to_owned(),
        })
    }

    /// What is refused within encrypted content that came out under our key: of CBC anybody can change the ciphertext.
    fn broken_inside(&self, detail: &RefusalDetail) -> Reason {
        let cipher = match self.layers.first().map(|layer| &layer.kind) {
            Some(LayerDetail::Encrypted { cipher: Ok(cipher), .. }) => Some(cipher),
            _ => None,
        };
        match (self.opened.held.first(), cipher) {
            (Some(held), Some(cipher)) if !cipher.is_authenticated() && !self.opened.record.entities.is_empty() => {
                Reason::BrokenInside {
                    held: held.clone(),
                    detail: detail.clone(),
                }
            }
            _ => Reason::Message(detail.clone()),
        }
    }

    /// Whether the MIME head of what was decrypted is none that a program has written: octets that are no text, or no type.
    fn is_head_broken(&self) -> bool {
        let Some(plain) = self.opened.record.entities.first() else {
            return false;
        };
        let end = memchr::memmem::find(plain, b"\r\n\r\n").unwrap_or(plain.len());
        let is_text = std::str::from_utf8(plain.get(..end).unwrap_or_default()).is_ok();
        let head = HeaderBlock::parse(plain, &Limits::default());
        !is_text || head.map_or(true, |head| !matches!(head.content_type(), Ok(Some(_))))
    }

    /// Why a receipt's signature does not count.
    pub(super) fn of_receipt(&self, modifier: &ErrorModifier) -> Option<Reason> {
        if let Some(fault) = self
            .opened
            .decoded
            .fault
            .as_ref()
            .or(self.opened.decoded.content_fault.as_ref())
        {
            return Some(self.of_fault(fault));
        }
        // A right signature is refused by policy only, and the status says so.
        match modifier {
            ErrorModifier::InsufficientMessageSecurity => None,
            _ => self.of_signature(),
        }
    }

    pub(super) fn of_fault(&self, fault: &Fault) -> Reason {
        match fault {
            Fault::NoRecipient => self.not_for_us(),
            Fault::Decrypt => match self.opened.held.first() {
                // A capture that is damaged would not decrypt with any key.
                _ if self.capture.length != BodyLength::Whole => Reason::Capture(self.capture.length),
                Some(held) => Reason::Undecryptable(held.clone()),
                None => self.not_for_us(),
            },
            Fault::CipherRefused(_)
            | Fault::CipherUnsupported(_)
            | Fault::CipherMisplaced(_)
            | Fault::SmimeType { .. }
            | Fault::Structure(_)
            | Fault::TooLarge(_)
            | Fault::CompressedTwice => Reason::Message(fault.clone().into()),
            // Decrypted under a wrong key, the padding may look right and the rest does not.
            Fault::Header(_) | Fault::Truncated if self.is_noise() => match self.opened.held.first() {
                Some(held) => Reason::Undecryptable(held.clone()),
                None => Reason::Message(fault.clone().into()),
            },
            _ if self.capture.length != BodyLength::Whole => Reason::Capture(self.capture.length),
            _ => self.broken_inside(&fault.clone().into()),
        }
    }

    /// Whether what was decrypted is not even the beginning of a MIME entity.
    fn is_noise(&self) -> bool {
        let printable = |octet: &u8| matches!(octet, b' '..=b'~' | b'\t' | b'\r' | b'\n');
        let plain = self.opened.record.entities.first();
        !self.opened.held.is_empty() && plain.is_some_and(|plain| !plain.iter().take(16).all(printable))
    }

    fn not_for_us(&self) -> Reason {
        let recipients = self.layers.first().map(Layer::recipients).unwrap_or_default();
        let held = recipients.iter().find_map(|recipient| recipient.held.clone());
        match held {
            Some(held) if self.opened.unsupported_transport => Reason::KeyTransport(held),
            Some(held) if held.local != *self.local => Reason::ForAnotherIdentity {
                addressed: self.local.clone(),
                held,
            },
            _ => Reason::NotForUs {
                recipients: recipients.iter().map(|recipient| recipient.id.clone()).collect(),
                held: self.certificates.own.clone(),
            },
        }
    }

    fn signer(&self) -> Option<&Signer> {
        let signers = self.layers.iter().flat_map(|layer| match &layer.kind {
            LayerDetail::Signed { signers, .. } => signers.as_slice(),
            _ => &[],
        });
        // One that tells more comes first.
        signers.min_by_key(|signer| match &signer.by {
            SignedBy::Partner(_) => 0,
            SignedBy::Wrong { .. } => 1,
            SignedBy::OtherPartner { .. } | SignedBy::Ourselves(_) | SignedBy::NotConfigured(_) => 2,
            SignedBy::Unknown => 3,
        })
    }

    /// Why no configured certificate verifies the signature as it is.
    pub(super) fn of_signature(&self) -> Option<Reason> {
        let signer = self.signer()?;
        let rewritten = signer.over.as_ref().filter(|over| !over.right);
        let damaged = |reason| match self.capture.length {
            BodyLength::Whole => reason,
            length => Reason::Capture(length),
        };
        Some(match &signer.by {
            SignedBy::Partner(certificate) => Reason::SignedPartRewritten {
                certificate: certificate.clone(),
                over: rewritten?.clone(),
            },
            SignedBy::OtherPartner {
                certificate, remote, ..
            } => Reason::SignerIsAnotherPartner {
                partner: self.partner.clone(),
                signer: remote.clone(),
                certificate: certificate.clone(),
            },
            SignedBy::Ourselves(held) => Reason::SignerIsOurselves(held.clone()),
            SignedBy::NotConfigured(certificate) => Reason::SignerNotConfigured {
                partner: self.partner.clone(),
                certificate: certificate.clone(),
            },
            SignedBy::Wrong {
                certificate,
                error: SignatureError::ContentDigest,
            } => damaged(Reason::ContentChanged(certificate.clone())),
            SignedBy::Wrong { certificate, error } => damaged(Reason::SignatureWrong {
                certificate: certificate.clone(),
                error: error.clone(),
            }),
            SignedBy::Unknown => Reason::UnknownSigner {
                partner: self.partner.clone(),
                id: signer.id.clone(),
                intact: self.opened.intact(signer.signed_digest.as_ref()),
                configured: self.certificates.partner.clone(),
            },
        })
    }
}

/// What the receiver refuses a message for before it looks at what is inside.
pub(super) fn head_refusal(headers: &As2Headers, capture: &Capture, policy: &AcceptPolicy) -> Option<Reason> {
    if headers.block().content_type().ok().flatten().is_none() {
        return Some(Reason::NoContentType);
    }
    if headers.message_id().is_none() && !policy.without_message_id {
        return Some(Reason::NoMessageId);
    }
    if let Some(Err(failure)) = requested(headers.block(), policy).map(|request| request.form_under(policy)) {
        return Some(Reason::ReceiptUnsupported(failure));
    }
    if capture.body.is_empty() {
        return Some(match capture.length {
            BodyLength::Whole => Reason::EmptyBody,
            // The capture has the head alone.
            length => Reason::Capture(length),
        });
    }
    (!headers.version().is_supported()).then_some(Reason::Version(headers.version()))
}
