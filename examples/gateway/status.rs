//! `status`: what the store knows of messages that were sent and received.

use std::fmt;

use ediint::store::{Cursor, Direction, Filter, Listed, PostState, Record, SentState};
use ediint::{MessageId, MessageStore};
use serde::Serialize;

use crate::cli::Status;
use crate::inbox::rfc3339;
use crate::station::Station;
use crate::{Result, config};

/// Records that are asked for at once.
const PAGE: usize = 500;

#[derive(Serialize)]
struct Line {
    message_id: String,
    direction: &'static str,
    station: String,
    partner: String,
    /// Of outbound messages: `sending`, `pending`, or the status that they ended with. Of inbound ones: `received`.
    state: String,
    disposition: Option<String>,
    at: String,
    attempts: u32,
    error: Option<String>,
    /// Of a receipt of ours that goes out by itself.
    receipt: Option<&'static str>,
}

pub(crate) async fn run(args: &Status) -> Result<u8> {
    let mut filter = Filter::new();
    if let Some(id) = &args.message_id {
        filter = filter.message_id(MessageId::parse(id).map_err(|error| format!("MESSAGE-ID: {error}"))?);
    }
    let station = Station::open(config::load(&args.config)?).await?;
    let lines = lines(&*station.store, &filter).await?;
    if let (Some(id), true) = (&args.message_id, lines.is_empty()) {
        return Err(format!("there is no message {id} on record").into());
    }
    if args.json {
        say!("{}", serde_json::to_string_pretty(&lines)?);
        return Ok(0);
    }
    for line in &lines {
        say!("{line}");
    }
    Ok(0)
}

/// One line for people.
impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrow = if self.direction == "outbound" { "to" } else { "from" };
        let (at, id, partner, state) = (&self.at, &self.message_id, &self.partner, &self.state);
        write!(f, "{at} {id} {arrow} {partner}: {state}")?;
        if let Some(disposition) = &self.disposition {
            write!(f, ", {disposition}")?;
        }
        if let Some(receipt) = self.receipt {
            write!(f, ", receipt {receipt}")?;
        }
        match (&self.error, self.attempts) {
            (Some(error), 0 | 1) => write!(f, " ({error})"),
            (Some(error), attempts) => write!(f, " ({error}, after {attempts} attempts)"),
            (None, _) => Ok(()),
        }
    }
}

async fn lines(store: &dyn MessageStore, filter: &Filter) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    let mut after: Option<Cursor> = None;
    loop {
        let page = store.list(filter, after, PAGE).await?;
        lines.extend(page.records.iter().map(line));
        after = page.next;
        if after.is_none() {
            return Ok(lines);
        }
    }
}

fn line(listed: &Listed) -> Line {
    let id = &listed.id;
    let message_id = id.message_id().to_string();
    match &listed.record {
        Record::Sent(sent) => Line {
            message_id,
            direction: "outbound",
            station: id.from().to_string(),
            partner: id.partner(Direction::Outbound).to_string(),
            state: match sent.state {
                SentState::AwaitingReceipt => "pending".to_owned(),
                state => state.to_string(),
            },
            disposition: sent.receipt.as_ref().and_then(|receipt| receipt.disposition.clone()),
            at: rfc3339(sent.sent_at),
            attempts: sent.attempts.made,
            error: sent.attempts.error.clone(),
            receipt: None,
        },
        Record::Received(received) => Line {
            message_id,
            direction: "inbound",
            station: id.to().to_string(),
            partner: id.partner(Direction::Inbound).to_string(),
            state: "received".to_owned(),
            disposition: received.disposition.clone(),
            at: rfc3339(received.received_at),
            attempts: received.posting.as_ref().map_or(0, |posting| posting.attempts.made),
            error: received
                .posting
                .as_ref()
                .and_then(|posting| posting.attempts.error.clone()),
            receipt: received.posting.as_ref().map(|posting| match posting.state {
                PostState::Waiting => "waiting",
                PostState::Delivered => "delivered",
                _ => "failed",
            }),
        },
    }
}
