//! What unit tests find in the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many warnings are logged meanwhile, by this thread.
pub(crate) fn warnings_in(work: impl FnOnce()) -> usize {
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), work);
    log.0.load(Ordering::Relaxed)
}

/// Counts warnings.
#[derive(Clone, Default)]
struct Log(Arc<AtomicUsize>);

impl tracing::Subscriber for Log {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() == tracing::Level::WARN
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, _: &tracing::Event<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}
