use std::error::Error;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::Request;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::partnership::HttpProfile;
use crate::transport::hyper_client::deadline::Deadline;
use crate::transport::hyper_client::exchange::Connection;
use crate::transport::{RequestBody, Step, TransportError};

/// A partner that takes the head of a request, says something, and is gone when the body comes: what it said is there to
/// be read only after the write that failed.
struct HungUp {
    writes: usize,
    said: &'static [u8],
    reader: Option<Waker>,
}

impl AsyncRead for HungUp {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.writes < 2 {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        buffer.put_slice(std::mem::take(&mut self.said));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for HungUp {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        self.writes += 1;
        if self.writes < 2 {
            return Poll::Ready(Ok(octets.len()));
        }
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
        Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// What becomes of a large request.
async fn send_to(said: &'static [u8]) -> Result<u16, TransportError> {
    let partner = HungUp {
        writes: 0,
        said,
        reader: None,
    };
    let connection = Connection::over(partner).await?;
    let body = RequestBody::replayable(|| tokio::io::repeat(0), 1 << 30);
    let request = Request::post("/as2").body(body).unwrap();
    let deadline = Deadline::after(Duration::from_secs(600));
    let answer = connection
        .exchange(request, &HttpProfile::default(), deadline, None)
        .await;
    answer
        .map(|response| response.status().as_u16())
        .map_err(|failed| failed.error)
}

/// A refusal that came before the request was out is the news, not that the rest could not be sent.
#[tokio::test]
async fn what_is_said_before_hanging_up_is_heard() {
    let refused = b"HTTP/1.1 413 Payload Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    assert_eq!(send_to(refused).await.unwrap(), 413);
}

/// Where nothing was said, the connection broke while it was written to.
#[tokio::test]
async fn hanging_up_without_a_word() {
    match send_to(b"").await.unwrap_err() {
        TransportError::Connection {
            step: Step::Write,
            source,
        } => {
            let mut cause: &(dyn Error + 'static) = &*source;
            while let Some(next) = cause.source() {
                cause = next;
            }
            assert!(cause.to_string().contains("broken pipe"), "{cause}");
        }
        other => panic!("{other:?}"),
    }
}
