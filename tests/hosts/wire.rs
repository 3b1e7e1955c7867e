//! HTTP by hand, over TLS.

use std::sync::Arc;

use ediint::PreparedMessage;
use ediint::transport::{client_config, default_provider};
use http_body_util::BodyExt;
use rustls::RootCertStore;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::{World, coming_as};

pub(crate) type Wire = TlsStream<TcpStream>;

/// A connection as Alice, that buffers little in the kernel.
pub(crate) async fn connect(world: &World) -> Wire {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(64 << 10).unwrap();
    let stream = socket.connect(([127, 0, 0, 1], world.port).into()).await.unwrap();
    let roots = Arc::new(RootCertStore::empty());
    let config = client_config(&coming_as(Some("client")).tls, roots, default_provider().unwrap()).unwrap();
    let host = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(host, stream)
        .await
        .unwrap()
}

/// The head of the request of a message, without the fields that frame its body; `more` in their place.
pub(crate) fn head(prepared: &PreparedMessage, version: &str, more: &str) -> Vec<u8> {
    let request = prepared.request().unwrap();
    let mut head = format!("POST /as2 {version}\r\n").into_bytes();
    for (name, value) in request.headers() {
        if name != http::header::CONTENT_LENGTH {
            head.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
    }
    if !request.headers().contains_key(http::header::HOST) {
        head.extend(b"Host: localhost\r\n");
    }
    head.extend([more.as_bytes(), b"\r\n\r\n"].concat());
    head
}

pub(crate) async fn body(prepared: &PreparedMessage) -> Vec<u8> {
    let body = prepared.request().unwrap().into_body();
    body.collect().await.unwrap().to_bytes().to_vec()
}

/// One chunk of a chunked body.
pub(crate) fn chunk(octets: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", octets.len()).as_bytes(), octets, b"\r\n"].concat()
}

/// Reads to the end of the head of a response.
pub(crate) async fn read_head(wire: &mut Wire) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(wire.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap().to_ascii_lowercase()
}

/// Sends a request, and reads the head of the response and as much of its body as that says.
pub(crate) async fn exchange(wire: &mut Wire, request: &[u8]) -> (String, String) {
    wire.write_all(request).await.unwrap();
    wire.flush().await.unwrap();
    let head = read_head(wire).await;
    let length = head.split("content-length: ").nth(1).unwrap();
    let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
    let mut body = vec![0; length];
    wire.read_exact(&mut body).await.unwrap();
    (head, String::from_utf8_lossy(&body).into_owned())
}
