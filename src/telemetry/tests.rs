use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::{event, metric, span};

const GUIDE: &str = include_str!("../guide/observability.md");

/// The cells of the tables of a section, without their heads.
fn rows(section: &str) -> Vec<Vec<String>> {
    let start = GUIDE.find(&format!("\n# {section}\n")).unwrap() + 3;
    let text = &GUIDE[start..];
    let text = text.find("\n# ").map_or(text, |end| &text[..end]);
    let cells = |line: &str| {
        line.trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().to_owned())
            .collect()
    };
    text.lines().filter(|line| line.starts_with("| `")).map(cells).collect()
}

/// What stands in backticks.
fn names(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_guide_lists_all_spans() {
    let listed: Vec<_> = rows("Spans")
        .iter()
        .map(|row| (names(&row[0]).remove(0), names(&row[2])))
        .collect();
    let here: Vec<_> = span::SPANS
        .iter()
        .map(|(name, fields)| {
            (
                (*name).to_owned(),
                fields.iter().map(|field| (*field).to_owned()).collect(),
            )
        })
        .collect();
    assert_eq!(listed, here);
}

#[test]
fn the_guide_lists_all_events_and_their_fields() {
    let (events, fields): (Vec<_>, Vec<_>) = rows("Events").into_iter().partition(|row| row.len() == 3);
    let listed: Vec<_> = events
        .iter()
        .map(|row| (names(&row[0]).remove(0), row[1].to_uppercase()))
        .collect();
    let here = event::EventName::ALL
        .iter()
        .map(|(name, level)| ((*name).to_owned(), level.to_string()));
    assert_eq!(listed, here.collect::<Vec<_>>());
    let listed: Vec<_> = fields.iter().flat_map(|row| names(&row[0])).collect();
    assert_eq!(listed, event::FIELDS);
}

#[test]
fn the_guide_lists_all_metrics() {
    let listed = rows("Metrics")
        .into_iter()
        .map(|row| (names(&row[0]).remove(0), row[1].clone(), names(&row[2])));
    let here = metric::METRICS.iter().map(|metric| {
        let labels = metric.labels.iter().map(|label| (*label).to_owned()).collect();
        (
            metric.name.to_owned(),
            format!("{:?}", metric.kind).to_lowercase(),
            labels,
        )
    });
    assert_eq!(listed.collect::<Vec<_>>(), here.collect::<Vec<(_, _, Vec<_>)>>());
}

/// The sources of the crate, without this room.
fn sources() -> Vec<String> {
    let mut directories = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut sources = Vec::new();
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true if path.ends_with("telemetry") => {}
                true => directories.push(path),
                false => sources.push(fs::read_to_string(path).unwrap()),
            }
        }
    }
    sources
}

#[test]
fn the_guide_lists_all_stages() {
    let listed: BTreeSet<_> = rows("Stages").iter().map(|row| names(&row[0]).remove(0)).collect();
    let mut here = BTreeSet::new();
    for source in sources() {
        for call in ["telemetry::staged(\"", "telemetry::timed(\""] {
            let named = source.split(call).skip(1).filter_map(|rest| rest.split('"').next());
            here.extend(named.map(str::to_owned));
        }
    }
    assert_eq!(listed, here);
}

/// So that the lists are complete.
#[test]
fn spans_and_metrics_are_made_in_one_place() {
    for source in sources() {
        for other in ["_span!(", "::span!(", "counter!(", "gauge!(", "histogram!("] {
            assert!(!source.contains(other), "{other} belongs into telemetry");
        }
    }
}
