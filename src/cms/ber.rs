//! BER (X.690) in chunks: what partners send is seldom DER, so every length form is read, and nothing is believed
//! before its octets are there.

use super::tlv::{self, len_u64, tag};
use crate::limits::Limits;

#[cfg(test)]
mod tests;

const CONSTRUCTED: u8 = 0x20;

/// Two to five tag octets, a length octet, and up to eight octets of length: far more than any real value needs.
const HEADER_MAX: usize = 14;

/// Why octets are not acceptable BER.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BerError {
    /// An identifier or length that X.690 §8.1 does not allow, or that no real value needs.
    #[error("invalid ASN.1 identifier or length")]
    Header,
    /// A value reaches beyond the end of the value that contains it.
    #[error("an ASN.1 value is longer than the value around it")]
    Overrun,
    /// End-of-contents octets where no value of indefinite length is open.
    #[error("misplaced ASN.1 end-of-contents octets")]
    EndOfContents,
    /// A segment of a constructed string that is not of the type of the string (X.690 §8.7.3).
    #[error("a constructed ASN.1 string holds something else than segments")]
    Segment,
    /// [`Limits::asn1_depth`] is exceeded.
    #[error("ASN.1 values are nested too deeply")]
    TooDeep,
    /// [`Limits::asn1_elements`] is exceeded.
    #[error("too many ASN.1 values")]
    TooMany,
    /// The octets end inside a value.
    #[error("an ASN.1 value is truncated")]
    Truncated,
}

/// Identifier and length octets of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    octets: [u8; HEADER_MAX],
    octets_len: usize,
    tag_len: usize,
    length: Option<u64>,
}

impl Header {
    /// Reads a header from its first octets; `None` when more of them are needed.
    pub(super) fn parse(octets: &[u8]) -> Result<Option<Self>, BerError> {
        let mut rest = octets.iter().copied();
        let Some(identifier) = rest.next() else { return Ok(None) };
        let mut tag_len = 1;
        if identifier & 0x1f == 0x1f {
            loop {
                let Some(octet) = rest.next() else { return Ok(None) };
                tag_len += 1;
                if octet & 0x80 == 0 {
                    break;
                }
                if tag_len == 5 {
                    return Err(BerError::Header);
                }
            }
        }
        let Some(first) = rest.next() else { return Ok(None) };
        let length = match first {
            0x00..=0x7f => Some(u64::from(first)),
            0x80 if identifier & CONSTRUCTED == 0 => return Err(BerError::Header),
            0x80 => None,
            0x81..=0x88 => {
                let mut length = 0;
                for _ in 0x80..first {
                    let Some(octet) = rest.next() else { return Ok(None) };
                    length = length << 8 | u64::from(octet);
                }
                Some(length)
            }
            _ => return Err(BerError::Header),
        };
        let octets_len = octets.len() - rest.len();
        let mut header = Self {
            octets: [0; HEADER_MAX],
            octets_len,
            tag_len,
            length,
        };
        for (to, from) in header.octets.iter_mut().zip(octets) {
            *to = *from;
        }
        Ok(Some(header))
    }

    /// The first identifier octet. High tag numbers all look alike here: 31; nothing that is read here has one.
    pub(super) const fn identifier(&self) -> u8 {
        self.octets[0]
    }

    pub(super) const fn is_constructed(&self) -> bool {
        self.identifier() & CONSTRUCTED != 0
    }

    /// The length of the content, unless it is indefinite.
    pub(super) const fn length(&self) -> Option<u64> {
        self.length
    }

    /// The header itself.
    pub(super) fn octets(&self) -> &[u8] {
        self.octets.get(..self.octets_len).unwrap_or_default()
    }
}

/// What [`BerReader::next`] found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BerEvent<'a> {
    /// All of the input is consumed.
    NeedInput,
    /// A value begins.
    Begin(Header),
    /// Content octets of the primitive (or skipped) value that began last, never empty.
    Bytes(&'a [u8]),
    /// The value that began last and has not ended, ends.
    End,
}

/// Splits BER into events. Values that are open are kept on a stack of bounded depth; their content is not kept.
#[derive(Debug)]
pub(super) struct BerReader {
    position: u64,
    open: Vec<Open>,
    /// Octets of a header that arrived in pieces.
    header: [u8; HEADER_MAX],
    header_len: usize,
    depth: usize,
    elements: usize,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    /// Where the value ends; `None` for an indefinite length.
    end: Option<u64>,
    /// Where the innermost value of definite length around it (or it itself) ends.
    bound: u64,
    /// Holds values, not octets.
    nested: bool,
}

