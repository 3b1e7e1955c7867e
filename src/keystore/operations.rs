//! Private-key operations off the async workers, a bounded number at a time.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use super::KeyStoreError;
use super::identity::Identity;
use super::unwrapped::Unwrapped;
use crate::algorithm::{ContentCipher, SignatureAlgorithm};
use crate::cms::{Certificate, RecipientInfo, SigningInput};
use crate::name::As2Name;
#[cfg(feature = "transport")]
use crate::telemetry;

#[cfg(test)]
mod tests;

/// How many operations may wait, by default, for each that may be at work.
const QUEUED_EACH: usize = 64;

/// Where private keys work: on the runtime's pool for blocking work, so many at a time.
///
/// A 2048-bit RSA operation takes a processor for milliseconds, and anybody can ask for one. With this no flood of
/// messages takes all threads of the pool, and what cannot be served soon is refused at once: the error is
/// [`KeyStoreError::Unavailable`], which a receiver answers with 503, and partners try again.
///
/// It is cheap to clone; clones share their bounds. Outside a tokio runtime, or without the feature `transport`, work is
/// done where it is asked for. A host-made store in front of a device that blocks can use one too.
#[derive(Clone)]
pub struct KeyOperations(Arc<Bounds>);

struct Bounds {
    in_flight: usize,
    queued: usize,
    /// Asked for and not done.
    pending: AtomicUsize,
    #[cfg(feature = "transport")]
    turns: Arc<tokio::sync::Semaphore>,
}

/// More private-key operations are asked for than can be done soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{in_flight} private-key operations are at work and {queued} wait, which is the limit")]
#[non_exhaustive]
pub struct TooManyOperations {
    /// How many may be at work.
    pub in_flight: usize,
    /// How many may wait.
    pub queued: usize,
}

impl KeyOperations {
    /// At most `in_flight` at work (at least one) and `queued` waiting.
    #[must_use]
    pub fn new(in_flight: usize, queued: usize) -> Self {
        let in_flight = in_flight.max(1);
        Self(Arc::new(Bounds {
            in_flight,
            queued,
            pending: AtomicUsize::new(0),
            #[cfg(feature = "transport")]
            turns: Arc::new(tokio::sync::Semaphore::new(
                in_flight.min(tokio::sync::Semaphore::MAX_PERMITS),
            )),
        }))
    }

    /// Does `work`, which may block, when it is its turn.
    ///
    /// Dropping the future takes a waiting operation back; one that has begun goes on and counts until it ends.
    ///
    /// # Errors
    ///
    /// What `work` returns; [`KeyStoreError::Unavailable`] with [`TooManyOperations`], or where the runtime shuts down.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, KeyStoreError> + Send + 'static,
    ) -> Result<T, KeyStoreError> {
        let place = Place::take(&self.0)?;
        self.run_in(place, work).await
    }

    #[cfg(feature = "transport")]
    async fn run_in<T: Send + 'static>(
        &self,
        place: Place,
        work: impl FnOnce() -> Result<T, KeyStoreError> + Send + 'static,
    ) -> Result<T, KeyStoreError> {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return work();
        };
        let unavailable = |error: Box<dyn std::error::Error + Send + Sync>| KeyStoreError::Unavailable(error);
        let turn = Arc::clone(&self.0.turns).acquire_owned().await;
        let turn = turn.map_err(|closed| unavailable(closed.into()))?;
        let done = runtime.spawn_blocking(move || {
            let result = work();
            drop((turn, place));
            result
        });
        match done.await {
            Ok(done) => done,
            // The runtime is shutting down, or the operating system has no random numbers to give.
            Err(error) => Err(unavailable(error.into())),
        }
    }

    #[cfg(not(feature = "transport"))]
    async fn run_in<T>(
        &self,
        _place: Place,
        work: impl FnOnce() -> Result<T, KeyStoreError>,
    ) -> Result<T, KeyStoreError> {
        work()
    }

    pub(super) async fn sign(
        &self,
        identity: Identity,
        local: &As2Name,
        certificate: &Certificate,
        algorithm: SignatureAlgorithm,
        input: SigningInput<'_>,
    ) -> Result<Vec<u8>, KeyStoreError> {
        let (local, certificate) = (local.clone(), certificate.clone());
        let (is_digest, octets) = match input {
            SigningInput::Message(octets) => (false, octets.to_vec()),
            SigningInput::Digest(octets) => (true, octets.to_vec()),
        };
        self.run(move || {
            let input = match is_digest {
                true => SigningInput::Digest(&octets),
                false => SigningInput::Message(&octets),
            };
            identity.sign(&local, &certificate, algorithm, input)
        })
        .await
    }

    pub(super) async fn unwrap_key(
        &self,
        identity: Identity,
        local: &As2Name,
        recipients: &[RecipientInfo],
        cipher: ContentCipher,
        now: SystemTime,
    ) -> Result<Vec<Unwrapped>, KeyStoreError> {
        let (local, recipients) = (local.clone(), recipients.to_vec());
        self.run(move || identity.unwrap_key(&local, &recipients, cipher, now))
            .await
    }
}

/// Does what blocks for a moment, such as reading a file, where it holds up nothing else. It is not done where the runtime
/// shuts down.
pub(super) async fn off_the_worker(work: impl FnOnce() + Send + 'static) {
    #[cfg(feature = "transport")]
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        if let Err(error) = runtime.spawn_blocking(work).await {
            tracing::warn!(%error, "the runtime shuts down");
        }
        return;
    }
    work();
}

/// One operation for each processor, and a queue of a quarter of a second at most: 64 for each, of 1 to 4 ms with usual
/// keys.
impl Default for KeyOperations {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self::new(processors, processors.saturating_mul(QUEUED_EACH))
    }
}

impl fmt::Debug for KeyOperations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyOperations")
            .field("in_flight", &self.0.in_flight)
            .field("queued", &self.0.queued)
            .finish_non_exhaustive()
    }
}

/// An operation that counts until this is dropped.
struct Place(Arc<Bounds>);

impl Place {
    fn take(bounds: &Arc<Bounds>) -> Result<Self, KeyStoreError> {
        let limit = bounds.in_flight.saturating_add(bounds.queued);
        let count = |pending: usize| Some(pending + 1).filter(|count| *count <= limit);
        match bounds.pending.fetch_update(Ordering::Relaxed, Ordering::Relaxed, count) {
            Ok(_) => {
                #[cfg(feature = "transport")]
                telemetry::shift(telemetry::KEY_OPERATIONS, 1.0);
                Ok(Self(Arc::clone(bounds)))
            }
            Err(_) => {
                let Bounds { in_flight, queued, .. } = **bounds;
                Err(KeyStoreError::Unavailable(
                    TooManyOperations { in_flight, queued }.into(),
                ))
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.pending.fetch_sub(1, Ordering::Relaxed);
        #[cfg(feature = "transport")]
        telemetry::shift(telemetry::KEY_OPERATIONS, -1.0);
    }
}
