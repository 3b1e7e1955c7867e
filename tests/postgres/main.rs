//! `PostgresStore` on a real server: `EDIINT_POSTGRES` is its URL, and `EDIINT_POSTGRES_CERTIFICATE` the file with its
//! certificate, as `tests/postgres/setup` makes them. Without them nothing runs, unless `EDIINT_PEERS=1` insists.

#![expect(clippy::unwrap_used, reason = "all of this is test code")]

#[path = "../support/postgres.rs"]
mod postgres;

use std::env;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use ediint::cms::Certificate;
use ediint::partnership::{Pin, ServerTrust, TlsProfile};
use ediint::store::{
    Claim, ExchangeId, MessageStore, PostgresOpenError, PostgresStore, ReceivedRecord, Retention, StoreError,
};
use ediint::testing::ManualClock;
use ediint::testing::message_store::{Subject, check};
use ediint::transport::{client_config, default_provider};
use ediint::{As2Name, BoxFuture, MessageId};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_postgres::NoTls;

/// The server, where there is one.
#[derive(Clone)]
struct Server {
    url: String,
    certificate: Certificate,
}

impl Server {
    fn get() -> Option<Self> {
        let url = postgres::url()?;
        let certificate = env::var_os("EDIINT_POSTGRES_CERTIFICATE").expect("the file of the server's certificate");
        let certificate = Certificate::from_pem(&std::fs::read(certificate).unwrap()).unwrap();
        Some(Self { url, certificate })
    }

    fn tls(&self) -> ClientConfig {
        let mut profile = TlsProfile::default();
        profile.trust = ServerTrust::pinned([self.certificate.der()]);
        client_config(&profile, Arc::new(RootCertStore::empty()), default_provider().unwrap()).unwrap()
    }

    /// The URL of a schema of its own, which is empty.
    async fn schema(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}_{number}", postgres::fresh_name());
        postgres::execute(&self.url, &format!("CREATE SCHEMA {name}")).await;
        postgres::in_schema(&self.url, &name)
    }
}

struct Database {
    server: Server,
    url: std::sync::Mutex<String>,
}

impl Database {
    async fn open(&self, clock: Arc<ManualClock>, retention: Retention) -> Arc<dyn MessageStore> {
        let url = self.url.lock().unwrap().clone();
        let store = PostgresStore::connect(&url, Some(self.server.tls())).await.unwrap();
        Arc::new(store.connections(6).clock(clock).retention(retention))
    }
}

impl Subject for Database {
    fn create(&self, clock: Arc<ManualClock>, retention: Retention) -> BoxFuture<'_, Arc<dyn MessageStore>> {
        Box::pin(async move {
            let url = self.server.schema().await;
            *self.url.lock().unwrap() = url;
            self.open(clock, retention).await
        })
    }

    fn reopen(&self, clock: Arc<ManualClock>, retention: Retention) -> BoxFuture<'_, Option<Arc<dyn MessageStore>>> {
        Box::pin(async move { Some(self.open(clock, retention).await) })
    }
}

fn id(number: u32) -> ExchangeId {
    let name = |name| As2Name::new(name).unwrap();
    let message_id = MessageId::parse(&format!("<{number}@acme>")).unwrap();
    ExchangeId::new(name("us"), name("acme"), message_id)
}

/// An error with all its causes.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_keeps_the_promises() {
    let Some(server) = Server::get() else { return };
    let url = std::sync::Mutex::default();
    check(&Database { server, url }).await;
}

/// A fleet starts at once on an empty database.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_makes_the_tables() {
    let Some(server) = Server::get() else { return };
    let url = server.schema().await;
    let mut fleet = JoinSet::new();
    for _ in 0..8 {
        let (url, tls) = (url.clone(), server.tls());
        fleet.spawn(async move { PostgresStore::connect(&url, Some(tls)).await.unwrap() });
    }
    let fleet = fleet.join_all().await;
    let mut new = 0;
    for store in &fleet {
        match store.claim(&id(1), None, Duration::from_secs(60)).await.unwrap() {
            Claim::New(_) => new += 1,
            other => assert_eq!(other, Claim::InProgress),
        }
    }
    assert_eq!(new, 1);
}

