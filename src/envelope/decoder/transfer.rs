use crate::limits::Limits;
use crate::mime::{HeaderBlock, HeaderReader, TransferDecoder, TransferEncoding, UnknownTransferEncoding};

use super::Stop;

/// The first line of base64 has 76 characters, of products that know no better 78. Longer runs without a line end are
/// base64 too: nothing else looks like that.
const LINE: usize = 80;

/// Removes a transfer encoding; identity encodings pass through without a copy.
#[derive(Debug)]
pub(super) struct Transfer {
    decoder: Option<TransferDecoder>,
    buffer: Vec<u8>,
    /// White space other than line ends follows what was decoded.
    ends_blank: bool,
}

impl Transfer {
    pub(super) fn new(encoding: Option<TransferEncoding>) -> Self {
        let encoded = encoding.filter(|encoding| !encoding.is_identity());
        Self {
            decoder: encoded.map(TransferDecoder::new),
            buffer: Vec::new(),
            ends_blank: false,
        }
    }

    /// What the head says.
    pub(super) fn declared(head: &HeaderBlock) -> Result<Self, UnknownTransferEncoding> {
        Ok(Self::new(head.transfer_encoding()?))
    }

    /// Whether white space other than line ends followed the encoded text, which the decoder skipped.
    pub(super) fn ends_blank(&self) -> bool {
        self.ends_blank
    }

    pub(super) fn update(&mut self, input: &[u8], next: impl FnOnce(&[u8]) -> Result<(), Stop>) -> Result<(), Stop> {
        let Some(decoder) = &mut self.decoder else {
            return next(input);
        };
        let text = input.trim_ascii_end();
        let after = input.get(text.len()..).unwrap_or_default();
        let blank = after.iter().any(|octet| !matches!(octet, b'\r' | b'\n'));
        self.ends_blank = blank || (self.ends_blank && text.is_empty());
        self.buffer.clear();
        // A fault of what was decoded before comes first, whether it came in this piece or in an earlier one.
        let decoded = decoder.decode(input, &mut self.buffer);
        next(&self.buffer)?;
        Ok(decoded?)
    }

    pub(super) fn finish(&mut self, next: impl FnOnce(&[u8]) -> Result<(), Stop>) -> Result<(), Stop> {
        let Some(decoder) = &mut self.decoder else {
            return Ok(());
        };
        self.buffer.clear();
        let decoded = decoder.finish(&mut self.buffer);
        next(&self.buffer)?;
        Ok(decoded?)
    }
}

/// Removes the transfer encoding of a CMS structure or a multipart/signed. Products forget its header, send the header
/// although they do not encode, or repeat the MIME headers in the body, so the first octets are looked at (ENV-38,
/// INT-40).
#[derive(Debug)]
pub(super) struct SniffedTransfer {
    kind: Kind,
    declared: Option<TransferEncoding>,
    /// Limits of the header block that the body may begin with.
    repeated_head: Option<Limits>,
    state: Sniff,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Cms,
    Multipart,
}

#[derive(Debug)]
enum Sniff {
    /// The first octets, until they say what they are.
    Start(Vec<u8>),
    Head(HeaderReader),
    Running(Transfer),
}

/// What the first line looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FirstLine {
    Unknown,
    Base64,
    HeaderField,
    Other,
}

impl SniffedTransfer {
    /// For a CMS structure.
    pub(super) fn cms(head: &HeaderBlock, repeated_head: Option<Limits>) -> Result<Self, UnknownTransferEncoding> {
        Ok(Self {
            kind: Kind::Cms,
            declared: head.transfer_encoding()?,
            repeated_head,
            state: Sniff::Start(Vec::new()),
        })
    }

    /// For a multipart, which RFC 2045 §6.4 does not allow to be encoded.
    pub(super) fn multipart(head: &HeaderBlock) -> Result<Self, UnknownTransferEncoding> {
        Ok(Self {
            kind: Kind::Multipart,
            declared: head.transfer_encoding()?,
            repeated_head: None,
            state: Sniff::Start(Vec::new()),
        })
    }

