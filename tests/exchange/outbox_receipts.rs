//! Receipts for what an outbox has sent: wrong ones, two, late ones, none; and receipts that it posts.

use std::time::{Duration, SystemTime};

use ediint::partnership::ReceiptRequest;
use ediint::store::{
    Claim, ExchangeId, MemoryStore, MessageStore, Partnerships, PostState, Posting, ReceivedRecord, SentOutcome,
    SentState,
};
use ediint::{AfterTimeout, As2Client, MessageId, OutboxEvent, OutboxWorker, Partnership, ReceiptStatus};
use http::StatusCode;

use crate::common::{alice, assert_empty, bob, post};
use crate::gate::{Fault, Gate, Outbox, Running, quick, status};
use crate::handmade::{BOB_TO_ALICE, Entity};

const PROCESSED: &str = "processed";
const SHORT: Duration = Duration::from_millis(20);

/// Bob's receipt for a message, as it should be.
async fn genuine(outbox: &Outbox, id: &ExchangeId) -> Entity {
    let record = outbox.record(id).await;
    Entity::about(id.message_id(), &record.mics, PROCESSED).signed_by_bob()
}

/// Somebody brings Alice a receipt.
async fn bring(outbox: &Outbox, receipt: Entity) {
    let request = receipt.request(&outbox.host().url, &BOB_TO_ALICE);
    assert_empty(post(request).await, StatusCode::OK).await;
}

fn closed(outcome: SentOutcome) -> SentState {
    SentState::Closed(outcome)
}

/// The next event is an answer, and the last of them.
async fn answered(outbox: &mut Outbox) -> ReceiptStatus {
    match outbox.event().await {
        OutboxEvent::Answered(receipt) => receipt.status,
        other => panic!("{other}"),
    }
}

async fn timed_out(outbox: &mut Outbox) -> AfterTimeout {
    match outbox.event().await {
        OutboxEvent::AwaitingReceipt { within, .. } => assert_eq!(within, SHORT),
        other => panic!("{other}"),
    }
    match outbox.event().await {
        OutboxEvent::MdnTimeout { next, .. } => next,
        other => panic!("{other}"),
    }
}

/// REL-02, SEC-16, MDN-56: what comes in place of the receipt is not asked for again, and the genuine one still counts.
#[tokio::test]
async fn a_receipt_for_another_message() {
    let other = MessageId::new("<other@alice.example>").unwrap();
    type Answer = Box<dyn Fn(&ediint::MicSet, &ExchangeId) -> Fault>;
    type Expected = fn(&ReceiptStatus) -> bool;
    let cases: [(Answer, Expected, SentOutcome); 4] = [
        (
            Box::new(move |mics, _| {
                let receipt = Entity::about(&other, mics, PROCESSED).signed_by_bob();
                Fault::Answer(receipt.on_the_wire(&BOB_TO_ALICE))
            }),
            |status| matches!(status, ReceiptStatus::OtherMessage { .. }),
            SentOutcome::InvalidReceipt,
        ),
        (
            Box::new(|mics, id| {
                Fault::Answer(Entity::about(id.message_id(), mics, PROCESSED).on_the_wire(&BOB_TO_ALICE))
            }),
            |status| *status == ReceiptStatus::Unsigned,
            SentOutcome::InvalidReceipt,
        ),
        (
            Box::new(|_, _| status("200 OK")),
            |status| *status == ReceiptStatus::Missing,
            SentOutcome::MissingReceipt,
        ),
        (
            Box::new(|_, _| Fault::Answer(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 2 << 20))),
            |_| false,
            SentOutcome::InvalidReceipt,
        ),
    ];
    for (answer, expected, outcome) in cases {
        let mut outbox = Outbox::new([]).await;
        let id = outbox.submit().await;
        outbox.gate.add(answer(&outbox.record(&id).await.mics, &id));
        outbox.start();
        match outbox.event().await {
            OutboxEvent::Answered(receipt) => assert!(expected(&receipt.status), "{}", receipt.status),
            OutboxEvent::Failed { error, .. } => {
                assert_eq!(error.to_string(), "the response is larger than 1048576 octets")
            }
            other => panic!("{other}"),
        }
        let record = outbox.record(&id).await;
        assert_eq!((record.state, record.receipt), (closed(outcome), None));
        assert_eq!(outbox.gate.same_requests(), 1);

        bring(&outbox, genuine(&outbox, &id).await).await;
        assert!(outbox.world.alice.receipts.try_recv().unwrap().is_accepted());
        let record = outbox.record(&id).await;
        assert_eq!(record.state, closed(SentOutcome::Accepted));
        assert!(record.receipt.is_some());
    }
}

