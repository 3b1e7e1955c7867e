//! AS2 in axum, TLS by this crate: `cargo run --example axum [ADDRESS]`
//!
//! The receiver is a service like any other. What axum cannot know, the listener tells: who is at the other end.
//!
//! `axum::serve` bounds neither the number of connections nor the time for the head of a request: clients that say nothing
//! keep their descriptors for ever. So it is for behind a proxy that has such bounds; `examples/hyper.rs` has its own.

#![expect(clippy::print_stdout, reason = "it shows what happens")]

#[path = "support/identity.rs"]
mod identity;
#[path = "support/station.rs"]
mod station;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request, connect_info::Connected};
use axum::middleware::map_request;
use axum::serve::{IncomingStream, Listener};
use ediint::transport::{OverTls, PeerCertificate, TlsAcceptor, TransportError};
use ediint::{As2Receiver, PeerAddress};
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_rustls::server::TlsStream;

#[tokio::main]
async fn main() -> station::Result<()> {
    station::run(serve).await
}

/// Serves until `end`: requests that come then are told to come again, those that have begun are answered.
pub(crate) async fn serve(
    tcp: TcpListener,
    tls: ServerConfig,
    receiver: As2Receiver,
    end: oneshot::Receiver<()>,
) -> io::Result<()> {
    // All methods: the receiver answers them itself. It bounds the body too; axum's own limit is one of extractors.
    let app = Router::new()
        .route_service("/as2", receiver.clone())
        .layer(map_request(tell_peer));
    let listener = TlsListener {
        tcp,
        tls: TlsAcceptor::new(Arc::new(tls), Duration::from_secs(10)),
        handshakes: JoinSet::new(),
    };
    axum::serve(listener, app.into_make_service_with_connect_info::<Peer>())
        .with_graceful_shutdown(async move {
            drop(end.await);
            receiver.close().await;
        })
        .await
}

/// Who is at the other end of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    address: SocketAddr,
    certificate: Option<PeerCertificate>,
}

/// Passes it on to the receiver, which decides by it whether the connection is the partner's.
async fn tell_peer(ConnectInfo(peer): ConnectInfo<Peer>, mut request: Request) -> Request {
    let extensions = request.extensions_mut();
    extensions.insert(OverTls);
    extensions.insert(PeerAddress(peer.address.ip()));
    if let Some(certificate) = peer.certificate {
        extensions.insert(certificate);
    }
    request
}

impl Connected<IncomingStream<'_, TlsListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TlsListener>) -> Self {
        stream.remote_addr().clone()
    }
}

/// The most TLS handshakes at one time; more connections wait in the kernel.
const HANDSHAKES: usize = 256;

/// TLS connections whose handshake is done. A slow client holds up nobody else.
#[derive(Debug)]
pub(crate) struct TlsListener {
    tcp: TcpListener,
    tls: TlsAcceptor,
    handshakes: JoinSet<Result<(TlsStream<TcpStream>, Peer), TransportError>>,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = Peer;

    async fn accept(&mut self) -> (Self::Io, Peer) {
        loop {
            tokio::select! {
                connection = self.tcp.accept(), if self.handshakes.len() < HANDSHAKES => match connection {
                    Ok((stream, address)) => {
                        let tls = self.tls.clone();
                        self.handshakes.spawn(async move {
                            let (stream, certificate) = tls.accept(stream).await?;
                            Ok((stream, Peer { address, certificate }))
                        });
                    }
                    // No file descriptors: others have to be closed first.
                    Err(error) => {
                        println!("  host     | no connection: {error}");
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                },
                Some(done) = self.handshakes.join_next() => match done {
                    Ok(Ok(ready)) => return ready,
                    Ok(Err(error)) => println!("  host     | no TLS: {error}"),
                    Err(error) => println!("  host     | no TLS: {error}"),
                },
            }
        }
    }

    fn local_addr(&self) -> io::Result<Peer> {
        Ok(Peer {
            address: self.tcp.local_addr()?,
            certificate: None,
        })
    }
}
