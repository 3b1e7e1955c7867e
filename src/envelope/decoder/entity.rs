use crate::envelope::unsigned_digest::UnsignedDigest;
use crate::mime::{HeaderBlock, HeaderReader};

use super::cms_layer::CmsLayer;
use super::record::Track;
use super::signed_layer::SignedLayer;
use super::state::State;
use super::transfer::Transfer;
use super::{Fault, Stop};

/// A MIME entity inside another layer: its head, then its content.
#[derive(Debug)]
pub(super) struct Entity {
    track: Option<Track>,
    reading: Reading,
}

#[derive(Debug)]
enum Reading {
    Head(HeaderReader),
    Body(Body),
}

impl Entity {
    pub(super) fn new(state: &mut State<'_>) -> Self {
        Self {
            track: state.facts.begin_entity(),
            reading: Reading::Head(HeaderReader::new(&state.facts.limits)),
        }
    }

    /// Where its octets are kept for a diagnosis.
    pub(super) fn track(&self) -> Option<Track> {
        self.track
    }

    pub(super) fn update(&mut self, mut input: &[u8], state: &mut State<'_>) -> Result<(), Stop> {
        state.facts.keep(self.track, input);
        if let Reading::Head(reader) = &mut self.reading {
            let Some(head) = reader.read(&mut input)? else {
                return Ok(());
            };
            self.reading = Reading::Body(Body::inner(head, reader.raw(), state)?);
        }
        match &mut self.reading {
            Reading::Body(body) => body.update(input, state),
            Reading::Head(_) => Ok(()),
        }
    }

    pub(super) fn finish(self, state: &mut State<'_>) -> Result<(), Stop> {
        match self.reading {
            Reading::Body(body) => body.finish(state),
            Reading::Head(_) => Err(Fault::Truncated.into()),
        }
    }
}

/// The content of an entity whose head is known.
#[derive(Debug)]
pub(super) enum Body {
    Payload(Box<PayloadBody>),
    Cms(Box<CmsLayer>),
    Signed(Box<SignedLayer>),
}

impl Body {
    /// The outermost body, whose head is that of the HTTP request.
    pub(super) fn outermost(head: HeaderBlock, state: &mut State<'_>) -> Result<Self, Fault> {
        match Self::layer(&head, state)? {
            Some(layer) => Ok(layer),
            None => {
                let facts = &state.facts;
                let digest = UnsignedDigest::of_plain(&head, facts.unsigned_digester(), &facts.policy.unsigned_mic)?;
                let transfer = match facts.policy.ignore_http_transfer_encoding {
                    true => Transfer::new(None),
                    false => Transfer::declared(&head)?,
                };
                Ok(Self::payload(head, transfer, Digest::Plain(digest), state))
            }
        }
    }

    /// A body inside another layer, with its head also as it was.
    fn inner(head: HeaderBlock, raw: &[u8], state: &mut State<'_>) -> Result<Self, Fault> {
        let inside_cbc = state.facts.inside_cbc;
        if let Some(layer) = Self::layer(&head, state)? {
            state.facts.layer_head(raw, inside_cbc);
            return Ok(layer);
        }
        let digest = if state.facts.is_signed() {
            Digest::None
        } else {
            let facts = &state.facts;
            let form = &facts.policy.unsigned_mic;
            Digest::Entity(UnsignedDigest::of_entity(raw, facts.unsigned_digester(), form))
        };
        let transfer = Transfer::declared(&head)?;
        Ok(Self::payload(head, transfer, digest, state))
    }

    /// A body that is another layer, by its content type.
    fn layer(head: &HeaderBlock, state: &mut State<'_>) -> Result<Option<Self>, Fault> {
        // What has no readable content type can only be payload.
        let Some(kind) = head.content_type().ok().flatten() else {
            return Ok(None);
        };
        let is_signed = SignedLayer::is_smime(&kind);
        if let Some(record) = state
            .facts
            .record
            .as_mut()
            .filter(|_| kind.is_pkcs7_mime() || is_signed)
        {
            record.heads.push(head.clone());
        }
        Ok(if kind.is_pkcs7_mime() {
            let layer = CmsLayer::new(kind.param("smime-type"), head, state)?;
            Some(Self::Cms(Box::new(layer)))
        } else if is_signed {
            Some(Self::Signed(Box::new(SignedLayer::new(&kind, head, state)?)))
        } else {
            None
        })
    }

    fn payload(head: HeaderBlock, transfer: Transfer, digest: Digest, state: &mut State<'_>) -> Self {
        state.facts.payload_head = Some(head);
        Self::Payload(Box::new(PayloadBody { transfer, digest }))
    }

    pub(super) fn update(&mut self, input: &[u8], state: &mut State<'_>) -> Result<(), Stop> {
        match self {
            Self::Payload(payload) => payload.update(input, state),
            Self::Cms(layer) => layer.update(input, state),
            Self::Signed(layer) => layer.update(input, state),
        }
    }

    /// The layer that may wait for a key, if it is this one.
    pub(super) fn cms_mut(&mut self) -> Option<&mut CmsLayer> {
        match self {
            Self::Cms(layer) => Some(layer),
            Self::Payload(_) | Self::Signed(_) => None,
        }
    }

    pub(super) fn finish(self, state: &mut State<'_>) -> Result<(), Stop> {
        match self {
            Self::Payload(payload) => payload.finish(state),
            Self::Cms(layer) => layer.finish(state),
            Self::Signed(layer) => layer.finish(state),
        }
    }
}

/// The payload's octets: the host gets them decoded.
#[derive(Debug)]
pub(super) struct PayloadBody {
    transfer: Transfer,
    digest: Digest,
}

/// What the digest of a payload covers.
#[derive(Debug)]
enum Digest {
    /// Head and content exactly as they are in the entity, not decoded (RFC 5402 §4.2, SMI-40).
    Entity(UnsignedDigest),
    /// The content after transfer decoding (a message without layers, SMI-39).
    Plain(UnsignedDigest),
    /// Nothing: a signature covers it.
    None,
}

impl PayloadBody {
    fn update(&mut self, input: &[u8], state: &mut State<'_>) -> Result<(), Stop> {
        if let Digest::Entity(digester) = &mut self.digest {
            digester.update(input)?;
        }
        let digest = &mut self.digest;
        self.transfer.update(input, |decoded| deliver(decoded, digest, state))
    }

    fn finish(mut self, state: &mut State<'_>) -> Result<(), Stop> {
        let digest = &mut self.digest;
        self.transfer.finish(|decoded| deliver(decoded, digest, state))?;
        match self.digest {
            Digest::Entity(digester) => {
                state.facts.added(self.transfer.ends_blank(), state.facts.inside_cbc);
                state.facts.unsigned_mics = digester.finish()?;
            }
            Digest::Plain(digest) => state.facts.unsigned_mics = digest.finish()?,
            Digest::None => {}
        }
        Ok(())
    }
}

fn deliver(decoded: &[u8], digest: &mut Digest, state: &mut State<'_>) -> Result<(), Stop> {
    if let Digest::Plain(digest) = digest {
        digest.update(decoded)?;
    }
    state.payload(decoded)
}
