//! Values that are written as text.

use std::error::Error as StdError;
use std::fmt;
use std::marker::PhantomData;

use http::Uri;
use http::uri::Authority;
use rustls_pki_types::CertificateDer;
use serde::de::{Deserializer, Error, Unexpected, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::cms::Certificate;
use crate::name::As2Name;
use crate::partnership::{Pin, SignerName};
use crate::version::As2Version;

/// A value that is a text.
pub(super) trait Text: Sized {
    /// What a text has to be, after the word "expected".
    fn expected() -> String;

    fn read(text: &str) -> Result<Self, Misread>;

    fn write(&self) -> String;
}

/// Why a text is not the value.
pub(super) enum Misread {
    /// It is not what is expected, and that is all there is to say.
    Unexpected,
    Because(Box<dyn StdError>),
}

impl<E: StdError + 'static> From<E> for Misread {
    fn from(error: E) -> Self {
        Self::Because(Box::new(error))
    }
}

pub(super) fn read<'de, T: Text, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_str(Reader(PhantomData))
}

struct Reader<T>(PhantomData<T>);

impl<T: Text> Visitor<'_> for Reader<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&T::expected())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::read(text).map_err(|misread| match misread {
            Misread::Unexpected => E::invalid_value(Unexpected::Str(text), &self),
            Misread::Because(error) => E::custom(error),
        })
    }
}

/// Serde for types of this crate that are texts.
macro_rules! texts {
    ($($text:ty),+ $(,)?) => { $(
        impl serde::Serialize for $text {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&$crate::partnership::document::text::Text::write(self))
            }
        }

        impl<'de> serde::Deserialize<'de> for $text {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::partnership::document::text::read(deserializer)
            }
        }
    )+ };
}

pub(super) use texts;

/// Serde for those of other crates, and for what has another form elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AsText<T>(pub(super) T);

impl<T: Text> Serialize for AsText<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.write())
    }
}

impl<'de, T: Text> Deserialize<'de> for AsText<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer).map(Self)
    }
}

/// All of a list.
pub(super) fn as_texts<T: Clone>(all: &[T]) -> Vec<AsText<T>> {
    all.iter().cloned().map(AsText).collect()
}

/// What is inside a list.
pub(super) fn of_texts<T, C: FromIterator<T>>(all: Vec<AsText<T>>) -> C {
    all.into_iter().map(|AsText(one)| one).collect()
}

impl Text for As2Name {
    fn expected() -> String {
        "an AS2 name".to_owned()
    }

    fn read(text: &str) -> Result<Self, Misread> {
        Ok(Self::new(text)?)
    }

    fn write(&self) -> String {
        self.as_str().to_owned()
    }
}

impl Text for As2Version {
    fn expected() -> String {
        "a version, \"1.1\" for example".to_owned()
    }

    fn read(text: &str) -> Result<Self, Misread> {
        Ok(text.parse()?)
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

impl Text for Uri {
    fn expected() -> String {
        "an absolute http or https URL, without user name and password".to_owned()
    }

    fn read(text: &str) -> Result<Self, Misread> {
        let uri: Self = text.parse().map_err(|_| Misread::Unexpected)?;
        match (uri.scheme_str(), uri.authority()) {
            (Some("http" | "https"), Some(authority)) if !authority.as_str().contains('@') => Ok(uri),
            _ => Err(Misread::Unexpected),
        }
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

impl Text for Authority {
    fn expected() -> String {
        "a host, or host:port".to_owned()
    }

    fn read(text: &str) -> Result<Self, Misread> {
        let authority: Self = text.parse().map_err(|_| Misread::Unexpected)?;
        match authority.as_str().contains('@') {
            true => Err(Misread::Unexpected),
            false => Ok(authority),
        }
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

/// A pin, or the certificate to pin as PEM text.
impl Text for Pin {
    fn expected() -> String {
        "\"sha256:\" and hexadecimal digits, \"spki-sha256:\" and base64, or a certificate as PEM text".to_owned()
    }

    fn read(text: &str) -> Result<Self, Misread> {
        if text.trim_start().starts_with("-----BEGIN") {
            return Ok(Self::certificate(Certificate::from_pem(text.as_bytes())?.der()));
        }
        Ok(text.parse()?)
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

impl Text for Certificate {
    fn expected() -> String {
        "a certificate, as PEM text or the base64 of its DER".to_owned()
    }

    fn read(text: &str) -> Result<Self, Misread> {
        if text.trim_start().starts_with("-----BEGIN") {
            return Ok(Self::from_pem(text.as_bytes())?);
        }
        let der = super::secret::base64(text).ok_or(Misread::Unexpected)?;
        Ok(Self::from_der(&der)?)
    }

    fn write(&self) -> String {
        pem(self.der())
    }
}

impl Text for CertificateDer<'static> {
    fn expected() -> String {
        Certificate::expected()
    }

    fn read(text: &str) -> Result<Self, Misread> {
        Ok(Certificate::read(text)?.der().clone())
    }

    fn write(&self) -> String {
        pem(self)
    }
}

/// `subject:` or `alternative:` and the name.
impl Text for SignerName {
    fn expected() -> String {
        "\"subject:\" and a subject, or \"alternative:\" and a DNS name or an e-mail address".to_owned()
    }

    fn read(text: &str) -> Result<Self, Misread> {
        match text.split_once(':') {
            Some(("subject", name)) => Ok(Self::Subject(name.to_owned())),
            Some(("alternative", name)) => Ok(Self::Alternative(name.to_owned())),
            _ => Err(Misread::Unexpected),
        }
    }

    fn write(&self) -> String {
        match self {
            Self::Subject(name) => format!("subject:{name}"),
            Self::Alternative(name) => format!("alternative:{name}"),
        }
    }
}

/// A certificate and its issuers, one behind the other.
impl Text for Vec<CertificateDer<'static>> {
    fn expected() -> String {
        "a certificate and its issuers as PEM text, or the base64 of one certificate's DER".to_owned()
    }

    fn read(text: &str) -> Result<Self, Misread> {
        let chain = match text.trim_start().starts_with("-----BEGIN") {
            true => Certificate::all_from_pem(text.as_bytes())?,
            false => vec![Certificate::read(text)?],
        };
        Ok(chain.iter().map(|one| one.der().clone()).collect())
    }

    fn write(&self) -> String {
        self.iter().map(|der| pem(der)).collect()
    }
}

fn pem(der: &[u8]) -> String {
    der::pem::encode_string("CERTIFICATE", der::pem::LineEnding::LF, der).unwrap_or_default()
}
