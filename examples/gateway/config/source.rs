//! The text of the file, for errors that say where they are.

use std::env;
use std::error::Error;
use std::fmt;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use ediint::cms::Certificate;
use ediint::keystore::{KeyEntry, KeyFile, KeyFileError};
use ediint::partnership::TlsIdentity;
use serde::de::DeserializeOwned;
use toml::Spanned;
use zeroize::Zeroizing;

use crate::outcome::chain;

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
        write!(f, ": {}", chain(&*self.cause))
    }
}

impl Error for ConfigError {}

/// Where a private key and its certificate are.
pub(super) struct Pair<'a> {
    pub(super) key: Option<&'a Spanned<PathBuf>>,
    pub(super) certificate: Option<&'a Spanned<PathBuf>>,
    pub(super) pkcs12: Option<&'a Spanned<PathBuf>>,
    pub(super) password_env: Option<&'a Spanned<String>>,
}

/// A configuration file that was read.
pub(super) struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    pub(super) fn read(path: &Path) -> Result<Self, ConfigError> {
        let error = |line, cause: String| ConfigError {
            file: path.to_owned(),
            line,
            key: None,
            cause: cause.into(),
        };
        let octets = fs::read(path).map_err(|cause| error(None, format!("cannot read the configuration: {cause}")))?;
        let text = String::from_utf8(octets).map_err(|wrong| {
            let whole = wrong.utf8_error().valid_up_to();
            let before = wrong.as_bytes().get(..whole).unwrap_or_default();
            error(Some(line_after(before)), "is not in UTF-8: save it so".to_owned())
        })?;
        Ok(Self {
            path: path.to_owned(),
            text,
        })
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
        line_after(self.text.as_bytes().get(..span.start).unwrap_or_default())
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

    fn read_named(
        &self,
        key: &str,
        at: &Spanned<PathBuf>,
        password: Option<&Zeroizing<String>>,
    ) -> Result<KeyFile, ConfigError> {
        let path = self.resolve(at.get_ref());
        KeyFile::open([&path], password.map(|password| password.as_str())).map_err(|error| match error {
            KeyFileError::In { source, .. } if matches!(*source, KeyFileError::PasswordNeeded) => {
                let cause = "the key in it is protected by a password: name the environment variable that has it in password_env";
                self.unusable(key, at, cause)
            }
            error => self.error(key, at, error),
        })
    }

    /// The certificates of a file.
    pub(super) fn certificates(&self, key: &str, at: &Spanned<PathBuf>) -> Result<Vec<Certificate>, ConfigError> {
        let file = self.read_named(key, at, None)?;
        file.into_certificates().map_err(|error| self.unusable(key, at, error))
    }

    /// The certificates of a partner in a file, which are not those of authorities beside them.
    pub(super) fn partner(&self, key: &str, at: &Spanned<PathBuf>) -> Result<Vec<Certificate>, ConfigError> {
        let file = self.read_named(key, at, None)?;
        file.into_partner().map_err(|error| self.unusable(key, at, error))
    }

    /// A private key for messages with its certificate. `key` is the table of the file that says where they are, and
    /// `at` where it is.
    pub(super) fn key_entry<T>(&self, key: &str, at: &Spanned<T>, pair: &Pair<'_>) -> Result<KeyEntry, ConfigError> {
        let password_key = format!("{key}.password_env");
        let password = pair.password_env.map(|name| self.secret(&password_key, name));
        let password = password.transpose()?;
        let named = |name: &str| format!("{key}.{name}");
        match (pair.pkcs12, pair.key, pair.certificate) {
            (Some(pkcs12), None, None) => {
                let file = self.read_named(&named("pkcs12"), pkcs12, password.as_ref())?;
                file.into_entry()
                    .map_err(|error| self.unusable(&named("pkcs12"), pkcs12, error))
            }
            (Some(pkcs12), ..) => {
                let cause = "has the key and the certificate: leave key and certificate out, or pkcs12";
                Err(self.error(named("pkcs12"), pkcs12, cause))
            }
            (None, Some(private), Some(certificate)) => {
                let private_file = self.read_named(&named("key"), private, password.as_ref())?;
                if private_file.key_count() == 0 {
                    return Err(self.unusable(&named("key"), private, KeyFileError::NoPrivateKey));
                }
                let certificates = self.read_named(&named("certificate"), certificate, password.as_ref())?;
                if certificates.certificates().is_empty() {
                    return Err(self.unusable(&named("certificate"), certificate, KeyFileError::NoCertificate));
                }
                let both = match private.get_ref() == certificate.get_ref() {
                    true => private_file,
                    false => certificates.and(private_file),
                };
                both.into_entry()
                    .map_err(|error| self.unusable(&named("key"), private, error))
            }
            (None, private, _) => {
                let missing = if private.is_none() { "key" } else { "certificate" };
                let cause = format!("has no {missing}: give key and certificate, or pkcs12 and password_env");
                Err(self.error(key, at, cause))
            }
        }
    }

    /// A certificate, its issuers and its key, for TLS. `keys` are the names of the two keys of the file.
    pub(super) fn tls_identity(
        &self,
        keys: [&str; 2],
        certificate: &Spanned<PathBuf>,
        key: &Spanned<PathBuf>,
    ) -> Result<TlsIdentity, ConfigError> {
        let certificates = self.read_named(keys[0], certificate, None)?;
        let both = match certificate.get_ref() == key.get_ref() {
            true => certificates,
            false => certificates.and(self.read_named(keys[1], key, None)?),
        };
        both.into_tls_identity()
            .map_err(|error| self.unusable(keys[1], key, error))
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

/// The number of the line that comes after these octets.
fn line_after(before: &[u8]) -> usize {
    1 + before.iter().filter(|octet| **octet == b'\n').count()
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
