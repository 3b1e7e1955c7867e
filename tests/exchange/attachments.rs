//! Several documents in one message (RFC 6362).

use std::io::Write;
use std::sync::Arc;

use ediint::mime::TransferEncoding;
use ediint::partnership::{AcceptPolicy, Compression, ReceiptRequest, SendProfile};
use ediint::{
    As2Version, Attachment, AttachmentsError, DirectoryInbox, EdiintFeatures, Inbox, OutboundMessage, Payload,
    PrepareError, ReceivedMessage, SplitError, SpoolOptions,
};
use tokio::sync::mpsc::unbounded_channel;

use crate::common::{World, open_policy};
use crate::rows::ORDER;

/// Beyond what stays in memory, no text, and full of what looks like delimiters.
fn drawing() -> Vec<u8> {
    let mut octets = b"\r\n--part_\r\n--\0\n".repeat(60_000);
    octets.extend([0, 13]);
    octets
}

/// Three documents, one of them from a file.
async fn documents(directory: &std::path::Path) -> [Attachment; 3] {
    let path = directory.join("Zeichnung 7.pdf");
    std::fs::File::create(&path).unwrap().write_all(&drawing()).unwrap();
    [
        Attachment::new(ORDER)
            .filename("order.edi")
            .content_id("order@alice.example"),
        Attachment::new(Payload::open(&path).await.unwrap()).header("Content-Description", "part 7"),
        Attachment::new("<note/>").content_type("application/xml; charset=utf-8"),
    ]
}

async fn check(message: &ReceivedMessage) {
    assert!(message.has_attachments());
    let spools = SpoolOptions::new();
    // As often as wanted: the payload stays.
    let _first = message.attachments(&spools).await.unwrap();
    let found = message.attachments(&spools).await.unwrap();
    let types: Vec<_> = found.iter().map(|part| part.content_type.as_deref().unwrap()).collect();
    let wanted = [
        "application/edi-consent",
        "application/pdf",
        "application/xml; charset=utf-8",
    ];
    assert_eq!(types, wanted);
    let names: Vec<_> = found.iter().map(|part| part.filename.as_deref()).collect();
    assert_eq!(names, [Some("order.edi"), Some("Zeichnung 7.pdf"), None]);
    let roots: Vec<_> = found.iter().map(|part| part.is_root).collect();
    assert_eq!(roots, [true, false, false]);
    assert_eq!(found[0].content_id.as_deref(), Some("<order@alice.example>"));
    assert_eq!(found[1].head.get("Content-Description"), Some("part 7"));
    let mut contents = Vec::new();
    for part in found {
        contents.push(part.payload.into_bytes().await.unwrap());
    }
    assert_eq!(contents, [ORDER.as_bytes(), &drawing(), b"<note/>"]);
}

/// ENV-53, ENV-56, ENV-57, CLI-17, RCV-09: three documents in and out, under every layer and none.
#[tokio::test]
async fn three_documents() {
    let directory = tempfile::tempdir().unwrap();
    let mut world = World::new(open_policy()).await;
    for profile in [
        SendProfile::new(),
        SendProfile::new().compression(Compression::BeforeSigning),
        SendProfile::new().without_encryption().danger_allow_plaintext(),
        SendProfile::new()
            .without_signature()
            .without_encryption()
            .danger_allow_plaintext(),
        // A multipart cannot be encoded itself.
        SendProfile::new().transfer_encoding(TransferEncoding::Base64),
    ] {
        let partnership = world.sending(profile.receipt(ReceiptRequest::sync()));
        let message = OutboundMessage::with_attachments(documents(directory.path()).await);
        let receipt = world.client.send(&partnership, message).await.unwrap();
        assert!(receipt.is_accepted(), "{}", receipt.status);
        let received = world.bob.inbox.recv().await.unwrap();
        assert_eq!(received.filename, None);
        // ENV-51, INT-28.
        assert_eq!(received.as2_version, As2Version::V1_2);
        assert!(received.features.contains(EdiintFeatures::MULTIPLE_ATTACHMENTS));
        assert!(!received.features.contains(EdiintFeatures::RELIABILITY));
        check(&received).await;
        // Whole all the same, and from there to a file while somebody reads it.
        let reader = received.payload.reader().unwrap();
        let whole = directory.path().join(received.storage_key());
        let len = received.payload.len();
        received.payload.persist(&whole).await.unwrap();
        assert_eq!(std::fs::metadata(&whole).unwrap().len(), len);
        assert_eq!(std::io::copy(&mut { reader }, &mut std::io::sink()).unwrap(), len);
    }
}

