//! Keys and certificates in a directory.

mod load;
mod settings;
mod state;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use rustls_pki_types::CertificateDer;

use super::expiry::CertificateUse;
use super::identity::Identity;
use super::index::Index;
use super::operations::{KeyOperations, off_the_worker};
use super::unwrapped::Unwrapped;
use super::{CertificateUsage, KeyStore, KeyStoreError};
use crate::algorithm::{ContentCipher, SignatureAlgorithm};
use crate::cause::describe;
use crate::clock::{Clock, SystemClock};
use crate::cms::{Certificate, RecipientInfo, SigningInput};
use crate::future::BoxFuture;
use crate::name::As2Name;
use state::State;

pub use load::DirectoryError;
pub use settings::SettingsError;

#[cfg(test)]
mod tests;

/// How often changes are looked for, unless the host says otherwise.
const CHECK_EVERY: Duration = Duration::from_secs(5);

/// A [`KeyStore`] in a directory that is read again when something in it changes.
///
/// ```text
/// ROOT/<our AS2 name>/keys/2025.pem              a certificate and its issuers
///                          2025.key              its private key
///                          2025.conf             when it is used
///                          2026.p12              both, under a password
///                          2026.password         the password
/// ROOT/<our AS2 name>/partners/<their AS2 name>/2025.pem
///                                               2026.cer
///                                               2026.conf
/// ```
///
/// Files that have the name up to the last dot in common belong together; how they are called is for people alone, and
/// their form is told by their content (see [`KeyFile`](super::KeyFile)). Read are files called `.pem`, `.crt`, `.cer`,
/// `.der`, `.p7b`, `.p7c`, `.key`, `.p12` and `.pfx`; a `.password` (its first line) opens those beside it. What a file
/// system cannot have in a name, and `%` itself, is written as `%` and two hexadecimal digits: `Acme%2FEast`. Of two
/// identities that know the same partner each has a directory of its own for it (a symbolic link will do).
///
/// Of a file with a partner's certificate and those of its issuers the partner's counts alone.
///
/// A `.conf` has one `name = value` in a line; `#` begins a comment. Times are in UTC, `2026-12-01T00:00:00Z` or
/// `2026-12-01`:
///
/// | name | in `keys` | in `partners/*` |
/// |---|---|---|
/// | `active-from` | signs from then on | verifies, and is encrypted for, from then on |
/// | `active-until` | signs until then | verifies, and is encrypted for, until then |
/// | `retained-until` | decrypts until then | |
/// | `use` | `sign` or `decrypt`: only that | `verify` or `encrypt`: only that |
/// | `paired-with` | a key for signing came with the key for decryption of this file name | |
///
/// So a rollover is a second file: see [`KeyEntry`](super::KeyEntry) and
/// [`PartnerCertificates`](super::PartnerCertificates) for which key does what.
///
/// At most every five seconds a question to the store makes it look whether names, sizes or times of files have changed
/// ([`check_every`](Self::check_every)); it reads what has, away from the async workers. Each directory of files is taken
/// as a whole or not at all: while one of its files is broken or half-written, what was good before stays in use, and the
/// error is logged and given to [`on_error`](Self::on_error). A directory that is removed, or empty, takes its keys with
/// it. Those who want no such moments write a new directory and rename it.
#[derive(Clone, Debug)]
pub struct DirectoryKeyStore {
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    operations: KeyOperations,
    check_every: Duration,
}

type ErrorHook = Box<dyn Fn(&ReloadError) + Send + Sync>;

struct Shared {
    root: PathBuf,
    state: Mutex<State>,
    index: RwLock<Arc<Index>>,
    checked: Mutex<Instant>,
    on_error: RwLock<Option<ErrorHook>>,
}

/// What is wrong in a directory of keys or certificates; what was in it before is still in use.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}: {error}", path.display())]
#[non_exhaustive]
pub struct ReloadError {
    /// The directory that could not be taken.
    pub path: PathBuf,
    /// What is wrong.
    #[source]
    pub error: Arc<DirectoryError>,
}

impl DirectoryKeyStore {
    /// Reads the directory. Blocks.
    ///
    /// # Errors
    ///
    /// The first [`ReloadError`]: there is nothing yet that could stay in use.
    pub fn open(root: impl AsRef<Path>) -> Result<Self, ReloadError> {
        let root = root.as_ref();
        let (state, errors) = State::default().read(root);
        if let Some(error) = errors.into_iter().next() {
            return Err(error);
        }
        Ok(Self {
            shared: Arc::new(Shared {
                root: root.to_owned(),
                index: RwLock::new(Arc::new(state.index())),
                state: Mutex::new(state),
                checked: Mutex::new(Instant::now()),
                on_error: RwLock::new(None),
            }),
            clock: Arc::new(SystemClock),
            operations: KeyOperations::default(),
            check_every: CHECK_EVERY,
        })
    }