/// REL-02, MDN-53: a refusal, and a receipt for something else than what was sent, are final, with their evidence.
#[tokio::test]
async fn bad_news_is_final() {
    for (disposition, digest, outcome) in [
        ("processed/error: decryption-failed", None, SentOutcome::Rejected),
        (
            PROCESSED,
            Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
            SentOutcome::MicMismatch,
        ),
    ] {
        let mut outbox = Outbox::new([]).await;
        let id = outbox.submit().await;
        let mut receipt = Entity::about(id.message_id(), &outbox.record(&id).await.mics, disposition);
        if let Some(digest) = digest {
            let ours = outbox.record(&id).await.mics.first().unwrap().to_string();
            receipt = receipt.replaced(ours.split(',').next().unwrap(), digest);
        }
        let answer = receipt.signed_by_bob().on_the_wire(&BOB_TO_ALICE);
        outbox.gate.add(Fault::Answer(answer.clone()));
        outbox.start();
        answered(&mut outbox).await;
        let record = outbox.record(&id).await;
        assert_eq!(record.state, closed(outcome));
        let body = &answer[answer.find("\r\n\r\n").unwrap()..];
        assert!(record.receipt.unwrap().octets.ends_with(body.as_bytes()));
        assert_eq!(outbox.gate.same_requests(), 1);
        assert!(outbox.files().is_empty());
    }
}

/// SEC-17: the second of two receipts changes nothing, whichever way they come.
#[tokio::test]
async fn two_receipts() {
    let mut outbox = Outbox::new([]).await;
    outbox.start();
    let id = outbox.submit().await;
    outbox.delivered(&id).await;
    let record = outbox.record(&id).await;
    let refused = Entity::about(id.message_id(), &record.mics, "processed/error: decryption-failed");
    bring(&outbox, refused.signed_by_bob()).await;
    assert_eq!(
        outbox.world.alice.event().await,
        format!("a receipt from Bob to Alice & Co is ignored: a receipt for {id} had arrived before")
    );
    assert_eq!(outbox.record(&id).await, record);
}

/// The receipt overtakes the response, which never comes: the message is not sent again.
#[tokio::test]
async fn a_receipt_before_the_response() {
    let mut outbox = Outbox::new([Fault::Silence]).await.receipt(|later| later);
    outbox.worker = Some(Running::start(outbox.worker().lease(Duration::from_millis(100))));
    let id = outbox.submit().await;
    outbox.gate.request().await;
    bring(&outbox, genuine(&outbox, &id).await).await;
    // It hangs up, for there is nothing to wait for.
    outbox.gate.closed().await;
    let record = outbox.record(&id).await;
    assert_eq!(record.state, closed(SentOutcome::Accepted));
    let mut events = outbox.worker.take().unwrap().stop().await;
    assert!(events.try_recv().is_err());
    assert_eq!(outbox.gate.same_requests(), 0);
}

