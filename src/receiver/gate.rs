//! How much is done at a time, and the end of it all.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::answer::Refused;

/// Lets so many requests in at a time, and none once it is closed (RCV-20).
#[derive(Debug)]
pub(super) struct Gate {
    places: Arc<Semaphore>,
    size: u32,
    closed: AtomicBool,
}

/// The place of one request, held until all work on it is done: also by the work that goes on without its connection.
#[derive(Clone, Debug)]
pub(super) struct Place {
    _permit: Arc<OwnedSemaphorePermit>,
}

impl Gate {
    pub(super) fn new(size: u16) -> Self {
        Self {
            places: Arc::new(Semaphore::new(usize::from(size))),
            size: u32::from(size),
            closed: AtomicBool::new(false),
        }
    }

    /// A place, or none: nobody waits for one.
    pub(super) fn enter(&self) -> Result<Place, Refused> {
        let permit = Arc::clone(&self.places).try_acquire_owned();
        // Asked after the permit is taken: whoever waits for all of them has closed before.
        if self.closed.load(Ordering::SeqCst) {
            return Err(Refused::Closed);
        }
        match permit {
            Ok(permit) => Ok(Place {
                _permit: Arc::new(permit),
            }),
            Err(_) => Err(Refused::Overloaded),
        }
    }

    /// Nobody gets in any more.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// Waits until everybody has left. To be called once it is closed.
    pub(super) fn emptied(&self) -> impl Future<Output = ()> + Send + 'static {
        let all = Arc::clone(&self.places).acquire_many_owned(self.size);
        async move { drop(all.await) }
    }

    /// How many requests are being answered.
    pub(super) fn inside(&self) -> usize {
        usize::try_from(self.size)
            .unwrap_or(usize::MAX)
            .saturating_sub(self.places.available_permits())
    }
}
