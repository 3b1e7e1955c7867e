//! Keys and certificates in memory.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use rustls_pki_types::CertificateDer;

use super::expiry::CertificateUse;
use super::identity::Identity;
use super::index::Index;
use super::operations::KeyOperations;
use super::partner::PartnerCertificates;
use super::unwrapped::Unwrapped;
use super::{CertificateUsage, KeyStore, KeyStoreError};
use crate::algorithm::{ContentCipher, SignatureAlgorithm};
use crate::clock::{Clock, SystemClock};
use crate::cms::{Certificate, RecipientInfo, SigningInput};
use crate::future::BoxFuture;
use crate::name::As2Name;

#[cfg(test)]
mod tests;

/// A [`KeyStore`] in memory. It can be changed while it is in use: the next message sees the change.
///
/// Private-key operations run where [`KeyOperations`] says.
#[derive(Debug)]
pub struct MemoryKeyStore {
    index: RwLock<Index>,
    clock: Arc<dyn Clock>,
    operations: KeyOperations,
}

impl Default for MemoryKeyStore {
    fn default() -> Self {
        Self {
            index: RwLock::default(),
            clock: Arc::new(SystemClock),
            operations: KeyOperations::default(),
        }
    }
}

impl MemoryKeyStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
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

    /// Sets or replaces the identity behind one of our AS2 names.
    pub fn set_identity(&self, local: As2Name, identity: Identity) {
        self.change().set_identity(local, identity);
    }

    /// Forgets an identity.
    pub fn remove_identity(&self, local: &As2Name) {
        self.change().remove_identity(local);
    }

    /// Sets or replaces the certificates of `remote` as a partner of `local`.
    pub fn set_partner(&self, local: As2Name, remote: As2Name, certificates: PartnerCertificates) {
        self.change().set_partner(local, remote, certificates);
    }

    /// Forgets `remote` as a partner of `local`.
    pub fn remove_partner(&self, local: &As2Name, remote: &As2Name) {
        self.change().remove_partner(local, remote);
    }

    /// All certificates, for an [`ExpiryReport`](super::ExpiryReport).
    #[must_use]
    pub fn certificates(&self) -> Vec<CertificateUse> {
        self.index().certificates()
    }

    fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeyStore for MemoryKeyStore {
    fn signing_chain<'a>(
        &'a self,
        local: &'a As2Name,
        known: Option<&'a Certificate>,
    ) -> BoxFuture<'a, Result<Vec<CertificateDer<'static>>, KeyStoreError>> {
        Box::pin(async move {
            let identity = self.index().identity(local)?;
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
            let identity = self.index().identity(local)?;
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
            let (identity, now) = (self.index().identity(local)?, self.clock.now());
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
        Box::pin(async move { Ok(self.index().partner(local, remote, usage, self.clock.now())) })
    }
}
