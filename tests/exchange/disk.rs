//! A disk that is full: a small one of its own, mounted for the test.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use ediint::partnership::AcceptPolicy;
use ediint::store::{Claim, ExchangeId, MessageStore, ReceivedRecord, StoreError};
use ediint::{
    As2Client, As2ReceiverBuilder, DirectoryInbox, MessageId, OutboundMessage, OutboxDirectory, OutboxEvent, Payload,
    PreparedMessage, SpoolOptions,
};
use http::StatusCode;

use crate::common::{World, alice, assert_empty, bob, post, request};
use crate::gate::Outbox;

/// A file system of 1 MiB in memory.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None` where nothing may be mounted, unless `EDIINT_PEERS=1` says that it must.
    fn mount() -> Option<Self> {
        let path = tempfile::tempdir().unwrap().keep();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m,mode=700", "ediint"])
            .arg(&path)
            .output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(path)),
            other => {
                fs::remove_dir(&path).unwrap();
                let wanted = std::env::var_os("EDIINT_PEERS").is_some_and(|value| value == "1");
                assert!(!wanted, "EDIINT_PEERS=1 is set, but mounting a tmpfs failed: {other:?}");
                eprintln!("not run: a small disk cannot be mounted here");
                None
            }
        }
    }

    /// Uses all of it up but so many octets.
    fn fill_but(&self, octets: u64) {
        let mut ballast = fs::File::create(self.0.join("ballast")).unwrap();
        while ballast.write_all(&[1; 4096]).is_ok() {}
        let len = ballast.metadata().unwrap().len();
        ballast.set_len(len - octets).unwrap();
    }

    fn make_room(&self) {
        fs::remove_file(self.0.join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("--lazy").arg(&self.0).status();
        if unmounted.is_ok_and(|status| status.success()) {
            fs::remove_dir(&self.0).unwrap_or_default();
        }
    }
}

/// All files below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let nested = entries.map(|path| if path.is_dir() { files(&path) } else { vec![path] });
    nested.flatten().collect()
}

async fn world(set: impl FnOnce(As2ReceiverBuilder) -> As2ReceiverBuilder) -> (World, Vec<u8>, PreparedMessage) {
    let world = World::with(AcceptPolicy::new(), set).await;
    let content: Vec<u8> = (0..=250).cycle().take(500_000).collect();
    let message = OutboundMessage::new(Payload::from(content.clone()));
    let prepared = world.client.prepare(&world.to_bob, message).await.unwrap();
    world.client.record(&world.to_bob, &prepared).await.unwrap();
    (world, content, prepared)
}

async fn assert_come_again(world: &mut World, prepared: &PreparedMessage, event: &str) {
    let answer = post(request(prepared).await).await;
    assert_empty(answer, StatusCode::SERVICE_UNAVAILABLE).await;
    let told = format!("refused a request with 503 Service Unavailable: {event}");
    assert_eq!(world.bob.event().await, told);
    assert_eq!(world.bob.store.find_received(prepared.id()).await.unwrap(), None);
}

/// SEC-25: the payload does not fit where it is spooled. Nothing is recorded or left, and it fits once there is room.
#[tokio::test]
async fn disk_full_under_the_spool() {
    let Some(disk) = SmallDisk::mount() else { return };
    let spools = SpoolOptions::new().threshold(1000).directory(&disk.0);
    let (mut world, content, prepared) = world(|builder| builder.spool(spools)).await;
    disk.fill_but(100_000);
    for _ in 0..2 {
        assert_come_again(&mut world, &prepared, "the payload cannot be spooled").await;
        assert_eq!(files(&disk.0), [disk.0.join("ballast")]);
    }
    disk.make_room();
    let receipt = world.client.transmit(&world.to_bob, &prepared).await.unwrap();
    assert!(receipt.is_accepted());
    let message = world.bob.inbox.recv().await.unwrap();
    assert_eq!(message.payload.into_bytes().await.unwrap(), content);
    assert!(files(&disk.0).is_empty() && world.bob.nothing_arrived());
}

