use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode};
use rustls::AlertDescription;
use rustls::crypto::CryptoProvider;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf, duplex};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::HyperClient;
use super::deadline::Deadline;
use super::exchange::Connection;
use crate::partnership::HttpProfile;
use crate::transport::{HttpClient, RequestBody, Step, TransportError, read_limited, require_success};

/// Requests without TLS need no cryptography.
fn client() -> HyperClient {
    HyperClient::with_provider(Arc::new(no_cryptography()))
}

fn no_cryptography() -> CryptoProvider {
    #[derive(Debug)]
    struct Nothing;
    impl rustls::crypto::SecureRandom for Nothing {
        fn fill(&self, _: &mut [u8]) -> Result<(), rustls::crypto::GetRandomFailed> {
            Err(rustls::crypto::GetRandomFailed)
        }
    }
    impl rustls::crypto::KeyProvider for Nothing {
        fn load_private_key(
            &self,
            _: rustls::pki_types::PrivateKeyDer<'static>,
        ) -> Result<Arc<dyn rustls::sign::SigningKey>, rustls::Error> {
            Err(rustls::Error::DecryptError)
        }
    }
    CryptoProvider {
        cipher_suites: Vec::new(),
        kx_groups: Vec::new(),
        signature_verification_algorithms: rustls::crypto::WebPkiSupportedAlgorithms { all: &[], mapping: &[] },
        secure_random: &Nothing,
        key_provider: &Nothing,
    }
}

fn post(url: &str, body: &'static [u8]) -> Request<RequestBody> {
    Request::builder()
        .method(Method::POST)
        .uri(url)
        .header("AS2-From", "\"a b\"")
        .header("Message-ID", "<1@a>")
        .body(RequestBody::from(Bytes::from_static(body)))
        .unwrap()
}

/// A server for one connection: reads until it has seen `until`, answers with `answer`, closes.
/// Returns where it listens and, later, what it read.
async fn serve(until: &'static [u8], answer: &'static [u8]) -> (SocketAddr, tokio::task::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = read_until(&mut stream, until).await;
        stream.write_all(answer).await.unwrap();
        request
    });
    (address, server)
}

async fn read_until(stream: &mut (impl AsyncRead + Unpin), until: &[u8]) -> Vec<u8> {
    let mut request = Vec::new();
    while !request.ends_with(until) {
        assert_ne!(
            stream.read_buf(&mut request).await.unwrap(),
            0,
            "{}",
            request.escape_ascii()
        );
    }
    request
}

