//! What is kept and told of messages, and those that come again.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use ediint::cms::{CmsEvent, CmsReader, SignerCheck, check_signers};
use ediint::partnership::{AcceptPolicy, HttpProfile, ReceiptRequest, SendProfile};
use ediint::store::{MessageStore, PostState};
use ediint::transport::{HttpClient, RequestBody, ResponseBody, TransportError};
use ediint::{
    As2ReceiverBuilder, BoxFuture, Limits, MessageId, MicSet, OutboundMessage, PreparedMessage, ReceiverEvent,
    ReplayRules,
};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::common::{Standing, World, alice, assert_empty, bob, open_policy, post, request};
use crate::rows::{ORDER, plain};

/// Bob tells the names of events, and of which message and by which certificate they are.
async fn told(set: impl FnOnce(As2ReceiverBuilder) -> As2ReceiverBuilder) -> (World, UnboundedReceiver<String>) {
    let (tell, told) = unbounded_channel();
    let world = World::with(AcceptPolicy::new(), |builder| {
        set(builder).on_event(move |event| tell.send(line(event)).unwrap_or_default())
    })
    .await;
    (world, told)
}

fn line(event: &ReceiverEvent<'_>) -> String {
    let content = format!("{event:?} {event}");
    assert!(!content.contains("UNOA:1"), "an event holds the payload: {content}");
    let pair =
        |from: &ediint::As2Name, to: &ediint::As2Name| assert_eq!((from.as_str(), to.as_str()), ("Alice & Co", "Bob"));
    match event {
        ReceiverEvent::Received {
            from,
            to,
            id,
            octets,
            body_digest,
        } => {
            pair(from, to);
            assert!(*octets > 1000 && **body_digest != [0; 32]);
            format!("received {}", id.unwrap())
        }
        ReceiverEvent::Decrypted {
            from, to, certificate, ..
        } => {
            pair(from, to);
            format!("decrypted {}", certificate.fingerprint_hex())
        }
        ReceiverEvent::Verified {
            from,
            to,
            certificate,
            signing_time,
            ..
        } => {
            pair(from, to);
            assert!(signing_time.is_some());
            format!("verified {}", certificate.fingerprint_hex())
        }
        ReceiverEvent::Delivered {
            from, to, octets, mic, ..
        } => {
            pair(from, to);
            format!("delivered {octets} {mic}")
        }
        ReceiverEvent::ReceiptSent { from, to, id } => {
            pair(from, to);
            format!("sent {}", id.unwrap())
        }
        other => other.to_string(),
    }
}

async fn prepare(world: &World, sends: SendProfile, id: &str, content: &'static str) -> PreparedMessage {
    let message = OutboundMessage::new(content).message_id(MessageId::new(id).unwrap());
    world.client.prepare(&world.sending(sends), message).await.unwrap()
}

async fn text(message: Request<Vec<u8>>) -> String {
    let answer = post(message).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let octets = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(octets.to_vec()).unwrap()
}

/// RCV-19: each stage of a message is told, with its id, the pair and the certificates, and nothing of its content.
#[tokio::test]
async fn each_stage_is_told() {
    let (world, mut told) = told(|builder| builder).await;
    let prepared = prepare(&world, SendProfile::new(), "order-1@alice.example", ORDER).await;
    let id = prepared.id().to_string();
    let (ours, theirs) = (bob(), alice());
    text(request(&prepared).await).await;
    let mic = prepared.mics().first().unwrap();
    let expected = [
        format!("received {id}"),
        format!("decrypted {}", ours.certificate().fingerprint_hex()),
        format!("verified {}", theirs.certificate().fingerprint_hex()),
        format!("delivered {} {mic}", ORDER.len()),
        format!("sent {id}"),
    ];
    for line in &expected {
        assert_eq!(told.recv().await.as_ref(), Some(line));
    }
    text(request(&prepared).await).await;
    for line in [&expected[0], &format!("{id} again, answered as before"), &expected[4]] {
        assert_eq!(told.recv().await.as_ref(), Some(line));
    }
    // Refused: not encrypted. Nothing of a verdict is told before it.
    let prepared = prepare(&world, plain(), "order-2@alice.example", ORDER).await;
    let mut message = request(&prepared).await;
    message.body_mut().extend(vec![b'\n'; 1000]);
    text(message).await;
    assert_eq!(told.recv().await, Some(format!("received {}", prepared.id())));
    assert!(
        told.recv()
            .await
            .unwrap()
            .starts_with(&format!("refused {}: ", prepared.id()))
    );
    assert_eq!(told.recv().await, Some(format!("sent {}", prepared.id())));
    assert!(told.try_recv().is_err());
}

