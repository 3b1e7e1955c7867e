//! A way to a receiver on which things go wrong, and a sender with an outbox in front of it.

use std::collections::VecDeque;
use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ediint::partnership::{AcceptPolicy, ReceiptRequest, RetryPolicy, SendProfile};
use ediint::store::{ExchangeId, MessageStore, Partnerships, SentOutcome, SentRecord, SentState};
use ediint::{
    As2Client, As2ReceiverBuilder, KeyStore, OutboundMessage, OutboxDirectory, OutboxEvent, OutboxWorker, Partnership,
};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::answers::is_complete;
use crate::common::{Host, World, alice, bob};
use crate::rows::ORDER;

/// What becomes of one connection.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// Reset before anything is read.
    ResetAtOnce,
    /// Reset when this many octets of the request have come.
    ResetAfter(usize),
    /// Reset when the whole request has come, which goes nowhere.
    ResetUnseen,
    /// Reset when the receiver has answered, with nothing of it.
    ResetUnanswered,
    /// Closed after half of the receiver's answer.
    HalfAnswer,
    /// Answered with these octets in place of the receiver.
    Answer(String),
    /// Held until the other end hangs up.
    Silence,
}

/// A TCP port before a receiver. Each connection has the next fault; when there is none left, all goes through.
pub(crate) struct Gate {
    pub(crate) url: String,
    faults: Arc<Mutex<VecDeque<Fault>>>,
    requests: UnboundedReceiver<Vec<u8>>,
    open: Arc<()>,
}

impl Gate {
    pub(crate) async fn before(authority: &str, faults: impl IntoIterator<Item = Fault>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/as2", listener.local_addr().unwrap());
        let faults = Arc::new(Mutex::new(faults.into_iter().collect::<VecDeque<_>>()));
        let (seen, requests) = unbounded_channel();
        let (target, left) = (authority.to_owned(), Arc::clone(&faults));
        let open = Arc::new(());
        let connection = Arc::clone(&open);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let fault = left.lock().unwrap().pop_front();
                let (target, seen, connection) = (target.clone(), seen.clone(), Arc::clone(&connection));
                tokio::spawn(async move {
                    pass(stream, target, fault, seen).await;
                    drop(connection);
                });
            }
        });
        Self {
            url,
            faults,
            requests,
            open,
        }
    }

    pub(crate) fn add(&self, fault: Fault) {
        self.faults.lock().unwrap().push_back(fault);
    }

    /// The complete requests that have come. They are octet for octet the same (REL-04).
    pub(crate) fn same_requests(&mut self) -> usize {
        let requests: Vec<_> = std::iter::from_fn(|| self.requests.try_recv().ok()).collect();
        assert!(requests.windows(2).all(|pair| pair[0] == pair[1]), "requests differ");
        requests.len()
    }

    /// Waits until every connection has ended.
    pub(crate) async fn closed(&self) {
        // Ours, and that of the listener.
        while Arc::strong_count(&self.open) > 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The next complete request.
    pub(crate) async fn request(&mut self) -> Vec<u8> {
        timeout(PATIENCE, self.requests.recv()).await.unwrap().unwrap()
    }
}

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

async fn pass(mut stream: TcpStream, target: String, fault: Option<Fault>, seen: UnboundedSender<Vec<u8>>) {
    if let Some(Fault::ResetAtOnce) = fault {
        return reset(stream);
    }
    let mut request = Vec::new();
    while !is_complete(&request) {
        if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
            return;
        }
        match fault {
            Some(Fault::ResetAfter(octets)) if request.len() >= octets => return reset(stream),
            _ => {}
        }
    }
    seen.send(request.clone()).unwrap_or_default();
    match &fault {
        Some(Fault::ResetUnseen) => return reset(stream),
        Some(Fault::Answer(answer)) => return stream.write_all(answer.as_bytes()).await.unwrap_or_default(),
        Some(Fault::Silence) => {
            stream.read_buf(&mut request).await.unwrap_or_default();
            return;
        }
        _ => {}
    }
    let mut server = TcpStream::connect(target).await.unwrap();
    // So that its end shows where the answer ends.
    let close = String::from_utf8_lossy(&request).replacen("\r\n", "\r\nConnection: close\r\n", 1);
    let head = close.find("\r\n\r\n").unwrap();
    let body = request.windows(4).position(|octets| octets == b"\r\n\r\n").unwrap();
    server.write_all(&close.as_bytes()[..head]).await.unwrap();
    server.write_all(&request[body..]).await.unwrap();
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await.unwrap_or_default();
    match fault {
        Some(Fault::ResetUnanswered) => return reset(stream),
        Some(Fault::HalfAnswer) => answer.truncate(answer.len() / 2),
        _ => {}
    }
    stream.write_all(&answer).await.unwrap_or_default();
}

/// Ends a connection with RST.
fn reset(stream: TcpStream) {
    stream.set_zero_linger().unwrap();
}

