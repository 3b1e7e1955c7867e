//! `certificates`: which there are, whose they are, and how long they last.

use std::time::{Duration, SystemTime};

use ediint::cms::Certificate;
use serde::Serialize;

use crate::Result;
use crate::cli::Listing;
use crate::config::{self, Config};
use crate::inbox::rfc3339;

const DAY: u64 = 24 * 60 * 60;

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
    let lines = lines(&config::load(&args.config)?, SystemTime::now());
    if args.json {
        println!("{}", serde_json::to_string_pretty(&lines)?);
        return Ok(0);
    }
    for line in lines {
        let left = match line.days_left {
            days @ ..0 => format!("EXPIRED {} days ago: replace it", -days),
            days @ 0..30 => format!("{days} days left: agree on a new one"),
            days => format!("{days} days left"),
        };
        println!(
            "{:<18} {:<12} {}  until {}, {left}",
            line.role, line.owner, line.subject, line.not_after
        );
        println!("{:<18} {:<12} sha256:{}", "", "", line.fingerprint);
    }
    Ok(0)
}

fn lines(config: &Config, now: SystemTime) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut add = |role, owner: &str, certificates: &[Certificate]| {
        lines.extend(certificates.iter().map(|certificate| Line {
            role,
            owner: owner.to_owned(),
            fingerprint: certificate.fingerprint_hex(),
            subject: certificate.to_string(),
            not_after: rfc3339(certificate.not_after()),
            days_left: days_left(certificate.not_after(), now),
        }));
    };
    for station in &config.stations {
        let name = station.name.as_str();
        add("message", name, std::slice::from_ref(station.identity.certificate()));
        add("message-previous", name, &station.previous);
    }
    if let Some(tls) = &config.tls {
        add("tls-server", "gateway", &tls.chain);
        add("tls-client-trust", "gateway", &tls.client_certificates);
    }
    for partner in &config.partners {
        let name = partner.name().as_str();
        add("partner-message", name, &partner.certificates);
        add("partner-tls-pin", name, &partner.pinned);
        add("partner-tls-ca", name, &partner.authorities);
        add("partner-tls-client", name, &partner.client_certificates);
        add("tls-client", partner.station().as_str(), &partner.client_certificate);
    }
    lines
}

/// Whole days; below zero once it has expired.
fn days_left(not_after: SystemTime, now: SystemTime) -> i64 {
    let days = |length: Duration| i64::try_from(length.as_secs() / DAY).unwrap_or(i64::MAX);
    match not_after.duration_since(now) {
        Ok(left) => days(left),
        Err(ago) => -days(ago.duration()) - 1,
    }
}