/// A hook that panics harms nobody but itself.
#[tokio::test]
async fn hooks_that_panic() {
    let world = World::with(AcceptPolicy::new(), |builder| {
        builder.on_event(|_| panic!("as the test wants"))
    })
    .await;
    let receipt = world
        .client
        .send(&world.to_bob, OutboundMessage::new(ORDER))
        .await
        .unwrap();
    assert!(receipt.is_accepted());
}

/// SEC-42, REL-16: the record proves who sent what, long after: the signature verifies again over the digest on record.
#[tokio::test]
async fn evidence_of_a_message() {
    let world = World::with(AcceptPolicy::new(), |builder| builder.clock(Standing)).await;
    let prepared = prepare(&world, SendProfile::new(), "order-1@alice.example", ORDER).await;
    let message = request(&prepared).await;
    let body = message.body().clone();
    let reply = text(message).await;
    let record = world.bob.store.find_received(prepared.id()).await.unwrap().unwrap();

    assert_eq!(
        record.body_digest,
        *ediint::Mic::of(ediint::DigestAlgorithm::Sha256, &body).digest()
    );
    assert_eq!(record.mic.as_ref(), prepared.mics().first());
    assert_eq!(record.received_at, ediint::Clock::now(&Standing));
    assert_eq!(record.signer, Some(alice().certificate().fingerprint()));
    assert!(record.reply.ends_with(reply.as_bytes()));
    let told = "automatic-action/MDN-sent-automatically; processed";
    assert_eq!(record.disposition.as_deref(), Some(told));
    let head = ediint::mime::HeaderBlock::parse(&record.head, &Limits::default()).unwrap();
    for field in prepared.headers().iter() {
        assert_eq!(head.get(field.name()), field.text(), "{}", field.name());
    }

    let mut reader = CmsReader::new(&Limits::default());
    let mut input = &record.signature[..];
    let trailer = loop {
        match reader.next(&mut input).unwrap() {
            CmsEvent::End(trailer) => break trailer,
            event => assert!(matches!(event, CmsEvent::Signed(_)), "{event:?}"),
        }
    };
    assert!(trailer.detached && input.is_empty());
    assert_eq!(trailer.certificates, [alice().certificate().der().clone()]);
    let mics = MicSet::from_iter(record.mic.clone());
    let check = check_signers(&trailer.signer_infos, &[alice().certificate().clone()], &mics);
    assert!(matches!(check, SignerCheck::Verified { .. }), "{check:?}");
}

/// SEC-44: a recorded message under another Message-ID passes, unless each signature counts once: then it is answered as a
/// duplicate, without a word of the first one.
#[tokio::test]
async fn a_signature_under_another_id() {
    let once = ReplayRules::new().each_signature_once();
    for (rules, deliveries) in [(ReplayRules::new(), 2), (once, 1)] {
        let mut world = World::with(AcceptPolicy::new(), |builder| builder.replay_rules(rules)).await;
        let prepared = prepare(&world, SendProfile::new(), "order-1@alice.example", ORDER).await;
        text(request(&prepared).await).await;
        let mut replayed = request(&prepared).await;
        let other = HeaderValue::from_static("<order-2@alice.example>");
        replayed.headers_mut().insert("message-id", other);
        let receipt = text(replayed).await;
        assert!(receipt.contains("Original-Message-ID: <order-2@alice.example>\r\n"));
        assert!(!receipt.contains("order-1"));
        let duplicate = receipt.contains("; processed/warning: duplicate-document\r\n");
        assert_eq!(duplicate, deliveries == 1, "{receipt}");
        let delivered: Vec<_> = std::iter::from_fn(|| world.bob.inbox.try_recv().ok()).collect();
        assert_eq!(delivered.len(), deliveries);
        assert!(world.bob.event().await.starts_with("delivered "));
        let replayed = format!(
            "<order-2@alice.example> from Alice & Co to Bob has the signature of {}",
            prepared.id()
        );
        assert_eq!(world.bob.event().await.starts_with(&replayed), duplicate);

        // Another message is another signature.
        let next = prepare(&world, SendProfile::new(), "order-3@alice.example", "another order").await;
        assert!(text(request(&next).await).await.contains("; processed\r\n"));
    }
}

