//! The rule of who may have what of the outbox, and when, for whatever keeps the rows.

use std::time::{Duration, SystemTime};

use super::StoreError;
use super::entry::later;
use crate::name::As2Name;

/// Who asks for work.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asker<'a> {
    /// The partners that it has enough for.
    pub(super) busy: &'a [As2Name],
    /// Where its files are.
    pub(super) place: Option<&'a str>,
}

/// How long after it was due something is left to those who have its file. By then none of them seems to be alive.
pub(super) const ELSEWHERE: Duration = Duration::from_secs(60 * 60);

impl Asker<'_> {
    /// From when on it may have what is due then, whose file is at `place`; `None` while it has enough for that partner.
    pub(super) fn turn(self, due_at: SystemTime, partner: &str, place: Option<&str>) -> Option<SystemTime> {
        if self.busy.iter().any(|busy| busy.as_str() == partner) {
            return None;
        }
        match place {
            Some(place) if self.place != Some(place) => Some(later(due_at, ELSEWHERE)),
            _ => Some(due_at),
        }
    }
}

/// The first turn among what waits, given as pairs of when it is due and of its turn, in the order in which it is due.
pub(super) fn first_turn(
    waiting: impl IntoIterator<Item = Result<(SystemTime, Option<SystemTime>), StoreError>>,
) -> Result<Option<SystemTime>, StoreError> {
    let mut first: Option<SystemTime> = None;
    for next in waiting {
        let (due_at, turn) = next?;
        // No turn comes before its job is due.
        if first.is_some_and(|first| first <= due_at) {
            break;
        }
        first = first.into_iter().chain(turn).min();
    }
    Ok(first)
}
