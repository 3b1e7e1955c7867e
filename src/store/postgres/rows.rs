//! The statements.

use std::time::SystemTime;

use deadpool_postgres::{GenericClient, Transaction};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::unavailable;
use crate::name::As2Name;
use crate::store::codec::{decode, encode};
use crate::store::entry::{Body, Entry, Fate};
use crate::store::turn::{Asker, ELSEWHERE};
use crate::store::{Cursor, Direction, ExchangeId, Filter, Page, Retention, StoreError};

/// How many rows one transaction of [`MessageStore::expire`](crate::MessageStore::expire) changes at most.
const BATCH: i64 = 500;

/// A row and its number.
pub(super) struct Found {
    pub(super) row: i64,
    pub(super) entry: Entry,
}

/// The rows within a transaction.
pub(super) struct Rows<'t>(pub(super) &'t Transaction<'t>);

type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

async fn query(client: &impl GenericClient, statement: &str, with: Parameters<'_>) -> Result<Vec<Row>, StoreError> {
    let statement = client.prepare_cached(statement).await.map_err(unavailable)?;
    client.query(&statement, with).await.map_err(unavailable)
}

async fn execute(client: &impl GenericClient, statement: &str, with: Parameters<'_>) -> Result<u64, StoreError> {
    let statement = client.prepare_cached(statement).await.map_err(unavailable)?;
    client.execute(&statement, with).await.map_err(unavailable)
}

fn found(row: &Row) -> Result<Found, StoreError> {
    let octets: &[u8] = row.try_get("record").map_err(unavailable)?;
    Ok(Found {
        row: row.try_get("row").map_err(unavailable)?,
        entry: decode(octets).map_err(|error| StoreError::Unreadable(error.into()))?,
    })
}

fn outbound(direction: Direction) -> bool {
    direction == Direction::Outbound
}

fn state(entry: &Entry) -> &'static str {
    match &entry.body {
        Body::Claimed { .. } => "claimed",
        Body::Received(record) => record
            .posting
            .as_ref()
            .map_or("received", |posting| posting.state.as_str()),
        Body::Sent(record) => record.state.as_str(),
    }
}

fn claimed_until(entry: &Entry) -> Option<SystemTime> {
    match entry.body {
        Body::Claimed { until } => Some(until),
        Body::Received(_) | Body::Sent(_) => None,
    }
}

/// The time of the database, unless there is another.
pub(super) async fn now(client: &impl GenericClient, given: Option<SystemTime>) -> Result<SystemTime, StoreError> {
    if let Some(given) = given {
        return Ok(given);
    }
    let rows = query(client, "SELECT clock_timestamp()", &[]).await?;
    let row = rows
        .first()
        .ok_or(StoreError::Unreadable("the database does not tell the time".into()))?;
    row.try_get(0).map_err(unavailable)
}

pub(super) async fn find(
    client: &impl GenericClient,
    direction: Direction,
    id: &ExchangeId,
) -> Result<Option<Entry>, StoreError> {
    let statement = "SELECT row, record FROM ediint_exchanges \
        WHERE outbound = $1 AND recipient = $2 AND sender = $3 AND message_key = $4 AND NOT archived";
    let with: Parameters<'_> = &[
        &outbound(direction),
        &id.to().as_str(),
        &id.from().as_str(),
        &id.message_id().key(),
    ];
    let rows = query(client, statement, with).await?;
    Ok(rows.first().map(found).transpose()?.map(|found| found.entry))
}

pub(super) async fn first_turn(
    client: &impl GenericClient,
    asker: Asker<'_>,
) -> Result<Option<SystemTime>, StoreError> {
    // No turn comes before its job is due: the other places do not matter where nothing there is due before what is here.
    let statement = format!(
        "WITH {PLACES}, here AS (SELECT min(due_at) AS turn FROM ediint_exchanges WHERE {FREE} AND {HERE}) \
        SELECT least(turn, CASE WHEN (SELECT min(due_at) FROM ediint_exchanges WHERE {FREE}) \
                < coalesce(here.turn, 'infinity') \
            THEN (SELECT min(places.turn) FROM places WHERE EXISTS (SELECT FROM ediint_exchanges \
                WHERE {FREE} AND place = places.name)) END) \
        FROM here"
    );
    let with: Parameters<'_> = &[&names(asker.busy), &asker.place, &ELSEWHERE.as_secs_f64()];
    let rows = query(client, &statement, with).await?;
    let turn = rows.first().map(|row| row.try_get(0)).transpose();
    Ok(turn.map_err(unavailable)?.flatten())
}

