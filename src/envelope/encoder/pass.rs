use std::io::Write;

use crate::envelope::unsigned_digest::UnsignedDigest;
use crate::mic::{Digester, MicSet};
use crate::mime::{HeaderBlock, HeaderError, TransferEncoder, TransferEncoding};
use crate::partnership::UnsignedMic;

use super::EncodeError;
use super::sealer::{Sealed, Sealer};
use super::signer::Signer;

/// Work is done in pieces that stay in the processor's cache from one step to the next.
const PIECE: usize = 32 << 10;

/// One pass over a source: \[encode\], \[sign\], then \[compress or encrypt\], into the sink.
#[derive(Debug)]
pub(super) struct Pass {
    /// Written before the source's octets: the head of the entity that is read and, for a CMS structure, its start.
    before: Vec<u8>,
    transfer: Option<TransferEncoder>,
    digest: Digest,
    signer: Option<Signer>,
    sealer: Sealer,
    started: bool,
    /// What the source must hold, where an earlier pass wrote it.
    expected: Option<u64>,
    read: u64,
    encoded: Vec<u8>,
    sealed: Vec<u8>,
}

/// What a pass digests for the receipt.
#[derive(Debug)]
pub(super) enum Digest {
    None,
    /// The entity that is read, head and all, which is signed too.
    Signed(Digester),
    /// The entity that is read, not signed.
    Unsigned(UnsignedDigest),
}

impl Pass {
    pub(super) fn new(sealer: Sealer) -> Self {
        Self {
            before: Vec::new(),
            transfer: None,
            digest: Digest::None,
            signer: None,
            sealer,
            started: false,
            expected: None,
            read: 0,
            encoded: Vec::new(),
            sealed: Vec::new(),
        }
    }

    /// The source is the content of an entity with this head, and is encoded.
    pub(super) fn entity_head(
        mut self,
        mut head: HeaderBlock,
        encoding: TransferEncoding,
    ) -> Result<Self, HeaderError> {
        head.push("Content-Transfer-Encoding", &encoding.to_string())?;
        self.before = head_octets(&head);
        self.transfer = (!encoding.is_identity()).then(|| TransferEncoder::new(encoding));
        Ok(self)
    }

    /// The source is the content of the CMS structure that an earlier pass made.
    pub(super) fn reads(mut self, structure: Sealed) -> Result<Self, HeaderError> {
        self = self.entity_head(structure.head, TransferEncoding::Binary)?;
        self.before.extend_from_slice(&structure.prefix);
        self.expected = Some(structure.len);
        Ok(self)
    }

    /// Digests the entity that is read, of which nobody signs.
    pub(super) fn unsigned_digest(self, digester: Digester, form: &UnsignedMic) -> Self {
        let digest = UnsignedDigest::of_entity(&self.before, digester, form);
        self.digest(Digest::Unsigned(digest))
    }

    pub(super) fn digest(mut self, digest: Digest) -> Self {
        self.digest = digest;
        self
    }

    pub(super) fn signer(mut self, signer: Option<Signer>) -> Self {
        self.signer = signer;
        self
    }

    pub(super) fn take_signer(&mut self) -> Option<Signer> {
        self.signer.take()
    }

    pub(super) fn update(&mut self, input: &[u8], sink: &mut dyn Write) -> Result<(), EncodeError> {
        self.start(sink)?;
        for piece in input.chunks(PIECE) {
            self.read = self.read.saturating_add(len(piece));
            let Some(transfer) = &mut self.transfer else {
                self.entity(piece, sink)?;
                continue;
            };
            let mut encoded = std::mem::take(&mut self.encoded);
            encoded.clear();
            transfer.encode(piece, &mut encoded);
            self.entity(&encoded, sink)?;
            self.encoded = encoded;
        }
        Ok(())
    }

    /// The octets that the source held, and their digests.
    pub(super) fn end_source(&mut self, sink: &mut dyn Write) -> Result<(u64, Option<MicSet>), EncodeError> {
        self.start(sink)?;
        if self.expected.is_some_and(|expected| expected != self.read) {
            return Err(EncodeError::ContentChanged);
        }
        if let Some(mut transfer) = self.transfer.take() {
            let mut encoded = Vec::new();
            transfer.finish(&mut encoded);
            self.entity(&encoded, sink)?;
        }
        let mics = match std::mem::replace(&mut self.digest, Digest::None) {
            Digest::None => None,
            Digest::Signed(digester) => Some(digester.finish()),
            Digest::Unsigned(digest) => Some(digest.finish()?),
        };
        Ok((self.read, mics))
    }

    /// Writes what follows the signed part; `head` is that of the whole multipart.
    pub(super) fn close_part(
        &mut self,
        head: HeaderBlock,
        closing: &[u8],
        sink: &mut dyn Write,
    ) -> Result<(), EncodeError> {
        self.sealer.update(closing, sink, &mut self.sealed)?;
        self.sealer.set_plain_head(head);
        Ok(())
    }

    pub(super) fn seal(mut self, sink: &mut dyn Write) -> Result<Sealed, EncodeError> {
        self.sealer.finish(sink, &mut self.sealed)
    }

    fn start(&mut self, sink: &mut dyn Write) -> Result<(), EncodeError> {
        if std::mem::replace(&mut self.started, true) {
            return Ok(());
        }
        if let Some(signer) = &self.signer {
            // The head of the outermost entity is in the HTTP headers, every other one stands before its content.
            if !self.sealer.is_plain() {
                let head = head_octets(&signer.head()?);
                self.sealer.update(&head, sink, &mut self.sealed)?;
            }
            self.sealer.update(&signer.opening(), sink, &mut self.sealed)?;
        }
        let before = std::mem::take(&mut self.before);
        if let Digest::Unsigned(_) = self.digest {
            // It has the head since it was made.
            return self.sealer.update(&before, sink, &mut self.sealed);
        }
        self.entity(&before, sink)
    }

    /// Octets of the entity that is read: digested, then sealed.
    fn entity(&mut self, octets: &[u8], sink: &mut dyn Write) -> Result<(), EncodeError> {
        match &mut self.digest {
            Digest::None => {}
            Digest::Signed(digester) => digester.update(octets),
            Digest::Unsigned(digest) => digest.update(octets)?,
        }
        if let Some(signer) = &mut self.signer {
            signer.check(octets)?;
        }
        self.sealer.update(octets, sink, &mut self.sealed)
    }
}

fn head_octets(head: &HeaderBlock) -> Vec<u8> {
    let mut octets = Vec::new();
    head.write_to(&mut octets);
    octets.extend_from_slice(b"\r\n");
    octets
}

fn len(octets: &[u8]) -> u64 {
    u64::try_from(octets.len()).unwrap_or(u64::MAX)
}
