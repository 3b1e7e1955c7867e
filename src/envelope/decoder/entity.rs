use crate::mic::Digester;
use crate::mime::{ContentType, HeaderBlock, HeaderReader};

use super::cms_layer::CmsLayer;
use super::signed_layer::SignedLayer;
use super::state::State;
use super::transfer::Transfer;
use super::{Fault, Stop};

/// A MIME entity inside another layer: its head, then its content.
#[derive(Debug)]
pub(super) enum Entity {
    Head(HeaderReader),
    Body(Body),
}

impl Entity {
    pub(super) fn new(state: &State) -> Self {
        Self::Head(HeaderReader::new(&state.facts.limits))
    }

    pub(super) fn update(&mut self, mut input: &[u8], state: &mut State<'_>) -> Result<(), Stop> {
        if let Self::Head(reader) = self {
            let Some(head) = reader.read(&mut input)? else {
                return Ok(());
            };
            // The digest of an unsigned message covers the entity with its head, exactly as it was (RFC 5402 §4.2).
            let digester = (!state.facts.is_signed()).then(|| {
                let mut digester = state.facts.unsigned_digester();
                digester.update(reader.raw());
                digester
            });
            *self = Self::Body(Body::new(head, digester, state)?);
        }
        match self {
            Self::Body(body) => body.update(input, state),
            Self::Head(_) => Ok(()),
        }
    }

    pub(super) fn finish(self, state: &mut State<'_>) -> Result<(), Stop> {
        match self {
            Self::Body(body) => body.finish(state),
            Self::Head(_) => Err(Fault::Truncated.into()),
        }
    }
}

/// The content of an entity whose head is known.
#[derive(Debug)]
pub(super) struct Body {
    content: Content,
}

#[derive(Debug)]
enum Content {
    Payload(PayloadBody),
    Cms(Box<CmsLayer>),
    Signed(Box<SignedLayer>),
}

/// The payload's octets: the digest covers them as they are on the wire, the host gets them decoded.
#[derive(Debug)]
struct PayloadBody {
    transfer: Transfer,
    digest: Digest,
}

#[derive(Debug)]
enum Digest {
    /// The octets before transfer decoding, after the head.
    Encoded(Digester),
    /// The octets after transfer decoding (a message without layers, SMI-39).
    Decoded(Digester),
    /// A signature covers them.
    None,
}

impl Body {
    /// A body inside another layer; `digester` has taken the head where no signature covers it.
    fn new(head: HeaderBlock, digester: Option<Digester>, state: &mut State<'_>) -> Result<Self, Stop> {
        let digest = digester.map_or(Digest::None, Digest::Encoded);
        Self::with_digest(head, digest, state)
    }

    /// The outermost body, whose head is that of the HTTP request.
    pub(super) fn outermost(head: HeaderBlock, state: &mut State<'_>) -> Result<Self, Stop> {
        let digest = Digest::Decoded(state.facts.unsigned_digester());
        Self::with_digest(head, digest, state)
    }

    fn with_digest(head: HeaderBlock, digest: Digest, state: &mut State<'_>) -> Result<Self, Stop> {
        let content_type = head
            .get("Content-Type")
            .and_then(|value| ContentType::parse(value).ok());
        let encoding = head.get("Content-Transfer-Encoding");
        let content = match content_type {
            Some(kind) if is_pkcs7_mime(&kind) => {
                Content::Cms(Box::new(CmsLayer::new(kind.param("smime-type"), encoding, state)?))
            }
            Some(kind) if kind.is("multipart", "signed") && SignedLayer::is_smime(&kind) => {
                Content::Signed(Box::new(SignedLayer::new(&kind, state)?))
            }
            _ => {
                let transfer = Transfer::declared(encoding)?;
                state.facts.payload_head = Some(head);
                Content::Payload(PayloadBody { transfer, digest })
            }
        };
        Ok(Self { content })
    }

    pub(super) fn update(&mut self, input: &[u8], state: &mut State<'_>) -> Result<(), Stop> {
        match &mut self.content {
            Content::Payload(payload) => payload.update(input, state),
            Content::Cms(layer) => layer.update(input, state),
            Content::Signed(layer) => layer.update(input, state),
        }
    }

    /// The content layer that waits for a key, if it is this one.
    pub(super) fn cms_mut(&mut self) -> Option<&mut CmsLayer> {
        match &mut self.content {
            Content::Cms(layer) => Some(layer),
            _ => None,
        }
    }

    pub(super) fn finish(self, state: &mut State<'_>) -> Result<(), Stop> {
        match self.content {
            Content::Payload(payload) => payload.finish(state),
            Content::Cms(layer) => layer.finish(state),
            Content::Signed(layer) => layer.finish(state),
        }
    }
}

impl PayloadBody {
    fn update(&mut self, input: &[u8], state: &mut State<'_>) -> Result<(), Stop> {
        if let Digest::Encoded(digester) = &mut self.digest {
            digester.update(input);
        }
        let digest = &mut self.digest;
        self.transfer.update(input, |decoded| {
            if let Digest::Decoded(digester) = digest {
                digester.update(decoded);
            }
            state.payload(decoded)
        })
    }

    fn finish(mut self, state: &mut State<'_>) -> Result<(), Stop> {
        let digest = &mut self.digest;
        self.transfer.finish(|decoded| {
            if let Digest::Decoded(digester) = digest {
                digester.update(decoded);
            }
            state.payload(decoded)
        })?;
        match self.digest {
            Digest::Encoded(digester) | Digest::Decoded(digester) => state.facts.unsigned_mics = digester.finish(),
            Digest::None => {}
        }
        Ok(())
    }
}

fn is_pkcs7_mime(kind: &ContentType) -> bool {
    kind.is("application", "pkcs7-mime") || kind.is("application", "x-pkcs7-mime")
}
