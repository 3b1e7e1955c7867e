//! Files with keys and certificates, in whichever of the usual forms.

mod content;
mod error;
mod pair;
mod pem;
#[cfg(feature = "pkcs12")]
mod pkcs12;

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use rustls_pki_types::PrivateKeyDer;
use zeroize::Zeroizing;

use super::entry::KeyEntry;
use crate::cms::Certificate;
use crate::partnership::TlsIdentity;
use content::Found;

pub use error::KeyFileError;
pub(super) use pem::is_pem;

#[cfg(test)]
mod tests;

/// The largest file that is read, in octets: bundles of all public authorities have a fifth of that.
const FILE_MAX: u64 = 1 << 20;

/// More than a usual file has.
const ROOM: usize = 64 << 10;

/// What is in a file, or in several that belong together: certificates, and private keys.
///
/// The form is told by the content, not by the name:
///
/// | what | forms |
/// |---|---|
/// | certificates | PEM, several in one file; DER; PKCS#7 bundles (`.p7b`, `.p7c`), PEM and DER |
/// | private keys | PKCS#8, PKCS#1 (RSA) and SEC1 (EC), PEM and DER; PKCS#8 under a password by PBES2 (AES or Triple DES with PBKDF2 or scrypt) |
/// | both | PKCS#12 (`.p12`, `.pfx`) with the feature `pkcs12`: AES as written today, RC2-40 and Triple DES as written before |
///
/// Keys are wiped from memory when they are dropped, but for the copy that the reader of PKCS#12 stores makes for itself.
///
/// Java's own key stores (JKS) and OpenSSL's old encrypted keys are not read; the error says how to convert them.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let password = "";
/// use ediint::keystore::{Identity, KeyFile, PartnerCertificates};
///
/// let us = Identity::from(KeyFile::open(["us.p12"], Some(password))?.into_entry()?);
/// let tls = KeyFile::open(["tls.pem", "tls.key"], None)?.into_tls_identity()?;
/// let theirs: PartnerCertificates = KeyFile::open(["them.p7b"], None)?.into_partner()?.into_iter().collect();
/// # Ok(())
/// # }
/// ```
pub struct KeyFile {
    certificates: Vec<Certificate>,
    keys: Vec<Zeroizing<PrivateKeyDer<'static>>>,
}

impl KeyFile {
    /// Reads the content of a file. The password is for what is encrypted; what is not does not need it.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`].
    pub fn read(content: &[u8], password: Option<&str>) -> Result<Self, KeyFileError> {
        let Found { certificates, keys } = content::read(content, password)?;
        Ok(Self { certificates, keys })
    }

    /// Reads files that belong together, such as a certificate and its key. Blocks.
    ///
    /// # Errors
    ///
    /// [`KeyFileError::Io`], [`KeyFileError::TooLarge`] and [`KeyFileError::In`], which name the file.
    pub fn open<P: AsRef<Path>>(
        paths: impl IntoIterator<Item = P>,
        password: Option<&str>,
    ) -> Result<Self, KeyFileError> {
        let mut all = Self {
            certificates: Vec::new(),
            keys: Vec::new(),
        };
        for path in paths {
            let path = path.as_ref();
            let content = read_file(path)?;
            let file = Self::read(&content, password).map_err(|source| KeyFileError::In {
                path: path.to_owned(),
                source: source.into(),
            })?;
            all = all.and(file);
        }
        Ok(all)
    }

    /// Both files together.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.certificates.extend(other.certificates);
        self.keys.extend(other.keys);
        self
    }

    /// The certificates, in the order of the file.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// How many private keys there are.
    #[must_use]
    pub fn key_count(&self) -> usize {
        self.keys.len()
    }

    /// The certificates, such as those of authorities. For a partner's see [`into_partner`](Self::into_partner).
    ///
    /// # Errors
    ///
    /// [`KeyFileError::NoCertificate`].
    pub fn into_certificates(self) -> Result<Vec<Certificate>, KeyFileError> {
        match self.certificates.is_empty() {
            true => Err(KeyFileError::NoCertificate),
            false => Ok(self.certificates),
        }
    }

    /// The certificates of a partner. Those of authorities that issued others in the file are left out: whoever has an
    /// authority's key could sign as the partner.
    ///
    /// # Errors
    ///
    /// [`KeyFileError::NoCertificate`].
    pub fn into_partner(self) -> Result<Vec<Certificate>, KeyFileError> {
        let all = self.into_certificates()?;
        let issued = |one: &Certificate| {
            let mut others = all.iter().filter(|other| !other.is_self_issued());
            others.any(|other| other != one && other.issuer() == one.subject())
        };
        Ok(all.iter().filter(|one| !issued(one)).cloned().collect())
    }

    /// The one private key with its certificate and those of its issuers, for messages.
    ///
    /// # Errors
    ///
    /// [`KeyFileError::NoPrivateKey`], [`KeyFileError::SeveralPrivateKeys`], [`KeyFileError::NoCertificate`],
    /// [`KeyFileError::Mismatch`], and [`KeyFileError::PrivateKey`] for a key of another kind than messages know.
    pub fn into_entry(self) -> Result<KeyEntry, KeyFileError> {
        let pair::Pair { message, chain, .. } = pair::find(self)?;
        let mut chain = chain.into_iter();
        let certificate = chain.next().ok_or(KeyFileError::NoCertificate)?;
        let entry = KeyEntry::new(certificate, message?)?;
        Ok(entry.with_issuers(chain))
    }

    /// The one private key with its certificate and those of its issuers, for TLS.
    ///
    /// # Errors
    ///
    /// [`KeyFileError::NoPrivateKey`], [`KeyFileError::SeveralPrivateKeys`], [`KeyFileError::NoCertificate`],
    /// [`KeyFileError::Mismatch`].
    pub fn into_tls_identity(self) -> Result<TlsIdentity, KeyFileError> {
        let pair::Pair { key, chain, .. } = pair::find(self)?;
        let chain = chain.iter().map(|certificate| certificate.der().clone());
        Ok(TlsIdentity::new(chain.collect(), key.clone_key()))
    }
}

fn read_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let named = |source| KeyFileError::Io {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(named)?;
    // Room for all of it, so that no copy is left behind by growing.
    let mut content = Zeroizing::new(Vec::with_capacity(ROOM));
    let read = file.take(FILE_MAX + 1).read_to_end(&mut content).map_err(named)?;
    match u64::try_from(read).is_ok_and(|read| read <= FILE_MAX) {
        true => Ok(content),
        false => Err(KeyFileError::TooLarge {
            path: path.to_owned(),
            limit: FILE_MAX,
        }),
    }
}

/// Without the keys.
impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyFile")
            .field("certificates", &self.certificates)
            .field("keys", &self.keys.len())
            .finish_non_exhaustive()
    }
}
