//! What a test of the way to a partner finds.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ediint::partnership::{HttpProfile, Pin, TlsVersion};
use ediint::transport::{
    ClientAuth, ClientCertificateUse, ClientTrust, Distrust, HttpClient, HyperClient, Probe, ProbeRequest, ProbeStep,
    TlsAcceptor, TransportError, TrustRule,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::{certificate, config, identity, over, pinned, profile, told};

/// A server that tells what it was sent.
async fn serve(clients: ClientAuth, minimum: TlsVersion) -> (String, UnboundedReceiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/as2", listener.local_addr().unwrap().port());
    let acceptor = TlsAcceptor::new(Arc::new(config("server", &clients, minimum)), Duration::from_secs(20));
    let (tell, told) = unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok((mut stream, _)) = acceptor.accept(stream).await else {
                continue;
            };
            let mut octets = vec![0; 4096];
            let read = stream.read(&mut octets).await.unwrap_or(0);
            octets.truncate(read);
            tell.send(octets).unwrap();
            let answer = b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n";
            stream.write_all(answer).await.unwrap_or_default();
        }
    });
    (url, told)
}

async fn probe(url: &str, http: &HttpProfile, request: ProbeRequest) -> Probe {
    let client = HyperClient::new().unwrap();
    client.probe(&url.parse().unwrap(), http, request).unwrap().await
}

fn steps(probe: &Probe) -> String {
    let step = |step: &ediint::transport::ProbedStep| match step.outcome {
        Ok(_) => step.step.to_string(),
        Err(_) => format!("!{}", step.step),
    };
    probe.steps.iter().map(step).collect::<Vec<_>>().join(" ")
}

/// TRN-31: all is well: every step with what it found, and nothing sent but what was asked for.
#[tokio::test]
async fn a_way_that_is_open() {
    let trusted = || ClientTrust::certificates([certificate("client")]);
    for (clients, own, request, expected) in [
        (
            ClientAuth::None,
            None,
            ProbeRequest::None,
            ClientCertificateUse::NotAsked,
        ),
        (
            ClientAuth::None,
            Some("client"),
            ProbeRequest::Options,
            ClientCertificateUse::NotAsked,
        ),
        (
            ClientAuth::Optional(trusted()),
            None,
            ProbeRequest::Get,
            ClientCertificateUse::NoneShown,
        ),
        (
            ClientAuth::Required(trusted()),
            Some("client"),
            ProbeRequest::Head,
            ClientCertificateUse::Accepted(Pin::certificate(&certificate("client"))),
        ),
        (
            ClientAuth::Required(trusted()),
            Some("client"),
            ProbeRequest::None,
            ClientCertificateUse::Accepted(Pin::certificate(&certificate("client"))),
        ),
    ] {
        for minimum in [TlsVersion::Tls12, TlsVersion::Tls13] {
            let (url, mut sent) = serve(clients.clone(), minimum).await;
            let mut tls = profile(pinned(&["server"]));
            tls.client_identity = own.map(identity);
            let probe = probe(&url, &over(tls), request).await;
            assert!(probe.is_ok(), "{:?}", probe.steps);
            assert_eq!(probe.client_certificate, Some(expected));
            let pin = Pin::certificate(&certificate("server"));
            assert_eq!(probe.trust, Some(TrustRule::Pinned(pin)));
            assert_eq!(probe.pin(), Some(pin));
            assert_eq!(probe.protocol.as_deref(), Some("TLSv1_3"));
            assert!(
                probe.cipher_suite.as_deref().unwrap().starts_with("TLS13_AES_"),
                "{probe:?}"
            );
            assert!(probe.addresses.iter().all(|address| address.ip().is_loopback()));
            assert!(probe.addresses.contains(&probe.connected.unwrap()));
            assert!(probe.chain[0].days_left(SystemTime::now()).unwrap() > 30_000);
            let trust = probe.steps[3].detail();
            assert!(
                trust.starts_with(&format!("CN=localhost ({pin}, spki-sha256:")),
                "{trust}"
            );
            let sent = String::from_utf8(sent.recv().await.unwrap()).unwrap();
            if let Some(method) = request.method() {
                assert_eq!(steps(&probe), "dns tcp tls trust client-certificate http");
                assert_eq!(probe.http_status.unwrap(), 405);
                assert_eq!(probe.steps[5].detail(), "HTTP/1.1 405 Method Not Allowed");
                assert!(sent.starts_with(&format!("{method} /as2 HTTP/1.1\r\n")), "{sent}");
                assert!(
                    sent.ends_with("\r\n\r\n") && !sent.to_ascii_lowercase().contains("as2-"),
                    "{sent}"
                );
            } else {
                assert_eq!(steps(&probe), "dns tcp tls trust client-certificate");
                assert_eq!(sent, "");
            }
        }
    }
}

