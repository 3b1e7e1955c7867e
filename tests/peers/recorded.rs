//! What pyas2lib sent and answered, as recorded in `tests/data/pyas2lib`, through the whole receiver.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use bytes::Bytes;
use ediint::cms::Certificate;
use ediint::envelope::LayerKind;
use ediint::keystore::Identity;
use ediint::mdn::{Disposition, ErrorModifier, ReceiptStatus};
use ediint::mime::HeaderBlock;
use ediint::partnership::{AcceptPolicy, Partnership};
use ediint::store::{ExchangeId, MessageStore, SentRecord};
use ediint::{As2Name, Clock, ContentCipher, DigestAlgorithm, Limits, MessageId, Mic, MicSet};
use http::{Request, StatusCode};
use http_body_util::Full;

use crate::tests;
use crate::us::{Today, Us};

fn read(file: &str) -> Vec<u8> {
    fs::read(tests("data/pyas2lib").join(file)).unwrap()
}

fn name(name: &str) -> As2Name {
    As2Name::new(name).unwrap()
}

/// One of the two parties, which takes everything that the other can make, with the key of `own`.
fn party(local: &str, remote: &str, own: &str) -> Us {
    let policy = AcceptPolicy::new()
        .without_signature()
        .without_encryption()
        .danger_accept_unsigned_cbc()
        .allow_weak_digest(DigestAlgorithm::Sha1)
        .allow_weak_cipher(ContentCipher::TripleDesCbc);
    let url = "http://127.0.0.1/".parse().unwrap();
    let partnership = Partnership::new(name(local), name(remote), url).accept(policy);
    let (certificate, key) = (read(&format!("{own}-cert.pem")), read(&format!("{own}-key.pem")));
    let identity = Identity::from_pem(&certificate, &key).unwrap();
    let partner = Certificate::from_pem(&read(&format!("{remote}-cert.pem"))).unwrap();
    Us::new(partnership, identity, partner)
}

/// A recording as a request; what was a response becomes one too.
fn request(recording: &str) -> Request<Full<Bytes>> {
    let head = read(&format!("{recording}.head"));
    let start = memchr::memchr(b'\n', &head).unwrap() + 1;
    let mut request = Request::post("/");
    for field in HeaderBlock::parse(&head[start..], &Limits::default()).unwrap().iter() {
        request = request.header(field.name(), field.value());
    }
    request.body(read(&format!("{recording}.body")).into()).unwrap()
}

/// The MIC that pyas2lib computed when it sent, if it did.
fn mic(message: &str) -> Option<Mic> {
    let field = String::from_utf8(read(&format!("{message}.mic"))).unwrap();
    (!field.is_empty()).then(|| Mic::parse(field.trim(), DigestAlgorithm::Sha256).unwrap())
}

/// The names of all recordings of receipts, or of all others.
fn recordings(receipts: bool) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(tests("data/pyas2lib"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|file| Some(file.strip_suffix(".head")?.to_owned()))
        .filter(|name| name.ends_with("-mdn") == receipts)
        .collect();
    names.sort_unstable();
    names
}

