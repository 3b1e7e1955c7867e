//! `send`: files go out, and each line says what became of one.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ediint::partnership::Partnership;
use ediint::store::{ExchangeId, SentRecord};
use ediint::{As2Client, Attachment, Entropy, MessageId, MessageStore, OutboundMessage, Payload, SystemEntropy};
use tokio::time::{sleep, timeout};

use crate::cli::Send;
use crate::config;
use crate::outcome::{Outcome, Status};
use crate::progress::ShowingProgress;
use crate::station::Station;
use crate::{Result, files};

/// How often the store is asked for a receipt.
const LOOK: Duration = Duration::from_millis(100);

pub(crate) async fn run(args: Send) -> Result<u8> {
    let message_id = check(&args)?;
    let station = Station::open(config::load(&args.config)?).await?;
    let partner = station.config.partner(&args.to, args.from.as_deref())?;
    let partnership = match args.r#async {
        true => partner.asynchronous()?,
        false => partner.partnership.clone(),
    };
    let sender = Sender {
        station: &station,
        partnership,
        client: station.client(ShowingProgress(station.http.clone()))?,
        retry: args.retry,
    };
    let batches: Vec<&[PathBuf]> = match args.attach {
        true => vec![&args.files],
        false => args.files.chunks(1).collect(),
    };
    let mut code = 0;
    for files in batches {
        let message_id = message_id
            .clone()
            .unwrap_or_else(|| MessageId::generate(partner.station().as_str(), &mut *SystemEntropy.rng()));
        let id = ExchangeId::new(partner.name().clone(), partner.station().clone(), message_id);
        let outcome = match message(&args, files).await {
            Ok(message) => sender.send_and_wait(&id, message, args.wait).await,
            Err(error) => Outcome::not_sent(&args.to, Some(id.message_id()), &*error),
        };
        code = code.max(outcome.status.exit_code());
        match args.json {
            true => say!("{}", serde_json::to_string(&outcome)?),
            false => say!("{outcome}"),
        }
    }
    Ok(code)
}

/// What is wrong with the command line is said before anything is sent.
fn check(args: &Send) -> Result<Option<MessageId>> {
    for file in &args.files {
        if !file.is_file() {
            let cause = if file.exists() {
                "is not a regular file"
            } else {
                "does not exist"
            };
            return Err(format!("{} {cause}", file.display()).into());
        }
    }
    let Some(given) = &args.message_id else {
        return Ok(None);
    };
    if args.files.len() > 1 && !args.attach {
        return Err("--message-id is for one message: send one FILE, or --attach them all".into());
    }
    match MessageId::new(given) {
        Ok(id) => Ok(Some(id)),
        Err(error) => Err(format!("--message-id: {error}").into()),
    }
}

/// One message of one file, or of several attachments.
async fn message(args: &Send, files: &[PathBuf]) -> Result<OutboundMessage> {
    let mut message = match (files, args.attach) {
        ([file], false) => of_file(file).await?,
        _ => {
            let mut attachments = Vec::new();
            for file in files {
                attachments.push(Attachment::new(open(file).await?));
            }
            OutboundMessage::with_attachments(attachments)
        }
    };
    if let Some(content_type) = &args.content_type {
        message = message.content_type(content_type);
    }
    if let Some(subject) = &args.subject {
        message = message.subject(subject);
    }
    Ok(message)
}

/// One message of one file.
pub(crate) async fn of_file(path: &Path) -> Result<OutboundMessage> {
    Ok(OutboundMessage::new(open(path).await?))
}

async fn open(path: &Path) -> Result<Payload> {
    let payload = Payload::open(path).await;
    payload.map_err(|error| format!("cannot read {}: {error}", path.display()).into())
}

/// Sends to one partner.
struct Sender<'a> {
    station: &'a Station,
    partnership: Partnership,
    client: As2Client,
    /// Whether to try again as the partnership says.
    retry: bool,
}

impl Sender<'_> {
    /// Sends a message, and where its receipt is to come later, waits for it.
    async fn send_and_wait(&self, id: &ExchangeId, message: OutboundMessage, wait: Option<Duration>) -> Outcome {
        let pending = self.send(id, message).await;
        let (Status::Pending, Some(wait)) = (pending.status, wait) else {
            return pending;
        };
        let late = || Outcome {
            status: Status::MissingReceipt,
            error: Some(format!(
                "no receipt came within {wait:?}; is `gateway serve` running, and does the partner reach receipt_url?"
            )),
            ..pending.clone()
        };
        timeout(wait, self.closed(id, &pending))
            .await
            .unwrap_or_else(|_| late())
    }

    /// Sends a message, again where that may help, and keeps its receipt.
    async fn send(&self, id: &ExchangeId, message: OutboundMessage) -> Outcome {
        let message = message.message_id(id.message_id().clone());
        let before = self.record(id).await.map_or(0, |record| record.attempts.made);
        let sent = match self.retry {
            true => self.client.send_with_retries(&self.partnership, message).await,
            false => self.client.send(&self.partnership, message).await,
        };
        let record = self.record(id).await;
        let made = record.as_ref().map_or(0, |record| record.attempts.made);
        let attempts = made.saturating_sub(before);
        let receipt = match sent {
            Ok(receipt) => receipt,
            Err(error) => return Outcome::failed(id, &error, record.as_ref(), attempts),
        };
        if receipt.mdn.is_some() {
            let receipts = self.station.path("receipts");
            if let Err(error) = files::keep_receipt(&receipts, id, receipt.to_bytes()).await {
                tracing::error!("the receipt for {id} was not written down: {error}");
            }
        }
        Outcome::answered(&receipt, attempts)
    }

    /// What the store has, for the number of attempts.
    async fn record(&self, id: &ExchangeId) -> Option<SentRecord> {
        // Sending tells whether the store works.
        self.station.store.find_sent(id).await.ok().flatten()
    }

    /// Waits until `serve` has taken the receipt: it closes the record, which is in the store that both share.
    async fn closed(&self, id: &ExchangeId, pending: &Outcome) -> Outcome {
        loop {
            match self.station.store.find_sent(id).await {
                Ok(Some(record)) => {
                    if let Some(outcome) = Outcome::recorded(pending, &record) {
                        return outcome;
                    }
                }
                Ok(None) => {}
                Err(error) => tracing::warn!("cannot look for the receipt: {error}"),
            }
            sleep(LOOK).await;
        }
    }
}
