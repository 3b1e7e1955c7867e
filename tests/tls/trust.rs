//! Which servers a client trusts.

use std::sync::Arc;

use bytes::Bytes;
use ediint::partnership::{Pin, ServerTrust, TlsProfile, TlsVersion};
use ediint::transport::{ClientAuth, Distrust, HttpClient, HyperClient, RequestBody, TransportError, default_provider};
use http::Request;
use rustls::ServerConfig;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::{certificate, config, connect, connect_to, data, identity, over, pinned, post, profile, told};

/// The fingerprint as keytool prints it.
fn keytool_pin(name: &str) -> ServerTrust {
    let fingerprint = String::from_utf8(data(&format!("{name}.sha256"))).unwrap();
    ServerTrust::Pinned(vec![format!("sha256:{}", fingerprint.trim()).parse().unwrap()])
}

/// SHA-256 of the public key, encoded anew by another library.
fn key_pin(name: &str) -> ServerTrust {
    let certificate = ediint::cms::Certificate::from_der(&certificate(name)).unwrap();
    let key = certificate.rsa_public_key().unwrap();
    let der = pkcs8::EncodePublicKey::to_public_key_der(&key).unwrap();
    ServerTrust::Pinned(vec![Pin::public_key(der.as_bytes())])
}

fn authorities(name: &str) -> ServerTrust {
    ServerTrust::Authorities(vec![certificate(name)])
}

fn changed(trust: ServerTrust, change: impl FnOnce(&mut TlsProfile)) -> TlsProfile {
    let mut profile = profile(trust);
    change(&mut profile);
    profile
}

/// What the client thinks of a server.
async fn judged(server: &str, host: &str, tls: TlsProfile) -> Result<u16, TransportError> {
    connect_to(host, config(server, &ClientAuth::None, TlsVersion::Tls12), tls)
        .await
        .0
}

/// TRN-24, TRN-25, TRN-26, TRN-29: who is trusted.
#[tokio::test]
async fn trusted_servers() {
    for (server, host, tls) in [
        ("server", "localhost", profile(pinned(&["server"]))),
        ("server", "localhost", profile(pinned(&["other", "server"]))),
        ("server", "localhost", profile(key_pin("server"))),
        ("no-san", "localhost", profile(pinned(&["no-san"]))),
        ("ca-leaf", "localhost", profile(pinned(&["ca-leaf"]))),
        ("version1", "localhost", profile(pinned(&["version1"]))),
        ("version1", "localhost", profile(key_pin("version1"))),
        ("issued", "localhost", profile(pinned(&["issued"]))),
        ("issued", "localhost", profile(authorities("authority"))),
        ("issued-too", "localhost", profile(authorities("authority"))),
        ("address", "127.0.0.1", profile(pinned(&["address"]))),
        ("address", "[::1]", profile(pinned(&["address"]))),
        ("java-server", "localhost", profile(keytool_pin("java-server"))),
        ("java-ec", "localhost", profile(keytool_pin("java-ec"))),
        ("java-ca-leaf", "localhost", profile(keytool_pin("java-ca-leaf"))),
        (
            "elsewhere",
            "localhost",
            changed(pinned(&["elsewhere"]), |tls| tls.verify_hostname = false),
        ),
        (
            "expired",
            "localhost",
            changed(pinned(&["expired"]), |tls| tls.accept_expired = true),
        ),
        ("expired", "127.0.0.1", profile(ServerTrust::DangerUnverified)),
    ] {
        let shown = format!("{server} at {host}, {:?}", tls.trust);
        let judged = judged(server, host, tls).await;
        assert_eq!(judged.map_err(|error| told(&error)), Ok(200), "{shown}");
    }
}

