//! Two companies, their receivers on loopback ports, and what those saw.

use std::convert::Infallible;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use ediint::cms::Certificate;
use ediint::keystore::{Identity, MemoryKeyStore, PartnerCertificates, PrivateKey};
use ediint::partnership::{AcceptPolicy, HttpProfile, SendProfile};
use ediint::store::{MemoryStore, Partnerships};
use ediint::transport::{HttpClient, HyperClient, RequestBody, ResponseBody};
use ediint::{
    As2Client, As2Name, As2Receiver, As2ReceiverBuilder, Clock, Entropy, KeyStore, Partnership, PreparedMessage,
    Receipt, ReceivedMessage, ReceiverEvent,
};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rand::rngs::StdRng;
use rand::{CryptoRng, SeedableRng};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

/// A file in tests/data.
pub(crate) fn data(path: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(path)).unwrap()
}

/// A name, and keys that openssl made.
pub(crate) struct Party {
    pub(crate) name: As2Name,
    pub(crate) identity: Identity,
}

impl Party {
    fn new(name: &str, file: &str) -> Self {
        let key = PrivateKey::from_der(&data(&format!("openssl/cms/{file}.key.der"))).unwrap();
        let certificate = Certificate::from_pem(&data(&format!("openssl/cms/{file}.pem"))).unwrap();
        Self {
            name: As2Name::new(name).unwrap(),
            identity: Identity::new(certificate, key).unwrap(),
        }
    }

    /// A party with another key than RSA for everything.
    pub(crate) fn other(name: &str, file: &str) -> Self {
        let file = |end| data(&format!("openssl/algorithms/{file}{end}"));
        Self {
            name: As2Name::new(name).unwrap(),
            identity: Identity::from_pem(&file(".pem"), &file(".key.pem")).unwrap(),
        }
    }

    pub(crate) fn certificate(&self) -> &Certificate {
        self.identity.certificate()
    }

    /// Our keys, and the certificates of partners.
    pub(crate) fn key_store<'a>(&self, partners: impl IntoIterator<Item = &'a Self>) -> MemoryKeyStore {
        let keys = MemoryKeyStore::new();
        keys.set_identity(self.name.clone(), self.identity.clone());
        for partner in partners {
            let certificates = PartnerCertificates::new(partner.certificate().clone());
            keys.set_partner(self.name.clone(), partner.name.clone(), certificates);
        }
        keys
    }
}

/// Who sends. The name needs quotes in a header.
pub(crate) fn alice() -> Party {
    Party::new("Alice & Co", "alice")
}

/// Who receives.
pub(crate) fn bob() -> Party {
    Party::new("Bob", "bob")
}

/// Another partner of Bob's.
pub(crate) fn carol() -> Party {
    Party::new("Carol", "carol")
}

/// Takes anything from anybody.
pub(crate) fn open_policy() -> AcceptPolicy {
    AcceptPolicy::new()
        .without_signature()
        .without_encryption()
        .danger_accept_unsigned_cbc()
}

/// A loopback port that nobody serves yet.
pub(crate) struct Port(pub(crate) TcpListener);

impl Port {
    pub(crate) async fn open() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    /// `127.0.0.1:port`.
    pub(crate) fn authority(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/as2", self.authority())
    }

    /// Serves HTTP/1.1 by hyper.
    pub(crate) fn serve(self, receiver: As2Receiver) {
        tokio::spawn(async move {
            while let Ok((stream, _)) = self.0.accept().await {
                let receiver = receiver.clone();
                let service = service_fn(move |request: Request<Incoming>| {
                    let receiver = receiver.clone();
                    async move { Ok::<_, Infallible>(receiver.receive(request).await) }
                });
                // A connection that breaks is no failure: some tests break it.
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
    }
}

/// Sends a request as it is.
pub(crate) async fn post(request: Request<Vec<u8>>) -> Response<ResponseBody> {
    let request = request.map(|body| RequestBody::from(Bytes::from(body)));
    HyperClient::new()
        .unwrap()
        .send(request, &HttpProfile::default())
        .await
        .unwrap()
}

/// The request of a message, to be changed.
pub(crate) async fn request(prepared: &PreparedMessage) -> Request<Vec<u8>> {
    let (head, body) = prepared.request().unwrap().into_parts();
    Request::from_parts(head, body.collect().await.unwrap().to_bytes().to_vec())
}

/// A response without a body.
pub(crate) async fn assert_empty(response: Response<ResponseBody>, status: StatusCode) {
    assert_eq!(response.status(), status);
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "");
}

/// Time stands still, a little after the certificates in tests/data were made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing;

impl Clock for Standing {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(2_000_000_000)
    }
}

/// A clock that is put forward and back.
#[derive(Debug)]
pub(crate) struct Adjustable(Mutex<SystemTime>);

impl Default for Adjustable {
    fn default() -> Self {
        Self(Mutex::new(Standing.now()))
    }
}

impl Adjustable {
    pub(crate) fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }

    pub(crate) fn set_back(&self, by: Duration) {
        *self.0.lock().unwrap() -= by;
    }
}

impl Clock for Adjustable {
    fn now(&self) -> SystemTime {
        *self.0.lock().unwrap()
    }
}

/// The same numbers for every message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seeded(pub(crate) u64);

impl Entropy for Seeded {
    fn rng(&self) -> Box<dyn CryptoRng + Send> {
        Box::new(StdRng::seed_from_u64(self.0))
    }
}

/// What happens on the way to what tests wait for: see `audit`.
pub(crate) fn is_stage(event: &ReceiverEvent<'_>) -> bool {
    matches!(
        event,
        ReceiverEvent::Received { .. }
            | ReceiverEvent::Decrypted { .. }
            | ReceiverEvent::Verified { .. }
            | ReceiverEvent::DecryptionFailed(_)
            | ReceiverEvent::ReceiptSent { .. }
    )
}

/// A receiver, and what came out of it.
pub(crate) struct Host {
    pub(crate) url: String,
    pub(crate) receiver: As2Receiver,
    pub(crate) store: Arc<MemoryStore>,
    /// Messages that were delivered.
    pub(crate) inbox: UnboundedReceiver<ReceivedMessage>,
    /// Receipts that closed a record.
    pub(crate) receipts: UnboundedReceiver<Receipt>,
    /// What the host was told.
    pub(crate) events: UnboundedReceiver<String>,
}

impl Host {
    /// Serves a receiver on the port. `set` may change what it is built with.
    pub(crate) fn start(
        port: Port,
        keys: impl KeyStore,
        partnerships: impl IntoIterator<Item = Partnership>,
        set: impl FnOnce(As2ReceiverBuilder) -> As2ReceiverBuilder,
    ) -> Self {
        let url = port.url();
        let store = Arc::new(MemoryStore::new());
        let ((deliver, inbox), (confirm, receipts), (tell, events)) =
            (unbounded_channel(), unbounded_channel(), unbounded_channel());
        let builder = As2Receiver::builder(keys, partnerships.into_iter().collect::<Partnerships>(), store.clone())
            .inbox(move |message: ReceivedMessage| {
                let sent = deliver.send(message);
                async move { sent.map_err(|_| "the test is over") }
            })
            .on_receipt(move |receipt| {
                let sent = confirm.send(receipt);
                async move { sent.unwrap() }
            })
            .on_event(move |event| {
                if !is_stage(event) {
                    tell.send(event.to_string()).unwrap_or_default();
                }
            });
        let receiver = set(builder).build().unwrap();
        port.serve(receiver.clone());
        Self {
            url,
            receiver,
            store,
            inbox,
            receipts,
            events,
        }
    }

    /// The next thing that the host was told, once it has been.
    pub(crate) async fn event(&mut self) -> String {
        let told = timeout(Duration::from_secs(60), self.events.recv()).await;
        told.expect("the host is told nothing").unwrap()
    }

    /// Whether nothing has been delivered since the last look.
    pub(crate) fn nothing_arrived(&mut self) -> bool {
        self.inbox.try_recv().is_err()
    }
}

/// Alice sends to Bob, and takes receipts that come later.
pub(crate) struct World {
    pub(crate) client: As2Client,
    pub(crate) to_bob: Partnership,
    pub(crate) alice: Host,
    pub(crate) bob: Host,
}

impl World {
    /// Bob takes what the policy says.
    pub(crate) async fn new(policy: AcceptPolicy) -> Self {
        Self::with(policy, |builder| builder).await
    }

    /// The same, with another receiver for Bob.
    pub(crate) async fn with(policy: AcceptPolicy, set: impl FnOnce(As2ReceiverBuilder) -> As2ReceiverBuilder) -> Self {
        Self::between(&alice(), &bob(), policy, set).await
    }

    /// The same, between parties with other keys.
    pub(crate) async fn between(
        alice: &Party,
        bob: &Party,
        policy: AcceptPolicy,
        set: impl FnOnce(As2ReceiverBuilder) -> As2ReceiverBuilder,
    ) -> Self {
        let (own, theirs) = (Port::open().await, Port::open().await);
        let to_bob = Partnership::new(alice.name.clone(), bob.name.clone(), theirs.url().parse().unwrap());
        let to_alice = Partnership::new(bob.name.clone(), alice.name.clone(), own.url().parse().unwrap());
        let keys = Arc::new(alice.key_store([bob]));
        let bob_host = Host::start(theirs, bob.key_store([alice]), [to_alice.accept(policy)], set);
        let alice_host = Host::start(own, keys.clone(), [to_bob.clone()], |builder| builder);
        Self {
            client: As2Client::builder(keys, alice_host.store.clone()).build().unwrap(),
            to_bob,
            alice: alice_host,
            bob: bob_host,
        }
    }

    /// The partnership with Bob, sending under `profile`.
    pub(crate) fn sending(&self, profile: SendProfile) -> Partnership {
        self.to_bob.clone().send(profile)
    }
}
