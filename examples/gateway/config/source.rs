//! The text of the file, for errors that say where they are.

use std::env;
use std::error::Error;
use std::fmt;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use ediint::cms::Certificate;
use ediint::keystore::PrivateKey;
use ediint::partnership::TlsIdentity;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde::de::DeserializeOwned;
use toml::Spanned;
use zeroize::Zeroizing;

/// What is wrong with the file: which key, on which line, and what to do about it.
#[derive(Debug)]
pub(crate) struct ConfigError {
    file: PathBuf,
    line: Option<usize>,
    key: Option<String>,
    cause: Box<dyn Error + Send + Sync>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(key) = &self.key {
            write!(f, ": {key}")?;
        }
        write!(f, ": {}", self.cause)?;
        let mut source = self.cause.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

impl Error for ConfigError {}

/// A configuration file that was read.
pub(super) struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    pub(super) fn read(path: &Path) -> Result<Self, ConfigError> {
        match fs::read_to_string(path) {
            Ok(text) => Ok(Self {
                path: path.to_owned(),
                text,
            }),
            Err(error) => Err(ConfigError {
                file: path.to_owned(),
                line: None,
                key: None,
                cause: format!("cannot read the configuration: {error}").into(),
            }),
        }
    }

    /// What serde makes of the text: unknown keys and wrong values are errors that name key and line.
    pub(super) fn parse<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        let error = |error: toml::de::Error, key: Option<String>| ConfigError {
            file: self.path.clone(),
            line: error.span().map(|span| self.line(&span)),
            key,
            cause: error.message().to_owned().into(),
        };
        let document = toml::Deserializer::parse(&self.text).map_err(|syntax| error(syntax, None))?;
        serde_path_to_error::deserialize(document).map_err(|wrong| {
            // Spans come as fields of made-up names, and the key that is unknown is the last one.
            let path = wrong.path().to_string();
            let key: Vec<_> = path
                .split('.')
                .filter(|part| !part.starts_with("$__") && *part != "?")
                .collect();
            let key = (!key.is_empty()).then(|| key.join("."));
            error(wrong.into_inner(), key)
        })
    }

    fn line(&self, span: &Range<usize>) -> usize {
        let before = self.text.as_bytes().get(..span.start).unwrap_or_default();
        1 + before.iter().filter(|octet| **octet == b'\n').count()
    }

    /// An error about the value of a key.
    pub(super) fn error<T>(
        &self,
        key: impl Into<String>,
        at: &Spanned<T>,
        cause: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> ConfigError {
        ConfigError {
            file: self.path.clone(),
            line: Some(self.line(&at.span())),
            key: Some(key.into()),
            cause: cause.into(),
        }
    }

    /// An error about a key that is not there.
    pub(super) fn missing(&self, key: &str, cause: &str) -> ConfigError {
        ConfigError {
            file: self.path.clone(),
            line: None,
            key: Some(key.to_owned()),
            cause: cause.into(),
        }
    }

    /// Paths in the file are relative to it.
    pub(super) fn resolve(&self, path: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }

    fn read_named(&self, key: &str, at: &Spanned<PathBuf>) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
        let path = self.resolve(at.get_ref());
        match fs::read(&path) {
            Ok(octets) => Ok(Zeroizing::new(octets)),
            Err(error) => Err(self.error(key, at, format!("cannot read {}: {error}", path.display()))),
        }
    }

    /// The certificates of a PEM file, or the one of a DER file.
    pub(super) fn certificates(&self, key: &str, at: &Spanned<PathBuf>) -> Result<Vec<Certificate>, ConfigError> {
        let octets = self.read_named(key, at)?;
        let read = match is_pem(&octets) {
            true => Certificate::all_from_pem(&octets),
            false => Certificate::from_der(&octets).map(|one| vec![one]),
        };
        let found = read.map_err(|error| self.unusable(key, at, error))?;
        match found.is_empty() {
            true => Err(self.unusable(key, at, "no certificate in the file")),
            false => Ok(found),
        }
    }

    /// The first certificate of a file.
    pub(super) fn certificate(&self, key: &str, at: &Spanned<PathBuf>) -> Result<Certificate, ConfigError> {
        let mut found = self.certificates(key, at)?;
        Ok(found.swap_remove(0))
    }

    /// A private key for messages, in PEM or DER.
    pub(super) fn private_key(&self, key: &str, at: &Spanned<PathBuf>) -> Result<PrivateKey, ConfigError> {
        let octets = self.read_named(key, at)?;
        let read = match is_pem(&octets) {
            true => PrivateKey::from_pem(&octets),
            false => PrivateKey::from_der(&octets),
        };
        read.map_err(|error| self.unusable(key, at, error))
    }

    /// A certificate, its issuers and its key, for TLS. `keys` are the names of the two keys of the file.
    pub(super) fn tls_identity(
        &self,
        keys: [&str; 2],
        certificate: &Spanned<PathBuf>,
        key: &Spanned<PathBuf>,
    ) -> Result<TlsIdentity, ConfigError> {
        let chain = self.certificates(keys[0], certificate)?;
        let octets = self.read_named(keys[1], key)?;
        let private = match is_pem(&octets) {
            true => PrivateKeyDer::from_pem_slice(&octets).map_err(|error| self.unusable(keys[1], key, error))?,
            false => PrivateKeyDer::try_from(octets.to_vec())
                .map_err(|error| self.unusable(keys[1], key, error.to_owned()))?,
        };
        let chain = chain.iter().map(|one| one.der().clone()).collect();
        Ok(TlsIdentity::new(chain, private))
    }

    /// A secret that the environment holds.
    pub(super) fn secret(&self, key: &str, at: &Spanned<String>) -> Result<Zeroizing<String>, ConfigError> {
        let name = at.get_ref();
        match env::var(name) {
            Ok(secret) => Ok(Zeroizing::new(secret)),
            Err(_) => {
                let cause = format!("the environment variable {name} is not set: set it to the password");
                Err(self.error(key, at, cause))
            }
        }
    }

    /// An error about what is in a file that a key names.
    pub(super) fn unusable(
        &self,
        key: &str,
        at: &Spanned<PathBuf>,
        cause: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> ConfigError {
        let path = self.resolve(at.get_ref());
        self.error(
            key,
            at,
            Unusable {
                path,
                cause: cause.into(),
            },
        )
    }
}

/// A file with something else in it than is looked for.
#[derive(Debug)]
struct Unusable {
    path: PathBuf,
    cause: Box<dyn Error + Send + Sync>,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.cause)
    }
}

impl Error for Unusable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.source()
    }
}

fn is_pem(octets: &[u8]) -> bool {
    octets.windows(11).any(|window| window == b"-----BEGIN ")
}
