//! Percent-encoding (RFC 3986 §2.1), read strictly.

#[cfg(test)]
mod tests;

/// What the text stands for; `None` where a `%` has not two hexadecimal digits behind it.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut octets = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(octet) = octets.next() {
        if octet != b'%' {
            decoded.push(octet);
            continue;
        }
        let mut digit = || char::from(octets.next()?).to_digit(16);
        decoded.push(u8::try_from(digit()? << 4 | digit()?).ok()?);
    }
    Some(decoded)
}
