#[cfg(feature = "transport")]
use std::sync::mpsc;
use std::task::{Context, Waker};

use super::KeyOperations;
#[cfg(feature = "transport")]
use super::TooManyOperations;
#[cfg(feature = "transport")]
use crate::keystore::KeyStoreError;

#[cfg(feature = "transport")]
fn refused<T: std::fmt::Debug>(result: Result<T, KeyStoreError>) -> TooManyOperations {
    match result {
        Err(KeyStoreError::Unavailable(error)) => *error.downcast().unwrap(),
        other => panic!("{other:?}"),
    }
}

/// SEC-51: past both bounds an operation is refused at once; one that waits takes its turn.
#[cfg(feature = "transport")]
#[tokio::test]
async fn operations_are_bounded() {
    let operations = KeyOperations::new(1, 1);
    let (release, held) = mpsc::channel::<()>();
    let mut first =
        Box::pin(operations.run(move || held.recv().map_err(|error| KeyStoreError::Unavailable(error.into()))));
    let mut second = Box::pin(operations.run(|| Ok("second")));
    let mut context = Context::from_waker(Waker::noop());
    assert!(first.as_mut().poll(&mut context).is_pending());
    assert!(second.as_mut().poll(&mut context).is_pending());
    let limits = refused(operations.run(|| Ok(())).await);
    assert_eq!(
        limits.to_string(),
        "1 private-key operations are at work and 1 wait, which is the limit"
    );
    release.send(()).unwrap();
    first.await.unwrap();
    assert_eq!(second.await.unwrap(), "second");
    assert_eq!(operations.run(|| Ok("third")).await.unwrap(), "third");
}

/// SEC-51: what has begun counts until it ends, also when nobody waits for it any more.
#[cfg(feature = "transport")]
#[tokio::test]
async fn abandoned_operations_count() {
    let operations = KeyOperations::new(1, 0);
    let (release, held) = mpsc::channel::<()>();
    let (started, begun) = mpsc::channel();
    let mut first = Box::pin(operations.run(move || {
        started.send(()).unwrap();
        held.recv().unwrap();
        Ok(())
    }));
    assert!(
        first
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
    begun.recv().unwrap();
    drop(first);
    refused(operations.run(|| Ok(())).await);
    release.send(()).unwrap();
    // The place is free a moment after the work ends.
    while let Err(KeyStoreError::Unavailable(_)) = operations.run(|| Ok(())).await {
        tokio::task::yield_now().await;
    }
}

/// One that waits is taken back when it is dropped.
#[cfg(feature = "transport")]
#[tokio::test]
async fn dropped_questions_leave_the_queue() {
    let operations = KeyOperations::new(1, 1);
    let (release, held) = mpsc::channel::<()>();
    let mut context = Context::from_waker(Waker::noop());
    let mut first =
        Box::pin(operations.run(move || held.recv().map_err(|error| KeyStoreError::Unavailable(error.into()))));
    assert!(first.as_mut().poll(&mut context).is_pending());
    for _ in 0..3 {
        let mut waiting = Box::pin(operations.run(|| Ok(())));
        assert!(waiting.as_mut().poll(&mut context).is_pending());
    }
    release.send(()).unwrap();
    first.await.unwrap();
}

/// Outside of a runtime the work is done at once.
#[test]
fn without_a_runtime() {
    let operations = KeyOperations::default();
    let mut run = Box::pin(operations.run(|| Ok(7)));
    let std::task::Poll::Ready(done) = run.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("pending")
    };
    assert_eq!(done.unwrap(), 7);
}
