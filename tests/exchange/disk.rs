//! A disk that is full: a small one of its own, mounted for the test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ediint::partnership::AcceptPolicy;
use ediint::store::MessageStore;
use ediint::{As2ReceiverBuilder, DirectoryInbox, OutboundMessage, Payload, PreparedMessage, SpoolOptions};
use http::StatusCode;

use crate::common::{World, assert_empty, post, request};

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
    fn fill_but(&self, octets: usize) {
        fs::write(self.0.join("ballast"), vec![1; (1 << 20) - octets]).unwrap();
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