/// TRN-31: a server that is not trusted is described all the same, and gets to see nothing of ours.
#[tokio::test]
async fn a_server_that_is_not_trusted() {
    let clients = ClientAuth::Optional(ClientTrust::certificates([certificate("client")]));
    let (url, mut sent) = serve(clients, TlsVersion::Tls12).await;
    let mut tls = profile(pinned(&["other"]));
    tls.client_identity = Some(identity("client"));
    let probe = probe(&url, &over(tls), ProbeRequest::Get).await;
    assert_eq!(steps(&probe), "dns tcp tls !trust");
    let (step, error) = probe.failure().unwrap();
    assert_eq!(step, ProbeStep::Trust);
    match error {
        TransportError::Untrusted(untrusted) => assert_eq!(untrusted.reason, Distrust::NotPinned),
        other => panic!("{other:?}"),
    }
    let pin = Pin::certificate(&certificate("server"));
    assert!(
        told(error).contains(&format!("if the partner confirms it as theirs, pin {pin}")),
        "{}",
        told(error)
    );
    assert_eq!((probe.pin(), probe.trust), (Some(pin), None));
    assert_eq!(probe.protocol.as_deref(), Some("TLSv1_3"));
    assert!(probe.cipher_suite.is_some());
    assert_eq!(sent.recv().await.unwrap(), b"");
}

/// TRN-31: our certificate is missing, or another than the server wants: with TLS 1.3 that shows after the handshake.
#[tokio::test]
async fn a_client_certificate_that_is_refused() {
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        for own in [None, Some("stranger")] {
            for request in [ProbeRequest::None, ProbeRequest::Options] {
                let clients = ClientAuth::Required(ClientTrust::certificates([certificate("client")]));
                let minimum = if version.version == rustls::ProtocolVersion::TLSv1_3 {
                    TlsVersion::Tls13
                } else {
                    TlsVersion::Tls12
                };
                let (url, _sent) = serve(clients, minimum).await;
                let mut tls = profile(pinned(&["server"]));
                tls.client_identity = own.map(identity);
                if minimum == TlsVersion::Tls12 {
                    // Suites of TLS 1.2 alone.
                    tls.cipher_suites = vec![0xc02f];
                }
                let probe = probe(&url, &over(tls), request).await;
                assert_eq!(
                    steps(&probe),
                    "dns tcp tls trust !client-certificate",
                    "{:?}",
                    probe.steps
                );
                let pin = own.map(|own| Pin::certificate(&certificate(own)));
                assert_eq!(probe.client_certificate, Some(ClientCertificateUse::Refused(pin)));
                let (_, error) = probe.failure().unwrap();
                assert!(
                    matches!(error, TransportError::ClientCertificateRefused { .. }),
                    "{error:?}"
                );
            }
        }
    }
}

/// TRN-31: each failure names its step.
#[tokio::test]
async fn ways_that_are_closed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = listener.local_addr().unwrap();
    drop(listener);
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = plain.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = plain.accept().await.unwrap();
            stream.read_u8().await.unwrap();
            stream
                .write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                .await
                .unwrap();
        }
    });
    let http = over(profile(pinned(&["server"])));
    for (url, expected) in [
        ("ftp://localhost/".to_owned(), "!dns"),
        ("https://nobody.invalid/".to_owned(), "!dns"),
        (format!("https://{closed}/"), "dns !tcp"),
        (format!("https://localhost:{port}/"), "dns tcp !tls"),
        (format!("http://localhost:{port}/"), "dns tcp http"),
    ] {
        let probe = probe(&url, &http, ProbeRequest::Options).await;
        assert_eq!(steps(&probe), expected, "{url}: {:?}", probe.steps);
    }
    // The profile is at fault, not the network.
    let mut unusable = http.clone();
    unusable.tls.trust = pinned(&[]);
    let probe = probe(&format!("https://localhost:{port}/"), &unusable, ProbeRequest::None).await;
    assert_eq!(steps(&probe), "dns tcp !tls");
    assert_eq!(
        probe.steps[2].detail(),
        "the TLS profile cannot be used: no trusted certificates are configured: pin the partner's, or name an authority"
    );
}
