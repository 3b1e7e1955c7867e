//! A small AS2 station on nothing but the public API: `cargo run --example gateway -- init demo`, then what that prints.
//!
//! `init` makes two stations that know each other; `serve` receives, delivers to `inbox/` and sends what is dropped into
//! `outbox/`; `send` sends a file and says what became of it. Read [`station`] first: it shows how configuration, keys,
//! partners and the store become a client and a receiver. Then [`send`] and [`serve`].

/// Prints a line of the result.
macro_rules! say {
    ($($text:tt)*) => {
        $crate::outcome::say(format_args!($($text)*))?
    };
}

mod advice;
mod certificates;
mod cli;
mod config;
mod database;
mod files;
#[path = "../support/identity.rs"]
mod identity;
mod inbox;
mod init;
mod inspect;
mod outbox;
mod outcome;
mod progress;
mod send;
mod serve;
mod station;
mod status;
mod test_partner;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{fmt, registry};

use cli::{Cli, Command};

/// Everything that ends a command with exit code 1: usage and configuration.
type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Help and version are no errors; everything else here is usage.
        Err(error) => {
            let code = if error.use_stderr() { 1 } else { 0 };
            return match error.print() {
                Ok(()) => ExitCode::from(code),
                Err(_) => ExitCode::FAILURE,
            };
        }
    };
    let log = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false);
    registry().with(log.with_filter(told(&cli))).init();
    match run(cli.command).await {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("gateway: {}", outcome::chain(&*error));
            ExitCode::FAILURE
        }
    }
}

/// What is logged. The crate's audit trail says what becomes of each message, and all that its spans say; the other
/// commands print that as their result.
fn told(cli: &Cli) -> Targets {
    match (cli.verbose, &cli.command) {
        (true, _) => Targets::new().with_default(LevelFilter::DEBUG),
        (false, Command::Serve(_)) => Targets::new()
            .with_default(LevelFilter::INFO)
            .with_target("ediint", LevelFilter::WARN)
            .with_target("ediint::audit", LevelFilter::INFO),
        (false, _) => Targets::new()
            .with_default(LevelFilter::WARN)
            .with_target("ediint::audit", LevelFilter::OFF),
    }
}

async fn run(command: Command) -> Result<u8> {
    match command {
        Command::Init(args) => init::run(&args),
        Command::Serve(args) => serve::run(&args).await,
        Command::Send(args) => send::run(args).await,
        Command::TestPartner(args) => test_partner::run(&args).await,
        Command::Inspect(args) => inspect::run(&args).await,
        Command::Status(args) => status::run(&args).await,
        Command::Certificates(args) => certificates::run(&args),
    }
}
