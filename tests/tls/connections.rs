//! Connections that are used again, and credentials.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ediint::partnership::{BasicAuth, Credentials, HttpProfile, TlsVersion};
use ediint::transport::{
    ClientAuth, Egress, HttpClient, HyperClient, RequestBody, Step, TlsAcceptor, TransportError, read_limited,
    require_success,
};
use http::{Request, Response};
use rustls::HandshakeKind;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::{config, over, pinned, post, profile, told};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Reads one request with the body `body`; none at the end of the stream.
pub(crate) async fn request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut read = Vec::new();
    while !read.ends_with(b"body") {
        if stream.read_buf(&mut read).await.unwrap_or(0) == 0 {
            return None;
        }
    }
    Some(String::from_utf8(read).unwrap())
}

/// Answers each request with the next answer, and goes on to the next connection where one is empty. Tells each request
/// with the number of its connection.
async fn serve(answers: &'static [&'static [u8]]) -> (String, UnboundedReceiver<(usize, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/as2", listener.local_addr().unwrap());
    let (tell, told) = unbounded_channel();
    tokio::spawn(async move {
        let mut answers = answers.iter();
        for connection in 0.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            while let Some(request) = request(&mut stream).await {
                tell.send((connection, request)).unwrap();
                let Some(answer) = answers.next().filter(|answer| !answer.is_empty()) else {
                    break;
                };
                stream.write_all(answer).await.unwrap();
            }
        }
    });
    (url, told)
}

async fn send(client: &HyperClient, url: &str, http: &HttpProfile) -> Result<Bytes, TransportError> {
    let response = client.send(post(url), http).await?;
    assert_eq!(response.status(), 200);
    read_limited(response.into_body(), 10).await
}

/// TRN-09: one connection for one message after the other, unless the profile says otherwise.
#[tokio::test]
async fn connections_are_used_again() {
    for (close, idle, expected) in [(false, 8, [0, 0, 0]), (true, 8, [0, 1, 2]), (false, 0, [0, 1, 2])] {
        let (url, mut requests) = serve(&[OK, OK, OK]).await;
        let client = HyperClient::new().unwrap().keep_idle(idle, Duration::from_secs(60));
        let mut http = HttpProfile::default();
        http.close = close;
        for connection in expected {
            assert_eq!(send(&client, &url, &http).await.unwrap(), "ok");
            let (on, request) = requests.recv().await.unwrap();
            assert_eq!(on, connection, "close: {close}, idle: {idle}");
            assert_eq!(request.contains("Connection: close\r\n"), close);
        }
    }
}

/// TRN-09: at the bound it is the connection that nobody has used for the longest time that ends.
#[tokio::test]
async fn the_connection_used_last_is_kept() {
    let client = HyperClient::new().unwrap().keep_idle(1, Duration::from_secs(60));
    let http = HttpProfile::default();
    let (first, mut to_first) = serve(&[OK, OK]).await;
    let (second, mut to_second) = serve(&[OK, OK]).await;
    for (is_first, connection) in [(true, 0), (false, 0), (false, 0), (true, 1)] {
        let (url, requests) = match is_first {
            true => (&first, &mut to_first),
            false => (&second, &mut to_second),
        };
        send(&client, url, &http).await.unwrap();
        assert_eq!(requests.recv().await.unwrap().0, connection);
    }
}

/// What was checked of a connection for one kind of request says nothing for another.
#[tokio::test]
async fn connections_belong_to_what_was_checked() {
    let (url, mut requests) = serve(&[OK, OK]).await;
    let client = HyperClient::new().unwrap();
    let http = HttpProfile::default();
    send(&client, &url, &http).await.unwrap();
    let mut named = post(&url);
    named.extensions_mut().insert(Egress::NamedHost);
    let sending = tokio::spawn(async move { client.send(named, &HttpProfile::default()).await.map(drop) });
    assert_eq!(requests.recv().await.unwrap().0, 0);
    // The server talks to one client at a time: the first connection stands, so nobody takes the second.
    let second = tokio::time::timeout(Duration::from_millis(100), requests.recv()).await;
    assert!(second.is_err(), "{second:?}");
    sending.abort();
}

