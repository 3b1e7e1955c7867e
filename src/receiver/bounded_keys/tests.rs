use tokio::sync::Notify;
use tokio::time::Instant;

use super::*;

/// Signs when it is told to.
struct Slow {
    entered: Arc<Notify>,
    go: Arc<Notify>,
}

impl KeyStore for Slow {
    fn signing_chain<'a>(
        &'a self,
        _: &'a As2Name,
    ) -> BoxFuture<'a, Result<Vec<CertificateDer<'static>>, KeyStoreError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn sign<'a>(
        &'a self,
        _: &'a As2Name,
        _: SignatureAlgorithm,
        _: SigningInput<'a>,
    ) -> BoxFuture<'a, Result<Vec<u8>, KeyStoreError>> {
        Box::pin(async {
            self.entered.notify_one();
            self.go.notified().await;
            Ok(vec![1])
        })
    }

    fn unwrap_key<'a>(
        &'a self,
        _: &'a As2Name,
        _: &'a [RecipientInfo],
        _: ContentCipher,
    ) -> BoxFuture<'a, Result<Vec<Unwrapped>, KeyStoreError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn partner_certificates<'a>(
        &'a self,
        _: &'a As2Name,
        _: &'a As2Name,
        _: CertificateUsage,
    ) -> BoxFuture<'a, Result<Vec<Certificate>, KeyStoreError>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

/// SEC-51: one more operation than may run waits, and is told that the keys are busy when it has waited for long. What
/// needs no private key does not wait.
#[tokio::test(start_paused = true)]
async fn operations_wait_for_their_turn() {
    let (entered, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let slow = Slow {
        entered: entered.clone(),
        go: go.clone(),
    };
    let keys = Arc::new(BoundedKeys::new(Arc::new(slow), 1));
    let name = As2Name::new("us").unwrap();
    let algorithm = SignatureAlgorithm::RsaPkcs1(crate::DigestAlgorithm::Sha256);
    let sign = || {
        let (keys, name) = (keys.clone(), name.clone());
        tokio::spawn(async move { keys.sign(&name, algorithm, SigningInput::Message(b"x")).await })
    };
    let first = sign();
    entered.notified().await;
    let began = Instant::now();
    assert!(keys.signing_chain(&name).await.unwrap().is_empty());
    let refused = keys.unwrap_key(&name, &[], ContentCipher::Aes256Cbc).await.unwrap_err();
    assert!(matches!(refused, KeyStoreError::Unavailable(_)), "{refused}");
    assert_eq!(began.elapsed(), PATIENCE);

    let second = sign();
    go.notify_one();
    assert_eq!(first.await.unwrap().unwrap(), [1]);
    entered.notified().await;
    go.notify_one();
    assert_eq!(second.await.unwrap().unwrap(), [1]);
}
