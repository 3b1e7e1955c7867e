//! Private-key operations, so many at a time (SEC-51).

use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::CertificateDer;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use crate::algorithm::{ContentCipher, SignatureAlgorithm};
use crate::cms::{Certificate, RecipientInfo, SigningInput};
use crate::future::BoxFuture;
use crate::keystore::{CertificateUsage, KeyStore, KeyStoreError, Unwrapped};
use crate::name::As2Name;

/// How long an operation waits for its turn before the partner is told to come again.
const PATIENCE: Duration = Duration::from_secs(10);

/// A key store that is asked for so many private-key operations at a time. Whoever waits holds a place of the receiver's,
/// so the queue is bounded too.
pub(super) struct BoundedKeys {
    keys: Arc<dyn KeyStore>,
    turns: Semaphore,
}

impl BoundedKeys {
    pub(super) fn new(keys: Arc<dyn KeyStore>, operations: u16) -> Self {
        Self {
            keys,
            turns: Semaphore::new(usize::from(operations)),
        }
    }

    async fn turn(&self) -> Result<SemaphorePermit<'_>, KeyStoreError> {
        match timeout(PATIENCE, self.turns.acquire()).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) | Err(_) => Err(KeyStoreError::Unavailable(TooManyOperations.into())),
        }
    }
}

/// The keys are busy.
#[derive(Debug, thiserror::Error)]
#[error("too many private-key operations are waiting for their turn")]
struct TooManyOperations;

impl KeyStore for BoundedKeys {
    fn signing_chain<'a>(
        &'a self,
        local: &'a As2Name,
    ) -> BoxFuture<'a, Result<Vec<CertificateDer<'static>>, KeyStoreError>> {
        self.keys.signing_chain(local)
    }

    fn sign<'a>(
        &'a self,
        local: &'a As2Name,
        algorithm: SignatureAlgorithm,
        input: SigningInput<'a>,
    ) -> BoxFuture<'a, Result<Vec<u8>, KeyStoreError>> {
        Box::pin(async move {
            let _turn = self.turn().await?;
            self.keys.sign(local, algorithm, input).await
        })
    }

    fn unwrap_key<'a>(
        &'a self,
        local: &'a As2Name,
        recipients: &'a [RecipientInfo],
        cipher: ContentCipher,
    ) -> BoxFuture<'a, Result<Vec<Unwrapped>, KeyStoreError>> {
        Box::pin(async move {
            let _turn = self.turn().await?;
            self.keys.unwrap_key(local, recipients, cipher).await
        })
    }

    fn partner_certificates<'a>(
        &'a self,
        local: &'a As2Name,
        remote: &'a As2Name,
        usage: CertificateUsage,
    ) -> BoxFuture<'a, Result<Vec<Certificate>, KeyStoreError>> {
        self.keys.partner_certificates(local, remote, usage)
    }
}

#[cfg(test)]
mod tests;
