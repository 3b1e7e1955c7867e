//! What became of a message that was sent, in the words of the command line.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};

use ediint::envelope::Decoder;
use ediint::mdn::Mdn;
use ediint::mime::HeaderReader;
use ediint::partnership::AcceptPolicy;
use ediint::store::{ExchangeId, SentOutcome, SentRecord, SentState};
use ediint::transport::TransportError;
use ediint::{Limits, MessageId, Receipt, ReceiptStatus, SendError};
use http::StatusCode;
use serde::Serialize;

use crate::advice;

/// How sending a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Status {
    Accepted,
    Warning,
    NoReceiptRequested,
    Pending,
    Rejected,
    TransportError,
    MissingReceipt,
    InvalidReceipt,
    MicMismatch,
    /// It did not get as far as the network: usage, configuration, or our own disk.
    NotSent,
}

impl Status {
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Accepted | Self::Warning | Self::NoReceiptRequested | Self::Pending => 0,
            Self::NotSent => 1,
            Self::Rejected => 2,
            Self::TransportError => 3,
            Self::MissingReceipt | Self::InvalidReceipt | Self::MicMismatch => 4,
        }
    }

    pub(crate) fn is_success(self) -> bool {
        self.exit_code() == 0
    }

    fn of(receipt: &Receipt) -> Self {
        match &receipt.status {
            ReceiptStatus::Accepted { .. } | ReceiptStatus::AcceptedWithoutMic => Self::Accepted,
            ReceiptStatus::Warning { mic_matched: true, .. } => Self::Warning,
            ReceiptStatus::Warning { .. } if needs_no_mic(receipt.signer.is_some(), receipt.mdn.as_ref()) => {
                Self::Warning
            }
            ReceiptStatus::Warning { .. }
            | ReceiptStatus::MissingMic
            | ReceiptStatus::UnusableMic { .. }
            | ReceiptStatus::MicMismatch { .. } => Self::MicMismatch,
            ReceiptStatus::NotRequested => Self::NoReceiptRequested,
            ReceiptStatus::Pending => Self::Pending,
            ReceiptStatus::Rejected(_) => Self::Rejected,
            ReceiptStatus::Missing => Self::MissingReceipt,
            // Whatever is new is at least no confirmation.
            _ => Self::InvalidReceipt,
        }
    }
}

/// An unsigned receipt need not return a digest. One that it does return has to be right.
fn needs_no_mic(signed: bool, mdn: Option<&Mdn>) -> bool {
    !signed && mdn.is_some_and(|mdn| mdn.received_content_mic().is_none())
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// The result of sending one message: a line of `send`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) message_id: Option<String>,
    pub(crate) partner: String,
    pub(crate) status: Status,
    pub(crate) disposition: Option<String>,
    pub(crate) mic_sent: Option<String>,
    pub(crate) mic_received: Option<String>,
    pub(crate) receipt_signed: bool,
    pub(crate) attempts: u32,
    pub(crate) http_status: Option<u16>,
    pub(crate) error: Option<String>,
}

impl Outcome {
    /// A message of which nothing more is known than its id.
    pub(crate) fn unknown(id: &ExchangeId) -> Self {
        Self {
            message_id: Some(id.message_id().to_string()),
            partner: id.to().to_string(),
            status: Status::Pending,
            disposition: None,
            mic_sent: None,
            mic_received: None,
            receipt_signed: false,
            attempts: 0,
            http_status: None,
            error: None,
        }
    }

