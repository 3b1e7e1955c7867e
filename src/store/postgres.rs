use std::sync::Arc;
use std::time::{Duration, SystemTime};

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Timeouts, Transaction};
use rustls::ClientConfig;
use tokio::time::timeout;
use tokio_postgres::NoTls;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::clock::Clock;
use crate::future::BoxFuture;
use crate::name::As2Name;

use super::entry::{self, Change, Entry};
use super::turn::Asker;
use super::{
    Claim, ClaimToken, Cursor, Direction, ExchangeId, Filter, Job, MessageStore, Page, PostStep, ReceiptRecord,
    ReceivedRecord, Resolution, Retention, SentOutcome, SentRecord, SentStep, StoreError,
};
use rows::{Found, Rows};

mod bounds;
mod rows;
mod schema;

pub use schema::PostgresOpenError;

const CONNECTIONS: usize = 16;

/// How long a connection may take to be made, or to come free.
const PATIENCE: Duration = Duration::from_secs(30);

/// A [`MessageStore`] on PostgreSQL 12 or later, and on what speaks its protocol: for hosts on many machines.
///
/// Leases and delays go by the clock of the database, which is one for all. Calls that wait for the same message queue
/// at its row; the outbox is handed out with `FOR UPDATE SKIP LOCKED`, so that workers do not wait for each other.
///
/// No call waits for ever: a statement takes 30 s at most, 10 s of them for what somebody else has locked, a database that
/// is not heard of for 30 s is taken for gone, and one that does not answer at all is given up after 90 s, with the
/// connections to it; then the store is [unavailable](StoreError::Unavailable). While [connecting](Self::connect) it is given up
/// after 30 s. Nor does a process that hangs hold up
/// others: its transactions end after 30 s.
///
/// Other bounds stand: `lock_timeout`, `statement_timeout` and `idle_in_transaction_session_timeout` of the URL's
/// `options`, the user or the database, except 0, which is none; `tcp_user_timeout` and `keepalives_*` of the URL, except
/// a `keepalives_idle` of two hours, which is what nobody has set. What does not answer is given up 30 s after two
/// statements may have taken their time.
///
/// The tables are `ediint_exchanges`, `ediint_signatures` and `ediint_schema`, in the schema that the connection's
/// `search_path` leads to. Columns are for queries; the whole record is in `record`.
#[derive(Clone)]
pub struct PostgresStore {
    pool: Pool,
    clock: Option<Arc<dyn Clock>>,
    retention: Retention,
    /// How long a call may take, however many statements it has.
    answer: Duration,
}

impl PostgresStore {
    /// Connects to a database, and makes or updates its tables: `url` is `postgres://user:password@host/database` with
    /// the parameters of libpq.
    ///
    /// `tls` is what [`transport::client_config`](crate::transport) makes, or the host's own: with it the connection is
    /// encrypted or fails, unless the URL says `sslmode=disable`. Without it nothing is encrypted: for a database on the
    /// same machine.
    ///
    /// # Errors
    ///
    /// [`PostgresOpenError`] with what is wrong: the URL, the connection, the tables.
    pub async fn connect(url: &str, tls: Option<ClientConfig>) -> Result<Self, PostgresOpenError> {
        let mut config: tokio_postgres::Config = url.parse().map_err(PostgresOpenError::Url)?;
        // It would go on in the clear with whoever says that there is no TLS.
        if tls.is_some() && config.get_ssl_mode() == SslMode::Prefer {
            config.ssl_mode(SslMode::Require);
        }
        bounds::connections(&mut config);
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = match tls {
            Some(tls) => Manager::from_config(config, MakeRustlsConnect::new(tls), recycling),
            None => Manager::from_config(config, NoTls, recycling),
        };
        let patience = Timeouts {
            wait: Some(PATIENCE),
            create: Some(PATIENCE),
            recycle: Some(PATIENCE),
        };
        let pool = Pool::builder(manager)
            .timeouts(patience)
            .max_size(CONNECTIONS)
            .post_create(Hook::async_fn(|client, _| {
                Box::pin(async move {
                    client
                        .batch_execute(bounds::STATEMENTS)
                        .await
                        .map_err(HookError::Backend)
                })
            }))
            .runtime(deadpool_postgres::Runtime::Tokio1)
            .build()
            .map_err(|error| PostgresOpenError::Connection(error.into()))?;
        // The server may have stopped just now; what answers this may take its time to migrate.
        let statement = timeout(PATIENCE, bounds::statement_timeout(&pool)).await;
        let statement = statement.map_err(|elapsed| PostgresOpenError::Connection(elapsed.into()))??;
        schema::migrate(&pool).await?;
        Ok(Self {
            answer: PATIENCE + 2 * statement,
            pool,
            clock: None,
            retention: Retention::default(),
        })
    }

