//! Keys and certificates in memory.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use rustls_pki_types::CertificateDer;

use super::identity::Identity;
use super::unwrapped::Unwrapped;
use super::{CertificateUsage, KeyStore, KeyStoreError};
use crate::algorithm::{ContentCipher, SignatureAlgorithm};
use crate::cms::{Certificate, RecipientInfo, SigningInput};
use crate::future::BoxFuture;
use crate::name::As2Name;

#[cfg(test)]
mod tests;

/// A [`KeyStore`] in memory. It can be changed while it is in use: the next message sees the change.
///
/// Inside a tokio runtime (feature `transport`) private-key operations run on its pool for blocking work.
#[derive(Debug, Default)]
pub struct MemoryKeyStore {
    identities: RwLock<HashMap<As2Name, Identity>>,
    partners: RwLock<HashMap<As2Name, HashMap<As2Name, PartnerCertificates>>>,
}

/// The certificates of one partner.
#[derive(Clone, Debug)]
pub struct PartnerCertificates {
    verify: Vec<Certificate>,
    encrypt: Certificate,
}

impl PartnerCertificates {
    /// A partner with one certificate, that it signs with and that it is encrypted for.
    #[must_use]
    pub fn new(certificate: Certificate) -> Self {
        Self {
            verify: vec![certificate.clone()],
            encrypt: certificate,
        }
    }

    /// Also takes signatures by the key of this certificate: the coming or the earlier one of a rollover.
    #[must_use]
    pub fn also_signing_with(mut self, certificate: Certificate) -> Self {
        self.verify.push(certificate);
        self
    }

    /// Encrypts for this certificate instead.
    #[must_use]
    pub fn encrypting_for(mut self, certificate: Certificate) -> Self {
        self.encrypt = certificate;
        self
    }
}

impl MemoryKeyStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
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

    fn identity(&self, local: &As2Name) -> Result<Identity, KeyStoreError> {
        let identities = self.identities.read().unwrap_or_else(PoisonError::into_inner);
        identities
            .get(local)
            .cloned()
            .ok_or_else(|| KeyStoreError::NoKey(local.clone()))
    }

    fn certificates(&self, local: &As2Name, remote: &As2Name, usage: CertificateUsage) -> Vec<Certificate> {
        let partners = self.partners.read().unwrap_or_else(PoisonError::into_inner);
        match (partners.get(local).and_then(|partners| partners.get(remote)), usage) {
            (None, _) => Vec::new(),
            (Some(partner), CertificateUsage::Verify) => partner.verify.clone(),
            (Some(partner), CertificateUsage::Encrypt) => vec![partner.encrypt.clone()],
        }
    }
}

impl KeyStore for MemoryKeyStore {
    fn signing_chain<'a>(
        &'a self,
        local: &'a As2Name,
    ) -> BoxFuture<'a, Result<Vec<CertificateDer<'static>>, KeyStoreError>> {
        Box::pin(async move {
            let identity = self.identity(local)?;
            Ok(identity.signing_chain().map(|one| one.der().clone()).collect())
        })
    }

    fn sign<'a>(
        &'a self,
        local: &'a As2Name,
        algorithm: SignatureAlgorithm,
        input: SigningInput<'a>,
    ) -> BoxFuture<'a, Result<Vec<u8>, KeyStoreError>> {
        Box::pin(async move {
            let (identity, name) = (self.identity(local)?, local.clone());
            match input {
                SigningInput::Message(octets) => {
                    let octets = octets.to_vec();
                    run_blocking(move || identity.sign(&name, algorithm, SigningInput::Message(&octets))).await
                }
                SigningInput::Digest(octets) => {
                    let octets = octets.to_vec();
                    run_blocking(move || identity.sign(&name, algorithm, SigningInput::Digest(&octets))).await
                }
            }
        })
    }

    fn unwrap_key<'a>(
        &'a self,
        local: &'a As2Name,
        recipients: &'a [RecipientInfo],
        cipher: ContentCipher,
    ) -> BoxFuture<'a, Result<Vec<Unwrapped>, KeyStoreError>> {
        Box::pin(async move {
            let (identity, name, recipients) = (self.identity(local)?, local.clone(), recipients.to_vec());
            run_blocking(move || identity.unwrap_key(&name, &recipients, cipher)).await
        })
    }

    fn partner_certificates<'a>(
        &'a self,
        local: &'a As2Name,
        remote: &'a As2Name,
        usage: CertificateUsage,
    ) -> BoxFuture<'a, Result<Vec<Certificate>, KeyStoreError>> {
        Box::pin(async move { Ok(self.certificates(local, remote, usage)) })
    }
}

/// Runs a private-key operation where it holds up nothing else, if there is such a place.
#[cfg(feature = "transport")]
async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, KeyStoreError> + Send + 'static,
) -> Result<T, KeyStoreError> {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => match runtime.spawn_blocking(work).await {
            Ok(done) => done,
            // The runtime is shutting down, or the operating system has no random numbers to give.
            Err(error) => Err(KeyStoreError::Unavailable(error.into())),
        },
        Err(_) => work(),
    }
}

/// There is no pool, so it runs here.
#[cfg(not(feature = "transport"))]
async fn run_blocking<T>(work: impl FnOnce() -> Result<T, KeyStoreError>) -> Result<T, KeyStoreError> {
    work()
}
