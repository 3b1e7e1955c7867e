//! Digests of a message as partners are known to compute them.

use std::borrow::Cow;
use std::fmt;

use super::capture::len;
use crate::algorithm::DigestAlgorithm;
use crate::envelope::{Canonical, LayerKind};
use crate::limits::Limits;
use crate::mic::{Digester, Mic, MicSet};
use crate::mime::{HeaderBlock, HeaderReader, TransferDecoder};

/// The digests of one run of octets of a message: the right one, or what a partner takes for it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MicVariant {
    /// Of what.
    pub of: MicScope,
    /// In which form.
    pub form: ContentForm,
    /// How many octets that are.
    pub octets: u64,
    /// Their digests, in every algorithm.
    pub mics: MicSet,
    /// Whether it is the one of RFC 4130 §7.3.1, as the partnership has it.
    pub right: bool,
}

/// Which part of a message a digest covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MicScope {
    /// The layer whose content it is; `None` for the HTTP body, or for what a host calls the original.
    pub within: Option<LayerKind>,
    /// How much of it.
    pub part: EntityPart,
}

/// How much of a MIME entity a digest covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntityPart {
    /// Headers, empty line and content.
    Entity,
    /// The content alone, as it travels.
    Content,
    /// The content alone, without its transfer encoding.
    DecodedContent,
}

/// What was done to the octets before they were digested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContentForm {
    /// To line ends.
    pub line_ends: LineEnds,
    /// To the end.
    pub end: FinalLineEnd,
}

/// What was done to line ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LineEnds {
    /// Nothing.
    #[default]
    AsTheyAre,
    /// All became CR LF.
    Crlf,
    /// CR LF became LF.
    Lf,
    /// Those of the MIME headers became CR LF.
    CrlfInHeaders,
}

/// What was done to a line end at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FinalLineEnd {
    /// Nothing.
    #[default]
    AsItIs,
    /// It does not count.
    Dropped,
    /// CR LF was added.
    Added,
}

impl ContentForm {
    /// Whether nothing was done.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        *self == Self::default()
    }
}

/// `the signed entity`, `the HTTP body without its transfer encoding`.
impl fmt::Display for MicScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.within, self.part) {
            (None, EntityPart::Entity) => f.write_str("the entity with its MIME headers"),
            (None, EntityPart::Content) => f.write_str("the body alone"),
            (None, EntityPart::DecodedContent) => f.write_str("the body alone, its transfer encoding removed"),
            (Some(layer), EntityPart::Entity) => write!(f, "the {layer} entity with its MIME headers"),
            (Some(layer), EntityPart::Content) => write!(f, "the {layer} content without its MIME headers"),
            (Some(layer), EntityPart::DecodedContent) => {
                write!(
                    f,
                    "the {layer} content without its MIME headers and its transfer encoding"
                )
            }
        }
    }
}

/// ` after LF was turned into CRLF`; nothing for octets as they are.
impl fmt::Display for ContentForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.line_ends {
            LineEnds::AsTheyAre => "",
            LineEnds::Crlf => " after LF was turned into CRLF",
            LineEnds::Lf => " after CRLF was turned into LF",
            LineEnds::CrlfInHeaders => " after LF was turned into CRLF in its MIME headers",
        })?;
        let and = match self.line_ends {
            LineEnds::AsTheyAre => " after",
            _ => " and",
        };
        match self.end {
            FinalLineEnd::AsItIs => Ok(()),
            FinalLineEnd::Dropped => write!(f, "{and} the line end at the end was dropped"),
            FinalLineEnd::Added => write!(f, "{and} a line end was added at the end"),
        }
    }
}

/// Of what, in which form, and how many octets.
impl fmt::Display for MicVariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.of, self.form)
    }
}

impl MicVariant {
    /// Whether one of the digests is this one.
    #[must_use]
    pub fn contains(&self, mic: &Mic) -> bool {
        self.mics.get(mic.algorithm()) == Some(mic)
    }
}

/// Variants, each octet sequence once: the first that is added names it.
#[derive(Debug, Default)]
pub(super) struct Variants(Vec<MicVariant>);

