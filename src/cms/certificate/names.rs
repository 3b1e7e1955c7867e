//! Distinguished names: for people, and compared.

use std::fmt;

use super::{BadTlv, Tlv, Tlvs, oid, tag};

/// Attribute types that have a short name (RFC 4519), as object identifiers below 2.5.4.
const SHORT: [(u8, &str); 8] = [
    (3, "CN"),
    (4, "SN"),
    (5, "serialNumber"),
    (6, "C"),
    (7, "L"),
    (8, "ST"),
    (10, "O"),
    (11, "OU"),
];
const EMAIL: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01];

/// One attribute of a name.
#[derive(PartialEq, Eq)]
struct Attribute<'a> {
    /// Which part of the name it is in: one may have several.
    part: usize,
    kind: &'a [u8],
    value: String,
}

/// Writes a DER `Name`, most specific part first: one text is one name, as in RFC 4514 but with a space between the parts.
pub(super) fn display(name: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Ok(attributes) = attributes(name) else {
        return f.write_str("(malformed name)");
    };
    let mut before = None;
    for attribute in attributes.iter().rev() {
        match before.replace(attribute.part) {
            None => {}
            Some(part) if part == attribute.part => f.write_str("+")?,
            Some(_) => f.write_str(", ")?,
        }
        match attribute.kind {
            [0x55, 4, kind] if SHORT.iter().any(|(short, _)| short == kind) => {
                let short = SHORT.iter().find(|(short, _)| short == kind);
                f.write_str(short.map_or("", |(_, name)| name))?;
            }
            EMAIL => f.write_str("emailAddress")?,
            other => f.write_str(&oid::dotted(other))?,
        }
        f.write_str("=")?;
        write_value(&attribute.value, f)?;
    }
    Ok(())
}

/// Escapes what would end the value, or be lost around it (RFC 4514 §2.4).
fn write_value(value: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let last = value.chars().count().saturating_sub(1);
    for (index, character) in value.chars().enumerate() {
        match character {
            // These would let a name forge lines of a log.
            _ if character.is_control() => write!(f, "{}", character.escape_default())?,
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => write!(f, "\\{character}")?,
            '#' if index == 0 => f.write_str("\\#")?,
            ' ' if index == 0 || index == last => f.write_str("\\ ")?,
            _ => write!(f, "{character}")?,
        }
    }
    Ok(())
}

/// Whether two names are the same: byte for byte, or as text without regard to string type, case and extra spaces
/// (RFC 5280 §7.1).
pub(super) fn same(a: &[u8], b: &[u8]) -> bool {
    if a == b {
        return true;
    }
    let folded = |name| {
        attributes(name).map(|mut attributes| {
            for attribute in &mut attributes {
                let words: Vec<&str> = attribute.value.split_whitespace().collect();
                attribute.value = words.join(" ").to_lowercase();
            }
            attributes
        })
    };
    match (folded(a), folded(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

fn attributes(name: &[u8]) -> Result<Vec<Attribute<'_>>, BadTlv> {
    let mut attributes = Vec::new();
    let mut sets = Tlvs(name).expect(tag::SEQUENCE)?.children();
    for part in 0.. {
        if sets.is_empty() {
            break;
        }
        let mut set = sets.expect(tag::SET)?.children();
        while !set.is_empty() {
            let mut attribute = set.expect(tag::SEQUENCE)?.children();
            attributes.push(Attribute {
                part,
                kind: attribute.expect(tag::OID)?.value,
                value: text(attribute.any()?),
            });
        }
    }
    Ok(attributes)
}

/// A string of any of the types of `DirectoryString`.
fn text(value: Tlv<'_>) -> String {
    match value.tag {
        tag::BMP_STRING => {
            let units = value.value.chunks_exact(2).filter_map(|unit| unit.first_chunk());
            char::decode_utf16(units.map(|unit| u16::from_be_bytes(*unit)))
                .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect()
        }
        tag::UNIVERSAL_STRING => {
            let units = value.value.chunks_exact(4).filter_map(|unit| unit.first_chunk());
            units
                .map(|unit| char::from_u32(u32::from_be_bytes(*unit)).unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect()
        }
        tag::UTF8_STRING => String::from_utf8_lossy(value.value).into_owned(),
        // TeletexString is Latin-1 in practice; the other types are ASCII. Some put UTF-8 into any of them.
        _ => match std::str::from_utf8(value.value) {
            Ok(text) => text.to_owned(),
            Err(_) => value.value.iter().copied().map(char::from).collect(),
        },
    }
}
