//! AS2 on plain hyper, TLS by the host: `cargo run --example hyper [ADDRESS]`
//!
//! What stands between the socket and the receiver is all here: connections, TLS, time limits, the end.

#![expect(clippy::print_stdout, reason = "it shows what happens")]

#[path = "support/identity.rs"]
mod identity;
#[path = "support/station.rs"]
mod station;

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ediint::transport::{OverTls, PeerCertificate};
use ediint::{As2Receiver, PeerAddress, ReplyBody};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, combinators::UnsyncBoxBody};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio_rustls::TlsAcceptor;

/// The most connections at one time; more wait in the kernel.
const CONNECTIONS: usize = 1024;

/// How long a TLS handshake may take, and the head of a request.
const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> station::Result<()> {
    station::run(serve).await
}

/// Serves until `end`: requests that come then are told to come again, those that have begun are answered.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: ServerConfig,
    receiver: As2Receiver,
    end: oneshot::Receiver<()>,
) -> io::Result<()> {
    let host = Host {
        tls: TlsAcceptor::from(Arc::new(tls)),
        receiver: receiver.clone(),
    };
    let (places, connections) = (Arc::new(Semaphore::new(CONNECTIONS)), GracefulShutdown::new());
    let mut ended = Box::pin(async move {
        drop(end.await);
        receiver.close().await;
    });
    loop {
        let next = async {
            // Never closed, so that there is always a place some time.
            let place = Arc::clone(&places).acquire_owned().await.map_err(io::Error::other)?;
            Ok::<_, io::Error>((place, listener.accept().await?))
        };
        let (place, (stream, address)) = tokio::select! {
            next = next => match next {
                Ok(next) => next,
                // No file descriptors: others have to be closed first.
                Err(error) => {
                    println!("  host     | no connection: {error}");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    continue;
                }
            },
            () = &mut ended => break,
        };
        let (host, watcher) = (host.clone(), connections.watcher());
        tokio::spawn(async move {
            if let Err(error) = host.connection(stream, address, watcher).await {
                println!("  host     | connection from {address}: {error}");
            }
            drop(place);
        });
    }
    drop(listener);
    connections.shutdown().await;
    Ok(())
}

#[derive(Clone)]
struct Host {
    tls: TlsAcceptor,
    receiver: As2Receiver,
}

type Watcher = hyper_util::server::graceful::Watcher;

impl Host {
    async fn connection(
        self,
        stream: TcpStream,
        address: SocketAddr,
        watcher: Watcher,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let stream = tokio::time::timeout(PATIENCE, self.tls.accept(stream)).await??;
        let chain = stream.get_ref().1.peer_certificates();
        let certificate = chain.and_then(<[_]>::first).cloned().map(PeerCertificate::new);
        let service = service_fn(move |mut request: Request<Incoming>| {
            // Tells the receiver who is at the other end: it decides by that whether the connection is the partner's.
            let extensions = request.extensions_mut();
            extensions.insert(OverTls);
            extensions.insert(PeerAddress(address.ip()));
            if let Some(certificate) = &certificate {
                extensions.insert(certificate.clone());
            }
            let receiver = self.receiver.clone();
            async move { Ok::<_, Infallible>(route(receiver, request).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(PATIENCE)
            .serve_connection(TokioIo::new(stream), service);
        Ok(watcher.watch(connection).await?)
    }
}

/// The body goes on as it comes in: hyper reads more of it only when the receiver asks.
async fn route(receiver: As2Receiver, request: Request<Incoming>) -> Response<UnsyncBoxBody<Bytes, Infallible>> {
    match request.uri().path() {
        "/as2" => receiver.receive(request).await.map(ReplyBody::boxed_unsync),
        _ => {
            let mut response = Response::new(Empty::new().boxed_unsync());
            *response.status_mut() = StatusCode::NOT_FOUND;
            response
        }
    }
}
