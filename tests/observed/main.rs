//! What an exchange looks like from outside: in the log of a host, and in its metrics (feature `metrics`).
//!
//! A process has one log and one recorder, so this is a test crate of its own, and one test.

#![expect(clippy::unwrap_used, reason = "tests, also where they are no test functions")]

#[path = "../exchange/common.rs"]
#[allow(dead_code, reason = "what the tests of exchanges share")]
mod common;
mod listed;
mod log;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ediint::partnership::{
    AcceptPolicy, BasicAuth, Credentials, HttpProfile, ReceiptRequest, RetryPolicy, SendProfile, TlsIdentity,
    TlsVersion, Weakness,
};
use ediint::store::{MessageStore, Partnerships, SentState};
use ediint::transport::{ClientAuth, TlsAcceptor, default_provider, server_config};
use ediint::{
    As2Client, As2Name, ContentCipher, DigestAlgorithm, OutboundMessage, OutboxDirectory, OutboxWorker, Partnership,
    ReceiptStatus, SendError, SignatureAlgorithm,
};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::common::{Port, World, alice, data, post, request};
use crate::log::Log;

/// A payload that would be found anywhere.
const ORDER: &str = "UNB+UNOA:1+SENDER-OF-SECRETS+RECEIVER'";

/// The metrics by name and labels.
struct Measured(BTreeMap<String, DebugValue>);

impl Measured {
    fn now(snapshotter: &Snapshotter) -> Self {
        let all = snapshotter.snapshot().into_vec().into_iter().map(|(key, _, _, value)| {
            let key = key.key();
            let labels = key.labels().map(|label| format!(" {}={}", label.key(), label.value()));
            (key.name().to_owned() + &labels.collect::<String>(), value)
        });
        Self(all.collect())
    }

    fn counter(&self, key: &str) -> u64 {
        match self.0.get(key) {
            Some(DebugValue::Counter(value)) => *value,
            other => panic!("{key}: {other:?} among {:?}", self.0.keys()),
        }
    }

    fn gauge(&self, key: &str) -> f64 {
        match self.0.get(key) {
            Some(DebugValue::Gauge(value)) => value.into_inner(),
            other => panic!("{key}: {other:?} among {:?}", self.0.keys()),
        }
    }

    /// How many times a stage was timed, in seconds that can be.
    fn times(&self, stage: &str) -> usize {
        match self.0.get(&format!("ediint_stage_seconds stage={stage}")) {
            Some(DebugValue::Histogram(values)) => {
                assert!(values.iter().all(|value| (0.0..60.0).contains(&value.into_inner())));
                values.len()
            }
            other => panic!("{stage}: {other:?} among {:?}", self.0.keys()),
        }
    }
}

