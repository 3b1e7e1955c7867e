//! The `.conf` beside a key or certificate.

use std::str::FromStr;
use std::time::SystemTime;

use der::DateTime;

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) active_from: Option<SystemTime>,
    pub(super) active_until: Option<SystemTime>,
    pub(super) retained_until: Option<SystemTime>,
    pub(super) usage: Option<String>,
    pub(super) paired_with: Option<String>,
}

/// What is wrong with a line of a `.conf`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// Not `name = value`.
    #[error("line {0} is not `name = value`")]
    Line(usize),
    /// Not one of the names.
    #[error("line {0}: there is no setting {1:?}, but active-from, active-until, retained-until, use and paired-with")]
    Name(usize, String),
    /// Not a time.
    #[error("line {0}: {1:?} is no time like 2026-12-01 or 2026-12-01T00:00:00Z")]
    Time(usize, String),
}

impl Settings {
    pub(super) fn parse(text: &str) -> Result<Self, SettingsError> {
        let mut settings = Self::default();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let (name, value) = line.split_once('=').ok_or(SettingsError::Line(number))?;
            let value = value.trim().trim_matches('"');
            let time = || time(value).ok_or_else(|| SettingsError::Time(number, value.to_owned()));
            match name.trim() {
                "active-from" => settings.active_from = Some(time()?),
                "active-until" => settings.active_until = Some(time()?),
                "retained-until" => settings.retained_until = Some(time()?),
                "use" => settings.usage = Some(value.to_owned()),
                "paired-with" => settings.paired_with = Some(value.to_owned()),
                other => return Err(SettingsError::Name(number, other.to_owned())),
            }
        }
        Ok(settings)
    }
}

fn time(text: &str) -> Option<SystemTime> {
    let midnight;
    let text = match text.len() {
        10 => {
            midnight = format!("{text}T00:00:00Z");
            &midnight
        }
        _ => text,
    };
    Some(DateTime::from_str(text).ok()?.to_system_time())
}