/// REL-07: a receipt that comes after its time still counts.
#[tokio::test]
async fn a_late_asynchronous_receipt() {
    let mut outbox = Outbox::new([status("200 OK")])
        .await
        .receipt(|later| later.deadline(SHORT));
    outbox.start();
    let id = outbox.submit().await;
    assert_eq!(timed_out(&mut outbox).await, AfterTimeout::GiveUp);
    assert_eq!(outbox.record(&id).await.state, closed(SentOutcome::Expired));
    bring(&outbox, genuine(&outbox, &id).await).await;
    assert!(outbox.world.alice.receipts.try_recv().unwrap().is_accepted());
    assert_eq!(outbox.record(&id).await.state, closed(SentOutcome::Accepted));
    assert_eq!(outbox.gate.same_requests(), 1);
}

/// REL-07: as often as the partnership says, the same octets under the same Message-ID.
#[tokio::test]
async fn a_message_without_receipt_is_sent_again() {
    let faults = [status("200 OK"), status("202 Accepted"), status("204 No Content")];
    let wanted = |later: ReceiptRequest| later.deadline(SHORT).resends(2);
    let mut outbox = Outbox::new(faults).await.receipt(wanted);
    outbox.start();
    let id = outbox.submit().await;
    for next in [AfterTimeout::Resend, AfterTimeout::Resend, AfterTimeout::GiveUp] {
        assert_eq!(timed_out(&mut outbox).await, next);
    }
    let record = outbox.record(&id).await;
    assert_eq!((record.state, record.attempts.made), (closed(SentOutcome::Expired), 3));
    assert_eq!(outbox.gate.same_requests(), 3);
}

/// REL-06: or under a Message-ID of its own, with the same body; not for ever.
#[tokio::test]
async fn a_message_without_receipt_is_sent_as_a_new_one() {
    let wanted = |later: ReceiptRequest| later.deadline(SHORT).resends(1).resend_under_new_id();
    let mut outbox = Outbox::new([status("200 OK"), status("200 OK")]).await.receipt(wanted);
    outbox.start();
    let id = outbox.submit().await;
    let AfterTimeout::ResendAs(new) = timed_out(&mut outbox).await else {
        panic!("not sent as a new one")
    };
    assert_eq!(timed_out(&mut outbox).await, AfterTimeout::GiveUp);

    let (first, second) = (outbox.gate.request().await, outbox.gate.request().await);
    let body = |request: &[u8]| {
        let at = request.windows(4).position(|octets| octets == b"\r\n\r\n").unwrap();
        request[at..].to_vec()
    };
    assert_eq!(body(&first), body(&second));
    assert!(String::from_utf8_lossy(&second).contains(&format!("Message-Id: {}\r\n", new.message_id())));
    assert_ne!(id, new);
    let record = outbox.record(&id).await;
    assert_eq!(
        record.attempts.error,
        Some(format!("sent again as {}", new.message_id()))
    );
    assert_eq!(record.state, closed(SentOutcome::Expired));
    assert_eq!(outbox.record(&new).await.state, closed(SentOutcome::Expired));
    // A receipt for either still counts.
    bring(&outbox, genuine(&outbox, &new).await).await;
    assert_eq!(outbox.record(&new).await.state, closed(SentOutcome::Accepted));
}

/// Asynchronous receipts and the file: it stays until the receipt is there, and goes with the next sweep.
#[tokio::test]
async fn an_asynchronous_receipt_closes_the_record() {
    let mut outbox = Outbox::new([]).await.receipt(|later| later);
    let worker = outbox.worker().sweep_interval(Duration::from_millis(50));
    outbox.worker = Some(Running::start(worker));
    let id = outbox.submit().await;
    let event = outbox.event().await;
    assert!(matches!(event, OutboxEvent::AwaitingReceipt { .. }), "{event}");
    assert!(outbox.world.alice.receipts.recv().await.unwrap().is_accepted());
    let event = outbox.event().await;
    assert!(matches!(event, OutboxEvent::Swept { files: 1 }), "{event}");
    assert!(outbox.files().is_empty());
    assert_eq!(outbox.record(&id).await.state, closed(SentOutcome::Accepted));
    outbox.delivered_once().await;
}

