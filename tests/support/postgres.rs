//! The PostgreSQL that `tests/postgres/setup` makes.

use std::env;
use std::time::SystemTime;

use tokio_postgres::NoTls;

/// The URL in `EDIINT_POSTGRES`. Without it nothing can run, which is a failure where `EDIINT_PEERS=1` insists.
pub(crate) fn url() -> Option<String> {
    if let Ok(url) = env::var("EDIINT_POSTGRES") {
        return Some(url);
    }
    let insisted = env::var_os("EDIINT_PEERS").is_some_and(|value| value == "1");
    assert!(!insisted, "EDIINT_PEERS=1, but EDIINT_POSTGRES is not set");
    eprintln!("not run: set EDIINT_POSTGRES to what tests/postgres/setup prints");
    None
}

/// A name for a schema that no other run has.
pub(crate) fn fresh_name() -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    format!("test_{}_{}", std::process::id(), since.as_micros())
}

/// The URL of one schema.
pub(crate) fn in_schema(url: &str, schema: &str) -> String {
    format!("{url}?options=-csearch_path%3D{schema}")
}

pub(crate) async fn execute(url: &str, statement: &str) {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(statement).await.unwrap();
}
