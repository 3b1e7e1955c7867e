//! Payload to wire octets in constant memory.
//!
//! Lengths come first in DER, so a layer is written once what it holds is complete. The encoder therefore works in
//! passes: each reads octets from a source, writes octets to a sink, and knows at its end what stands before and after
//! the sink's octets. Where compressed content lies inside another layer, the first pass's sink is the source of the
//! second; everything else takes one pass.

mod sealer;
mod signer;

use std::io::{self, Write};
use std::time::SystemTime;

use rand_core::CryptoRng;

use crate::algorithm::{DigestAlgorithm, KeyTransport, MicalgStyle, SignatureAlgorithm};
use crate::cms::{Certificate, CmsError, SigningInput};
use crate::mic::{Digester, MicSet};
use crate::mime::{HeaderBlock, HeaderError, TransferEncoder, TransferEncoding};
use crate::partnership::Compression;

use super::Structure;
use sealer::Sealer;
use signer::{Signer, UnsignedPart};

/// What a message is made of besides the octets of its payload.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Blueprint {
    /// The layers.
    pub structure: Structure,
    /// MIME headers of the payload: Content-Type, Content-Disposition, custom ones. The transfer encoding is added.
    pub head: HeaderBlock,
    /// How the payload is encoded within its body part. A payload without layers travels as it is.
    pub transfer_encoding: TransferEncoding,
    /// Digests that a receipt may name, besides that of the signature.
    pub mic_algorithms: Vec<DigestAlgorithm>,
    /// Whom the content key is encrypted for.
    pub recipients: Vec<Certificate>,
    /// How it is signed, where the structure has a signature.
    pub signature: Option<SignatureBlueprint>,
}

/// How a signature is made.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SignatureBlueprint {
    /// The signer's certificate: it names the signer.
    pub certificate: Certificate,
    /// The certificates that the signature carries.
    pub included: Vec<Certificate>,
    /// The signing time; `None` signs the bare digest, without signed attributes (RFC 5652 §5.4).
    pub signing_time: Option<SystemTime>,
    /// Whether the CMSAlgorithmProtection attribute is added (RFC 6211).
    pub algorithm_protection: bool,
    /// Whether the signature algorithm is named with its digest, `sha256WithRSAEncryption`.
    pub combined_oid: bool,
    /// How `micalg` is spelled.
    pub micalg_style: MicalgStyle,
}

/// Why a message could not be encoded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The sink failed.
    #[error("writing the encoded message failed")]
    Sink(#[from] io::Error),
    /// The structure is encrypted, but there is nobody to encrypt for.
    #[error("an encrypted message needs at least one recipient certificate")]
    NoRecipient,
    /// The structure is signed, but the blueprint does not say how.
    #[error("a signed message needs a signer")]
    NoSigner,
    /// A CMS structure could not be written, for example for a recipient without an RSA key.
    #[error(transparent)]
    Cms(#[from] CmsError),
    /// A header is malformed.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The random boundary occurs in the payload; encoding again chooses another.
    #[error("the payload contains the boundary of the multipart")]
    BoundaryInContent,
    /// A pass was fed other octets than the sink of the pass before it took.
    #[error("the compressed content changed between two passes")]
    ContentChanged,
}

/// What an encoder needs next.
#[derive(Debug)]
#[non_exhaustive]
pub enum Step {
    /// The private key's answer to [`AwaitingSignature::input`].
    Sign(AwaitingSignature),
    /// Another pass over the octets that the last sink took, into a fresh sink.
    Again(Encoder),
    /// Nothing: the message is complete.
    Done(Encoded),
}

/// An encoded message: `prefix`, then the octets of the last sink, then `suffix`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Encoded {
    /// MIME headers of the outermost layer, which become HTTP headers.
    pub head: HeaderBlock,
    /// What stands before the sink's octets.
    pub prefix: Vec<u8>,
    /// What stands after them.
    pub suffix: Vec<u8>,
    /// The digests that a receipt may return (matrix of RFC 4130 §7.3.1), the expected one first.
    pub mics: MicSet,
    /// The octets of the payload.
    pub payload_len: u64,
}

