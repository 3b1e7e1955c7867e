//! The values of the file that are words: each knows its choices, so that serde can name them in an error.

use std::time::Duration;

use ediint::partnership::Compression;
use ediint::{ContentCipher, DigestAlgorithm, KeyTransport, SignatureScheme};
use serde::Deserialize;

/// A number of octets: `4096`, `64KiB`, `1GiB`, `10MB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Size(pub(crate) u64);

impl TryFrom<String> for Size {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong =
            || format!("{text:?} is not a size: write a number of octets, or one with KiB, MiB, GiB, KB, MB or GB");
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
        let unit = text.strip_prefix(digits).unwrap_or_default().trim();
        let factor = match unit.to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "kib" => 1 << 10,
            "mib" => 1 << 20,
            "gib" => 1 << 30,
            "kb" => 1_000,
            "mb" => 1_000_000,
            "gb" => 1_000_000_000,
            _ => return Err(wrong()),
        };
        let number: u64 = digits.parse().map_err(|_| wrong())?;
        match number.checked_mul(factor) {
            Some(octets) if octets > 0 => Ok(Self(octets)),
            _ => Err(wrong()),
        }
    }
}

/// A length of time: `30s`, `5min`, `2h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Delay(pub(crate) Duration);

impl TryFrom<String> for Delay {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match humantime::parse_duration(&text) {
            Ok(delay) => Ok(Self(delay)),
            Err(error) => Err(format!(
                "{text:?} is not a length of time such as \"30s\" or \"5min\": {error}"
            )),
        }
    }
}

/// The digest of signatures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) enum Sign {
    #[serde(rename = "sha-1")]
    Sha1,
    #[default]
    #[serde(rename = "sha-256")]
    Sha256,
    #[serde(rename = "sha-384")]
    Sha384,
    #[serde(rename = "sha-512")]
    Sha512,
    #[serde(rename = "none")]
    None,
}

/// The kind of signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum SignatureKind {
    RsaPkcs1,
    RsaPss,
    Ecdsa,
}

/// The cipher of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) enum Encrypt {
    #[serde(rename = "3des")]
    TripleDes,
    #[serde(rename = "aes128-cbc")]
    Aes128Cbc,
    #[serde(rename = "aes192-cbc")]
    Aes192Cbc,
    #[default]
    #[serde(rename = "aes256-cbc")]
    Aes256Cbc,
    #[serde(rename = "aes128-gcm")]
    Aes128Gcm,
    #[serde(rename = "aes192-gcm")]
    Aes192Gcm,
    #[serde(rename = "aes256-gcm")]
    Aes256Gcm,
    #[serde(rename = "none")]
    None,
}

/// How the content key reaches the partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Transport {
    RsaPkcs1,
    RsaOaep,
    Ecdh,
}

/// Where messages are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Compress {
    #[default]
    None,
    BeforeSigning,
    AfterSigning,
}

/// The receipt that is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ReceiptMode {
    None,
    #[default]
    Sync,
    Async,
}

/// The framing of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Transfer {
    #[default]
    ContentLength,
    Chunked,
}

/// What is weak, and taken all the same from this partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum Weak {
    #[serde(rename = "sha-1")]
    Sha1,
    #[serde(rename = "3des")]
    TripleDes,
    #[serde(rename = "rsa-1024")]
    Rsa1024,
    #[serde(rename = "md5")]
    Md5,
    #[serde(rename = "rc2")]
    Rc2,
}

/// Products that do something in a way of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Preset {
    /// None: everything as the RFCs have it.
    Generic,
    /// Computes the MIC of unsigned messages over their content alone.
    OpenAs2,
    /// Wants `required` in receipt options, as it sends it.
    BizTalk,
}

impl Sign {
    /// The digest of signatures; none where messages go unsigned.
    pub(super) fn digest(self) -> Option<DigestAlgorithm> {
        Some(match self {
            Self::Sha1 => DigestAlgorithm::Sha1,
            Self::Sha256 => DigestAlgorithm::Sha256,
            Self::Sha384 => DigestAlgorithm::Sha384,
            Self::Sha512 => DigestAlgorithm::Sha512,
            Self::None => return None,
        })
    }
}

impl SignatureKind {
    pub(super) fn scheme(self) -> SignatureScheme {
        match self {
            Self::RsaPkcs1 => SignatureScheme::RsaPkcs1,
            Self::RsaPss => SignatureScheme::RsaPss,
            Self::Ecdsa => SignatureScheme::Ecdsa,
        }
    }
}

impl Transport {
    pub(super) fn transport(self) -> KeyTransport {
        match self {
            Self::RsaPkcs1 => KeyTransport::RsaPkcs1,
            Self::RsaOaep => KeyTransport::RsaOaep,
            Self::Ecdh => KeyTransport::Ecdh,
        }
    }
}

impl Encrypt {
    /// The cipher; none where messages go unencrypted.
    pub(super) fn cipher(self) -> Option<ContentCipher> {
        Some(match self {
            Self::TripleDes => ContentCipher::TripleDesCbc,
            Self::Aes128Cbc => ContentCipher::Aes128Cbc,
            Self::Aes192Cbc => ContentCipher::Aes192Cbc,
            Self::Aes256Cbc => ContentCipher::Aes256Cbc,
            Self::Aes128Gcm => ContentCipher::Aes128Gcm,
            Self::Aes192Gcm => ContentCipher::Aes192Gcm,
            Self::Aes256Gcm => ContentCipher::Aes256Gcm,
            Self::None => return None,
        })
    }
}

impl Compress {
    pub(super) fn compression(self) -> Compression {
        match self {
            Self::None => Compression::None,
            Self::BeforeSigning => Compression::BeforeSigning,
            Self::AfterSigning => Compression::AfterSigning,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Size;

    #[test]
    fn sizes_have_units() {
        for (text, octets) in [("1", 1), ("64KiB", 65_536), ("1 GiB", 1 << 30), ("10MB", 10_000_000)] {
            assert_eq!(Size::try_from(text.to_owned()), Ok(Size(octets)), "{text}");
        }
        for text in ["", "0", "GiB", "1.5GiB", "-1", "1TiB", "99999999999GiB"] {
            assert!(Size::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
