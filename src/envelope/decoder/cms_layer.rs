use std::mem;

use crate::cms::{CbcDecryptor, CmsEvent, CmsReader, CmsTrailer, ContentKey, ContentKind, EnvelopedHead, Inflater};
use crate::mic::Digester;
use crate::mime::HeaderReader;

use super::entity::Entity;
use super::signed_layer::digests;
use super::state::{LayerKind, State};
use super::transfer::Transfer;
use super::{Fault, SignatureFound, Stop};

/// An application/pkcs7-mime entity: EnvelopedData, CompressedData or opaque SignedData, whatever it turns out to be.
#[derive(Debug)]
pub(super) struct CmsLayer {
    encoding: Option<String>,
    transfer: Option<Transfer>,
    structure: Structure,
}

#[derive(Debug)]
struct Structure {
    declared: Option<String>,
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
    Opaque {
        digester: Digester,
        inner: Box<Entity>,
    },
}

impl CmsLayer {
    pub(super) fn new(declared: Option<&str>, encoding: Option<&str>, state: &State<'_>) -> Result<Self, Stop> {
        Ok(Self {
            encoding: encoding.map(str::to_owned),
            transfer: None,
            structure: Structure {
                declared: declared.map(str::to_ascii_lowercase),
                inside_cbc: state.facts.inside_cbc,
                reader: CmsReader::new(&state.facts.limits),
                content: Content::None,
            },
        })
    }

    pub(super) fn update(&mut self, mut input: &[u8], state: &mut State<'_>) -> Result<(), Stop> {
        if self.transfer.is_none() {
            input = input.trim_ascii_start();
            let Some(&first) = input.first() else { return Ok(()) };
            self.transfer = Some(Transfer::of_cms(self.encoding.as_deref(), first)?);
        }
        let structure = &mut self.structure;
        match &mut self.transfer {
            Some(transfer) => transfer.update(input, |octets| structure.update(octets, state)),
            None => Ok(()),
        }
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
        self.structure.update(&pending, state)
    }

    pub(super) fn finish(mut self, state: &mut State<'_>) -> Result<(), Stop> {
        let structure = &mut self.structure;
        if let Some(transfer) = &mut self.transfer {
            transfer.finish(|octets| structure.update(octets, state))?;
        }
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
            state.facts.enveloped |= self.reader.kind() == Some(ContentKind::EnvelopedData);
            match self.reader.next(&mut input)? {
                CmsEvent::NeedInput => return Ok(()),
                CmsEvent::Content(octets) => self.content.update(octets, state)?,
                CmsEvent::Enveloped(head) => {
                    check_declared(self.declared.as_deref(), "enveloped-data")?;
                    let cipher = head.cipher.clone()?;
                    state.facts.enter(LayerKind::Encrypted(cipher))?;
                    if !state.facts.policy.allows_cipher(cipher) {
                        return Err(Fault::CipherRefused(cipher).into());
                    }
                    self.content = Content::AwaitingKey {
                        head,
                        pending: Vec::new(),
                    };
                }
                CmsEvent::Compressed => {
                    check_declared(self.declared.as_deref(), "compressed-data")?;
                    state.facts.enter(LayerKind::Compressed)?;
                    let mut limits = state.facts.limits.clone();
                    limits.message_size = state.facts.policy.message_size.unwrap_or(limits.message_size);
                    self.content = Content::Compressed {
                        inflater: Box::new(Inflater::new(&limits)),
                        inner: Box::new(Entity::new(state)),
                    };
                }
                CmsEvent::Signed(head) => {
                    check_declared(self.declared.as_deref(), "signed-data")?;
                    state.facts.enter(LayerKind::Signed)?;
                    self.content = Content::Opaque {
                        digester: Digester::new(digests(&head.digest_algorithms, state.facts)),
                        inner: Box::new(Entity::new(state)),
                    };
                }
                CmsEvent::End(trailer) => mem::replace(&mut self.content, Content::None).finish(trailer, state)?,
            }
        }
    }
}

impl Content {
    fn update(&mut self, octets: &[u8], state: &mut State<'_>) -> Result<(), Stop> {
        match self {
            Self::Encrypted(decryption) => decryption.update(octets, state),
            Self::Compressed { inflater, inner } => inflater.update(octets, |inflated| inner.update(inflated, state)),
            Self::Opaque { digester, inner } => {
                digester.update(octets);
                inner.update(octets, state)
            }
            Self::None | Self::AwaitingKey { .. } => Ok(()),
        }
    }