/// Encodes one message. See [`Encoder::new`] for the order of calls.
#[derive(Debug)]
pub struct Encoder {
    pass: Pass,
    second: Option<Pass>,
    mics: MicSet,
    payload_len: u64,
}

/// One pass over a source: [sign], then [compress or encrypt], into the sink.
#[derive(Debug)]
struct Pass {
    transfer: Option<TransferEncoder>,
    digester: Option<Digester>,
    signer: Option<Signer>,
    sealer: Sealer,
    /// Written before the source's octets: the head of the entity that is read, and its prefix.
    before: Vec<u8>,
    /// Written after them.
    after: Vec<u8>,
    /// What the source must hold, where an earlier pass wrote it.
    expected: Option<u64>,
    read: u64,
    buffer: Vec<u8>,
}

impl Encoder {
    /// Starts a message. Boundary, content key and initialisation vector are taken from `rng`; nothing else is random.
    ///
    /// Feed the payload with [`Encoder::update`], then call [`Encoder::finish`] and do what the [`Step`] says until it
    /// is [`Step::Done`].
    ///
    /// # Errors
    ///
    /// [`EncodeError`] where the blueprint lacks what its structure needs.
    pub fn new(blueprint: Blueprint, rng: &mut dyn CryptoRng) -> Result<Self, EncodeError> {
        let Blueprint { structure, mut head, transfer_encoding, mic_algorithms, recipients, signature } = blueprint;
        let layered = structure != Structure::from(super::Layers::payload());
        let mut before = Vec::new();
        let mut transfer = None;
        if layered {
            head.push("Content-Transfer-Encoding", &transfer_encoding.to_string())?;
            head.write_to(&mut before);
            before.extend_from_slice(b"\r\n");
            transfer = (transfer_encoding != TransferEncoding::Binary).then(|| TransferEncoder::new(transfer_encoding));
        }
        let signer = match structure.signature() {
            Some(algorithm) => {
                let signature = signature.ok_or(EncodeError::NoSigner)?;
                Some(Signer::new(algorithm, signature, rng))
            }
            None => None,
        };
        let encryption = match structure.encryption() {
            Some(_) if recipients.is_empty() => return Err(EncodeError::NoRecipient),
            Some(cipher) => Some(Sealer::encrypt(cipher, &recipients, KeyTransport::RsaPkcs1, rng)?),
            None => None,
        };
        let digester = Digester::new(structure.signature().map(SignatureAlgorithm::digest).into_iter().chain(mic_algorithms));

        let mut first = Pass::new(before, transfer);
        let mut second = None;
        match structure.compression() {
            Compression::None => {
                first.sealer = encryption.unwrap_or_else(|| Sealer::plain(head));
                first.read_by(signer, digester);
            }
            Compression::BeforeSigning => {
                first.sealer = Sealer::compress();
                match (signer, encryption) {
                    (None, None) => first.digester = Some(digester),
                    (None, Some(encryption)) => {
                        first.digester = Some(digester);
                        second = Some(Pass { sealer: encryption, ..Pass::new(Vec::new(), None) });
                    }
                    (signer, encryption) => {
                        let mut pass = Pass::new(Vec::new(), None);
                        pass.sealer = encryption.unwrap_or_else(|| Sealer::plain(HeaderBlock::new()));
                        pass.read_by(signer, digester);
                        second = Some(pass);
                    }
                }
            }
            Compression::AfterSigning => {
                first.sealer = Sealer::compress();
                first.read_by(signer, digester);
                second = encryption.map(|sealer| Pass { sealer, ..Pass::new(Vec::new(), None) });
            }
        }
        Ok(Self { pass: first, second, mics: MicSet::default(), payload_len: 0 })
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
    /// As [`Encoder::update`].
    pub fn finish(mut self, sink: &mut dyn Write) -> Result<Step, EncodeError> {
        self.pass.end_source(sink)?;
        if self.pass.expected.is_none() {
            self.payload_len = self.pass.read;
        }
        if let Some(digester) = self.pass.digester.take() {
            self.mics = digester.finish();
        }
        match self.pass.signer.take() {
            Some(signer) => {
                let part = signer.finish(&self.mics)?;
                Ok(Step::Sign(AwaitingSignature { encoder: self, part }))
            }
            None => self.end_pass(sink),
        }
    }

    fn end_pass(mut self, sink: &mut dyn Write) -> Result<Step, EncodeError> {
        let sealed = self.pass.sealer.finish(sink, &mut self.pass.buffer)?;
        let Some(mut next) = self.second.take() else {
            return Ok(Step::Done(Encoded {
                head: sealed.head,
                prefix: sealed.prefix,
                suffix: Vec::new(),
                mics: self.mics,
                payload_len: self.payload_len,
            }));
        };
        let mut head = sealed.head;
        head.push("Content-Transfer-Encoding", "binary")?;
        head.write_to(&mut next.before);
        next.before.extend_from_slice(b"\r\n");
        next.before.extend_from_slice(&sealed.prefix);
        next.expected = Some(sealed.len);
        Ok(Step::Again(Self { pass: next, ..self }))
    }
}

impl Pass {
    fn new(before: Vec<u8>, transfer: Option<TransferEncoder>) -> Self {
        Self {
            transfer,
            digester: None,
            signer: None,
            sealer: Sealer::plain(HeaderBlock::new()),
            before,
            after: Vec::new(),
            expected: None,
            read: 0,
            buffer: Vec::new(),
        }
    }

