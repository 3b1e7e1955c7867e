//! Payload to wire octets in constant memory.
//!
//! Lengths come first in DER, so what stands before a layer's content is known once the content is complete. The encoder
//! therefore works in passes: each reads octets from a source and writes octets to a sink, and at its end it is known
//! what stands before the sink's octets. Where compressed content lies inside another layer, the first pass's sink is
//! the source of the second; everything else takes one pass.

mod blueprint;
mod pass;
mod sealer;
mod signer;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io::Write;

use rand_core::CryptoRng;

use crate::algorithm::{ContentCipher, DigestAlgorithm, SignatureAlgorithm};
use crate::cms::SigningInput;
use crate::mic::{Digester, MicSet};
use crate::mime::HeaderBlock;
use crate::partnership::Compression;

use super::unsigned_digest::UnsignedDigest;
use pass::{Digest, Pass};
use sealer::Sealer;
use signer::{Signer, UnsignedPart};

pub use blueprint::{Blueprint, EncodeError, SignatureBlueprint};

/// What an encoder needs next.
#[derive(Debug)]
#[non_exhaustive]
pub enum Step {
    /// The private key's answer to [`AwaitingSignature::input`].
    Sign(AwaitingSignature),
    /// Another pass: feed it the octets that the last sink took, with a fresh sink.
    Again(Encoder),
    /// Nothing: the message is complete.
    Done(Encoded),
}

/// An encoded message: its body is `prefix`, then the octets of the last sink.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Encoded {
    /// MIME headers of the outermost layer, which become HTTP headers.
    pub head: HeaderBlock,
    /// What stands before the sink's octets.
    pub prefix: Vec<u8>,
    /// The digests that a receipt may return, that of the signature first.
    pub mics: MicSet,
    /// The octets of the payload.
    pub payload_len: u64,
}

/// Encodes one message of any size: memory does not grow with it.
///
/// Feed the payload with [`Encoder::update`], then call [`Encoder::finish`] and do what the [`Step`] says until it is
/// [`Step::Done`].
pub struct Encoder {
    pass: Pass,
    second: Option<Pass>,
    mics: MicSet,
    payload_len: Option<u64>,
}

impl Encoder {
    /// Starts a message. Boundary, content key, its encryption and initialisation vector are taken from `rng`.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] where the blueprint lacks what its structure needs, names what is only read, or a recipient's key
    /// cannot be used.
    pub fn new(blueprint: Blueprint, rng: &mut dyn CryptoRng) -> Result<Self, EncodeError> {
        let Blueprint {
            structure,
            head,
            transfer_encoding,
            mic_algorithms,
            recipients,
            key_transport,
            signature,
            unsigned_mic,
        } = blueprint;
        let digest = structure.signature().map(SignatureAlgorithm::digest);
        digest.map_or(Ok(()), DigestAlgorithm::check_sent)?;
        structure.encryption().map_or(Ok(()), ContentCipher::check_sent)?;
        let digester = Digester::new(digest.into_iter().chain(mic_algorithms));
        let signer = match structure.signature() {
            Some(algorithm) => Some(Signer::new(algorithm, signature.ok_or(EncodeError::NoSigner)?, rng)),
            None => None,
        };
        let encryption = match structure.encryption() {
            Some(_) if recipients.is_empty() => return Err(EncodeError::NoRecipient),
            Some(cipher) => Some(Sealer::encrypt(cipher, &recipients, key_transport, rng)?),
            None => None,
        };

        if structure.is_payload_only() {
            let digest = Digest::Unsigned(UnsignedDigest::of_plain(&head, digester, &unsigned_mic)?);
            return Ok(Self::of(Pass::new(Sealer::plain(head)).digest(digest), None));
        }
        let first = |sealer| Pass::new(sealer).entity_head(head, transfer_encoding);
        let (first, second) = match (structure.compression(), signer, encryption) {
            (Compression::None, None, encryption) => {
                let first = first(encryption.unwrap_or_default())?;
                (first.unsigned_digest(digester, &unsigned_mic), None)
            }
            (Compression::BeforeSigning | Compression::AfterSigning, None, encryption) => {
                let first = first(Sealer::compress())?;
                (
                    first.unsigned_digest(digester, &unsigned_mic),
                    encryption.map(Pass::new),
                )
            }
            (Compression::None, signer, encryption) => {
                let first = first(encryption.unwrap_or_default())?;
                (first.digest(Digest::Signed(digester)).signer(signer), None)
            }
            (Compression::BeforeSigning, signer, encryption) => {
                let second = Pass::new(encryption.unwrap_or_default());
                let second = second.digest(Digest::Signed(digester)).signer(signer);
                (first(Sealer::compress())?, Some(second))
            }
            (Compression::AfterSigning, signer, encryption) => {
                let first = first(Sealer::compress())?.digest(Digest::Signed(digester));
                (first.signer(signer), encryption.map(Pass::new))
            }
        };
        Ok(Self::of(first, second))
    }

    fn of(pass: Pass, second: Option<Pass>) -> Self {
        Self {
            pass,
            second,
            mics: MicSet::default(),
            payload_len: None,
        }
    }

    /// Takes the next octets of the payload or, in a second pass, of what the first sink took.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] where the sink fails or the payload holds the boundary.
    pub fn update(&mut self, input: &[u8], sink: &mut dyn Write) -> Result<(), EncodeError> {
        self.pass.update(input, sink)
    }

    /// Ends the source.
    ///
    /// # Errors
    ///
    /// As [`Encoder::update`], and [`EncodeError::ContentChanged`] where a second pass saw other octets than the first
    /// wrote.
    pub fn finish(mut self, sink: &mut dyn Write) -> Result<Step, EncodeError> {
        let (source_len, mics) = self.pass.end_source(sink)?;
        self.payload_len.get_or_insert(source_len);
        if let Some(mics) = mics {
            self.mics = mics;
        }
        match self.pass.take_signer() {
            Some(signer) => {
                let part = signer.finish(&self.mics)?;
                Ok(Step::Sign(AwaitingSignature { encoder: self, part }))
            }
            None => self.end_pass(sink),
        }
    }

    fn end_pass(self, sink: &mut dyn Write) -> Result<Step, EncodeError> {
        let sealed = self.pass.seal(sink)?;
        Ok(match self.second {
            Some(second) => Step::Again(Self {
                pass: second.reads(sealed)?,
                second: None,
                ..self
            }),
            None => Step::Done(Encoded {
                head: sealed.head,
                prefix: sealed.prefix,
                mics: self.mics,
                payload_len: self.payload_len.unwrap_or_default(),
            }),
        })
    }
}

/// Without what is being encoded.
impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder")
            .field("passes_left", &(1 + usize::from(self.second.is_some())))
            .finish_non_exhaustive()
    }
}

/// A message that waits for its signature.
#[derive(Debug)]
pub struct AwaitingSignature {
    encoder: Encoder,
    part: UnsignedPart,
}

impl AwaitingSignature {
    /// What the private key signs.
    #[must_use]
    pub fn input(&self) -> SigningInput<'_> {
        self.part.input()
    }

    /// How it signs.
    #[must_use]
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.part.algorithm()
    }

    /// Adds the signature and goes on. `sink` is the one that the pass wrote to.
    ///
    /// # Errors
    ///
    /// As [`Encoder::update`].
    pub fn complete(self, signature: &[u8], sink: &mut dyn Write) -> Result<Step, EncodeError> {
        let Self { mut encoder, part } = self;
        let (head, closing) = part.close(signature)?;
        encoder.pass.close_part(head, &closing, sink)?;
        encoder.end_pass(sink)
    }
}
