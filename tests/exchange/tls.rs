//! Messages over TLS: whom each side trusts, and as whom it comes.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use ediint::partnership::{
    AcceptPolicy, HttpProfile, ReceiptRequest, SendProfile, ServerTrust, TlsIdentity, TlsProfile, TlsVersion,
};
use ediint::transport::{
    ClientAuth, ClientTrust, OverTls, TlsAcceptor, TlsProfileError, TransportError, default_provider, server_config,
};
use ediint::{As2Client, As2Receiver, OutboundMessage, Partnership, Receipt, ReceiptStatus, SendError};
use http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{CertificateError, ServerConfig};
use sha2::{Digest, Sha256};
use x509_cert::der::{Decode, Encode};

use crate::common::{Host, Port, World, alice, bob, data};
use crate::refusals::ORDER;

fn certificate(name: &str) -> CertificateDer<'static> {
    data(&format!("openssl/tls/{name}.der")).into()
}

fn identity(name: &str) -> TlsIdentity {
    let key = PrivatePkcs8KeyDer::from(data(&format!("openssl/tls/{name}.key.der")));
    TlsIdentity::new(vec![certificate(name)], key.into())
}

/// Serves HTTPS, and tells the receiver about each connection.
fn serve(port: Port, receiver: As2Receiver, config: ServerConfig) {
    let acceptor = TlsAcceptor::new(Arc::new(config), Duration::from_secs(10));
    tokio::spawn(async move {
        while let Ok((stream, _)) = port.0.accept().await {
            let (acceptor, receiver) = (acceptor.clone(), receiver.clone());
            tokio::spawn(async move {
                // Some clients do not like us, some we do not like.
                let Ok((stream, peer)) = acceptor.accept(stream).await else {
                    return;
                };
                let service = service_fn(move |mut request: Request<Incoming>| {
                    request.extensions_mut().insert(OverTls);
                    if let Some(certificate) = peer.clone() {
                        request.extensions_mut().insert(certificate);
                    }
                    let receiver = receiver.clone();
                    async move { Ok::<_, Infallible>(receiver.receive(request).await) }
                });
                let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                served.await.unwrap_or_default();
            });
        }
    });
}

fn config(name: &str, clients: &ClientAuth, min_version: TlsVersion) -> ServerConfig {
    server_config(&identity(name), clients, min_version, default_provider().unwrap()).unwrap()
}

/// A server with any certificate: rustls would not serve one of version 1.
fn any_server(name: &str) -> ServerConfig {
    let (identity, provider) = (identity(name), default_provider().unwrap());
    let key = provider
        .key_provider
        .load_private_key(identity.key().clone_key())
        .unwrap();
    let certified = CertifiedKey::new(identity.chain().to_vec(), key);
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
}

fn http(trust: ServerTrust, change: impl FnOnce(&mut TlsProfile)) -> HttpProfile {
    let mut tls = TlsProfile::default();
    tls.trust = trust;
    change(&mut tls);
    let mut http = HttpProfile::default();
    http.tls = tls;
    http
}

/// Bob's receiver on HTTPS: the port, to be reached as `host`.
async fn https(bob: &Host, config: ServerConfig) -> u16 {
    let port = Port::open().await;
    let number = port.0.local_addr().unwrap().port();
    serve(port, bob.receiver.clone(), config);
    number
}

fn to(host: &str, port: u16, http: HttpProfile) -> Partnership {
    let url = format!("https://{host}:{port}/as2").parse().unwrap();
    Partnership::new(alice().name, bob().name, url).http(http)
}

async fn send(client: &As2Client, partnership: &Partnership) -> Result<Receipt, SendError> {
    client.send(partnership, OutboundMessage::new(ORDER)).await
}

