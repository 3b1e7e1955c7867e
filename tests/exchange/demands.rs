//! Which receipts are asked for, by whom, and where they go.

use ediint::mdn::ErrorModifier;
use ediint::partnership::{AcceptPolicy, ReceiptRequest, ReceiptRule, SendProfile};
use ediint::store::{ExchangeId, MessageStore};
use ediint::{As2Name, Disposition, MessageId, OutboundMessage, Partnership, ReceiptStatus};
use http::{HeaderValue, Request, StatusCode, Uri};

use crate::common::{Host, Port, World, alice, assert_empty, bob, open_policy, post, request};
use crate::rows::{ORDER, assert_refused, plain, row, set, signed};

/// MDN-24, MDN-25, MDN-26, MDN-39: receipts that are insisted on and cannot be given. The message is not delivered.
#[tokio::test]
async fn receipts_that_cannot_be_given() {
    let mut world = World::new(AcceptPolicy::new()).await;
    let alices = world.client.clone();
    let format = "failed/failure: unsupported format";
    let algorithms = "failed/failure: unsupported MIC-algorithms";
    let demands = [
        (
            format,
            "signed-receipt-protocol=required, pgp-signature; signed-receipt-micalg=optional, sha-256",
        ),
        (
            format,
            "signed-receipt-protocol=optional, pkcs7-signature; x-receipt-language=required, fr",
        ),
        (
            algorithms,
            "signed-receipt-protocol=required, pkcs7-signature; signed-receipt-micalg=required, md5",
        ),
        // SHA-1 is known, and refused by the policy (SEC-15).
        (
            algorithms,
            "signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=required, sha1, md5",
        ),
    ];
    for (told, options) in demands {
        let demand = |request: &mut Request<Vec<u8>>| set(request, "disposition-notification-options", options);
        assert_refused(
            &mut world,
            &alices,
            SendProfile::new(),
            demand,
            row(told, "").unsigned(),
        )
        .await;
    }
}

/// MDN-34, MDN-35, MDN-37: what is only wished for is given as far as it goes, and the message is delivered.
#[tokio::test]
async fn receipts_that_are_given_another_way() {
    let mut world = World::new(AcceptPolicy::new()).await;
    let wishes = [
        (
            false,
            "signed-receipt-protocol=optional, pgp-signature; signed-receipt-micalg=optional, sha-256",
        ),
        (
            true,
            "signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, md5",
        ),
        (
            true,
            "signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional",
        ),
        (
            true,
            "signed-receipt-protocol=optional, pkcs7-signature; x-receipt-language=optional, fr;",
        ),
        (false, "what=ever"),
        (false, ";;;"),
    ];
    let sends = world.sending(SendProfile::new().receipt(ReceiptRequest::sync().unsigned()));
    for (signed, options) in wishes {
        for notify in ["alice@example.com", "https://alice.example/", "Alice", ""] {
            let prepared = world.client.prepare(&sends, OutboundMessage::new(ORDER)).await.unwrap();
            let mut message = request(&prepared).await;
            set(&mut message, "disposition-notification-options", options);
            set(&mut message, "disposition-notification-to", notify);
            let response = post(message).await;
            let receipt = world.client.accept_response(&sends, &prepared, response).await.unwrap();
            let mic = world.bob.inbox.recv().await.unwrap().mic;
            assert_eq!(receipt.status, ReceiptStatus::Accepted { mic, signed }, "{options}");
        }
    }
}

