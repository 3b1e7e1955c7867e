//! Proxies before us and before a partner.

use std::sync::Arc;
use std::time::Duration;

use ediint::partnership::{Credentials, HttpProfile, Proxy, TlsVersion};
use ediint::transport::{
    ClientAuth, Egress, HttpClient, HyperClient, ProbeRequest, ProbeStep, TlsAcceptor, TransportError,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::connections::request;
use crate::{config, over, pinned, post, profile, told};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// A proxy for one connection, that answers with `answer` and, where that is a success, tunnels to where it is asked to.
async fn proxy(answer: &'static str) -> (Proxy, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let asked = head(&mut stream).await;
        stream.write_all(answer.as_bytes()).await.unwrap();
        if answer.starts_with("HTTP/1.1 200") {
            let target = asked.split(' ').nth(1).unwrap();
            let mut target = TcpStream::connect(target).await.unwrap();
            copy_bidirectional(&mut stream, &mut target).await.unwrap_or_default();
        }
        asked
    });
    (Proxy::new(authority.parse().unwrap()), serving)
}

/// A server for one connection.
async fn https() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::new(
        Arc::new(config("server", &ClientAuth::None, TlsVersion::Tls12)),
        Duration::from_secs(20),
    );
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let (mut stream, _) = acceptor.accept(stream).await.unwrap();
        let mut octets = [0; 1024];
        if stream.read(&mut octets).await.unwrap_or(0) > 0 {
            stream.write_all(OK).await.unwrap();
        }
        stream.shutdown().await.unwrap_or_default();
    });
    port
}

fn through(proxy: Proxy) -> HttpProfile {
    let mut http = over(profile(pinned(&["server"])));
    http.proxy = Some(proxy);
    http.close = true;
    http
}

/// TRN-22: https goes through a tunnel, of which the proxy sees host and port; the credentials are for the proxy alone.
#[tokio::test]
async fn tunnels() {
    let port = https().await;
    let (mut proxy, asked) = proxy("HTTP/1.1 200 Connection established\r\nVia: 1.1 x\r\n\r\n").await;
    proxy.credentials = Some(Credentials::new("Aladdin", "open sesame").unwrap());
    let url = format!("https://localhost:{port}/as2");
    let response = HyperClient::new()
        .unwrap()
        .send(post(&url), &through(proxy))
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    drop(response);
    let expected = format!(
        "CONNECT localhost:{port} HTTP/1.1\r\nHost: localhost:{port}\r\n\
         Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n"
    );
    assert_eq!(asked.await.unwrap(), expected);
}

/// TRN-22: plain http is forwarded: the proxy gets the whole URL, without user information.
#[tokio::test]
async fn forwarding() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut proxy = Proxy::new(listener.local_addr().unwrap().to_string().parse().unwrap());
    proxy.credentials = Some(Credentials::new("Aladdin", "open sesame").unwrap());
    let asked = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let asked = request(&mut stream).await.unwrap();
        stream.write_all(OK).await.unwrap();
        asked
    });
    let client = HyperClient::new().unwrap();
    let url = "http://user:secret@partner.invalid:8080/as2?a=b";
    let response = client.send(post(url), &through(proxy)).await.unwrap();
    assert_eq!(response.status(), 200);
    let asked = asked.await.unwrap();
    let expected = "POST http://partner.invalid:8080/as2?a=b HTTP/1.1\r\nHost: partner.invalid:8080\r\n";
    assert!(asked.starts_with(expected), "{asked}");
    assert!(
        asked.contains("Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"),
        "{asked}"
    );
    assert!(!asked.contains("secret"), "{asked}");
}

/// TRN-22, REL-01: what a proxy refuses, and what to do about it.
#[tokio::test]
async fn refusals_of_a_proxy() {
    for (answer, advice, transient) in [
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
            "wants a user name and password",
            false,
        ),
        ("HTTP/1.0 403 Forbidden\r\n\r\n", "has to allow CONNECT", false),
        ("HTTP/1.1 503 Service Unavailable\r\n\r\n", "503", true),
        ("SSH-2.0-OpenSSH_9.2\r\n", "the proxy does not speak HTTP", false),
    ] {
        let (proxy, _asked) = proxy(answer).await;
        let sent = HyperClient::new()
            .unwrap()
            .send(post("https://partner.invalid/as2"), &through(proxy))
            .await;
        let error = sent.unwrap_err();
        assert!(told(&error).contains(advice), "{answer}: {}", told(&error));
        assert_eq!(error.is_transient(), transient, "{answer}");
    }
}

/// TRN-22: hosts that need no proxy do not meet it.
#[tokio::test]
async fn around_the_proxy() {
    let port = https().await;
    let mut proxy = Proxy::new("proxy.invalid:3128".parse().unwrap());
    proxy.no_proxy = vec!["localhost".to_owned()];
    let url = format!("https://localhost:{port}/as2");
    let response = HyperClient::new().unwrap().send(post(&url), &through(proxy)).await;
    assert_eq!(response.unwrap().status(), 200);
}

/// SEC-19: of a host that is configured the proxy gets the name; which addresses it may have is for the proxy's rules.
#[tokio::test]
async fn named_hosts_through_a_proxy() {
    let (proxy, asked) = proxy("HTTP/1.0 403 Forbidden\r\n\r\n").await;
    // Connected to by ourselves, this would be an address of the link.
    let mut request = post("https://2852039166/");
    request.extensions_mut().insert(Egress::NamedHost);
    let refused = HyperClient::new().unwrap().send(request, &through(proxy)).await;
    assert!(told(&refused.unwrap_err()).contains("has to allow CONNECT"));
    assert!(asked.await.unwrap().starts_with("CONNECT 2852039166:443 HTTP/1.1\r\n"));
}

/// SEC-19: a proxy is no way around the rules for addresses.
#[tokio::test]
async fn strangers_through_a_proxy() {
    for url in ["https://localhost:1/", "http://localhost:1/", "http://127.0.0.1:1/"] {
        let (proxy, _asked) = proxy("HTTP/1.1 200 OK\r\n\r\n").await;
        let mut request = post(url);
        request.extensions_mut().insert(Egress::Stranger);
        let error = HyperClient::new()
            .unwrap()
            .send(request, &through(proxy))
            .await
            .unwrap_err();
        assert!(matches!(error, TransportError::AddressNotAllowed { .. }), "{error:?}");
    }
}

/// TRN-22, TRN-31: the same way, probed.
#[tokio::test]
async fn probes_through_a_proxy() {
    let port = https().await;
    let (through_it, asked) = proxy("HTTP/1.1 200 OK\r\n\r\n").await;
    let url = format!("https://localhost:{port}/as2").parse().unwrap();
    let client = HyperClient::new().unwrap();
    let probe = client
        .probe(&url, &through(through_it), ProbeRequest::Get)
        .unwrap()
        .await;
    assert!(probe.is_ok(), "{:?}", probe.steps);
    assert!(
        probe.steps[1]
            .detail()
            .ends_with(&format!(", the proxy, and through it to localhost:{port}"))
    );
    assert!(asked.await.unwrap().starts_with("CONNECT "));
    let (refusing, _asked) = proxy("HTTP/1.1 407 No\r\n\r\n").await;
    let probe = client
        .probe(&url, &through(refusing), ProbeRequest::None)
        .unwrap()
        .await;
    let (step, error) = probe.failure().unwrap();
    assert_eq!(step, ProbeStep::Tcp);
    assert!(told(error).contains("wants a user name"), "{}", told(error));
}
