use std::io::Read;
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;
use crate::entropy::{Entropy, SystemEntropy};
use crate::message_id::MessageId;
use crate::name::As2Name;

const BODY: &[u8] = b"the octets of a body";

fn directory() -> (TempDir, OutboxDirectory) {
    let directory = tempfile::tempdir().unwrap();
    let outbox = OutboxDirectory::new(directory.path());
    (directory, outbox)
}

fn message(message_id: &str) -> Tag {
    let name = |name: &str| As2Name::new(name).unwrap();
    let message_id = MessageId::parse(message_id).unwrap();
    Tag {
        id: ExchangeId::new(name("acme \"\\ x"), name("us"), message_id),
        resent: 3,
    }
}

fn put(outbox: &OutboxDirectory, tag: &Tag) -> Held {
    let mut body = Spool::new();
    body.write_all(BODY).unwrap();
    outbox.put(body, tag, &mut *SystemEntropy.rng()).unwrap()
}

fn len() -> u64 {
    u64::try_from(BODY.len()).unwrap()
}

#[test]
fn a_body_comes_back_with_its_message() {
    let (_directory, outbox) = directory();
    let tag = message(&"x".repeat(998));
    let name = put(&outbox, &tag).name;
    let (file, found) = outbox.open(&tag.id, &name, len()).unwrap();
    let mut body = Vec::new();
    file.take(len()).read_to_end(&mut body).unwrap();
    assert_eq!((&found, &body[..]), (&tag, BODY));
    let mode = fs::metadata(outbox.path().join(&name)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let copied = Tag {
        resent: 4,
        ..message("<2@us>")
    };
    let first = outbox.open(&tag.id, &name, len()).unwrap();
    let (new, spools) = (copied.id.clone(), SpoolOptions::new());
    let again = outbox.put_again(first, len(), new, &spools, &mut *SystemEntropy.rng());
    let again = again.unwrap().name;
    let (file, found) = outbox.open(&copied.id, &again, len()).unwrap();
    body.clear();
    file.take(len()).read_to_end(&mut body).unwrap();
    assert_eq!((found, &body[..]), (copied, BODY));
    assert_eq!(outbox.files().unwrap().len(), 2);
    outbox.remove(&name).unwrap();
    outbox.remove(&name).unwrap();
    assert_eq!(outbox.files().unwrap().len(), 1);
}

/// Names come from the store: they lead to files of the outbox, or nowhere.
#[test]
fn names_that_lead_elsewhere() {
    let (directory, _) = directory();
    let inner = directory.path().join("outbox");
    fs::create_dir(&inner).unwrap();
    let outbox = OutboxDirectory::new(&inner);
    let elsewhere = directory.path().join("secret");
    fs::write(&elsewhere, BODY).unwrap();
    let id = message("<1@us>").id;
    for name in [
        "../secret",
        "",
        ".",
        elsewhere.to_str().unwrap(),
        &"f".repeat(31),
        &"F".repeat(32),
    ] {
        assert!(
            matches!(outbox.open(&id, name, len()), Err(QueuedError::Gone(_))),
            "{name}"
        );
        assert!(matches!(outbox.hold(name), Err(QueuedError::Gone(_))), "{name}");
        outbox.remove(name).unwrap();
    }
    assert!(elsewhere.exists());
}

#[test]
fn files_that_are_not_what_was_put_there() {
    let (directory, outbox) = directory();
    let tag = message("<1@us>");
    let held = put(&outbox, &tag);
    let path = directory.path().join(&held.name);
    let whole = fs::read(&path).unwrap();
    let damaged = |content: &[u8]| {
        fs::write(&path, content).unwrap();
        matches!(outbox.open(&tag.id, &held.name, len()), Err(QueuedError::Damaged(_)))
    };
    for cut in 0..whole.len() {
        assert!(damaged(&whole[..cut]), "{cut}");
    }
    let mut longer = whole.clone();
    longer.splice(3..3, *b"xx");
    assert!(damaged(&longer));
    // The length of the tag: longer than the file, and longer than any.
    for tag_len in [u32::MAX, 60_000, 1] {
        let mut other = whole.clone();
        let at = other.len() - 12;
        other.splice(at..at + 4, tag_len.to_be_bytes());
        assert!(damaged(&other), "{tag_len}");
    }
    let mut not_text = whole.clone();
    let at = not_text.len() - 14;
    not_text[at] = 0xff;
    assert!(damaged(&not_text));
    assert!(!damaged(&whole));
    assert!(matches!(
        outbox.open(&tag.id, &held.name, len() + 1),
        Err(QueuedError::Damaged(_))
    ));
    let other = outbox.open(&message("<2@us>").id, &held.name, len());
    assert!(matches!(other, Err(QueuedError::Damaged(_))));
}

/// A file that is being put on record stays, whatever its age; one that is tried again is as good as new.
#[test]
fn what_is_held_is_not_removed() {
    let (directory, outbox) = directory();
    let outbox = outbox.orphan_age(Duration::ZERO);
    let held = put(&outbox, &message("<1@us>"));
    let name = held.name.clone();
    assert!(!outbox.remove_orphan(&name).unwrap());
    drop(held);

    let old = SystemTime::now() - 8 * 24 * HOUR;
    let age = || {
        let file = File::options().append(true).open(directory.path().join(&name)).unwrap();
        file.set_modified(old).unwrap();
    };
    age();
    drop(outbox.hold(&name).unwrap());
    assert!(!outbox.remove_given_up(&name).unwrap());
    age();
    let held = outbox.hold(&name).unwrap();
    age();
    assert!(!outbox.remove_given_up(&name).unwrap());
    drop(held);
    assert!(outbox.remove_given_up(&name).unwrap());
    assert!(!outbox.remove_given_up(&name).unwrap() && !outbox.remove_orphan(&name).unwrap());
    assert!(matches!(outbox.hold(&name), Err(QueuedError::Gone(_))));
}

/// Without the directory itself nothing is known to be gone.
#[test]
fn a_directory_that_is_not_there() {
    let (directory, outbox) = directory();
    let tag = message("<1@us>");
    let held = put(&outbox, &tag);
    drop(directory);
    assert!(matches!(
        outbox.open(&tag.id, &held.name, len()),
        Err(QueuedError::Unavailable(_))
    ));
    assert!(matches!(outbox.hold(&held.name), Err(QueuedError::Unavailable(_))));
    outbox.files().unwrap_err();
    let written = outbox.put(Spool::new(), &message("<2@us>"), &mut *SystemEntropy.rng());
    assert_eq!(written.unwrap_err().step, PersistStep::Create);
}
