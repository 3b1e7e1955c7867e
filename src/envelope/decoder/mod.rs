//! Wire octets to payload in constant memory, layers discovered.

mod cms_layer;
mod decoded;
mod decryption;
mod entity;
mod fault;
mod record;
mod signature_part;
mod signed_content;
mod signed_layer;
mod state;
mod transfer;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io::{self, Write};

use crate::algorithm::{ContentCipher, DigestAlgorithm};
use crate::cms::{ContentKey, EnvelopedHead, RecipientInfo};
use crate::limits::Limits;
use crate::mime::HeaderBlock;
use crate::partnership::AcceptPolicy;

use entity::Body;
use fault::Stop;
use state::{Facts, State};

pub(super) use decoded::CheckedSignature;
pub use decoded::{Decoded, PayloadFilename, SignatureFound};
pub use fault::Fault;
pub(crate) use record::Record;
pub use state::LayerKind;

/// Work is done in pieces that stay in the processor's cache from one layer to the next.
const PIECE: usize = 32 << 10;

/// Decodes one message of any size: push the body with [`Decoder::update`], answer a request for a content key at once
/// with [`Decoder::content_keys`], then call [`Decoder::finish`].
///
/// What is wrong with the message is no error here: decoding stops inwardly, the rest of the body is taken and dropped
/// (the answer must not come before its end), and [`Decoded::fault`] says what it was. Errors are those of the sink.
///
/// What the sink got is worth nothing before [`Decoded::judge`].
pub struct Decoder {
    facts: Facts,
    body: Option<Body>,
    fault: Option<Fault>,
}

/// What the decoder needs next.
#[derive(Debug)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// More of the body, or its end.
    Continue,
    /// A content key: call [`Decoder::content_keys`] before anything else. Comes at most once.
    NeedContentKey(KeyRequest<'a>),
}

/// What an encrypted message says of its content key.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct KeyRequest<'a> {
    /// Whom the key is encrypted for.
    pub recipients: &'a [RecipientInfo],
    /// The cipher that the key is for.
    pub cipher: ContentCipher,
}

impl Decoder {
    /// Starts a message whose outermost MIME headers are `head`, the HTTP headers (RFC 4130 §4). `requested` are the
    /// digests that the receipt request asks for, best first: the first that `policy` allows is that of an unsigned
    /// message.
    #[must_use]
    pub fn new(head: HeaderBlock, requested: &[DigestAlgorithm], policy: AcceptPolicy, limits: Limits) -> Self {
        Self::begin(head, Facts::new(requested, policy, limits))
    }

    /// As [`Decoder::new`], for a diagnosis: computes every digest, decrypts under every cipher, and keeps in
    /// [`Decoded::record`] all that it sees. So memory grows with the message.
    pub(crate) fn recording(
        head: HeaderBlock,
        requested: &[DigestAlgorithm],
        mut policy: AcceptPolicy,
        limits: Limits,
    ) -> Self {
        for cipher in ContentCipher::known() {
            policy = policy.allow_weak_cipher(cipher);
        }
        let mut facts = Facts::new(requested, policy, limits);
        facts.record = Some(Record::default());
        Self::begin(head, facts)
    }

    fn begin(head: HeaderBlock, mut facts: Facts) -> Self {
        let mut nothing = io::sink();
        let body = Body::outermost(
            head,
            &mut State {
                facts: &mut facts,
                sink: &mut nothing,
            },
        );
        let (body, fault) = match body {
            Ok(body) => (Some(body), None),
            Err(fault) => (None, Some(fault)),
        };
        Self { facts, body, fault }
    }

    /// Takes the next octets of the body; octets of the payload go to `sink`.
    ///
    /// # Errors
    ///
    /// Those of the sink.
    pub fn update(&mut self, input: &[u8], sink: &mut dyn Write) -> io::Result<Progress<'_>> {
        // Nobody answered, so nobody has the key: what waits for it must not grow.
        if self.awaited_key().is_some() {
            self.content_keys(&[], sink)?;
        }
        self.body(input, sink)?;
        Ok(self.progress())
    }

    /// The MIME headers of the payload, as soon as they are known: [`Decoded::payload_head`].
    #[must_use]
    pub fn payload_head(&self) -> Option<&HeaderBlock> {
        self.facts.payload_head.as_ref()
    }

    /// Goes on with the candidates for the content key: one in nearly every case, none where no key of ours fits.
    ///
    /// # Errors
    ///
    /// Those of the sink.
    pub fn content_keys(&mut self, keys: &[ContentKey], sink: &mut dyn Write) -> io::Result<()> {
        let Self { facts, body, .. } = self;
        let result = match body.as_mut().and_then(Body::cms_mut) {
            Some(layer) => layer.decrypt(keys, &mut State { facts, sink }),
            None => Ok(()),
        };
        self.note(result)
    }

    /// Ends the body.
    ///
    /// # Errors
    ///
    /// Those of the sink.
    pub fn finish(mut self, sink: &mut dyn Write) -> io::Result<Decoded> {
        if self.awaited_key().is_some() {
            self.content_keys(&[], sink)?;
        }
        let facts = &mut self.facts;
        let result = match self.body.take() {
            Some(body) => body.finish(&mut State { facts, sink }),
            None => Ok(()),
        };
        self.note(result)?;
        Ok(self.facts.into_decoded(self.fault))
    }

    fn body(&mut self, input: &[u8], sink: &mut dyn Write) -> io::Result<()> {
        for piece in input.chunks(PIECE) {
            let Some(body) = &mut self.body else { return Ok(()) };
            let facts = &mut self.facts;
            let result = body.update(piece, &mut State { facts, sink });
            self.note(result)?;
        }
        Ok(())
    }

    fn awaited_key(&mut self) -> Option<&EnvelopedHead> {
        self.body.as_mut()?.cms_mut()?.awaits_key()
    }

    fn progress(&mut self) -> Progress<'_> {
        match self.awaited_key() {
            Some(EnvelopedHead {
                recipients,
                cipher: Ok(cipher),
                ..
            }) => Progress::NeedContentKey(KeyRequest {
                recipients,
                cipher: *cipher,
            }),
            _ => Progress::Continue,
        }
    }

    /// After a fault the rest of the body is dropped (SEC-50).
    fn note(&mut self, result: Result<(), Stop>) -> io::Result<()> {
        match result {
            Ok(()) => Ok(()),
            Err(Stop::Sink(error)) => Err(error),
            Err(Stop::Fault(fault)) => {
                self.fault = Some(fault);
                self.body = None;
                Ok(())
            }
        }
    }
}

/// Without what is being decoded.
impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("layers", &self.facts.layers)
            .field("fault", &self.fault)
            .finish_non_exhaustive()
    }
}
