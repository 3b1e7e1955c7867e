//! From files to keys.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::settings::{Settings, SettingsError};
use crate::keystore::entry::{KeyEntry, KeyPurpose};
use crate::keystore::files::{KeyFile, KeyFileError};
use crate::keystore::partner::{PartnerCertificate, PartnerCertificates};
use crate::keystore::{CertificateUsage, Identity};
use crate::name::{As2Name, As2NameError};
use crate::percent;

const KEY_FILES: [&str; 9] = ["pem", "crt", "cer", "der", "p7b", "p7c", "key", "p12", "pfx"];

/// What is wrong with a directory of keys or certificates.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// The directory or a file in it cannot be read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// The name of the directory stands for no AS2 name.
    #[error("the name of the directory is not the AS2 name of anybody: {0}")]
    Name(#[from] As2NameError),
    /// The name of the directory is not UTF-8, or has a `%` without two hexadecimal digits.
    #[error(
        "the name of the directory is not an AS2 name with `%` and two hexadecimal digits for what cannot be in it"
    )]
    Encoding,
    /// A file with keys or certificates.
    #[error("{0}")]
    KeyFile(#[from] KeyFileError),
    /// A `.conf` file.
    #[error("{}: {source}", path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: SettingsError,
    },
    /// A `use` that is none for what is in this directory.
    #[error("{stem}.conf: use = {given:?} is none of {allowed}")]
    Use {
        /// The name without its ending.
        stem: String,
        /// What the file says.
        given: String,
        /// What it might say.
        allowed: &'static str,
    },
    /// A `paired-with` that names no key beside it.
    #[error("{stem}.conf: there is no key {given:?} to be paired with")]
    Pair {
        /// The name without its ending.
        stem: String,
        /// What the file says.
        given: String,
    },
    /// A `.password` or `.conf` without the file that it is for.
    #[error("{0}.password or {0}.conf is beside no key or certificate of that name")]
    Alone(String),
    /// A private key among the certificates of a partner.
    #[error("{0}: a private key is among the certificates of a partner; who has it can sign in the partner's name")]
    ForeignKey(String),
}

/// What a file in such a directory is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Keys,
    Password,
    Settings,
}

/// None for what is not read: other names, and hidden ones.
pub(super) fn kind_of(path: &Path) -> Option<Kind> {
    let hidden = path.file_name()?.to_str()?.starts_with('.');
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        _ if hidden => None,
        "password" => Some(Kind::Password),
        "conf" => Some(Kind::Settings),
        other if KEY_FILES.contains(&other) => Some(Kind::Keys),
        _ => None,
    }
}

/// The directories in one, but for hidden ones.
pub(super) fn directories(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        let hidden = path
            .file_name()
            .is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && path.is_dir() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The AS2 name that the last part of a path stands for.
pub(super) fn name_of(path: &Path) -> Result<As2Name, DirectoryError> {
    let written = path.file_name().and_then(|name| name.to_str());
    let octets = written.and_then(percent::decode).ok_or(DirectoryError::Encoding)?;
    // AS2 names are ASCII: what is not is none of them.
    Ok(As2Name::new(String::from_utf8_lossy(&octets))?)
}

/// The files of a directory, by the names that they have in common.
#[derive(Default)]
pub(super) struct Stems(BTreeMap<String, Files>);

#[derive(Default)]
struct Files {
    keys: Vec<PathBuf>,
    password: Option<PathBuf>,
    settings: Option<PathBuf>,
}

impl Stems {
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let mut stems = Self::default();
        let mut paths = fs::read_dir(path)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<io::Result<Vec<_>>>()?;
        paths.sort();
        for path in paths {
            let (Some(kind), Some(stem)) = (kind_of(&path), path.file_stem().and_then(|stem| stem.to_str())) else {
                continue;
            };
            let files = stems.0.entry(stem.to_owned()).or_default();
            match kind {
                Kind::Keys => files.keys.push(path),
                Kind::Password => files.password = Some(path),
                Kind::Settings => files.settings = Some(path),
            }
        }
        Ok(stems)
    }

    /// The content of the files, each under its name.
    fn read(&self) -> impl Iterator<Item = Result<(&str, KeyFile, Settings), DirectoryError>> {
        self.0.iter().map(|(stem, files)| {
            if files.keys.is_empty() {
                return Err(DirectoryError::Alone(stem.clone()));
            }
            let password = files.password.as_deref().map(read_text).transpose()?;
            let password = password.as_ref().and_then(|text| text.lines().next());
            let file = KeyFile::open(&files.keys, password)?;
            Ok((stem.as_str(), file, files.settings()?))
        })
    }
}

