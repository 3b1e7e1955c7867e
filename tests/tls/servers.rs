//! What a server shows to whom, and how that is replaced.

use std::sync::Arc;
use std::time::Duration;

use ediint::partnership::{Pin, TlsIdentity, TlsProfile, TlsVersion};
use ediint::transport::{
    ClientAuth, ClientTrust, Distrust, HttpClient, HyperClient, ProbeRequest, TlsAcceptor, TransportError,
    default_provider, server_config,
};
use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::{certificate, config, identity, over, pinned, post, profile};

fn several(names: &[&str]) -> ServerConfig {
    let identities: Vec<_> = names.iter().map(|name| identity(name)).collect();
    server_config(
        &identities,
        &ClientAuth::None,
        TlsVersion::Tls12,
        default_provider().unwrap(),
    )
    .unwrap()
}

async fn serve(acceptor: TlsAcceptor) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok((mut stream, _)) = acceptor.accept(stream).await else {
                    return;
                };
                let mut octets = [0; 1024];
                if stream.read(&mut octets).await.unwrap_or(0) > 0 {
                    let answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
                    stream.write_all(answer).await.unwrap_or_default();
                }
            });
        }
    });
    port
}

async fn shown(host: &str, port: u16) -> Option<Pin> {
    let url = format!("https://{host}:{port}/").parse().unwrap();
    let client = HyperClient::new().unwrap();
    let http = over(profile(pinned(&["other"])));
    client.probe(&url, &http, ProbeRequest::None).unwrap().await.pin()
}

/// Several identities on one port: each host has its own; who names none, or another, is shown the first (TRN-29).
#[tokio::test]
async fn identities_by_host() {
    for (identities, host, expected) in [
        (&["elsewhere", "server"][..], "localhost", "server"),
        (&["server", "elsewhere"], "localhost", "server"),
        (&["elsewhere", "version1"], "localhost", "version1"),
        (&["elsewhere", "java-server"], "localhost", "java-server"),
        // An address is no name (RFC 6066 section 3).
        (&["elsewhere", "address"], "127.0.0.1", "elsewhere"),
        (&["elsewhere"], "localhost", "elsewhere"),
    ] {
        let port = serve(TlsAcceptor::new(Arc::new(several(identities)), Duration::from_secs(20))).await;
        assert_eq!(
            shown(host, port).await,
            Some(Pin::certificate(&certificate(expected))),
            "{identities:?}"
        );
    }
}

/// An identity whose key is not the one of its certificate is found before anybody connects, and so is none at all.
#[test]
fn identities_that_cannot_be_used() {
    let mixed = TlsIdentity::new(vec![certificate("server")], identity("other").key().clone_key());
    let no_chain = TlsIdentity::new(Vec::new(), identity("other").key().clone_key());
    for (identities, expected) in [
        (vec![mixed], "Identity(InconsistentKeys(KeyMismatch))"),
        (vec![no_chain], "Identity(NoCertificatesPresented)"),
        (Vec::new(), "NoIdentity"),
    ] {
        let made = server_config(
            &identities,
            &ClientAuth::None,
            TlsVersion::Tls12,
            default_provider().unwrap(),
        );
        assert_eq!(format!("{:?}", made.unwrap_err()), expected);
    }
}

/// Certificates of the server and trust in clients are replaced while it runs. A client that is no longer trusted cannot
/// come back by a session of before.
#[tokio::test]
async fn replaced_without_restart() {
    for minimum in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let trusting = |server, client: &str| {
            let clients = ClientAuth::Required(ClientTrust::certificates([certificate(client)]));
            Arc::new(config(server, &clients, minimum))
        };
        let acceptor = TlsAcceptor::new(trusting("server", "client"), Duration::from_secs(20));
        let port = serve(acceptor.clone()).await;
        let url = format!("https://localhost:{port}/");
        let client = HyperClient::new().unwrap();
        let as_client = |name| {
            let mut tls: TlsProfile = profile(pinned(&["server", "other"]));
            tls.client_identity = Some(identity(name));
            over(tls)
        };
        assert!(client.send(post(&url), &as_client("client")).await.is_ok());
        acceptor.replace(trusting("other", "stranger"));
        assert_eq!(
            shown("localhost", port).await,
            Some(Pin::certificate(&certificate("other")))
        );
        let refused = client.send(post(&url), &as_client("client")).await.unwrap_err();
        assert!(
            matches!(refused, TransportError::ClientCertificateRefused { .. }),
            "{refused:?}"
        );
        assert!(client.send(post(&url), &as_client("stranger")).await.is_ok());
    }
}

/// A client certificate that has expired is not trusted, though it is known.
#[tokio::test]
async fn expired_clients() {
    let clients = ClientAuth::Required(ClientTrust::certificates([certificate("expired")]));
    let mut tls = profile(pinned(&["server"]));
    tls.client_identity = Some(identity("expired"));
    let (_, server) = crate::connect(config("server", &clients, TlsVersion::Tls12), tls).await;
    match server {
        Err(TransportError::Untrusted(untrusted)) => assert_eq!(untrusted.reason, Distrust::Expired),
        other => panic!("{other:?}"),
    }
}
