//! Messages over TLS: whom each side trusts, and as whom it comes.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use ediint::partnership::{
    AcceptPolicy, HttpProfile, Pin, ReceiptRequest, SendProfile, ServerTrust, TlsIdentity, TlsProfile, TlsVersion,
};
use ediint::transport::{
    ClientAuth, ClientTrust, ForwardedCertificate, HttpClient, OverTls, ProbeRequest, RequestBody, ResponseBody,
    TlsAcceptor, TransportError, TrustedProxies, default_provider, server_config,
};
use ediint::{As2Client, As2Receiver, BoxFuture, OutboundMessage, Partnership, Receipt, ReceiptStatus, SendError};
use http::{HeaderName, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::common::{Host, Port, World, alice, bob, data};
use crate::rows::ORDER;
use crate::statuses::sent;

fn certificate(name: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(&data(&format!("openssl/tls/{name}.pem"))).unwrap()
}

fn identity(name: &str) -> TlsIdentity {
    let key = PrivateKeyDer::from_pem_slice(&data(&format!("openssl/tls/{name}.key"))).unwrap();
    TlsIdentity::new(vec![certificate(name)], key)
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

/// TRN-27, RCV-09, SEC-10, SEC-41: who must show a certificate shows its own; whoever else does is refused, before
/// anything is read.
#[tokio::test]
async fn certificates_of_clients() {
    let partners = Partnership::new(bob().name, alice().name, "https://localhost:1/as2".parse().unwrap())
        .client_certificates([certificate("server")])
        .accept(AcceptPolicy::new());
    let keys = bob().key_store([&alice()]);
    let mut bob = Host::start(Port::open().await, keys, [partners], |builder| builder);
    let world = World::new(AcceptPolicy::new()).await;
    let trusted = ClientTrust::certificates([certificate("server"), certificate("client")]);
    let not_the_partner = "refused a request with 403 Forbidden: the connection is not one of the partner's, \"Alice & Co\": its client \
                           certificate is missing or another";
    for (clients, own, well) in [
        (ClientAuth::Required(trusted.clone()), Some("server"), true),
        (ClientAuth::Optional(trusted.clone()), Some("server"), true),
        (ClientAuth::Optional(trusted.clone()), None, false),
        (ClientAuth::None, Some("server"), false),
        // Another partner's, or anybody's of the same authority.
        (ClientAuth::Required(trusted.clone()), Some("client"), false),
    ] {
        let port = https(&bob, config("server", &clients, TlsVersion::Tls12)).await;
        let http = http(ServerTrust::pinned(&[certificate("server")]), |tls| {
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
    for own in [None, Some("stranger")] {
        let clients = ClientAuth::Required(trusted.clone());
        let port = https(&bob, config("server", &clients, TlsVersion::Tls12)).await;
        let http = http(ServerTrust::pinned(&[certificate("server")]), |tls| {
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
        (vouched.clone(), unsigned.clone(), Some("client"), true),
        (vouched.clone(), unsigned.clone(), None, false),
        (vouched.clone(), neither.clone(), Some("client"), false),
        (vouched.tls_suffices(), neither, None, true),
        (AcceptPolicy::new().tls_suffices(), unsigned, Some("client"), false),
    ] {
        let trust = ServerTrust::pinned(&[certificate("server")]);
        let mut world = World::new(policy.clone()).await;
        // The certificate is known of Alice, and not demanded but by the host's own connections.
        if own.is_some() {
            let to_alice = Partnership::new(bob().name, alice().name, "https://localhost:1/as2".parse().unwrap())
                .client_certificates([certificate("client")])
                .accept(policy);
            world.bob = Host::start(Port::open().await, bob().key_store([&alice()]), [to_alice], |builder| {
                builder
            });
        }
        let clients = ClientAuth::Optional(ClientTrust::certificates([certificate("client")]));
        let port = https(&world.bob, config("server", &clients, TlsVersion::Tls12)).await;
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
        .http(mutual("server", "other"))
        .client_certificates([certificate("other")]);
    let bob_host = Host::start(Port::open().await, bob().key_store([&alice()]), [to_alice], |builder| {
        builder
    });
    let bobs_port = https(&bob_host, config("server", &clients("other"), TlsVersion::Tls12)).await;
    let later = ReceiptRequest::asynchronous(&url).unwrap();
    let to_bob = to("localhost", bobs_port, mutual("other", "server"))
        .client_certificates([certificate("server")])
        .send(SendProfile::new().receipt(later));
    let keys = Arc::new(alice().key_store([&bob()]));
    let mut alice = Host::start(Port::open().await, keys.clone(), [to_bob.clone()], |builder| builder);
    serve(
        port,
        alice.receiver.clone(),
        config("other", &clients("server"), TlsVersion::Tls12),
    );
    let client = As2Client::builder(keys, alice.store.clone()).build().unwrap();
    let receipt = send(&client, &to_bob).await.unwrap();
    assert_eq!(receipt.status, ReceiptStatus::Pending);
    let later = alice.receipts.recv().await.unwrap();
    assert!(later.is_accepted(), "{}", later.status);
    assert_eq!(later.id, receipt.id);
}

/// TRN-31: the way to a partner, as the client of messages goes it.
#[tokio::test]
async fn a_partner_is_probed() {
    let world = World::new(AcceptPolicy::new()).await;
    let port = https(&world.bob, config("server", &ClientAuth::None, TlsVersion::Tls12)).await;
    for (pin, last, status) in [("server", "http", Some(405)), ("other", "trust", None)] {
        let bob = to(
            "localhost",
            port,
            http(ServerTrust::pinned(&[certificate(pin)]), |_| {}),
        );
        let probe = world.client.probe(&bob, ProbeRequest::Get).await.unwrap();
        assert_eq!(probe.steps.last().unwrap().step.to_string(), last);
        assert_eq!(probe.http_status.map(|status| status.as_u16()), status);
        assert_eq!(probe.pin(), Some(Pin::certificate(&certificate("server"))));
    }
    // A client that the host supplied need not be able to.
    let client = As2Client::builder(alice().key_store([]), ediint::store::MemoryStore::new())
        .http_client(Unable)
        .build()
        .unwrap();
    let bob = to("localhost", port, HttpProfile::default());
    assert!(client.probe(&bob, ProbeRequest::Get).await.is_none());
}

#[derive(Debug)]
struct Unable;

impl HttpClient for Unable {
    fn send<'a>(
        &'a self,
        _: Request<RequestBody>,
        _: &'a HttpProfile,
    ) -> BoxFuture<'a, Result<Response<ResponseBody>, TransportError>> {
        Box::pin(async { Err(TransportError::Url) })
    }
}

/// TRN-33, TRN-27: a partner that has to show a certificate may show it to a proxy of ours; whoever only says so is
/// refused.
#[tokio::test]
async fn certificates_shown_to_a_proxy() {
    let partners = Partnership::new(bob().name, alice().name, "https://localhost:1/as2".parse().unwrap())
        .client_certificates([certificate("client")]);
    let mut bob_host = Host::start(Port::open().await, bob().key_store([&alice()]), [partners], |builder| {
        builder
    });
    let world = World::new(AcceptPolicy::new()).await;
    let field = HeaderName::from_static("x-client-cert-sha256");
    let proxies =
        TrustedProxies::new(["10.0.0.0/8".parse().unwrap()]).certificate(ForwardedCertificate::Sha256(field.clone()));
    let hash = |name| {
        let pin = Pin::certificate(&certificate(name)).to_string();
        pin.trim_start_matches("sha256:").to_owned()
    };
    for (shown, peer, taken) in [
        ("client", "10.0.0.1", true),
        ("stranger", "10.0.0.1", false),
        ("client", "203.0.113.7", false),
    ] {
        let prepared = sent(&world, &world.to_bob).await;
        let mut request = crate::common::request(&prepared).await;
        request.headers_mut().insert(&field, hash(shown).parse().unwrap());
        proxies.apply(peer.parse().unwrap(), &mut request).unwrap();
        let request = request.map(|body| http_body_util::Full::new(bytes::Bytes::from(body)));
        let response = bob_host.receiver.receive(request).await;
        let status = if taken { StatusCode::OK } else { StatusCode::FORBIDDEN };
        assert_eq!(response.status(), status, "{shown} by {peer}");
        assert_eq!(bob_host.inbox.try_recv().is_ok(), taken);
    }
}

/// TRN-06, TRN-07: what old and cautious clients send, octet by octet: HTTP/1.0 is answered with a length, and
/// `Expect: 100-continue` with leave to go on.
#[tokio::test]
async fn old_and_cautious_clients() {
    let world = World::new(AcceptPolicy::new()).await;
    for (version, expect) in [("HTTP/1.0", false), ("HTTP/1.1", true)] {
        let prepared = sent(&world, &world.to_bob).await;
        let (head, body) = crate::common::request(&prepared).await.into_parts();
        let authority = head.uri.authority().unwrap().as_str();
        let mut stream = TcpStream::connect(authority).await.unwrap();
        let mut octets = format!("POST {} {version}\r\nHost: {authority}\r\n", head.uri.path()).into_bytes();
        for (name, value) in &head.headers {
            octets.extend_from_slice(name.as_str().as_bytes());
            octets.extend_from_slice(b": ");
            octets.extend_from_slice(value.as_bytes());
            octets.extend_from_slice(b"\r\n");
        }
        octets.extend_from_slice(format!("Content-Length: {}\r\nConnection: close\r\n", body.len()).as_bytes());
        if expect {
            octets.extend_from_slice(b"Expect: 100-continue\r\n");
        }
        octets.extend_from_slice(b"\r\n");
        stream.write_all(&octets).await.unwrap();
        if expect {
            let mut leave = [0; 25];
            stream.read_exact(&mut leave).await.unwrap();
            assert_eq!(&leave, b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        stream.write_all(&body).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer).to_ascii_lowercase();
        assert!(
            answer.starts_with(&format!("{} 200 ok\r\n", version.to_ascii_lowercase())),
            "{answer}"
        );
        assert!(
            answer.contains("\r\ncontent-length: ") && !answer.contains("chunked"),
            "{answer}"
        );
        assert!(answer.contains("disposition-notification"), "{answer}");
    }
}