impl BerReader {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            position: 0,
            open: Vec::new(),
            header: [0; HEADER_MAX],
            header_len: 0,
            depth: limits.asn1_depth,
            elements: limits.asn1_elements,
        }
    }

    /// The number of values that are open.
    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    /// Takes the value that began last as octets, whatever it holds. Values of indefinite length still have to be
    /// searched for their end.
    pub(super) fn skip(&mut self) {
        if let Some(open) = self.open.last_mut() {
            open.nested = open.end.is_none();
        }
    }

    /// Does not count the value that began last: content may come in any number of segments.
    pub(super) fn uncount(&mut self) {
        self.elements = self.elements.saturating_add(1);
    }

    /// Takes the next event from the front of `input`.
    pub(super) fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<BerEvent<'a>, BerError> {
        if self.header_len == 0
            && let Some(open) = self.open.last()
            && let Some(end) = open.end
        {
            let left = end - self.position;
            if left == 0 {
                self.open.pop();
                return Ok(BerEvent::End);
            }
            if !open.nested {
                let (bytes, rest) = input.split_at(usize::try_from(left).unwrap_or(usize::MAX).min(input.len()));
                *input = rest;
                self.position += len_u64(bytes);
                return Ok(if bytes.is_empty() {
                    BerEvent::NeedInput
                } else {
                    BerEvent::Bytes(bytes)
                });
            }
        }
        let Some(header) = self.header(input)? else {
            return Ok(BerEvent::NeedInput);
        };
        if header.identifier() == 0 {
            let indefinite = self.open.pop().is_some_and(|open| open.end.is_none());
            return if indefinite && header.length == Some(0) && header.octets_len == 2 {
                Ok(BerEvent::End)
            } else {
                Err(BerError::EndOfContents)
            };
        }
        self.begin(&header)?;
        Ok(BerEvent::Begin(header))
    }

    fn header(&mut self, input: &mut &[u8]) -> Result<Option<Header>, BerError> {
        let bound = self.bound();
        while let Some((&octet, rest)) = input.split_first() {
            if self.position == bound {
                return Err(BerError::Overrun);
            }
            let place = self.header.get_mut(self.header_len).ok_or(BerError::Header)?;
            *place = octet;
            self.header_len += 1;
            self.position += 1;
            *input = rest;
            if let Some(header) = Header::parse(self.header.get(..self.header_len).unwrap_or_default())? {
                self.header_len = 0;
                return Ok(Some(header));
            }
        }
        Ok(None)
    }

    fn begin(&mut self, header: &Header) -> Result<(), BerError> {
        if self.open.len() >= self.depth {
            return Err(BerError::TooDeep);
        }
        self.elements = self.elements.checked_sub(1).ok_or(BerError::TooMany)?;
        let mut bound = self.bound();
        let mut end = None;
        if let Some(length) = header.length {
            let own = self.position.checked_add(length).ok_or(BerError::Overrun)?;
            if own > bound {
                return Err(BerError::Overrun);
            }
            bound = own;
            end = Some(own);
        }
        self.open.push(Open {
            end,
            bound,
            nested: header.is_constructed(),
        });
        Ok(())
    }

    fn bound(&self) -> u64 {
        self.open.last().map_or(u64::MAX, |open| open.bound)
    }
}

/// Collects one value from its events with definite lengths throughout and constructed octet strings joined. A value
/// that has nothing of either is kept octet for octet, so that digests over it hold.
#[derive(Debug, Default)]
pub(super) struct Collector {
    octets: Vec<u8>,
    open: Vec<Collected>,
}

#[derive(Debug)]
struct Collected {
    header: Header,
    start: usize,
    /// A constructed octet string: what it holds are segments.
    string: bool,
    /// A segment: its content is that of the string around it.
    segment: bool,
}

impl Collector {
    pub(super) fn begin(&mut self, header: &Header) -> Result<(), BerError> {
        let string = header.identifier() == tag::OCTET_STRING | CONSTRUCTED;
        let segment = self.open.last().is_some_and(|around| around.string);
        if segment && !string && header.identifier() != tag::OCTET_STRING {
            return Err(BerError::Segment);
        }
        self.open.push(Collected {
            header: *header,
            start: self.octets.len(),
            string,
            segment,
        });
        if !segment {
            self.octets.extend_from_slice(header.octets());
        }
        Ok(())
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.octets.extend_from_slice(bytes);
    }

    /// The value that began last ends; the octets once that was the outermost one.
    pub(super) fn end(&mut self) -> Option<Vec<u8>> {
        let value = self.open.pop()?;
        if !value.segment {
            let content = self.octets.len() - value.start - value.header.octets_len;
            let content = u64::try_from(content).unwrap_or(u64::MAX);
            if value.string || value.header.length != Some(content) {
                let mut header = value
                    .header
                    .octets()
                    .get(..value.header.tag_len)
                    .unwrap_or_default()
                    .to_vec();
                if value.string {
                    header = vec![tag::OCTET_STRING];
                }
                tlv::write_length(&mut header, content);
                // Moves the content once for each level of nesting, of which there are few.
                self.octets
                    .splice(value.start..value.start + value.header.octets_len, header);
            }
        }
        self.open.is_empty().then(|| std::mem::take(&mut self.octets))
    }

    /// The octets kept so far.
    pub(super) fn len(&self) -> usize {
        self.octets.len()
    }
}
