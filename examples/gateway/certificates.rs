//! `certificates`: which there are, whose they are, and how long they last.

use std::time::SystemTime;

use ediint::keystore::ExpiryReport;
use serde::Serialize;

use crate::Result;
use crate::cli::Listing;
use crate::config::{self, Config};
use crate::inbox::rfc3339;

#[derive(Serialize)]
struct Line {
    role: &'static str,
    owner: String,
    fingerprint: String,
    subject: String,
    not_after: String,
    days_left: i64,
}

pub(crate) fn run(args: &Listing) -> Result<u8> {
    let report = report(&config::load(&args.config)?)?;
    let lines = report.entries().iter().map(|one| Line {
        role: one.role.as_str(),
        owner: one.owner.to_string(),
        fingerprint: one.certificate.fingerprint_hex(),
        subject: one.certificate.to_string(),
        not_after: rfc3339(one.certificate.not_after()),
        days_left: one.days_left(report.now()),
    });
    let lines: Vec<_> = lines.collect();
    if args.json {
        say!("{}", serde_json::to_string_pretty(&lines)?);
        return Ok(0);
    }
    for line in lines {
        let left = match line.days_left {
            days @ ..0 => format!("EXPIRED {} days ago: replace it", -days),
            days @ 0..30 => format!("{days} days left: agree on a new one"),
            days => format!("{days} days left"),
        };
        say!(
            "{:<18} {:<12} {}  until {}, {left}",
            line.role,
            line.owner,
            line.subject,
            line.not_after
        );
        say!("{:<18} {:<12} sha256:{}", "", "", line.fingerprint);
    }
    for one in report.shared_with_tls() {
        say!(
            "The {} certificate of {} ({}) serves TLS and messages both: give TLS a key of its own.",
            one.role,
            one.owner,
            one.certificate
        );
    }
    Ok(0)
}

/// Those that expire first come first; what several partners are shown is listed once.
fn report(config: &Config) -> Result<ExpiryReport> {
    let keys = config.key_store();
    let mut uses = keys.certificates();
    let partners = config.partners.iter().flat_map(|partner| partner.tls.iter().cloned());
    for one in config.tls_certificates()?.into_iter().chain(partners) {
        if !uses.contains(&one) {
            uses.push(one);
        }
    }
    Ok(ExpiryReport::new(uses, SystemTime::now()))
}