impl Variants {
    pub(super) fn push(&mut self, variant: MicVariant) {
        if !self.0.iter().any(|known| known.mics == variant.mics) {
            self.0.push(variant);
        }
    }

    /// All forms of an entity: a head that is part of it, then the content.
    pub(super) fn add_entity(&mut self, within: Option<LayerKind>, entity: &[u8], limits: &Limits) {
        let mut reader = HeaderReader::new(limits);
        let mut content = entity;
        let head = reader.read(&mut content).ok().flatten();
        self.add(within, EntityPart::Entity, entity, reader.raw());
        if let Some(head) = head {
            self.add_content(within, &head, content);
        }
    }

    /// All forms of content whose head is elsewhere.
    pub(super) fn add_content(&mut self, within: Option<LayerKind>, head: &HeaderBlock, content: &[u8]) {
        self.add(within, EntityPart::Content, content, &[]);
        let encoding = head.transfer_encoding().ok().flatten();
        if let Some(encoding) = encoding.filter(|encoding| !encoding.is_identity()) {
            let mut decoder = TransferDecoder::new(encoding);
            let mut decoded = Vec::new();
            let complete = decoder
                .decode(content, &mut decoded)
                .and_then(|()| decoder.finish(&mut decoded));
            if complete.is_ok() {
                self.add(within, EntityPart::DecodedContent, &decoded, &[]);
            }
        }
    }

    fn add(&mut self, within: Option<LayerKind>, part: EntityPart, octets: &[u8], head: &[u8]) {
        for line_ends in [
            LineEnds::AsTheyAre,
            LineEnds::Crlf,
            LineEnds::Lf,
            LineEnds::CrlfInHeaders,
        ] {
            let rewritten = match line_ends {
                LineEnds::AsTheyAre => Cow::Borrowed(octets),
                LineEnds::Crlf => Cow::Owned(to_crlf(octets)),
                LineEnds::Lf => Cow::Owned(to_lf(octets)),
                LineEnds::CrlfInHeaders => {
                    let content = octets.get(head.len()..).unwrap_or_default();
                    Cow::Owned([to_crlf(head).as_slice(), content].concat())
                }
            };
            if line_ends != LineEnds::AsTheyAre && *rewritten == *octets {
                continue;
            }
            for end in [FinalLineEnd::AsItIs, FinalLineEnd::Dropped, FinalLineEnd::Added] {
                let ended = match end {
                    FinalLineEnd::AsItIs => rewritten.clone(),
                    FinalLineEnd::Dropped => {
                        let shorter = rewritten.strip_suffix(b"\n");
                        let Some(shorter) = shorter.map(|line| line.strip_suffix(b"\r").unwrap_or(line)) else {
                            continue;
                        };
                        Cow::Borrowed(shorter)
                    }
                    FinalLineEnd::Added => Cow::Owned([&rewritten, b"\r\n".as_slice()].concat()),
                };
                let mut digester = Digester::new(DigestAlgorithm::known());
                digester.update(&ended);
                self.push(MicVariant {
                    of: MicScope { within, part },
                    form: ContentForm { line_ends, end },
                    octets: len(&ended),
                    mics: digester.finish(),
                    right: false,
                });
            }
        }
    }

    /// Takes the first one for the right one: what a host calls the original.
    pub(super) fn first_is_right(&mut self) {
        if let Some(first) = self.0.first_mut() {
            first.right = true;
        }
    }

    pub(super) fn into_vec(self) -> Vec<MicVariant> {
        self.0
    }
}

fn to_crlf(octets: &[u8]) -> Vec<u8> {
    let mut rewritten = Vec::with_capacity(octets.len());
    Canonical::default().update(octets, |piece| rewritten.extend_from_slice(piece));
    rewritten
}

fn to_lf(octets: &[u8]) -> Vec<u8> {
    let mut rewritten = Vec::with_capacity(octets.len());
    let mut rest = octets;
    while let Some(at) = memchr::memmem::find(rest, b"\r\n") {
        rewritten.extend_from_slice(rest.get(..at).unwrap_or_default());
        rewritten.push(b'\n');
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    rewritten.extend_from_slice(rest);
    rewritten
}
