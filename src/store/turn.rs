//! The rule of who may have what of the outbox, and when, for whatever keeps the rows.

use std::collections::HashMap;
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

/// How long what is elsewhere is left to those who have its file, counted from when the last of what waits at that place
/// was due. Who works there claims something again and again, or extends a claim, which puts that time off: by then nobody
/// who has the files seems to be alive.
pub(super) const ELSEWHERE: Duration = Duration::from_secs(60 * 60);

/// Tells from when on an asker may have what waits. `postgres::rows` has the same rule in SQL: `HERE` and `PLACES`.
pub(super) struct Turns<'a, F> {
    asker: Asker<'a>,
    last: F,
    known: HashMap<String, Option<SystemTime>>,
}

impl<'a, F: FnMut(&str) -> Result<Option<SystemTime>, StoreError>> Turns<'a, F> {
    /// `last` says when the last of what waits at a place is due; it is asked once for each.
    pub(super) fn new(asker: Asker<'a>, last: F) -> Self {
        let known = HashMap::new();
        Self { asker, last, known }
    }

    /// The turn of what is due then, whose file is at `place`; `None` while the asker has enough for that partner.
    pub(super) fn of(
        &mut self,
        due_at: SystemTime,
        partner: &str,
        place: Option<&str>,
    ) -> Result<Option<SystemTime>, StoreError> {
        if self.asker.busy.iter().any(|busy| busy.as_str() == partner) {
            return Ok(None);
        }
        let Some(place) = place.filter(|place| self.asker.place != Some(*place)) else {
            return Ok(Some(due_at));
        };
        let last = match self.known.get(place) {
            Some(last) => *last,
            None => {
                let last = (self.last)(place)?;
                self.known.insert(place.to_owned(), last);
                last
            }
        };
        Ok(Some(later(last.unwrap_or(due_at), ELSEWHERE)))
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
