//! PEM (RFC 7468), as leniently as the tools of the field write it.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use memchr::memmem;
use zeroize::Zeroizing;

use super::error::KeyFileError;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

/// Padding may be missing, and the bits that it stands for may be set.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// One section of a PEM text.
pub(super) struct Section {
    pub(super) label: String,
    pub(super) der: Zeroizing<Vec<u8>>,
    /// In the encrypted form of OpenSSL before PKCS#8, which has headers (RFC 1421 §4.6.1.1).
    pub(super) old_encryption: bool,
}

/// Whether there is any section in it.
pub(in crate::keystore) fn is_pem(text: &[u8]) -> bool {
    memmem::find(text, BEGIN).is_some()
}

/// The sections; what stands between them is ignored, as OpenSSL's "Bag Attributes".
pub(super) fn sections(mut text: &[u8]) -> Result<Vec<Section>, KeyFileError> {
    let mut found = Vec::new();
    while let Some((_, rest)) = split(text, BEGIN) {
        let (label, rest) = split(rest, DASHES).ok_or_else(|| KeyFileError::CutShort("(no name)".to_owned()))?;
        // Whatever the label is, it goes into messages.
        let label: String = String::from_utf8_lossy(label).chars().take(64).collect();
        let cut_short = || KeyFileError::CutShort(label.clone());
        let (body, rest) = split(rest, END).ok_or_else(cut_short)?;
        let (_, rest) = split(rest, DASHES).ok_or_else(cut_short)?;
        text = rest;
        let (headers, body) = match split(body, b"\n\n").or_else(|| split(body, b"\r\n\r\n")) {
            Some((headers, body)) if headers.contains(&b':') => (headers, body),
            _ => (&[][..], body),
        };
        let old_encryption = memmem::find(headers, b"Proc-Type: 4,ENCRYPTED").is_some();
        let octets = body.iter().copied().filter(|octet| !octet.is_ascii_whitespace());
        let octets = Zeroizing::new(octets.collect::<Vec<u8>>());
        let der = BASE64
            .decode(&*octets)
            .map_err(|error| KeyFileError::Base64(label.clone(), error))?;
        found.push(Section {
            label,
            der: Zeroizing::new(der),
            old_encryption,
        });
    }
    Ok(found)
}

fn split<'a>(text: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = memmem::find(text, mark)?;
    Some((text.get(..at)?, text.get(at + mark.len()..)?))
}