    /// The most connections that are open at the same time (default 16).
    #[must_use]
    pub fn connections(self, limit: usize) -> Self {
        self.pool.resize(limit);
        self
    }

    /// Takes the time from `clock` instead of the database: for tests.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// How long records are kept.
    #[must_use]
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// Bounds a call: the server may have stopped, and acknowledge all the same what it is sent.
    async fn within<T>(&self, call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let answered = timeout(self.answer, call).await;
        answered.unwrap_or_else(|elapsed| {
            // Its own is among them by now. The others lead to the same server.
            self.pool.retain(|_, _| false);
            Err(unavailable(elapsed))
        })
    }

    fn now(&self) -> Option<SystemTime> {
        self.clock.as_ref().map(|clock| clock.now())
    }

    /// Applies a rule to the row of an id, which is locked meanwhile. Where there is none, the unique key shows whether
    /// somebody else makes one at the same time; then it is theirs that counts.
    async fn update<T>(
        &self,
        direction: Direction,
        id: &ExchangeId,
        rule: impl Fn(Option<&Entry>, SystemTime) -> Result<(Change, T), StoreError> + Send + Sync,
    ) -> Result<T, StoreError>
    where
        T: Send,
    {
        let call = async {
            loop {
                let mut connection = self.pool.get().await.map_err(unavailable)?;
                let transaction = connection.transaction().await.map_err(unavailable)?;
                let rows = Rows(&transaction);
                let found = rows.lock(direction, id).await?;
                let now = rows.now(self.now()).await?;
                let (change, answer) = rule(found.as_ref().map(|found| &found.entry), now)?;
                if apply(&rows, found.as_ref(), &change).await?.is_some() {
                    commit(transaction).await?;
                    return Ok(answer);
                }
            }
        };
        self.within(call).await
    }

    async fn find(&self, direction: Direction, id: &ExchangeId) -> Result<Option<Entry>, StoreError> {
        let call = async {
            let connection = self.pool.get().await.map_err(unavailable)?;
            rows::find(&connection, direction, id).await
        };
        self.within(call).await
    }

    async fn claim_now(
        &self,
        id: &ExchangeId,
        signature: Option<[u8; 32]>,
        lease: Duration,
    ) -> Result<Claim, StoreError> {
        loop {
            let mut connection = self.pool.get().await.map_err(unavailable)?;
            let transaction = connection.transaction().await.map_err(unavailable)?;
            let rows = Rows(&transaction);
            // Each locks its message first and the signature second, so none waits in a circle.
            let found = rows.lock(Direction::Inbound, id).await?;
            let twin = rows.lock_signature(signature).await?;
            let now = rows.now(self.now()).await?;
            let entry = found.as_ref().map(|found| &found.entry);
            let (change, claim) = entry::claim(id, entry, signature, twin.as_ref().map(|twin| &twin.entry), lease, now);
            let Some(row) = apply(&rows, found.as_ref(), &change).await? else {
                continue;
            };
            let held = match (&change, signature) {
                (Change::Put(_), Some(signature)) => rows.hold_signature(signature, row, twin.is_some()).await?,
                _ => true,
            };
            if held {
                commit(transaction).await?;
                return Ok(claim);
            }
        }
    }

    async fn claim_due_now(&self, lease: Duration, limit: usize, asker: Asker<'_>) -> Result<Vec<Job>, StoreError> {
        let mut connection = self.pool.get().await.map_err(unavailable)?;
        let transaction = connection.transaction().await.map_err(unavailable)?;
        let rows = Rows(&transaction);
        let now = rows.now(self.now()).await?;
        let mut jobs = Vec::new();
        for Found { row, mut entry } in rows.due(now, limit, asker).await? {
            if let Some(job) = entry.claim_due(now, lease, ClaimToken::random()) {
                rows.put(row, &entry).await?;
                jobs.push(job);
            }
        }
        commit(transaction).await?;
        Ok(jobs)
    }

    async fn expire_some(&self) -> Result<u64, StoreError> {
        let mut connection = self.pool.get().await.map_err(unavailable)?;
        let transaction = connection.transaction().await.map_err(unavailable)?;
        let rows = Rows(&transaction);
        let now = rows.now(self.now()).await?;
        let changed = rows.expire(now, &self.retention).await?;
        commit(transaction).await?;
        Ok(changed)
    }
}

