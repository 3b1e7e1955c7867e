//! The tables of the file, and what keeps them consistent.

use std::time::{Duration, SystemTime};

use redb::{
    Database, ReadOnlyTable, ReadTransaction, ReadableTable, Table, TableDefinition, TableError, WriteTransaction,
};

use super::unavailable;
use crate::store::codec::{decode, encode, from_micros, micros};
use crate::store::entry::{Body, Change, Entry, Fate};
use crate::store::turn::{self, Asker, Turns};
use crate::store::{ClaimToken, Cursor, Direction, ExchangeId, Filter, Job, Page, Retention, StoreError};

/// The version of these tables.
pub(super) const SCHEMA: u64 = 1;

const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
/// The rows in the order in which they came.
const ROWS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("rows");
/// The row of each id that counts.
const LIVE: TableDefinition<'_, &[u8], u64> = TableDefinition::new("live");
/// What waits in the outbox, by time, with its partner and the place of its file: rows that are passed over need not be
/// read.
const DUE: TableDefinition<'_, (i64, u64), Whose<'_>> = TableDefinition::new("due");
/// What age will do something to, by what that is and by the time from which it counts.
const AGES: TableDefinition<'_, (u8, i64, u64), ()> = TableDefinition::new("ages");
/// The rows of each Message-ID.
const MESSAGES: TableDefinition<'_, (&str, u64), ()> = TableDefinition::new("messages");
const SIGNATURES: TableDefinition<'_, &[u8; 32], u64> = TableDefinition::new("signatures");

type Whose<'a> = (&'a str, Option<&'a str>);

const CLAIMS: u8 = 0;
const RECORDS: u8 = 1;
const EVIDENCE: u8 = 2;

/// Makes the tables where there are none, and says which version they have.
pub(super) fn schema(database: &Database) -> Result<u64, redb::Error> {
    let transaction = database.begin_write()?;
    let known = transaction
        .open_table(META)?
        .get("schema")?
        .map(|version| version.value());
    if let Some(version) = known {
        transaction.abort()?;
        return Ok(version);
    }
    transaction.open_table(META)?.insert("schema", SCHEMA)?;
    transaction.open_table(ROWS)?;
    transaction.open_table(LIVE)?;
    transaction.open_table(DUE)?;
    transaction.open_table(AGES)?;
    transaction.open_table(MESSAGES)?;
    transaction.open_table(SIGNATURES)?;
    transaction.commit()?;
    Ok(SCHEMA)
}

/// What [`ExchangeId`]s are equal by. Names and identifiers hold printable characters only.
fn key(direction: Direction, id: &ExchangeId) -> Vec<u8> {
    let direction: &[u8] = match direction {
        Direction::Inbound => b"i",
        Direction::Outbound => b"o",
    };
    let (to, from) = (id.to().as_str().as_bytes(), id.from().as_str().as_bytes());
    [direction, to, from, id.message_id().key().as_bytes()].join(&0)
}

fn age(entry: &Entry) -> Option<(u8, i64)> {
    match (&entry.body, entry.finished_at) {
        (Body::Claimed { until }, _) => Some((CLAIMS, micros(*until))),
        (_, Some(then)) if entry.archived => Some((EVIDENCE, micros(then))),
        (_, Some(then)) => Some((RECORDS, micros(then))),
        (_, None) => None,
    }
}

fn damaged(octets: &[u8]) -> Result<Entry, StoreError> {
    decode(octets).map_err(|error| StoreError::Unreadable(error.into()))
}

type Found = Option<(u64, Entry)>;

fn find(
    live: &impl ReadableTable<&'static [u8], u64>,
    rows: &impl ReadableTable<u64, &'static [u8]>,
    direction: Direction,
    id: &ExchangeId,
) -> Result<Found, StoreError> {
    let row = live.get(key(direction, id).as_slice()).map_err(unavailable)?;
    match row.map(|row| row.value()) {
        None => Ok(None),
        Some(row) => Ok(load(rows, row)?.map(|entry| (row, entry))),
    }
}

fn load(rows: &impl ReadableTable<u64, &'static [u8]>, row: u64) -> Result<Option<Entry>, StoreError> {
    let octets = rows.get(row).map_err(unavailable)?;
    octets.map(|octets| damaged(octets.value())).transpose()
}

/// When the last of what waits at a place is due.
fn last_at(
    due: &impl ReadableTable<(i64, u64), Whose<'static>>,
    wanted: &str,
) -> Result<Option<SystemTime>, StoreError> {
    for waiting in due.iter().map_err(unavailable)?.rev() {
        let (key, whose) = waiting.map_err(unavailable)?;
        if whose.value().1 == Some(wanted) {
            return Ok(Some(from_micros(key.value().0)));
        }
    }
    Ok(None)
}

