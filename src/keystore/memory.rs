//! Keys and certificates in memory.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use rustls_pki_types::CertificateDer;

use super::expiry::CertificateUse;
use super::identity::Identity;
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
    identities: RwLock<HashMap<As2Name, Identity>>,
    partners: RwLock<HashMap<As2Name, HashMap<As2Name, PartnerCertificates>>>,
    clock: Arc<dyn Clock>,
    operations: KeyOperations,
}

impl Default for MemoryKeyStore {
    fn default() -> Self {
        Self {
            identities: RwLock::default(),
            partners: RwLock::default(),
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
        let mut identities = self.identities.write().unwrap_or_else(PoisonError::into_inner);
        identities.insert(local, identity);
    }

    /// Forgets an identity.
    pub fn remove_identity(&self, local: &As2Name) {
        let mut identities = self.identities.write().unwrap_or_else(PoisonError::into_inner);
        identities.remove(local);
    }

    /// Sets or replaces the certificates of `remote` as a partner of `local`.
    pub fn set_partner(&self, local: As2Name, remote: As2Name, certificates: PartnerCertificates) {
        let mut partners = self.partners.write().unwrap_or_else(PoisonError::into_inner);
        partners.entry(local).or_default().insert(remote, certificates);
    }

    /// Forgets `remote` as a partner of `local`.
    pub fn remove_partner(&self, local: &As2Name, remote: &As2Name) {
        let mut partners = self.partners.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(partners) = partners.get_mut(local) {
            partners.remove(remote);
        }
    }

    /// All certificates, for an [`ExpiryReport`](super::ExpiryReport).
    #[must_use]
    pub fn certificates(&self) -> Vec<CertificateUse> {
        let identities = self.identities.read().unwrap_or_else(PoisonError::into_inner);
        let partners = self.partners.read().unwrap_or_else(PoisonError::into_inner);
        let ours = identities.iter().flat_map(|(local, one)| one.certificate_uses(local));
        let theirs = partners
            .values()
            .flatten()
            .flat_map(|(remote, one)| one.certificate_uses(remote));
        ours.chain(theirs).collect()
    }

    fn identity(&self, local: &As2Name) -> Result<Identity, KeyStoreError> {
        let identities = self.identities.read().unwrap_or_else(PoisonError::into_inner);
        identities
            .get(local)
            .cloned()
            .ok_or_else(|| KeyStoreError::NoKey(local.clone()))
    }

    fn partner(&self, local: &As2Name, remote: &As2Name, usage: CertificateUsage) -> Vec<Certificate> {
        let partners = self.partners.read().unwrap_or_else(PoisonError::into_inner);
        let partner = partners.get(local).and_then(|partners| partners.get(remote));
        partner.map_or_else(Vec::new, |partner| partner.for_usage(usage, self.clock.now()))
    }
}

impl KeyStore for MemoryKeyStore {
    fn signing_chain<'a>(
        &'a self,
        local: &'a As2Name,
        known: Option<&'a Certificate>,
    ) -> BoxFuture<'a, Result<Vec<CertificateDer<'static>>, KeyStoreError>> {
        Box::pin(async move {
            let chain = self.identity(local)?.signing_chain(local, known, self.clock.now())?;
            Ok(chain.iter().map(|one| one.der().clone()).collect())
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
            let identity = self.identity(local)?;
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
            let (identity, now) = (self.identity(local)?, self.clock.now());
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
        Box::pin(async move { Ok(self.partner(local, remote, usage)) })
    }
}
