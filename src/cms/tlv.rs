//! Reading and writing definite-length TLVs in memory: certificates, recipients, signers and their attributes.
//!
//! Reading keeps the bytes as they are and tolerates what real encoders get wrong and what changes no meaning
//! (non-minimal lengths, unsorted sets); writing is DER.

use super::ber::Header;

/// Universal tags of X.690, as the identifier octet that DER uses.
pub(super) mod tag {
    pub(in crate::cms) const BOOLEAN: u8 = 0x01;
    pub(in crate::cms) const INTEGER: u8 = 0x02;
    pub(in crate::cms) const BIT_STRING: u8 = 0x03;
    pub(in crate::cms) const OCTET_STRING: u8 = 0x04;
    pub(in crate::cms) const NULL: u8 = 0x05;
    pub(in crate::cms) const OID: u8 = 0x06;
    pub(in crate::cms) const UTF8_STRING: u8 = 0x0c;
    pub(in crate::cms) const UTC_TIME: u8 = 0x17;
    pub(in crate::cms) const GENERALIZED_TIME: u8 = 0x18;
    pub(in crate::cms) const UNIVERSAL_STRING: u8 = 0x1c;
    pub(in crate::cms) const BMP_STRING: u8 = 0x1e;
    pub(in crate::cms) const SEQUENCE: u8 = 0x30;
    pub(in crate::cms) const SET: u8 = 0x31;
    /// `[n]`, primitive.
    pub(in crate::cms) const fn context(n: u8) -> u8 {
        0x80 | n
    }
    /// `[n]`, constructed.
    pub(in crate::cms) const fn context_constructed(n: u8) -> u8 {
        0xa0 | n
    }
}

/// What is not a TLV, or not the expected one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadTlv;

/// One value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tlv<'a> {
    /// The identifier octet; of a tag above 30 only the first one.
    pub(super) tag: u8,
    pub(super) value: &'a [u8],
    /// Identifier, length and value as they came.
    pub(super) raw: &'a [u8],
}

impl<'a> Tlv<'a> {
    /// The values inside.
    pub(super) fn children(self) -> Tlvs<'a> {
        Tlvs(self.value)
    }
}

/// A run of TLVs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tlvs<'a>(pub(super) &'a [u8]);

impl<'a> Tlvs<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next value, whatever it is.
    pub(super) fn any(&mut self) -> Result<Tlv<'a>, BadTlv> {
        let start = self.0;
        let header = Header::parse(start).ok().flatten().ok_or(BadTlv)?;
        let length = header.length().and_then(|length| usize::try_from(length).ok());
        let end = length.and_then(|length| length.checked_add(header.octets().len()));
        let (raw, rest) = start.split_at_checked(end.ok_or(BadTlv)?).ok_or(BadTlv)?;
        let value = raw.get(header.octets().len()..).ok_or(BadTlv)?;
        self.0 = rest;
        Ok(Tlv {
            tag: header.identifier(),
            value,
            raw,
        })
    }

    /// The next value, which has to have the given tag.
    pub(super) fn expect(&mut self, tag: u8) -> Result<Tlv<'a>, BadTlv> {
        self.optional(tag)?.ok_or(BadTlv)
    }

    /// The next value if it has the given tag; otherwise nothing is consumed.
    pub(super) fn optional(&mut self, tag: u8) -> Result<Option<Tlv<'a>>, BadTlv> {
        if self.0.first() == Some(&tag) {
            self.any().map(Some)
        } else {
            Ok(None)
        }
    }
}

/// One TLV.
pub(super) fn encode(tag: u8, value: &[u8]) -> Vec<u8> {
    encode_open(tag, value, 0)
}

/// The start of a TLV whose value begins with `start` and goes on for `rest` octets.
pub(super) fn encode_open(tag: u8, start: &[u8], rest: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(start.len() + 10);
    out.push(tag);
    write_length(&mut out, len_u64(start).saturating_add(rest));
    out.extend_from_slice(start);
    out
}

/// Appends length octets in the shortest form.
pub(super) fn write_length(out: &mut Vec<u8>, length: u64) {
    match u8::try_from(length) {
        Ok(short @ 0..=0x7f) => out.push(short),
        _ => {
            let octets = length.to_be_bytes();
            let significant = octets.iter().skip_while(|octet| **octet == 0);
            out.extend((0x81..).take(significant.clone().count()).last());
            out.extend(significant);
        }
    }
}

pub(super) fn len_u64(octets: &[u8]) -> u64 {
    u64::try_from(octets.len()).unwrap_or(u64::MAX)
}

/// One TLV that holds the given ones in order.
pub(super) fn constructed<const N: usize>(tag: u8, values: [&[u8]; N]) -> Vec<u8> {
    encode(tag, &values.concat())
}

/// A SET OF as DER orders it (X.690 §11.6): no encoding begins another one, so the order of slices is that of DER.
pub(super) fn set_of(tag: u8, mut values: Vec<Vec<u8>>) -> Vec<u8> {
    values.sort_unstable();
    encode(tag, &values.concat())
}

/// The octets of an INTEGER without the leading zeros that some encoders add.
pub(super) fn integer_octets(mut value: &[u8]) -> &[u8] {
    while let [0, rest @ ..] = value
        && !rest.is_empty()
    {
        value = rest;
    }
    value
}

/// Lower-case hexadecimal.
pub(super) fn hex(octets: &[u8]) -> String {
    octets
        .iter()
        .flat_map(|octet| [octet >> 4, octet & 0xf])
        .filter_map(|digit| char::from_digit(u32::from(digit), 16))
        .collect()
}

#[cfg(test)]
mod tests;
