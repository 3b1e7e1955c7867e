//! Just enough of character sets for file names.

use std::borrow::Cow;

/// The octets 0x80 to 0x9F in windows-1252, which is what programs that say ISO-8859-1 write there.
const WINDOWS_1252: [char; 32] = [
    '\u{20AC}', '\u{81}', '\u{201A}', '\u{192}', '\u{201E}', '\u{2026}', '\u{2020}', '\u{2021}', '\u{2C6}', '\u{2030}',
    '\u{160}', '\u{2039}', '\u{152}', '\u{8D}', '\u{17D}', '\u{8F}', '\u{90}', '\u{2018}', '\u{2019}', '\u{201C}',
    '\u{201D}', '\u{2022}', '\u{2013}', '\u{2014}', '\u{2DC}', '\u{2122}', '\u{161}', '\u{203A}', '\u{153}', '\u{9D}',
    '\u{17E}', '\u{178}',
];

/// Text in a named character set. `None` if the set is not known or the octets are not of it.
pub(super) fn decode(charset: &str, octets: &[u8]) -> Option<String> {
    match charset.trim().to_ascii_lowercase().as_str() {
        "" | "utf-8" | "utf8" | "us-ascii" | "ascii" => std::str::from_utf8(octets).ok().map(str::to_owned),
        "iso-8859-1" | "latin1" | "windows-1252" | "cp1252" => Some(windows_1252(octets)),
        "iso-8859-15" => Some(windows_1252(octets).chars().map(latin_9).collect()),
        _ => None,
    }
}

/// Text of a header value that names no character set: UTF-8, otherwise what Western European systems write.
pub(super) fn decode_unlabelled(octets: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(octets) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(windows_1252(octets)),
    }
}

/// The eight characters in which ISO-8859-15 differs from ISO-8859-1.
fn latin_9(character: char) -> char {
    match character {
        '\u{A4}' => '\u{20AC}',
        '\u{A6}' => '\u{160}',
        '\u{A8}' => '\u{161}',
        '\u{B4}' => '\u{17D}',
        '\u{B8}' => '\u{17E}',
        '\u{BC}' => '\u{152}',
        '\u{BD}' => '\u{153}',
        '\u{BE}' => '\u{178}',
        other => other,
    }
}

fn windows_1252(octets: &[u8]) -> String {
    octets
        .iter()
        .map(|&octet| {
            match octet
                .checked_sub(0x80)
                .and_then(|high| WINDOWS_1252.get(usize::from(high)))
            {
                Some(&character) => character,
                None => char::from(octet),
            }
        })
        .collect()
}
