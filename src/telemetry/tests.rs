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
