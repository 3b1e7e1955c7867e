//! What goes out: headers, defaults, and the same octets from the same chance and time.

use ediint::cms::Certificate;
use ediint::partnership::{AcceptPolicy, Compression, ReceiptRequest, SendProfile};
use ediint::store::MemoryStore;
use ediint::{
    As2Client, As2Version, ContentCipher, DigestAlgorithm, MessageId, OutboundMessage, Partnership, Payload,
    PrepareError, PreparedMessage, SignatureAlgorithm,
};
use http_body_util::BodyExt;

use crate::common::{Seeded, Standing, World, alice, bob, request};
use crate::rows::ORDER;
use crate::watched::{Watch, Watched};

fn client() -> As2Client {
    As2Client::builder(alice().key_store([&bob()]), MemoryStore::new())
        .clock(Standing)
        .entropy(Seeded(5))
        .build()
        .unwrap()
}

fn to_bob(url: &str, profile: SendProfile) -> Partnership {
    Partnership::new(alice().name, bob().name, url.parse().unwrap()).send(profile)
}

fn text(prepared: &PreparedMessage) -> String {
    let mut head = Vec::new();
    prepared.headers().write_to(&mut head);
    String::from_utf8(head).unwrap()
}

fn plain() -> SendProfile {
    SendProfile::new().without_signature().without_encryption()
}

const URL: &str = "https://bob.example:8443/as2?x=1";

/// CLI-01, CLI-03, CLI-05, ENV-01 to ENV-04, ENV-24, ENV-25, ENV-27, ENV-28, MDN-38, MDN-41, MDN-42: the head of a message
/// of which nothing was configured.
#[tokio::test]
async fn golden_head() {
    let partnership = to_bob(URL, SendProfile::new());
    let message = OutboundMessage::new(ORDER).filename("orders.edi");
    let prepared = client().prepare(&partnership, message).await.unwrap();
    let id = prepared.message_id();
    assert!(id.as_str().ends_with("@AliceCo>"), "{id}");
    let expected = format!(
        "AS2-Version: 1.1\r\n\
         AS2-From: \"Alice & Co\"\r\n\
         AS2-To: Bob\r\n\
         Message-ID: {id}\r\n\
         Date: Wed, 18 May 2033 03:33:20 GMT\r\n\
         Subject: AS2 message\r\n\
         User-Agent: ediint/{}\r\n\
         Disposition-Notification-To: as2@AliceCo\r\n\
         Disposition-Notification-Options: signed-receipt-protocol=optional, pkcs7-signature; \
         signed-receipt-micalg=optional, sha-256\r\n\
         MIME-Version: 1.0\r\n\
         Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\r\n\
         Content-Disposition: attachment; filename=\"smime.p7m\"\r\n",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(text(&prepared), expected);
    assert_eq!(prepared.structure().to_string(), "encrypted(signed(payload))");
    assert_eq!(prepared.structure().encryption(), Some(ContentCipher::Aes256Cbc));
    let sha256 = SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256);
    assert_eq!(prepared.structure().signature(), Some(sha256));
    let request = prepared.request().unwrap();
    assert_eq!(
        (request.method(), request.uri().to_string()),
        (&http::Method::POST, URL.to_owned())
    );
}

