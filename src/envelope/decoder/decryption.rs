use crate::cms::{ContentDecryptor, ContentKey, ContentMac, EnvelopedHead};
use crate::mime::HeaderReader;

use super::entity::Entity;
use super::state::State;
use super::{Fault, Stop};

/// Decrypts with one key or, where several private keys fit the recipient, with each until one yields a MIME head
/// (SMI-27).
#[derive(Debug)]
pub(super) enum Decryption {
    /// More than one key.
    Choosing(Vec<Candidate>),
    Chosen {
        decryptor: Box<ContentDecryptor>,
        plain: Vec<u8>,
        inner: Box<Entity>,
    },
}

#[derive(Debug)]
pub(super) struct Candidate {
    decryptor: ContentDecryptor,
    reader: HeaderReader,
    plain: Vec<u8>,
}

impl Decryption {
    pub(super) fn new(head: &EnvelopedHead, keys: &[ContentKey], state: &mut State<'_>) -> Result<Self, Fault> {
        let mut decryptors = keys
            .iter()
            .map(|key| ContentDecryptor::new(head, key).map_err(|_| Fault::Decrypt))
            .collect::<Result<Vec<_>, _>>()?;
        match (decryptors.pop(), decryptors.is_empty()) {
            (None, _) => Err(Fault::NoRecipient),
            (Some(only), true) => Ok(Self::chosen(only, state)),
            (Some(last), false) => {
                decryptors.push(last);
                let candidate = |decryptor| Candidate {
                    decryptor,
                    reader: HeaderReader::new(&state.facts.limits),
                    plain: Vec::new(),
                };
                Ok(Self::Choosing(decryptors.into_iter().map(candidate).collect()))
            }
        }
    }

    fn chosen(decryptor: ContentDecryptor, state: &mut State<'_>) -> Self {
        Self::Chosen {
            decryptor: Box::new(decryptor),
            plain: Vec::new(),
            inner: Box::new(Entity::new(state)),
        }
    }

    pub(super) fn update(&mut self, octets: &[u8], state: &mut State<'_>) -> Result<(), Stop> {
        match self {
            Self::Choosing(candidates) => {
                let Some(Candidate { decryptor, plain, .. }) = choose(candidates, octets)? else {
                    return Ok(());
                };
                *self = Self::chosen(decryptor, state);
                match self {
                    Self::Chosen { inner, .. } => inner.update(&plain, state),
                    Self::Choosing(_) => Ok(()),
                }
            }
            Self::Chosen {
                decryptor,
                plain,
                inner,
            } => {
                plain.clear();
                decryptor.update(octets, plain);
                inner.update(plain, state)
            }
        }
    }

    pub(super) fn finish(self, mac: &ContentMac, state: &mut State<'_>) -> Result<(), Stop> {
        let (mut inner, plain) = match self {
            Self::Chosen {
                decryptor,
                mut plain,
                inner,
            } => {
                plain.clear();
                decryptor.finish(mac, &mut plain).map_err(|_| Fault::Decrypt)?;
                (inner, plain)
            }
            Self::Choosing(candidates) => {
                let plain = candidates.into_iter().find_map(|candidate| candidate.finish(mac));
                (Box::new(Entity::new(state)), plain.ok_or(Fault::Decrypt)?)
            }
        };
        inner.update(&plain, state)?;
        inner.finish(state)
    }
}

impl Candidate {
    /// Takes more of the ciphertext. Whether the plaintext begins with the head of an entity, once that is known.
    fn update(&mut self, octets: &[u8]) -> Option<bool> {
        let decrypted = self.plain.len();
        self.decryptor.update(octets, &mut self.plain);
        read_head(&mut self.reader, &self.plain, decrypted)
    }

    /// The whole plaintext, if it is an entity: one so short that its head ends in the last block.
    fn finish(mut self, mac: &ContentMac) -> Option<Vec<u8>> {
        let decrypted = self.plain.len();
        self.decryptor.finish(mac, &mut self.plain).ok()?;
        (read_head(&mut self.reader, &self.plain, decrypted) == Some(true)).then_some(self.plain)
    }
}

fn read_head(reader: &mut HeaderReader, plain: &[u8], from: usize) -> Option<bool> {
    let mut fresh = plain.get(from..).unwrap_or_default();
    match reader.read(&mut fresh) {
        Ok(None) => None,
        Ok(Some(head)) => Some(head.contains("Content-Type")),
        Err(_) => Some(false),
    }
}

/// Decrypts with each candidate and drops those whose plaintext is no head. What they keep is bounded by the limits for
/// header blocks.
fn choose(candidates: &mut Vec<Candidate>, octets: &[u8]) -> Result<Option<Candidate>, Fault> {
    let mut index = 0;
    while let Some(candidate) = candidates.get_mut(index) {
        match candidate.update(octets) {
            None => index += 1,
            Some(true) => return Ok(Some(candidates.swap_remove(index))),
            Some(false) => {
                candidates.swap_remove(index);
            }
        }
    }
    if candidates.is_empty() {
        Err(Fault::Decrypt)
    } else {
        Ok(None)
    }
}
