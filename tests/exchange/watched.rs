//! Stores that note each call, and that can be away.

use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ediint::cms::{Certificate, RecipientInfo, SigningInput};
use ediint::keystore::{CertificateUsage, KeyStoreError, Unwrapped};
use ediint::store::{
    Claim, ClaimToken, Cursor, ExchangeId, Filter, Job, Page, PartnershipStore, PartnershipStoreError, PostStep,
    ReceiptRecord, ReceivedRecord, Resolution, SentOutcome, SentRecord, SentStep, StoreError,
};
use ediint::{As2Name, BoxFuture, ContentCipher, KeyStore, MessageStore, Partnership, SignatureAlgorithm};
use rustls::pki_types::CertificateDer;
use tokio::time::{sleep, timeout};

use crate::gate::PATIENCE;

/// Stands for every call.
pub(crate) const EVERYTHING: &str = "everything";

/// What was called, and what fails when it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watch {
    calls: Arc<Mutex<Vec<&'static str>>>,
    away: Arc<Mutex<Vec<&'static str>>>,
    stuck: Arc<Mutex<Option<&'static str>>>,
}

impl Watch {
    /// Notes a call; an error if it is the one that fails.
    pub(crate) fn call(&self, name: &'static str) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.calls.lock().unwrap().push(name);
        let away = self.away.lock().unwrap();
        match away.contains(&name) || away.contains(&EVERYTHING) {
            true => Err(format!("{name} is away").into()),
            false => Ok(()),
        }
    }

    /// Takes what has been called.
    pub(crate) fn take(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }

    /// What fails from now on.
    pub(crate) fn away(&self, names: impl IntoIterator<Item = &'static str>) {
        *self.away.lock().unwrap() = names.into_iter().collect();
    }

    /// What has no answer, from now on: `record_sent` before it does anything, or `find_sent` after it.
    pub(crate) fn stuck(&self, name: Option<&'static str>) {
        *self.stuck.lock().unwrap() = name;
    }

    async fn answer(&self, name: &'static str) {
        while *self.stuck.lock().unwrap() == Some(name) {
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until this has been called.
    pub(crate) async fn called(&self, name: &'static str) {
        let calls = async {
            while !self.take().contains(&name) {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, calls).await.expect(name);
    }
}

/// A store under watch.
pub(crate) struct Watched<T>(pub(crate) T, pub(crate) Watch);

impl<T: PartnershipStore> PartnershipStore for Watched<T> {
    fn find<'a>(
        &'a self,
        local: &'a As2Name,
        remote: &'a As2Name,
    ) -> BoxFuture<'a, Result<Option<Arc<Partnership>>, PartnershipStoreError>> {
        Box::pin(async move {
            self.1
                .call("find partnership")
                .map_err(PartnershipStoreError::Unavailable)?;
            self.0.find(local, remote).await
        })
    }
}

impl<T: KeyStore> KeyStore for Watched<T> {
    fn signing_chain<'a>(
        &'a self,
        local: &'a As2Name,
        known: Option<&'a Certificate>,
    ) -> BoxFuture<'a, Result<Vec<CertificateDer<'static>>, KeyStoreError>> {
        Box::pin(async move {
            self.1.call("signing_chain").map_err(KeyStoreError::Unavailable)?;
            self.0.signing_chain(local, known).await
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
            self.1.call("sign").map_err(KeyStoreError::Unavailable)?;
            self.0.sign(local, certificate, algorithm, input).await
        })
    }

    fn unwrap_key<'a>(
        &'a self,
        local: &'a As2Name,
        recipients: &'a [RecipientInfo],
        cipher: ContentCipher,
    ) -> BoxFuture<'a, Result<Vec<Unwrapped>, KeyStoreError>> {
        Box::pin(async move {
            self.1.call("unwrap_key").map_err(KeyStoreError::Unavailable)?;
            self.0.unwrap_key(local, recipients, cipher).await
        })
    }

    fn partner_certificates<'a>(
        &'a self,
        local: &'a As2Name,
        remote: &'a As2Name,
        usage: CertificateUsage,
    ) -> BoxFuture<'a, Result<Vec<Certificate>, KeyStoreError>> {
        Box::pin(async move {
            self.1
                .call("partner_certificates")
                .map_err(KeyStoreError::Unavailable)?;
            self.0.partner_certificates(local, remote, usage).await
        })
    }
}

