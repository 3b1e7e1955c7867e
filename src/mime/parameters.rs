//! The parameters of `Content-Type` and `Content-Disposition` (RFC 2045 §5.1, RFC 2183 §2, RFC 2231).

use std::fmt;

use super::charset;

#[cfg(test)]
mod tests;

/// The most parameters that are looked at, each segment of RFC 2231 counted: names are compared with one another.
const MAX_PARAMETERS: usize = 100;

/// Parameters in their order, with lower-case names and decoded values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parameters {
    list: Vec<(String, String)>,
}

/// How a value is written that is not a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quoting {
    /// Quoted unless it is a token.
    WhereNeeded,
    /// Quoted also if it is a token.
    Always,
    /// Bare wherever that can be read back, with spaces too.
    Avoided,
}

impl Parameters {
    /// Reads what follows the first word of the field. Never fails: what is not a parameter is passed over, of parameters
    /// of one name the first counts, and more than a hundred are not read.
    pub(super) fn parse(text: &str) -> Self {
        let mut parameters = Self::default();
        let mut segments = Vec::new();
        let mut rest = text;
        for _ in 0..MAX_PARAMETERS {
            let Some((name, value, after)) = next_parameter(rest) else {
                break;
            };
            rest = after;
            match Segment::parse(&name, value) {
                Ok(segment) => segments.push(segment),
                Err(value) => parameters.add(name, value),
            }
        }
        parameters.add_segments(segments);
        parameters
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.list.iter().find(|(have, _)| have.eq_ignore_ascii_case(name))?;
        Some(&found.1)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.list.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Sets a parameter. The name must be a token without `*`.
    pub(super) fn set(&mut self, name: &str, value: String) {
        assert!(is_attribute(name), "{name:?} is not a parameter name");
        match self.list.iter_mut().find(|(have, _)| have.eq_ignore_ascii_case(name)) {
            Some(found) => found.1 = value,
            None => self.list.push((name.to_ascii_lowercase(), value)),
        }
    }

    fn add(&mut self, name: String, value: String) {
        if is_attribute(&name) && self.get(&name).is_none() {
            self.list.push((name, value));
        }
    }

    /// Joins RFC 2231 segments. They win over a plain parameter of the same name, which is there for readers who do not
    /// know RFC 2231, unless their character set is unknown.
    fn add_segments(&mut self, mut segments: Vec<Segment>) {
        segments.sort_by(|a, b| (&a.name, a.number).cmp(&(&b.name, b.number)));
        for run in segments.chunk_by(|a, b| a.name == b.name) {
            // `name*` is complete in itself, and sorts before `name*0`.
            let run = match run {
                [whole, _, ..] if whole.number.is_none() => std::slice::from_ref(whole),
                run => run,
            };
            let Some(first) = run.first() else { continue };
            if !is_attribute(&first.name) || first.number.is_some_and(|number| number != 0) {
                continue;
            }
            match join_segments(run) {
                Some(value) => self.set(&first.name, value),
                None => self.add(
                    first.name.clone(),
                    run.iter().map(|segment| segment.value.as_str()).collect(),
                ),
            }
        }
    }
}

/// One `name*`, `name*N` or `name*N*` parameter (RFC 2231 §3, §4).
#[derive(Debug)]
struct Segment {
    name: String,
    number: Option<u16>,
    encoded: bool,
    value: String,
}

impl Segment {
    /// Gives the value back if the name has no `*`.
    fn parse(name: &str, value: String) -> Result<Self, String> {
        let Some((base, suffix)) = name.split_once('*') else {
            return Err(value);
        };
        let (digits, encoded) = match suffix.strip_suffix('*') {
            Some(digits) => (digits, true),
            None => (suffix, suffix.is_empty()),
        };
        let number = match (suffix, digits.parse()) {
            ("", _) => None,
            // `parse` would take a sign.
            (_, Ok(number)) if !digits.starts_with('+') => Some(number),
            _ => return Err(value),
        };
        Ok(Self {
            name: base.to_owned(),
            number,
            encoded,
            value,
        })
    }
}

fn join_segments(run: &[Segment]) -> Option<String> {
    let mut charset = String::new();
    let mut octets = Vec::new();
    let mut expected = 0;
    for segment in run {
        match segment.number {
            // A gap ends the value, and a repeated segment does not count (RFC 2231 §3).
            Some(number) if number > expected => break,
            Some(number) if number < expected => continue,
            _ => expected += 1,
        }
        let mut value = segment.value.as_str();
        if segment.encoded {
            if expected == 1 {
                let mut pieces = value.splitn(3, '\'');
                if let (Some(name), Some(_language), Some(text)) = (pieces.next(), pieces.next(), pieces.next()) {
                    name.clone_into(&mut charset);
                    value = text;
                }
            }
            percent_decode(value, &mut octets);
        } else {
            octets.extend_from_slice(value.as_bytes());
        }
    }
    charset::decode(&charset, &octets)
}

fn percent_decode(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    while let Some((&octet, after)) = rest.split_first() {
        let escaped = match (octet, after) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match escaped {
            Some((high, low)) => {
                out.push(high << 4 | low);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                out.push(octet);
                rest = after;
            }
        }
    }
}

/// The value of a hexadecimal digit.
pub(super) fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// The next `name=value`, and what follows it. The name is in lower case.
fn next_parameter(text: &str) -> Option<(String, String, &str)> {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c == ';' || is_white(c));
        let end = rest.find(['=', ';'])?;
        let (name, after) = rest.split_at_checked(end)?;
        let Some(after) = after.strip_prefix('=') else {
            rest = after;
            continue;
        };
        let name = name.trim_end_matches(is_white).to_ascii_lowercase();
        let after = after.trim_start_matches(is_white);
        let is_file_name = is_file_name(&name);
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted_string(quoted, is_file_name),
            None => bare_value(after, is_file_name),
        };
        return Some((name, value, after));
    }
}

