//! `serve`: listens, until it is told to stop.

mod listener;

use std::sync::Arc;
use std::time::Duration;

use ediint::partnership::TlsVersion;
use ediint::transport::{TlsAcceptor, default_provider, server_config};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::cli::Serve;
use crate::station::Station;
use crate::{Result, config, outbox};
use listener::{DRAIN, Endpoint, Listener};

/// How long a client has for its TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

pub(crate) async fn run(args: &Serve) -> Result<u8> {
    let station = Arc::new(Station::open(config::load(&args.config)?).await?);
    let config = &station.config;
    let mut listeners = Vec::new();
    if let Some(address) = config.listen {
        listeners.push((bind(address).await?, None));
    }
    if let Some(tls) = &config.tls {
        let server = server_config(&tls.identity, &tls.clients, TlsVersion::Tls12, default_provider()?)
            .map_err(|error| format!("{}: [tls]: {}", args.config.display(), crate::outcome::chain(&error)))?;
        listeners.push((
            bind(tls.listen).await?,
            Some(TlsAcceptor::new(Arc::new(server), HANDSHAKE)),
        ));
    }
    if listeners.is_empty() {
        let path = args.config.display();
        return Err(format!("{path}: there is nothing to listen on: set listen, or add [tls]").into());
    }
    station.clear_up()?;
    // Tells those that wait for the record of a message to be closed that one may have been.
    let news = Arc::new(Notify::new());
    let tell = news.clone();
    let receiver = station.receiver(move || tell.notify_waiters())?;
    let endpoint = Endpoint::new(receiver.clone(), &config.path);
    // Signals that come from here on drain, so nobody has to guess when they may be sent.
    let mut stop = stop_signal()?;
    let mut tasks = JoinSet::new();
    let (draining, drain) = tokio::sync::watch::channel(false);
    for (socket, tls) in listeners {
        let scheme = if tls.is_some() { "https" } else { "http" };
        say!("listening {scheme} {}", socket.local_addr()?);
        tasks.spawn(Listener::new(socket, tls, endpoint.clone()).run(drain.clone()));
    }
    let outbox = tokio::spawn(outbox::run(station.clone(), news, drain));
    stop.recv().await;
    tracing::info!("stopping: what is under way is finished, nothing new is taken");
    draining.send_replace(true);
    while tasks.join_next().await.is_some() {}
    if timeout(DRAIN, receiver.close()).await.is_err() {
        tracing::warn!("some messages were not done after {DRAIN:?}: their senders will try again");
    }
    outbox.await??;
    tracing::info!("stopped");
    Ok(0)
}

async fn bind(address: std::net::SocketAddr) -> Result<TcpListener> {
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(listener),
        Err(error) => Err(format!("cannot listen on {address}: {error}; is another gateway running?").into()),
    }
}

/// SIGTERM, or an interrupt from the keyboard.
struct Stop {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

fn stop_signal() -> Result<Stop> {
    Ok(Stop {
        #[cfg(unix)]
        terminate: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?,
    })
}

impl Stop {
    #[cfg(unix)]
    async fn recv(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    }

    #[cfg(not(unix))]
    async fn recv(&mut self) {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!("cannot wait for an interrupt: {error}");
        }
    }
}