/// RCV-07: the payload is spooled, but does not fit where it has to stay. There is no receipt and no half of a message;
/// both are there once there is room.
#[tokio::test]
async fn disk_full_under_the_inbox() {
    let Some(disk) = SmallDisk::mount() else { return };
    let root = disk.0.join("inbox");
    let inbox = DirectoryInbox::new(&root).metadata("mic", |message| message.mic.to_string().into());
    let spools = SpoolOptions::new().threshold(1000);
    let (mut world, content, prepared) = world(|builder| builder.spool(spools).inbox(inbox)).await;
    disk.fill_but(100_000);
    for _ in 0..2 {
        assert_come_again(&mut world, &prepared, "the inbox cannot take the message at present").await;
        assert_eq!(files(&disk.0), [disk.0.join("ballast")]);
    }
    disk.make_room();
    let receipt = world.client.transmit(&world.to_bob, &prepared).await.unwrap();
    assert!(receipt.is_accepted());
    let delivered = files(&disk.0);
    let payload = delivered.iter().find(|path| path.ends_with("payload")).unwrap();
    assert_eq!((delivered.len(), fs::read(payload).unwrap()), (2, content));
}

/// The encoded message does not fit into the outbox. The caller is told, and nothing is on record or left; it is submitted
/// under the same Message-ID once there is room.
#[tokio::test]
async fn disk_full_under_the_outbox() {
    let Some(disk) = SmallDisk::mount() else { return };
    let mut outbox = Outbox::new([]).await;
    let content: Vec<u8> = (0..=250).cycle().take(500_000).collect();
    let message_id = MessageId::new("<order-1@alice.example>").unwrap();
    let order = || OutboundMessage::new(Payload::from(content.clone())).message_id(message_id.clone());
    disk.fill_but(100_000);
    // While it is encoded, and when it is put there.
    for threshold in [1000, 1 << 20] {
        outbox.client = As2Client::builder(alice().key_store([&bob()]), outbox.host().store.clone())
            .outbox(OutboxDirectory::new(&disk.0))
            .spool(SpoolOptions::new().threshold(threshold))
            .build()
            .unwrap();
        let error = outbox.client.submit(&outbox.to_bob, order()).await.unwrap_err();
        let cause: &dyn std::error::Error = &error;
        let full = std::iter::successors(Some(cause), |error| error.source())
            .filter_map(|error| error.downcast_ref::<std::io::Error>())
            .any(|error| error.kind() == std::io::ErrorKind::StorageFull);
        assert!(full, "{error:?}");
        assert_eq!(files(&disk.0), [disk.0.join("ballast")]);
        let id = ExchangeId::new(bob().name, alice().name, message_id.clone());
        assert_eq!(outbox.host().store.find_sent(&id).await.unwrap(), None);
    }
    disk.make_room();
    outbox.client.submit(&outbox.to_bob, order()).await.unwrap();
    outbox.start();
    match outbox.event().await {
        OutboxEvent::Answered(receipt) => assert!(receipt.is_accepted(), "{}", receipt.status),
        other => panic!("{other}"),
    }
    let message = outbox.world.bob.inbox.recv().await.unwrap();
    assert_eq!(message.payload.into_bytes().await.unwrap(), content);
    assert!(files(&disk.0).is_empty());
}

/// The store cannot write. Whoever asks is told that it is away, what was on record stays, and it goes on by itself once
/// there is room.
#[cfg(feature = "redb")]
#[tokio::test]
async fn disk_full_under_the_store() {
    let Some(disk) = SmallDisk::mount() else { return };
    let store = ediint::store::RedbStore::open(disk.0.join("messages.redb"))
        .await
        .unwrap();
    let id = |number: u32| {
        let message_id = MessageId::new(&format!("<{number}@alice.example>")).unwrap();
        ExchangeId::new(bob().name, alice().name, message_id)
    };
    let record = || {
        let record = ReceivedRecord::new([1; 32], SystemTime::UNIX_EPOCH);
        record.head(vec![b'x'; 20_000])
    };
    let deliver = async |number| match store.claim(&id(number), None, Duration::ZERO).await? {
        Claim::New(token) => store.complete(&id(number), token, record(), Duration::ZERO).await,
        other => panic!("{other:?}"),
    };
    deliver(0).await.unwrap();
    disk.fill_but(0);
    let mut number = 1;
    let error = loop {
        match deliver(number).await {
            Ok(()) => number += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    let again = deliver(number).await.unwrap_err();
    assert!(matches!(again, StoreError::Unavailable(_)), "{again:?}");
    disk.make_room();
    deliver(number).await.unwrap();
    for number in 0..=number {
        let found = store.find_received(&id(number)).await.unwrap().unwrap();
        assert_eq!(found.head.len(), 20_000, "{number}");
    }
}
