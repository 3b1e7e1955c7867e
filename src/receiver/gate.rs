//! How much is done at a time, and the end of it all.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

use super::answer::Refused;
use crate::telemetry;

/// Lets so many requests in at a time, and none once it is closed (RCV-20).
#[derive(Debug)]
pub(super) struct Gate {
    inside: watch::Sender<u16>,
    size: u16,
    closed: AtomicBool,
}

/// The place of one request, held until all work on it is done: also by the work that goes on without its connection.
#[derive(Clone, Debug)]
pub(super) struct Place {
    _taken: Arc<Taken>,
}

#[derive(Debug)]
struct Taken(watch::Sender<u16>);

impl Drop for Taken {
    fn drop(&mut self) {
        telemetry::shift(telemetry::REQUESTS_IN_PROGRESS, -1.0);
        self.0.send_modify(|inside| *inside = inside.saturating_sub(1));
    }
}

impl Gate {
    pub(super) fn new(size: u16) -> Self {
        Self {
            inside: watch::Sender::new(0),
            size,
            closed: AtomicBool::new(false),
        }
    }

    /// A place, or none: nobody waits for one.
    pub(super) fn enter(&self) -> Result<Place, Refused> {
        let entered = self.inside.send_if_modified(|inside| {
            let room = *inside < self.size;
            *inside = inside.saturating_add(u16::from(room));
            room
        });
        let place = entered.then(|| {
            telemetry::shift(telemetry::REQUESTS_IN_PROGRESS, 1.0);
            Place {
                _taken: Arc::new(Taken(self.inside.clone())),
            }
        });
        // Asked after the place is taken: whoever waits for the last one to leave has closed before.
        if self.closed.load(Ordering::SeqCst) {
            return Err(Refused::Closed);
        }
        place.ok_or(Refused::Overloaded)
    }

    /// Nobody gets in any more.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// Waits until everybody has left. To be called once it is closed.
    pub(super) fn emptied(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut inside = self.inside.subscribe();
        async move {
            // An error means that the gate itself is gone.
            drop(inside.wait_for(|inside| *inside == 0).await);
        }
    }

    /// How many requests are being answered.
    pub(super) fn inside(&self) -> u16 {
        *self.inside.borrow()
    }
}
