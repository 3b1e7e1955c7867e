//! What a receipt proves about the message that it answers (RFC 4130 §7.1, §7.3.1).

use std::fmt;
use std::time::SystemTime;

use super::disposition::{Disposition, DispositionModifier, DispositionType, ErrorModifier, WarningModifier};
use super::report::{Mdn, MdnError};
use crate::algorithm::DigestAlgorithm;
use crate::cms::{Certificate, SignerCheck};
use crate::message_id::MessageId;
use crate::mic::{Mic, MicError, MicSet};
use crate::partnership::{AcceptPolicy, SignerRefusal, Signers, Weakness};

/// What was sent, and what its receipt must be like to confirm it.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    message_id: &'a MessageId,
    mics: &'a MicSet,
    requested: DigestAlgorithm,
    signed: bool,
    mic_required: bool,
}

impl<'a> Expected<'a> {
    /// A signed receipt for the message `message_id`, with one of `mics`. `requested` is the digest of a receipt that
    /// names none.
    #[must_use]
    pub fn new(message_id: &'a MessageId, mics: &'a MicSet, requested: DigestAlgorithm) -> Self {
        Self {
            message_id,
            mics,
            requested,
            signed: true,
            mic_required: true,
        }
    }

    /// Whether the receipt must be signed by the partner (default: it must). An unsigned one proves nothing.
    #[must_use]
    pub fn signed(mut self, required: bool) -> Self {
        self.signed = required;
        self
    }

    /// Whether a signed receipt must return a digest (default: it must, RFC 4130 §7.4.3). An unsigned one need not.
    #[must_use]
    pub fn mic_required(mut self, required: bool) -> Self {
        self.mic_required = required;
        self
    }
}

/// What is known of a receipt's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReceiptSignature {
    /// It has none.
    Unsigned,
    /// It verified, over exactly the octets that the report was read from, with a certificate that is configured for the
    /// partner.
    Verified,
    /// It does not count. The reason is the one that a message with such a signature would be refused for.
    Invalid(ErrorModifier),
}

impl ReceiptSignature {
    /// Whether the partner signed, with which of `signers`, and what is weak about it: the rules are those for messages
    /// (MDN-50).
    pub(crate) fn of(
        check: SignerCheck,
        signers: &Signers,
        policy: &AcceptPolicy,
        now: SystemTime,
    ) -> (Self, Option<Certificate>, Vec<Weakness>) {
        let reason = match check {
            SignerCheck::Verified {
                certificate, digest, ..
            } => match policy.check_signer(&certificate, digest, signers, now) {
                Ok(_) => {
                    let weaknesses = Weakness::of_signature(&certificate, digest).collect();
                    return (Self::Verified, Some(certificate), weaknesses);
                }
                Err(SignerRefusal::NotValid) => ErrorModifier::AuthenticationFailed,
                Err(SignerRefusal::Untrusted(error)) => {
                    tracing::warn!(%certificate, %error, "the signer of a receipt is not trusted");
                    ErrorModifier::AuthenticationFailed
                }
                Err(SignerRefusal::WeakDigest | SignerRefusal::WeakKey(_)) => {
                    ErrorModifier::InsufficientMessageSecurity
                }
            },
            SignerCheck::Failed { .. } => ErrorModifier::IntegrityCheckFailed,
            SignerCheck::UnknownSigner { .. } => ErrorModifier::AuthenticationFailed,
            // Nobody signed, whatever the framing looks like (INT-41).
            SignerCheck::NoSigners => return (Self::Unsigned, None, Vec::new()),
        };
        (Self::Invalid(reason), None, Vec::new())
    }
}

/// What became of the receipt for a message.
///
/// The message is confirmed only by [`ReceiptStatus::Accepted`] and [`ReceiptStatus::AcceptedWithoutMic`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReceiptStatus {
    /// No receipt was asked for.
    NotRequested,
    /// The receipt is still to come, asynchronously.
    Pending,
    /// The partner answered without the receipt that it was asked for.
    Missing,
    /// What came is no receipt.
    Invalid(MdnError),
    /// Its signature is wrong or not the partner's, so nothing that it says counts.
    InvalidSignature(ErrorModifier),
    /// It is not signed as it must be, so nothing that it says counts.
    Unsigned,
    /// It comes under other AS2 names than those of the partnership.
    OtherPartner,
    /// It answers another message, or does not say which.
    OtherMessage {
        /// Its `Original-Message-ID`.
        original_message_id: Option<String>,
    },
    /// The partner refuses the message (RFC 4130 §7.5.3, §7.5.4). Sending the same again is of no use.
    Rejected(Disposition),
    /// The partner took the message with a reservation (RFC 4130 §7.5.5). No success unless the host says so.
    Warning {
        /// The reservation.
        warning: WarningModifier,
        /// Whether the digest that it returns is ours: the partner has this very message, if only since an earlier try.
        mic_matched: bool,
    },
    /// A signed receipt for a message that was processed returns no digest: it does not say of what.
    MissingMic,
    /// It returns a digest that cannot be compared.
    UnusableMic {
        /// The field `Received-content-MIC`.
        field: String,
        /// What is wrong with it; `None` where it is a digest of a kind that was not computed.
        error: Option<MicError>,
    },
    /// The partner received something other than what was sent.
    MicMismatch {
        /// The digest of what was sent.
        ours: Mic,
        /// The digest of what was received.
        theirs: Mic,
    },
    /// The message was processed; the receipt is unsigned or was excused from returning a digest, and has none.
    AcceptedWithoutMic,
    /// The message was processed, and the partner received what was sent.
    Accepted {
        /// The digest on which both agree. SHA-1 convinces nobody else.
        mic: Mic,
        /// Whether the partner signed for it.
        signed: bool,
    },
}

