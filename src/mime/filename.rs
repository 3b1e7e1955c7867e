//! File names that a partner sends.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::charset;
use super::parameters::hex;

#[cfg(test)]
mod tests;

/// The longest name of a file, in octets, that common file systems take.
const MAX_LEN: usize = 255;

/// A name that is safe to create a file with, on Unix and on Windows, out of one that a partner sent.
///
/// Directories, a drive letter and an alternate data stream are cut off. `None` if what is left is empty, `.`, `..`, a
/// device name of Windows, longer than 255 octets, begins with `-`, ends in a dot or a space, or holds control
/// characters or characters that change the direction of writing.
///
/// ```
/// use ediint::mime::sanitize_filename;
///
/// assert_eq!(sanitize_filename("..\\..\\C:orders.edi").as_deref(), Some("orders.edi"));
/// assert_eq!(sanitize_filename("in/.."), None);
/// ```
#[must_use]
pub fn sanitize_filename(name: &str) -> Option<String> {
    let base = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let without_drive = match base.split_once(':') {
        Some((drive, rest)) if drive.len() == 1 && drive.bytes().all(|c| c.is_ascii_alphabetic()) => rest,
        _ => base,
    };
    let base = without_drive.split(':').next().unwrap_or(without_drive);
    let unsafe_name = base.is_empty()
        || base.len() > MAX_LEN
        || base.starts_with('-')
        || base.ends_with(['.', ' '])
        || base.contains(|c: char| c.is_control() || changes_direction(c))
        || is_device(base);
    (!unsafe_name).then(|| base.to_owned())
}

fn changes_direction(character: char) -> bool {
    matches!(character, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Windows takes `NUL`, `nul.txt` and `nul .txt` for the device.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim().to_ascii_uppercase();
    match stem.as_str() {
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" => true,
        _ => match stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT")) {
            Some(number) => matches!(
                number.chars().collect::<Vec<_>>().as_slice(),
                ['0'..='9' | '¹' | '²' | '³']
            ),
            None => false,
        },
    }
}

/// Decodes the encoded words (RFC 2047) in `text`. Words that cannot be decoded stay as they are.
pub(crate) fn decode_encoded_words(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    let mut after_word = false;
    while let Some((before, candidate)) = rest.find("=?").and_then(|start| rest.split_at_checked(start)) {
        let Some((word, after)) = encoded_word(candidate) else {
            let (mark, after) = candidate.split_at_checked(2).unwrap_or((candidate, ""));
            out.push_str(before);
            out.push_str(mark);
            rest = after;
            after_word = false;
            continue;
        };
        // White space between two encoded words is not part of the text (RFC 2047 §6.2).
        if !(after_word && before.trim().is_empty()) {
            out.push_str(before);
        }
        out.push_str(&word);
        rest = after;
        after_word = true;
    }
    out.push_str(rest);
    out
}

/// Reads `=?charset?encoding?text?=` at the front of `candidate`.
fn encoded_word(candidate: &str) -> Option<(String, &str)> {
    let (charset, rest) = candidate.strip_prefix("=?")?.split_once('?')?;
    let (encoding, rest) = rest.split_once('?')?;
    let (text, after) = rest.split_once("?=")?;
    let octets = match encoding {
        "B" | "b" => STANDARD.decode(text).ok()?,
        "Q" | "q" => decode_q(text)?,
        _ => return None,
    };
    // A language may follow the character set (RFC 2231 §5).
    let charset = charset.split('*').next().unwrap_or(charset);
    Some((charset::decode(charset, &octets)?, after))
}

fn decode_q(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::new();
    let mut source = text.bytes();
    while let Some(octet) = source.next() {
        octets.push(match octet {
            b'_' => b' ',
            b'=' => hex(source.next()?)? << 4 | hex(source.next()?)?,
            other => other,
        });
    }
    Some(octets)
}
