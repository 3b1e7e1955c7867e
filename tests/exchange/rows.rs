//! Rows of Matrix B, and how each is provoked.

use ediint::keystore::MemoryKeyStore;
use ediint::partnership::{ReceiptRequest, SendProfile};
use ediint::store::MessageStore;
use ediint::{As2Client, KeyStore, OutboundMessage, Receipt, ReceiptStatus};
use http::{HeaderValue, Request, StatusCode};

use crate::common::{World, alice, bob, carol, post, request};

pub(crate) const ORDER: &str = "UNB+UNOA:1+ALICE+BOB'\r\nUNH+1+ORDERS:D:96A:UN'\r\nUNT+2+1'\r\nUNZ+1+1'\r\n";

/// What one row of Matrix B says.
pub(crate) struct Row {
    /// After the mode.
    disposition: &'static str,
    signed: bool,
    mic: bool,
    /// What the host is told, after the id of the message.
    event: &'static str,
}

pub(crate) fn row(disposition: &'static str, event: &'static str) -> Row {
    Row {
        disposition,
        signed: true,
        mic: false,
        event,
    }
}

impl Row {
    pub(crate) fn mic(self) -> Self {
        Self { mic: true, ..self }
    }

    pub(crate) fn unsigned(self) -> Self {
        Self { signed: false, ..self }
    }
}

pub(crate) fn signed() -> SendProfile {
    SendProfile::new().without_encryption().danger_allow_plaintext()
}

pub(crate) fn plain() -> SendProfile {
    signed().without_signature()
}

/// Alice's client, with other keys.
pub(crate) fn client(world: &World, keys: impl KeyStore) -> As2Client {
    As2Client::builder(keys, world.alice.store.clone()).build().unwrap()
}

/// Keys by which Alice signs as somebody else.
pub(crate) fn alice_with_the_key_of_carol() -> MemoryKeyStore {
    let keys = alice().key_store([&bob()]);
    keys.set_identity(alice().name, carol().identity);
    keys
}

/// The octet where the payload begins.
pub(crate) fn payload_at(body: &[u8]) -> usize {
    body.windows(5).position(|octets| octets == b"UNOA:").unwrap()
}

pub(crate) fn set(request: &mut Request<Vec<u8>>, name: &'static str, value: &'static str) {
    request.headers_mut().insert(name, HeaderValue::from_static(value));
}

pub(crate) fn assert_told(receipt: &Receipt, row: &Row) {
    let mdn = receipt.mdn.as_ref().unwrap();
    let disposition = mdn.disposition().to_string();
    assert_eq!(
        disposition,
        format!("automatic-action/MDN-sent-automatically; {}", row.disposition)
    );
    assert_eq!(mdn.received_content_mic().is_some(), row.mic, "{}", row.disposition);
    assert_eq!(
        receipt.signer.as_ref(),
        row.signed.then_some(bob().certificate()),
        "{}",
        row.disposition
    );
    assert_eq!(mdn.original_message_id(), Some(receipt.message_id().as_str()));
    assert!(!receipt.is_accepted());
    // MDN-26: trouble with the message is never `failed`.
    assert_eq!(
        row.disposition.starts_with("failed/"),
        row.disposition.contains("unsupported")
    );
}

/// Sends a message of the profile, changed on the way, by the client: with a receipt in the response, with one that comes
/// later, and with none. Each time the row has to be what comes of it.
pub(crate) async fn assert_refused(
    world: &mut World,
    client: &As2Client,
    profile: SendProfile,
    change: impl Fn(&mut Request<Vec<u8>>),
    row: Row,
) {
    let later = ReceiptRequest::asynchronous(&world.alice.url).unwrap();
    let unsigned = |receipt: ReceiptRequest| if row.signed { receipt } else { receipt.unsigned() };
    for receipt in [
        unsigned(ReceiptRequest::sync()),
        unsigned(later),
        ReceiptRequest::none(),
    ] {
        let asynchronous = receipt.delivery() != ReceiptRequest::sync().delivery();
        let wanted = receipt != ReceiptRequest::none();
        // Whatever is changed, it is not whether a receipt is asked for.
        if !wanted && row.disposition.starts_with("failed/") {
            continue;
        }
        let partnership = world.sending(profile.clone().receipt(receipt));
        let prepared = client.prepare(&partnership, OutboundMessage::new(ORDER)).await.unwrap();
        client.record(&partnership, &prepared).await.unwrap();
        let mut message = request(&prepared).await;
        change(&mut message);
        let response = post(message).await;
        assert_eq!(response.status(), StatusCode::OK, "{}", row.event);
        let mut receipt = client.accept_response(&partnership, &prepared, response).await.unwrap();
        if asynchronous {
            // TRN-12: nothing in the response tells what will come.
            let status = if wanted {
                ReceiptStatus::Pending
            } else {
                ReceiptStatus::NotRequested
            };
            assert_eq!((&receipt.status, receipt.body.len()), (&status, 0), "{}", row.event);
        }
        if asynchronous && wanted {
            receipt = world.alice.receipts.recv().await.unwrap();
        }
        if wanted {
            assert_told(&receipt, &row);
        }
        let event = format!(
            "refused {}: automatic-action/MDN-sent-automatically; {}",
            prepared.id(),
            row.disposition
        );
        assert_eq!(world.bob.event().await, format!("{event}{}", row.event));
        if asynchronous && wanted {
            let posted = format!("posted the receipt for {} to {}", prepared.id(), world.alice.url);
            assert_eq!(world.bob.event().await, posted);
        }
        // REL-14, REL-15: nothing is delivered, nothing stands in the way of the real message.
        assert!(world.bob.nothing_arrived());
        assert_eq!(world.bob.store.find_received(prepared.id()).await.unwrap(), None);
    }
}

pub(crate) fn unchanged(_: &mut Request<Vec<u8>>) {}
