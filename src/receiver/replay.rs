//! Messages that were recorded and are sent again (RFC 4130 §9.3; SEC-44).

use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use crate::cms::{Certificate, signature_value};
use crate::envelope::SignatureFound;

/// What is done about messages that somebody recorded and sends again, beyond telling duplicates by their Message-ID:
/// nothing that is signed covers the Message-ID, so a recorded message passes under another one. All of it is off by
/// default, for it takes clocks that agree, or senders that never sign twice within a second.
///
/// Duplicates are told for as long as the message store keeps its records, so a recorded message passes after that. A
/// [`max_age`](Self::max_age) below that retention closes the gap.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplayRules {
    max_age: Option<Duration>,
    skew: Duration,
    each_signature_once: bool,
}

impl Default for ReplayRules {
    fn default() -> Self {
        Self {
            max_age: None,
            skew: Duration::from_secs(300),
            each_signature_once: false,
        }
    }
}

impl ReplayRules {
    /// No rules.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Refuses messages that were signed longer ago than this: retries of old messages too. What counts is the signing
    /// time or, for messages without one, the `Date`, which anybody can change; messages with neither pass.
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// How far apart the clocks may be (default 5 min): that much older a message may be, and that much in the future.
    #[must_use]
    pub fn clock_skew(mut self, skew: Duration) -> Self {
        self.skew = skew;
        self
    }

    /// Answers a signature that was delivered under another Message-ID as a duplicate. It counts for signatures with a
    /// signing time: without one, an equal document has an equal signature.
    #[must_use]
    pub fn each_signature_once(mut self) -> Self {
        self.each_signature_once = true;
        self
    }

    /// Whether a message is of the time that it says.
    pub(super) fn is_timely(&self, signed: Option<SystemTime>, date: Option<&str>, now: SystemTime) -> bool {
        let Some(max_age) = self.max_age else { return true };
        let Some(made) = signed.or_else(|| date.and_then(parse_date)) else {
            return true;
        };
        match now.duration_since(made) {
            Ok(age) => age <= max_age.saturating_add(self.skew),
            Err(early) => early.duration() <= self.skew,
        }
    }

    /// What a signature is known by, where it must not come twice.
    pub(super) fn signature_key(
        &self,
        found: Option<&SignatureFound>,
        signer: Option<&Certificate>,
        signed: Option<SystemTime>,
    ) -> Option<[u8; 32]> {
        let (found, signer, _) = (found?, signer?, signed?);
        let value = self
            .each_signature_once
            .then(|| signature_value(&found.signer_infos, signer))??;
        Some(Sha256::digest(value).into())
    }
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// A date of RFC 5322 §3.3; the day of the week is not looked at.
fn parse_date(text: &str) -> Option<SystemTime> {
    let text = text.split_once(',').map_or(text, |(_, date)| date);
    let mut words = text.split_ascii_whitespace();
    let (day, month, year) = (words.next()?, words.next()?, words.next()?);
    let (time, zone) = (words.next()?, words.next()?);
    let mut numbers = time.splitn(3, ':');
    let (hour, minute) = (numbers.next()?, numbers.next()?);
    let second = numbers.next().unwrap_or("0");
    let month = MONTHS.iter().zip(1..).find(|(name, _)| **name == month)?.1;
    let local = der::DateTime::new(
        year.parse().ok()?,
        month,
        day.parse().ok()?,
        hour.parse().ok()?,
        minute.parse().ok()?,
        second.parse().ok()?,
    );
    let local = local.ok()?.to_system_time();
    if matches!(zone, "GMT" | "UT" | "UTC" | "Z") {
        return Some(local);
    }
    let (sign, digits) = zone.split_at_checked(1)?;
    let (hours, minutes) = digits.split_at_checked(2).filter(|_| digits.len() == 4)?;
    let minutes = hours.parse::<u64>().ok()? * 60 + minutes.parse::<u64>().ok()?;
    let offset = Duration::from_secs(minutes * 60);
    match sign {
        "+" => local.checked_sub(offset),
        "-" => local.checked_add(offset),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
