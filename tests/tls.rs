//! TLS between a client and a server of this crate, with certificates made by openssl: who is trusted, and who is not.
#![cfg(all(feature = "client", feature = "graviola"))]
#![expect(
    clippy::unwrap_used,
    reason = "what the helpers of a test cannot do is a failure of the test"
)]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ediint::partnership::{HttpProfile, ServerTrust, TlsIdentity, TlsProfile, TlsVersion};
use ediint::transport::{
    ClientAuth, ClientTrust, HttpClient, HyperClient, PeerCertificate, RequestBody, TlsAcceptor, TransportError,
    default_provider, server_config,
};
use http::Request;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{AlertDescription, CertificateError, Error, ServerConfig};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

fn pem(name: &str) -> Vec<u8> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/openssl/tls");
    fs::read(directory.join(name)).unwrap()
}

fn certificate(name: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(&pem(&format!("{name}.pem"))).unwrap()
}

fn identity(name: &str) -> TlsIdentity {
    let key = PrivateKeyDer::from_pem_slice(&pem(&format!("{name}.key"))).unwrap();
    TlsIdentity::new(vec![certificate(name)], key)
}

fn pinned(names: &[&str]) -> ServerTrust {
    let certificates: Vec<_> = names.iter().map(|name| certificate(name)).collect();
    ServerTrust::pinned(&certificates)
}

/// SHA-256 of the public key, encoded anew by another library.
fn key_pin(name: &str) -> ServerTrust {
    let certificate = ediint::cms::Certificate::from_der(&certificate(name)).unwrap();
    let key = certificate.rsa_public_key().unwrap();
    let der = pkcs8::EncodePublicKey::to_public_key_der(&key).unwrap();
    ServerTrust::PinnedKeys(vec![Sha256::digest(der.as_bytes()).into()])
}

fn authorities(name: &str) -> ServerTrust {
    ServerTrust::Authorities(vec![certificate(name)])
}

fn profile(trust: ServerTrust) -> TlsProfile {
    let mut profile = TlsProfile::default();
    profile.trust = trust;
    profile
}

fn config(server: &str, clients: &ClientAuth, minimum: TlsVersion) -> ServerConfig {
    server_config(&identity(server), clients, minimum, default_provider().unwrap()).unwrap()
}

/// rustls does not read certificates of version 1, so a server that shows one is made around that.
fn version1() -> ServerConfig {
    let provider = default_provider().unwrap();
    let key = provider
        .key_provider
        .load_private_key(identity("version1").key().clone_key())
        .unwrap();
    let certified = CertifiedKey::new(vec![certificate("version1")], key);
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
}

/// Sends one request to a server, and says what came of it on both sides.
async fn connect(
    server: ServerConfig,
    tls: TlsProfile,
) -> (
    Result<u16, TransportError>,
    Result<Option<PeerCertificate>, TransportError>,
) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/as2", listener.local_addr().unwrap().port());
    let serving: JoinHandle<_> = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let acceptor = TlsAcceptor::new(Arc::new(server), Duration::from_secs(20));
        let (mut stream, peer) = acceptor.accept(stream).await?;
        let mut head = Vec::new();
        while !head.ends_with(b"body") {
            match stream.read_buf(&mut head).await {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
        }
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            .await
            .unwrap_or_default();
        stream.shutdown().await.unwrap_or_default();
        Ok(peer)
    });
    let request = Request::post(url)
        .body(RequestBody::from(Bytes::from_static(b"body")))
        .unwrap();
    let mut http = HttpProfile::default();
    http.tls = tls;
    let response = HyperClient::new().unwrap().send(request, &http).await;
    (
        response.map(|response| response.status().as_u16()),
        serving.await.unwrap(),
    )
}

/// What the client thinks of a server.
async fn judged(server: &str, tls: TlsProfile) -> Result<u16, TransportError> {
    let server = match server {
        "version1" => version1(),
        _ => config(server, &ClientAuth::None, TlsVersion::Tls12),
    };
    connect(server, tls).await.0
}

/// TRN-24, TRN-25, TRN-26, TRN-29: who is trusted.
#[tokio::test]
async fn trusted_servers() {
    let mut elsewhere = profile(pinned(&["elsewhere"]));
    elsewhere.verify_hostname = false;
    for (server, tls) in [
        ("server", profile(pinned(&["server"]))),
        ("server", profile(pinned(&["other", "server"]))),
        ("server", profile(key_pin("server"))),
        ("no-san", profile(pinned(&["no-san"]))),
        ("ca-leaf", profile(pinned(&["ca-leaf"]))),
        ("version1", profile(pinned(&["version1"]))),
        ("issued", profile(pinned(&["issued"]))),
        ("issued", profile(authorities("authority"))),
        ("issued-too", profile(authorities("authority"))),
        ("elsewhere", elsewhere),
    ] {
        let shown = format!("{server}, {:?}", tls.trust);
        assert_eq!(
            judged(server, tls).await.map_err(|error| format!("{error:?}")),
            Ok(200),
            "{shown}"
        );
    }
}

