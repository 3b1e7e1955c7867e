//! Receipts that come later, to the endpoint of whoever sent the message: which of them count.

use std::sync::Arc;

use ediint::cms::Certificate;
use ediint::partnership::{AcceptPolicy, ReceiptRequest, SendProfile};
use ediint::store::{MemoryStore, MessageStore};
use ediint::{As2Client, Limits, OutboundMessage, Partnership, PreparedMessage};
use http::{HeaderValue, StatusCode};

use crate::common::{Host, Port, World, alice, assert_empty, bob, carol, post, request};
use crate::handmade::{BOB_TO_ALICE, Entity};
use crate::rows::ORDER;

const PROCESSED: &str = "processed";

/// Alice, a partner of Bob's and of Carol's, and a message to Bob that waits for its receipt.
async fn waiting() -> (Host, As2Client, Partnership, PreparedMessage) {
    let (alice, bob, carol) = (alice(), bob(), carol());
    let port = Port::open().await;
    let keys = Arc::new(alice.key_store([&bob, &carol]));
    let nowhere = || "https://partner.example/as2".parse().unwrap();
    let later = ReceiptRequest::asynchronous(&port.url()).unwrap();
    let to_bob = Partnership::new(alice.name.clone(), bob.name, nowhere());
    let to_bob = to_bob.send(SendProfile::new().receipt(later));
    let to_carol = Partnership::new(alice.name, carol.name, nowhere());
    let mut limits = Limits::default();
    limits.mdn_size = 20_000;
    let host = Host::start(port, keys.clone(), [to_bob.clone(), to_carol], |builder| {
        builder.limits(limits)
    });
    let client = As2Client::builder(keys, host.store.clone()).build().unwrap();
    let prepared = client.prepare(&to_bob, OutboundMessage::new(ORDER)).await.unwrap();
    client.record(&to_bob, &prepared).await.unwrap();
    (host, client, to_bob, prepared)
}

/// CLI-09, CLI-10, CLI-15, MDN-46, MDN-50, SEC-16, SEC-17, RCV-13: receipts that close nothing, each answered with an
/// empty 200, never with a receipt; then the genuine one; then copies of it.
#[tokio::test]
async fn receipts_that_do_not_count() {
    let (mut host, _, _, prepared) = waiting().await;
    let url = host.url.clone();
    let id = prepared.message_id();
    let carol_to_alice = [("AS2-From", "Carol"), BOB_TO_ALICE[1]];
    let genuine = || Entity::on(&prepared, PROCESSED).signed_by_bob();
    let not_counting = format!("the receipt for {} does not count: ", prepared.id());
    let ignored = [
        (
            Entity::on(&prepared, PROCESSED),
            BOB_TO_ALICE,
            format!("{not_counting}the receipt is not signed, though it has to be"),
        ),
        (
            Entity::on(&prepared, PROCESSED).signed(&carol()),
            BOB_TO_ALICE,
            format!("{not_counting}the receipt's signature does not count: authentication-failed"),
        ),
        (
            Entity::on(&prepared, "processed/error: decryption-failed")
                .signed_by_bob()
                .replaced("processed/error: decryption-failed", PROCESSED),
            BOB_TO_ALICE,
            format!("{not_counting}the receipt's signature does not count: integrity-check-failed"),
        ),
        (
            // Another partner answers for Bob, with its own good name and key.
            Entity::on(&prepared, PROCESSED).signed(&carol()),
            carol_to_alice,
            format!("no message {id} from Alice & Co to Carol is on record"),
        ),
        (
            Entity::on(&prepared, PROCESSED)
                .replaced(id.key(), "other@alice.example")
                .signed_by_bob(),
            BOB_TO_ALICE,
            "no message <other@alice.example> from Alice & Co to Bob is on record".to_owned(),
        ),
        (
            Entity::on(&prepared, PROCESSED)
                .replaced("Original-Message-ID", "X")
                .signed_by_bob(),
            BOB_TO_ALICE,
            "the receipt has no Original-Message-ID".to_owned(),
        ),
        (
            Entity::on(&prepared, PROCESSED)
                .replaced("Disposition", &"X".repeat(21_000))
                .signed_by_bob(),
            BOB_TO_ALICE,
            "the receipt is too large".to_owned(),
        ),
    ];
    for (receipt, names, event) in ignored {
        // MDN-46: asking for a receipt does not help.
        let wants = [names[0], names[1], ("Disposition-Notification-To", "bob@bob.example")];
        for headers in [&wants[..2], &wants[..]] {
            let answer = post(receipt.clone().request(&url, headers)).await;
            assert_empty(answer, StatusCode::OK).await;
            let expected = format!("a receipt from {} to Alice & Co is ignored: {event}", names[0].1);
            assert_eq!(host.event().await, expected);
            let record = host.store.find_sent(prepared.id()).await.unwrap().unwrap();
            assert_eq!(record.receipt, None, "{event}");
        }
    }
    assert!(host.receipts.try_recv().is_err());

    let first = genuine();
    assert_empty(post(first.clone().request(&url, &BOB_TO_ALICE)).await, StatusCode::OK).await;
    let receipt = host.receipts.recv().await.unwrap();
    assert!(receipt.is_accepted());
    assert_eq!((receipt.id.clone(), receipt.http_status), (prepared.id().clone(), None));
    assert_eq!(receipt.body, first.body);
    let kept = host.store.find_sent(prepared.id()).await.unwrap().unwrap().receipt;
    let proof = kept.as_ref().unwrap();
    assert_eq!(proof.octets, receipt.to_bytes());
    assert_eq!(proof.signer, receipt.signer.as_ref().map(Certificate::fingerprint));
    assert!(
        proof
            .disposition
            .as_ref()
            .is_some_and(|told| told.ends_with("; processed"))
    );

    let refusal = Entity::on(&prepared, "processed/error: decryption-failed").signed_by_bob();
    for second in [first, genuine(), refusal] {
        assert_empty(post(second.request(&url, &BOB_TO_ALICE)).await, StatusCode::OK).await;
        let again = format!("a receipt for {} had arrived before", prepared.id());
        assert_eq!(
            host.event().await,
            format!("a receipt from Bob to Alice & Co is ignored: {again}")
        );
    }
    assert!(host.receipts.try_recv().is_err() && host.nothing_arrived());
    assert_eq!(
        host.store.find_sent(prepared.id()).await.unwrap().unwrap().receipt,
        kept
    );
}

