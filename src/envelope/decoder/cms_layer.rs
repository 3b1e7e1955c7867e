use std::mem;

use crate::cms::{CmsError, CmsEvent, CmsReader, CmsTrailer, ContentKey, ContentKind, EnvelopedHead, Inflater};
use crate::mime::HeaderBlock;

use super::decryption::Decryption;
use super::entity::Entity;
use super::signed_content::SignedContent;
use super::state::{LayerKind, State};
use super::transfer::SniffedTransfer;
use super::{Fault, PIECE, SignatureFound, Stop};

/// An application/pkcs7-mime entity: EnvelopedData, AuthEnvelopedData, CompressedData or opaque SignedData, whatever it turns out to be.
#[derive(Debug)]
pub(super) struct CmsLayer {
    transfer: SniffedTransfer,
    structure: Structure,
}

#[derive(Debug)]
struct Structure {
    declared: Option<String>,
    outermost: bool,
    /// Whether this layer began inside CBC content.
    inside_cbc: bool,
    reader: CmsReader,
    content: Content,
}

#[derive(Debug)]
enum Content {
    /// Nothing known yet, or ended.
    None,
    /// The ciphertext waits for its key.
    AwaitingKey {
        head: EnvelopedHead,
        pending: Vec<u8>,
    },
    Encrypted(Decryption),
    Compressed {
        inflater: Box<Inflater>,
        inner: Box<Entity>,
    },
    Opaque(Box<SignedContent>),
}

impl CmsLayer {
    pub(super) fn new(smime_type: Option<&str>, head: &HeaderBlock, state: &mut State<'_>) -> Result<Self, Fault> {
        let declared = smime_type.map(|kind| kind.trim().to_ascii_lowercase());
        let outermost = state.facts.layers.is_empty();
        let encrypted = matches!(declared.as_deref(), Some("enveloped-data" | "authenveloped-data"));
        state.facts.enveloped |= outermost && encrypted;
        let repeated_head = outermost.then(|| state.facts.limits.clone());
        Ok(Self {
            transfer: SniffedTransfer::cms(head, repeated_head)?,
            structure: Structure {
                declared,
                outermost,
                inside_cbc: state.facts.inside_cbc,
                reader: CmsReader::new(&state.facts.limits),
                content: Content::None,
            },
        })
    }

    pub(super) fn update(&mut self, input: &[u8], state: &mut State<'_>) -> Result<(), Stop> {
        let Self { transfer, structure } = self;
        transfer.update(input, &mut |octets| structure.update(octets, state))
    }

    /// The head of the encrypted content, while it waits for a key.
    pub(super) fn awaits_key(&self) -> Option<&EnvelopedHead> {
        match &self.structure.content {
            Content::AwaitingKey { head, .. } => Some(head),
            _ => None,
        }
    }

    /// Goes on with the candidates for the content key.
    pub(super) fn decrypt(&mut self, keys: &[ContentKey], state: &mut State<'_>) -> Result<(), Stop> {
        let Content::AwaitingKey { head, pending } = mem::replace(&mut self.structure.content, Content::None) else {
            return Ok(());
        };
        state.facts.inside_cbc = true;
        self.structure.content = Content::Encrypted(Decryption::new(&head, keys, state)?);
        pending
            .chunks(PIECE)
            .try_for_each(|piece| self.structure.update(piece, state))
    }

    pub(super) fn finish(mut self, state: &mut State<'_>) -> Result<(), Stop> {
        let structure = &mut self.structure;
        self.transfer.finish(&mut |octets| structure.update(octets, state))?;
        state.facts.added(self.transfer.ends_blank(), self.structure.inside_cbc);
        Ok(self.structure.reader.finish()?)
    }
}

