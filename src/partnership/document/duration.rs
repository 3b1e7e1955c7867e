//! Durations as text: numbers with units, as in `30s`, `500ms`, `1h30m`.

use std::time::Duration;

use super::text::{Misread, Text};

/// The units in nanoseconds, the greatest first.
const UNITS: [(&str, u128); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

impl Text for Duration {
    fn expected() -> String {
        "a duration: numbers with the units d, h, m, s, ms, us or ns, as in \"30s\" or \"1h30m\"".to_owned()
    }

    fn read(text: &str) -> Result<Self, Misread> {
        duration(text).ok_or(Misread::Unexpected)
    }

    fn write(&self) -> String {
        let nanoseconds = self.as_nanos();
        let exact = UNITS
            .iter()
            .find(|(_, unit)| nanoseconds > 0 && nanoseconds.is_multiple_of(*unit));
        match exact {
            Some((name, unit)) => format!("{}{name}", nanoseconds / unit),
            None => "0s".to_owned(),
        }
    }
}

fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut sum: u128 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, behind) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let (unit, behind) = behind.split_at(behind.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(behind.len()));
        let (_, unit) = UNITS.iter().find(|(name, _)| *name == unit)?;
        sum = sum.checked_add(number.parse::<u128>().ok()?.checked_mul(*unit)?)?;
        rest = behind.trim_start();
    }
    let seconds = u64::try_from(sum / 1_000_000_000).ok()?;
    let nanoseconds = u32::try_from(sum % 1_000_000_000).ok()?;
    Some(Duration::new(seconds, nanoseconds))
}
