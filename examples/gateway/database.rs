//! The way to a PostgreSQL: encrypted wherever it leaves the machine.

use std::sync::Arc;

use ediint::partnership::TlsProfile;
use ediint::store::PostgresStore;
use ediint::transport::{client_config, default_provider};
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::Config;
use tokio_postgres::config::Host;

use crate::Result;

/// Connects to the database at a URL or with the parameters of libpq, `host=/run/postgresql user=gateway` for example.
pub(crate) async fn connect(to: &str) -> Result<PostgresStore> {
    let config: Config = to.parse()?;
    let tls = if stays_here(&config) { None } else { Some(tls()?) };
    Ok(PostgresStore::connect(to, tls).await?)
}

/// Whether no connection leaves the machine, and none goes to a host by a name that somebody else may answer for.
fn stays_here(config: &Config) -> bool {
    let is_here = |host: &Host| match host {
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|address| is_loopback(&address)),
        #[cfg(unix)]
        Host::Unix(_) => true,
    };
    config.get_hosts().iter().all(is_here) && config.get_hostaddrs().iter().all(is_loopback)
}

fn is_loopback(address: &std::net::IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// The public roots vouch for the database.
fn tls() -> Result<ClientConfig> {
    let roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    Ok(client_config(
        &TlsProfile::default(),
        Arc::new(roots),
        default_provider()?,
    )?)
}