/// MDN-20, TRN-15, RCV-12, SEC-32: strangers are told so in the response, unsigned, or not at all.
#[tokio::test]
async fn unknown_partners() {
    for (told, status) in [
        (Some(ErrorModifier::UnknownTradingPartner), StatusCode::OK),
        (Some(ErrorModifier::UnknownTradingRelationship), StatusCode::OK),
        (None, StatusCode::FORBIDDEN),
    ] {
        let set_up = told.clone();
        let mut world = World::with(AcceptPolicy::new(), |builder| match set_up {
            Some(told) => builder.strangers_are_told(told),
            None => builder.strangers_get_no_receipts(),
        })
        .await;
        for (name, value) in [
            ("as2-from", "Mallory"),
            ("as2-from", "\"alice & co\""),
            ("as2-to", "Bobby"),
        ] {
            let later = ReceiptRequest::asynchronous(&world.alice.url).unwrap();
            for receipt in [ReceiptRequest::sync(), later, ReceiptRequest::none()] {
                let synchronous = receipt == ReceiptRequest::sync();
                let sends = world.sending(SendProfile::new().receipt(receipt));
                let prepared = world.client.prepare(&sends, OutboundMessage::new(ORDER)).await.unwrap();
                let mut message = request(&prepared).await;
                set(&mut message, name, value);
                let response = post(message).await;
                match told.as_ref().filter(|_| synchronous) {
                    Some(told) => {
                        assert_eq!(response.status(), status);
                        let names = |name: &str| response.headers().get(name).cloned();
                        let sent = |name: &str| prepared.headers().get(name).map(str::to_owned);
                        let expected = |other: &str| {
                            if name == other {
                                value.to_owned()
                            } else {
                                sent(other).unwrap()
                            }
                        };
                        assert_eq!(names("as2-to").unwrap(), expected("as2-from").as_str());
                        assert_eq!(names("as2-from").unwrap(), expected("as2-to").as_str());
                        let receipt = world.client.accept_response(&sends, &prepared, response).await.unwrap();
                        assert_eq!((receipt.signer, receipt.status), (None, ReceiptStatus::OtherPartner));
                        let mdn = receipt.mdn.unwrap();
                        assert_eq!(mdn.disposition(), &Disposition::error(told.clone()));
                        assert_eq!(mdn.received_content_mic(), None);
                    }
                    None => assert_empty(response, StatusCode::FORBIDDEN).await,
                }
                let named = |header: &str, other: &As2Name| match name == header {
                    true => As2Name::parse_header(value).unwrap(),
                    false => other.clone(),
                };
                let event = match told.as_ref().filter(|_| synchronous) {
                    Some(told) => format!(
                        "refused a message from {} to {}: {}",
                        named("as2-from", &alice().name),
                        named("as2-to", &bob().name),
                        Disposition::error(told.clone())
                    ),
                    None => format!(
                        "refused a request with 403 Forbidden: no partnership from {:?} to {:?} is configured",
                        named("as2-from", &alice().name).as_str(),
                        named("as2-to", &bob().name).as_str()
                    ),
                };
                assert_eq!(world.bob.event().await, event);
                assert!(world.bob.nothing_arrived());
            }
        }
    }
}

/// RFC 4130 §7.6: those who want no receipt get an empty 200, or one status for everything.
#[tokio::test]
async fn refusals_without_a_receipt() {
    let mut world = World::with(AcceptPolicy::new(), |builder| builder.failure_status_without_receipt()).await;
    for profile in [plain(), signed(), SendProfile::new().without_signature()] {
        let sends = world.sending(profile.receipt(ReceiptRequest::none()));
        let prepared = world.client.prepare(&sends, OutboundMessage::new(ORDER)).await.unwrap();
        assert_empty(post(request(&prepared).await).await, StatusCode::BAD_REQUEST).await;
        assert!(world.bob.event().await.starts_with("refused "));
        assert_eq!(
            world.bob.event().await,
            "refused a request with 400 Bad Request: the message is refused"
        );
        assert!(world.bob.nothing_arrived());
    }
}

/// MDN-45, SEC-19, SEC-20: receipts go where the partnership says, whatever a message names; the sender learns nothing.
#[tokio::test]
async fn receipts_go_to_the_partner_only() {
    let mut world = World::new(AcceptPolicy::new()).await;
    let own: Uri = world.alice.url.parse().unwrap();
    let port = own.port_u16().unwrap();
    let destinations = [
        "mailto:alice@example.com".to_owned(),
        "ftp://127.0.0.1/as2".to_owned(),
        "/as2".to_owned(),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        format!("https://127.0.0.1:{port}/as2"),
        format!("http://127.0.0.1:{}/as2", port.wrapping_add(1)),
        format!("http://localhost:{port}/as2"),
        format!("http://127.0.0.1.example:{port}/as2"),
        format!("http://2130706433:{port}/as2"),
    ];
    for destination in destinations {
        // A message that is taken, and one that is not.
        for profile in [SendProfile::new(), plain()] {
            let delivered = profile.clone().receipt(ReceiptRequest::none());
            let prepared = world
                .client
                .prepare(&world.sending(delivered), OutboundMessage::new(ORDER))
                .await
                .unwrap();
            let mut message = request(&prepared).await;
            set(&mut message, "disposition-notification-to", "alice@example.com");
            let value = HeaderValue::try_from(&destination).unwrap();
            message.headers_mut().insert("receipt-delivery-option", value);
            assert_empty(post(message).await, StatusCode::OK).await;
            let first = world.bob.event().await;
            assert!(
                first.starts_with("delivered ") || first.starts_with("refused "),
                "{first}"
            );
            let not_allowed = format!(
                "no receipt for {}: {destination:?} is not an address of the partner; if it is, allow its host and port",
                prepared.id()
            );
            assert_eq!(world.bob.event().await, not_allowed);
        }
        assert!(world.bob.inbox.try_recv().is_ok());
        assert!(world.bob.nothing_arrived());
    }
}

