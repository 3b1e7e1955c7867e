//! What is said against the page of the guide that lists it.

use std::collections::{BTreeMap, BTreeSet};

use metrics_util::MetricKind;
use metrics_util::debugging::Snapshotter;

use crate::log::Log;

const GUIDE: &str = include_str!("../../src/guide/observability.md");

/// What a host is not told by its names: of which message, and in words.
const WORDS: [&str; 1] = ["message"];

/// The rows of so many cells in the tables of a section.
fn rows<const CELLS: usize>(section: &str) -> Vec<[&'static str; CELLS]> {
    let text = GUIDE.split(&format!("\n# {section}\n")).nth(1).unwrap();
    let text = text.split("\n# ").next().unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let cells = |line: &'static str| -> Vec<_> { line.trim_matches('|').split('|').map(str::trim).collect() };
    rows.filter_map(|line| cells(line).try_into().ok()).collect()
}

/// What stands in backticks.
fn names(cell: &'static str) -> BTreeSet<&'static str> {
    cell.split('`').skip(1).step_by(2).collect()
}

fn name(cell: &'static str) -> &'static str {
    cell.split('`').nth(1).unwrap()
}

/// Every span, event and metric with its fields, labels and their values; that all of it is told is for the compiler to see,
/// which knows no other names.
pub(crate) fn all_is_listed(log: &Log, snapshotter: &Snapshotter) {
    let spans: BTreeMap<_, _> = rows("Spans")
        .into_iter()
        .map(|[span, level, fields, _]| (name(span), (level.to_uppercase(), names(fields))))
        .collect();
    let mut seen = BTreeSet::new();
    for span in log
        .all_spans()
        .iter()
        .filter(|span| span["target"].starts_with("ediint"))
    {
        let (level, fields) = &spans
            .get(span["span"].as_str())
            .unwrap_or_else(|| panic!("{span:?} is not listed"));
        assert_eq!((span["target"].as_str(), &span["level"]), ("ediint", level), "{span:?}");
        for field in span
            .names()
            .filter(|field| !["span", "target", "level"].contains(field))
        {
            assert!(fields.contains(field), "{field} of {span:?} is not listed");
        }
        seen.insert(span["span"].clone());
    }
    assert_eq!(seen.len(), spans.len(), "{seen:?}");

    let events: BTreeMap<_, _> = rows("Events")
        .into_iter()
        .map(|[event, level, _]| (name(event), level.to_uppercase()))
        .collect();
    let fields: BTreeSet<_> = rows("Events").into_iter().flat_map(|[field, _]| names(field)).collect();
    for event in log
        .all_events()
        .iter()
        .filter(|event| event["target"] == "ediint::audit")
    {
        let level = events.get(event["event"].as_str());
        assert_eq!(level, Some(&event["level"]), "{event:?}");
        for field in event.names().filter(|field| !["target", "level"].contains(field)) {
            assert!(
                fields.contains(field) || WORDS.contains(&field),
                "{field} of {event:?} is not listed"
            );
        }
    }

    let listed = rows("Metrics");
    let metrics: BTreeMap<_, _> = listed
        .iter()
        .map(|[metric, kind, labels, _]| (name(metric), (*kind, names(labels))))
        .collect();
    let stages = rows("Stages").into_iter().map(|[stage, _]| name(stage));
    let values: BTreeSet<_> = listed.iter().flat_map(|[.., what]| names(what)).chain(stages).collect();
    let mut seen = BTreeSet::new();
    for (key, ..) in snapshotter.snapshot().into_vec() {
        let kind = match key.kind() {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
            MetricKind::Histogram => "histogram",
        };
        let (listed_kind, labels) = metrics
            .get(key.key().name())
            .unwrap_or_else(|| panic!("{key:?} is not listed"));
        assert_eq!(*listed_kind, kind, "{key:?}");
        assert_eq!(key.key().labels().len(), labels.len(), "{key:?}");
        for label in key.key().labels() {
            assert!(labels.contains(label.key()), "{key:?}");
            let value = label.value();
            let of_http = label.key() == "status" && value.parse::<u16>().is_ok();
            assert!(of_http || values.contains(value), "{value} of {key:?} is not listed");
        }
        seen.insert(key.key().name().to_owned());
    }
    let unseen: Vec<_> = metrics.keys().filter(|name| !seen.contains(**name)).collect();
    assert!(unseen.is_empty(), "{unseen:?}");
}
