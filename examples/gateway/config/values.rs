//! The values of the file that are no words of the crate: each knows its choices, so that serde can name them in an error.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use ediint::partnership::AcceptPolicy;
use ediint::{ContentCipher, DigestAlgorithm};
use serde::Deserialize;
use serde::de::{Deserializer, Error, IntoDeserializer, Visitor, value};

/// A number of octets: `4096`, `64KiB`, `1GiB`, `10MB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) u64);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Text(PhantomData))
    }
}

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Delay(pub(crate) Duration);

impl<'de> Deserialize<'de> for Delay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Text(PhantomData))
    }
}

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

/// Text, or a number that is taken for the same text.
struct Text<T>(PhantomData<T>);

impl<T: TryFrom<String, Error = String>> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text or a number")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::try_from(text.to_owned()).map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }
}

/// A word of the crate, or `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OrNone<T>(pub(super) Option<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OrNone<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "none" {
            return Ok(Self(None));
        }
        let word = T::deserialize(IntoDeserializer::<value::Error>::into_deserializer(text));
        word.map(|word| Self(Some(word)))
            .map_err(|error| D::Error::custom(format_args!("{error}, or \"none\"")))
    }
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
    /// With keys of every length.
    #[serde(rename = "rc2")]
    Rc2,
    #[serde(rename = "rc2-40")]
    Rc2With40Bits,
    #[serde(rename = "rc2-64")]
    Rc2With64Bits,
    #[serde(rename = "rc2-128")]
    Rc2With128Bits,
    #[serde(rename = "des")]
    Des,
}

impl Weak {
    pub(super) fn allow(self, policy: AcceptPolicy) -> AcceptPolicy {
        match self {
            Self::Sha1 => policy.allow_weak_digest(DigestAlgorithm::Sha1),
            Self::TripleDes => policy.allow_weak_cipher(ContentCipher::TripleDesCbc),
            Self::Rsa1024 => policy.min_rsa_bits(1024),
            Self::Md5 => policy.allow_weak_digest(DigestAlgorithm::Md5),
            Self::Rc2 => [Self::Rc2With40Bits, Self::Rc2With64Bits, Self::Rc2With128Bits]
                .into_iter()
                .fold(policy, |policy, one| one.allow(policy)),
            Self::Rc2With40Bits => policy.allow_weak_cipher(ContentCipher::Rc2Cbc40),
            Self::Rc2With64Bits => policy.allow_weak_cipher(ContentCipher::Rc2Cbc64),
            Self::Rc2With128Bits => policy.allow_weak_cipher(ContentCipher::Rc2Cbc128),
            Self::Des => policy.allow_weak_cipher(ContentCipher::DesCbc),
        }
    }
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
