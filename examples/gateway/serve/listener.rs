//! HTTP/1 by hyper, over TCP or TLS, for the receiver.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ediint::transport::{OverTls, PeerCertificate, TlsAcceptor};
use ediint::{As2Receiver, PeerAddress};
use http::{Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

/// Connections at one time; more wait in the backlog of the socket.
const CONNECTIONS: usize = 1024;
/// How long a client may take for the head of a request.
const HEAD: Duration = Duration::from_secs(30);
/// How long requests under way have when the gateway stops.
pub(super) const DRAIN: Duration = Duration::from_secs(30);

/// The receiver on its path.
#[derive(Clone)]
pub(super) struct Endpoint {
    receiver: As2Receiver,
    path: Arc<str>,
}

impl Endpoint {
    pub(super) fn new(receiver: As2Receiver, path: &str) -> Self {
        Self {
            receiver,
            path: path.into(),
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<UnsyncBoxBody<Bytes, Infallible>> {
        if request.uri().path() == &*self.path {
            return self.receiver.receive(request).await.map(BodyExt::boxed_unsync);
        }
        tracing::info!("no such path: {} {}", request.method(), request.uri().path());
        let mut response = Response::new(Empty::new().boxed_unsync());
        *response.status_mut() = StatusCode::NOT_FOUND;
        response
    }
}

/// A socket that takes connections.
pub(super) struct Listener {
    socket: TcpListener,
    tls: Option<TlsAcceptor>,
    endpoint: Endpoint,
}

impl Listener {
    pub(super) fn new(socket: TcpListener, tls: Option<TlsAcceptor>, endpoint: Endpoint) -> Self {
        Self { socket, tls, endpoint }
    }

    /// Serves until `drain` says true, and then until what is under way is done.
    pub(super) async fn run(self, mut drain: watch::Receiver<bool>) {
        let connections = Arc::new(Semaphore::new(CONNECTIONS));
        let graceful = GracefulShutdown::new();
        loop {
            let next = async {
                // Never closed, so that there is always a permit some time.
                let permit = connections.clone().acquire_owned().await.map_err(io::Error::other)?;
                Ok::<_, io::Error>((permit, self.socket.accept().await?))
            };
            let next = tokio::select! {
                next = next => next,
                _ = drain.wait_for(|stop| *stop) => break,
            };
            let (permit, (stream, address)) = match next {
                Ok(next) => next,
                Err(error) => {
                    // Out of descriptors, for example: others have to end first.
                    tracing::warn!("cannot take a connection: {error}");
                    sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let (tls, endpoint, watcher) = (self.tls.clone(), self.endpoint.clone(), graceful.watcher());
            tokio::spawn(async move {
                let peer = PeerAddress(address.ip());
                serve(stream, peer, tls, endpoint, watcher).await;
                drop(permit);
            });
        }
        drop(self.socket);
        if timeout(DRAIN, graceful.shutdown()).await.is_err() {
            tracing::warn!("some requests were not done after {DRAIN:?}: their senders will try again");
        }
    }
}

async fn serve(
    stream: TcpStream,
    address: PeerAddress,
    tls: Option<TlsAcceptor>,
    endpoint: Endpoint,
    watcher: Watcher,
) {
    match tls {
        None => connection(stream, address, None, endpoint, watcher).await,
        Some(acceptor) => match acceptor.accept(stream).await {
            Ok((stream, peer)) => connection(stream, address, Some(peer), endpoint, watcher).await,
            Err(error) => tracing::info!(
                "a TLS connection from {} was refused: {}",
                address.0,
                crate::outcome::chain(&error)
            ),
        },
    }
}

/// `tls` is who is at the other end, for connections over TLS.
async fn connection<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    address: PeerAddress,
    tls: Option<Option<PeerCertificate>>,
    endpoint: Endpoint,
    watcher: Watcher,
) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        let extensions = request.extensions_mut();
        extensions.insert(address);
        if let Some(peer) = tls.clone() {
            extensions.insert(OverTls);
            if let Some(certificate) = peer {
                extensions.insert(certificate);
            }
        }
        let endpoint = endpoint.clone();
        async move { Ok::<_, Infallible>(endpoint.answer(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!("a connection ended early: {error}");
    }
}
