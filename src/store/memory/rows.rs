//! The rows of a [`MemoryStore`](super::MemoryStore).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::SystemTime;

use crate::store::entry::{Change, Entry, Fate};
use crate::store::turn::{self, Asker, Turns};
use crate::store::{Direction, ExchangeId, Retention, StoreError};

/// When something is due, its row, and its turn.
type Waiting = (SystemTime, u64, Option<SystemTime>);

/// The rows in the order in which they came, and what finds them.
#[derive(Debug, Default)]
pub(super) struct Rows {
    last: u64,
    pub(super) entries: BTreeMap<u64, Entry>,
    live: HashMap<(Direction, ExchangeId), u64>,
    due: BTreeSet<(SystemTime, u64)>,
    signatures: HashMap<[u8; 32], u64>,
    inbound: usize,
    outbound: usize,
}

impl Rows {
    pub(super) fn get(&self, direction: Direction, id: &ExchangeId) -> Option<&Entry> {
        // A key to borrow would need a type of its own.
        self.entries.get(self.live.get(&(direction, id.clone()))?)
    }

    pub(super) fn with_signature(&self, signature: &[u8; 32]) -> Option<&Entry> {
        self.entries.get(self.signatures.get(signature)?)
    }

    pub(super) fn count(&self, direction: Direction) -> usize {
        match direction {
            Direction::Inbound => self.inbound,
            Direction::Outbound => self.outbound,
        }
    }

    fn count_mut(&mut self, direction: Direction) -> &mut usize {
        match direction {
            Direction::Inbound => &mut self.inbound,
            Direction::Outbound => &mut self.outbound,
        }
    }

    /// What waits in the outbox, longest first: when it is due, its row, and its turn.
    fn turns<'r>(&'r self, asker: Asker<'r>) -> impl Iterator<Item = Result<Waiting, StoreError>> + 'r {
        let place = |row| self.entries.get(row).and_then(Entry::place);
        let mut turns = Turns::new(asker, move |wanted: &str| {
            let mut latest = self.due.iter().rev();
            let last = latest.find(|(_, row)| place(row) == Some(wanted));
            Ok(last.map(|(due_at, _)| *due_at))
        });
        self.due.iter().map(move |(due_at, row)| {
            let turn = match self.entries.get(row) {
                Some(entry) => turns.of(*due_at, entry.partner().as_str(), entry.place())?,
                None => None,
            };
            Ok((*due_at, *row, turn))
        })
    }

    pub(super) fn due(&self, now: SystemTime, limit: usize, asker: Asker<'_>) -> Result<Vec<u64>, StoreError> {
        let mut ready = Vec::new();
        for waiting in self.turns(asker) {
            let (due_at, row, turn) = waiting?;
            if ready.len() == limit || now < due_at {
                break;
            }
            if turn.is_some_and(|turn| turn <= now) {
                ready.push(row);
            }
        }
        Ok(ready)
    }

    pub(super) fn first_turn(&self, asker: Asker<'_>) -> Result<Option<SystemTime>, StoreError> {
        turn::first_turn(
            self.turns(asker)
                .map(|waiting| waiting.map(|(due_at, _, turn)| (due_at, turn))),
        )
    }

    pub(super) fn apply(&mut self, direction: Direction, id: &ExchangeId, change: Change) {
        let row = self.live.get(&(direction, id.clone())).copied();
        match (change, row) {
            (Change::Keep, _) | (Change::Remove, None) => {}
            (Change::Remove, Some(row)) => {
                self.remove(row);
            }
            (Change::Put(entry), Some(row)) => self.put(row, entry),
            (Change::Put(entry), None) => {
                self.last = self.last.wrapping_add(1);
                self.put(self.last, entry);
            }
        }
    }

    pub(super) fn put(&mut self, row: u64, entry: Entry) {
        self.remove(row);
        let direction = entry.direction();
        if !entry.archived {
            self.live.insert((direction, entry.id.clone()), row);
            if let Some(signature) = entry.signature {
                self.signatures.insert(signature, row);
            }
        }
        if let Some(due_at) = entry.due_at() {
            self.due.insert((due_at, row));
        }
        *self.count_mut(direction) += 1;
        self.entries.insert(row, entry);
    }

    fn remove(&mut self, row: u64) {
        let Some(entry) = self.entries.remove(&row) else { return };
        let direction = entry.direction();
        *self.count_mut(direction) -= 1;
        if let Some(due_at) = entry.due_at() {
            self.due.remove(&(due_at, row));
        }
        if let Some(signature) = entry
            .signature
            .filter(|signature| self.signatures.get(signature) == Some(&row))
        {
            self.signatures.remove(&signature);
        }
        if !entry.archived {
            self.live.remove(&(direction, entry.id));
        }
    }

    pub(super) fn expire(&mut self, retention: &Retention, now: SystemTime) -> u64 {
        let fates: Vec<_> = self
            .entries
            .iter()
            .map(|(row, entry)| (*row, entry.fate(retention, now)))
            .collect();
        let mut changed = 0;
        for (row, fate) in fates {
            match fate {
                Fate::Keep => continue,
                Fate::Remove => self.remove(row),
                Fate::Archive => match self.entries.get(&row) {
                    Some(entry) if !entry.archived => {
                        let archived = Entry {
                            archived: true,
                            ..entry.clone()
                        };
                        self.put(row, archived);
                    }
                    _ => continue,
                },
            }
            changed += 1;
        }
        changed
    }
}
