//! What an answer is worth, from the octets of a response.

use ediint::mdn::{ErrorModifier, WarningModifier};
use ediint::partnership::{AcceptPolicy, ReceiptRequest, SendProfile};
use ediint::store::MessageStore;
use ediint::transport::ResponseBody;
use ediint::{
    DigestAlgorithm, Disposition, Mic, MicalgStyle, OutboundMessage, Partnership, PreparedMessage, Receipt,
    ReceiptStatus,
};
use http::{Response, StatusCode};

use crate::common::{World, carol};
use crate::handmade::{BOB_TO_ALICE, Entity};
use crate::rows::ORDER;

const PROCESSED: &str = "processed";

/// A message of Alice's to Bob, on record.
pub(crate) async fn sent(world: &World, partnership: &Partnership) -> PreparedMessage {
    let prepared = world
        .client
        .prepare(partnership, OutboundMessage::new(ORDER))
        .await
        .unwrap();
    world.client.record(partnership, &prepared).await.unwrap();
    prepared
}

/// What Alice makes of an answer. The record of the message is closed with it or not, as said.
async fn judged(
    world: &World,
    partnership: &Partnership,
    prepared: &PreparedMessage,
    answer: Response<ResponseBody>,
    closes: bool,
) -> Receipt {
    let receipt = world
        .client
        .accept_response(partnership, prepared, answer)
        .await
        .unwrap();
    assert_eq!(receipt.id, *prepared.id());
    let record = world.alice.store.find_sent(prepared.id()).await.unwrap().unwrap();
    // MDN-54: what closes the record is kept in it, octet for octet.
    let kept = record.receipt.map(|receipt| receipt.octets);
    assert_eq!(kept, closes.then(|| receipt.to_bytes()), "{}", receipt.status);
    receipt
}