// The rule of `turn::Turns`. Of an asker, `$1` are the partners that it has enough for, and `$2` is its place.

/// What waits, and not for those partners.
const FREE: &str = "due_at IS NOT NULL AND NOT partner = ANY ($1)";

/// What has its turn when it is due.
const HERE: &str = "(place IS NULL OR place = $2)";

/// The other places, and the turn of all that waits at each; `$3` is [`ELSEWHERE`] in seconds.
const PLACES: &str = "places AS (SELECT place AS name, max(due_at) + make_interval(secs => $3) AS turn \
    FROM ediint_exchanges WHERE due_at IS NOT NULL AND place IS NOT NULL AND place IS DISTINCT FROM $2 GROUP BY place)";

fn names(names: &[As2Name]) -> Vec<&str> {
    names.iter().map(As2Name::as_str).collect()
}

pub(super) async fn list(
    client: &impl GenericClient,
    filter: &Filter,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Page, StoreError> {
    let before = after.map_or(i64::MAX, |cursor| i64::try_from(cursor.value()).unwrap_or(i64::MAX));
    let one_more = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let statement = "SELECT row, record FROM ediint_exchanges \
        WHERE row < $1 AND claimed_until IS NULL \
        AND ($2::boolean IS NULL OR outbound = $2) AND ($3::text IS NULL OR partner = $3) \
        AND ($4::text IS NULL OR message_key = $4) AND ($5::boolean IS NULL OR (finished_at IS NOT NULL) = $5) \
        AND ($6::text IS NULL OR outbound AND state = $6) ORDER BY row DESC LIMIT $7";
    let with: Parameters<'_> = &[
        &before,
        &filter.direction.map(outbound),
        &filter.partner.as_ref().map(As2Name::as_str),
        &filter.message_id.as_ref().map(|id| id.key()),
        &filter.finished,
        &filter.state.map(|state| state.as_str()),
        &one_more,
    ];
    let rows = query(client, statement, with).await?;
    let mut page = Page::default();
    let mut last = None;
    for row in rows.iter().take(limit) {
        let Found { row, entry } = found(row)?;
        last = u64::try_from(row).ok().map(Cursor::new);
        page.records.extend(entry.listed());
    }
    page.next = last.filter(|_| rows.len() > limit);
    Ok(page)
}

