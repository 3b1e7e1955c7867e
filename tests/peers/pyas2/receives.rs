//! We send, pyas2lib receives and answers.

use ediint::envelope::Structure;
use ediint::mdn::{Disposition, ErrorModifier, ReceiptStatus};
use ediint::partnership::{AcceptPolicy, Compression, ReceiptRequest, SendProfile};
use ediint::{
    Attachment, ContentCipher, DigestAlgorithm, OutboundMessage, PreparedMessage, Receipt, SignatureAlgorithm,
};
use serde_json::{Value, json};

use super::{KEYS, NAMES, Names, Peer, QUOTED_NAMES, binary, hashlib, partnership, us};
use crate::peers_wanted;
use crate::us::Us;

/// pyas2lib as a server, and us as its client.
struct Exchange {
    peer: Peer,
    us: Us,
    /// Where asynchronous receipts go.
    receipt_url: String,
}

impl Exchange {
    async fn new(names: Names, keys: (&str, &str), arguments: &[&str], accept: AcceptPolicy) -> Self {
        let mut peer = Peer::start("serve", names, keys, &[&["--directory", "."], arguments].concat());
        let listening = peer.fact("listening").await;
        let url = listening["url"].as_str().unwrap().parse().unwrap();
        let us = us(partnership(names, url).accept(accept));
        let receipt_url = us.serve().await.to_string();
        Self { peer, us, receipt_url }
    }

    async fn usual() -> Self {
        let accept = AcceptPolicy::new().allow_weak_digest(DigestAlgorithm::Sha1);
        Self::new(NAMES, KEYS, &[], accept).await
    }

    /// Sends a message. Returns what was sent, what we know of it after the response, and what pyas2lib saw.
    async fn send(&mut self, profile: SendProfile, payload: &[u8]) -> (PreparedMessage, Receipt, Value) {
        let partnership = self.us.partnership.clone().send(profile.danger_allow_plaintext());
        let message = OutboundMessage::new(payload.to_vec())
            .content_type("application/edifact")
            .filename("order 1.edi");
        let prepared = self.us.client.prepare(&partnership, message).await.unwrap();
        let receipt = self.us.client.transmit(&partnership, &prepared).await.unwrap();
        (prepared, receipt, self.peer.fact("message").await)
    }

    /// The same, where pyas2lib has to take the message as it was sent.
    async fn deliver(&mut self, profile: SendProfile, payload: &[u8]) -> (PreparedMessage, Receipt, Value) {
        let structure = Structure::from(&profile);
        let (prepared, receipt, seen) = self.send(profile, payload).await;
        assert_eq!(seen["status"], "processed", "{structure}: {seen:#}");
        let file = self.peer.directory.path().join(seen["payload_file"].as_str().unwrap());
        let arrived = std::fs::read(file).unwrap();
        assert!(arrived == payload, "{structure}: {arrived:?}");
        assert_eq!(seen["content_type"], "application/edifact", "{structure}");
        assert_eq!(seen["filename"], "order 1.edi", "{structure}");
        assert_eq!(seen["signed"], structure.signature().is_some(), "{structure}");
        assert_eq!(seen["encrypted"], structure.encryption().is_some(), "{structure}");
        assert_eq!(
            seen["compressed"],
            structure.compression() != Compression::None,
            "{structure}"
        );
        if let Some(signature) = structure.signature() {
            assert_eq!(seen["digest_alg"], hashlib(signature.digest()), "{structure}");
            assert_eq!(seen["mic"], prepared.mics().first().unwrap().base64(), "{structure}");
        }
        (prepared, receipt, seen)
    }

    /// The asynchronous receipt for a message.
    async fn later(&mut self, prepared: &PreparedMessage) -> Receipt {
        let posted = self.peer.fact("mdn-posted").await;
        assert_eq!(posted["http_status"], 200, "{posted:#}");
        let receipt = self.us.receipts.recv().await.unwrap();
        assert_eq!(receipt.message_id(), prepared.message_id());
        receipt
    }
}

