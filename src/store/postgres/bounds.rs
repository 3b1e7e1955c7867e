//! How long the database may be waited for.

use std::error::Error;
use std::time::Duration;

use deadpool_postgres::Pool;

use super::PostgresOpenError;

/// How long the other end may not be heard of.
const SILENCE: Duration = Duration::from_secs(30);

/// Bounds what one call may take of the database, and what others may be kept waiting by a process that hangs, where
/// neither the URL, nor the user, nor the database has bounds.
pub(super) const STATEMENTS: &str = "SELECT set_config(name, bound, false) FROM pg_settings JOIN (VALUES ('lock_timeout', '10s'), \
    ('statement_timeout', '30s'), ('idle_in_transaction_session_timeout', '30s')) AS bounds (bounded, bound) \
    ON name = bounded WHERE setting = '0'";

/// Sees that a database that is gone without a word is not waited for, where the URL does not say for how long it is.
pub(super) fn connections(config: &mut tokio_postgres::Config) {
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENCE);
    }
    // The default is that of the operating systems: two hours.
    if config.get_keepalives_idle() == tokio_postgres::Config::new().get_keepalives_idle() {
        config.keepalives_idle(SILENCE / 3);
    }
    if config.get_keepalives_interval().is_none() {
        config.keepalives_interval(SILENCE / 6);
    }
    if config.get_keepalives_retries().is_none() {
        config.keepalives_retries(4);
    }
}

/// How long a statement may take.
pub(super) async fn statement_timeout(pool: &Pool) -> Result<Duration, PostgresOpenError> {
    let failed = |error: Box<dyn Error + Send + Sync>| PostgresOpenError::Connection(error);
    let connection = pool.get().await.map_err(|error| failed(error.into()))?;
    let statement = "SELECT setting::bigint FROM pg_settings WHERE name = 'statement_timeout'";
    let row = connection.query_one(statement, &[]).await;
    let milliseconds: i64 = row
        .and_then(|row| row.try_get(0))
        .map_err(|error| failed(error.into()))?;
    Ok(Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0)))
}
