//! The framing of `ContentInfo` (RFC 5652 §3) around content of any length.

use std::mem;

use rustls_pki_types::CertificateDer;

use super::ber::{BerError, BerEvent, BerReader, Collector, Header};
use super::enveloped::EnvelopedHead;
use super::event::{CmsError, CmsEvent, CmsTrailer, ContentKind, SignedHead};
use super::oid;
use super::tlv::{Tlvs, tag};
use crate::limits::Limits;

#[cfg(test)]
mod tests;

const RECIPIENTS_MAX: usize = 64;
const CERTIFICATES_MAX: usize = 32;
const SIGNERS_MAX: usize = 16;

/// `[0]`, primitive and constructed, `[1]` and `[2]` constructed.
const CONTEXT_0: u8 = 0x80;
const CONTEXT_0_CONSTRUCTED: u8 = 0xa0;
const CONTEXT_1_CONSTRUCTED: u8 = 0xa1;
const CONTEXT_2_CONSTRUCTED: u8 = 0xa2;
const OCTET_STRING_CONSTRUCTED: u8 = 0x24;

/// Reads a `ContentInfo` with `SignedData`, `EnvelopedData`, `AuthEnvelopedData` or `CompressedData` in chunks, in constant memory but for
/// the structures around the content, which are bounded by [`Limits`].
#[derive(Debug)]
pub struct CmsReader {
    ber: BerReader,
    state: State,
    mode: Mode,
    kind: Option<ContentKind>,
    /// How many octets of structure may still be kept.
    structure: usize,
    recipients: usize,
    signed: SignedHead,
    enveloped: EnvelopedHead,
    trailer: CmsTrailer,
}

/// Which value (or the end of which) comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    ContentInfo,
    ContentType,
    Content,
    Body,
    Version,
    DigestAlgorithms,
    CompressionAlgorithm,
    EncapsulatedContentInfo,
    EncapsulatedType,
    EncapsulatedContent,
    EncapsulatedOctets,
    EncapsulatedOctetsEnd,
    EncapsulatedEnd,
    SignedTail,
    Certificates,
    SignerInfos,
    OriginatorInfo,
    RecipientInfos,
    RecipientInfo,
    EncryptedContentInfo,
    EncryptedType,
    EncryptionAlgorithm,
    EncryptedContent,
    EncryptedEnd,
    UnprotectedAttributes,
    AuthenticatedAttributes,
    Mac,
    UnauthenticatedAttributes,
    BodyEnd,
    ContentEnd,
    ContentInfoEnd,
    Finished,
}

/// What is done with the octets of the current value.
#[derive(Debug)]
enum Mode {
    /// Values are walked into as the state says.
    Walk,
    /// The value that was the innermost at this depth is of no interest.
    Skip(usize),
    /// The value that was the innermost at this depth is the content.
    Content(usize),
    Collect(Collector),
}