fn is_file_name(name: &str) -> bool {
    matches!(name.split('*').next(), Some("filename" | "name"))
}

/// Reads up to the closing quote, or to the end where there is none. Windows programs put paths into file names without
/// escaping the backslash, so there it counts as an escape only before a quote or another backslash.
fn quoted_string(text: &str, is_file_name: bool) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => break,
            '\\' => match characters.clone().next() {
                Some(escaped) if !is_file_name || matches!(escaped, '"' | '\\') => {
                    value.push(escaped);
                    characters.next();
                }
                _ => value.push('\\'),
            },
            other => value.push(other),
        }
    }
    (value, characters.as_str())
}

/// Reads up to the next `;`, with characters that should have been quoted. A comment after white space (RFC 2045 §5.1) is
/// dropped, but not from file names: `copy (1).edi` is one.
fn bare_value(text: &str, is_file_name: bool) -> (String, &str) {
    let (value, after) = text
        .find(';')
        .and_then(|end| text.split_at_checked(end))
        .unwrap_or((text, ""));
    let value = match value.find(" (").or_else(|| value.find("\t(")) {
        Some(comment) if !is_file_name => value.get(..comment).unwrap_or(value),
        _ => value,
    };
    (value.trim_end_matches(is_white).to_owned(), after)
}

fn is_white(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}

/// Whether `text` is a token (RFC 7230 §3.2.6).
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|c| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c))
}

/// Whether `text` can name a parameter (RFC 2231 §7).
fn is_attribute(text: &str) -> bool {
    is_token(text) && !text.contains(['*', '\'', '%'])
}

/// Writes `; name=value` on one line. What is not printable ASCII is written as RFC 2231 says: no value can end the line.
pub(super) fn write(f: &mut fmt::Formatter<'_>, name: &str, value: &str, quoting: Quoting) -> fmt::Result {
    if !value.bytes().all(|octet| matches!(octet, b' '..=b'~')) {
        write!(f, "; {name}*=UTF-8''")?;
        for octet in value.bytes() {
            if octet.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&octet) {
                write!(f, "{}", char::from(octet))?;
            } else {
                write!(f, "%{octet:02X}")?;
            }
        }
        return Ok(());
    }
    let bare = match quoting {
        Quoting::WhereNeeded => is_token(value),
        Quoting::Always => false,
        Quoting::Avoided => !value.is_empty() && value.trim() == value && !value.contains([';', '"', '\\']),
    };
    if bare {
        return write!(f, "; {name}={value}");
    }
    write!(f, "; {name}=\"")?;
    for character in value.chars() {
        if matches!(character, '"' | '\\') {
            f.write_str("\\")?;
        }
        write!(f, "{character}")?;
    }
    f.write_str("\"")
}