    fn finish(self, trailer: CmsTrailer, state: &mut State<'_>) -> Result<(), Stop> {
        match self {
            Self::Encrypted(decryption) => decryption.finish(state),
            Self::Compressed { inflater, inner } => {
                inflater.finish()?;
                inner.finish(state)
            }
            Self::Opaque { digester, inner } => {
                inner.finish(state)?;
                state.facts.signature = Some(SignatureFound {
                    certificates: trailer.certificates,
                    signer_infos: trailer.signer_infos,
                    mics: digester.finish(),
                    canonical: None,
                });
                Ok(())
            }
            Self::None | Self::AwaitingKey { .. } => Err(Fault::Truncated.into()),
        }
    }
}

/// Content type and structure must agree; a missing smime-type leaves it to the structure (ENV-36, INT-38).
fn check_declared(declared: Option<&str>, actual: &str) -> Result<(), Stop> {
    match declared {
        Some(declared) if declared != actual => Err(Fault::SmimeType {
            declared: declared.to_owned(),
        }
        .into()),
        _ => Ok(()),
    }
}

/// Decrypts with one key or, where several private keys fit the recipient, with each until one yields a MIME head
/// (SMI-27).
#[derive(Debug)]
struct Decryption {
    candidates: Vec<Candidate>,
    /// Set once one candidate is left.
    inner: Option<Box<Entity>>,
}

#[derive(Debug)]
struct Candidate {
    decryptor: CbcDecryptor,
    reader: HeaderReader,
    plain: Vec<u8>,
}

impl Decryption {
    fn new(head: &EnvelopedHead, keys: &[ContentKey], state: &State<'_>) -> Result<Self, Stop> {
        let cipher = head.cipher.clone()?;
        let candidates = keys
            .iter()
            .map(|key| {
                Ok(Candidate {
                    decryptor: CbcDecryptor::new(cipher, key, &head.iv).map_err(|_| Fault::Decrypt)?,
                    reader: HeaderReader::new(&state.facts.limits),
                    plain: Vec::new(),
                })
            })
            .collect::<Result<Vec<_>, Stop>>()?;
        let inner = match candidates.len() {
            0 => return Err(Fault::NoRecipient.into()),
            1 => Some(Box::new(Entity::new(state))),
            _ => None,
        };
        Ok(Self { candidates, inner })
    }

    fn update(&mut self, octets: &[u8], state: &mut State<'_>) -> Result<(), Stop> {
        if self.inner.is_none() {
            return self.choose(octets, state);
        }
        let (Some(inner), Some(candidate)) = (&mut self.inner, self.candidates.first_mut()) else {
            return Err(Fault::Decrypt.into());
        };
        candidate.plain.clear();
        candidate.decryptor.update(octets, &mut candidate.plain);
        inner.update(&candidate.plain, state)
    }

    fn choose(&mut self, octets: &[u8], state: &mut State<'_>) -> Result<(), Stop> {
        let mut chosen = None;
        let mut failed = Vec::new();
        for (index, candidate) in self.candidates.iter_mut().enumerate() {
            let decrypted = candidate.plain.len();
            candidate.decryptor.update(octets, &mut candidate.plain);
            let mut fresh = candidate.plain.get(decrypted..).unwrap_or_default();
            match candidate.reader.read(&mut fresh) {
                Ok(Some(head)) if head.get("Content-Type").is_some() => chosen = chosen.or(Some(index)),
                Ok(None) => {}
                Ok(Some(_)) | Err(_) => failed.push(index),
            }
        }
        if let Some(index) = chosen {
            let candidate = self.candidates.swap_remove(index);
            let mut inner = Box::new(Entity::new(state));
            inner.update(&candidate.plain, state)?;
            self.candidates = vec![candidate];
            self.inner = Some(inner);
            return Ok(());
        }
        for index in failed.into_iter().rev() {
            self.candidates.swap_remove(index);
        }
        if self.candidates.is_empty() {
            Err(Fault::Decrypt.into())
        } else {
            Ok(())
        }
    }

    fn finish(self, state: &mut State<'_>) -> Result<(), Stop> {
        let (Some(mut inner), Some(mut candidate)) = (self.inner, self.candidates.into_iter().next()) else {
            return Err(Fault::Decrypt.into());
        };
        candidate.plain.clear();
        candidate
            .decryptor
            .finish(&mut candidate.plain)
            .map_err(|_| Fault::Decrypt)?;
        inner.update(&candidate.plain, state)?;
        inner.finish(state)
    }
}