impl Structure {
    fn update(&mut self, mut input: &[u8], state: &mut State<'_>) -> Result<(), Stop> {
        loop {
            if let Content::AwaitingKey { pending, .. } = &mut self.content {
                pending.extend_from_slice(input);
                return Ok(());
            }
            if self.reader.is_finished() {
                state.facts.trailing(input, self.inside_cbc);
                return Ok(());
            }
            let event = self.reader.next(&mut input);
            let encrypted = matches!(
                self.reader.kind(),
                Some(ContentKind::EnvelopedData | ContentKind::AuthEnvelopedData)
            );
            state.facts.enveloped |= self.outermost && encrypted;
            match event? {
                CmsEvent::NeedInput => return Ok(()),
                CmsEvent::Content(octets) => self.content.update(octets, state)?,
                CmsEvent::End(trailer) => mem::replace(&mut self.content, Content::None).finish(trailer, state)?,
                CmsEvent::Enveloped(head) => self.content = self.enveloped(head, state)?,
                CmsEvent::Compressed => {
                    self.enter("compressed-data", LayerKind::Compressed, state)?;
                    // The entity is larger than its payload, as a message on the wire is.
                    let mut limits = state.facts.limits.clone();
                    limits.message_size = state.facts.message_size();
                    limits.message_size = limits.wire_size();
                    self.content = Content::Compressed {
                        inflater: Box::new(Inflater::new(&limits)),
                        inner: Box::new(Entity::new(state)),
                    };
                }
                CmsEvent::Signed(head) => {
                    self.enter("signed-data", LayerKind::Signed, state)?;
                    let digester = state.facts.signed_digester(head.digest_algorithms);
                    self.content = Content::Opaque(Box::new(SignedContent::new(digester, state)));
                }
            }
        }
    }

    fn enveloped(&self, head: EnvelopedHead, state: &mut State<'_>) -> Result<Content, Fault> {
        if let Some(record) = &mut state.facts.record {
            record.envelope.get_or_insert_with(|| head.clone());
        }
        let cipher = head.cipher.clone()?;
        let kind = match head.authenticated {
            true => "authenveloped-data",
            false => "enveloped-data",
        };
        self.enter(kind, LayerKind::Encrypted(cipher), state)?;
        let tolerated = !head.authenticated && state.facts.policy.gcm_in_enveloped_data;
        if head.authenticated != cipher.is_authenticated() && !tolerated {
            return Err(Fault::CipherMisplaced(cipher));
        }
        if !state.facts.policy.allows_cipher(cipher) {
            return Err(Fault::CipherRefused(cipher));
        }
        Ok(Content::AwaitingKey {
            head,
            pending: Vec::new(),
        })
    }

    /// Content type and structure must agree; a missing smime-type leaves it to the structure (ENV-36, INT-38).
    fn enter(&self, actual: &str, layer: LayerKind, state: &mut State<'_>) -> Result<(), Fault> {
        match &self.declared {
            Some(declared) if declared != actual => Err(Fault::SmimeType {
                declared: declared.clone(),
            }),
            _ => state.facts.enter(layer),
        }
    }
}

impl Content {
    fn update(&mut self, octets: &[u8], state: &mut State<'_>) -> Result<(), Stop> {
        match self {
            Self::Encrypted(decryption) => decryption.update(octets, state),
            Self::Compressed { inflater, inner } => inflater.update(octets, |inflated| inner.update(inflated, state)),
            Self::Opaque(content) => content.update(octets, state),
            Self::None | Self::AwaitingKey { .. } => Ok(()),
        }
    }

    fn finish(self, trailer: CmsTrailer, state: &mut State<'_>) -> Result<(), Stop> {
        match self {
            Self::Encrypted(decryption) => decryption.finish(&trailer.mac, state),
            Self::Compressed { inflater, inner } => {
                inflater.finish()?;
                inner.finish(state)
            }
            Self::Opaque(_) if trailer.detached => Err(CmsError::NoContent.into()),
            Self::Opaque(mut content) => {
                content.end(state)?;
                state.facts.signature = Some(SignatureFound {
                    certificates: trailer.certificates,
                    signer_infos: trailer.signer_infos,
                    mics: content.into_digests(),
                    canonical: None,
                });
                Ok(())
            }
            Self::None | Self::AwaitingKey { .. } => Err(Fault::Truncated.into()),
        }
    }
}
