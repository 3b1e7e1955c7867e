//! Wire octets to payload in constant memory, layers discovered.

mod canonical;
mod cms_layer;
mod entity;
mod fault;
mod signed_layer;
mod state;
mod transfer;

use std::io::{self, Write};

use rustls_pki_types::CertificateDer;

use crate::algorithm::{ContentCipher, DigestAlgorithm};
use crate::cms::{ContentKey, EnvelopedHead, RecipientInfo};
use crate::limits::Limits;
use crate::mic::MicSet;
use crate::mime::HeaderBlock;
use crate::partnership::AcceptPolicy;

use entity::Body;
use fault::Stop;
use state::{Facts, State};

pub use fault::Fault;
pub use state::LayerKind;

/// Decodes one message: push the body with [`Decoder::update`], answer a request for a content key, then call
/// [`Decoder::finish`].
///
/// What is wrong with the message is no error here: decoding stops inwardly, the rest of the body is read and dropped,
/// and [`Decoded::fault`] says what it was. Errors are those of the sink.
#[derive(Debug)]
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

/// A signature that was found, not yet verified.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SignatureFound {
    /// The certificates that it carries: never a source of trust.
    pub certificates: Vec<CertificateDer<'static>>,
    /// Its SignerInfo structures.
    pub signer_infos: Vec<Vec<u8>>,
    /// Digests of the signed part, exactly as it was.
    pub mics: MicSet,
    /// Digests of its CRLF-canonical form, where it is not binary.
    pub canonical: Option<MicSet>,
}

/// What a message held.
#[derive(Debug)]
#[non_exhaustive]
pub struct Decoded {
    /// The layers, outermost first.
    pub layers: Vec<LayerKind>,
    /// What was wrong with it.
    pub fault: Option<Fault>,
    /// What was wrong with the content of its signed part: the signature can verify all the same.
    pub content_fault: Option<Fault>,
    /// The signature, if its layer was read to its end.
    pub signature: Option<SignatureFound>,
    /// The digests of an unsigned message, the one that was asked for first.
    pub unsigned_mics: MicSet,
    /// MIME headers of the payload.
    pub payload_head: Option<HeaderBlock>,
    /// Octets of the payload.
    pub payload_len: u64,
    /// Whether every layer within encrypted content ended where the content ended.
    pub(crate) ends_exactly: bool,
    /// Whether it is, or begins like, encrypted content.
    pub(crate) enveloped: bool,
    /// The digest that the receipt request prefers.
    pub(crate) requested: Option<DigestAlgorithm>,
}

impl Decoder {
    /// Starts a message whose outermost MIME headers are `head`, the HTTP headers (RFC 4130 §4). `requested` are the
    /// digests that the receipt request asks for, best first.
    #[must_use]
    pub fn new(head: HeaderBlock, requested: Vec<DigestAlgorithm>, policy: AcceptPolicy, limits: Limits) -> Self {
        let mut facts = Facts {
            limits,
            policy,
            requested,
            layers: Vec::new(),
            inside_cbc: false,
            trailing_in_cbc: false,
            payload_head: None,
            payload_len: 0,
            unsigned_mics: MicSet::default(),
            signature: None,
            content_fault: None,
            enveloped: false,
        };
        let mut nothing = io::sink();
        let mut state = State {
            facts: &mut facts,
            sink: &mut nothing,
        };
        let (body, fault) = match Body::outermost(head, &mut state) {
            Ok(body) => (Some(body), None),
            Err(Stop::Fault(fault)) => (None, Some(fault)),
            // Nothing is written before the first octet of the body.
            Err(Stop::Sink(_)) => (None, None),
        };
        Self { facts, body, fault }
    }

    /// Takes the next octets of the body; octets of the payload go to `sink`.
    ///
    /// # Errors
    ///
    /// Those of the sink.
    pub fn update(&mut self, input: &[u8], sink: &mut dyn Write) -> io::Result<Progress<'_>> {
        let result = match &mut self.body {
            Some(body) => body.update(
                input,
                &mut State {
                    facts: &mut self.facts,
                    sink,
                },
            ),
            None => Ok(()),
        };
        self.note(result)?;
        Ok(self.progress())
    }

    /// Goes on with the candidates for the content key: one in nearly every case, none where no key of ours fits.
    ///
    /// # Errors
    ///
    /// Those of the sink.
    pub fn content_keys(&mut self, keys: &[ContentKey], sink: &mut dyn Write) -> io::Result<()> {
        let result = match self.body.as_mut().and_then(Body::cms_mut) {
            Some(layer) => layer.decrypt(
                keys,
                &mut State {
                    facts: &mut self.facts,
                    sink,
                },
            ),
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
        let result = match self.body.take() {
            Some(body) => body.finish(&mut State {
                facts: &mut self.facts,
                sink,
            }),
            None => Ok(()),
        };
        self.note(result)?;
        let facts = self.facts;
        Ok(Decoded {
            layers: facts.layers,
            fault: self.fault,
            content_fault: facts.content_fault,
            enveloped: facts.enveloped,
            requested: facts.requested.first().copied(),
            signature: facts.signature,
            unsigned_mics: facts.unsigned_mics,
            payload_head: facts.payload_head,
            payload_len: facts.payload_len,
            ends_exactly: !facts.trailing_in_cbc,
        })
    }

    fn progress(&mut self) -> Progress<'_> {
        match self
            .body
            .as_mut()
            .and_then(Body::cms_mut)
            .and_then(|layer| layer.awaits_key())
        {
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

    /// After a fault the rest of the body is dropped: the answer must not come before its end (SEC-50).
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
