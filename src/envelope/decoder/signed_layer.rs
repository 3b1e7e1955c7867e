use crate::algorithm::DigestAlgorithm;
use crate::mic::{Digester, MicSet};
use crate::mime::{ContentType, HeaderBlock, HeaderReader, MultipartEvent, MultipartScanner, TransferEncoding};

use super::signature_part::SignaturePart;
use super::signed_content::SignedContent;
use super::state::{LayerKind, State};
use super::transfer::SniffedTransfer;
use super::{Fault, SignatureFound, Stop};
use crate::envelope::canonical::Canonical;

/// A multipart/signed entity (RFC 1847 §2.1): the signed part streams through, the signature follows.
#[derive(Debug)]
pub(super) struct SignedLayer {
    transfer: SniffedTransfer,
    framed: Framed,
}

#[derive(Debug)]
struct Framed {
    scanner: MultipartScanner,
    parts: Parts,
}

#[derive(Debug)]
struct Parts {
    /// Whether the layer began inside CBC content.
    inside_cbc: bool,
    /// For the signed part, which makes use of it when it begins.
    digester: Option<Digester>,
    content: Option<SignedContent>,
    /// Digests of the CRLF-canonical form, for parts that are not binary (SMI-12).
    canonical: CanonicalDigest,
    signature: Option<SignaturePart>,
}

#[derive(Debug)]
enum CanonicalDigest {
    /// The head of the part decides.
    Undecided(HeaderReader, Digester),
    Running(Canonical, Digester),
    NotNeeded,
}

impl SignedLayer {
    /// Whether the protocol is that of S/MIME, in any of its spellings, or left out (ENV-44).
    pub(super) fn is_smime(kind: &ContentType) -> bool {
        kind.is("multipart", "signed")
            && kind
                .param("protocol")
                .is_none_or(|protocol| ContentType::parse(protocol).is_ok_and(|kind| kind.is_pkcs7_signature()))
    }

    pub(super) fn new(kind: &ContentType, head: &HeaderBlock, state: &mut State<'_>) -> Result<Self, Fault> {
        state.facts.enter(LayerKind::Signed)?;
        let micalg = kind.param("micalg").unwrap_or_default();
        let announced = micalg
            .split(',')
            .filter_map(|token| DigestAlgorithm::from_micalg(token).ok());
        let digester = state.facts.signed_digester(announced);
        Ok(Self {
            transfer: SniffedTransfer::multipart(head)?,
            framed: Framed {
                scanner: MultipartScanner::new(kind.param("boundary").unwrap_or_default())?,
                parts: Parts {
                    inside_cbc: state.facts.inside_cbc,
                    content: None,
                    canonical: CanonicalDigest::Undecided(HeaderReader::new(&state.facts.limits), digester.clone()),
                    digester: Some(digester),
                    signature: None,
                },
            },
        })
    }

    pub(super) fn update(&mut self, input: &[u8], state: &mut State<'_>) -> Result<(), Stop> {
        let Self { transfer, framed } = self;
        transfer.update(input, &mut |octets| framed.update(octets, state))
    }

    pub(super) fn finish(self, state: &mut State<'_>) -> Result<(), Stop> {
        let Self {
            mut transfer,
            mut framed,
        } = self;
        transfer.finish(&mut |octets| framed.update(octets, state))?;
        let Framed { mut scanner, mut parts } = framed;
        while let Some(event) = scanner.finish()? {
            parts.take(event, state)?;
        }
        let blank = scanner.is_padded() || transfer.ends_blank();
        state.facts.added(blank, parts.inside_cbc);
        parts.finish(state)
    }
}

impl Framed {
    fn update(&mut self, mut input: &[u8], state: &mut State<'_>) -> Result<(), Stop> {
        loop {
            match self.scanner.next(&mut input)? {
                MultipartEvent::NeedInput => return Ok(()),
                event => self.parts.take(event, state)?,
            }
        }
    }
}

impl Parts {
    fn take(&mut self, event: MultipartEvent<'_>, state: &mut State<'_>) -> Result<(), Stop> {
        match event {
            MultipartEvent::NeedInput | MultipartEvent::Preamble(_) => Ok(()),
            MultipartEvent::PartStart => self.start(state),
            MultipartEvent::PartData(octets) => self.update(octets, state),
            MultipartEvent::PartEnd => self.end(state),
            MultipartEvent::Epilogue(octets) => {
                state.facts.trailing(octets, self.inside_cbc);
                Ok(())
            }
        }
    }

    fn start(&mut self, state: &mut State<'_>) -> Result<(), Stop> {
        match (self.digester.take(), &self.signature) {
            (Some(digester), _) => self.content = Some(SignedContent::new(digester, state)),
            (None, None) => self.signature = Some(SignaturePart::new(state)),
            (None, Some(_)) => return Err(Fault::SignedParts.into()),
        }
        Ok(())
    }

    fn update(&mut self, octets: &[u8], state: &mut State<'_>) -> Result<(), Stop> {
        match (&mut self.signature, &mut self.content) {
            (Some(signature), _) => signature.update(octets, state),
            (None, Some(content)) => {
                self.canonical.update(octets);
                content.update(octets, state)
            }
            (None, None) => Ok(()),
        }
    }

    fn end(&mut self, state: &mut State<'_>) -> Result<(), Stop> {
        match (&mut self.signature, &mut self.content) {
            (Some(signature), _) => signature.end(state),
            (None, Some(content)) => content.end(state),
            (None, None) => Ok(()),
        }
    }

    fn finish(self, state: &mut State<'_>) -> Result<(), Stop> {
        let (Some(content), Some(trailer)) = (self.content, self.signature.and_then(SignaturePart::into_trailer))
        else {
            return Err(Fault::SignedParts.into());
        };
        state.facts.signature = Some(SignatureFound {
            certificates: trailer.certificates,
            signer_infos: trailer.signer_infos,
            mics: content.into_digests(),
            canonical: self.canonical.into_digests(),
        });
        Ok(())
    }
}

impl CanonicalDigest {
    fn update(&mut self, mut octets: &[u8]) {
        if let Self::Undecided(reader, _) = self {
            let head = match reader.read(&mut octets) {
                Ok(None) => return,
                Ok(Some(head)) => Some(head).filter(|head| !is_binary(head)),
                // The signed content says what is wrong with its head.
                Err(_) => None,
            };
            *self = match (std::mem::replace(self, Self::NotNeeded), head) {
                (Self::Undecided(reader, mut digester), Some(_)) => {
                    let mut canonical = Canonical::default();
                    canonical.update(reader.raw(), |piece| digester.update(piece));
                    Self::Running(canonical, digester)
                }
                _ => Self::NotNeeded,
            };
        }
        if let Self::Running(canonical, digester) = self {
            canonical.update(octets, |piece| digester.update(piece));
        }
    }

    fn into_digests(self) -> Option<MicSet> {
        match self {
            Self::Running(_, digester) => Some(digester.finish()),
            Self::Undecided(..) | Self::NotNeeded => None,
        }
    }
}

/// Whether the part's octets were meant to travel as they are. Without a transfer encoding a part is 7bit (RFC 2045
/// §6.1): products that sign such parts canonicalise them.
fn is_binary(head: &HeaderBlock) -> bool {
    matches!(head.transfer_encoding(), Ok(Some(TransferEncoding::Binary)))
}