/// The status line of an answer without a body, and header fields.
pub(crate) fn status(line: &str) -> Fault {
    Fault::Answer(format!(
        "HTTP/1.1 {line}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    ))
}

/// Alice's outbox, and the way to Bob.
pub(crate) struct Outbox {
    pub(crate) world: World,
    pub(crate) gate: Gate,
    pub(crate) to_bob: Partnership,
    pub(crate) client: As2Client,
    pub(crate) directory: TempDir,
    pub(crate) worker: Option<Running>,
}

/// A worker at work.
pub(crate) struct Running {
    pub(crate) events: UnboundedReceiver<OutboxEvent>,
    stop: oneshot::Sender<()>,
    done: JoinHandle<()>,
}

impl Running {
    pub(crate) fn start(worker: OutboxWorker) -> Self {
        let (tell, events) = unbounded_channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let worker = worker.on_event(move |event| tell.send(event).unwrap_or_default());
        let done = tokio::spawn(worker.run(async { stopped.await.unwrap_or_default() }));
        Self { events, stop, done }
    }

    /// The next thing that happened.
    pub(crate) async fn event(&mut self) -> OutboxEvent {
        timeout(PATIENCE, self.events.recv())
            .await
            .expect("nothing happens")
            .unwrap()
    }

    /// Stops it, and waits for the end.
    pub(crate) async fn stop(self) -> UnboundedReceiver<OutboxEvent> {
        self.stop.send(()).unwrap();
        timeout(PATIENCE, self.done).await.unwrap().unwrap();
        self.events
    }

    /// What a crash does.
    pub(crate) async fn kill(self) {
        self.done.abort();
        self.done.await.unwrap_err();
    }
}

/// Three retries without delay.
pub(crate) fn quick() -> RetryPolicy {
    RetryPolicy::schedule([Duration::from_millis(10); 3]).without_jitter()
}

impl Outbox {
    pub(crate) async fn new(faults: impl IntoIterator<Item = Fault>) -> Self {
        Self::with(faults, |builder| builder).await
    }

    /// The same, with another receiver for Bob.
    pub(crate) async fn with(
        faults: impl IntoIterator<Item = Fault>,
        set: impl FnOnce(As2ReceiverBuilder) -> As2ReceiverBuilder,
    ) -> Self {
        Self::between(World::with(AcceptPolicy::new(), set).await, faults).await
    }

    pub(crate) async fn between(world: World, faults: impl IntoIterator<Item = Fault>) -> Self {
        let authority = world.to_bob.url().authority().unwrap().to_string();
        let gate = Gate::before(&authority, faults).await;
        let to_bob = Partnership::new(alice().name, bob().name, gate.url.parse().unwrap()).retry(quick());
        let directory = tempfile::tempdir().unwrap();
        let keys = alice().key_store([&bob()]);
        let client = client(keys, world.alice.store.clone(), &directory);
        Self {
            world,
            gate,
            to_bob,
            client,
            directory,
            worker: None,
        }
    }

    /// The same, asking for this receipt.
    pub(crate) fn receipt(mut self, set: impl FnOnce(ReceiptRequest) -> ReceiptRequest) -> Self {
        let later = ReceiptRequest::asynchronous(&self.world.alice.url).unwrap();
        self.to_bob = self.to_bob.send(SendProfile::new().receipt(set(later)));
        self
    }

    pub(crate) fn worker(&self) -> OutboxWorker {
        OutboxWorker::new(&self.client, Partnerships::from_iter([self.to_bob.clone()]))
    }

    pub(crate) fn start(&mut self) {
        self.worker = Some(Running::start(self.worker()));
    }

    /// Submits an order.
    pub(crate) async fn submit(&self) -> ExchangeId {
        self.client
            .submit(&self.to_bob, OutboundMessage::new(ORDER))
            .await
            .unwrap()
    }

    pub(crate) async fn event(&mut self) -> OutboxEvent {
        self.worker.as_mut().unwrap().event().await
    }

    /// The order is delivered in the end, and everything before that is told as a postponement. What was told.
    pub(crate) async fn delivered(&mut self, id: &ExchangeId) -> Vec<String> {
        let mut told = Vec::new();
        loop {
            match self.event().await {
                OutboxEvent::Postponed { error, .. } => told.push(error.to_string()),
                OutboxEvent::Answered(receipt) => {
                    assert!(receipt.is_accepted() && receipt.id == *id, "{}", receipt.status);
                    break;
                }
                other => panic!("{other}"),
            }
        }
        let record = self.record(id).await;
        assert_eq!(record.state, SentState::Closed(SentOutcome::Accepted));
        assert!(record.receipt.is_some());
        assert!(self.files().is_empty());
        self.delivered_once().await;
        told
    }

    /// Bob has the order, once.
    pub(crate) async fn delivered_once(&mut self) {
        let message = timeout(PATIENCE, self.world.bob.inbox.recv()).await.unwrap().unwrap();
        assert_eq!(message.payload.into_bytes().await.unwrap(), ORDER);
        assert!(self.world.bob.nothing_arrived());
    }

    pub(crate) async fn record(&self, id: &ExchangeId) -> SentRecord {
        self.world.alice.store.find_sent(id).await.unwrap().unwrap()
    }

    /// The names of what is in the outbox directory.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory.path()).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    pub(crate) fn host(&self) -> &Host {
        &self.world.alice
    }
}

/// Alice's client, with an outbox.
pub(crate) fn client(keys: impl KeyStore, store: impl MessageStore, directory: &TempDir) -> As2Client {
    let outbox = OutboxDirectory::new(directory.path());
    As2Client::builder(keys, store).outbox(outbox).build().unwrap()
}