/// MDN-16, MDN-49, MDN-50, MDN-51, MDN-52, MDN-53, MDN-55, MDN-56, SEC-16, SEC-17, ENV-16, CLI-11, CLI-20, CLI-21: each
/// status, from the octets of a response. What anybody could have sent closes no record.
#[tokio::test]
async fn each_status_of_a_receipt() {
    let world = World::new(AcceptPolicy::new()).await;
    type Make = fn(&PreparedMessage) -> Entity;
    type Expect = fn(&PreparedMessage, ReceiptStatus) -> bool;
    let cases: [(&str, Make, Expect, bool); 22] = [
        (
            "genuine",
            |sent| Entity::on(sent, PROCESSED).signed_by_bob(),
            |sent, status| {
                status
                    == ReceiptStatus::Accepted {
                        mic: sent.mics().first().unwrap().clone(),
                        signed: true,
                    }
            },
            true,
        ),
        (
            "without the brackets of the id",
            |sent| {
                let id = sent.message_id();
                altered(sent, &id.to_string(), id.key()).signed_by_bob()
            },
            |_, status| status.is_accepted(),
            true,
        ),
        (
            "unsigned",
            |sent| Entity::on(sent, PROCESSED),
            |_, status| status == ReceiptStatus::Unsigned,
            false,
        ),
        (
            "unsigned refusal",
            |sent| Entity::on(sent, "processed/error: decryption-failed"),
            |_, status| status == ReceiptStatus::Unsigned,
            false,
        ),
        (
            "signed by another partner",
            |sent| Entity::on(sent, PROCESSED).signed(&carol()),
            |_, status| status == ReceiptStatus::InvalidSignature(ErrorModifier::AuthenticationFailed),
            false,
        ),
        (
            "altered",
            |sent| {
                let refused = Entity::on(sent, "processed/error: decryption-failed").signed_by_bob();
                refused.replaced("processed/error: decryption-failed", PROCESSED)
            },
            |_, status| status == ReceiptStatus::InvalidSignature(ErrorModifier::IntegrityCheckFailed),
            false,
        ),
        (
            "cut off",
            |sent| {
                let mut receipt = Entity::on(sent, PROCESSED).signed_by_bob();
                receipt.body.truncate(receipt.body.len() - 100);
                receipt
            },
            |_, status| matches!(status, ReceiptStatus::InvalidSignature(_)),
            false,
        ),
        (
            "of another message",
            |sent| altered(sent, sent.message_id().key(), "other@alice.example").signed_by_bob(),
            |_, status| {
                status
                    == ReceiptStatus::OtherMessage {
                        original_message_id: Some("<other@alice.example>".to_owned()),
                    }
            },
            false,
        ),
        (
            "of no message",
            |sent| altered(sent, "Original-Message-ID", "X-Message-ID").signed_by_bob(),
            |_, status| {
                status
                    == ReceiptStatus::OtherMessage {
                        original_message_id: None,
                    }
            },
            false,
        ),
        (
            "digest of something else",
            |sent| {
                let other = Mic::of(DigestAlgorithm::Sha256, b"something else").base64();
                altered(sent, &sent.mics().first().unwrap().base64(), &other).signed_by_bob()
            },
            |sent, status| {
                status
                    == ReceiptStatus::MicMismatch {
                        ours: sent.mics().first().unwrap().clone(),
                        theirs: Mic::of(DigestAlgorithm::Sha256, b"something else"),
                    }
            },
            true,
        ),
        (
            "no digest",
            |sent| altered(sent, "Received-content-MIC", "X-MIC").signed_by_bob(),
            |_, status| status == ReceiptStatus::MissingMic,
            true,
        ),
        (
            "digest of another kind",
            |sent| altered(sent, ", sha-256", ", sha3-256").signed_by_bob(),
            |_, status| matches!(status, ReceiptStatus::UnusableMic { .. }),
            true,
        ),
        (
            "digest that was not computed",
            |sent| {
                let sha512 = Mic::of(DigestAlgorithm::Sha512, ORDER.as_bytes()).to_field(MicalgStyle::default());
                let ours = sent.mics().first().unwrap().to_field(MicalgStyle::default());
                altered(sent, &ours, &sha512).signed_by_bob()
            },
            |_, status| matches!(status, ReceiptStatus::UnusableMic { error: None, .. }),
            true,
        ),
        (
            "refused",
            |sent| Entity::on(sent, "processed/error: insufficient-message-security").signed_by_bob(),
            |_, status| {
                status == ReceiptStatus::Rejected(Disposition::error(ErrorModifier::InsufficientMessageSecurity))
            },
            true,
        ),
        (
            "failed",
            |sent| Entity::on(sent, "failed/failure: unsupported format").signed_by_bob(),
            |_, status| matches!(status, ReceiptStatus::Rejected(_)),
            true,
        ),
        (
            "displayed, whatever that is",
            |sent| Entity::on(sent, "displayed").signed_by_bob(),
            |_, status| matches!(status, ReceiptStatus::Rejected(_)),
            true,
        ),
        (
            "a warning",
            |sent| Entity::on(sent, "processed/warning: duplicate-document").signed_by_bob(),
            |_, status| {
                status
                    == ReceiptStatus::Warning {
                        warning: WarningModifier::DuplicateDocument,
                        mic_matched: true,
                    }
            },
            true,
        ),
        (
            "no disposition",
            |sent| altered(sent, "\r\nDisposition", "\r\nX-Disposition").signed_by_bob(),
            |_, status| matches!(status, ReceiptStatus::Invalid(_)),
            false,
        ),
        (
            "a page",
            |_| Entity::new("text/html", "<html><body>processed</body></html>"),
            |_, status| matches!(status, ReceiptStatus::Invalid(_)),
            false,
        ),
        (
            "a signed page",
            |_| Entity::new("text/html", "<html><body>processed</body></html>").signed_by_bob(),
            |_, status| matches!(status, ReceiptStatus::Invalid(_)),
            false,
        ),
        (
            "the message itself",
            |_| Entity::new("application/edifact", ORDER),
            |_, status| matches!(status, ReceiptStatus::Invalid(_)),
            false,
        ),
        (
            "nothing",
            |_| Entity::new("text/plain", ""),
            |_, status| status == ReceiptStatus::Missing,
            false,
        ),
    ];
    for (case, make, expect, closes) in cases {
        let prepared = sent(&world, &world.to_bob).await;
        let answer = make(&prepared);
        let (body, response) = (answer.body.clone(), answer.response(&BOB_TO_ALICE));
        let receipt = judged(&world, &world.to_bob, &prepared, response, closes).await;
        assert!(
            expect(&prepared, receipt.status.clone()),
            "{case}: {:?}",
            receipt.status
        );
        assert_eq!(receipt.body, body, "{case}");
        assert_eq!(receipt.headers.get("AS2-From"), Some("Bob"), "{case}");
        assert_eq!(receipt.is_accepted(), receipt.status.is_accepted());
    }

    // ENV-16, MDN-55: under other names than Bob's to Alice, or none.
    for names in [
        vec![("AS2-From", "Carol"), BOB_TO_ALICE[1]],
        vec![BOB_TO_ALICE[0], ("AS2-To", "Carol")],
        vec![("AS2-From", "\"Alice & Co\""), ("AS2-To", "Bob")],
        vec![("AS2-From", "bob"), BOB_TO_ALICE[1]],
        vec![BOB_TO_ALICE[0]],
        vec![],
    ] {
        let prepared = sent(&world, &world.to_bob).await;
        let response = Entity::on(&prepared, PROCESSED).signed_by_bob().response(&names);
        let receipt = judged(&world, &world.to_bob, &prepared, response, false).await;
        assert_eq!(receipt.status, ReceiptStatus::OtherPartner, "{names:?}");
    }
}