    /// What this pass reads is what the receipt's digest covers and, with a signer, what is signed.
    fn read_by(&mut self, signer: Option<Signer>, digester: Digester) {
        self.signer = signer;
        self.digester = Some(digester);
    }

    fn update(&mut self, input: &[u8], sink: &mut dyn Write) -> Result<(), EncodeError> {
        self.start(sink)?;
        self.read = self.read.saturating_add(u64::try_from(input.len()).unwrap_or(u64::MAX));
        let Some(mut transfer) = self.transfer.take() else {
            return self.entity(input, sink);
        };
        let mut encoded = Vec::new();
        transfer.encode(input, &mut encoded);
        self.transfer = Some(transfer);
        self.entity(&encoded, sink)
    }

    fn start(&mut self, sink: &mut dyn Write) -> Result<(), EncodeError> {
        if let Some(opening) = self.signer.as_mut().and_then(|signer| signer.opening(self.sealer.is_plain())) {
            self.sealer.update(&opening, sink, &mut self.buffer)?;
        }
        let before = std::mem::take(&mut self.before);
        self.entity(&before, sink)
    }

    fn end_source(&mut self, sink: &mut dyn Write) -> Result<(), EncodeError> {
        self.start(sink)?;
        if self.expected.is_some_and(|expected| expected != self.read) {
            return Err(EncodeError::ContentChanged);
        }
        if let Some(mut transfer) = self.transfer.take() {
            let mut encoded = Vec::new();
            transfer.finish(&mut encoded);
            self.entity(&encoded, sink)?;
        }
        Ok(())
    }

    /// Octets of the entity that is read: digested, then sealed.
    fn entity(&mut self, octets: &[u8], sink: &mut dyn Write) -> Result<(), EncodeError> {
        if octets.is_empty() {
            return Ok(());
        }
        if let Some(digester) = &mut self.digester {
            digester.update(octets);
        }
        if let Some(signer) = &mut self.signer {
            signer.check(octets)?;
        }
        self.sealer.update(octets, sink, &mut self.buffer)
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

    /// Adds the signature and goes on.
    ///
    /// # Errors
    ///
    /// As [`Encoder::update`].
    pub fn complete(self, signature: &[u8], sink: &mut dyn Write) -> Result<Step, EncodeError> {
        let Self { mut encoder, part } = self;
        let (head, closing) = part.close(signature)?;
        let pass = &mut encoder.pass;
        pass.sealer.update(&closing, sink, &mut pass.buffer)?;
        pass.sealer.set_plain_head(head);
        encoder.end_pass(sink)
    }
}