impl Rows<'_> {
    pub(super) async fn now(&self, given: Option<SystemTime>) -> Result<SystemTime, StoreError> {
        now(self.0, given).await
    }

    /// The row of an id, which others wait for until the transaction ends.
    pub(super) async fn lock(&self, direction: Direction, id: &ExchangeId) -> Result<Option<Found>, StoreError> {
        let statement = "SELECT row, record FROM ediint_exchanges \
            WHERE outbound = $1 AND recipient = $2 AND sender = $3 AND message_key = $4 AND NOT archived FOR UPDATE";
        let (to, from) = (id.to().as_str(), id.from().as_str());
        let with: Parameters<'_> = &[&outbound(direction), &to, &from, &id.message_id().key()];
        query(self.0, statement, with).await?.first().map(found).transpose()
    }

    /// The row that holds a signature, which others cannot take over until the transaction ends.
    pub(super) async fn lock_signature(&self, signature: Option<[u8; 32]>) -> Result<Option<Found>, StoreError> {
        let Some(signature) = signature else { return Ok(None) };
        let statement = "SELECT e.row, e.record FROM ediint_signatures s JOIN ediint_exchanges e ON e.row = s.row \
            WHERE s.signature = $1 FOR UPDATE OF s";
        let rows = query(self.0, statement, &[&signature.as_slice()]).await?;
        rows.first().map(found).transpose()
    }

    /// Gives a signature to a row; `false` where somebody else has just taken it.
    pub(super) async fn hold_signature(&self, signature: [u8; 32], row: i64, locked: bool) -> Result<bool, StoreError> {
        let statement = match locked {
            true => "UPDATE ediint_signatures SET row = $2 WHERE signature = $1",
            false => "INSERT INTO ediint_signatures (signature, row) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        };
        let held = execute(self.0, statement, &[&signature.as_slice(), &row]).await?;
        Ok(held == 1)
    }

    /// Adds a row, and gives its number; `None` where there is one with its id.
    pub(super) async fn insert(&self, entry: &Entry) -> Result<Option<i64>, StoreError> {
        let statement = "INSERT INTO ediint_exchanges (outbound, recipient, sender, message_key, partner, state, \
            due_at, place, claimed_until, finished_at, archived, record) \
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
            ON CONFLICT (outbound, recipient, sender, message_key) WHERE NOT archived DO NOTHING RETURNING row";
        let id = &entry.id;
        let with: Parameters<'_> = &[
            &outbound(entry.direction()),
            &id.to().as_str(),
            &id.from().as_str(),
            &id.message_id().key(),
            &entry.partner().as_str(),
            &state(entry),
            &entry.due_at(),
            &entry.place(),
            &claimed_until(entry),
            &entry.finished_at,
            &entry.archived,
            &encode(entry),
        ];
        let rows = query(self.0, statement, with).await?;
        rows.first().map(|row| row.try_get(0)).transpose().map_err(unavailable)
    }

    pub(super) async fn put(&self, row: i64, entry: &Entry) -> Result<(), StoreError> {
        let statement = "UPDATE ediint_exchanges SET state = $2, due_at = $3, place = $4, claimed_until = $5, \
            finished_at = $6, archived = $7, record = $8 WHERE row = $1";
        let with: Parameters<'_> = &[
            &row,
            &state(entry),
            &entry.due_at(),
            &entry.place(),
            &claimed_until(entry),
            &entry.finished_at,
            &entry.archived,
            &encode(entry),
        ];
        execute(self.0, statement, with).await?;
        // One that was put on an earlier claim of the row, or that need not be remembered any longer.
        if entry.direction() == Direction::Inbound {
            let kept = entry.signature.filter(|_| !entry.archived);
            let statement = "DELETE FROM ediint_signatures WHERE row = $1 AND signature IS DISTINCT FROM $2";
            execute(self.0, statement, &[&row, &kept.as_ref().map(<[u8; 32]>::as_slice)]).await?;
        }
        Ok(())
    }

    pub(super) async fn remove(&self, row: i64) -> Result<(), StoreError> {
        execute(self.0, "DELETE FROM ediint_exchanges WHERE row = $1", &[&row]).await?;
        Ok(())
    }

    /// What is due and nobody else is looking at.
    pub(super) async fn due(&self, now: SystemTime, limit: usize, asker: Asker<'_>) -> Result<Vec<Found>, StoreError> {
        let statement = format!(
            "WITH {PLACES} SELECT row, record FROM ediint_exchanges WHERE due_at <= $4 \
            AND {FREE} AND ({HERE} OR place IN (SELECT name FROM places WHERE turn <= $4)) \
            ORDER BY due_at, row LIMIT $5 FOR UPDATE OF ediint_exchanges SKIP LOCKED"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let with: Parameters<'_> = &[&names(asker.busy), &asker.place, &ELSEWHERE.as_secs_f64(), &now, &limit];
        query(self.0, &statement, with).await?.iter().map(found).collect()
    }

    /// Lets some rows go, or become evidence, and says how many.
    pub(super) async fn expire(&self, now: SystemTime, retention: &Retention) -> Result<u64, StoreError> {
        let before = |age| now.checked_sub(age).unwrap_or(SystemTime::UNIX_EPOCH);
        let statement = "SELECT row, record FROM ediint_exchanges WHERE claimed_until <= $1 \
            OR NOT archived AND finished_at <= $2 OR archived AND finished_at <= $3 LIMIT $4 FOR UPDATE SKIP LOCKED";
        let with: Parameters<'_> = &[&now, &before(retention.records), &before(retention.evidence), &BATCH];
        let mut changed = 0;
        for row in query(self.0, statement, with).await? {
            let Found { row, mut entry } = found(&row)?;
            match entry.fate(retention, now) {
                Fate::Keep => continue,
                Fate::Remove => self.remove(row).await?,
                Fate::Archive if entry.archived => continue,
                Fate::Archive => {
                    entry.archived = true;
                    self.put(row, &entry).await?;
                }
            }
            changed += 1;
        }
        Ok(changed)
    }
}