/// ENV-53: it finds the parts of a multipart/related, by Python's `email` package. Of a signed one it takes the last part for
/// all that was signed.
#[tokio::test]
async fn several_documents() {
    if !peers_wanted() {
        return;
    }
    let mut exchange = Exchange::usual().await;
    for profile in [
        SendProfile::new(),
        SendProfile::new().compression(Compression::BeforeSigning),
    ] {
        let profile = profile.without_signature();
        let partnership = exchange.us.partnership.clone().send(profile.danger_allow_plaintext());
        let message = OutboundMessage::with_attachments([
            Attachment::new("<order>\r\n</order>\r\n")
                .filename("order.xml")
                .content_id("order@us.example"),
            Attachment::new("a note").filename("Notiz zu \"7\".txt"),
        ]);
        let prepared = exchange.us.client.prepare(&partnership, message).await.unwrap();
        let receipt = exchange.us.client.transmit(&partnership, &prepared).await.unwrap();
        let seen = exchange.peer.fact("message").await;
        assert_eq!(seen["status"], "processed", "{seen:#}");
        assert_eq!(receipt.status, ReceiptStatus::MissingMic);
        assert_eq!(seen["content_type"], "multipart/related");
        let parts = json!([
            {
                "content_type": "application/xml", "filename": "order.xml", "content_id": "<order@us.example>",
                "content": "<order>\r\n</order>\r\n",
            },
            {
                "content_type": "text/plain", "filename": "Notiz zu \"7\".txt",
                "content_id": seen["parts"][1]["content_id"], "content": "a note",
            },
        ]);
        assert_eq!(seen["parts"], parts);
    }
}

/// All ten structures.
fn profiles() -> Vec<SendProfile> {
    let mut profiles = Vec::new();
    for profile in [SendProfile::new(), SendProfile::new().without_encryption()] {
        for compression in [Compression::None, Compression::BeforeSigning, Compression::AfterSigning] {
            profiles.push(profile.clone().compression(compression));
        }
        for compression in [Compression::None, Compression::BeforeSigning] {
            profiles.push(profile.clone().without_signature().compression(compression));
        }
    }
    profiles
}

/// What a receipt proves, whose signature was asked for or not. pyas2lib returns no MIC for what is not signed.
fn confirmed(prepared: &PreparedMessage, signed: bool) -> ReceiptStatus {
    match (prepared.structure().signature(), signed) {
        (Some(_), _) => ReceiptStatus::Accepted {
            mic: prepared.mics().first().unwrap().clone(),
            signed,
        },
        (None, true) => ReceiptStatus::MissingMic,
        (None, false) => ReceiptStatus::AcceptedWithoutMic,
    }
}

/// ENV-46, SMI-34, SMI-50, INT-15, MDN-57: ten structures in five receipt modes. pyas2lib writes the payload that was
/// sent, and its receipts prove it.
#[tokio::test]
async fn every_structure_in_every_receipt_mode() {
    if !peers_wanted() {
        return;
    }
    let mut exchange = Exchange::usual().await;
    let payload = b"UNB+UNOA:1+RECEIVER+PYAS2+261124:0300+1'\r\nUNZ+0+1'\r\n";
    for profile in profiles() {
        let asynchronous = ReceiptRequest::asynchronous(&exchange.receipt_url).unwrap();
        let (_, receipt, seen) = exchange
            .deliver(profile.clone().receipt(ReceiptRequest::none()), payload)
            .await;
        assert_eq!(
            (receipt.status, &seen["mdn"]),
            (ReceiptStatus::NotRequested, &Value::Null)
        );

        for (request, signed) in [
            (ReceiptRequest::sync(), true),
            (ReceiptRequest::sync().unsigned(), false),
        ] {
            let (prepared, receipt, _) = exchange.deliver(profile.clone().receipt(request), payload).await;
            assert_eq!(receipt.status, confirmed(&prepared, signed), "{}", prepared.structure());
            assert_eq!(receipt.disposition(), Some(&Disposition::processed()));
        }
        for (request, signed) in [(asynchronous.clone(), true), (asynchronous.unsigned(), false)] {
            let (prepared, receipt, _) = exchange.deliver(profile.clone().receipt(request), payload).await;
            assert_eq!(receipt.status, ReceiptStatus::Pending, "{}", prepared.structure());
            let receipt = exchange.later(&prepared).await;
            assert_eq!(receipt.status, confirmed(&prepared, signed), "{}", prepared.structure());
            assert_eq!(receipt.signer.is_some(), signed);
        }
    }
}

/// MDN-52: a signed receipt without a MIC counts where the partnership says so.
#[tokio::test]
async fn receipts_without_mic() {
    if !peers_wanted() {
        return;
    }
    let accept = AcceptPolicy::new().accept_receipts_without_mic();
    let mut exchange = Exchange::new(NAMES, KEYS, &[], accept).await;
    let (_, receipt, _) = exchange
        .deliver(SendProfile::new().without_signature(), b"payload")
        .await;
    assert_eq!(receipt.status, ReceiptStatus::AcceptedWithoutMic);
    assert!(receipt.signer.is_some());
}