/// ENV-46, SMI-34, SMI-50: every recorded message is delivered as it was sent, with the MIC that its sender computed.
#[tokio::test]
async fn messages_of_pyas2lib() {
    use LayerKind::{Compressed, Encrypted, Signed};
    let expected = BTreeMap::from([
        ("plain", vec![]),
        ("compressed", vec![Compressed]),
        ("signed", vec![Signed]),
        ("signed-sha1", vec![Signed]),
        ("signed-sha512-binary", vec![Signed]),
        ("encrypted", vec![Encrypted(ContentCipher::Aes256Cbc)]),
        ("encrypted-3des", vec![Encrypted(ContentCipher::TripleDesCbc)]),
        ("signed-encrypted", vec![Encrypted(ContentCipher::Aes256Cbc), Signed]),
        (
            "compressed-encrypted",
            vec![Encrypted(ContentCipher::Aes192Cbc), Compressed],
        ),
        ("compressed-signed", vec![Signed, Compressed]),
        (
            "compressed-signed-encrypted",
            vec![Encrypted(ContentCipher::Aes128Cbc), Signed, Compressed],
        ),
        ("signed-pss", vec![Signed]),
    ]);
    let recordings = recordings(false);
    assert!(recordings.iter().eq(expected.keys()), "{recordings:?}");
    let mut receiver = party("receiver", "pyas2", "receiver");
    for (message, layers) in expected {
        let response = receiver.receiver.receive(request(message)).await;
        assert_eq!(response.status(), StatusCode::OK, "{message}");
        let (events, delivered) = (receiver.events(), receiver.inbox.try_recv().ok());
        let delivered = delivered.unwrap_or_else(|| panic!("{message}: {events:?}"));
        assert_eq!(delivered.layers, layers, "{message}");
        let signed = layers.contains(&Signed);
        assert_eq!(mic(message), signed.then_some(delivered.mic), "{message}");
        let payload = read(&delivered.filename.unwrap());
        assert_eq!(delivered.payload.into_bytes().await.unwrap(), payload, "{message}");
    }
}

/// MDN-57, INT-15: every recorded receipt closes the record of its message with what it says.
#[tokio::test]
async fn receipts_of_pyas2lib() {
    let refused = |error| ReceiptStatus::Rejected(Disposition::error(error));
    let accepted = |message, signed| {
        let mic = mic(message).unwrap();
        ReceiptStatus::Accepted { mic, signed }
    };
    // Whether it is signed, and what it proves.
    let expected = BTreeMap::from([
        ("plain-mdn", (false, ReceiptStatus::AcceptedWithoutMic)),
        ("encrypted-mdn", (false, ReceiptStatus::AcceptedWithoutMic)),
        ("signed-mdn", (true, accepted("signed", true))),
        (
            "signed-sha512-binary-mdn",
            (true, accepted("signed-sha512-binary", true)),
        ),
        ("signed-encrypted-mdn", (false, accepted("signed-encrypted", false))),
        ("compressed-signed-mdn", (false, accepted("compressed-signed", false))),
        ("undecryptable-mdn", (false, refused(ErrorModifier::DecryptionFailed))),
        ("forged-mdn", (false, refused(ErrorModifier::AuthenticationFailed))),
        ("stranger-mdn", (false, refused(ErrorModifier::UnknownTradingPartner))),
        (
            "unencrypted-mdn",
            (true, refused(ErrorModifier::InsufficientMessageSecurity)),
        ),
    ]);
    let recordings = recordings(true);
    assert!(recordings.iter().eq(expected.keys()), "{recordings:?}");
    for (receipt, (signed, status)) in expected {
        let message = receipt.strip_suffix("-mdn").unwrap();
        // Of refused messages only the receipts are kept.
        let kept = tests("data/pyas2lib").join(format!("{message}.mic")).exists();
        let mics = MicSet::from_iter(kept.then(|| mic(message)).flatten());
        let sender = if message == "stranger" { message } else { "pyas2" };
        let mut pyas2 = party(sender, "receiver", "pyas2");
        let id = MessageId::parse(&format!("<{message}@pyas2.example>")).unwrap();
        let id = ExchangeId::new(name("receiver"), name(sender), id);
        let sent = SentRecord::new(Today.now(), mics, DigestAlgorithm::Sha256).signed_receipt(signed);
        pyas2.store.record_sent(&id, sent, Duration::ZERO).await.unwrap();
        let response = pyas2.receiver.receive(request(receipt)).await;
        assert_eq!(response.status(), StatusCode::OK, "{receipt}");
        let events = pyas2.events();
        let confirmed = pyas2
            .receipts
            .try_recv()
            .unwrap_or_else(|_| panic!("{receipt}: {events:?}"));
        assert_eq!(confirmed.status, status, "{receipt}");
        assert_eq!(confirmed.signer.is_some(), signed, "{receipt}");
    }
}
