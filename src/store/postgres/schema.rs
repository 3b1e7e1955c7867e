//! The tables, and how older ones become what they are now.

use std::error::Error;

use deadpool_postgres::Pool;

/// Each takes the tables one version further. None is ever changed once it was released.
const MIGRATIONS: &[&str] = &[include_str!("1.sql")];

/// What processes queue at while one of them migrates: "ediint".
const LOCK: i64 = 0x6564_6969_6e74;

/// Why a [`PostgresStore`](super::PostgresStore) could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostgresOpenError {
    /// The URL is none.
    #[error("this is no URL of a PostgreSQL database: it has the form postgres://user:password@host/database")]
    Url(#[source] tokio_postgres::Error),
    /// There is no connection.
    #[error("cannot connect to the PostgreSQL database")]
    Connection(#[source] Box<dyn Error + Send + Sync>),
    /// The tables cannot be made or updated.
    #[error("cannot set up the tables of the message store: its user needs the right to create tables in its schema")]
    Migration(#[source] tokio_postgres::Error),
    /// A newer version of this crate made the tables.
    #[error(
        "the tables of the message store have version {found}, and this version of the crate knows {known}: upgrade it"
    )]
    Schema {
        /// The version that is there.
        found: i64,
        /// The latest version that is known.
        known: i64,
    },
}

/// Brings the tables to the latest version, one process at a time.
pub(super) async fn migrate(pool: &Pool) -> Result<(), PostgresOpenError> {
    let mut connection = pool
        .get()
        .await
        .map_err(|error| PostgresOpenError::Connection(error.into()))?;
    let transaction = connection.transaction().await.map_err(PostgresOpenError::Migration)?;
    let run = async {
        // They may take as long as they take, and so may those of another process.
        let unbounded = "SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0; \
            SET LOCAL idle_in_transaction_session_timeout = 0";
        transaction.batch_execute(unbounded).await?;
        transaction
            .execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK])
            .await?;
        let table = "CREATE TABLE IF NOT EXISTS ediint_schema (version bigint NOT NULL)";
        transaction.batch_execute(table).await?;
        let version = "SELECT coalesce(max(version), 0) FROM ediint_schema";
        transaction.query_one(version, &[]).await?.try_get(0)
    };
    let found: i64 = run.await.map_err(PostgresOpenError::Migration)?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let Some(missing) = usize::try_from(found).ok().and_then(|found| MIGRATIONS.get(found..)) else {
        return Err(PostgresOpenError::Schema { found, known });
    };
    let run = async {
        for migration in missing {
            transaction.batch_execute(migration).await?;
        }
        if !missing.is_empty() {
            let version = "INSERT INTO ediint_schema (version) VALUES ($1)";
            transaction.execute(version, &[&known]).await?;
        }
        transaction.commit().await
    };
    run.await.map_err(PostgresOpenError::Migration)
}
