//! The way through an HTTP proxy (RFC 9110 §9.3.6).

use std::io;

use http::StatusCode;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::partnership::Proxy;
use crate::transport::{Step, TransportError};

/// The longest head of an answer.
const HEAD_MAX: usize = 16 << 10;

/// Asks the proxy at the other end of `stream` for a tunnel to `target`, which has host and port.
pub(super) async fn tunnel<S>(stream: &mut S, proxy: &Proxy, target: &str) -> Result<(), TransportError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n").into_bytes();
    if let Some(credentials) = &proxy.credentials {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(credentials.authorization().as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    let broken = |source: io::Error| TransportError::Connection {
        step: Step::Connect,
        source: source.into(),
    };
    stream.write_all(&request).await.map_err(broken)?;
    stream.flush().await.map_err(broken)?;
    let mut head = Vec::new();
    // Octet by octet: what follows the head is the partner's.
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == HEAD_MAX {
            return Err(not_http());
        }
        match stream.read_u8().await {
            Ok(octet) => head.push(octet),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && !head.is_empty() && !is_http(&head) => {
                return Err(not_http());
            }
            Err(error) => return Err(broken(error)),
        }
    }
    match status(&head).ok_or_else(not_http)? {
        status if status.is_success() => Ok(()),
        status => Err(TransportError::Proxy { status }),
    }
}

fn is_http(head: &[u8]) -> bool {
    let version: &[u8] = b"HTTP/1.";
    head.starts_with(version) || version.starts_with(head)
}

fn status(head: &[u8]) -> Option<StatusCode> {
    let rest = head.strip_prefix(b"HTTP/1.")?.split_first()?.1.strip_prefix(b" ")?;
    StatusCode::from_bytes(rest.get(..3)?).ok()
}

fn not_http() -> TransportError {
    TransportError::InvalidResponse("the proxy does not speak HTTP".into())
}