/// TRN-24, TRN-25, TRN-26, TRN-29: each way to trust a server, with certificates as partners have them.
#[tokio::test]
async fn trust_in_servers() {
    let world = World::new(AcceptPolicy::new()).await;
    let authorities = |name| ServerTrust::Authorities(vec![certificate(name)]);
    let pinned = |name| ServerTrust::pinned(&[certificate(name)]);
    let key = |name: &str| {
        let spki = ediint::cms::Certificate::from_der(&certificate(name)).unwrap();
        let key = x509_cert::Certificate::from_der(spki.der()).unwrap();
        let key = key.tbs_certificate().subject_public_key_info().to_der().unwrap();
        ServerTrust::PinnedKeys(vec![Sha256::digest(key).into()])
    };
    let (yes, no) = (true, false);
    // Server, how it is reached, whom we trust, whether the name is checked, whether it is well.
    for (server, host, trust, name_checked, well) in [
        ("localhost", "localhost", authorities("authority"), yes, yes),
        ("localhost", "127.0.0.1", authorities("authority"), yes, yes),
        ("localhost", "localhost", pinned("localhost"), yes, yes),
        ("localhost", "localhost", key("localhost"), yes, yes),
        ("localhost", "localhost", ServerTrust::Roots, yes, no),
        ("localhost", "localhost", authorities("named"), yes, no),
        ("localhost", "localhost", pinned("named"), yes, no),
        ("localhost", "localhost", pinned("authority"), yes, no),
        ("localhost", "localhost", key("named"), yes, no),
        ("elsewhere", "localhost", authorities("authority"), yes, no),
        ("elsewhere", "localhost", pinned("elsewhere"), yes, no),
        ("elsewhere", "localhost", pinned("elsewhere"), no, yes),
        ("elsewhere", "127.0.0.1", key("elsewhere"), no, yes),
        ("elsewhere", "localhost", pinned("localhost"), no, no),
        ("expired", "localhost", authorities("authority"), yes, no),
        ("expired", "localhost", pinned("expired"), yes, no),
        ("expired", "localhost", key("expired"), no, no),
        ("named", "localhost", pinned("named"), yes, yes),
        ("named", "localhost", key("named"), yes, yes),
        ("named", "127.0.0.1", pinned("named"), yes, no),
        ("named", "127.0.0.1", pinned("named"), no, yes),
        ("old", "localhost", pinned("old"), yes, yes),
        ("old", "localhost", pinned("named"), yes, no),
    ] {
        let case = format!("{server} as {host}, {trust:?}, name checked: {name_checked}");
        let port = https(&world.bob, any_server(server)).await;
        let http = http(trust, |tls| tls.verify_hostname = name_checked);
        match send(&world.client, &to(host, port, http)).await {
            Ok(receipt) => assert!(well && receipt.is_accepted(), "{case}: {}", receipt.status),
            Err(error) => {
                assert!(!well && !error.is_transient(), "{case}: {error:?}");
                let SendError::Transport(TransportError::Tls(rustls::Error::InvalidCertificate(error))) = error else {
                    panic!("{case}: {error:?}")
                };
                let expired = matches!(
                    error,
                    CertificateError::Expired | CertificateError::ExpiredContext { .. }
                );
                assert_eq!(expired, server == "expired", "{case}: {error:?}");
            }
        }
    }
    // Who trusts any certificate of an authority has to look at the name.
    let unchecked = http(authorities("authority"), |tls| tls.verify_hostname = false);
    let error = send(&world.client, &to("localhost", 1, unchecked)).await.unwrap_err();
    let refused = TransportError::Profile(TlsProfileError::HostnameUnchecked);
    assert!(!error.is_transient());
    assert_eq!(error.to_string(), refused.to_string());
}

