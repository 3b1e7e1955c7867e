//! Revocation lists in files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::files::is_pem;
use crate::cms::{Certificate, RevocationList, RevocationListError};
use crate::partnership::{Revocation, RevocationChecker, RevocationLists};

#[cfg(test)]
mod tests;

/// [`RevocationLists`] in files, that something else fetches: a timer with `curl`, or the authority's own tool.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let authority = ediint::cms::Certificate::from_pem(b"")?;
/// use std::sync::Arc;
///
/// use ediint::keystore::RevocationFiles;
/// use ediint::partnership::{AcceptPolicy, RevocationMode};
///
/// let lists = Arc::new(RevocationFiles::open(["authority.crl"])?.with_issuers([authority]));
/// let policy = AcceptPolicy::new().check_revocation(lists.clone(), RevocationMode::HardFail);
/// // Later, and again and again:
/// lists.reload()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct RevocationFiles {
    paths: Vec<PathBuf>,
    lists: RevocationLists,
}

/// Why a file with revocation lists cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RevocationFileError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// What is in it cannot be used.
    #[error("{}: {source}", path.display())]
    List {
        /// The file.
        path: PathBuf,
        /// Why.
        source: RevocationListError,
    },
}

impl RevocationFiles {
    /// Reads files in PEM, with several lists each, or DER. Blocks.
    ///
    /// # Errors
    ///
    /// [`RevocationFileError`].
    pub fn open<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Result<Self, RevocationFileError> {
        let paths: Vec<_> = paths.into_iter().map(|path| path.as_ref().to_owned()).collect();
        let lists = RevocationLists::new(read(&paths)?);
        Ok(Self { paths, lists })
    }

    /// See [`RevocationLists::with_issuers`].
    #[must_use]
    pub fn with_issuers(mut self, issuers: impl IntoIterator<Item = Certificate>) -> Self {
        self.lists = self.lists.with_issuers(issuers);
        self
    }

    /// Reads all files again. Where one cannot be used the lists from before stay in use, each until its own end. Blocks.
    ///
    /// # Errors
    ///
    /// [`RevocationFileError`].
    pub fn reload(&self) -> Result<(), RevocationFileError> {
        self.lists.replace(read(&self.paths)?);
        Ok(())
    }
}

impl RevocationChecker for RevocationFiles {
    fn check(&self, certificate: &Certificate, issuer: Option<&Certificate>, now: SystemTime) -> Revocation {
        self.lists.check(certificate, issuer, now)
    }
}

fn read(paths: &[PathBuf]) -> Result<Vec<RevocationList>, RevocationFileError> {
    let mut all = Vec::new();
    for path in paths {
        let content = fs::read(path).map_err(|source| RevocationFileError::Io {
            path: path.clone(),
            source,
        })?;
        let lists = match is_pem(&content) {
            true => RevocationList::all_from_pem(&content),
            false => RevocationList::from_der(&content).map(|list| vec![list]),
        };
        all.extend(lists.map_err(|source| RevocationFileError::List {
            path: path.clone(),
            source,
        })?);
    }
    Ok(all)
}