/// SEC-17: of many copies at once, one counts.
#[tokio::test]
async fn copies_at_the_same_time_count_once() {
    let (mut host, _, _, prepared) = waiting().await;
    let receipt = Entity::on(&prepared, PROCESSED).signed_by_bob();
    let posts: Vec<_> = (0..8)
        .map(|_| tokio::spawn(post(receipt.clone().request(&host.url, &BOB_TO_ALICE))))
        .collect();
    for post in posts {
        assert_empty(post.await.unwrap(), StatusCode::OK).await;
    }
    assert!(host.receipts.try_recv().unwrap().is_accepted());
    assert!(host.receipts.try_recv().is_err());
    for _ in 0..7 {
        assert!(host.event().await.ends_with("had arrived before"));
    }
}

/// CLI-10, ENV-16: receipts under names that make no partnership go the way of all strangers, those without names too.
#[tokio::test]
async fn receipts_of_strangers() {
    let (mut host, _, _, prepared) = waiting().await;
    let receipt = || Entity::on(&prepared, PROCESSED).signed_by_bob();
    for (names, status) in [
        ([("AS2-From", "Mallory"), BOB_TO_ALICE[1]], StatusCode::FORBIDDEN),
        ([BOB_TO_ALICE[0], ("AS2-To", "Bob")], StatusCode::FORBIDDEN),
        ([BOB_TO_ALICE[0], ("X-To", "Bob")], StatusCode::BAD_REQUEST),
    ] {
        assert_empty(post(receipt().request(&host.url, &names)).await, status).await;
        assert!(
            host.event()
                .await
                .starts_with(&format!("refused a request with {status}: "))
        );
    }
    let record = host.store.find_sent(prepared.id()).await.unwrap().unwrap();
    assert_eq!(record.receipt, None);
}