impl ReceiptStatus {
    /// Whether the message is confirmed.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted { .. } | Self::AcceptedWithoutMic)
    }

    /// Whether the receipt is evidence against a partner that denies having received the message: the message was
    /// signed, the receipt is, and the digests are equal (RFC 4130 §2.3.2, §9.1).
    #[must_use]
    pub fn proves_receipt(&self, message_signed: bool) -> bool {
        message_signed && matches!(self, Self::Accepted { signed: true, .. })
    }
}

/// One line for people.
impl fmt::Display for ReceiptStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRequested => f.write_str("sent; no receipt was asked for"),
            Self::Pending => f.write_str("sent; the receipt is still to come"),
            Self::Missing => f.write_str("the partner answered without the receipt that it was asked for"),
            Self::Invalid(error) => write!(f, "the answer is no receipt: {error}"),
            Self::InvalidSignature(reason) => write!(f, "the receipt's signature does not count: {reason}"),
            Self::Unsigned => f.write_str("the receipt is not signed, though it has to be"),
            Self::OtherPartner => f.write_str("the receipt comes under the names of another partnership"),
            Self::OtherMessage {
                original_message_id: None,
            } => f.write_str("the receipt does not say which message it answers"),
            Self::OtherMessage {
                original_message_id: Some(id),
            } => {
                write!(f, "the receipt answers another message, {id:?}")
            }
            Self::Rejected(disposition) => write!(f, "the partner refuses the message: {disposition}"),
            Self::Warning {
                warning,
                mic_matched: true,
            } => {
                write!(f, "the partner took the message with a warning: {warning}")
            }
            Self::Warning {
                warning,
                mic_matched: false,
            } => {
                write!(
                    f,
                    "the partner took the message with a warning, and returned no digest of it: {warning}"
                )
            }
            Self::MissingMic => f.write_str("the signed receipt returns no digest of the message"),
            Self::UnusableMic {
                field,
                error: Some(error),
            } => write!(f, "the receipt's digest {field:?} is none: {error}"),
            Self::UnusableMic { field, error: None } => {
                write!(f, "the receipt's digest {field:?} is of a kind that was not asked for")
            }
            Self::MicMismatch { ours, theirs } => {
                write!(
                    f,
                    "the partner received something else: its digest is {theirs}, ours is {ours}"
                )
            }
            Self::AcceptedWithoutMic => f.write_str("accepted; the receipt returns no digest"),
            Self::Accepted { mic, signed: true } => write!(f, "accepted, signed for, MIC {mic}"),
            Self::Accepted { mic, signed: false } => write!(f, "accepted, MIC {mic}"),
        }
    }
}

impl Mdn {
    /// The identifiers of messages that this receipt may answer, best first: `Original-Message-ID` as it is, then
    /// without white space. Identifiers that we send have none, so any was added by a fold on the way.
    pub fn original_message_ids(&self) -> impl Iterator<Item = MessageId> + use<> {
        let exact = self.original_message_id().and_then(|id| MessageId::parse(id).ok());
        let joined = exact.as_ref().filter(|id| id.as_str().contains(' ')).and_then(|id| {
            let joined = id.as_str().replace(' ', "");
            MessageId::parse(&joined).ok()
        });
        exact.into_iter().chain(joined)
    }

    /// Judges the receipt: first its signature, then which message it answers, then the disposition, last the digest.
    #[must_use]
    pub fn confirm(&self, expected: &Expected<'_>, signature: ReceiptSignature) -> ReceiptStatus {
        let signed = match signature {
            ReceiptSignature::Invalid(reason) => return ReceiptStatus::InvalidSignature(reason),
            ReceiptSignature::Unsigned if expected.signed => return ReceiptStatus::Unsigned,
            ReceiptSignature::Unsigned => false,
            ReceiptSignature::Verified => true,
        };
        if !self.original_message_ids().any(|id| id == *expected.message_id) {
            return ReceiptStatus::OtherMessage {
                original_message_id: self.original_message_id().map(str::to_owned),
            };
        }
        match (self.disposition().kind(), self.disposition().modifier()) {
            (DispositionType::Processed, None) => self.compare(expected, signed),
            (DispositionType::Processed, Some(DispositionModifier::Warning(warning))) => ReceiptStatus::Warning {
                warning: warning.clone(),
                mic_matched: matches!(self.compare(expected, signed), ReceiptStatus::Accepted { .. }),
            },
            _ => ReceiptStatus::Rejected(self.disposition().clone()),
        }
    }

    /// Holds the digest of a positive receipt against ours.
    fn compare(&self, expected: &Expected<'_>, signed: bool) -> ReceiptStatus {
        let unusable = |error| ReceiptStatus::UnusableMic {
            field: self.received_content_mic().unwrap_or_default().to_owned(),
            error,
        };
        let theirs = match self.mic(expected.requested) {
            Ok(Some(theirs)) => theirs,
            Ok(None) if signed && expected.mic_required => return ReceiptStatus::MissingMic,
            Ok(None) => return ReceiptStatus::AcceptedWithoutMic,
            Err(error) => return unusable(Some(error)),
        };
        match expected.mics.get(theirs.algorithm()) {
            None => unusable(None),
            Some(ours) if *ours == theirs => ReceiptStatus::Accepted { mic: theirs, signed },
            Some(ours) => ReceiptStatus::MicMismatch {
                ours: ours.clone(),
                theirs,
            },
        }
    }
}

#[cfg(test)]
mod tests;