/// Gives the row; `None` where somebody else has just made one for the same id.
async fn apply(rows: &Rows<'_>, found: Option<&Found>, change: &Change) -> Result<Option<i64>, StoreError> {
    match (change, found) {
        (Change::Put(entry), None) => return rows.insert(entry).await,
        (Change::Put(entry), Some(found)) => rows.put(found.row, entry).await?,
        (Change::Remove, Some(found)) => rows.remove(found.row).await?,
        (Change::Keep, _) | (Change::Remove, None) => {}
    }
    Ok(Some(found.map_or(0, |found| found.row)))
}

async fn commit(transaction: Transaction<'_>) -> Result<(), StoreError> {
    transaction.commit().await.map_err(unavailable)
}

fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Unavailable(Box::new(error))
}

/// A call whose future is dropped has its transaction rolled back, unless that was committed already.
impl MessageStore for PostgresStore {
    fn find_received<'a>(&'a self, id: &'a ExchangeId) -> BoxFuture<'a, Result<Option<ReceivedRecord>, StoreError>> {
        Box::pin(async move {
            let found = self.find(Direction::Inbound, id).await?;
            Ok(found.as_ref().and_then(Entry::received))
        })
    }

    fn claim<'a>(
        &'a self,
        id: &'a ExchangeId,
        signature: Option<[u8; 32]>,
        lease: Duration,
    ) -> BoxFuture<'a, Result<Claim, StoreError>> {
        Box::pin(self.within(self.claim_now(id, signature, lease)))
    }

    fn complete<'a>(
        &'a self,
        id: &'a ExchangeId,
        token: ClaimToken,
        record: ReceivedRecord,
        lease: Duration,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.update(Direction::Inbound, id, move |entry, now| {
            Ok((entry::complete(id, entry, token, record.clone(), lease, now)?, ()))
        }))
    }

    fn release<'a>(&'a self, id: &'a ExchangeId, token: ClaimToken) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.update(Direction::Inbound, id, move |entry, _| {
            Ok((entry::release(entry, token), ()))
        }))
    }

    fn update_posting<'a>(
        &'a self,
        id: &'a ExchangeId,
        token: ClaimToken,
        step: PostStep,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.update(Direction::Inbound, id, move |entry, now| {
            Ok((entry::update_posting(entry, token, step.clone(), now)?, ()))
        }))
    }

    fn record_sent<'a>(
        &'a self,
        id: &'a ExchangeId,
        record: SentRecord,
        lease: Duration,
    ) -> BoxFuture<'a, Result<ClaimToken, StoreError>> {
        Box::pin(self.update(Direction::Outbound, id, move |entry, now| {
            entry::record_sent(id, entry, record.clone(), lease, now)
        }))
    }

    fn find_sent<'a>(&'a self, id: &'a ExchangeId) -> BoxFuture<'a, Result<Option<SentRecord>, StoreError>> {
        Box::pin(async move {
            let found = self.find(Direction::Outbound, id).await?;
            Ok(found.as_ref().and_then(Entry::sent))
        })
    }

    fn update_sent<'a>(
        &'a self,
        id: &'a ExchangeId,
        token: ClaimToken,
        step: SentStep,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.update(Direction::Outbound, id, move |entry, now| {
            Ok((entry::update_sent(entry, token, step.clone(), now)?, ()))
        }))
    }

    fn resolve_receipt<'a>(
        &'a self,
        id: &'a ExchangeId,
        outcome: SentOutcome,
        receipt: ReceiptRecord,
    ) -> BoxFuture<'a, Result<Resolution, StoreError>> {
        Box::pin(self.update(Direction::Outbound, id, move |entry, now| {
            Ok(entry::resolve(entry, outcome, receipt.clone(), now))
        }))
    }

    fn claim_due<'a>(
        &'a self,
        lease: Duration,
        limit: usize,
        busy: &'a [As2Name],
        place: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Vec<Job>, StoreError>> {
        Box::pin(self.within(self.claim_due_now(lease, limit, Asker { busy, place })))
    }

    fn next_due<'a>(
        &'a self,
        busy: &'a [As2Name],
        place: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<Duration>, StoreError>> {
        Box::pin(self.within(async move {
            let connection = self.pool.get().await.map_err(unavailable)?;
            let now = rows::now(&connection, self.now()).await?;
            let first = rows::first_turn(&connection, Asker { busy, place }).await?;
            Ok(first.map(|due_at| due_at.duration_since(now).unwrap_or_default()))
        }))
    }

    fn list<'a>(
        &'a self,
        filter: &'a Filter,
        after: Option<Cursor>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        Box::pin(self.within(async move {
            let connection = self.pool.get().await.map_err(unavailable)?;
            rows::list(&connection, filter, after, limit).await
        }))
    }

    fn expire<'a>(&'a self) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(async move {
            let mut total = 0;
            loop {
                match self.within(self.expire_some()).await? {
                    0 => return Ok(total),
                    changed => total += changed,
                }
            }
        })
    }
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}