/// TRN-02, TRN-06, TRN-09, TRN-29: Content-Length by default, Host with its port and without user information, header
/// order kept, no `Connection`, no `Expect`.
#[tokio::test]
async fn request_goes_out_with_content_length() {
    let (address, server) = serve(b"PAYLOAD", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    let mut request = post(&format!("http://user:secret@{address}/as2?x=1"), b"the PAYLOAD");
    // Framing is not the caller's.
    request
        .headers_mut()
        .insert("transfer-encoding", HeaderValue::from_static("chunked"));
    request
        .headers_mut()
        .insert("expect", HeaderValue::from_static("100-continue"));
    let response = client().send(request, &HttpProfile::default()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(read_limited(response.into_body(), 2).await.unwrap(), "ok");
    let expected = format!(
        "POST /as2?x=1 HTTP/1.1\r\nHost: {address}\r\nAs2-From: \"a b\"\r\nMessage-Id: <1@a>\r\n\
         Content-Length: 11\r\n\r\nthe PAYLOAD"
    );
    assert_eq!(String::from_utf8(server.await.unwrap()).unwrap(), expected);
}

/// TRN-02: servers wait for a length, and refuse a request without one, also where it is zero.
#[tokio::test]
async fn empty_bodies_have_a_length() {
    for chunked in [false, true] {
        let (address, server) = serve(b"\r\n\r\n", b"HTTP/1.1 204 No Content\r\n\r\n").await;
        let profile = HttpProfile {
            chunked,
            ..HttpProfile::default()
        };
        let request = post(&format!("http://{address}"), b"");
        client().send(request, &profile).await.unwrap();
        let expected = format!(
            "POST / HTTP/1.1\r\nHost: {address}\r\nAs2-From: \"a b\"\r\nMessage-Id: <1@a>\r\nContent-Length: 0\r\n\r\n"
        );
        assert_eq!(String::from_utf8(server.await.unwrap()).unwrap(), expected);
    }
}

/// TRN-02, INT-02: chunked only by option.
#[tokio::test]
async fn request_goes_out_chunked_by_option() {
    let (address, server) = serve(b"0\r\n\r\n", b"HTTP/1.1 204 No Content\r\n\r\n").await;
    let profile = HttpProfile {
        chunked: true,
        ..HttpProfile::default()
    };
    let request = post(&format!("http://{address}"), b"the PAYLOAD");
    let response = client().send(request, &profile).await.unwrap();
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    let request = String::from_utf8(server.await.unwrap()).unwrap().to_ascii_lowercase();
    assert!(request.starts_with("post / http/1.1\r\n"), "{request}");
    assert!(request.contains("\r\ntransfer-encoding: chunked\r\n"), "{request}");
    assert!(!request.contains("content-length"), "{request}");
    assert!(request.ends_with("\r\n\r\nb\r\nthe payload\r\n0\r\n\r\n"), "{request}");
}

/// TRN-04: a body shorter than its Content-Length is an error, not a short body.
#[tokio::test]
async fn truncated_response_fails() {
    let (address, _server) = serve(b"x", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort").await;
    let response = client()
        .send(post(&format!("http://{address}/"), b"x"), &HttpProfile::default())
        .await
        .unwrap();
    let error = read_limited(response.into_body(), 100).await.unwrap_err();
    assert!(
        matches!(error, TransportError::Connection { step: Step::Body, .. }),
        "{error:?}"
    );
    assert!(error.is_transient());
}

/// TRN-19: interim responses are skipped, whatever their number.
#[tokio::test]
async fn interim_responses_are_skipped() {
    let (address, _server) = serve(
        b"x",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n\
          HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n\
          HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nmdn",
    )
    .await;
    let response = client()
        .send(post(&format!("http://{address}/"), b"x"), &HttpProfile::default())
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(!response.headers().contains_key("link"));
    assert_eq!(read_limited(response.into_body(), 3).await.unwrap(), "mdn");
}

/// SEC-21: a redirect is an answer like any other; nothing is sent to where it points.
#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let answer = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://{}/\r\nContent-Length: 0\r\n\r\n",
        elsewhere.local_addr().unwrap()
    );
    let (address, _server) = serve(b"x", answer.leak().as_bytes()).await;
    let response = client()
        .send(post(&format!("http://{address}/"), b"x"), &HttpProfile::default())
        .await
        .unwrap();
    let refusal = require_success(response, 100).await.unwrap_err();
    assert_eq!(refusal.status, StatusCode::TEMPORARY_REDIRECT);
    assert!(!refusal.is_transient());
    let visitor = tokio::time::timeout(Duration::from_millis(100), elsewhere.accept()).await;
    assert!(visitor.is_err());
}

/// A port nobody listens on is refused at once, and may be listened on later.
#[tokio::test]
async fn refused_connection_is_transient() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = client()
        .send(post(&format!("http://{address}/"), b"x"), &HttpProfile::default())
        .await
        .unwrap_err();
    assert!(
        matches!(&error, TransportError::Connect { address: tried, .. } if *tried == address),
        "{error:?}"
    );
    assert!(error.is_transient());
    assert_eq!(error.step(), Some(Step::Connect));
}