/// TRN-23: 1.2 and 1.3, and a floor of 1.3 on either side.
#[tokio::test]
async fn versions() {
    let world = World::new(AcceptPolicy::new()).await;
    let old = || {
        let builder = ServerConfig::builder_with_provider(default_provider().unwrap());
        let builder = builder.with_protocol_versions(&[&rustls::version::TLS12]).unwrap();
        let identity = identity("localhost");
        let key = identity.key().clone_key();
        builder
            .with_no_client_auth()
            .with_single_cert(identity.chain().to_vec(), key)
            .unwrap()
    };
    let new = || config("localhost", &ClientAuth::None, TlsVersion::Tls13);
    for (server, floor, well) in [
        (old(), TlsVersion::Tls12, true),
        (old(), TlsVersion::Tls13, false),
        (new(), TlsVersion::Tls12, true),
        (new(), TlsVersion::Tls13, true),
    ] {
        let port = https(&world.bob, server).await;
        let http = http(ServerTrust::pinned(&[certificate("localhost")]), |tls| {
            tls.min_version = floor
        });
        match send(&world.client, &to("localhost", port, http)).await {
            Ok(receipt) => assert!(well && receipt.is_accepted()),
            Err(SendError::Transport(TransportError::Tls(_))) => assert!(!well),
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// TRN-27, RCV-09, SEC-10, SEC-41: who must show a certificate shows its own; whoever else does is refused, before
/// anything is read.
#[tokio::test]
async fn certificates_of_clients() {
    let partners = Partnership::new(bob().name, alice().name, "https://localhost:1/as2".parse().unwrap())
        .client_certificates([certificate("localhost")])
        .accept(AcceptPolicy::new());
    let keys = bob().key_store([&alice()]);
    let mut bob = Host::start(Port::open().await, keys, [partners], |builder| builder);
    let world = World::new(AcceptPolicy::new()).await;
    let trusted = ClientTrust::certificates([certificate("localhost"), certificate("elsewhere")]);
    let not_the_partner = "refused a request with 403 Forbidden: the connection is not one of the partner's: its client \
                           certificate is missing or another";
    for (clients, own, well) in [
        (ClientAuth::Required(trusted.clone()), Some("localhost"), true),
        (ClientAuth::Optional(trusted.clone()), Some("localhost"), true),
        (ClientAuth::Optional(trusted.clone()), None, false),
        (ClientAuth::None, Some("localhost"), false),
        // Another partner's, or anybody's of the same authority.
        (ClientAuth::Required(trusted.clone()), Some("elsewhere"), false),
    ] {
        let port = https(&bob, config("localhost", &clients, TlsVersion::Tls12)).await;
        let http = http(ServerTrust::pinned(&[certificate("localhost")]), |tls| {
            tls.client_identity = own.map(identity);
        });
        let sent = send(&world.client, &to("localhost", port, http)).await;
        if well {
            assert!(sent.unwrap().is_accepted());
            let message = bob.inbox.recv().await.unwrap();
            assert!(message.transport.tls && message.transport.authenticated && message.is_authenticated());
            assert!(bob.event().await.starts_with("delivered "));
            continue;
        }
        let Err(SendError::Status(error)) = sent else {
            panic!("{sent:?}")
        };
        assert_eq!((error.status, error.body.len()), (StatusCode::FORBIDDEN, 0));
        assert_eq!(bob.event().await, not_the_partner);
        assert!(bob.nothing_arrived());
    }
    // Without a certificate that the server takes, there is no connection.
    for own in [None, Some("named")] {
        let clients = ClientAuth::Required(trusted.clone());
        let port = https(&bob, config("localhost", &clients, TlsVersion::Tls12)).await;
        let http = http(ServerTrust::pinned(&[certificate("localhost")]), |tls| {
            tls.client_identity = own.map(identity);
        });
        let error = send(&world.client, &to("localhost", port, http)).await.unwrap_err();
        assert!(matches!(error, SendError::Transport(_)), "{error:?}");
        assert!(bob.events.try_recv().is_err());
    }
    // Nor over plain HTTP.
    let url = bob.url.parse().unwrap();
    let plain = Partnership::new(alice().name, crate::common::bob().name, url);
    let Err(SendError::Status(error)) = send(&world.client, &plain).await else {
        panic!("sent")
    };
    assert_eq!(error.status, StatusCode::FORBIDDEN);
    assert_eq!(bob.event().await, not_the_partner);
}

/// SEC-10, SEC-50, RCV-03: what is not signed, or not encrypted, is taken where the connection stands for it.
#[tokio::test]
async fn connections_that_stand_for_a_layer() {
    let unsigned = SendProfile::new().without_signature();
    let neither = unsigned.clone().without_encryption();
    let vouched = AcceptPolicy::new().without_signature().allow_unsigned_cbc();
    for (policy, profile, own, taken) in [
        (vouched.clone(), unsigned.clone(), Some("elsewhere"), true),
        (vouched.clone(), unsigned.clone(), None, false),
        (vouched.clone(), neither.clone(), Some("elsewhere"), false),
        (vouched.tls_suffices(), neither, None, true),
        (AcceptPolicy::new().tls_suffices(), unsigned, Some("elsewhere"), false),
    ] {
        let trust = ServerTrust::pinned(&[certificate("localhost")]);
        let mut world = World::new(policy.clone()).await;
        // The certificate is known of Alice, and not demanded but by the host's own connections.
        if own.is_some() {
            let to_alice = Partnership::new(bob().name, alice().name, "https://localhost:1/as2".parse().unwrap())
                .client_certificates([certificate("elsewhere")])
                .accept(policy);
            world.bob = Host::start(Port::open().await, bob().key_store([&alice()]), [to_alice], |builder| {
                builder
            });
        }
        let clients = ClientAuth::Optional(ClientTrust::certificates([certificate("elsewhere")]));
        let port = https(&world.bob, config("localhost", &clients, TlsVersion::Tls12)).await;
        let http = http(trust, |tls| tls.client_identity = own.map(identity));
        let receipt = send(&world.client, &to("localhost", port, http).send(profile))
            .await
            .unwrap();
        assert_eq!(receipt.is_accepted(), taken, "{}", receipt.status);
        if taken {
            let message = world.bob.inbox.recv().await.unwrap();
            assert!(message.transport.tls && message.signer.is_none());
            assert_eq!(message.is_authenticated(), own.is_some());
        } else {
            assert!(matches!(receipt.status, ReceiptStatus::Rejected(_)));
            assert!(world.bob.nothing_arrived());
        }
    }
}

/// RCV-11, TRN-27, SEC-21: receipts that come later go over TLS as messages do, to those who have to show a certificate too.
#[tokio::test]
async fn receipts_over_mutual_tls() {
    let port = Port::open().await;
    let url = format!("https://localhost:{}/as2", port.0.local_addr().unwrap().port());
    let mutual = |own, other: &str| {
        http(ServerTrust::pinned(&[certificate(other)]), |tls| {
            tls.client_identity = Some(identity(own));
        })
    };
    let clients = |of| ClientAuth::Required(ClientTrust::certificates([certificate(of)]));
    let to_alice = Partnership::new(bob().name, alice().name, url.parse().unwrap())
        .http(mutual("localhost", "named"))
        .client_certificates([certificate("named")]);
    let bob_host = Host::start(Port::open().await, bob().key_store([&alice()]), [to_alice], |builder| {
        builder
    });
    let bobs_port = https(&bob_host, config("localhost", &clients("named"), TlsVersion::Tls12)).await;
    let later = ReceiptRequest::asynchronous(&url).unwrap();
    let to_bob = to("localhost", bobs_port, mutual("named", "localhost"))
        .client_certificates([certificate("localhost")])
        .send(SendProfile::new().receipt(later));
    let keys = Arc::new(alice().key_store([&bob()]));
    let mut alice = Host::start(Port::open().await, keys.clone(), [to_bob.clone()], |builder| builder);
    serve(
        port,
        alice.receiver.clone(),
        config("named", &clients("localhost"), TlsVersion::Tls12),
    );
    let client = As2Client::builder(keys, alice.store.clone()).build().unwrap();
    let receipt = send(&client, &to_bob).await.unwrap();
    assert_eq!(receipt.status, ReceiptStatus::Pending);
    let later = alice.receipts.recv().await.unwrap();
    assert!(later.is_accepted(), "{}", later.status);
    assert_eq!(later.id, receipt.id);
}