pub(super) struct Reader {
    rows: ReadOnlyTable<u64, &'static [u8]>,
    live: ReadOnlyTable<&'static [u8], u64>,
    due: ReadOnlyTable<(i64, u64), Whose<'static>>,
    messages: ReadOnlyTable<(&'static str, u64), ()>,
}

impl Reader {
    pub(super) fn open(transaction: &ReadTransaction) -> Result<Self, StoreError> {
        let open = || -> Result<_, TableError> {
            Ok(Self {
                rows: transaction.open_table(ROWS)?,
                live: transaction.open_table(LIVE)?,
                due: transaction.open_table(DUE)?,
                messages: transaction.open_table(MESSAGES)?,
            })
        };
        open().map_err(unavailable)
    }

    pub(super) fn find(&self, direction: Direction, id: &ExchangeId) -> Result<Found, StoreError> {
        find(&self.live, &self.rows, direction, id)
    }

    pub(super) fn first_turn(&self, asker: Asker<'_>) -> Result<Option<SystemTime>, StoreError> {
        let mut turns = Turns::new(asker, |place| last_at(&self.due, place));
        let waiting = self.due.iter().map_err(unavailable)?;
        turn::first_turn(waiting.map(|waiting| {
            let (key, whose) = waiting.map_err(unavailable)?;
            let (due_at, (partner, place)) = (from_micros(key.value().0), whose.value());
            Ok((due_at, turns.of(due_at, partner, place)?))
        }))
    }

    pub(super) fn list(&self, filter: &Filter, after: Option<Cursor>, limit: usize) -> Result<Page, StoreError> {
        let mut page = Page::default();
        let mut last = None;
        for row in self.candidates(filter, after.map_or(u64::MAX, Cursor::value))? {
            let row = row?;
            let fitting = load(&self.rows, row)?.filter(|entry| entry.fits(filter));
            let Some(listed) = fitting.and_then(Entry::listed) else {
                continue;
            };
            if page.records.len() == limit {
                page.next = last;
                break;
            }
            last = Some(Cursor::new(row));
            page.records.push(listed);
        }
        Ok(page)
    }

    /// The rows before `end` among which those that fit are, latest first: as few as an index allows.
    fn candidates<'r>(
        &'r self,
        filter: &Filter,
        end: u64,
    ) -> Result<Box<dyn Iterator<Item = Result<u64, StoreError>> + 'r>, StoreError> {
        if let Some(id) = &filter.message_id {
            let with_id = self
                .messages
                .range((id.key(), 0)..(id.key(), end))
                .map_err(unavailable)?;
            return Ok(Box::new(
                with_id.rev().map(|row| Ok(row.map_err(unavailable)?.0.value().1)),
            ));
        }
        // What waits for something has a time for it.
        if filter.finished == Some(false) {
            let waiting = self.due.iter().map_err(unavailable)?;
            let mut rows = waiting
                .map(|row| Ok(row.map_err(unavailable)?.0.value().1))
                .collect::<Result<Vec<u64>, StoreError>>()?;
            rows.retain(|row| *row < end);
            rows.sort_unstable_by(|a, b| b.cmp(a));
            return Ok(Box::new(rows.into_iter().map(Ok)));
        }
        let all = self.rows.range(..end).map_err(unavailable)?;
        Ok(Box::new(all.rev().map(|row| Ok(row.map_err(unavailable)?.0.value()))))
    }
}

pub(super) struct Writer<'t> {
    meta: Table<'t, &'static str, u64>,
    rows: Table<'t, u64, &'static [u8]>,
    live: Table<'t, &'static [u8], u64>,
    due: Table<'t, (i64, u64), Whose<'static>>,
    ages: Table<'t, (u8, i64, u64), ()>,
    messages: Table<'t, (&'static str, u64), ()>,
    signatures: Table<'t, &'static [u8; 32], u64>,
    changed: bool,
}

impl<'t> Writer<'t> {
    pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Self, StoreError> {
        let open = || -> Result<_, TableError> {
            Ok(Self {
                meta: transaction.open_table(META)?,
                rows: transaction.open_table(ROWS)?,
                live: transaction.open_table(LIVE)?,
                due: transaction.open_table(DUE)?,
                ages: transaction.open_table(AGES)?,
                messages: transaction.open_table(MESSAGES)?,
                signatures: transaction.open_table(SIGNATURES)?,
                changed: false,
            })
        };
        open().map_err(unavailable)
    }

    /// Whether there is anything to commit.
    pub(super) fn close(self) -> bool {
        self.changed
    }

    pub(super) fn find(&self, direction: Direction, id: &ExchangeId) -> Result<Found, StoreError> {
        find(&self.live, &self.rows, direction, id)
    }

    pub(super) fn with_signature(&self, signature: Option<[u8; 32]>) -> Result<Option<Entry>, StoreError> {
        let Some(signature) = signature else { return Ok(None) };
        let row = self.signatures.get(&signature).map_err(unavailable)?;
        match row.map(|row| row.value()) {
            Some(row) => load(&self.rows, row),
            None => Ok(None),
        }
    }

    /// Applies a rule to the row of an id.
    pub(super) fn update<T>(
        &mut self,
        direction: Direction,
        id: &ExchangeId,
        rule: impl FnOnce(Option<&Entry>) -> Result<(Change, T), StoreError>,
    ) -> Result<T, StoreError> {
        let found = self.find(direction, id)?;
        let (change, answer) = rule(found.as_ref().map(|(_, entry)| entry))?;
        self.apply(found, change)?;
        Ok(answer)
    }