impl CmsReader {
    /// A reader under the limits for ASN.1 and CMS.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            ber: BerReader::new(limits),
            state: State::ContentInfo,
            mode: Mode::Walk,
            kind: None,
            structure: limits.cms_structure,
            recipients: 0,
            signed: SignedHead::default(),
            enveloped: EnvelopedHead::default(),
            trailer: CmsTrailer::default(),
        }
    }

    /// The content type, as soon as it is known.
    #[must_use]
    pub fn kind(&self) -> Option<ContentKind> {
        self.kind
    }

    /// Whether the end of the structure was seen.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.state == State::Finished
    }

    /// To be called when there is no more input.
    ///
    /// # Errors
    ///
    /// [`CmsError::Truncated`] unless the structure has ended.
    pub fn finish(&self) -> Result<(), CmsError> {
        if self.is_finished() {
            Ok(())
        } else {
            Err(CmsError::Truncated)
        }
    }

    /// Takes the next event from the front of `input`. To be called until it returns [`CmsEvent::NeedInput`]. Nothing is
    /// consumed after [`CmsEvent::End`]: what is left in `input` comes after the structure.
    ///
    /// # Errors
    ///
    /// [`CmsError`]; the reader is of no use afterwards.
    pub fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<CmsEvent<'a>, CmsError> {
        while !self.is_finished() {
            let event = match self.ber.next(input)? {
                BerEvent::NeedInput => break,
                BerEvent::Begin(header) => self.begin(&header)?,
                BerEvent::Bytes(bytes) => match &mut self.mode {
                    Mode::Content(_) => return Ok(CmsEvent::Content(bytes)),
                    Mode::Collect(collector) => {
                        self.structure = self.structure.checked_sub(bytes.len()).ok_or(CmsError::TooLarge)?;
                        collector.bytes(bytes);
                        None
                    }
                    Mode::Skip(_) => None,
                    Mode::Walk => return Err(CmsError::Structure),
                },
                BerEvent::End => self.end()?,
            };
            if let Some(event) = event {
                return Ok(event);
            }
        }
        Ok(CmsEvent::NeedInput)
    }

    fn begin(&mut self, header: &Header) -> Result<Option<CmsEvent<'static>>, CmsError> {
        match &mut self.mode {
            Mode::Walk => return self.enter(header),
            Mode::Skip(_) => self.ber.skip(),
            Mode::Content(_) => match header.identifier() {
                tag::OCTET_STRING | OCTET_STRING_CONSTRUCTED => self.ber.uncount(),
                _ => return Err(BerError::Segment.into()),
            },
            Mode::Collect(collector) => {
                let before = collector.len();
                collector.begin(header)?;
                let added = collector.len() - before;
                self.structure = self.structure.checked_sub(added).ok_or(CmsError::TooLarge)?;
            }
        }
        Ok(None)
    }

    /// A value begins where `state` expects one.
    fn enter(&mut self, header: &Header) -> Result<Option<CmsEvent<'static>>, CmsError> {
        use State as S;
        let identifier = header.identifier();
        match (self.state, identifier) {
            (S::ContentInfo, tag::SEQUENCE) => self.state = S::ContentType,
            (S::Content, CONTEXT_0_CONSTRUCTED) => self.state = S::Body,
            (S::Body, tag::SEQUENCE) => self.state = S::Version,
            (S::Version, tag::INTEGER) => {
                self.skip(match self.kind {
                    Some(ContentKind::SignedData) => S::DigestAlgorithms,
                    Some(ContentKind::EnvelopedData | ContentKind::AuthEnvelopedData) => S::OriginatorInfo,
                    Some(ContentKind::CompressedData) => S::CompressionAlgorithm,
                    None => return Err(CmsError::Structure),
                });
            }

            (S::EncapsulatedContentInfo, tag::SEQUENCE) => self.state = S::EncapsulatedType,
            (S::EncapsulatedContent, CONTEXT_0_CONSTRUCTED) => self.state = S::EncapsulatedOctets,
            (S::EncapsulatedOctets, tag::OCTET_STRING | OCTET_STRING_CONSTRUCTED) => {
                self.content(S::EncapsulatedOctetsEnd);
            }

            (S::SignedTail, CONTEXT_0_CONSTRUCTED) => self.state = S::Certificates,
            (S::SignedTail, CONTEXT_1_CONSTRUCTED) => self.skip(S::SignedTail),
            (S::SignedTail, tag::SET) => self.state = S::SignerInfos,
            (S::Certificates, tag::SEQUENCE) if self.trailer.certificates.len() >= CERTIFICATES_MAX => {
                return Err(CmsError::TooManyCertificates);
            }
            (S::SignerInfos, tag::SEQUENCE) if self.trailer.signer_infos.len() >= SIGNERS_MAX => {
                return Err(CmsError::TooManySigners);
            }
            // Other forms of certificates than X.509.
            (S::Certificates, other) if other != tag::SEQUENCE => self.skip(S::Certificates),

            (S::OriginatorInfo, CONTEXT_0_CONSTRUCTED) => self.skip(S::RecipientInfos),
            (S::OriginatorInfo | S::RecipientInfos, tag::SET) => self.state = S::RecipientInfo,
            (S::RecipientInfo, _) => {
                self.recipients += 1;
                if self.recipients > RECIPIENTS_MAX {
                    return Err(CmsError::TooManyRecipients);
                }
                // There are other ways to tell the content key than key transport and key agreement.
                if matches!(identifier, tag::SEQUENCE | CONTEXT_1_CONSTRUCTED) {
                    self.collect(header)?
                } else {
                    self.skip(S::RecipientInfo)
                }
            }
            (S::EncryptedContentInfo, tag::SEQUENCE) => self.state = S::EncryptedType,
            (S::EncryptedType, tag::OID) => self.skip(S::EncryptionAlgorithm),
            (S::EncryptedContent, CONTEXT_0 | CONTEXT_0_CONSTRUCTED) => {
                self.content(S::EncryptedEnd);
                self.enveloped.authenticated = self.kind == Some(ContentKind::AuthEnvelopedData);
                return Ok(Some(CmsEvent::Enveloped(mem::take(&mut self.enveloped))));
            }
            (S::UnprotectedAttributes, CONTEXT_1_CONSTRUCTED)
            | (S::UnauthenticatedAttributes, CONTEXT_2_CONSTRUCTED) => self.skip(S::BodyEnd),
            (S::AuthenticatedAttributes | S::Mac, tag::OCTET_STRING | OCTET_STRING_CONSTRUCTED) => {
                self.state = S::Mac;
                self.collect(header)?
            }

            (S::ContentType | S::EncapsulatedType, tag::OID)
            | (S::AuthenticatedAttributes, CONTEXT_1_CONSTRUCTED)
            | (S::DigestAlgorithms, tag::SET)
            | (S::CompressionAlgorithm | S::Certificates | S::SignerInfos | S::EncryptionAlgorithm, tag::SEQUENCE) => {
                self.collect(header)?
            }
            _ => return Err(CmsError::Structure),
        }
        Ok(None)
    }

    fn end(&mut self) -> Result<Option<CmsEvent<'static>>, CmsError> {
        match &mut self.mode {
            Mode::Walk => return self.leave(),
            Mode::Skip(depth) | Mode::Content(depth) => {
                if self.ber.depth() < *depth {
                    self.mode = Mode::Walk;
                }
            }
            Mode::Collect(collector) => {
                if let Some(value) = collector.end() {
                    self.mode = Mode::Walk;
                    return self.collected(value);
                }
            }
        }
        Ok(None)
    }

    /// A value that was walked into ends.
    fn leave(&mut self) -> Result<Option<CmsEvent<'static>>, CmsError> {
        use State as S;
        self.state = match self.state {
            S::EncapsulatedContent | S::EncapsulatedOctets if self.kind == Some(ContentKind::CompressedData) => {
                return Err(CmsError::NoContent);
            }
            S::EncapsulatedContent => {
                self.trailer.detached = true;
                S::SignedTail
            }
            // An empty [0] is not allowed, but what it means is plain.
            S::EncapsulatedOctets => {
                self.trailer.detached = true;
                S::EncapsulatedEnd
            }
            S::EncapsulatedOctetsEnd => S::EncapsulatedEnd,
            S::EncapsulatedEnd if self.kind == Some(ContentKind::CompressedData) => S::BodyEnd,
            S::EncapsulatedEnd => S::SignedTail,
            S::Certificates => S::SignedTail,
            S::SignerInfos => S::BodyEnd,
            S::RecipientInfo => S::EncryptedContentInfo,
            S::EncryptedContent => return Err(CmsError::NoContent),
            S::EncryptedEnd if self.kind == Some(ContentKind::AuthEnvelopedData) => S::AuthenticatedAttributes,
            S::EncryptedEnd => S::UnprotectedAttributes,
            S::UnprotectedAttributes | S::UnauthenticatedAttributes | S::BodyEnd => S::ContentEnd,
            S::ContentEnd => S::ContentInfoEnd,
            S::ContentInfoEnd => {
                self.state = S::Finished;
                return Ok(Some(CmsEvent::End(mem::take(&mut self.trailer))));
            }
            _ => return Err(CmsError::Structure),
        };
        Ok(None)
    }

    /// A value that `state` wanted is there, with definite lengths.
    fn collected(&mut self, value: Vec<u8>) -> Result<Option<CmsEvent<'static>>, CmsError> {
        let octets = Tlvs(&value).any()?;
        self.state = match self.state {
            State::ContentType => {
                self.kind = Some(match octets.value {
                    oid::SIGNED_DATA => ContentKind::SignedData,
                    oid::ENVELOPED_DATA => ContentKind::EnvelopedData,
                    oid::AUTH_ENVELOPED_DATA => ContentKind::AuthEnvelopedData,
                    oid::COMPRESSED_DATA => ContentKind::CompressedData,
                    other => return Err(CmsError::UnsupportedContentType(oid::text(other))),
                });
                State::Content
            }
            State::DigestAlgorithms => {
                let mut algorithms = octets.children();
                while !algorithms.is_empty() {
                    let oid = algorithms.expect(tag::SEQUENCE)?.children().expect(tag::OID)?;
                    self.signed.digest_algorithms.extend(oid::digest(oid.value));
                }
                State::EncapsulatedContentInfo
            }
            State::CompressionAlgorithm => {
                let oid = octets.children().expect(tag::OID)?.value;
                if oid != oid::ZLIB {
                    return Err(CmsError::UnsupportedCompression(oid::text(oid)));
                }
                State::EncapsulatedContentInfo
            }
            State::EncapsulatedType => {
                self.state = State::EncapsulatedContent;
                return match self.kind {
                    Some(ContentKind::CompressedData) => Ok(Some(CmsEvent::Compressed)),
                    _ if octets.value == oid::DATA => Ok(Some(CmsEvent::Signed(mem::take(&mut self.signed)))),
                    _ => Err(CmsError::UnsupportedContentType(oid::text(octets.value))),
                };
            }
            State::Certificates => {
                self.trailer.certificates.push(CertificateDer::from(value));
                State::Certificates
            }
            State::SignerInfos => {
                self.trailer.signer_infos.push(value);
                State::SignerInfos
            }
            State::RecipientInfo => {
                self.enveloped.add_recipient(octets, RECIPIENTS_MAX)?;
                State::RecipientInfo
            }
            State::EncryptionAlgorithm => {
                self.enveloped.set_algorithm(octets)?;
                State::EncryptedContent
            }
            State::AuthenticatedAttributes => {
                // RFC 5083 §2.2: what is authenticated has the tag of a SET OF.
                self.trailer.mac.attributes = [&[tag::SET], value.get(1..).unwrap_or_default()].concat();
                State::Mac
            }
            State::Mac => {
                self.trailer.mac.mac = octets.value.to_vec();
                State::UnauthenticatedAttributes
            }
            _ => return Err(CmsError::Structure),
        };
        Ok(None)
    }

    fn skip(&mut self, then: State) {
        self.ber.skip();
        self.mode = Mode::Skip(self.ber.depth());
        self.state = then;
    }

    fn content(&mut self, then: State) {
        self.mode = Mode::Content(self.ber.depth());
        self.state = then;
    }

    fn collect(&mut self, header: &Header) -> Result<(), CmsError> {
        self.mode = Mode::Collect(Collector::default());
        self.begin(header)?;
        Ok(())
    }
}