/// TRN-21, RCV-21: each step has a limit of its own, counted from the last progress of the partner, and all have one
/// together. The clock is not real: it goes on when nobody has anything to do.
#[tokio::test(start_paused = true)]
async fn each_step_has_its_limit() {
    #[derive(Clone, Copy, Debug)]
    enum Partner {
        TakesNothing,
        SaysNothing,
        Processes,
        StopsInTheBody,
        Dribbles,
    }
    let seconds = Duration::from_secs;
    for (partner, step, limit, after) in [
        (Partner::TakesNothing, Step::Write, seconds(60), 60),
        (Partner::SaysNothing, Step::Response, seconds(300), 300),
        // Interim responses break the silence, up to the total.
        (Partner::Processes, Step::Response, seconds(3600), 3600),
        (Partner::StopsInTheBody, Step::Body, seconds(300), 300),
        (Partner::Dribbles, Step::Body, seconds(3600), 3600),
    ] {
        let (ours, mut theirs) = duplex(64);
        let serving = tokio::spawn(async move {
            if matches!(partner, Partner::TakesNothing) {
                std::future::pending::<()>().await;
            }
            read_until(&mut theirs, b"the end").await;
            match partner {
                Partner::Processes => loop {
                    theirs.write_all(b"HTTP/1.1 102 Processing\r\n\r\n").await.unwrap();
                    tokio::time::sleep(Duration::from_secs(200)).await;
                },
                Partner::StopsInTheBody => {
                    let part = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nx";
                    theirs.write_all(part).await.unwrap();
                }
                Partner::Dribbles => {
                    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
                    theirs.write_all(head).await.unwrap();
                    loop {
                        theirs.write_all(b"x").await.unwrap();
                        tokio::time::sleep(Duration::from_secs(299)).await;
                    }
                }
                _ => {}
            }
            std::future::pending::<()>().await;
        });
        let profile = HttpProfile::default();
        let started = Instant::now();
        let deadline = Deadline::after(profile.timeouts.total);
        let connection = Connection::over(ours).await.unwrap();
        let request = post("/as2", b"a body that is longer than what the stream holds: the end");
        let exchange = connection.exchange(request, &profile, deadline, None).await;
        let error = match exchange {
            Ok(response) => read_limited(response.into_body(), 1_000_000).await.unwrap_err(),
            Err(failed) => {
                assert!(!failed.unanswered);
                failed.error
            }
        };
        let (found, reached) = match error {
            TransportError::Timeout { step, limit } | TransportError::TotalTimeout { step, limit } => (step, limit),
            other => panic!("{partner:?}: {other:?}"),
        };
        assert_eq!((found, reached), (step, limit), "{partner:?}");
        assert_eq!(started.elapsed().as_secs(), after, "{partner:?}");
        serving.abort();
    }
}

/// TRN-21: so have the steps before the request.
#[tokio::test(start_paused = true)]
async fn connecting_has_its_limits() {
    let started = Instant::now();
    let deadline = Deadline::after(Duration::from_secs(50));
    let never = || std::future::pending::<Result<(), TransportError>>();
    let limit = Duration::from_secs(30);
    let error = deadline.within(Step::Connect, limit, never()).await.unwrap_err();
    assert!(matches!(
        error,
        TransportError::Timeout {
            step: Step::Connect,
            ..
        }
    ));
    assert!(error.is_transient());
    assert_eq!(started.elapsed(), limit);
    let error = deadline.within(Step::Tls, limit, never()).await.unwrap_err();
    assert!(matches!(error, TransportError::TotalTimeout { step: Step::Tls, .. }));
    assert_eq!(started.elapsed(), Duration::from_secs(50));
}

/// TRN-21: a server that takes connections and never shakes hands.
#[cfg(any(feature = "graviola", feature = "aws-lc-rs", feature = "ring"))]
#[tokio::test]
async fn silent_handshakes_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut profile = HttpProfile::default();
    profile.timeouts.tls = Duration::from_millis(50);
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let error = HyperClient::new()
        .unwrap()
        .send(post(&url, b"x"), &profile)
        .await
        .unwrap_err();
    assert!(
        matches!(error, TransportError::Timeout { step: Step::Tls, .. }),
        "{error:?}"
    );
    assert!(error.is_transient());
}

/// REL-01: nothing that somebody has to change is tried again by itself.
#[test]
fn which_failures_pass() {
    for (status, transient) in [(407, false), (403, false), (502, true), (503, true), (504, true)] {
        let status = StatusCode::from_u16(status).unwrap();
        let error = TransportError::Proxy { status };
        assert_eq!(error.is_transient(), transient, "{status}");
        assert_eq!(error.step(), Some(Step::Connect));
    }
}

/// TRN-31: a server that refuses our certificate in TLS 1.3 may say so before the request is handed over.
#[tokio::test]
async fn an_alert_before_the_request_is_told() {
    let stream = Alerting(AlertDescription::CertificateRequired);
    let connection = Connection::over(stream).await.unwrap();
    // The connection reads the alert, and ends.
    tokio::task::yield_now().await;
    let profile = HttpProfile::default();
    let deadline = Deadline::after(profile.timeouts.total);
    let failed = connection
        .exchange(post("/as2", b"PAYLOAD"), &profile, deadline, None)
        .await;
    match failed.err().unwrap().error {
        TransportError::Tls(rustls::Error::AlertReceived(alert)) => {
            assert_eq!(alert, AlertDescription::CertificateRequired);
        }
        other => panic!("{other:?}"),
    }
}

/// A TLS stream that an alert has ended.
struct Alerting(AlertDescription);

impl Alerting {
    fn error(&self) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, rustls::Error::AlertReceived(self.0))
    }
}

impl AsyncRead for Alerting {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Err(self.error()))
    }
}

/// Whoever sent an alert reads no more.
impl AsyncWrite for Alerting {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