/// Whatever the machines' clocks say.
#[tokio::test]
async fn leases_go_by_the_clock_of_the_database() {
    let Some(server) = Server::get() else { return };
    let store = PostgresStore::connect(&server.schema().await, None).await.unwrap();
    let Claim::New(token) = store.claim(&id(1), None, Duration::from_secs(600)).await.unwrap() else {
        panic!("not new")
    };
    let record = ReceivedRecord::new([1; 32], SystemTime::UNIX_EPOCH).post_to("https://acme.example/".parse().unwrap());
    store
        .complete(&id(1), token, record, Duration::from_secs(600))
        .await
        .unwrap();
    assert_eq!(
        store.claim_due(Duration::from_secs(600), 1, &[], None).await.unwrap(),
        []
    );
    let due = store.next_due(&[], None).await.unwrap().unwrap();
    assert!(
        (Duration::from_secs(500)..=Duration::from_secs(600)).contains(&due),
        "{due:?}"
    );
    let waiting = store.find_received(&id(1)).await.unwrap().unwrap().posting.unwrap();
    assert!(waiting.attempts.due_at.unwrap() > SystemTime::UNIX_EPOCH);
}

#[tokio::test]
async fn newer_tables_are_left_alone() {
    let Some(server) = Server::get() else { return };
    let url = server.schema().await;
    drop(PostgresStore::connect(&url, None).await.unwrap());
    postgres::execute(&url, "INSERT INTO ediint_schema VALUES (7)").await;
    let error = PostgresStore::connect(&url, None).await.unwrap_err();
    assert!(
        matches!(error, PostgresOpenError::Schema { found: 7, known: 1 }),
        "{error:?}"
    );
}

#[tokio::test]
async fn records_of_a_newer_version_are_errors() {
    let Some(server) = Server::get() else { return };
    let url = server.schema().await;
    let store = PostgresStore::connect(&url, None).await.unwrap();
    store.claim(&id(1), None, Duration::from_secs(60)).await.unwrap();
    postgres::execute(&url, "UPDATE ediint_exchanges SET record = set_byte(record, 0, 9)").await;
    let error = store.find_received(&id(1)).await.unwrap_err();
    assert!(matches!(error, StoreError::Unreadable(_)), "{error:?}");
    assert!(chain(&error).contains("version 9"), "{}", chain(&error));
}

#[tokio::test]
async fn what_is_wrong_with_a_connection_is_said() {
    let Some(server) = Server::get() else { return };
    let (front, host) = server.url.split_once('@').unwrap();
    let (user, password) = front.rsplit_once(':').unwrap();
    let wrong = PostgresStore::connect(&format!("{user}:wrong@{host}"), None)
        .await
        .unwrap_err();
    assert!(matches!(wrong, PostgresOpenError::Connection(_)), "{wrong:?}");
    assert!(
        chain(&wrong).contains("password authentication failed"),
        "{}",
        chain(&wrong)
    );
    let nobody = "postgres://ediint@localhost:1/postgres";
    let nobody = PostgresStore::connect(nobody, None).await.unwrap_err();
    assert!(chain(&nobody).to_lowercase().contains("refused"), "{}", chain(&nobody));
    let none = PostgresStore::connect("postgres://[", None).await.unwrap_err();
    assert!(matches!(none, PostgresOpenError::Url(_)), "{none:?}");
    let store = PostgresStore::connect(&server.schema().await, Some(server.tls()))
        .await
        .unwrap();
    for shown in [chain(&wrong), format!("{wrong:?}"), format!("{store:?}")] {
        assert!(!shown.contains(password), "{shown}");
    }
}

/// Another server than ours, with which nothing is said in the clear instead.
#[tokio::test]
async fn a_server_that_is_not_trusted_is_refused() {
    let Some(server) = Server::get() else { return };
    let mut profile = TlsProfile::default();
    profile.trust = ServerTrust::Pinned(vec![Pin::Certificate([0; 32])]);
    let tls = client_config(&profile, Arc::new(RootCertStore::empty()), default_provider().unwrap()).unwrap();
    let error = PostgresStore::connect(&server.schema().await, Some(tls))
        .await
        .unwrap_err();
    assert!(matches!(error, PostgresOpenError::Connection(_)), "{error:?}");
    assert!(chain(&error).contains("certificate"), "{}", chain(&error));
}