    /// Nothing was sent.
    pub(crate) fn not_sent(partner: &str, id: Option<&MessageId>, error: &(dyn Error + 'static)) -> Self {
        Self {
            message_id: id.map(ToString::to_string),
            partner: partner.to_owned(),
            status: Status::NotSent,
            disposition: None,
            mic_sent: None,
            mic_received: None,
            receipt_signed: false,
            attempts: 0,
            http_status: None,
            error: Some(chain(error)),
        }
    }

    /// The partner answered.
    pub(crate) fn answered(receipt: &Receipt, attempts: u32) -> Self {
        let status = Status::of(receipt);
        let mdn = receipt.mdn.as_ref();
        let ours = receipt.mics.first();
        let theirs = ours.and_then(|ours| mdn?.mic(ours.algorithm()).ok().flatten());
        let ours = theirs
            .as_ref()
            .and_then(|theirs| receipt.mics.get(theirs.algorithm()))
            .or(ours);
        Self {
            message_id: Some(receipt.message_id().to_string()),
            partner: receipt.id.to().to_string(),
            status,
            disposition: receipt.disposition().map(ToString::to_string),
            mic_sent: ours.map(ToString::to_string),
            mic_received: theirs.map(|mic| mic.to_string()),
            receipt_signed: receipt.signer.is_some(),
            // A record that was closed before counts no more, and there is an answer.
            attempts: attempts.max(1),
            http_status: receipt.http_status.map(|status| status.as_u16()),
            error: match status {
                Status::Accepted | Status::NoReceiptRequested | Status::Pending => None,
                _ => Some(match advice::on_receipt(&receipt.status) {
                    Some(advice) => format!("{}. {advice}", receipt.status),
                    None => receipt.status.to_string(),
                }),
            },
        }
    }

    /// What is on record of a message whose receipt came later; none while it is to come.
    pub(crate) fn recorded(sent: &Self, record: &SentRecord) -> Option<Self> {
        let SentState::Closed(outcome) = record.state else {
            return None;
        };
        let receipt = record.receipt.as_ref();
        let signed = receipt.is_some_and(|receipt| receipt.signer.is_some());
        let report = receipt.and_then(|receipt| report(&receipt.octets));
        let theirs = report.as_ref();
        let theirs = theirs.and_then(|mdn| mdn.mic(record.requested_digest).ok().flatten());
        let ours = theirs.as_ref().and_then(|theirs| record.mics.get(theirs.algorithm()));
        let matched = theirs.is_some() && ours == theirs.as_ref();
        let status = match outcome {
            SentOutcome::Accepted => Status::Accepted,
            SentOutcome::Warning if matched || needs_no_mic(signed, report.as_ref()) => Status::Warning,
            SentOutcome::Warning => Status::MicMismatch,
            SentOutcome::Rejected => Status::Rejected,
            SentOutcome::MicMismatch => Status::MicMismatch,
            SentOutcome::MissingReceipt | SentOutcome::Expired => Status::MissingReceipt,
            SentOutcome::NoReceiptRequested => Status::NoReceiptRequested,
            SentOutcome::Failed => Status::TransportError,
            _ => Status::InvalidReceipt,
        };
        Some(Self {
            status,
            disposition: receipt.and_then(|receipt| receipt.disposition.clone()),
            mic_sent: ours.map(ToString::to_string).or_else(|| sent.mic_sent.clone()),
            mic_received: theirs.as_ref().map(ToString::to_string),
            receipt_signed: signed,
            attempts: sent.attempts.max(record.attempts.made),
            error: match status {
                Status::Accepted | Status::NoReceiptRequested => None,
                _ => record
                    .attempts
                    .error
                    .clone()
                    .or_else(|| Some(format!("the receipt says: {status}"))),
            },
            ..sent.clone()
        })
    }

    /// The message could not be sent, or nobody knows whether it arrived, or what the partner answered.
    pub(crate) fn failed(id: &ExchangeId, error: &SendError, record: Option<&SentRecord>, attempts: u32) -> Self {
        let status = match error {
            // It has arrived. What came back is no receipt, or cannot be looked into.
            SendError::Transport(TransportError::ResponseTooLarge { .. })
            | SendError::Receipt(_)
            | SendError::KeyStore(_) => Status::InvalidReceipt,
            SendError::Transport(_) | SendError::Status(_) | SendError::Request(_) => Status::TransportError,
            _ => Status::NotSent,
        };
        let http_status: Option<StatusCode> = match error {
            SendError::Status(refused) => Some(refused.status),
            _ => None,
        };
        let mic = record.and_then(|record| record.mics.first().map(ToString::to_string));
        Self {
            status,
            mic_sent: mic.filter(|_| status != Status::NotSent),
            attempts: attempts.max((status != Status::NotSent).into()),
            http_status: http_status.map(|status| status.as_u16()),
            error: Some(match advice::on_sending(error) {
                Some(advice) => format!("{}; {advice}", chain(error)),
                None => chain(error),
            }),
            ..Self::not_sent(id.to().as_str(), Some(id.message_id()), error)
        }
    }
}

/// The report within a receipt that was verified when it came: header fields, an empty line, the body.
fn report(receipt: &[u8]) -> Option<Mdn> {
    let limits = Limits::default();
    let mut body = receipt;
    let head = HeaderReader::new(&limits).read(&mut body).ok()??;
    let mut decoder = Decoder::new(head, &[], AcceptPolicy::new(), limits.clone());
    let mut report = Vec::new();
    decoder.update(body, &mut report).ok()?;
    let decoded = decoder.finish(&mut report).ok()?;
    Mdn::parse(&decoded.payload_head?, &report, &limits).ok()
}

/// One line for people.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.message_id.as_deref().unwrap_or("a message");
        write!(f, "{id} to {}: {}", self.partner, self.status)?;
        if let Some(disposition) = &self.disposition {
            write!(f, ", {disposition}")?;
        }
        if let (Status::Accepted, Some(mic)) = (self.status, &self.mic_received) {
            let signed = if self.receipt_signed {
                "signed receipt"
            } else {
                "unsigned receipt"
            };
            write!(f, ", {signed}, MIC {mic}")?;
        }
        if self.attempts > 1 {
            write!(f, ", {} attempts", self.attempts)?;
        }
        self.error.as_ref().map_or(Ok(()), |error| write!(f, " ({error})"))
    }
}

/// Prints a line, unless whoever read them has gone: `gateway status ... | head` is no reason to fail.
pub(crate) fn say(line: fmt::Arguments<'_>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed,
    }
}

/// An error with everything that caused it, on one line.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let more = cause.to_string();
        // Transparent errors say what their source says.
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        source = cause.source();
    }
    text
}