    pub(super) fn apply(&mut self, found: Found, change: Change) -> Result<(), StoreError> {
        let entry = match change {
            Change::Keep => return Ok(()),
            Change::Remove => None,
            Change::Put(entry) => Some(entry),
        };
        let applied = match (found, entry) {
            (Some((row, old)), new) => self.replace(row, &old, new.as_ref()),
            (None, Some(new)) => self.next_row().and_then(|row| self.insert(row, &new)),
            (None, None) => Ok(()),
        };
        applied.map_err(unavailable)
    }

    fn next_row(&mut self) -> Result<u64, redb::StorageError> {
        let last = self.meta.get("last")?.map_or(0, |last| last.value());
        let next = last.saturating_add(1);
        self.meta.insert("last", next)?;
        Ok(next)
    }

    fn replace(&mut self, row: u64, old: &Entry, new: Option<&Entry>) -> Result<(), redb::StorageError> {
        self.changed = true;
        if !old.archived {
            self.live.remove(key(old.direction(), &old.id).as_slice())?;
        }
        if let Some(due_at) = old.due_at() {
            self.due.remove((micros(due_at), row))?;
        }
        if let Some((stage, then)) = age(old) {
            self.ages.remove((stage, then, row))?;
        }
        if let Some(signature) = old.signature {
            let holder = self.signatures.get(&signature)?.map(|holder| holder.value());
            if holder == Some(row) {
                self.signatures.remove(&signature)?;
            }
        }
        if let Some(new) = new {
            return self.insert(row, new);
        }
        self.messages.remove((old.id.message_id().key(), row))?;
        self.rows.remove(row).map(drop)
    }

    fn insert(&mut self, row: u64, entry: &Entry) -> Result<(), redb::StorageError> {
        self.changed = true;
        if !entry.archived {
            self.live.insert(key(entry.direction(), &entry.id).as_slice(), row)?;
            if let Some(signature) = &entry.signature {
                self.signatures.insert(signature, row)?;
            }
        }
        if let Some(due_at) = entry.due_at() {
            let whose = (entry.partner().as_str(), entry.place());
            self.due.insert((micros(due_at), row), whose)?;
        }
        if let Some((stage, then)) = age(entry) {
            self.ages.insert((stage, then, row), ())?;
        }
        self.messages.insert((entry.id.message_id().key(), row), ())?;
        self.rows.insert(row, encode(entry).as_slice())?;
        Ok(())
    }

    pub(super) fn claim_due(
        &mut self,
        now: SystemTime,
        lease: Duration,
        limit: usize,
        asker: Asker<'_>,
    ) -> Result<Vec<Job>, StoreError> {
        let mut claimed = Vec::new();
        let mut turns = Turns::new(asker, |place| last_at(&self.due, place));
        for due in self.due.range(..=(micros(now), u64::MAX)).map_err(unavailable)? {
            if claimed.len() == limit {
                break;
            }
            let (key, whose) = due.map_err(unavailable)?;
            let ((due_at, row), (partner, place)) = (key.value(), whose.value());
            let turn = turns.of(from_micros(due_at), partner, place)?;
            if turn.is_none_or(|turn| now < turn) {
                continue;
            }
            let Some(old) = load(&self.rows, row)? else { continue };
            let mut new = old.clone();
            if let Some(job) = new.claim_due(now, lease, ClaimToken::random()) {
                claimed.push((row, old, new, job));
            }
        }
        let mut jobs = Vec::new();
        for (row, old, new, job) in claimed {
            self.replace(row, &old, Some(&new)).map_err(unavailable)?;
            jobs.push(job);
        }
        Ok(jobs)
    }

    /// Lets up to `limit` rows go, or become evidence, and says how many.
    pub(super) fn expire(&mut self, retention: &Retention, now: SystemTime, limit: usize) -> Result<u64, StoreError> {
        let mut old = Vec::new();
        for (stage, age) in [
            (CLAIMS, Duration::ZERO),
            (RECORDS, retention.records),
            (EVIDENCE, retention.evidence),
        ] {
            let Some(before) = now.checked_sub(age).map(micros) else {
                continue;
            };
            let range = (stage, i64::MIN, 0)..=(stage, before, u64::MAX);
            for key in self.ages.range(range).map_err(unavailable)?.take(limit - old.len()) {
                old.push(key.map_err(unavailable)?.0.value().2);
            }
        }
        let mut changed = 0;
        for row in old {
            let Some(entry) = load(&self.rows, row)? else { continue };
            let archived = match entry.fate(retention, now) {
                Fate::Keep => continue,
                Fate::Remove => None,
                Fate::Archive if entry.archived => continue,
                Fate::Archive => Some(Entry {
                    archived: true,
                    ..entry.clone()
                }),
            };
            self.replace(row, &entry, archived.as_ref()).map_err(unavailable)?;
            changed += 1;
        }
        Ok(changed)
    }
}