impl<T: MessageStore> MessageStore for Watched<T> {
    fn find_received<'a>(&'a self, id: &'a ExchangeId) -> BoxFuture<'a, Result<Option<ReceivedRecord>, StoreError>> {
        Box::pin(async move {
            self.1.call("find_received").map_err(StoreError::Unavailable)?;
            self.0.find_received(id).await
        })
    }

    fn claim<'a>(
        &'a self,
        id: &'a ExchangeId,
        signature: Option<[u8; 32]>,
        lease: Duration,
    ) -> BoxFuture<'a, Result<Claim, StoreError>> {
        Box::pin(async move {
            self.1.call("claim").map_err(StoreError::Unavailable)?;
            self.0.claim(id, signature, lease).await
        })
    }

    fn complete<'a>(
        &'a self,
        id: &'a ExchangeId,
        token: ClaimToken,
        record: ReceivedRecord,
        lease: Duration,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.1.call("complete").map_err(StoreError::Unavailable)?;
            self.0.complete(id, token, record, lease).await
        })
    }

    fn release<'a>(&'a self, id: &'a ExchangeId, token: ClaimToken) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.1.call("release").map_err(StoreError::Unavailable)?;
            self.0.release(id, token).await
        })
    }

    fn update_posting<'a>(
        &'a self,
        id: &'a ExchangeId,
        token: ClaimToken,
        step: PostStep,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.1.call("update_posting").map_err(StoreError::Unavailable)?;
            self.0.update_posting(id, token, step).await
        })
    }

    fn record_sent<'a>(
        &'a self,
        id: &'a ExchangeId,
        record: SentRecord,
        lease: Duration,
    ) -> BoxFuture<'a, Result<ClaimToken, StoreError>> {
        Box::pin(async move {
            self.1.call("record_sent").map_err(StoreError::Unavailable)?;
            self.1.answer("record_sent").await;
            self.0.record_sent(id, record, lease).await
        })
    }

    fn find_sent<'a>(&'a self, id: &'a ExchangeId) -> BoxFuture<'a, Result<Option<SentRecord>, StoreError>> {
        Box::pin(async move {
            self.1.call("find_sent").map_err(StoreError::Unavailable)?;
            let found = self.0.find_sent(id).await;
            self.1.answer("find_sent").await;
            found
        })
    }

    fn update_sent<'a>(
        &'a self,
        id: &'a ExchangeId,
        token: ClaimToken,
        step: SentStep,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.1.call("update_sent").map_err(StoreError::Unavailable)?;
            self.0.update_sent(id, token, step).await
        })
    }

    fn resolve_receipt<'a>(
        &'a self,
        id: &'a ExchangeId,
        outcome: SentOutcome,
        receipt: ReceiptRecord,
    ) -> BoxFuture<'a, Result<Resolution, StoreError>> {
        Box::pin(async move {
            self.1.call("resolve_receipt").map_err(StoreError::Unavailable)?;
            self.0.resolve_receipt(id, outcome, receipt).await
        })
    }

    fn claim_due<'a>(
        &'a self,
        lease: Duration,
        limit: usize,
        busy: &'a [As2Name],
        place: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Vec<Job>, StoreError>> {
        Box::pin(async move {
            self.1.call("claim_due").map_err(StoreError::Unavailable)?;
            self.0.claim_due(lease, limit, busy, place).await
        })
    }

    fn next_due<'a>(
        &'a self,
        busy: &'a [As2Name],
        place: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<Duration>, StoreError>> {
        Box::pin(async move {
            self.1.call("next_due").map_err(StoreError::Unavailable)?;
            self.0.next_due(busy, place).await
        })
    }

    fn list<'a>(
        &'a self,
        filter: &'a Filter,
        after: Option<Cursor>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        Box::pin(async move {
            self.1.call("list").map_err(StoreError::Unavailable)?;
            self.0.list(filter, after, limit).await
        })
    }

    fn expire<'a>(&'a self) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(async move {
            self.1.call("expire").map_err(StoreError::Unavailable)?;
            self.0.expire().await
        })
    }
}
