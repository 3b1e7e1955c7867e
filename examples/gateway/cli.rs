//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

/// A small AS2 station.
#[derive(Parser)]
#[command(name = "gateway", version)]
pub(crate) struct Cli {
    /// Log what the crate does, not only what becomes of messages
    #[arg(long, global = true)]
    pub(crate) verbose: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make a runnable pair of stations, alice and bob, with fresh keys
    Init(Init),
    /// Receive messages, send what is dropped into the outbox
    Serve(Serve),
    /// Send files and wait for their receipts
    Send(Send),
    /// Try the way to a partner step by step, without business data
    TestPartner(TestPartner),
    /// Explain a captured message or receipt: its layers, keys, signers, MICs, and what becomes of it
    Inspect(Inspect),
    /// Show what is pending, sent, received and failed
    Status(Status),
    /// List every certificate with its role and the days that it is still valid
    Certificates(Listing),
}

#[derive(Args)]
pub(crate) struct Init {
    /// An empty directory, or one that does not exist yet
    pub(crate) dir: PathBuf,
    /// The first of four ports on 127.0.0.1: HTTP and HTTPS of alice, HTTP and HTTPS of bob
    #[arg(long, value_name = "N", default_value_t = 4080, value_parser = clap::value_parser!(u16).range(1..=65532))]
    pub(crate) base_port: u16,
}

#[derive(Args)]
pub(crate) struct Serve {
    /// The configuration file
    pub(crate) config: PathBuf,
}

#[derive(Args)]
pub(crate) struct Send {
    /// The configuration file
    pub(crate) config: PathBuf,
    /// The files, one message each
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The AS2 name of the partner
    #[arg(long, value_name = "PARTNER")]
    pub(crate) to: String,
    /// The AS2 name of our station, where several have a partner of that name
    #[arg(long, value_name = "STATION")]
    pub(crate) from: Option<String>,
    /// Send one message with all the files as its attachments
    #[arg(long)]
    pub(crate) attach: bool,
    /// The MIME type of the files [default: by the ending of their names]
    #[arg(long, value_name = "TYPE")]
    pub(crate) content_type: Option<String>,
    /// The subject
    #[arg(long)]
    pub(crate) subject: Option<String>,
    /// The Message-ID, for one message only [default: a fresh one]
    #[arg(long, value_name = "ID")]
    pub(crate) message_id: Option<String>,
    /// Ask for a receipt that comes back later, to receipt_url of the partner
    #[arg(long)]
    pub(crate) r#async: bool,
    /// How long to wait for receipts that come back later
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) wait: Option<Duration>,
    /// Try again as retries and retry_delay of the partner say
    #[arg(long)]
    pub(crate) retry: bool,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct TestPartner {
    /// The configuration file
    pub(crate) config: PathBuf,
    /// The AS2 name of the partner
    pub(crate) partner: String,
    /// The AS2 name of our station, where several have a partner of that name
    #[arg(long, value_name = "STATION")]
    pub(crate) from: Option<String>,
    /// JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct Inspect {
    /// The configuration file
    pub(crate) config: PathBuf,
    /// A file: the HTTP head, an empty line, the body
    pub(crate) message: PathBuf,
    /// The file that was sent, for a receipt that returns another MIC [default: what the outbox has sent under that id]
    #[arg(long, value_name = "FILE")]
    pub(crate) original: Option<PathBuf>,
    /// JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct Status {
    /// The configuration file
    pub(crate) config: PathBuf,
    /// Only this message
    #[arg(value_name = "MESSAGE-ID")]
    pub(crate) message_id: Option<String>,
    /// JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct Listing {
    /// The configuration file
    pub(crate) config: PathBuf,
    /// JSON
    #[arg(long)]
    pub(crate) json: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}