impl Files {
    fn settings(&self) -> Result<Settings, DirectoryError> {
        let Some(path) = &self.settings else {
            return Ok(Settings::default());
        };
        Settings::parse(&read_text(path)?).map_err(|source| DirectoryError::Settings {
            path: path.clone(),
            source,
        })
    }
}

fn read_text(path: &Path) -> Result<Zeroizing<String>, DirectoryError> {
    let named = |source| KeyFileError::Io {
        path: path.to_owned(),
        source,
    };
    Ok(Zeroizing::new(fs::read_to_string(path).map_err(named)?))
}

/// The identity whose keys these are; none where there is no file.
pub(super) fn identity(stems: &Stems) -> Result<Option<Identity>, DirectoryError> {
    let mut entries: BTreeMap<&str, (KeyEntry, Option<String>)> = BTreeMap::new();
    for read in stems.read() {
        let (stem, file, settings) = read?;
        let mut entry = file.into_entry().map_err(|source| KeyFileError::In {
            path: stem.into(),
            source: source.into(),
        })?;
        entry = entry.purpose(match settings.usage.as_deref() {
            None => KeyPurpose::SignAndDecrypt,
            Some("sign") => KeyPurpose::Sign,
            Some("decrypt") => KeyPurpose::Decrypt,
            Some(other) => return Err(wrong_use(stem, other, "sign and decrypt")),
        });
        entry.window.from = settings.active_from;
        entry.window.until = settings.active_until;
        entry.retained_until = settings.retained_until;
        entries.insert(stem, (entry, settings.paired_with));
    }
    let mut all = Vec::new();
    for (stem, (entry, pair)) in &entries {
        all.push(match pair {
            None => entry.clone(),
            Some(pair) => match entries.get(pair.as_str()) {
                Some((other, _)) => entry.clone().paired_with(other.certificate.clone()),
                None => {
                    return Err(DirectoryError::Pair {
                        stem: (*stem).to_owned(),
                        given: pair.clone(),
                    });
                }
            },
        });
    }
    let mut all = all.into_iter();
    let first = all.next().map(Identity::from);
    Ok(first.map(|first| all.fold(first, Identity::with_entry)))
}

/// The partner whose certificates these are.
pub(super) fn partner(stems: &Stems) -> Result<PartnerCertificates, DirectoryError> {
    let mut all = Vec::new();
    for read in stems.read() {
        let (stem, file, settings) = read?;
        if file.key_count() > 0 {
            return Err(DirectoryError::ForeignKey(stem.to_owned()));
        }
        let only = match settings.usage.as_deref() {
            None => None,
            Some("verify") => Some(CertificateUsage::Verify),
            Some("encrypt") => Some(CertificateUsage::Encrypt),
            Some(other) => return Err(wrong_use(stem, other, "verify and encrypt")),
        };
        for certificate in file.into_partner()? {
            let mut one = PartnerCertificate::new(certificate);
            one.only = only;
            one.window.from = settings.active_from;
            one.window.until = settings.active_until;
            all.push(one);
        }
    }
    Ok(all.into_iter().collect())
}

fn wrong_use(stem: &str, given: &str, allowed: &'static str) -> DirectoryError {
    DirectoryError::Use {
        stem: stem.to_owned(),
        given: given.to_owned(),
        allowed,
    }
}