/// A connection that the server closes as it is used again has answered nothing: the request goes out once more, where
/// its body can be sent again.
#[tokio::test]
async fn stale_connections() {
    for replayable in [true, false] {
        let (url, mut requests) = serve(&[OK, b"", OK]).await;
        let client = HyperClient::new().unwrap();
        let http = HttpProfile::default();
        send(&client, &url, &http).await.unwrap();
        let body = if replayable {
            RequestBody::replayable(|| &b"body"[..], 4)
        } else {
            RequestBody::from_reader(&b"body"[..], 4)
        };
        let sent = client.send(Request::post(&url).body(body).unwrap(), &http).await;
        let mut connections = Vec::new();
        for _ in 0..if replayable { 3 } else { 2 } {
            connections.push(requests.recv().await.unwrap().0);
        }
        if replayable {
            assert_eq!(sent.unwrap().status(), 200);
            assert_eq!(connections, [0, 0, 1]);
        } else {
            let error = sent.unwrap_err();
            assert!(matches!(error, TransportError::Connection { .. }), "{error:?}");
            assert!(error.is_transient());
            assert_eq!(connections, [0, 0]);
        }
    }
}

/// A fresh connection that breaks is no stale one, and one octet of an answer is an answer.
#[tokio::test]
async fn broken_answers_are_not_asked_for_again() {
    let (url, mut requests) = serve(&[b"", OK]).await;
    let client = HyperClient::new().unwrap();
    let http = HttpProfile::default();
    assert!(send(&client, &url, &http).await.unwrap_err().is_transient());
    requests.recv().await.unwrap();
    assert!(requests.try_recv().is_err());

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        for answer in [OK, b"H"] {
            request(&mut stream).await.unwrap();
            stream.write_all(answer).await.unwrap();
        }
        drop(stream);
        tokio::time::timeout(Duration::from_millis(100), listener.accept())
            .await
            .is_err()
    });
    send(&client, &url, &http).await.unwrap();
    send(&client, &url, &http).await.unwrap_err();
    assert!(serving.await.unwrap(), "asked again");
}

/// A redirect is told as what it is (TRN-18).
#[tokio::test]
async fn redirects_in_words() {
    let (url, _requests) =
        serve(&[b"HTTP/1.1 301 Moved\r\nLocation: https://new.example/as2\r\nContent-Length: 0\r\n\r\n"]).await;
    let response = HyperClient::new()
        .unwrap()
        .send(post(&url), &HttpProfile::default())
        .await;
    let refusal = require_success(response.unwrap(), 100).await.unwrap_err();
    let told = refusal.to_string();
    assert!(
        told.contains("redirects to \"https://new.example/as2\" are not followed; configure the URL"),
        "{told}"
    );
}

/// The server of one TLS configuration: says of each connection how its handshake was.
async fn handshakes(acceptor: TlsAcceptor) -> (String, UnboundedReceiver<HandshakeKind>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    let (tell, told) = unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok((mut stream, _)) = acceptor.accept(stream).await else {
                continue;
            };
            tell.send(stream.get_ref().1.handshake_kind().unwrap()).unwrap();
            request(&mut stream).await.unwrap();
            stream.write_all(OK).await.unwrap();
            stream.shutdown().await.unwrap();
        }
    });
    (url, told)
}

/// The TLS configuration of a profile is made once: its sessions are resumed. Not so after the server's configuration
/// was replaced.
#[tokio::test]
async fn sessions_are_resumed() {
    for minimum in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let server = || Arc::new(config("server", &ClientAuth::None, minimum));
        let acceptor = TlsAcceptor::new(server(), Duration::from_secs(20));
        let (url, mut kinds) = handshakes(acceptor.clone()).await;
        let client = HyperClient::new().unwrap();
        let mut http = over(profile(pinned(&["server"])));
        http.close = true;
        for _ in 0..2 {
            send(&client, &url, &http).await.unwrap();
        }
        assert_eq!(kinds.recv().await, Some(HandshakeKind::Full));
        assert_eq!(kinds.recv().await, Some(HandshakeKind::Resumed));
        acceptor.replace(server());
        send(&client, &url, &http).await.unwrap();
        assert_eq!(kinds.recv().await, Some(HandshakeKind::Full));
        // Another profile knows nothing of the sessions of this one.
        let mut other = http.clone();
        other.tls.trust = pinned(&["server", "other"]);
        send(&client, &url, &other).await.unwrap();
        assert_eq!(kinds.recv().await, Some(HandshakeKind::Full));
    }
}

const CHALLENGE: &[u8] =
    b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"AS2\"\r\nContent-Length: 0\r\n\r\n";
