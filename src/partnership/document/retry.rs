use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::table::{Document, Fault};
use super::text::{AsText, as_texts, of_texts};
use crate::partnership::RetryPolicy;

/// The delays one by one, or the number of retries with the first of delays that double.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RetryTable {
    #[serde(skip_serializing_if = "Option::is_none")]
    delays: Option<Vec<AsText<Duration>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retries: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_delay: Option<AsText<Duration>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    within: Option<AsText<Duration>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jitter: Option<bool>,
}

impl Document for RetryPolicy {
    type Table = RetryTable;

    const NAME: &'static str = "retry";

    fn table(&self) -> RetryTable {
        let Self { delays, within, jitter } = self;
        RetryTable {
            delays: Some(as_texts(delays)),
            retries: None,
            first_delay: None,
            within: Some(AsText(*within)),
            jitter: Some(*jitter),
        }
    }

    fn from_table(table: RetryTable) -> Result<Self, Fault> {
        let Self { delays, within, jitter } = match (table.delays, table.retries, table.first_delay) {
            (None, None, None) => Self::default(),
            (None, Some(retries), Some(AsText(first))) => Self::exponential(first, retries.into()),
            (Some(delays), None, None) => Self::schedule(of_texts::<_, Vec<_>>(delays)),
            (None, Some(_), None) => return Err(Fault::Needs("retries", "first_delay")),
            (None, None, Some(_)) => return Err(Fault::Needs("first_delay", "retries")),
            (Some(_), ..) => return Err(Fault::Excludes("delays", "retries and first_delay")),
        };
        Ok(Self {
            delays,
            within: table.within.map_or(within, |AsText(within)| within),
            jitter: table.jitter.unwrap_or(jitter),
        })
    }
}