/// SEC-40, RCV-19.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exchange_is_seen_but_not_its_secrets() {
    let log = Log::install();
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    recorder.install().unwrap();

    let mut world = World::new(AcceptPolicy::new()).await;
    let mut http = HttpProfile::default();
    let mut auth = BasicAuth::new(Credentials::new("alice", "open-sesame").unwrap());
    (auth.preemptive, auth.allow_plaintext) = (true, true);
    http.basic_auth = Some(auth);
    let profile = SendProfile::new().http_header("X-Api-Key", "hocus-pocus");
    let to_bob = world.sending(profile).http(http);
    let order = || OutboundMessage::new(ORDER);

    // One that is delivered, and comes again.
    let prepared = world.client.prepare(&to_bob, order()).await.unwrap();
    let receipt = world.client.transmit(&to_bob, &prepared).await.unwrap();
    assert!(receipt.is_accepted());
    assert!(world.client.transmit(&to_bob, &prepared).await.unwrap().is_accepted());
    let delivered = world.bob.inbox.recv().await.unwrap();
    let id = prepared.id();

    let events = log.of(id.message_id().as_str());
    let named = |name: &str| {
        events
            .iter()
            .find(|event| event["event"] == name)
            .unwrap_or_else(|| panic!("{name} is not among {events:?}"))
    };
    for name in [
        "received",
        "decrypted",
        "verified",
        "delivered",
        "receipt-sent",
        "accepted",
        "duplicate",
    ] {
        let event = named(name);
        assert_eq!(
            (event["from"].as_str(), event["to"].as_str()),
            ("Alice & Co", "Bob"),
            "{name}"
        );
        assert_eq!(event["target"], "ediint::audit");
    }
    assert_eq!(named("received")["octets"], prepared.content_length().to_string());
    assert_eq!(named("delivered")["octets"], ORDER.len().to_string());
    assert_eq!(named("delivered")["mic"], delivered.mic.to_string());
    assert_eq!(named("delivered")["level"], "INFO");
    assert_eq!(
        named("delivered")["certificate"],
        alice().certificate().fingerprint_hex()
    );
    assert_eq!(named("accepted")["receipt_status"], "accepted");
    assert_eq!(named("accepted")["status"], "200");
    let spans = log.spans(id.message_id().as_str());
    for name in ["as2.prepare", "as2.transmit", "as2.receive"] {
        let span = spans
            .iter()
            .find(|span| span["span"] == name)
            .unwrap_or_else(|| panic!("{name} is not among {spans:?}"));
        assert!(span["elapsed_ms"].parse::<u64>().is_ok() && span["from"] == "Alice & Co" && span["to"] == "Bob");
    }

    // One that nobody can read, one to nobody, one that is no POST.
    let mut mistaken = request(&prepared).await;
    let body = mistaken.body_mut();
    let last = body.len() - 1;
    body[last] ^= 1;
    let id = "<altered@alice>".parse().unwrap();
    mistaken.headers_mut().insert("Message-ID", id);
    assert_eq!(post(mistaken).await.status(), 200);
    let mut strange = request(&prepared).await;
    strange.headers_mut().insert("AS2-To", "Nobody".parse().unwrap());
    strange.headers_mut().remove("Disposition-Notification-To");
    assert_eq!(post(strange).await.status(), 403);
    assert!(log.lines().contains("event=\"request-refused\""), "{}", log.lines());

    // A server that speaks no TLS.
    let port = Port::open().await;
    let secure = format!("https://{}/", port.authority()).parse().unwrap();
    port.serve(world.bob.receiver.clone());
    let to_nobody = Partnership::new(alice().name, to_bob.remote().clone(), secure);
    let failed = world.client.send(&to_nobody, order()).await;
    assert!(matches!(failed, Err(SendError::Transport(_))), "{failed:?}");

    // A client that speaks none.
    let (mut plain, stream) = tokio::io::duplex(1024);
    plain.write_all(b"POST /as2 HTTP/1.1\r\n\r\n").await.unwrap();
    assert!(acceptor().accept(stream).await.is_err());

    let measured = Measured::now(&snapshotter);
    assert_eq!(measured.counter("ediint_messages_sent_total status=accepted"), 2);
    assert_eq!(measured.counter("ediint_messages_sent_total status=failed"), 1);
    assert_eq!(
        measured.counter("ediint_octets_sent_total"),
        2 * prepared.content_length()
    );
    assert_eq!(
        measured.counter("ediint_receipts_received_total disposition=processed"),
        2
    );
    assert_eq!(measured.counter("ediint_messages_received_total outcome=delivered"), 1);
    assert_eq!(measured.counter("ediint_messages_received_total outcome=duplicate"), 1);
    assert_eq!(measured.counter("ediint_messages_received_total outcome=refused"), 1);
    assert_eq!(
        measured.counter("ediint_octets_received_total"),
        3 * prepared.content_length()
    );
    assert_eq!(measured.counter("ediint_receipts_made_total disposition=processed"), 1);
    assert_eq!(measured.counter("ediint_receipts_made_total disposition=error"), 1);
    assert_eq!(measured.counter("ediint_receipts_sent_total delivery=response"), 3);
    assert_eq!(measured.counter("ediint_requests_refused_total status=403"), 1);
    assert_eq!(measured.counter("ediint_decryption_failures_total"), 1);
    assert_eq!(measured.counter("ediint_tls_failures_total side=client"), 1);
    assert_eq!(measured.counter("ediint_tls_failures_total side=server"), 1);
    assert_eq!(measured.gauge("ediint_requests_in_progress"), 0.0);
    assert_eq!(measured.gauge("ediint_key_operations"), 0.0);
    for (stage, times) in [
        ("send", 1),
        ("prepare", 2),
        ("transmit", 3),
        ("receive", 4),
        ("body", 3),
        ("deliver", 1),
        ("receipt", 2),
    ] {
        assert_eq!(measured.times(stage), times, "{stage}");
    }
    assert!(measured.times("connect") >= 1 && measured.times("tls") == 1 && measured.times("http") >= 3);

    outbox(&log, &snapshotter, &mut world).await;
    what_is_weak(&log).await;
    nothing_secret(&log);
    listed::all_is_listed(&log, &snapshotter);
}