const NEGOTIATE: &[u8] = b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n";

fn authenticated(preemptive: bool, allow_plaintext: bool) -> HttpProfile {
    let mut auth = BasicAuth::new(Credentials::new("Aladdin", "open sesame").unwrap());
    auth.preemptive = preemptive;
    auth.allow_plaintext = allow_plaintext;
    let mut http = HttpProfile::default();
    http.basic_auth = Some(auth);
    http
}

/// TRN-17, REL-03: credentials go with the first request where configured so, else once after a challenge, and never
/// over plain HTTP unless allowed.
#[tokio::test]
async fn basic_authentication() {
    let authorization = "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n";
    type Case = (bool, &'static [&'static [u8]], &'static [bool], u16);
    let cases: [Case; 5] = [
        (true, &[OK], &[true], 200),
        (false, &[OK], &[false], 200),
        (false, &[CHALLENGE, OK], &[false, true], 200),
        // Wrong ones are not sent again.
        (false, &[CHALLENGE, CHALLENGE, OK], &[false, true], 401),
        // Nor any where others are asked for.
        (false, &[NEGOTIATE, OK], &[false], 401),
    ];
    for (preemptive, answers, sent, status) in cases {
        let (url, mut requests) = serve(answers).await;
        let client = HyperClient::new().unwrap();
        let response = client.send(post(&url), &authenticated(preemptive, true)).await.unwrap();
        assert_eq!(response.status(), status);
        for expected in sent {
            let (_, request) = requests.recv().await.unwrap();
            assert_eq!(request.contains(authorization), *expected, "{request}");
            assert!(request.ends_with("\r\n\r\nbody"));
        }
        assert!(requests.try_recv().is_err());
        if status == 401 {
            let refusal = require_success(response, 100).await.unwrap_err();
            assert!(
                refusal.to_string().contains("it wants a user name and password"),
                "{refusal}"
            );
        }
    }
    let (url, mut requests) = serve(&[OK]).await;
    let client = HyperClient::new().unwrap();
    let refused = client.send(post(&url), &authenticated(false, false)).await.unwrap_err();
    assert!(matches!(refused, TransportError::PlaintextCredentials), "{refused:?}");
    assert!(told(&refused).contains("use https"));
    assert!(requests.try_recv().is_err());
    // A receipt that the partner wants over plain HTTP goes without.
    let mut receipt = post(&url);
    receipt.extensions_mut().insert(Egress::NamedHost);
    client.send(receipt, &authenticated(true, false)).await.unwrap();
    assert!(!requests.recv().await.unwrap().1.contains("Authorization"));
}

/// A body that can be sent only once is not sent a second time: the challenge is the answer.
#[tokio::test]
async fn challenged_without_a_second_copy() {
    let (url, _requests) = serve(&[CHALLENGE, OK]).await;
    let body = RequestBody::from_reader(&b"body"[..], 4);
    let request = Request::post(&url).body(body).unwrap();
    let response: Response<_> = HyperClient::new()
        .unwrap()
        .send(request, &authenticated(false, true))
        .await
        .unwrap();
    assert_eq!(response.status(), 401);
}

/// SEC-19, SEC-21: a URL out of a message leads to no address of ours, whatever it is written as, and no credentials
/// go to a host that nobody configured.
#[tokio::test]
async fn urls_out_of_messages() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let client = HyperClient::new().unwrap();
    for host in [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "[::]",
    ] {
        let mut request = post(&format!("http://{host}:{port}/"));
        request.extensions_mut().insert(Egress::Stranger);
        let refused = client.send(request, &authenticated(true, false)).await.unwrap_err();
        assert!(
            matches!(
                refused,
                TransportError::AddressNotAllowed { .. } | TransportError::Resolve(_)
            ),
            "{host}: {refused:?}"
        );
        assert_eq!(refused.step(), Some(Step::Connect));
    }
    // Not as a name: the resolver of the system reads it as an address of the link.
    let mut request = post(&format!("http://2852039166:{port}/"));
    request.extensions_mut().insert(Egress::NamedHost);
    let refused = client.send(request, &HttpProfile::default()).await.unwrap_err();
    assert!(
        matches!(refused, TransportError::AddressNotAllowed { .. }),
        "{refused:?}"
    );
    assert!(!refused.is_transient());
    let accepted = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
    assert!(accepted.is_err());
}