/// MDN-51, MDN-53, CLI-20: bad news closes the record too.
#[tokio::test]
async fn bad_news_counts() {
    for (disposition, mic) in [
        ("processed/error: decryption-failed", true),
        ("failed/failure: unsupported format", true),
        ("processed/warning: duplicate-document", true),
        (PROCESSED, false),
    ] {
        let (mut host, _, _, prepared) = waiting().await;
        let receipt = match mic {
            true => Entity::on(&prepared, disposition),
            false => Entity::on(&prepared, disposition).replaced("MIC: ", "MIC: AAAA"),
        };
        let request = receipt.signed_by_bob().request(&host.url, &BOB_TO_ALICE);
        assert_empty(post(request).await, StatusCode::OK).await;
        let receipt = host.receipts.recv().await.unwrap();
        assert!(!receipt.is_accepted(), "{}", receipt.status);
        let record = host.store.find_sent(prepared.id()).await.unwrap().unwrap();
        assert_eq!(record.receipt.unwrap().octets, receipt.to_bytes());
    }
}

/// MDN-44, MDN-47, RCV-13: one endpoint takes messages and receipts, by what they are. A message that looks like a receipt
/// from outside is a message, and one that is called one is none.
#[tokio::test]
async fn messages_and_receipts_on_one_endpoint() {
    let mut world = World::new(AcceptPolicy::new().without_encryption()).await;
    let signed = SendProfile::new().without_encryption().danger_allow_plaintext();
    // A payload that holds a receipt, as a forwarded mail does, is content: signed and delivered.
    let sends = world.sending(signed.receipt(ReceiptRequest::sync()));
    let report =
        "--b\r\nContent-Type: message/disposition-notification\r\n\r\nDisposition: a/b; processed\r\n--b--\r\n";
    let forwarded = OutboundMessage::new(report).content_type("multipart/mixed; boundary=b");
    let receipt = world.client.send(&sends, forwarded).await.unwrap();
    assert!(receipt.is_accepted(), "{}", receipt.status);
    let arrived = world.bob.inbox.recv().await.unwrap();
    assert_eq!(arrived.payload.into_bytes().await.unwrap(), report);
    assert!(world.bob.event().await.starts_with("delivered "));

    // A header that claims a report does not keep a message from being judged, or a receipt from being one.
    let prepared = world.client.prepare(&sends, OutboundMessage::new(ORDER)).await.unwrap();
    let mut message = request(&prepared).await;
    let claim = "multipart/report; report-type=disposition-notification; boundary=\"none\"";
    message
        .headers_mut()
        .insert("content-type", HeaderValue::from_static(claim));
    assert_empty(post(message).await, StatusCode::OK).await;
    assert!(
        world
            .bob
            .event()
            .await
            .starts_with("a receipt from Alice & Co to Bob is ignored: ")
    );
    assert!(world.bob.nothing_arrived());
    assert_eq!(world.bob.store.find_received(prepared.id()).await.unwrap(), None);
}

/// MDN-04, MDN-47, SEC-52: an encrypted receipt is read all the same, but not after many other bodies under its content key.
#[tokio::test]
async fn encrypted_receipts() {
    for tries in [0, 7, 8] {
        let (mut host, _, _, prepared) = waiting().await;
        // Bob sends the report as if it were a message, signed and encrypted.
        let client = As2Client::builder(bob().key_store([&alice()]), MemoryStore::new())
            .build()
            .unwrap();
        let to_alice = Partnership::new(bob().name, alice().name, host.url.parse().unwrap());
        let to_alice = to_alice.send(SendProfile::new().receipt(ReceiptRequest::none()));
        let report = OutboundMessage::new(Entity::on(&prepared, PROCESSED).body)
            .content_type("multipart/report; report-type=disposition-notification; boundary=report");
        let report = client.prepare(&to_alice, report).await.unwrap();
        let genuine = request(&report).await;
        for number in 0..tries {
            let mut damaged = genuine.clone();
            let at = damaged.body().len() - 1000 + number;
            damaged.body_mut()[at] ^= 1;
            assert_empty(post(damaged).await, StatusCode::OK).await;
            let event = host.event().await;
            assert!(
                event.starts_with("refused ") || event.contains(" is ignored: "),
                "{event}"
            );
        }
        assert_empty(post(genuine).await, StatusCode::OK).await;
        if tries == 8 {
            let told = "automatic-action/MDN-sent-automatically; processed/error: decryption-failed";
            assert_eq!(host.event().await, format!("refused {}: {told}", report.id()));
            assert!(host.receipts.try_recv().is_err());
        } else {
            let receipt = host.receipts.recv().await.unwrap();
            assert!(receipt.is_accepted(), "{}", receipt.status);
            assert_eq!(receipt.signer.as_ref(), Some(bob().certificate()));
        }
        assert!(host.nothing_arrived());
    }
}
