//! A receipt, held against what was sent.

use std::fmt;

use super::DiagnoseError;
use super::capture::Capture;
use super::open::open;
use super::reason::{Outcome, Reason};
use super::variant::{MicVariant, Variants};
use crate::algorithm::DigestAlgorithm;
use crate::keystore::KeyStore;
use crate::limits::Limits;
use crate::mdn::{Expected, Mdn, ReceiptSignature, ReceiptStatus};
use crate::message_id::MessageId;
use crate::mic::{Mic, MicError, MicSet};
use crate::mime::HeaderBlock;
use crate::name::As2Name;
use crate::partnership::AcceptPolicy;
use crate::store::SentRecord;

/// What a receipt is held against: the record of the message that it answers, the message itself, or both.
///
/// With the message itself a digest that differs can be explained: by the form of the message that has it.
#[derive(Clone, Default)]
pub struct Sent {
    message_id: Option<MessageId>,
    mics: MicSet,
    requested: Option<DigestAlgorithm>,
    unsigned_receipt: bool,
    without_mic: bool,
    original: Option<Original>,
}

#[derive(Clone)]
enum Original {
    Message(Vec<u8>),
    Payload(Vec<u8>),
}

impl Sent {
    /// Nothing yet: a signed receipt with a digest is expected.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What was recorded when the message was sent.
    #[must_use]
    pub fn record(message_id: MessageId, record: &SentRecord) -> Self {
        Self {
            message_id: Some(message_id),
            mics: record.mics.clone(),
            requested: Some(record.requested_digest),
            unsigned_receipt: !record.signed_receipt,
            without_mic: !record.mic_required,
            original: None,
        }
    }

    /// The `Message-ID` of the message. Without it the receipt is taken to answer this message.
    #[must_use]
    pub fn message_id(mut self, id: MessageId) -> Self {
        self.message_id = Some(id);
        self
    }

    /// The digests of what was sent. Without them they are computed from the original.
    #[must_use]
    pub fn mics(mut self, mics: impl IntoIterator<Item = Mic>) -> Self {
        self.mics = mics.into_iter().collect();
        self
    }

    /// Takes an unsigned receipt, too.
    #[must_use]
    pub fn unsigned_receipt(mut self) -> Self {
        self.unsigned_receipt = true;
        self
    }

    /// The message as it was sent, or the MIME entity that was signed: header fields, an empty line, the body, octet for
    /// octet. An encrypted message tells nothing without the partner's key: give what was encrypted.
    #[must_use]
    pub fn original(mut self, octets: impl Into<Vec<u8>>) -> Self {
        self.original = Some(Original::Message(octets.into()));
        self
    }

    /// The payload that was sent, without any header: less than [`Sent::original`], as the MIC of a signed message
    /// covers its MIME headers too.
    #[must_use]
    pub fn payload(mut self, octets: impl Into<Vec<u8>>) -> Self {
        self.original = Some(Original::Payload(octets.into()));
        self
    }

    /// The forms of the original, the right one first where that can be told.
    pub(super) async fn variants(
        &self,
        policy: &AcceptPolicy,
        limits: &Limits,
        keys: &dyn KeyStore,
        locals: &[As2Name],
    ) -> Result<Vec<MicVariant>, DiagnoseError> {
        let mut variants = Variants::default();
        match &self.original {
            None => {}
            Some(Original::Payload(octets)) => variants.add_content(None, &HeaderBlock::new(), octets),
            Some(Original::Message(octets)) => {
                super::check_size(octets, limits)?;
                let capture = Capture::read(octets, limits);
                if capture.start_line.is_some() || capture.head.contains("AS2-From") {
                    let opened = open(&capture, policy, limits, keys, locals).await?;
                    return Ok(opened.variants(&capture, policy, limits));
                }
                variants.add_entity(None, octets, limits);
            }
        }
        variants.first_is_right();
        Ok(variants.into_vec())
    }
}

/// Without what was sent.
impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sent")
            .field("message_id", &self.message_id)
            .field("mics", &self.mics)
            .finish_non_exhaustive()
    }
}

