//! The result of an examination.

use std::fmt;

use super::capture::BodyLength;
use super::headers::HeaderProblem;
use super::layer::{Layer, LayerDetail};
use super::open::Opened;
use super::reason::{Outcome, Reason};
use super::receipt::ReceiptFound;
use super::variant::MicVariant;
use crate::algorithm::DigestAlgorithm;
use crate::envelope::{PayloadFilename, RefusalReason};
use crate::message_id::MessageId;
use crate::mic::{Mic, MicSet};
use crate::name::As2Name;

/// All that is known of a capture. `Display` is a text for people, of several lines; `{:#}` has every digest in every
/// algorithm.
///
/// Never to be shown to partners: see the [module](super).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Diagnosis {
    /// What it is.
    pub kind: CaptureKind,
    /// Which way it goes.
    pub direction: Direction,
    /// The request line or status line.
    pub start_line: Option<String>,
    /// `AS2-From`, where it can be read.
    pub from: Option<As2Name>,
    /// `AS2-To`, where it can be read.
    pub to: Option<As2Name>,
    /// `Message-ID`, where it can be read.
    pub message_id: Option<MessageId>,
    /// What is wrong with the header fields, of HTTP and of the layers.
    pub header_problems: Vec<HeaderProblem>,
    /// Whether the body is whole.
    pub body_length: BodyLength,
    /// The layers, outermost first; none for a bare payload.
    pub layers: Vec<Layer>,
    /// What is inside, where the layers could be removed.
    pub payload: Option<PayloadFound>,
    /// Digests of what it holds: the right one first, then those that partners are known to compute instead.
    pub mics: Vec<MicVariant>,
    /// The digest that the receiver returns in its receipt.
    pub mic: Option<Mic>,
    /// What the partner is told of a message that is refused: much less than the reason.
    pub told: Option<RefusalReason>,
    /// What a receipt says.
    pub receipt: Option<ReceiptFound>,
    /// What the receiver makes of it.
    pub outcome: Outcome,
    /// Why.
    pub reason: Reason,
}

/// What a capture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CaptureKind {
    /// An AS2 message.
    Message,
    /// A receipt: a message disposition notification.
    Mdn,
    /// No AS2.
    Unknown,
}

/// `message`, `mdn`, `unknown`.
impl fmt::Display for CaptureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Message => "message",
            Self::Mdn => "mdn",
            Self::Unknown => "unknown",
        })
    }
}

/// Which way a capture goes, by the partnership of its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Direction {
    /// From a partner to us.
    Inbound,
    /// From us to a partner.
    Outbound,
    /// No partnership has these names.
    Unknown,
}

/// The innermost content of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PayloadFound {
    /// Its `Content-Type`, empty if there is none.
    pub content_type: String,
    /// The file name that came with it.
    pub filename: Option<PayloadFilename>,
    /// Its octets, without transfer encoding.
    pub size: u64,
}

impl PayloadFound {
    pub(super) fn of(opened: &Opened) -> Option<Self> {
        let decoded = &opened.decoded;
        let head = decoded.payload_head.as_ref()?;
        Some(Self {
            content_type: head.get("Content-Type").unwrap_or_default().to_owned(),
            filename: decoded.filename(),
            size: decoded.payload_len,
        })
    }
}

impl Diagnosis {
    /// The right digests of what it holds, in every algorithm; `None` where they could not be computed.
    #[must_use]
    pub fn right_mics(&self) -> Option<&MicSet> {
        self.mics.iter().find(|variant| variant.right).map(|right| &right.mics)
    }

    /// The form of the message that has this digest.
    #[must_use]
    pub fn variant_of(&self, mic: &Mic) -> Option<&MicVariant> {
        self.mics.iter().find(|variant| variant.contains(mic))
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if let Some(id) = &self.message_id {
            write!(f, " {id}")?;
        }
        if let Some(from) = &self.from {
            write!(f, " from {from}")?;
        }
        if let Some(to) = &self.to {
            write!(f, " to {to}")?;
        }
        writeln!(f)?;
        let mut indent = 0;
        for layer in &self.layers {
            indent += 2;
            writeln!(f, "{:indent$}{layer}", "")?;
            match &layer.kind {
                LayerDetail::Encrypted { recipients, .. } => {
                    for recipient in recipients {
                        writeln!(f, "{:indent$}  {recipient}", "")?;
                    }
                }
                LayerDetail::Signed { signers, .. } => {
                    for signer in signers {
                        writeln!(f, "{:indent$}  {signer}", "")?;
                    }
                }
                _ => {}
            }
        }
        if let Some(payload) = &self.payload {
            indent += 2;
            let content_type = match payload.content_type.as_str() {
                "" => "no Content-Type",
                content_type => content_type,
            };
            write!(f, "{:indent$}{content_type}, {} octets", "", payload.size)?;
            match &payload.filename {
                Some(name) => writeln!(f, ", {:?}", name.raw)?,
                None => writeln!(f)?,
            }
        }
        for problem in &self.header_problems {
            writeln!(f, "header: {problem}")?;
        }
        // The digests of a receipt itself are nobody's concern.
        let mics = self.receipt.as_ref().map_or(&self.mics, |receipt| &receipt.original);
        if self.kind != CaptureKind::Unknown {
            mics.iter().try_for_each(|variant| write_mics(variant, f))?;
        }
        if let Some(receipt) = &self.receipt {
            writeln!(f, "disposition: {}", receipt.mdn.disposition())?;
            if let Some(id) = receipt.mdn.original_message_id() {
                writeln!(f, "answers: {id}")?;
            }
            if let Some(mic) = receipt.mdn.received_content_mic() {
                writeln!(f, "returned MIC: {mic}")?;
            }
        }
        writeln!(f, "{}: {}", self.outcome, self.reason)?;
        f.write_str(self.reason.advice())
    }
}

/// The right digests in every algorithm; others in SHA-256 alone, unless all is asked for.
fn write_mics(variant: &MicVariant, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let which = if variant.right { "MIC" } else { "other digest" };
    write!(f, "{which}, of {variant} ({} octets):", variant.octets)?;
    if !variant.right && !f.alternate() {
        return match variant.mics.get(DigestAlgorithm::Sha256) {
            Some(mic) => writeln!(f, " {mic}"),
            None => writeln!(f),
        };
    }
    writeln!(f)?;
    variant.mics.iter().try_for_each(|mic| writeln!(f, "  {mic}"))
}