/// SEC-44: without signed attributes equal documents have equal signatures, which are no replays.
#[tokio::test]
async fn equal_signatures_without_a_time() {
    let once = ReplayRules::new().each_signature_once();
    let world = World::with(open_policy(), |builder| builder.replay_rules(once)).await;
    for id in ["order-1@alice.example", "order-2@alice.example"] {
        let prepared = prepare(&world, SendProfile::new().without_signed_attributes(), id, ORDER).await;
        assert!(text(request(&prepared).await).await.contains("; processed\r\n"));
    }
}

/// SEC-44: what was signed too long ago is refused and claims nothing; a retry of what was delivered in time is answered.
#[tokio::test]
async fn messages_that_are_too_old() {
    let clock = Arc::new(Mutex::new(SystemTime::now()));
    let theirs = Moved(clock.clone());
    let rules = ReplayRules::new().max_age(Duration::from_secs(3600));
    let mut world = World::with(AcceptPolicy::new(), |builder| builder.clock(theirs).replay_rules(rules)).await;
    let [first, second] = [
        prepare(&world, SendProfile::new(), "order-1@alice.example", ORDER).await,
        prepare(&world, SendProfile::new(), "order-2@alice.example", ORDER).await,
    ];
    let taken = text(request(&first).await).await;
    assert!(taken.contains("; processed\r\n"));
    *clock.lock().unwrap() += Duration::from_secs(2 * 3600);
    let refused = text(request(&second).await).await;
    assert!(
        refused.contains("; processed/error: unexpected-processing-error\r\n"),
        "{refused}"
    );
    assert_eq!(world.bob.store.find_received(second.id()).await.unwrap(), None);
    assert_eq!(text(request(&first).await).await, taken);
    assert!(world.bob.inbox.recv().await.is_some() && world.bob.nothing_arrived());
    *clock.lock().unwrap() -= Duration::from_secs(2 * 3600);
    assert!(text(request(&second).await).await.contains("; processed\r\n"));
}

#[derive(Debug)]
struct Moved(Arc<Mutex<SystemTime>>);

impl ediint::Clock for Moved {
    fn now(&self) -> SystemTime {
        *self.0.lock().unwrap()
    }
}

/// REL-10: some products take a warning for a failure.
#[tokio::test]
async fn duplicates_without_a_receipt_of_the_first() {
    for (processed, disposition) in [(false, "processed/warning: duplicate-document"), (true, "processed")] {
        let world = World::with(AcceptPolicy::new(), |builder| match processed {
            true => builder.duplicates_are_processed(),
            false => builder,
        })
        .await;
        let none = SendProfile::new().receipt(ReceiptRequest::none());
        let prepared = prepare(&world, none, "order-1@alice.example", ORDER).await;
        assert_empty(post(request(&prepared).await).await, StatusCode::OK).await;
        let mut wants = request(&prepared).await;
        let whom = HeaderValue::from_static("alice@alice.example");
        wants.headers_mut().insert("disposition-notification-to", whom);
        let receipt = text(wants).await;
        assert!(receipt.contains(&format!("; {disposition}\r\n")), "{receipt}");
        let mic = prepared.mics().first().unwrap().base64();
        assert!(
            receipt.contains(&format!("Received-content-MIC: {mic}, sha-256")),
            "{receipt}"
        );
    }
}

/// Notes where requests go and how long they may take.
#[derive(Clone, Debug, Default)]
struct Posts(Arc<Mutex<Vec<(String, Duration)>>>);