/// SMI-50: payloads that software likes to change, in all structures.
#[tokio::test]
async fn payloads_arrive_bit_for_bit() {
    if !peers_wanted() {
        return;
    }
    let mut exchange = Exchange::usual().await;
    for payload in [
        b"UNB+UNOA:1'\nUNZ+0'\n".to_vec(),
        b"no line end".to_vec(),
        b"\r\n\r\n--\r\n".to_vec(),
        Vec::new(),
        binary(),
    ] {
        for profile in profiles() {
            let (prepared, receipt, _) = exchange.deliver(profile, &payload).await;
            assert_eq!(receipt.status, confirmed(&prepared, true));
        }
    }
}

/// SMI-14, SMI-20, SMI-24, INT-15: every algorithm, and receipts signed with every digest.
#[tokio::test]
async fn every_algorithm() {
    if !peers_wanted() {
        return;
    }
    let mut exchange = Exchange::usual().await;
    let mut profiles = Vec::new();
    for digest in DigestAlgorithm::ALL {
        let profile = SendProfile::new().signature(SignatureAlgorithm::RsaPkcs1(digest));
        profiles.extend([
            profile.clone(),
            profile.clone().without_signed_attributes(),
            profile.algorithm_protection(true),
        ]);
    }
    // It does not know AuthEnvelopedData.
    let ciphers = ContentCipher::ALL
        .into_iter()
        .filter(|cipher| !cipher.is_authenticated());
    profiles.extend(ciphers.map(|cipher| SendProfile::new().encryption(cipher)));
    for profile in profiles {
        let (prepared, receipt, _) = exchange.deliver(profile, b"payload").await;
        assert_eq!(receipt.status, confirmed(&prepared, true));
    }
    for digest in DigestAlgorithm::ALL {
        // It takes the last one of a list.
        let request = ReceiptRequest::sync().digests([DigestAlgorithm::Sha256, digest]);
        let (prepared, receipt, _) = exchange.deliver(SendProfile::new().receipt(request), b"payload").await;
        assert_eq!(receipt.status, confirmed(&prepared, true));
        let head = receipt.headers.content_type().unwrap().unwrap();
        assert_eq!(head.param("micalg"), Some(hashlib(digest).as_str()));
    }
}

/// INT-15: what pyas2lib says of messages that it refuses.
#[tokio::test]
async fn refusals_of_pyas2lib() {
    if !peers_wanted() {
        return;
    }
    for (keys, arguments, profile, error) in [
        // It has another key than the one that we encrypt for, and signs with that: nothing that it says counts.
        (("receiver", "receiver-cert"), [].as_slice(), SendProfile::new(), None),
        // It knows us by another certificate.
        (
            ("pyas2", "pyas2-cert"),
            &[],
            SendProfile::new(),
            Some(ErrorModifier::AuthenticationFailed),
        ),
        (
            KEYS,
            &["--require-encryption"],
            SendProfile::new().without_encryption(),
            Some(ErrorModifier::InsufficientMessageSecurity),
        ),
        (
            KEYS,
            &["--require-signature"],
            SendProfile::new().without_signature(),
            Some(ErrorModifier::InsufficientMessageSecurity),
        ),
    ] {
        let mut exchange = Exchange::new(NAMES, keys, arguments, AcceptPolicy::new()).await;
        let (_, receipt, seen) = exchange.send(profile, b"payload").await;
        assert_eq!(seen["payload_file"], Value::Null);
        let status = match error {
            Some(error) => ReceiptStatus::Rejected(Disposition::error(error)),
            None => ReceiptStatus::InvalidSignature(ErrorModifier::AuthenticationFailed),
        };
        assert_eq!(receipt.status, status, "{seen:#}");
    }
}

/// pyas2lib reads names in quotes, but puts the quotes into its receipts as if they were part of the names, and in quotes
/// again. Such a receipt is another partnership's: names with spaces are not for partners that use it.
#[tokio::test]
async fn names_in_quotes_come_back_quoted_twice() {
    if !peers_wanted() {
        return;
    }
    let mut exchange = Exchange::new(QUOTED_NAMES, KEYS, &[], AcceptPolicy::new()).await;
    let (_, receipt, _) = exchange.deliver(SendProfile::new(), b"payload").await;
    assert_eq!(receipt.status, ReceiptStatus::OtherPartner);
    assert_eq!(receipt.headers.get("AS2-From"), Some(r#""\"pyas2 Ltd\"""#));
}
