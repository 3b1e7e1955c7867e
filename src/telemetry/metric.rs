//! Metrics, through the `metrics` facade where the feature is on.

/// A metric: what it is called, and the names of its labels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    #[cfg_attr(not(test), allow(dead_code, reason = "compared with the guide"))]
    pub(crate) kind: Kind,
    #[cfg_attr(not(test), allow(dead_code, reason = "compared with the guide"))]
    pub(crate) labels: &'static [&'static str],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

macro_rules! metrics_of {
    ($($kind:ident $metric:ident $name:literal [$($label:literal),*])+) => {
        $(
            pub(crate) const $metric: Metric = Metric {
                name: $name,
                kind: Kind::$kind,
                labels: &[$($label),*],
            };
        )+

        #[cfg(test)]
        pub(super) const METRICS: &[Metric] = &[$($metric),+];
    };
}

metrics_of! {
    Counter MESSAGES_SENT "ediint_messages_sent_total" ["status"]
    Counter OCTETS_SENT "ediint_octets_sent_total" []
    Counter RECEIPTS_RECEIVED "ediint_receipts_received_total" ["disposition"]
    Counter MESSAGES_RECEIVED "ediint_messages_received_total" ["outcome"]
    Counter OCTETS_RECEIVED "ediint_octets_received_total" []
    Counter RECEIPTS_MADE "ediint_receipts_made_total" ["disposition"]
    Counter RECEIPTS_SENT "ediint_receipts_sent_total" ["delivery"]
    Counter REQUESTS_REFUSED "ediint_requests_refused_total" ["status"]
    Counter DECRYPTION_FAILURES "ediint_decryption_failures_total" []
    Counter TLS_FAILURES "ediint_tls_failures_total" ["side"]
    Counter RETRIES "ediint_retries_total" ["work"]
    Gauge REQUESTS_IN_PROGRESS "ediint_requests_in_progress" []
    Gauge KEY_OPERATIONS "ediint_key_operations" []
    Gauge OUTBOX_IN_PROGRESS "ediint_outbox_in_progress" []
    Gauge OUTBOX_DEPTH "ediint_outbox_depth" []
    Gauge OUTBOX_AGE "ediint_outbox_age_seconds" []
    Histogram STAGE_SECONDS "ediint_stage_seconds" ["stage"]
}

type Labels<'a> = &'a [(&'static str, &'a str)];

/// One more.
pub(crate) fn count(metric: Metric, labels: Labels<'_>) {
    add(metric, labels, 1);
}

#[cfg(feature = "metrics")]
pub(crate) fn add(metric: Metric, labels: Labels<'_>, amount: u64) {
    metrics::counter!(metric.name, &owned(labels)).increment(amount);
}

#[cfg(feature = "metrics")]
pub(crate) fn set(metric: Metric, value: f64) {
    metrics::gauge!(metric.name).set(value);
}

/// Puts a gauge up or down.
#[cfg(feature = "metrics")]
pub(crate) fn shift(metric: Metric, by: f64) {
    metrics::gauge!(metric.name).increment(by);
}

#[cfg(feature = "metrics")]
pub(crate) fn observe(metric: Metric, labels: Labels<'_>, value: f64) {
    metrics::histogram!(metric.name, &owned(labels)).record(value);
}

#[cfg(feature = "metrics")]
fn owned(labels: Labels<'_>) -> Vec<(&'static str, String)> {
    labels
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect()
}

#[cfg(not(feature = "metrics"))]
pub(crate) const fn add(_: Metric, _: Labels<'_>, _: u64) {}

#[cfg(not(feature = "metrics"))]
pub(crate) const fn set(_: Metric, _: f64) {}

#[cfg(not(feature = "metrics"))]
pub(crate) const fn shift(_: Metric, _: f64) {}

#[cfg(not(feature = "metrics"))]
pub(crate) const fn observe(_: Metric, _: Labels<'_>, _: f64) {}
