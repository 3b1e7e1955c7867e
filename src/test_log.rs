//! What unit tests find in the log.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use tracing::Level;
use tracing::field::{Field, Visit};

/// How many warnings are logged meanwhile, by this thread.
pub(crate) fn warnings_in(work: impl FnOnce()) -> usize {
    let events = events_in(work);
    events.iter().filter(|(level, _)| *level == Level::WARN).count()
}

/// What is logged meanwhile as a warning or an error, by this thread: each with its fields.
pub(crate) fn events_in(work: impl FnOnce()) -> Vec<(Level, String)> {
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), work);
    std::mem::take(&mut *log.0.lock().unwrap())
}

/// Keeps warnings and errors.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<(Level, String)>>>);

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{field}={value:?} ").unwrap();
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        self.0.lock().unwrap().push((*event.metadata().level(), fields.0));
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}
