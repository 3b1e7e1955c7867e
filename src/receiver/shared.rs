//! What all requests share.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use tokio::sync::Semaphore;

use super::event::ReceiverEvent;
use super::failures::{DecryptionFailures, FailureCounts};
use super::gate::Gate;
use super::inbox::Inbox;
use super::key_guard::KeyGuard;
use super::pace::BodyPace;
use super::replay::ReplayRules;
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::exchange::Receipt;
use crate::future::BoxFuture;
use crate::keystore::KeyStore;
use crate::limits::Limits;
use crate::mdn::ErrorModifier;
use crate::spool::SpoolOptions;
use crate::store::{MessageStore, PartnershipStore};
use crate::transport::HttpClient;

pub(super) type ReceiptHook = Box<dyn Fn(Receipt) -> BoxFuture<'static, ()> + Send + Sync>;
pub(super) type EventHook = Box<dyn Fn(&ReceiverEvent<'_>) + Send + Sync>;
pub(super) type ThrottleHook = Box<dyn Fn(&DecryptionFailures<'_>) -> bool + Send + Sync>;

/// What a receiver works with.
pub(super) struct Core {
    pub(super) keys: Arc<dyn KeyStore>,
    pub(super) partners: Arc<dyn PartnershipStore>,
    pub(super) store: Arc<dyn MessageStore>,
    pub(super) inbox: Arc<dyn Inbox>,
    pub(super) receipts: Option<ReceiptHook>,
    pub(super) events: Option<EventHook>,
    pub(super) http: Option<Arc<dyn HttpClient>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) limits: Limits,
    pub(super) spools: SpoolOptions,
    pub(super) agent: String,
    pub(super) domain: Option<String>,
    pub(super) remark: Option<String>,
    pub(super) strangers_are_told: Option<ErrorModifier>,
    pub(super) empty_status: StatusCode,
    pub(super) failures_without_receipt: bool,
    pub(super) strict_names: bool,
    pub(super) stranger_status: StatusCode,
    pub(super) alive_page: Option<Bytes>,
    pub(super) posts: Arc<Semaphore>,
    /// How long a claim lasts whose holder is not heard of again.
    pub(super) lease: Duration,
    pub(super) duplicates_are_processed: bool,
    pub(super) replays: ReplayRules,
    pub(super) pace: BodyPace,
    pub(super) gate: Gate,
    pub(super) failures: FailureCounts,
    pub(super) throttle: Option<ThrottleHook>,
    pub(super) key_guard: KeyGuard,
}

impl Core {
    pub(super) fn tell(&self, event: &ReceiverEvent<'_>) {
        event.trail();
        let Some(events) = &self.events else { return };
        // A hook that panics must not stop what it is told of.
        if catch_unwind(AssertUnwindSafe(|| events(event))).is_err() {
            tracing::error!(?event, "the hook for events panicked");
        }
    }
}
