//! The examples of HTTP hosts, each of them in front of a receiver, over TLS with certificates made by openssl.
//!
//! What the examples try out by themselves is a step of `tests/run`, which runs them.
#![expect(
    clippy::unwrap_used,
    reason = "what the helpers of a test cannot do is a failure of the test"
)]
#![expect(clippy::duplicate_mod, reason = "each example brings its set-up")]

#[path = "../../examples/actix.rs"]
#[expect(dead_code, reason = "the example is more than the host")]
mod actix_host;
#[path = "../../examples/axum.rs"]
#[expect(dead_code, reason = "the example is more than the host")]
mod axum_host;
mod bodies;
#[path = "../../examples/hyper.rs"]
#[expect(dead_code, reason = "the example is more than the host")]
mod hyper_host;
mod peers;
mod wire;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use ediint::cms::Certificate;
use ediint::keystore::{Identity, MemoryKeyStore, PartnerCertificates, PrivateKey};
use ediint::partnership::{AcceptPolicy, HttpProfile, Partnership, ServerTrust, TlsIdentity, TlsVersion};
use ediint::store::{MemoryStore, PartnershipStore, PartnershipStoreError, Partnerships};
use ediint::transport::{ClientAuth, ClientTrust, default_provider, server_config};
use ediint::{As2Client, As2Name, As2Receiver, BoxFuture, OutboundMessage, PreparedMessage, ReceivedMessage};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;

/// The kinds of host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stack {
    Actix,
    Axum,
    Hyper,
}

const STACKS: [Stack; 3] = [Stack::Actix, Stack::Axum, Stack::Hyper];

/// The largest payload that Bob takes; on the wire a third and 1 MiB more.
const LARGEST: u64 = 16 << 20;

fn data(path: &str) -> Vec<u8> {
    fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data/openssl")
            .join(path),
    )
    .unwrap()
}

fn tls_certificate(name: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(&data(&format!("tls/{name}.pem"))).unwrap()
}

fn tls_identity(name: &str) -> TlsIdentity {
    let key = PrivateKeyDer::from_pem_slice(&data(&format!("tls/{name}.key"))).unwrap();
    TlsIdentity::new(vec![tls_certificate(name)], key)
}

/// As who a client comes.
fn coming_as(name: Option<&str>) -> HttpProfile {
    let mut http = HttpProfile::default();
    http.tls.trust = ServerTrust::pinned(&[tls_certificate("server")]);
    http.tls.client_identity = name.map(tls_identity);
    http
}

fn message_identity(file: &str) -> Identity {
    let key = PrivateKey::from_der(&data(&format!("cms/{file}.key.der"))).unwrap();
    let certificate = Certificate::from_pem(&data(&format!("cms/{file}.pem"))).unwrap();
    Identity::new(certificate, key).unwrap()
}

/// Looks partners up, one look at a time for each permit.
#[derive(Clone)]
struct Gated {
    partners: Arc<Partnerships>,
    permits: Arc<Semaphore>,
}

impl PartnershipStore for Gated {
    fn find<'a>(
        &'a self,
        local: &'a As2Name,
        remote: &'a As2Name,
    ) -> BoxFuture<'a, Result<Option<Arc<Partnership>>, PartnershipStoreError>> {
        Box::pin(async move {
            self.permits.acquire().await.unwrap().forget();
            self.partners.find(local, remote).await
        })
    }
}

/// Bob, who receives, and Alice, who sends to him.
struct World {
    stack: Stack,
    port: u16,
    receiver: As2Receiver,
    client: As2Client,
    to_bob: Partnership,
    inbox: UnboundedReceiver<ReceivedMessage>,
    events: UnboundedReceiver<String>,
    /// What lookups of partners wait for: see [`World::holding`].
    permits: Arc<Semaphore>,
    end: oneshot::Sender<()>,
    serving: JoinHandle<std::io::Result<()>>,
}

impl World {
    /// Connections without a certificate get in; messages do not.
    async fn new(stack: Stack) -> Self {
        let trust = ClientTrust::certificates(["client", "other"].map(tls_certificate));
        Self::with(stack, ClientAuth::Optional(trust), Semaphore::MAX_PERMITS).await
    }

    /// Requests wait before their bodies are read, until there are permits.
    async fn holding(stack: Stack) -> Self {
        let trust = ClientTrust::certificates([tls_certificate("client")]);
        Self::with(stack, ClientAuth::Optional(trust), 0).await
    }

    async fn with(stack: Stack, clients: ClientAuth, permits: usize) -> Self {
        let (alice, bob) = (As2Name::new("Alice & Co").unwrap(), As2Name::new("Bob").unwrap());
        let keys = Arc::new(MemoryKeyStore::new());
        for (ours, theirs, file) in [(&alice, &bob, "alice"), (&bob, &alice, "bob")] {
            let identity = message_identity(file);
            let certificate = identity.certificate().clone();
            keys.set_identity(ours.clone(), identity);
            keys.set_partner(theirs.clone(), ours.clone(), PartnerCertificates::new(certificate));
        }
        let (listener, port) = listen();
        let url = format!("https://localhost:{port}/as2").parse().unwrap();
        let to_bob = Partnership::new(alice.clone(), bob.clone(), url).http(coming_as(Some("client")));
        let from_alice = Partnership::new(bob, alice, "https://alice.example/".parse().unwrap())
            .accept(AcceptPolicy::new().message_size(LARGEST))
            .client_certificates([tls_certificate("client")]);

        let permits = Arc::new(Semaphore::new(permits));
        let partners = Gated {
            partners: Arc::new(Partnerships::from_iter([from_alice])),
            permits: permits.clone(),
        };
        let ((deliver, inbox), (tell, events)) = (unbounded_channel(), unbounded_channel());
        let receiver = As2Receiver::builder(keys.clone(), partners, MemoryStore::new())
            .inbox(move |message: ReceivedMessage| {
                let sent = deliver.send(message);
                async move { sent.map_err(|_| "the test is over") }
            })
            .on_event(move |event| tell.send(format!("{event:?}")).unwrap_or_default())
            .build()
            .unwrap();
        let server = tls_identity("server");
        let tls = server_config(&server, &clients, TlsVersion::Tls12, default_provider().unwrap()).unwrap();
        let (end, ended) = oneshot::channel();
        let served = receiver.clone();
        let serving = tokio::spawn(async move {
            match stack {
                Stack::Actix => actix_host::serve(listener, tls, served, ended).await,
                Stack::Axum => axum_host::serve(listener, tls, served, ended).await,
                Stack::Hyper => hyper_host::serve(listener, tls, served, ended).await,
            }
        });
        Self {
            stack,
            port,
            receiver,
            client: As2Client::builder(keys, MemoryStore::new()).build().unwrap(),
            to_bob,
            inbox,
            events,
            permits,
            end,
            serving,
        }
    }

    async fn prepare(&self, payload: impl Into<ediint::Payload>) -> PreparedMessage {
        self.client
            .prepare(&self.to_bob, OutboundMessage::new(payload))
            .await
            .unwrap()
    }

    /// What was delivered.
    async fn delivered(&mut self) -> Vec<u8> {
        let message = self.inbox.recv().await.unwrap();
        assert!(message.transport.authenticated, "{:?}", self.stack);
        message.payload.into_bytes().await.unwrap().to_vec()
    }
}

/// A port whose connections buffer little in the kernel.
fn listen() -> (TcpListener, u16) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 << 10).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(16).unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}