/// CLI-02, CLI-05, CLI-18, MDN-38, MDN-41, ENV-04: the head follows the profile.
#[tokio::test]
async fn heads_by_profile() {
    let later = ReceiptRequest::asynchronous("https://alice.example/receipts").unwrap();
    let later = later
        .digests([DigestAlgorithm::Sha512, DigestAlgorithm::Sha256])
        .required()
        .notify("edi@alice.example");
    let profile = plain()
        .receipt(later)
        .subject("Orders of the day")
        .as2_version(As2Version::V1_2)
        .http_header("X-Route", "7");
    let message = OutboundMessage::new(ORDER)
        .content_type("application/edifact; charset=us-ascii")
        .filename("Bestellung Nr. 1.edi")
        .http_header("X-Batch", "a b");
    let prepared = client().prepare(&to_bob(URL, profile), message).await.unwrap();
    let head = text(&prepared);
    for line in [
        "AS2-Version: 1.2",
        "Subject: Orders of the day",
        "X-Route: 7",
        "X-Batch: a b",
        "Disposition-Notification-To: edi@alice.example",
        "Disposition-Notification-Options: signed-receipt-protocol=required, pkcs7-signature; \
         signed-receipt-micalg=required, sha-512, sha-256",
        "Receipt-Delivery-Option: https://alice.example/receipts",
        "Content-Type: application/edifact; charset=us-ascii",
        "Content-Disposition: attachment; filename=\"Bestellung Nr. 1.edi\"",
    ] {
        assert!(head.contains(&format!("{line}\r\n")), "{line}: {head}");
    }
    // SMI-45: a digest for each that the receipt may use.
    for digest in [DigestAlgorithm::Sha512, DigestAlgorithm::Sha256] {
        assert_eq!(
            prepared.mics().get(digest),
            Some(&ediint::Mic::of(digest, ORDER.as_bytes()))
        );
    }

    let unsigned = plain().receipt(ReceiptRequest::sync().unsigned());
    let head = text(
        &client()
            .prepare(&to_bob(URL, unsigned), OutboundMessage::new(ORDER))
            .await
            .unwrap(),
    );
    assert!(head.contains("Disposition-Notification-To: ") && !head.contains("Disposition-Notification-Options"));
    let none = plain().receipt(ReceiptRequest::none());
    let head = text(
        &client()
            .prepare(&to_bob(URL, none), OutboundMessage::new(ORDER))
            .await
            .unwrap(),
    );
    assert!(!head.contains("Disposition-Notification") && !head.contains("Receipt-Delivery-Option"));
    // CLI-05: a signature's own digest is asked for first.
    let sha384 = SendProfile::new().signature(SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha384));
    let head = text(
        &client()
            .prepare(&to_bob(URL, sha384), OutboundMessage::new(ORDER))
            .await
            .unwrap(),
    );
    assert!(head.contains("signed-receipt-micalg=optional, sha-384\r\n"), "{head}");
}

/// CLI-01, REL-04, CLI-14: from the same chance and time come the same octets; a retry is them; a new message is another.
#[tokio::test]
async fn preparation_is_deterministic() {
    let before = Compression::BeforeSigning;
    for profile in [SendProfile::new(), SendProfile::new().compression(before), plain()] {
        let partnership = to_bob(URL, profile);
        let (client, other) = (client(), client());
        let first = client.prepare(&partnership, OutboundMessage::new(ORDER)).await.unwrap();
        let second = other.prepare(&partnership, OutboundMessage::new(ORDER)).await.unwrap();
        let (one, two) = (request(&first).await, request(&second).await);
        assert_eq!((one.headers(), one.body()), (two.headers(), two.body()));
        let clone = first.clone();
        assert_eq!(request(&clone).await.body(), one.body());
        assert_eq!(u64::try_from(one.body().len()).unwrap(), first.content_length());
        assert_eq!(first.payload_len(), u64::try_from(ORDER.len()).unwrap());

        let random = As2Client::builder(alice().key_store([&bob()]), MemoryStore::new())
            .build()
            .unwrap();
        let third = random.prepare(&partnership, OutboundMessage::new(ORDER)).await.unwrap();
        assert_ne!(third.message_id(), first.message_id());
    }
}

/// CLI-06, CLI-07: types by the ending of a file's name, and files as payloads.
#[tokio::test]
async fn types_follow_names() {
    let folder = tempfile::tempdir().unwrap();
    for (name, expected) in [
        ("a.edi", "application/edi-consent"),
        ("a.EDI", "application/edi-consent"),
        ("a.x12", "application/edi-x12"),
        ("a.xml", "application/xml"),
        ("a.csv", "text/csv"),
        ("a", "application/octet-stream"),
        ("a.edi.gz", "application/octet-stream"),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, ORDER).unwrap();
        let message = OutboundMessage::new(Payload::open(&path).await.unwrap());
        let prepared = client().prepare(&to_bob(URL, plain()), message).await.unwrap();
        assert_eq!(prepared.headers().get("Content-Type"), Some(expected));
        let disposition = format!("attachment; filename=\"{name}\"");
        assert_eq!(prepared.headers().get("Content-Disposition"), Some(&*disposition));
        let body = prepared.request().unwrap().into_body().collect().await.unwrap();
        assert_eq!(body.to_bytes(), ORDER);
        let message = OutboundMessage::new(Payload::open(&path).await.unwrap());
        let message = message.content_type("text/x-own").without_filename();
        let prepared = client().prepare(&to_bob(URL, plain()), message).await.unwrap();
        assert_eq!(prepared.headers().get("Content-Type"), Some("text/x-own"));
        assert!(!prepared.headers().contains("Content-Disposition"));
    }
}