/// The database restarts: whoever asks meanwhile is told that the store is away, and it goes on with new connections.
#[tokio::test]
async fn connections_that_break() {
    let Some(server) = Server::get() else { return };
    let url = server.schema().await;
    let name = url.rsplit_once("%3D").unwrap().1;
    let store = PostgresStore::connect(&format!("{url}&application_name={name}"), None)
        .await
        .unwrap()
        .connections(2);
    for number in 0..10 {
        store.claim(&id(number), None, Duration::from_secs(60)).await.unwrap();
        let broken = format!(
            "DO $$ DECLARE ended int; BEGIN SELECT count(pg_terminate_backend(pid, 10000)) INTO ended FROM pg_stat_activity \
             WHERE application_name = '{name}'; IF ended = 0 THEN RAISE 'no connection'; END IF; END $$"
        );
        postgres::execute(&server.url, &broken).await;
        // Each of the connections may be found broken once.
        let mut failures = 0;
        while let Err(error) = store.find_received(&id(number)).await {
            assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
            failures += 1;
            assert!(failures <= 2, "{error:?}");
        }
    }
}

/// A process that hangs in the middle of something holds up nobody for ever: not with the limits that are there, and not
/// with those of the URL, which are shorter here.
#[tokio::test]
async fn a_row_that_is_locked_by_somebody_who_hangs() {
    let Some(server) = Server::get() else { return };
    let url = server.schema().await;
    let short = format!("{url}%20-clock_timeout%3D100ms");
    let store = PostgresStore::connect(&url, None).await.unwrap();
    let impatient = PostgresStore::connect(&short, None).await.unwrap();
    let lease = Duration::from_secs(600);
    let Claim::New(token) = store.claim(&id(1), None, lease).await.unwrap() else {
        panic!("not new")
    };
    let (hung, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    hung.batch_execute("BEGIN; SELECT FROM ediint_exchanges FOR UPDATE")
        .await
        .unwrap();

    let unavailable = |result: Result<(), StoreError>| {
        let error = result.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        assert!(chain(&error).contains("lock timeout"), "{}", chain(&error));
    };
    let (row, other) = (id(1), id(1));
    let mut waiting = std::pin::pin!(store.release(&row, token));
    tokio::select! {
        biased;
        waited = &mut waiting => panic!("the limit of the other comes first: {waited:?}"),
        refused = impatient.release(&other, token) => unavailable(refused),
    }
    // It would wait for ever.
    unavailable(timeout(lease, waiting).await.unwrap());

    // Reading does not wait, and nothing is lost.
    assert_eq!(store.find_received(&id(1)).await.unwrap(), None);
    hung.batch_execute("ROLLBACK").await.unwrap();
    for store in [&store, &impatient] {
        assert_eq!(store.claim(&id(1), None, lease).await.unwrap(), Claim::InProgress);
    }
    store.release(&id(1), token).await.unwrap();
    assert!(matches!(
        impatient.claim(&id(1), None, lease).await.unwrap(),
        Claim::New(_)
    ));
}

/// So is one that stops when it has let somebody in.
#[tokio::test]
async fn a_server_that_stops_at_the_beginning() {
    let Some(server) = Server::get() else { return };
    let url = server.schema().await;
    let address = url.rsplit_once('@').unwrap().1.split_once('/').unwrap().0.to_owned();
    let front = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let fronted = url.replace(&address, &front.local_addr().unwrap().to_string());
    let (tell, told) = oneshot::channel();
    tokio::spawn(async move {
        let (mut client, _) = front.accept().await.unwrap();
        let mut server = TcpStream::connect(address).await.unwrap();
        let (mut asked, mut answered) = ([0; 4096], [0; 4096]);
        loop {
            tokio::select! {
                read = client.read(&mut asked) => server.write_all(&asked[..read.unwrap()]).await.unwrap(),
                read = server.read(&mut answered) => {
                    let octets = &answered[..read.unwrap()];
                    client.write_all(octets).await.unwrap();
                    if octets.ends_with(b"Z\0\0\0\x05I") {
                        break;
                    }
                }
            }
        }
        tell.send(()).unwrap();
        // It keeps the connection, and says nothing more.
        std::future::pending::<()>().await;
    });
    let connect = timeout(Duration::from_secs(600), PostgresStore::connect(&fronted, None));
    let stopped = async {
        told.await.unwrap();
        // There is nothing to wait for but the time.
        tokio::time::pause();
    };
    let (connected, ()) = tokio::join!(connect, stopped);
    match connected.expect("waits for ever") {
        Err(PostgresOpenError::Connection(_)) => {}
        other => panic!("{other:?}"),
    }
}

/// A server that has stopped, but whose machine acknowledges what it is sent, is given up; and so are the connections to
/// it, so that those that follow find another one in its place.
#[tokio::test]
async fn a_server_that_has_stopped() {
    let Some(server) = Server::get() else { return };
    let url = server.schema().await;
    let address = url.rsplit_once('@').unwrap().1.split_once('/').unwrap().0.to_owned();
    let front = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let fronted = url.replace(&address, &front.local_addr().unwrap().to_string());
    let stopped = Arc::new(AtomicU32::new(0));
    let until = Arc::clone(&stopped);
    tokio::spawn(async move {
        for number in 1.. {
            let (mut client, _) = front.accept().await.unwrap();
            let (address, until) = (address.clone(), Arc::clone(&until));
            tokio::spawn(async move {
                let mut server = TcpStream::connect(address).await.unwrap();
                let (mut asked, mut answered) = ([0; 4096], [0; 4096]);
                loop {
                    let (to, octets) = tokio::select! {
                        read = client.read(&mut asked) => (&mut server, &asked[..read.unwrap_or(0)]),
                        read = server.read(&mut answered) => (&mut client, &answered[..read.unwrap_or(0)]),
                    };
                    match octets {
                        [] => break,
                        _ if number <= until.load(Ordering::SeqCst) => {}
                        _ => to.write_all(octets).await.unwrap_or_default(),
                    }
                }
            });
        }
    });
    let store = PostgresStore::connect(&fronted, None).await.unwrap().connections(1);
    assert_eq!(store.find_received(&id(1)).await.unwrap(), None);
    stopped.store(1, Ordering::SeqCst);
    let lease = Duration::from_secs(600);
    // There is nothing to wait for but the time.
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    let error = timeout(lease, store.claim(&id(1), None, lease)).await;
    let error = error.expect("waits for ever").unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(91));
    tokio::time::resume();
    let claim = timeout(Duration::from_secs(20), store.claim(&id(1), None, lease)).await;
    assert!(matches!(claim.expect("the same connection").unwrap(), Claim::New(_)));
}

