//! Workers on one store, each with an outbox directory of its own.

use std::sync::Arc;
use std::time::Duration;

use ediint::partnership::{ReceiptRequest, RetryPolicy, SendProfile};
use ediint::store::{ExchangeId, MemoryStore, MessageStore, Partnerships, SentOutcome, SentState};
use ediint::{
    AfterTimeout, As2Client, OutboundMessage, OutboxDirectory, OutboxEvent, OutboxWorker, QueuedError, WorkError,
};
use tempfile::TempDir;

use crate::common::{Adjustable, alice, bob};
use crate::gate::{Outbox, Running, status};
use crate::rows::ORDER;

const MINUTE: Duration = Duration::from_secs(60);

/// Two machines of Alice's.
struct Machines {
    outbox: Outbox,
    clock: Arc<Adjustable>,
    store: Arc<MemoryStore>,
    here: Machine,
    there: Machine,
}

struct Machine {
    client: As2Client,
    _directory: TempDir,
}

impl Machines {
    async fn new(faults: impl IntoIterator<Item = crate::gate::Fault>) -> Self {
        let mut outbox = Outbox::new(faults).await;
        // The next attempt is due long after the message was made.
        let late = RetryPolicy::schedule([90 * MINUTE]).without_jitter();
        outbox.to_bob = outbox.to_bob.retry(late);
        let clock = Arc::new(Adjustable::default());
        let store = Arc::new(MemoryStore::new().clock(clock.clone()));
        let machine = |place| {
            let directory = tempfile::tempdir().unwrap();
            let own = OutboxDirectory::new(directory.path()).own(place);
            let builder = As2Client::builder(alice().key_store([&bob()]), store.clone()).clock(clock.clone());
            let client = builder.outbox(own).build().unwrap();
            Machine {
                client,
                _directory: directory,
            }
        };
        let (here, there) = (machine("here"), machine("there"));
        Self {
            outbox,
            clock,
            store,
            here,
            there,
        }
    }

    fn start(&self, machine: &Machine) -> Running {
        let partners = Partnerships::from_iter([self.outbox.to_bob.clone()]);
        let worker = OutboxWorker::new(&machine.client, partners);
        Running::start(worker.per_partner(1).poll_interval(Duration::from_millis(10)))
    }

    async fn submit(&self, machine: &Machine) -> ExchangeId {
        let message = OutboundMessage::new(ORDER);
        machine.client.submit(&self.outbox.to_bob, message).await.unwrap()
    }

    async fn state(&self, id: &ExchangeId) -> SentState {
        self.store.find_sent(id).await.unwrap().unwrap().state
    }

    /// The other machine has nothing to do but what it was given last, whatever was due before.
    async fn the_other_leaves_alone(&self, ids: &[ExchangeId]) {
        let mut there = self.start(&self.there);
        let own = self.submit(&self.there).await;
        answered(&mut there, &own).await;
        there.stop().await;
        for id in ids {
            assert_eq!(self.state(id).await, SentState::Sending);
        }
    }
}

async fn answered(worker: &mut Running, id: &ExchangeId) {
    loop {
        match worker.event().await {
            OutboxEvent::Answered(receipt) => {
                assert!(receipt.is_accepted(), "{}", receipt.status);
                assert_eq!(receipt.id, *id);
                break;
            }
            // The sweep at the start may come upon the file of what has just been answered.
            OutboxEvent::Swept { files: 1 } => {}
            other => panic!("{other}"),
        }
    }
}

/// However old a message is, the machine that has its file sends it.
#[tokio::test]
async fn the_file_of_an_old_message_is_elsewhere() {
    let machines = Machines::new([status("503 Service Unavailable")]).await;
    let id = machines.submit(&machines.here).await;
    let mut here = machines.start(&machines.here);
    let event = here.event().await;
    assert!(matches!(event, OutboxEvent::Postponed { .. }), "{event}");
    here.stop().await;
    machines.clock.advance(90 * MINUTE);
    machines.the_other_leaves_alone(std::slice::from_ref(&id)).await;
    let mut here = machines.start(&machines.here);
    answered(&mut here, &id).await;
}

/// CLI-14: one that was given up, and that a person sends again.
#[tokio::test]
async fn an_old_message_is_tried_again() {
    let machines = Machines::new([status("404 Not Found")]).await;
    let id = machines.submit(&machines.here).await;
    let mut here = machines.start(&machines.here);
    let event = here.event().await;
    assert!(matches!(event, OutboxEvent::Failed { .. }), "{event}");
    here.stop().await;
    machines.clock.advance(24 * 60 * MINUTE);
    machines.here.client.retry(&id).await.unwrap();
    machines.the_other_leaves_alone(std::slice::from_ref(&id)).await;
    let mut here = machines.start(&machines.here);
    answered(&mut here, &id).await;
}

/// A machine that has nothing to do takes nothing from one that has much, and does not ask for it all the time.
#[tokio::test]
async fn a_backlog_beside_an_idle_machine() {
    let machines = Machines::new([]).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(machines.submit(&machines.here).await);
    }
    machines.clock.advance(30 * MINUTE);
    machines.the_other_leaves_alone(&ids).await;
    let next = machines.store.next_due(&[], Some("there")).await.unwrap();
    assert_eq!(next, Some(30 * MINUTE));
    let mut here = machines.start(&machines.here);
    for id in &ids {
        answered(&mut here, id).await;
    }
}

/// Nobody has the file any more: somebody has to say so. It is still where it was.
#[tokio::test]
async fn a_machine_that_does_not_come_back() {
    let machines = Machines::new([]).await;
    let id = machines.submit(&machines.here).await;
    machines.clock.advance(60 * MINUTE);
    let mut there = machines.start(&machines.there);
    match there.event().await {
        OutboxEvent::Failed {
            error: WorkError::Queued(QueuedError::Gone(_)),
            id: failed,
            ..
        } => assert_eq!(failed, id),
        other => panic!("{other}"),
    }
    assert_eq!(machines.state(&id).await, SentState::Closed(SentOutcome::Failed));
    machines.here.client.retry(&id).await.unwrap();
    let mut here = machines.start(&machines.here);
    answered(&mut here, &id).await;
}

/// What is given up of a machine puts off nothing else of it: there is nobody to wait for.
#[tokio::test]
async fn a_backlog_of_a_machine_that_does_not_come_back() {
    let mut machines = Machines::new([0; 3].map(|_| status("202 Accepted"))).await;
    let later = ReceiptRequest::asynchronous("https://alice.example/as2").unwrap();
    let wanted = later.deadline(10 * MINUTE).resends(3);
    machines.outbox.to_bob = machines.outbox.to_bob.send(SendProfile::new().receipt(wanted));
    let mut here = machines.start(&machines.here);
    for _ in 0..3 {
        machines.submit(&machines.here).await;
        let event = here.event().await;
        assert!(matches!(event, OutboxEvent::AwaitingReceipt { .. }), "{event}");
    }
    here.stop().await;
    for _ in 0..2 {
        machines.submit(&machines.here).await;
    }
    machines.clock.advance(75 * MINUTE);
    let mut there = machines.start(&machines.there);
    let (mut expired, mut failed) = (0, 0);
    while expired + failed < 5 {
        match there.event().await {
            OutboxEvent::MdnTimeout {
                next: AfterTimeout::GiveUp,
                ..
            } => expired += 1,
            OutboxEvent::Failed {
                error: WorkError::Queued(QueuedError::Gone(_)),
                ..
            } => failed += 1,
            other => panic!("{other}"),
        }
    }
    assert_eq!((expired, failed), (3, 2));
}