/// CLI-04, CLI-13, ENV-18, ENV-25, ENV-63, SEC-30: what cannot or must not be sent is refused before anything is read or
/// signed.
#[tokio::test]
async fn what_is_not_sent() {
    let watch = Watch::default();
    let keys = Watched(alice().key_store([&bob()]), watch.clone());
    let client = As2Client::builder(keys, MemoryStore::new()).build().unwrap();
    let order = || OutboundMessage::new(ORDER);
    let http = "http://bob.example/as2";
    let signed = SendProfile::new().without_encryption();
    for (url, profile) in [(http, signed.clone()), (http, plain())] {
        let refused = client.prepare(&to_bob(url, profile), order()).await.unwrap_err();
        assert!(matches!(refused, PrepareError::Plaintext(_)), "{refused:?}");
    }
    for url in ["/as2", "ftp://bob.example/as2"] {
        let refused = client
            .prepare(&to_bob(url, SendProfile::new()), order())
            .await
            .unwrap_err();
        assert!(matches!(refused, PrepareError::Url(_)), "{refused:?}");
    }
    for message in [
        order().subject("a\r\nX: y"),
        order().http_header("X-A", "a\r\nX: y"),
        order().http_header("X-A\r\nX", "y"),
        order().http_header("X-A", "a\0"),
        order().http_header("AS2-From", "Mallory"),
        order().http_header("message-id", "<1@a>"),
        order().http_header("Content-Type", "text/plain"),
        order().http_header("Transfer-Encoding", "chunked"),
        order().mime_header("Content-Transfer-Encoding", "base64"),
        order().mime_header("Content-Type", "text/plain"),
        order().mime_header("X-A", "a\nb"),
    ] {
        let text = format!("{message:?}");
        let refused = client.prepare(&to_bob(URL, SendProfile::new()), message).await;
        assert!(matches!(refused, Err(PrepareError::Header(_))), "{text}: {refused:?}");
    }
    let refused = client
        .prepare(&to_bob(URL, SendProfile::new()), order().content_type("x\r\ny"))
        .await;
    assert!(matches!(refused, Err(PrepareError::ContentType(_))), "{refused:?}");
    assert_eq!(watch.take(), [""; 0]);
    for id in ["", "a", "a b@c", "a@b\r\n", "@", &format!("{}@b", "a".repeat(255))] {
        assert!(MessageId::new(id).is_err(), "{id}");
    }

    // A file name is encoded, whatever it holds.
    let prepared = client
        .prepare(&to_bob(URL, plain()), order().filename("a\r\nX: y"))
        .await
        .unwrap();
    let disposition = prepared.headers().get("Content-Disposition").unwrap();
    assert_eq!(disposition, "attachment; filename*=UTF-8''a%0D%0AX%3A%20y");

    // Permitted where it is said.
    let allowed = [
        (http, SendProfile::new()),
        (http, signed.clone().danger_allow_plaintext()),
        ("https://bob.example/as2", plain()),
    ];
    for (url, profile) in allowed {
        client.prepare(&to_bob(url, profile), order()).await.unwrap();
    }
    // Nobody to encrypt for.
    let nobody = As2Client::builder(alice().key_store([]), MemoryStore::new())
        .build()
        .unwrap();
    let refused = nobody
        .prepare(&to_bob(URL, SendProfile::new()), order())
        .await
        .unwrap_err();
    assert!(matches!(refused, PrepareError::NoRecipient(name) if name == bob().name));
    nobody.prepare(&to_bob(URL, signed), order()).await.unwrap();
}

