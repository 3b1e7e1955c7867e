use std::fmt;
use std::io::Write;

use crate::algorithm::{ContentCipher, DigestAlgorithm};
use crate::limits::Limits;
use crate::mic::{Digester, MicSet};
use crate::mime::HeaderBlock;
use crate::partnership::{AcceptPolicy, MicSource};

use super::record::{Record, Track};
use super::{Decoded, Fault, SignatureFound, Stop};

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
    /// The digest that the receipt request prefers, of those that the policy allows.
    requested: Option<DigestAlgorithm>,
    pub(super) layers: Vec<LayerKind>,
    pub(super) inside_cbc: bool,
    /// CBC content holds octets that no layer accounts for.
    added_in_cbc: bool,
    pub(super) payload_head: Option<HeaderBlock>,
    payload_len: u64,
    pub(super) unsigned_mics: MicSet,
    pub(super) signature: Option<SignatureFound>,
    /// What is wrong inside a signed part.
    pub(super) content_fault: Option<Fault>,
    /// An EnvelopedData was begun, even if it was not read far enough to count as a layer.
    pub(super) enveloped: bool,
    /// What is kept for a diagnosis; nothing where messages are only received.
    pub(super) record: Option<Record>,
}

impl Facts {
    pub(super) fn new(requested: &[DigestAlgorithm], policy: AcceptPolicy, limits: Limits) -> Self {
        Self {
            requested: requested.iter().copied().find(|digest| policy.allows_digest(*digest)),
            limits,
            policy,
            layers: Vec::new(),
            inside_cbc: false,
            added_in_cbc: false,
            payload_head: None,
            payload_len: 0,
            unsigned_mics: MicSet::default(),
            signature: None,
            content_fault: None,
            enveloped: false,
            record: None,
        }
    }

    pub(super) fn into_decoded(self, fault: Option<Fault>) -> Decoded {
        Decoded {
            layers: self.layers,
            fault,
            content_fault: self.content_fault,
            signature: self.signature,
            unsigned_mic: self.unsigned_mics.first().cloned(),
            unsigned_mics: self.unsigned_mics,
            payload_head: self.payload_head,
            payload_len: self.payload_len,
            nothing_added: !self.added_in_cbc,
            enveloped: self.enveloped,
            requested: self.requested,
            record: self.record,
        }
    }

    /// Begins to keep the entity inside the layer that was entered last, for a diagnosis.
    pub(super) fn begin_entity(&mut self) -> Option<Track> {
        self.record.as_mut().map(Record::begin)
    }

    pub(super) fn keep(&mut self, track: Option<Track>, octets: &[u8]) {
        if let (Some(record), Some(track)) = (&mut self.record, track) {
            record.add(track, octets);
        }
    }

    pub(super) fn is_signed(&self) -> bool {
        self.layers.contains(&LayerKind::Signed)
    }

    /// The largest payload.
    pub(super) fn message_size(&self) -> u64 {
        self.policy.message_size.unwrap_or(self.limits.message_size)
    }

    /// Counts a layer: at most one of each kind, encryption outermost (ENV-47 to ENV-49, SEC-06).
    pub(super) fn enter(&mut self, layer: LayerKind) -> Result<(), Fault> {
        let repeated = self
            .layers
            .iter()
            .any(|found| std::mem::discriminant(found) == std::mem::discriminant(&layer));
        match layer {
            LayerKind::Compressed if repeated => Err(Fault::CompressedTwice),
            LayerKind::Encrypted(_) if !self.layers.is_empty() => Err(Fault::Structure(layer)),
            _ if repeated => Err(Fault::Structure(layer)),
            _ => {
                self.layers.push(layer);
                Ok(())
            }
        }
    }

    /// Looks at what follows the end of a layer; only what began inside CBC content matters (SEC-50).
    pub(super) fn trailing(&mut self, octets: &[u8], inside_cbc: bool) {
        self.added(octets.iter().any(|octet| !matches!(octet, b'\r' | b'\n')), inside_cbc);
    }

    /// Whether octets were found that belong to no layer; only inside CBC content that matters.
    pub(super) fn added(&mut self, found: bool, inside_cbc: bool) {
        self.added_in_cbc |= found && inside_cbc;
    }

    /// Looks at the head of a layer, which no signature covers: within CBC content only printable ASCII is plausible. A
    /// block that was altered is random, and whether a reader of headers takes it must not show (SEC-50).
    pub(super) fn layer_head(&mut self, raw: &[u8], inside_cbc: bool) {
        let plausible = |octet: &u8| matches!(octet, b' '..=b'~' | b'\t' | b'\r' | b'\n');
        self.added(!raw.iter().all(plausible), inside_cbc);
    }

    /// A diagnosis wants every digest.
    fn recorded_digests(&self) -> impl Iterator<Item = DigestAlgorithm> + use<> {
        let all = self.record.is_some().then(DigestAlgorithm::known);
        all.into_iter().flatten()
    }

    /// The digest of an unsigned message (RFC 4130 §7.3, §7.4.3).
    pub(super) fn unsigned_digester(&self) -> Digester {
        let first = self.requested.unwrap_or(self.policy.default_mic);
        Digester::new([first].into_iter().chain(self.recorded_digests()))
    }

    /// The digests that run while signed content streams: its SignerInfo, which names the right one, comes after it. They
    /// are those that were announced and SHA-256, or all that the policy allows where none that is known was (ENV-45).
    pub(super) fn signed_digester(&self, announced: impl IntoIterator<Item = DigestAlgorithm>) -> Digester {
        let mut digests: Vec<_> = announced.into_iter().collect();
        if digests.is_empty() {
            let allowed = |digest: &DigestAlgorithm| self.policy.allows_digest(*digest);
            digests.extend(DigestAlgorithm::known().filter(allowed));
        }
        digests.push(DigestAlgorithm::Sha256);
        if self.policy.mic_source == MicSource::Requested {
            digests.extend(self.requested);
        }
        digests.extend(self.recorded_digests());
        Digester::new(digests)
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
        let limit = self.facts.message_size();
        let total = self.facts.payload_len.saturating_add(len);
        if total > limit {
            return Err(Fault::TooLarge(limit).into());
        }
        self.facts.payload_len = total;
        self.sink.write_all(octets).map_err(Stop::Sink)
    }
}