    /// The clock by which keys come into use and go out of it, instead of the system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// How many private-key operations run at a time (default: one for each processor).
    #[must_use]
    pub fn operations(mut self, operations: KeyOperations) -> Self {
        self.operations = operations;
        self
    }

    /// How often changes are looked for at most (default: every 5 s).
    #[must_use]
    pub fn check_every(mut self, interval: Duration) -> Self {
        self.check_every = interval;
        self
    }

    /// What is called when a change cannot be taken. Must not block.
    #[must_use]
    pub fn on_error(self, hook: impl Fn(&ReloadError) + Send + Sync + 'static) -> Self {
        *self.shared.on_error.write().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(hook));
        self
    }

    /// Looks for changes now. Gives what could not be taken, also when it has been told before. Blocks.
    #[must_use = "it says what could not be taken"]
    pub fn reload(&self) -> Vec<ReloadError> {
        self.shared.reload()
    }

    /// All certificates as they were read last, for an [`ExpiryReport`](super::ExpiryReport).
    #[must_use]
    pub fn certificates(&self) -> Vec<CertificateUse> {
        self.shared.index().certificates()
    }

    /// What is in the directory, a moment ago.
    async fn fresh(&self) -> Arc<Index> {
        if self.shared.is_due(self.check_every) {
            let shared = Arc::clone(&self.shared);
            off_the_worker(move || drop(shared.reload())).await;
        }
        self.shared.index()
    }

    async fn identity(&self, local: &As2Name) -> Result<Identity, KeyStoreError> {
        self.fresh().await.identity(local)
    }
}

impl Shared {
    fn index(&self) -> Arc<Index> {
        Arc::clone(&self.index.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn is_due(&self, interval: Duration) -> bool {
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        let due = checked.elapsed() >= interval;
        if due {
            *checked = Instant::now();
        }
        due
    }

    fn reload(&self) -> Vec<ReloadError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (next, news) = state.read(&self.root);
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next.index());
        let errors = next.errors();
        *state = next;
        drop(state);
        let hook = self.on_error.read().unwrap_or_else(PoisonError::into_inner);
        for error in &news {
            tracing::error!(path = %error.path.display(), error = describe(&*error.error),
                "a change of keys or certificates cannot be taken; those from before stay in use");
            if let Some(hook) = &*hook {
                hook(error);
            }
        }
        errors
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

impl KeyStore for DirectoryKeyStore {
    fn signing_chain<'a>(
        &'a self,
        local: &'a As2Name,
        known: Option<&'a Certificate>,
    ) -> BoxFuture<'a, Result<Vec<CertificateDer<'static>>, KeyStoreError>> {
        Box::pin(async move {
            let identity = self.identity(local).await?;
            identity.signing_chain(local, known, self.clock.now())
        })
    }

    fn sign<'a>(
        &'a self,
        local: &'a As2Name,
        certificate: &'a Certificate,
        algorithm: SignatureAlgorithm,
        input: SigningInput<'a>,
    ) -> BoxFuture<'a, Result<Vec<u8>, KeyStoreError>> {
        Box::pin(async move {
            let identity = self.identity(local).await?;
            self.operations
                .sign(identity, local, certificate, algorithm, input)
                .await
        })
    }

    fn unwrap_key<'a>(
        &'a self,
        local: &'a As2Name,
        recipients: &'a [RecipientInfo],
        cipher: ContentCipher,
    ) -> BoxFuture<'a, Result<Vec<Unwrapped>, KeyStoreError>> {
        Box::pin(async move {
            let (identity, now) = (self.identity(local).await?, self.clock.now());
            self.operations
                .unwrap_key(identity, local, recipients, cipher, now)
                .await
        })
    }

    fn partner_certificates<'a>(
        &'a self,
        local: &'a As2Name,
        remote: &'a As2Name,
        usage: CertificateUsage,
    ) -> BoxFuture<'a, Result<Vec<Certificate>, KeyStoreError>> {
        Box::pin(async move {
            let index = self.fresh().await;
            Ok(index.partner(local, remote, usage, self.clock.now()))
        })
    }
}