/// SEC-19, SEC-20: where the partnership says so, receipts for what is signed go to other hosts too, but to none that only
/// we can reach.
#[tokio::test]
async fn receipts_to_strangers() {
    let mut world = World::new(AcceptPolicy::new()).await;
    let destination = Port::open().await.url();
    let asks = ReceiptRequest::asynchronous(&destination).unwrap();
    let (alice, bob, port) = (alice(), bob(), Port::open().await);
    let to_alice = Partnership::new(bob.name.clone(), alice.name.clone(), world.alice.url.parse().unwrap());
    let to_alice = to_alice.accept(open_policy()).receipts_to_strangers();
    world.to_bob = Partnership::new(alice.name.clone(), bob.name.clone(), port.url().parse().unwrap());
    world.bob = Host::start(port, bob.key_store([&alice]), [to_alice], |builder| builder);
    for (profile, event) in [
        (
            SendProfile::new(),
            format!("to {destination}: 127.0.0.1 is at 127.0.0.1"),
        ),
        (plain(), format!("{destination:?} is not an address of the partner")),
    ] {
        let partnership = world.sending(profile.receipt(asks.clone()));
        let order = OutboundMessage::new(ORDER);
        world.client.send(&partnership, order).await.unwrap();
        let delivered = world.bob.event().await;
        assert!(delivered.starts_with("delivered "), "{delivered}");
        let told = world.bob.event().await;
        assert!(told.contains(&event), "{told}");
    }
}

/// RCV-10, RCV-18, MDN-36: the partnership may say other than the message does.
#[tokio::test]
async fn partnerships_override_what_messages_ask_for() {
    let mut world = World::new(AcceptPolicy::new().receipts(ReceiptRule::Never)).await;
    let receipt = world
        .client
        .send(&world.to_bob, OutboundMessage::new(ORDER))
        .await
        .unwrap();
    assert_eq!(
        (receipt.status, receipt.http_status),
        (ReceiptStatus::Missing, Some(StatusCode::OK))
    );
    assert!(world.bob.inbox.recv().await.is_some());

    let mut world = World::new(AcceptPolicy::new().receipts(ReceiptRule::Sync)).await;
    let later = ReceiptRequest::asynchronous("https://nowhere.example/").unwrap();
    let sends = world.sending(SendProfile::new().receipt(later));
    let receipt = world.client.send(&sends, OutboundMessage::new(ORDER)).await.unwrap();
    assert!(
        matches!(receipt.status, ReceiptStatus::Accepted { signed: true, .. }),
        "{}",
        receipt.status
    );
    assert!(world.bob.inbox.recv().await.is_some());

    // A URL that only the policy knows, for a message that wants its receipt in the response.
    let port = Port::open().await;
    let rule = ReceiptRule::Async(port.url().parse().unwrap());
    let world = World::new(AcceptPolicy::new().receipts(rule)).await;
    port.serve(world.alice.receiver.clone());
    let World { mut alice, client, .. } = world;
    let receipt = client.send(&world.to_bob, OutboundMessage::new(ORDER)).await.unwrap();
    assert_eq!(receipt.status, ReceiptStatus::Missing);
    let posted = alice.receipts.recv().await.unwrap();
    assert!(posted.is_accepted());
    assert_eq!(posted.message_id(), receipt.message_id());
}

/// ENV-22, CLI-13: a message without a Message-ID is refused, or taken and answered without one.
#[tokio::test]
async fn messages_without_an_id() {
    for accepted in [false, true] {
        let policy = AcceptPolicy::new();
        let policy = if accepted {
            policy.accept_without_message_id()
        } else {
            policy
        };
        let mut world = World::new(policy).await;
        let id = MessageId::new("order-1@alice.example").unwrap();
        let order = OutboundMessage::new(ORDER).message_id(id.clone());
        let prepared = world.client.prepare(&world.to_bob, order).await.unwrap();
        assert_eq!(prepared.headers().get("Message-ID"), Some("<order-1@alice.example>"));
        let mut message = request(&prepared).await;
        message.headers_mut().remove("message-id");
        let response = post(message).await;
        if !accepted {
            assert_empty(response, StatusCode::BAD_REQUEST).await;
            let event = "refused a request with 400 Bad Request: the header Message-ID is missing";
            assert_eq!(world.bob.event().await, event);
            assert!(world.bob.nothing_arrived());
            continue;
        }
        let receipt = world
            .client
            .accept_response(&world.to_bob, &prepared, response)
            .await
            .unwrap();
        let nameless = ReceiptStatus::OtherMessage {
            original_message_id: None,
        };
        assert_eq!(receipt.status, nameless);
        assert!(receipt.mdn.unwrap().received_content_mic().is_some());
        let arrived = world.bob.inbox.recv().await.unwrap();
        assert_eq!((&arrived.message_id, arrived.storage_key().len()), (&None, 64));
        let id = ExchangeId::new(bob().name, alice().name, id);
        assert_eq!(world.bob.store.find_received(&id).await.unwrap(), None);
        let event = world.bob.event().await;
        assert!(
            event.starts_with("delivered a message without a Message-ID: "),
            "{event}"
        );
    }
}