/// What a receipt says, and what that is worth.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReceiptFound {
    /// Its fields.
    pub mdn: Mdn,
    /// The digest that it returns, or what is wrong with it.
    pub mic: Result<Option<Mic>, MicError>,
    /// What it proves of what was sent; `None` where nothing was given to hold it against.
    pub status: Option<ReceiptStatus>,
    /// The forms of the original that was given, and their digests.
    pub original: Vec<MicVariant>,
    /// The one of them whose digest the receipt returns.
    pub matching: Option<MicVariant>,
}

impl ReceiptFound {
    pub(super) fn new(mdn: Mdn, signature: ReceiptSignature, sent: Option<&Sent>, original: Vec<MicVariant>) -> Self {
        let requested = sent.and_then(|sent| sent.requested).unwrap_or(DigestAlgorithm::Sha256);
        let mic = mdn.mic(requested);
        let theirs = mic.as_ref().ok().and_then(Option::as_ref);
        let matching = theirs.and_then(|theirs| original.iter().find(|variant| variant.contains(theirs)).cloned());
        let status = sent.and_then(|sent| {
            let mics = our_mics(sent, &original);
            // An encrypted original tells nothing.
            mics.first()?;
            let answered = mdn.original_message_ids().next();
            let id = sent.message_id.clone().or(answered)?;
            let expected = Expected::new(&id, &mics, requested)
                .signed(!sent.unsigned_receipt)
                .mic_required(!sent.without_mic);
            Some(mdn.confirm(&expected, signature))
        });
        Self {
            mdn,
            mic,
            status,
            original,
            matching,
        }
    }

    /// What the status comes from.
    pub(super) fn explain(&self, sent: Option<&Sent>) -> (Outcome, Reason) {
        let Some(status) = &self.status else {
            return self.unmatched();
        };
        let reason = match status {
            ReceiptStatus::MicMismatch { ours, theirs } => match &self.matching {
                Some(variant) => Reason::MicOfOtherForm {
                    theirs: theirs.clone(),
                    variant: variant.clone(),
                },
                None => Reason::MicUnexplained {
                    ours: ours.clone(),
                    theirs: theirs.clone(),
                    searched: !self.original.is_empty(),
                },
            },
            ReceiptStatus::UnusableMic { field, .. } => match sent.and_then(|sent| self.mislabelled(field, sent)) {
                Some(actual) => Reason::MicMislabelled {
                    actual,
                    field: field.clone(),
                },
                None => Reason::Receipt(status.clone()),
            },
            _ => Reason::Receipt(status.clone()),
        };
        let outcome = match status {
            ReceiptStatus::Accepted { .. } => Outcome::Accepted,
            ReceiptStatus::AcceptedWithoutMic | ReceiptStatus::Warning { .. } => Outcome::Reservation,
            _ => Outcome::Refused,
        };
        (outcome, reason)
    }

    /// What a receipt says that is held against nothing: a refusal is one all the same.
    fn unmatched(&self) -> (Outcome, Reason) {
        let mics = MicSet::default();
        let answered = self.mdn.original_message_ids().next();
        let status = answered.map(|id| {
            let expected = Expected::new(&id, &mics, DigestAlgorithm::Sha256)
                .signed(false)
                .mic_required(false);
            self.mdn.confirm(&expected, ReceiptSignature::Unsigned)
        });
        match status {
            Some(status @ ReceiptStatus::Rejected(_)) => (Outcome::Refused, Reason::Receipt(status)),
            _ => (Outcome::Undecided, Reason::ReceiptRead(self.mdn.disposition().clone())),
        }
    }

    /// The algorithm under which a digest with a wrong name is ours.
    fn mislabelled(&self, field: &str, sent: &Sent) -> Option<DigestAlgorithm> {
        let unnamed = field.split(',').next().unwrap_or_default();
        let mics = our_mics(sent, &self.original);
        DigestAlgorithm::known().find(|digest| {
            let theirs = Mic::parse(unnamed, *digest);
            matches!((theirs, mics.get(*digest)), (Ok(theirs), Some(ours)) if theirs == *ours)
        })
    }
}

/// What was recorded, or what the original has.
fn our_mics(sent: &Sent, original: &[MicVariant]) -> MicSet {
    match sent.mics.first() {
        Some(_) => sent.mics.clone(),
        None => {
            let right = original.iter().find(|variant| variant.right);
            right.map(|right| right.mics.clone()).unwrap_or_default()
        }
    }
}
