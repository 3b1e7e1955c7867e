use std::fmt;
use std::io::Write;

use crate::algorithm::{ContentCipher, DigestAlgorithm};
use crate::limits::Limits;
use crate::mic::{Digester, MicSet};
use crate::mime::HeaderBlock;
use crate::partnership::AcceptPolicy;

use super::{Fault, SignatureFound, Stop};

/// A layer that was found around the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LayerKind {
    /// EnvelopedData under this cipher.
    Encrypted(ContentCipher),
    /// multipart/signed, or opaque SignedData.
    Signed,
    /// CompressedData.
    Compressed,
}

/// `encrypted`, `signed`, `compressed`.
impl fmt::Display for LayerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Encrypted(_) => "encrypted",
            Self::Signed => "signed",
            Self::Compressed => "compressed",
        })
    }
}

/// What all layers of one message share while it is decoded.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) limits: Limits,
    pub(super) policy: AcceptPolicy,
    /// The digests that the receipt request asks for, best first.
    pub(super) requested: Vec<DigestAlgorithm>,
    pub(super) layers: Vec<LayerKind>,
    pub(super) inside_cbc: bool,
    /// Something other than CR and LF follows the end of a layer within CBC content.
    pub(super) trailing_in_cbc: bool,
    pub(super) payload_head: Option<HeaderBlock>,
    pub(super) payload_len: u64,
    pub(super) unsigned_mics: MicSet,
    pub(super) signature: Option<SignatureFound>,
    /// What is wrong inside a signed part.
    pub(super) content_fault: Option<Fault>,
    /// An EnvelopedData was begun, even if it was not read far enough to count as a layer.
    pub(super) enveloped: bool,
}

impl Facts {
    pub(super) fn is_signed(&self) -> bool {
        self.layers.contains(&LayerKind::Signed)
    }

    /// Counts a layer: at most one of each kind, encryption outermost (ENV-47 to ENV-49).
    pub(super) fn enter(&mut self, layer: LayerKind) -> Result<(), Stop> {
        let repeated = self
            .layers
            .iter()
            .any(|found| std::mem::discriminant(found) == std::mem::discriminant(&layer));
        match layer {
            LayerKind::Compressed if repeated => return Err(Fault::CompressedTwice.into()),
            LayerKind::Encrypted(_) if !self.layers.is_empty() => return Err(Fault::Structure(layer).into()),
            _ if repeated => return Err(Fault::Structure(layer).into()),
            _ => self.layers.push(layer),
        }
        Ok(())
    }

    /// Looks at what follows the end of a layer that began inside CBC content or not.
    pub(super) fn trailing(&mut self, octets: &[u8], inside_cbc: bool) {
        self.trailing_in_cbc |= inside_cbc && octets.iter().any(|octet| !matches!(octet, b'\r' | b'\n'));
    }

    pub(super) fn unsigned_digester(&self) -> Digester {
        let default = self.requested.is_empty().then_some(self.policy.default_mic);
        Digester::new(self.requested.iter().copied().chain(default))
    }
}

/// The facts, and where the payload goes.
pub(super) struct State<'a> {
    pub(super) facts: &'a mut Facts,
    pub(super) sink: &'a mut dyn Write,
}

impl State<'_> {
    /// Hands out octets of the payload.
    pub(super) fn payload(&mut self, octets: &[u8]) -> Result<(), Stop> {
        let len = u64::try_from(octets.len()).unwrap_or(u64::MAX);
        self.facts.payload_len = self.facts.payload_len.saturating_add(len);
        let limit = self.facts.policy.message_size.unwrap_or(self.facts.limits.message_size);
        if self.facts.payload_len > limit {
            return Err(Fault::TooLarge(limit).into());
        }
        self.sink.write_all(octets).map_err(Stop::Sink)
    }
}