/// SMI-21, SEC-14: what is weak and allowed is warned of, of messages and of receipts.
async fn what_is_weak(log: &Log) {
    let sha1 = || AcceptPolicy::new().allow_weak_digest(DigestAlgorithm::Sha1);
    let world = World::new(sha1().allow_weak_cipher(ContentCipher::TripleDesCbc)).await;
    let profile = SendProfile::new()
        .signature(SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha1))
        .encryption(ContentCipher::TripleDesCbc);
    let to_bob = world.sending(profile).accept(sha1());
    let receipt = world.client.send(&to_bob, OutboundMessage::new(ORDER)).await.unwrap();
    assert!(receipt.is_accepted());
    assert_eq!(receipt.weaknesses, [Weakness::Digest(DigestAlgorithm::Sha1)]);
    let events = log.of(receipt.message_id().as_str());
    let warned = |event: &&log::Fields| event["target"] == "ediint::receiver::message" && event["level"] == "WARN";
    let warnings: Vec<_> = events
        .iter()
        .filter(warned)
        .map(|event| event["weak"].as_str())
        .collect();
    assert_eq!(warnings, ["sha-1, 3des"]);
    let lines = log.lines();
    let of_receipts = lines
        .lines()
        .filter(|line| line.contains("a receipt counts only because"));
    let of_receipts: Vec<_> = of_receipts.filter(|line| line.contains("weak=\"sha-1\"")).collect();
    let [of_receipt] = of_receipts[..] else {
        panic!("{of_receipts:?}")
    };
    assert!(of_receipt.contains(receipt.message_id().as_str()), "{of_receipt}");
}

fn acceptor() -> TlsAcceptor {
    let file = |end| data(&format!("openssl/tls/server.{end}"));
    let key = PrivateKeyDer::from_pem_slice(&file("key")).unwrap();
    let identity = TlsIdentity::new(vec![CertificateDer::from_pem_slice(&file("pem")).unwrap()], key);
    let provider = default_provider().unwrap();
    let config = server_config(&identity, &ClientAuth::None, TlsVersion::Tls12, provider).unwrap();
    TlsAcceptor::new(Arc::new(config), Duration::from_secs(10))
}

/// A message that waits in an outbox: its way is barred at first.
async fn outbox(log: &Log, snapshotter: &Snapshotter, world: &mut World) {
    let directory = tempfile::tempdir().unwrap();
    let port = Port::open().await;
    let url = port.url();
    let receiver = world.bob.receiver.clone();
    tokio::spawn(async move {
        // Nothing comes back at first.
        drop(port.0.accept().await.unwrap());
        port.serve(receiver);
    });
    let us = alice();
    let receipt = ReceiptRequest::asynchronous(&world.alice.url).unwrap();
    let to_bob = Partnership::new(us.name.clone(), As2Name::new("Bob").unwrap(), url.parse().unwrap())
        .send(SendProfile::new().receipt(receipt))
        .retry(RetryPolicy::schedule([Duration::from_millis(500); 50]).without_jitter());
    let client = As2Client::builder(us.key_store([&common::bob()]), world.alice.store.clone())
        .outbox(OutboxDirectory::new(directory.path()))
        .build()
        .unwrap();
    let id = client.submit(&to_bob, OutboundMessage::new(ORDER)).await.unwrap();
    let partners = Partnerships::from_iter([to_bob]);
    let worker = OutboxWorker::new(&client, partners).sweep_interval(Duration::from_millis(10));
    let running = tokio::spawn(worker.run(std::future::pending()));
    log.wait_for(id.message_id().as_str(), "postponed").await;
    let measured = Measured::now(snapshotter);
    assert!(measured.counter("ediint_retries_total work=send") >= 1);
    assert!(measured.gauge("ediint_outbox_depth") <= 1.0);
    assert!(measured.gauge("ediint_outbox_age_seconds") < 3600.0);

    let receipt = timeout(Duration::from_secs(60), world.alice.receipts.recv())
        .await
        .unwrap()
        .unwrap();
    assert!(matches!(receipt.status, ReceiptStatus::Accepted { .. }));
    log.wait_for(id.message_id().as_str(), "receipt-received").await;
    log.wait_for(id.message_id().as_str(), "receipt-posted").await;
    let work = log.spans(id.message_id().as_str());
    assert!(
        work.iter()
            .any(|span| span["span"] == "as2.outbox" && span["work"] == "send" && span["attempt"] == "2"),
        "{work:?}"
    );
    running.abort();
    drop(running.await);
    let record = world.alice.store.find_sent(&id).await.unwrap().unwrap();
    assert!(matches!(record.state, SentState::Closed(_)));
    let measured = Measured::now(snapshotter);
    assert!(measured.counter("ediint_receipts_sent_total delivery=posted") >= 1);
    assert!(measured.times("post") >= 1);
}

/// Of all that was said, by whomever and at every level.
fn nothing_secret(log: &Log) {
    let lines = log.lines();
    for secret in [
        "SENDER-OF-SECRETS",
        "open-sesame",
        "hocus-pocus",
        "Authorization",
        "PRIVATE KEY",
    ] {
        assert!(!lines.contains(secret), "{secret} is in the log");
    }
    // Nor their base64: of the credentials, and of the payload.
    for secret in ["YWxpY2U6b3Blbi1zZXNhbWU", "U0VOREVSLU9GLVNFQ1JFVF"] {
        assert!(!lines.contains(secret), "{secret} is in the log");
    }
}
