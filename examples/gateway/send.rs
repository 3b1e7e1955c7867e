//! `send`: files go out, and each line says what became of one.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ediint::partnership::Partnership;
use ediint::store::ExchangeId;
use ediint::{As2Client, MessageId, MessageStore, OutboundMessage, Payload, PreparedMessage, Receipt, SendError};
use tokio::time::{sleep, timeout};

use crate::cli::Send;
use crate::config::{self, Partner};
use crate::outcome::{Outcome, Status};
use crate::progress::ShowingProgress;
use crate::station::Station;
use crate::{Result, attachments, files};

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
        partner,
        partnership,
        client: station.client(ShowingProgress(station.http.clone()))?,
        retries: if args.retry { partner.retries } else { 0 },
    };
    let batches: Vec<&[PathBuf]> = match args.attach {
        true => vec![&args.files],
        false => args.files.chunks(1).collect(),
    };
    let mut code = 0;
    for files in batches {
        let outcome = match message(&station, &args, files, message_id.clone()).await {
            Ok(message) => sender.send_and_wait(message, args.wait).await,
            Err(error) => Outcome::not_sent(&args.to, message_id.as_ref(), &*error),
        };
        code = code.max(outcome.status.exit_code());
        match args.json {
            true => println!("{}", serde_json::to_string(&outcome)?),
            false => println!("{outcome}"),
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
async fn message(
    station: &Station,
    args: &Send,
    files: &[PathBuf],
    message_id: Option<MessageId>,
) -> Result<OutboundMessage> {
    let mut message = match (files, args.attach) {
        ([file], false) => {
            let message = of_file(file).await?;
            match &args.content_type {
                Some(content_type) => message.content_type(content_type),
                None => message,
            }
        }
        _ => {
            let (files, given, spools) = (files.to_vec(), args.content_type.clone(), station.spools().clone());
            let join = move || attachments::join(&files, given.as_deref(), &spools).map_err(std::io::Error::other);
            let (body, content_type) = files::blocking(join).await?;
            OutboundMessage::new(body).content_type(content_type)
        }
    };
    if let Some(subject) = &args.subject {
        message = message.subject(subject);
    }
    Ok(match message_id {
        Some(id) => message.message_id(id),
        None => message,
    })
}

/// One message of one file.
pub(crate) async fn of_file(path: &Path) -> Result<OutboundMessage> {
    let payload = Payload::open(path).await;
    let payload = payload.map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    Ok(OutboundMessage::new(payload))
}

/// Sends to one partner.
pub(crate) struct Sender<'a> {
    pub(crate) station: &'a Station,
    pub(crate) partner: &'a Partner,
    pub(crate) partnership: Partnership,
    pub(crate) client: As2Client,
    /// Attempts after the first.
    pub(crate) retries: u32,
}

impl Sender<'_> {
    /// Sends a message, again where that may help, and keeps its receipt.
    pub(crate) async fn send(&self, message: OutboundMessage) -> Outcome {
        let prepared = match self.client.prepare(&self.partnership, message).await {
            Ok(prepared) => prepared,
            Err(error) => return Outcome::not_sent(self.partner.name().as_str(), None, &error),
        };
        let (sent, attempts) = self.transmit(&prepared).await;
        let receipt = match sent {
            Ok(receipt) => receipt,
            Err(error) => return Outcome::failed(&prepared, &error, attempts),
        };
        if receipt.mdn.is_some()
            && let Err(error) = files::keep_receipt(&self.station.path("receipts"), &receipt).await
        {
            tracing::error!("the receipt for {} was not written down: {error}", receipt.id);
        }
        Outcome::answered(&receipt, attempts)
    }

    /// The same, and where the receipt is to come later, waits for it.
    async fn send_and_wait(&self, message: OutboundMessage, wait: Option<Duration>) -> Outcome {
        let pending = self.send(message).await;
        let (Status::Pending, Some(wait), Some(id)) = (pending.status, wait, self.exchange_id(&pending)) else {
            return pending;
        };
        let late = || Outcome {
            status: Status::MissingReceipt,
            error: Some(format!("no receipt came within {wait:?}; is `gateway serve` running?")),
            ..pending.clone()
        };
        timeout(wait, self.closed(&id, &pending))
            .await
            .unwrap_or_else(|_| late())
    }

    fn exchange_id(&self, outcome: &Outcome) -> Option<ExchangeId> {
        let message_id = MessageId::parse(outcome.message_id.as_deref()?).ok()?;
        let (to, from) = (self.partner.name().clone(), self.partner.station().clone());
        Some(ExchangeId::new(to, from, message_id))
    }

    /// Waits until `serve` has taken the receipt: it closes the record, which is in the store that both share.
    pub(crate) async fn closed(&self, id: &ExchangeId, pending: &Outcome) -> Outcome {
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

    /// Every attempt sends the same octets under the same Message-ID, so that the partner recognises a copy.
    async fn transmit(&self, prepared: &PreparedMessage) -> (std::result::Result<Receipt, SendError>, u32) {
        let mut delay = self.partner.retry_delay;
        let mut attempts = 1;
        loop {
            match self.client.transmit(&self.partnership, prepared).await {
                Err(error) if error.is_transient() && attempts <= self.retries => {
                    tracing::warn!(
                        "{}: attempt {attempts} failed, again in {delay:?}: {error}",
                        prepared.id()
                    );
                }
                result => return (result, attempts),
            }
            sleep(delay).await;
            delay = delay.saturating_mul(2);
            attempts += 1;
        }
    }
}
