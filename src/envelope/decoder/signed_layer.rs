use crate::algorithm::DigestAlgorithm;
use crate::cms::{CmsEvent, CmsReader, CmsTrailer};
use crate::mic::Digester;
use crate::mime::{ContentType, HeaderBlock, HeaderReader, MultipartEvent, MultipartScanner};
use crate::partnership::MicSource;

use super::canonical::Canonical;
use super::entity::Entity;
use super::state::{Facts, LayerKind, State};
use super::transfer::Transfer;
use super::{Fault, SignatureFound, Stop};

/// A multipart/signed entity (RFC 1847 §2.1): the signed part streams through, the signature follows.
#[derive(Debug)]
pub(super) struct SignedLayer {
    scanner: MultipartScanner,
    parts: Parts,
}

#[derive(Debug)]
struct Parts {
    /// Whether the layer began inside CBC content.
    inside_cbc: bool,
    seen: usize,
    digester: Digester,
    /// Digests of the CRLF-canonical form, for parts that are not binary (SMI-12).
    canonical: CanonicalDigest,
    content: Option<Box<Entity>>,
    signature: Option<Box<SignaturePart>>,
}

#[derive(Debug)]
enum CanonicalDigest {
    /// The head of the part decides.
    Undecided(HeaderReader),
    Running {
        canonical: Canonical,
        digester: Digester,
    },
    NotNeeded,
}

/// The digests that run while a signed part streams: its SignerInfo, which names the right one, comes after it. Those
/// that `micalg` names and SHA-256, or all that the policy allows where it names none that is known (ENV-45).
pub(super) fn digests(named: &[DigestAlgorithm], facts: &Facts) -> Vec<DigestAlgorithm> {
    let mut digests = named.to_vec();
    if digests.is_empty() {
        digests.extend(
            DigestAlgorithm::ALL
                .into_iter()
                .filter(|digest| facts.policy.allows_digest(*digest)),
        );
    }
    digests.push(DigestAlgorithm::Sha256);
    if facts.policy.mic_source == MicSource::Requested {
        digests.extend(facts.requested.first());
    }
    digests
}

impl SignedLayer {
    /// Whether the protocol is that of S/MIME, in any of its spellings, or left out (ENV-44).
    pub(super) fn is_smime(kind: &ContentType) -> bool {
        kind.param("protocol").is_none_or(|protocol| {
            [
                "application/pkcs7-signature",
                "application/x-pkcs7-signature",
                "application/pkcs-7-signature",
            ]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(protocol.trim()))
        })
    }

    pub(super) fn new(kind: &ContentType, state: &mut State<'_>) -> Result<Self, Stop> {
        state.facts.enter(LayerKind::Signed)?;
        let micalg = kind.param("micalg").unwrap_or_default();
        let named: Vec<_> = micalg
            .split(',')
            .filter_map(|token| DigestAlgorithm::from_micalg(token).ok())
            .collect();
        Ok(Self {
            scanner: MultipartScanner::new(kind.param("boundary").unwrap_or_default())?,
            parts: Parts {
                inside_cbc: state.facts.inside_cbc,
                seen: 0,
                digester: Digester::new(digests(&named, state.facts)),
                canonical: CanonicalDigest::Undecided(HeaderReader::new(&state.facts.limits)),
                content: None,
                signature: None,
            },
        })
    }

    pub(super) fn update(&mut self, mut input: &[u8], state: &mut State<'_>) -> Result<(), Stop> {
        loop {
            match self.scanner.next(&mut input)? {
                MultipartEvent::NeedInput => return Ok(()),
                event => self.parts.take(event, state)?,
            }
        }
    }

    pub(super) fn finish(mut self, state: &mut State<'_>) -> Result<(), Stop> {
        while let Some(event) = self.scanner.finish()? {
            self.parts.take(event, state)?;
        }
        self.parts.finish(state)
    }
}

impl Parts {
    fn take(&mut self, event: MultipartEvent<'_>, state: &mut State<'_>) -> Result<(), Stop> {
        match event {
            MultipartEvent::NeedInput | MultipartEvent::Preamble(_) => {}
            MultipartEvent::PartStart => self.start(state)?,
            MultipartEvent::PartData(octets) => self.update(octets, state)?,
            MultipartEvent::PartEnd => self.end(state)?,
            MultipartEvent::Epilogue(octets) => state.facts.trailing(octets, self.inside_cbc),
        }
        Ok(())
    }

    fn start(&mut self, state: &State<'_>) -> Result<(), Stop> {
        self.seen = self.seen.saturating_add(1);
        match self.seen {
            1 => self.content = Some(Box::new(Entity::new(state))),
            2 => self.signature = Some(Box::new(SignaturePart::new(state))),
            _ => return Err(Fault::SignedParts.into()),
        }
        Ok(())
    }

    fn update(&mut self, octets: &[u8], state: &mut State<'_>) -> Result<(), Stop> {
        if let Some(signature) = &mut self.signature {
            return signature.update(octets, state);
        }
        self.digester.update(octets);
        self.canonical.update(octets, &self.digester)?;
        match &mut self.content {
            Some(content) => {
                let result = content.update(octets, state);
                self.hold(result, state)
            }
            None => Ok(()),
        }
    }