/// TRN-24, TRN-25, TRN-26, TRN-29: who is not, why, and what whoever reads the log is told to do.
#[tokio::test]
async fn untrusted_servers() {
    let wrong = |host: &str, names: &[&str]| Distrust::WrongName {
        host: host.to_owned(),
        names: names.iter().map(ToString::to_string).collect(),
    };
    for (server, host, trust, expected, advice) in [
        (
            "server",
            "localhost",
            ServerTrust::Roots,
            Distrust::UnknownIssuer,
            "configure the issuer",
        ),
        (
            "server",
            "localhost",
            pinned(&["other"]),
            Distrust::NotPinned,
            "if the partner confirms it as theirs, pin",
        ),
        (
            "server",
            "localhost",
            key_pin("other"),
            Distrust::NotPinned,
            "or its key spki-sha256:",
        ),
        // Another certificate of the same authority is not the pinned one.
        (
            "issued-too",
            "localhost",
            pinned(&["issued"]),
            Distrust::NotPinned,
            "pin sha256:",
        ),
        // The authority's certificate is not the server's.
        (
            "issued",
            "localhost",
            pinned(&["authority"]),
            Distrust::NotPinned,
            "pin sha256:",
        ),
        (
            "server",
            "localhost",
            authorities("authority"),
            Distrust::UnknownIssuer,
            "pin sha256:",
        ),
        (
            "version1",
            "localhost",
            pinned(&["server"]),
            Distrust::NotPinned,
            "CN=localhost",
        ),
        (
            "expired",
            "localhost",
            pinned(&["expired"]),
            Distrust::Expired,
            "pinned with `accept_expired`",
        ),
        // Right pin, but for another host.
        (
            "elsewhere",
            "localhost",
            pinned(&["elsewhere"]),
            wrong("localhost", &["elsewhere.example"]),
            "correct the host of the URL",
        ),
        (
            "server",
            "127.0.0.1",
            pinned(&["server"]),
            wrong("127.0.0.1", &["localhost"]),
            "it is not for 127.0.0.1",
        ),
        (
            "version1",
            "127.0.0.1",
            pinned(&["version1"]),
            wrong("127.0.0.1", &["localhost"]),
            "but for localhost",
        ),
        (
            "java-server",
            "127.0.0.1",
            keytool_pin("java-server"),
            wrong("127.0.0.1", &["localhost"]),
            "`verify_hostname`",
        ),
    ] {
        let shown = format!("{server} at {host}, {trust:?}");
        let error = judged(server, host, profile(trust)).await.unwrap_err();
        let message = told(&error);
        let TransportError::Untrusted(untrusted) = &error else {
            panic!("{shown}: {error:?}")
        };
        assert_eq!(untrusted.reason, expected, "{shown}");
        assert_eq!(untrusted.presented.certificate, certificate(server), "{shown}");
        assert!(message.contains(advice), "{shown}: {message}");
        assert!(
            message.contains(&Pin::certificate(&certificate(server)).to_string()),
            "{shown}: {message}"
        );
        assert!(!error.is_transient());
    }
}

/// The whole of one message, read as somebody would who has to do something about it.
#[tokio::test]
async fn an_expired_certificate_in_words() {
    let error = judged("expired", "localhost", profile(pinned(&["expired"]))).await;
    let error = error.unwrap_err();
    let TransportError::Untrusted(untrusted) = &error else {
        panic!("{error:?}")
    };
    let (pin, key) = (untrusted.presented.pin, untrusted.presented.key_pin.unwrap());
    let message = told(&error);
    let (before, after) = message.split_once("it expired at 20").unwrap();
    assert_eq!(
        before,
        format!("the certificate CN=localhost ({pin}, {key}) is not trusted: ")
    );
    assert!(after.ends_with(
        "Z; its owner has to renew it (a server's is taken until then if it is pinned with `accept_expired`)"
    ));
}

/// TRN-24: the public certificate of the partner does not make a server the partner: it has to have the key.
#[tokio::test]
async fn a_server_without_the_key() {
    for server in ["server", "version1"] {
        let provider = default_provider().unwrap();
        let key = provider
            .key_provider
            .load_private_key(identity("other").key().clone_key());
        let stolen = CertifiedKey::new(vec![certificate(server)], key.unwrap());
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let thief = ServerConfig::builder_with_provider(provider.clone())
                .with_protocol_versions(&[version])
                .unwrap()
                .with_no_client_auth()
                .with_cert_resolver(Arc::new(SingleCertAndKey::from(stolen.clone())));
            let (refused, _) = connect(thief, profile(pinned(&[server]))).await;
            let bad = rustls::Error::InvalidCertificate(rustls::CertificateError::BadSignature);
            assert!(
                matches!(&refused, Err(TransportError::Tls(error)) if *error == bad),
                "{refused:?}"
            );
        }
    }
}

/// TRN-24, TRN-25, TRN-30: without a pin the host name and the dates are all that ties a certificate to the partner, and
/// somebody has to be trusted. Profiles that forget it, or ask for what is not there, are refused before anything
/// connects: nobody listens here.
#[tokio::test]
async fn profiles_that_cannot_be_used() {
    let unnamed = |tls: &mut TlsProfile| tls.verify_hostname = false;
    let undated = |tls: &mut TlsProfile| tls.accept_expired = true;
    for (tls, expected) in [
        (changed(authorities("authority"), unnamed), "HostnameUnchecked"),
        (changed(ServerTrust::Roots, unnamed), "HostnameUnchecked"),
        (changed(ServerTrust::Roots, undated), "ExpiryUnchecked"),
        (changed(ServerTrust::Pinned(Vec::new()), unnamed), "NothingTrusted"),
        (profile(ServerTrust::Authorities(Vec::new())), "NothingTrusted"),
        (
            changed(ServerTrust::Roots, |tls| tls.cipher_suites = vec![0x1301, 0x002f]),
            "CipherSuite(47, ",
        ),
    ] {
        let request = Request::post("https://localhost:1/as2").body(RequestBody::from(Bytes::new()));
        let refused = HyperClient::new().unwrap().send(request.unwrap(), &over(tls)).await;
        let Err(TransportError::Profile(refused)) = refused else {
            panic!("{refused:?}")
        };
        let refused = format!("{refused:?}");
        assert!(refused.starts_with(expected), "{refused}");
    }
}

