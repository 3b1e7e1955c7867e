//! A subscriber that keeps all.

use std::collections::{BTreeMap, HashMap};
use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Names and values; empty for what is not there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(BTreeMap<String, String>);

impl std::ops::Index<&str> for Fields {
    type Output = String;

    fn index(&self, name: &str) -> &String {
        static NOTHING: String = String::new();
        self.0.get(name).unwrap_or(&NOTHING)
    }
}

impl Fields {
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    fn of(metadata: &Metadata<'_>) -> Self {
        let texts = [("target", metadata.target()), ("level", metadata.level().as_str())];
        Self(texts.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

#[derive(Debug, Default)]
struct Kept {
    next: AtomicU64,
    spans: Mutex<HashMap<u64, Fields>>,
    events: Mutex<Vec<Fields>>,
    lines: Mutex<String>,
}

/// All that this process says through `tracing`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Kept>);

impl Log {
    pub(crate) fn install() -> Self {
        let log = Self::default();
        tracing::subscriber::set_global_default(log.clone()).unwrap();
        log
    }

    /// The audit events about a message.
    pub(crate) fn of(&self, message_id: &str) -> Vec<Fields> {
        let events = self.0.events.lock().unwrap();
        events
            .iter()
            .filter(|event| event["message_id"] == message_id)
            .cloned()
            .collect()
    }

    pub(crate) fn spans(&self, message_id: &str) -> Vec<Fields> {
        let spans = self.0.spans.lock().unwrap();
        spans
            .values()
            .filter(|span| span["message_id"] == message_id)
            .cloned()
            .collect()
    }

    pub(crate) fn all_spans(&self) -> Vec<Fields> {
        self.0.spans.lock().unwrap().values().cloned().collect()
    }

    pub(crate) fn all_events(&self) -> Vec<Fields> {
        self.0.events.lock().unwrap().clone()
    }

    /// Everything, one line each.
    pub(crate) fn lines(&self) -> String {
        self.0.lines.lock().unwrap().clone()
    }

    pub(crate) async fn wait_for(&self, message_id: &str, event: &str) {
        for _ in 0..6000 {
            if self.of(message_id).iter().any(|told| told["event"] == event) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{event} is not among {:?}", self.of(message_id));
    }

    fn line(&self, fields: &Fields) {
        let mut lines = self.0.lines.lock().unwrap();
        for (name, value) in &fields.0 {
            write!(lines, " {name}={value:?}").unwrap();
        }
        lines.push('\n');
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed) + 1;
        let mut fields = Fields::of(attributes.metadata());
        fields
            .0
            .insert("span".to_owned(), attributes.metadata().name().to_owned());
        attributes.record(&mut fields);
        self.line(&fields);
        self.0.spans.lock().unwrap().insert(id, fields);
        Id::from_u64(id)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        self.line(&fields);
        if let Some(span) = self.0.spans.lock().unwrap().get_mut(&span.into_u64()) {
            span.0.extend(fields.0);
        }
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::of(event.metadata());
        event.record(&mut fields);
        self.line(&fields);
        self.0.events.lock().unwrap().push(fields);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