impl HttpClient for Posts {
    fn send<'a>(
        &'a self,
        request: Request<RequestBody>,
        profile: &'a HttpProfile,
    ) -> BoxFuture<'a, Result<Response<ResponseBody>, TransportError>> {
        let noted = (request.uri().to_string(), profile.timeouts.total);
        self.0.lock().unwrap().push(noted);
        Box::pin(async { Ok(Response::new(Bytes::new().into())) })
    }
}

/// REL-12, SEC-22: a copy that names another address, however good, has its receipt posted where the first one wanted it;
/// one that wants it in the response gets the same octets there. Posting takes no longer than receipts need.
#[tokio::test]
async fn copies_that_name_another_address() {
    let posts = Posts::default();
    let theirs = posts.clone();
    let mut world = World::with(AcceptPolicy::new(), |builder| builder.http_client(theirs)).await;
    let first = format!("{}/first", world.alice.url);
    let later = SendProfile::new().receipt(ReceiptRequest::asynchronous(&first).unwrap());
    let prepared = prepare(&world, later, "order-1@alice.example", ORDER).await;
    assert_empty(post(request(&prepared).await).await, StatusCode::OK).await;
    for event in ["delivered ", "posted the receipt for "] {
        assert!(world.bob.event().await.starts_with(event));
    }
    let mut copy = request(&prepared).await;
    let second = HeaderValue::try_from(format!("{}/second", world.alice.url)).unwrap();
    copy.headers_mut().insert("receipt-delivery-option", second);
    assert_empty(post(copy.clone()).await, StatusCode::OK).await;
    assert!(world.bob.event().await.ends_with(" again, answered as before"));
    assert!(world.bob.event().await.ends_with(&first));
    let noted = posts.0.lock().unwrap().clone();
    assert_eq!(noted, vec![(first, Duration::from_secs(120)); 2]);

    copy.headers_mut().remove("receipt-delivery-option");
    let receipt = text(copy).await;
    let record = world.bob.store.find_received(prepared.id()).await.unwrap().unwrap();
    assert!(!receipt.is_empty() && record.reply.ends_with(receipt.as_bytes()));
    assert_eq!(record.posting.unwrap().state, PostState::Delivered);
}

/// SEC-22: only so many receipts are posted to one partner at one time. Of those that are more, what is on record waits in the outbox, and
/// the rest is given up.
#[tokio::test]
async fn more_receipts_than_are_posted_at_one_time() {
    let posts = Posts::default();
    let theirs = posts.clone();
    let mut world = World::with(AcceptPolicy::new(), |builder| builder.http_client(theirs)).await;
    let later = ReceiptRequest::asynchronous(&world.alice.url).unwrap();
    let receive = async |sends: SendProfile| {
        let message = OutboundMessage::new(ORDER);
        let prepared = world.client.prepare(&world.sending(sends), message).await.unwrap();
        let message = request(&prepared).await.map(|body| Full::new(Bytes::from(body)));
        let (answer, after) = world.bob.receiver.receive_split(message).await;
        assert_eq!(answer.status(), StatusCode::OK);
        (prepared, after)
    };
    let mut running = Vec::new();
    for _ in 0..8 {
        let (_, after) = receive(plain().receipt(later.clone())).await;
        running.push(after.unwrap());
    }
    let (_, refused) = receive(plain().receipt(later.clone())).await;
    let (delivered, after) = receive(SendProfile::new().receipt(later.clone())).await;
    assert!(after.is_none());
    refused.unwrap().run().await;
    assert!(posts.0.lock().unwrap().is_empty());
    let jobs = world
        .bob
        .store
        .claim_due(Duration::from_secs(60), 10, &[], None)
        .await
        .unwrap();
    assert_eq!(jobs.iter().map(|job| &job.id).collect::<Vec<_>>(), [delivered.id()]);

    for after in running {
        after.run().await;
    }
    assert_eq!(posts.0.lock().unwrap().len(), 8);
    let (_, after) = receive(SendProfile::new().receipt(later)).await;
    after.unwrap().run().await;
    assert_eq!(posts.0.lock().unwrap().len(), 9);
    let events: Vec<_> = std::iter::from_fn(|| world.bob.events.try_recv().ok()).collect();
    let given_up = events.iter().filter(|event| event.starts_with("could not post "));
    assert_eq!(given_up.count(), 1);
}