/// The genuine report with one thing changed, before it is signed.
fn altered(sent: &PreparedMessage, from: &str, to: &str) -> Entity {
    Entity::on(sent, PROCESSED).replaced(from, to)
}

/// MDN-52, MDN-55, CLI-11: what partnerships may put up with.
#[tokio::test]
async fn receipts_that_a_partnership_puts_up_with() {
    let world = World::new(AcceptPolicy::new()).await;
    let with = |policy| world.to_bob.clone().accept(policy);

    let unsigned = with(AcceptPolicy::new().accept_unsigned_receipts());
    let prepared = sent(&world, &unsigned).await;
    let answer = Entity::on(&prepared, PROCESSED).response(&BOB_TO_ALICE);
    let receipt = judged(&world, &unsigned, &prepared, answer, true).await;
    assert!(matches!(receipt.status, ReceiptStatus::Accepted { signed: false, .. }));

    let without_mic = with(AcceptPolicy::new().accept_receipts_without_mic());
    let prepared = sent(&world, &without_mic).await;
    let answer = altered(&prepared, "Received-content-MIC", "X-MIC").signed_by_bob();
    let receipt = judged(&world, &without_mic, &prepared, answer.response(&BOB_TO_ALICE), true).await;
    assert_eq!(receipt.status, ReceiptStatus::AcceptedWithoutMic);

    let without_names = with(AcceptPolicy::new().accept_receipts_without_names());
    for (names, accepted) in [
        (vec![], true),
        (vec![("AS2-From", "Carol")], false),
        (vec![BOB_TO_ALICE[0]], false),
    ] {
        let prepared = sent(&world, &without_names).await;
        let answer = Entity::on(&prepared, PROCESSED).signed_by_bob().response(&names);
        let receipt = judged(&world, &without_names, &prepared, answer, accepted).await;
        assert_eq!(receipt.is_accepted(), accepted, "{names:?}: {}", receipt.status);
    }

    // Unsigned receipts that were asked for need no digest, but a wrong one tells.
    let asks_unsigned = world.sending(SendProfile::new().receipt(ReceiptRequest::sync().unsigned()));
    for (from, to, expected) in [
        ("Received-content-MIC", "X-MIC", true),
        (", sha-256", "", true),
        ("Received-content-MIC: ", "Received-content-MIC: AAAA", false),
    ] {
        let prepared = sent(&world, &asks_unsigned).await;
        let answer = altered(&prepared, from, to).response(&BOB_TO_ALICE);
        let receipt = judged(&world, &asks_unsigned, &prepared, answer, true).await;
        assert_eq!(receipt.is_accepted(), expected, "{}", receipt.status);
    }
}

/// CLI-09, TRN-13: where the receipt comes later or never, any 2xx will do. A receipt in the response counts if it is the
/// partner's last word, and else is only kept.
#[tokio::test]
async fn answers_where_no_receipt_is_due() {
    let world = World::new(AcceptPolicy::new()).await;
    let later = ReceiptRequest::asynchronous(&world.alice.url).unwrap();
    for (request, otherwise) in [
        (later, ReceiptStatus::Pending),
        (ReceiptRequest::none(), ReceiptStatus::NotRequested),
    ] {
        let sends = world.sending(SendProfile::new().receipt(request));
        let signed_wanted = otherwise == ReceiptStatus::Pending;
        for status in [200, 201, 202, 203, 204, 205, 206, 299] {
            let prepared = sent(&world, &sends).await;
            let status = StatusCode::from_u16(status).unwrap();
            let mut answer = Entity::new("text/html", "thank you").response(&[]);
            *answer.status_mut() = status;
            let receipt = judged(&world, &sends, &prepared, answer, false).await;
            assert_eq!((receipt.status, receipt.http_status), (otherwise.clone(), Some(status)));
            assert_eq!(receipt.body, "thank you");
        }

        let prepared = sent(&world, &sends).await;
        let answer = Entity::on(&prepared, PROCESSED).signed_by_bob().response(&BOB_TO_ALICE);
        let receipt = judged(&world, &sends, &prepared, answer, true).await;
        assert!(receipt.is_accepted(), "{}", receipt.status);

        let prepared = sent(&world, &sends).await;
        let refused = Entity::on(&prepared, "processed/error: decryption-failed").response(&BOB_TO_ALICE);
        let receipt = judged(&world, &sends, &prepared, refused, !signed_wanted).await;
        let told = Disposition::error(ErrorModifier::DecryptionFailed);
        assert_eq!(receipt.mdn.unwrap().disposition(), &told);
        let status = if signed_wanted {
            otherwise
        } else {
            ReceiptStatus::Rejected(told)
        };
        assert_eq!(receipt.status, status);
    }
}
