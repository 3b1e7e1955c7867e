//! Reading and writing definite-length TLVs in memory: certificates, signer and recipient identifiers, attributes.
//!
//! Reading keeps the bytes as they are and tolerates what real encoders get wrong and what changes no meaning
//! (non-minimal lengths, unsorted sets); writing is DER.

/// Universal tags of X.690, as the identifier octet that DER uses.
pub(super) mod tag {
    pub(in crate::cms) const BOOLEAN: u8 = 0x01;
    pub(in crate::cms) const INTEGER: u8 = 0x02;
    pub(in crate::cms) const BIT_STRING: u8 = 0x03;
    pub(in crate::cms) const OCTET_STRING: u8 = 0x04;
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
        let (&tag, mut rest) = start.split_first().ok_or(BadTlv)?;
        if tag & 0x1f == 0x1f {
            // A tag number above 30, in as many octets as have the top bit set and one more. None of ours has one.
            let end = rest.iter().position(|octet| octet & 0x80 == 0).ok_or(BadTlv)?;
            (_, rest) = rest.split_at_checked(end + 1).ok_or(BadTlv)?;
        }
        let (&first, mut rest) = rest.split_first().ok_or(BadTlv)?;
        let length = match first {
            0..=0x7f => usize::from(first),
            0x81..=0x88 => {
                let (octets, after) = rest.split_at_checked(usize::from(first & 0x7f)).ok_or(BadTlv)?;
                rest = after;
                octets
                    .iter()
                    .try_fold(0_usize, |length, &octet| {
                        length.checked_mul(256).map(|length| length | usize::from(octet))
                    })
                    .ok_or(BadTlv)?
            }
            _ => return Err(BadTlv),
        };
        let (value, after) = rest.split_at_checked(length).ok_or(BadTlv)?;
        let raw = start.get(..start.len() - after.len()).ok_or(BadTlv)?;
        self.0 = after;
        Ok(Tlv { tag, value, raw })
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

/// Appends one definite-length TLV.
pub(super) fn write(out: &mut Vec<u8>, tag: u8, value: &[u8]) {
    out.push(tag);
    match u8::try_from(value.len()) {
        Ok(short @ 0..=0x7f) => out.push(short),
        _ => {
            let octets = value.len().to_be_bytes();
            let zeros = octets.iter().take_while(|&&octet| octet == 0).count();
            let (_, significant) = octets.split_at(zeros);
            // At most 8 octets.
            out.push(0x80 | u8::try_from(significant.len()).unwrap_or(8));
            out.extend_from_slice(significant);
        }
    }
    out.extend_from_slice(value);
}

/// One TLV of its own.
pub(super) fn encode(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len() + 10);
    write(&mut out, tag, value);
    out
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

/// An object identifier for people: `1.2.840.113549.1.1.1`, or hex where it is not well-formed.
pub(super) fn oid_text(value: &[u8]) -> String {
    match const_oid::ObjectIdentifier::from_bytes(value) {
        Ok(oid) => oid.to_string(),
        Err(_) => hex(value.get(..64).unwrap_or(value)),
    }
}

/// Lower-case hexadecimal.
pub(super) fn hex(octets: &[u8]) -> String {
    octets
        .iter()
        .flat_map(|octet| [octet >> 4, octet & 0xf])
        .filter_map(|digit| char::from_digit(u32::from(digit), 16))
        .collect()
}