    /// As [`Transfer::ends_blank`].
    pub(super) fn ends_blank(&self) -> bool {
        matches!(&self.state, Sniff::Running(transfer) if transfer.ends_blank())
    }

    pub(super) fn update(
        &mut self,
        mut input: &[u8],
        next: &mut dyn FnMut(&[u8]) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        match &mut self.state {
            Sniff::Running(transfer) => transfer.update(input, next),
            Sniff::Head(reader) => {
                let Some(head) = reader.read(&mut input)? else {
                    return Ok(());
                };
                self.declared = head.transfer_encoding()?;
                self.state = Sniff::Start(Vec::new());
                self.update(input, next)
            }
            Sniff::Start(held) => {
                if held.is_empty() {
                    // Neither begins with an empty line: in a multipart it would belong to the preamble.
                    let more = |octet: &u8| match self.kind {
                        Kind::Cms => octet.is_ascii_whitespace(),
                        Kind::Multipart => matches!(octet, b'\r' | b'\n'),
                    };
                    let start = input.iter().position(|octet| !more(octet)).unwrap_or(input.len());
                    input = input.get(start..).unwrap_or_default();
                }
                held.extend_from_slice(input);
                self.leave_start(false, next)
            }
        }
    }

    pub(super) fn finish(&mut self, next: &mut dyn FnMut(&[u8]) -> Result<(), Stop>) -> Result<(), Stop> {
        self.leave_start(true, next)?;
        match &mut self.state {
            Sniff::Running(transfer) => transfer.finish(next),
            Sniff::Start(_) | Sniff::Head(_) => Ok(()),
        }
    }

    /// Goes on with what was held, once it is known what it is.
    fn leave_start(&mut self, at_end: bool, next: &mut dyn FnMut(&[u8]) -> Result<(), Stop>) -> Result<(), Stop> {
        let Sniff::Start(held) = &mut self.state else {
            return Ok(());
        };
        let held = std::mem::take(held);
        match self.sniff(&held, at_end) {
            Some(state) => {
                self.state = state;
                self.update(&held, next)
            }
            None => {
                self.state = Sniff::Start(held);
                Ok(())
            }
        }
    }

    fn sniff(&mut self, held: &[u8], at_end: bool) -> Option<Sniff> {
        let &first = held.first()?;
        let encoding = match (self.kind, self.declared) {
            (Kind::Cms, Some(TransferEncoding::QuotedPrintable)) => self.declared,
            // The tag of a SEQUENCE; base64 cannot begin with it, as its first octet would be another one.
            (Kind::Cms, _) if first == b'0' => None,
            (Kind::Multipart, declared) if declared != Some(TransferEncoding::Base64) => None,
            (kind, declared) => match (kind, first_line(held)) {
                (_, FirstLine::Unknown) if !at_end => return None,
                (Kind::Cms, FirstLine::HeaderField) if self.repeated_head.is_some() => {
                    return self
                        .repeated_head
                        .take()
                        .map(|limits| Sniff::Head(HeaderReader::new(&limits)));
                }
                // The tag of a SEQUENCE again, in base64.
                (Kind::Cms, _) if first == b'M' => Some(TransferEncoding::Base64),
                (Kind::Cms, _) => declared,
                (Kind::Multipart, FirstLine::Base64) => declared,
                (Kind::Multipart, _) => None,
            },
        };
        Some(Sniff::Running(Transfer::new(encoding)))
    }
}

fn first_line(text: &[u8]) -> FirstLine {
    let line = text.get(..LINE).unwrap_or(text);
    let in_alphabet = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'/' | b'=');
    match line.iter().find(|octet| !in_alphabet(octet)) {
        Some(b'\r' | b'\n') => FirstLine::Base64,
        Some(b':' | b'-') => FirstLine::HeaderField,
        Some(_) => FirstLine::Other,
        None if line.len() == LINE => FirstLine::Base64,
        None => FirstLine::Unknown,
    }
}