/// TRN-23: TLS 1.2 and 1.3, and a floor on either side.
#[tokio::test]
async fn protocol_versions() {
    let provider = default_provider().unwrap();
    let only12 = || {
        ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS12])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate("server")], identity("server").key().clone_key())
            .unwrap()
    };
    let tls = |minimum| changed(pinned(&["server"]), |tls| tls.min_version = minimum);
    assert!(matches!(connect(only12(), tls(TlsVersion::Tls12)).await.0, Ok(200)));
    let (refused, _) = connect(only12(), tls(TlsVersion::Tls13)).await;
    let message = told(&refused.unwrap_err());
    assert!(
        message.contains("speaks no version of TLS that is allowed here"),
        "{message}"
    );
    let only13 = || config("server", &ClientAuth::None, TlsVersion::Tls13);
    assert!(matches!(connect(only13(), tls(TlsVersion::Tls12)).await.0, Ok(200)));
    assert!(matches!(connect(only13(), tls(TlsVersion::Tls13)).await.0, Ok(200)));
}

/// TRN-30: only what the profile names is offered.
#[tokio::test]
async fn cipher_suites() {
    for (suites, accepted) in [(vec![0x1302], true), (vec![0x1301, 0xc030], false)] {
        let mut provider = (*default_provider().unwrap()).clone();
        provider
            .cipher_suites
            .retain(|suite| u16::from(suite.suite()) == 0x1302);
        let server = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate("server")], identity("server").key().clone_key());
        let tls = changed(pinned(&["server"]), |tls| tls.cipher_suites = suites);
        let (result, _) = connect(server.unwrap(), tls).await;
        match result {
            Ok(status) => assert!(accepted && status == 200),
            Err(error) => {
                let message = told(&error);
                assert!(
                    !accepted && message.contains("it wants other cipher suites"),
                    "{message}"
                );
            }
        }
    }
}

/// TLS and plain HTTP meet, either way round: each is told what the other is.
#[tokio::test]
async fn tls_on_one_side_only() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_u8().await.unwrap();
        let answer = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(answer).await.unwrap();
    });
    let http = over(profile(pinned(&["server"])));
    let client = HyperClient::new().unwrap();
    let error = client
        .send(post(&format!("https://{address}/")), &http)
        .await
        .unwrap_err();
    assert!(matches!(error, TransportError::Tls(_)), "{error:?}");
    assert!(told(&error).contains("is it plain HTTP?"), "{}", told(&error));

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = config("server", &ClientAuth::None, TlsVersion::Tls12);
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let acceptor = ediint::transport::TlsAcceptor::new(Arc::new(server), std::time::Duration::from_secs(20));
        acceptor.accept(stream).await.map(drop)
    });
    let error = client
        .send(post(&format!("http://{address}/")), &http)
        .await
        .unwrap_err();
    assert!(matches!(error, TransportError::TlsExpected), "{error:?}");
    assert_eq!(
        told(&error),
        "the server at this port speaks TLS: the URL has to begin with https"
    );
    assert!(!error.is_transient());
    let error = serving.await.unwrap().unwrap_err();
    assert!(told(&error).contains("does not speak TLS"), "{}", told(&error));
}

/// Each provider of cryptography that is compiled in shakes hands with each other.
#[cfg(all(feature = "ring", feature = "aws-lc-rs"))]
#[tokio::test]
async fn providers_of_cryptography() {
    let providers = [
        default_provider().unwrap(),
        Arc::new(rustls::crypto::ring::default_provider()),
        Arc::new(rustls::crypto::aws_lc_rs::default_provider()),
    ];
    for server in &providers {
        for client in &providers {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
            let clients = ClientAuth::Required(ediint::transport::ClientTrust::certificates([certificate("version1")]));
            let identity_of = identity("version1");
            let config =
                ediint::transport::server_config(&identity_of, &clients, TlsVersion::Tls12, server.clone()).unwrap();
            let serving = tokio::spawn(async move {
                let (stream, _) = listener.accept().await.unwrap();
                let acceptor =
                    ediint::transport::TlsAcceptor::new(Arc::new(config), std::time::Duration::from_secs(20));
                let (mut stream, peer) = acceptor.accept(stream).await.unwrap();
                stream.read_u8().await.unwrap();
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
                stream.write_all(answer).await.unwrap();
                peer.unwrap()
            });
            let tls = changed(pinned(&["version1"]), |tls| {
                tls.client_identity = Some(identity("version1"))
            });
            let client = HyperClient::with_provider(client.clone());
            let response = client.send(post(&url), &over(tls)).await.unwrap();
            assert_eq!(response.status(), 200);
            assert!(serving.await.unwrap().is(&certificate("version1")));
        }
    }
}