/// ENV-25, ENV-59: what is not ASCII is encoded, and arrives as it was.
#[tokio::test]
async fn words_that_are_not_ascii() {
    let mut world = World::new(AcceptPolicy::new()).await;
    let message = OutboundMessage::new(ORDER).subject("Größe").filename("Übersicht.edi");
    let prepared = world.client.prepare(&world.to_bob, message).await.unwrap();
    assert_eq!(prepared.headers().get("Subject"), Some("=?UTF-8?B?R3LDtsOfZQ==?="));
    let receipt = world.client.transmit(&world.to_bob, &prepared).await.unwrap();
    assert!(receipt.is_accepted());
    let arrived = world.bob.inbox.recv().await.unwrap();
    assert_eq!(arrived.filename.as_deref(), Some("Übersicht.edi"));
}

/// CLI-15, CLI-12: what is recorded stands before the first octet leaves; without it nothing leaves.
#[tokio::test]
async fn nothing_leaves_before_it_is_on_record() {
    let mut world = World::new(AcceptPolicy::new()).await;
    let watch = Watch::default();
    let store = Watched(MemoryStore::new(), watch.clone());
    let client = As2Client::builder(alice().key_store([&bob()]), store).build().unwrap();
    watch.away(Some("record_sent"));
    let error = client
        .send(&world.to_bob, OutboundMessage::new(ORDER))
        .await
        .unwrap_err();
    assert!(
        matches!(error, ediint::SendError::Store(_)) && error.is_transient(),
        "{error:?}"
    );
    assert_eq!(watch.take(), ["record_sent"]);
    assert!(world.bob.events.try_recv().is_err() && world.bob.nothing_arrived());

    // Sent, but the receipt cannot be put on record: the retry gets it again.
    watch.away(Some("resolve_receipt"));
    let prepared = client
        .prepare(&world.to_bob, OutboundMessage::new(ORDER))
        .await
        .unwrap();
    let error = client.transmit(&world.to_bob, &prepared).await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    watch.away(None);
    assert!(client.transmit(&world.to_bob, &prepared).await.unwrap().is_accepted());
    assert!(world.bob.inbox.recv().await.is_some() && world.bob.nothing_arrived());

    // Another message under an id that was used is not sent.
    let id = prepared.message_id().clone();
    let other = OutboundMessage::new("another order").message_id(id);
    let error = client.send(&world.to_bob, other).await.unwrap_err();
    assert!(
        matches!(error, ediint::SendError::Store(ediint::store::StoreError::AlreadySent)),
        "{error:?}"
    );
    assert!(world.bob.nothing_arrived());
}

/// SMI-28: an archive reads along.
#[tokio::test]
async fn more_recipients() {
    let mut world = World::new(AcceptPolicy::new()).await;
    let carol: Certificate = crate::common::carol().certificate().clone();
    let sends = world.sending(SendProfile::new().also_encrypt_for(carol));
    let receipt = world.client.send(&sends, OutboundMessage::new(ORDER)).await.unwrap();
    assert!(receipt.is_accepted(), "{}", receipt.status);
    assert!(world.bob.inbox.recv().await.is_some());
}

/// SEC-14: a key that is too short is not encrypted for, unless the profile says so.
#[tokio::test]
async fn short_keys() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/openssl/certificates/v1.pem");
    let short = Certificate::from_pem(&std::fs::read(path).unwrap()).unwrap();
    let profile = || SendProfile::new().also_encrypt_for(short.clone());
    let refused = client()
        .prepare(&to_bob(URL, profile()), OutboundMessage::new(ORDER))
        .await;
    match refused {
        Err(PrepareError::WeakKey {
            certificate,
            bits,
            minimum,
        }) => {
            assert_eq!((certificate, bits, minimum), (short.clone(), 1024, 2048));
        }
        other => panic!("{other:?}"),
    }
    let allowed = to_bob(URL, profile().min_rsa_bits(1024));
    client().prepare(&allowed, OutboundMessage::new(ORDER)).await.unwrap();
}