/// A fleet that starts while one of it migrates waits for as long as that takes.
#[tokio::test]
async fn migrations_have_no_bounds() {
    let Some(server) = Server::get() else { return };
    let url = server.schema().await;
    let (migrating, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    // What processes queue at while one of them migrates: "ediint".
    let lock = "BEGIN; SELECT pg_advisory_xact_lock(x'656469696e74'::bigint)";
    migrating.batch_execute(lock).await.unwrap();
    let name = url.rsplit_once("%3D").unwrap().1.to_owned();
    let short = format!("{url}%20-clock_timeout%3D50ms%20-cstatement_timeout%3D50ms&application_name={name}");
    let waiting = tokio::spawn(async move { PostgresStore::connect(&short, None).await });
    // Ten times as long as it may wait otherwise, from when it is seen to wait.
    let seen = format!(
        "DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_stat_activity \
         WHERE application_name = '{name}' AND wait_event_type = 'Lock') \
         LOOP PERFORM pg_sleep(0.01); PERFORM pg_stat_clear_snapshot(); \
         IF clock_timestamp() > now() + interval '1 minute' THEN RAISE 'nobody waits'; END IF; \
         END LOOP; PERFORM pg_sleep(0.5); END $$"
    );
    migrating.batch_execute(&seen).await.unwrap();
    migrating.batch_execute("ROLLBACK").await.unwrap();
    let minute = Duration::from_secs(60);
    let store = timeout(minute, waiting).await.unwrap().unwrap().unwrap();
    store.claim(&id(1), None, minute).await.unwrap();
}
