//! Which clients a server lets in, and as whom.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ediint::partnership::{Pin, TlsVersion};
use ediint::transport::{
    ClientAuth, ClientTrust, Distrust, HttpClient, HyperClient, RequestBody, TlsAcceptor, TransportError,
};
use http::Request;
use tokio::net::TcpListener;

use crate::{certificate, config, connect, identity, over, pinned, profile, told};

/// TRN-27: whom a server lets in, and what both sides tell of it.
#[tokio::test]
async fn client_certificates() {
    let trusted = || {
        ClientTrust::certificates([
            certificate("client"),
            certificate("java-client"),
            certificate("ca-leaf"),
            certificate("version1"),
        ])
    };
    let mut chained = ClientTrust::default();
    chained.authorities = vec![certificate("authority")];
    for minimum in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let cases = [
            (ClientAuth::Required(trusted()), Some("client"), true),
            (ClientAuth::Required(trusted()), Some("java-client"), true),
            (ClientAuth::Required(trusted()), Some("ca-leaf"), true),
            (ClientAuth::Required(trusted()), Some("version1"), true),
            (ClientAuth::Required(trusted()), Some("stranger"), false),
            (ClientAuth::Required(trusted()), None, false),
            (ClientAuth::Optional(trusted()), Some("client"), true),
            (ClientAuth::Optional(trusted()), Some("stranger"), false),
            (ClientAuth::Optional(trusted()), None, true),
            // A server's certificate may chain, but is it meant for clients? It says nothing else.
            (ClientAuth::Required(chained.clone()), Some("issued"), true),
            (ClientAuth::Required(chained.clone()), Some("client"), false),
        ];
        for (number, (clients, shown, accepted)) in cases.into_iter().enumerate() {
            let mut tls = profile(pinned(&["server"]));
            tls.client_identity = shown.map(identity);
            let case = format!("case {number}, {shown:?}, {minimum:?}");
            let (client, server) = connect(config("server", &clients, minimum), tls).await;
            if accepted {
                let peer = server.unwrap().map(|peer| peer.certificate().unwrap().clone());
                assert_eq!(peer, shown.map(certificate), "{case}");
                assert!(matches!(client, Ok(200)), "{case}: {client:?}");
                continue;
            }
            let (client, server) = (client.unwrap_err(), server.unwrap_err());
            match (&server, shown) {
                (TransportError::Untrusted(untrusted), Some(shown)) => {
                    assert_eq!(untrusted.reason, Distrust::UnknownClient, "{case}");
                    let pin = Pin::certificate(&certificate(shown));
                    assert!(told(&server).contains(&pin.to_string()), "{case}: {}", told(&server));
                }
                (TransportError::Tls(error), None) => {
                    assert_eq!(*error, rustls::Error::NoCertificatesPresented, "{case}");
                    assert!(told(&server).contains("showed no certificate"), "{case}");
                }
                _ => panic!("{case}: {server:?}"),
            }
            let TransportError::ClientCertificateRefused { shown: sent, .. } = &client else {
                panic!("{case}: {client:?}")
            };
            assert_eq!(
                *sent,
                shown.map(|shown| Pin::certificate(&certificate(shown))),
                "{case}"
            );
            let advice = match sent {
                Some(pin) => format!("does not take our client certificate {pin}"),
                None => "configure one as the `client_identity`".to_owned(),
            };
            assert!(told(&client).contains(&advice), "{case}: {}", told(&client));
            assert!(!client.is_transient());
        }
    }
}

/// TRN-27: with TLS 1.3 the server refuses while we send. What it said is told, not that writing failed.
#[tokio::test]
async fn large_messages_without_a_client_certificate() {
    let clients = ClientAuth::Required(ClientTrust::certificates([certificate("client")]));
    let acceptor = TlsAcceptor::new(
        Arc::new(config("server", &clients, TlsVersion::Tls13)),
        Duration::from_secs(20),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/as2", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            acceptor.accept(stream).await.unwrap_err();
        }
    });
    let client = HyperClient::new().unwrap();
    for attempt in 0..20 {
        let body = RequestBody::from(Bytes::from(vec![0; 4 << 20]));
        let request = Request::post(&url).body(body).unwrap();
        let error = client
            .send(request, &over(profile(pinned(&["server"]))))
            .await
            .unwrap_err();
        assert!(
            matches!(error, TransportError::ClientCertificateRefused { shown: None, .. }),
            "{attempt}: {error:?}"
        );
    }
}
