//! What is read, but never written.

use std::fmt;

use ::base64::Engine;
use ::base64::engine::general_purpose::STANDARD;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use serde::de::{Deserializer, Visitor};
use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};
use zeroize::{Zeroize, Zeroizing};

use super::table::Fault;
use crate::partnership::{CustomHeaders, Partnership};

/// A secret of a document.
///
/// Whether it is right is found out when its table is complete: an error here would have TOML show the line.
pub(super) enum Secret {
    Text(Zeroizing<String>),
    /// Something that is not text.
    Other,
    /// To be written, which it is not.
    Kept,
}

impl Secret {
    /// The text of the field.
    pub(super) fn text(self, field: &'static str) -> Result<Zeroizing<String>, Fault> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Other | Self::Kept => Err(Fault::NoText(field)),
        }
    }

    /// The private key in the field `client_key`.
    pub(super) fn key(self) -> Result<PrivateKeyDer<'static>, Fault> {
        let text = self.text("client_key")?;
        if text.trim_start().starts_with("-----BEGIN") {
            return PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| Fault::NoKey);
        }
        let der = Zeroizing::new(base64(&text).ok_or(Fault::NoKey)?);
        let key = PrivateKeyDer::try_from(der.as_slice()).map_err(|_| Fault::NoKey)?;
        Ok(key.clone_key())
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Secret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, in quotes")
    }

    fn visit_str<E>(self, text: &str) -> Result<Secret, E> {
        Ok(Secret::Text(Zeroizing::new(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Secret, E> {
        Ok(Secret::Text(Zeroizing::new(text)))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Secret, E> {
        Ok(Secret::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Secret, E> {
        Ok(Secret::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Secret, E> {
        Ok(Secret::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Secret, E> {
        Ok(Secret::Other)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom(
            "keys, passwords and the values of a host's own HTTP headers are not written: serialise \
             Partnership::without_secrets() and keep them where secrets are kept",
        ))
    }
}

/// Base64 with or without white space.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bare: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let octets = STANDARD.decode(&bare).ok();
    bare.zeroize();
    octets
}

impl Partnership {
    /// Leaves out what is never serialised: the TLS client certificate with its key, user names and passwords for the
    /// partner's server and the proxy, and header fields of the host's own. They have to be put back after
    /// deserialisation. (Feature `serde`.)
    #[must_use]
    pub fn without_secrets(mut self) -> Self {
        self.send.http_headers = CustomHeaders::default();
        self.http.tls.client_identity = None;
        self.http.basic_auth = None;
        if let Some(proxy) = &mut self.http.proxy {
            proxy.credentials = None;
        }
        self
    }
}