/// A receipt of Bob's that waits in his store, and what became of it when a worker had to do with it.
async fn posted(
    faults: Vec<Fault>,
    partner: impl FnOnce(Partnership) -> Option<Partnership>,
) -> (Posting, Vec<String>, Gate) {
    let gate = Gate::before("127.0.0.1:1", faults).await;
    let store = std::sync::Arc::new(MemoryStore::new());
    let to_alice = Partnership::new(bob().name, alice().name, gate.url.parse().unwrap()).receipt_retry(quick());
    let message_id = MessageId::parse("<1@alice.example>").unwrap();
    let id = ExchangeId::new(bob().name, alice().name, message_id);
    let Claim::New(token) = store.claim(&id, None, Duration::from_secs(60)).await.unwrap() else {
        panic!("claimed before")
    };
    let record = ReceivedRecord::new([0; 32], SystemTime::now())
        .reply("AS2-From: Bob\r\nServer: us\r\nContent-Type: text/plain\r\n\r\nreceipt")
        .post_to(gate.url.parse().unwrap());
    store.complete(&id, token, record, Duration::ZERO).await.unwrap();
    let client = As2Client::builder(bob().key_store([&alice()]), store.clone())
        .build()
        .unwrap();
    let worker = OutboxWorker::new(&client, partner(to_alice).into_iter().collect::<Partnerships>());
    let mut running = Running::start(worker);
    let mut told = Vec::new();
    loop {
        let event = running.event().await;
        told.push(event.to_string());
        if !matches!(event, OutboxEvent::ReceiptPostponed { after, .. } if after < Duration::from_secs(60)) {
            break;
        }
    }
    running.stop().await;
    let record = store.find_received(&id).await.unwrap().unwrap();
    (record.posting.unwrap(), told, gate)
}

/// REL-19, RCV-11: posted until the partner has it, with the same octets, and given up when that is of no use.
#[tokio::test]
async fn receipts_that_are_posted() {
    let unavailable = || status("503 Service Unavailable");
    for (faults, state, attempts, requests) in [
        (
            vec![Fault::ResetAtOnce, unavailable(), status("204 No Content")],
            PostState::Delivered,
            3,
            2,
        ),
        (vec![unavailable(); 4], PostState::Failed, 4, 4),
        (vec![status("404 Not Found")], PostState::Failed, 1, 1),
        (vec![status("302 Found")], PostState::Failed, 1, 1),
    ] {
        let (posting, told, mut gate) = posted(faults, Some).await;
        assert_eq!((posting.state, posting.attempts.made), (state, attempts), "{told:?}");
        assert_eq!(
            (told.len(), gate.same_requests()),
            (usize::try_from(attempts).unwrap(), requests)
        );
    }
    // Not before the partner wants it.
    let busy = status("503 Service Unavailable\r\nRetry-After: 7200");
    let (posting, told, mut gate) = posted(vec![busy], Some).await;
    assert_eq!((posting.state, gate.same_requests()), (PostState::Waiting, 1));
    assert!(told[0].contains("due in 7200s"), "{told:?}");
    let request = posted(vec![status("200 OK")], Some).await.2.request().await;
    let request = String::from_utf8(request).unwrap();
    assert!(
        request.contains("\r\nUser-Agent: us\r\n") && request.ends_with("\r\n\r\nreceipt"),
        "{request}"
    );
}

/// Without a partnership nothing goes out; it may be there again later.
#[tokio::test]
async fn a_receipt_for_nobody() {
    let (posting, told, mut gate) = posted(Vec::new(), |_| None).await;
    assert_eq!((posting.state, gate.same_requests()), (PostState::Waiting, 0));
    assert!(
        told[0].ends_with("there is no partnership of these two names"),
        "{told:?}"
    );
}