/// ENV-51: together with what the profile announces.
#[tokio::test]
async fn features_are_announced_together() {
    let world = World::new(AcceptPolicy::new()).await;
    let partnership = world.sending(SendProfile::new().announce_reliability());
    let message = OutboundMessage::with_attachments([Attachment::new(ORDER)]);
    let prepared = world.client.prepare(&partnership, message).await.unwrap();
    let features = prepared.headers().get("EDIINT-Features");
    assert_eq!(features, Some("AS2-Reliability, multiple-attachments"));
}

#[tokio::test]
async fn what_is_no_message_with_attachments() {
    let mut world = World::new(AcceptPolicy::new()).await;
    let none = OutboundMessage::with_attachments([]);
    match world.client.prepare(&world.to_bob, none).await {
        Err(PrepareError::Attachments(AttachmentsError::None)) => {}
        other => panic!("{other:?}"),
    }
    for (content_type, content, error) in [
        ("application/edi-x12", ORDER, "neither"),
        ("multipart/related; boundary=b", ORDER, "delimiter"),
    ] {
        let message = OutboundMessage::new(content).content_type(content_type);
        let receipt = world.client.send(&world.to_bob, message).await.unwrap();
        assert!(receipt.is_accepted(), "{}", receipt.status);
        let received = world.bob.inbox.recv().await.unwrap();
        let refused: SplitError = received.attachments(&SpoolOptions::new()).await.unwrap_err();
        assert!(refused.to_string().contains(error), "{refused}");
        assert_eq!(received.payload.into_bytes().await.unwrap(), content);
    }
}

/// Files of a directory, by name.
fn files(directory: &std::path::Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// Each document is a file; what is no proper multipart is one.
#[tokio::test]
async fn a_directory_of_documents() {
    let root = tempfile::tempdir().unwrap();
    let inbox = Arc::new(DirectoryInbox::new(root.path().join("inbox")).split_attachments(SpoolOptions::new()));
    let (tell, mut told) = unbounded_channel();
    let world = World::with(AcceptPolicy::new(), |builder| {
        builder.inbox(move |message: ReceivedMessage| {
            let (inbox, tell) = (inbox.clone(), tell.clone());
            async move {
                let key = message.storage_key().to_owned();
                let delivered = inbox.deliver(message).await;
                tell.send(key).unwrap();
                delivered
            }
        })
    })
    .await;
    let broken = OutboundMessage::new(ORDER).content_type("multipart/related; boundary=b");
    let whole = OutboundMessage::with_attachments(documents(root.path()).await);
    let drawing = drawing();
    for (message, wanted) in [
        (
            whole,
            vec![
                ("01-order.edi", ORDER.as_bytes()),
                ("02-Zeichnung 7.pdf", &drawing),
                ("03-attachment", b"<note/>"),
            ],
        ),
        (broken, vec![("payload", ORDER.as_bytes())]),
        (OutboundMessage::new(ORDER), vec![("payload", ORDER.as_bytes())]),
    ] {
        let receipt = world.client.send(&world.to_bob, message).await.unwrap();
        assert!(receipt.is_accepted(), "{}", receipt.status);
        let partner = root.path().join("inbox/Alice%20%26%20Co");
        let found = files(&partner.join(told.recv().await.unwrap()));
        let found: Vec<_> = found.iter().map(|(name, content)| (&**name, &**content)).collect();
        assert_eq!(found, wanted);
        // No temporary file is left beside them.
        let hidden = std::fs::read_dir(&partner)
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with('.'));
        assert_eq!(hidden.count(), 0);
    }
}