    /// A fault inside the signed part is kept, and the digest goes on: if the signature verifies, the partner sent
    /// broken content and may be told so.
    fn hold(&mut self, result: Result<(), Stop>, state: &mut State<'_>) -> Result<(), Stop> {
        match result {
            Err(Stop::Fault(fault)) => {
                self.content = None;
                state.facts.content_fault.get_or_insert(fault);
                Ok(())
            }
            other => other,
        }
    }

    fn end(&mut self, state: &mut State<'_>) -> Result<(), Stop> {
        match (&mut self.signature, self.content.take()) {
            (Some(signature), _) => signature.end(state),
            (None, Some(content)) => {
                let result = content.finish(state);
                self.hold(result, state)
            }
            (None, None) => Ok(()),
        }
    }

    fn finish(self, state: &mut State<'_>) -> Result<(), Stop> {
        let trailer = self
            .signature
            .and_then(|part| part.detached.trailer)
            .ok_or(Fault::SignedParts)?;
        state.facts.signature = Some(SignatureFound {
            certificates: trailer.certificates,
            signer_infos: trailer.signer_infos,
            mics: self.digester.finish(),
            canonical: match self.canonical {
                CanonicalDigest::Running { digester, .. } => Some(digester.finish()),
                CanonicalDigest::Undecided(_) | CanonicalDigest::NotNeeded => None,
            },
        });
        Ok(())
    }
}

impl CanonicalDigest {
    fn update(&mut self, mut octets: &[u8], like: &Digester) -> Result<(), Stop> {
        if let Self::Undecided(reader) = self {
            let Some(head) = reader.read(&mut octets)? else {
                return Ok(());
            };
            *self = if is_binary(&head) {
                Self::NotNeeded
            } else {
                let mut running = Self::Running {
                    canonical: Canonical::default(),
                    digester: like.restarted(),
                };
                running.feed(reader.raw());
                running
            };
        }
        self.feed(octets);
        Ok(())
    }

    fn feed(&mut self, octets: &[u8]) {
        if let Self::Running { canonical, digester } = self {
            canonical.update(octets, |piece| digester.update(piece));
        }
    }
}

/// Whether the part's octets were meant to travel as they are. Without a transfer encoding a part is 7bit (RFC 2045
/// §6.1): products that sign such parts canonicalise them.
fn is_binary(head: &HeaderBlock) -> bool {
    head.get("Content-Transfer-Encoding")
        .is_some_and(|encoding| encoding.trim().eq_ignore_ascii_case("binary"))
}

/// The second part: a detached SignedData.
#[derive(Debug)]
struct SignaturePart {
    reader: HeaderReader,
    in_head: bool,
    encoding: Option<String>,
    transfer: Option<Transfer>,
    detached: Detached,
}

impl SignaturePart {
    fn new(state: &State<'_>) -> Self {
        Self {
            reader: HeaderReader::new(&state.facts.limits),
            in_head: true,
            encoding: None,
            transfer: None,
            detached: Detached {
                inside_cbc: state.facts.inside_cbc,
                reader: CmsReader::new(&state.facts.limits),
                trailer: None,
            },
        }
    }

    fn update(&mut self, mut input: &[u8], state: &mut State<'_>) -> Result<(), Stop> {
        if self.in_head {
            let Some(head) = self.reader.read(&mut input)? else {
                return Ok(());
            };
            let kind = head
                .get("Content-Type")
                .and_then(|value| ContentType::parse(value).ok());
            if !kind.is_some_and(|kind| is_signature(&kind)) {
                return Err(Fault::SignedParts.into());
            }
            self.encoding = head.get("Content-Transfer-Encoding").map(str::to_owned);
            self.in_head = false;
        }
        if self.transfer.is_none() {
            input = input.trim_ascii_start();
            let Some(&first) = input.first() else { return Ok(()) };
            self.transfer = Some(Transfer::of_cms(self.encoding.as_deref(), first)?);
        }
        let Self { transfer, detached, .. } = self;
        match transfer {
            Some(transfer) => transfer.update(input, |octets| detached.update(octets, state)),
            None => Ok(()),
        }
    }

    fn end(&mut self, state: &mut State<'_>) -> Result<(), Stop> {
        let Self { transfer, detached, .. } = self;
        if let Some(transfer) = transfer {
            transfer.finish(|octets| detached.update(octets, state))?;
        }
        Ok(detached.reader.finish()?)
    }
}

/// A SignedData whose content is elsewhere.
#[derive(Debug)]
struct Detached {
    inside_cbc: bool,
    reader: CmsReader,
    trailer: Option<CmsTrailer>,
}

impl Detached {
    fn update(&mut self, mut octets: &[u8], state: &mut State<'_>) -> Result<(), Stop> {
        while !self.reader.is_finished() {
            match self.reader.next(&mut octets)? {
                CmsEvent::NeedInput => return Ok(()),
                CmsEvent::End(trailer) => self.trailer = Some(trailer),
                CmsEvent::Signed(_) => {}
                _ => return Err(Fault::SignedParts.into()),
            }
        }
        state.facts.trailing(octets, self.inside_cbc);
        Ok(())
    }
}

fn is_signature(kind: &ContentType) -> bool {
    kind.is("application", "pkcs7-signature") || kind.is("application", "x-pkcs7-signature")
}