/// TRN-24, TRN-25, TRN-26: who is not, and why.
#[tokio::test]
async fn untrusted_servers() {
    let unknown = Error::InvalidCertificate(CertificateError::UnknownIssuer);
    let unpinned = Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure);
    for (server, trust, expected) in [
        ("server", ServerTrust::Roots, Some(&unknown)),
        ("server", pinned(&["other"]), Some(&unpinned)),
        ("server", key_pin("other"), Some(&unpinned)),
        // Another certificate of the same authority is not the pinned one.
        ("issued-too", pinned(&["issued"]), Some(&unpinned)),
        // The authority's certificate is not the server's.
        ("issued", pinned(&["authority"]), Some(&unpinned)),
        ("server", authorities("authority"), Some(&unknown)),
        // Right pin, but for another host, or expired.
        ("elsewhere", pinned(&["elsewhere"]), None),
        ("expired", pinned(&["expired"]), None),
    ] {
        let shown = format!("{server}, {trust:?}");
        match (judged(server, profile(trust)).await, expected) {
            (Err(TransportError::Tls(error)), Some(expected)) => assert_eq!(error, *expected, "{shown}"),
            (Err(TransportError::Tls(Error::InvalidCertificate(error))), None) => {
                let expected = match server {
                    "expired" => matches!(
                        error,
                        CertificateError::Expired | CertificateError::ExpiredContext { .. }
                    ),
                    _ => matches!(
                        error,
                        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
                    ),
                };
                assert!(expected, "{shown}: {error:?}");
            }
            (other, _) => panic!("{shown}: {other:?}"),
        }
    }
}

/// TRN-24, TRN-25: without a pin the host name is all that ties a certificate to the partner, and somebody has to be
/// trusted. Profiles that forget it are refused before anything connects: nobody listens here.
#[tokio::test]
async fn profiles_that_protect_nothing() {
    for (trust, expected) in [
        (authorities("authority"), "HostnameUnchecked"),
        (ServerTrust::Roots, "HostnameUnchecked"),
        (ServerTrust::PinnedKeys(Vec::new()), "NothingTrusted"),
    ] {
        let mut http = HttpProfile::default();
        http.tls = profile(trust);
        http.tls.verify_hostname = false;
        let request = Request::post("https://localhost:1/as2").body(RequestBody::from(Bytes::new()));
        let refused = HyperClient::new().unwrap().send(request.unwrap(), &http).await;
        let Err(TransportError::Profile(refused)) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(format!("{refused:?}"), expected);
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
    let tls = |minimum| {
        let mut tls = profile(pinned(&["server"]));
        tls.min_version = minimum;
        tls
    };
    assert!(matches!(connect(only12(), tls(TlsVersion::Tls12)).await.0, Ok(200)));
    let (refused, _) = connect(only12(), tls(TlsVersion::Tls13)).await;
    assert!(
        matches!(
            refused,
            Err(TransportError::Tls(Error::AlertReceived(
                AlertDescription::ProtocolVersion
            )))
        ),
        "{refused:?}"
    );
    let only13 = config("server", &ClientAuth::None, TlsVersion::Tls13);
    assert!(matches!(connect(only13, tls(TlsVersion::Tls12)).await.0, Ok(200)));
}

/// TRN-27: whom a server lets in, and as whom.
#[tokio::test]
async fn client_certificates() {
    let trusted = || ClientTrust::certificates([certificate("client")]);
    let mut chained = ClientTrust::default();
    chained.authorities = vec![certificate("authority")];
    for minimum in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let cases = [
            (ClientAuth::Required(trusted()), Some("client"), true),
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
            match (accepted, server) {
                (true, Ok(peer)) => {
                    let peer = peer.map(|peer| peer.certificate().clone());
                    assert_eq!(peer, shown.map(certificate), "{case}");
                    assert!(matches!(client, Ok(200)), "{case}: {client:?}");
                }
                (false, Err(TransportError::Tls(_))) => {
                    assert!(matches!(client, Err(TransportError::Tls(_))), "{case}: {client:?}");
                }
                (_, server) => panic!("{case}: {client:?}, {server:?}"),
            }
        }
    }
}
