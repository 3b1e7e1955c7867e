//! AS2 in actix-web, TLS by actix: `cargo run --example actix [ADDRESS]`
//!
//! actix-web is on the types of `http` 0.2, and its bodies stay on their thread. Heads are converted, bodies are not: they
//! go through as they come, chunk by chunk, in both directions.

#![expect(clippy::print_stdout, reason = "it shows what happens")]

#[path = "support/identity.rs"]
mod identity;
#[path = "support/station.rs"]
mod station;

use std::any::Any;
use std::cell::RefCell;
use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::Extensions;
use actix_web::error::{ErrorBadRequest, PayloadError};
use actix_web::rt::net::TcpStream;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use bytes::Bytes;
use ediint::transport::{OverTls, PeerCertificate};
use ediint::{As2Receiver, PeerAddress, ReplyBody};
use futures_core::Stream;
use http::{HeaderName, HeaderValue, Request};
use http_body::{Body, Frame, SizeHint};
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

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
    let shared = web::Data::new(receiver.clone());
    let server = HttpServer::new(move || App::new().app_data(shared.clone()).route("/as2", web::to(as2)))
        .on_connect(note_peer)
        .client_request_timeout(Duration::from_secs(10))
        .disable_signals()
        .shutdown_timeout(30)
        .listen_rustls_0_23(listener.into_std()?, tls)?
        .run();
    let handle = server.handle();
    tokio::spawn(async move {
        drop(end.await);
        receiver.close().await;
        handle.stop(true).await;
    });
    server.await
}

/// Who is at the other end of a connection: kept with it for each of its requests.
#[derive(Clone)]
struct Peer {
    address: Option<IpAddr>,
    certificate: Option<PeerCertificate>,
}

fn note_peer(connection: &dyn Any, data: &mut Extensions) {
    if let Some(stream) = connection.downcast_ref::<TlsStream<TcpStream>>() {
        let (tcp, tls) = stream.get_ref();
        let chain = tls.peer_certificates();
        data.insert(Peer {
            address: tcp.peer_addr().ok().map(|address| address.ip()),
            certificate: chain.and_then(<[_]>::first).cloned().map(PeerCertificate::new),
        });
    }
}

/// All methods: the receiver answers them itself. It bounds the body too, so that no extractor needs to.
async fn as2(
    receiver: web::Data<As2Receiver>,
    head: HttpRequest,
    payload: web::Payload,
) -> actix_web::Result<HttpResponse<Reply>> {
    let payload = Rc::new(RefCell::new(payload));
    let request = convert_request(&head, Rc::clone(&payload)).map_err(ErrorBadRequest)?;
    let (head, body) = receiver.receive(request).await.into_parts();
    let reply = Reply {
        body,
        _request: payload,
    };
    let mut response = HttpResponse::with_body(status(head.status), reply);
    for (name, value) in &head.headers {
        let name = actix_web::http::header::HeaderName::from_bytes(name.as_str().as_bytes());
        let value = actix_web::http::header::HeaderValue::from_bytes(value.as_bytes());
        // Both versions of `http` have the same rules for both.
        if let (Ok(name), Ok(value)) = (name, value) {
            response.headers_mut().append(name, value);
        }
    }
    Ok(response)
}

/// The head in the types of `http` 1, the peer in its extensions.
fn convert_request(head: &HttpRequest, payload: Rc<RefCell<web::Payload>>) -> http::Result<Request<Incoming>> {
    let mut request = Request::builder()
        .method(head.method().as_str())
        .uri(head.uri().to_string());
    for (name, value) in head.headers() {
        let name = HeaderName::from_bytes(name.as_str().as_bytes())?;
        request = request.header(name, HeaderValue::from_bytes(value.as_bytes())?);
    }
    if let Some(peer) = head.conn_data::<Peer>() {
        request = request.extension(OverTls);
        if let Some(address) = peer.address {
            request = request.extension(PeerAddress(address));
        }
        if let Some(certificate) = peer.certificate.clone() {
            request = request.extension(certificate);
        }
    }
    let declared = head.headers().get("content-length");
    let declared = declared.and_then(|length| length.to_str().ok()?.parse().ok());
    request.body(Incoming { payload, declared })
}

fn status(status: http::StatusCode) -> actix_web::http::StatusCode {
    actix_web::http::StatusCode::from_u16(status.as_u16()).unwrap_or(actix_web::http::StatusCode::INTERNAL_SERVER_ERROR)
}

/// The body of a request, as a `Body` of `http` 1. actix reads more of it only when the receiver asks.
struct Incoming {
    payload: Rc<RefCell<web::Payload>>,
    /// `Content-Length`: the receiver refuses what is too large before it reads any of it.
    declared: Option<u64>,
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = PayloadError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, PayloadError>>> {
        let chunk = Pin::new(&mut *self.payload.borrow_mut()).poll_next(cx);
        chunk.map(|chunk| chunk.map(|chunk| chunk.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        self.declared.map_or_else(SizeHint::new, SizeHint::with_exact)
    }
}

/// The body of a response. It is kept until it is out: an asynchronous receipt is posted when it is dropped.
struct Reply {
    body: ReplyBody,
    /// Of the request. Where it is gone before the response, actix reads what is left of a chunked one, however long that
    /// is; where it is there, actix closes the connection.
    _request: Rc<RefCell<web::Payload>>,
}

impl MessageBody for Reply {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.body.size_hint().lower())
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let frame = Pin::new(&mut self.get_mut().body).poll_frame(cx);
        // There are no trailers.
        frame.map(|frame| frame?.map(|frame| frame.into_data().ok()).transpose())
    }
}
