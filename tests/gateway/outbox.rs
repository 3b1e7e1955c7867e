//! Files that are dropped into the outbox.

use std::fs;
use std::io::Write;
use std::thread::sleep;
use std::time::Duration;

use crate::common::{Pair, entries, json, wait_for};

#[test]
fn a_file_that_is_moved_in_is_sent_and_put_away_with_its_receipt() {
    let pair = Pair::init();
    let (_alice, _bob) = (pair.serve("alice"), pair.serve("bob"));
    for (index, name) in ["order.edi", "order.edi", "2.edi"].into_iter().enumerate() {
        let file = pair.file("made", format!("content {index}").as_bytes());
        fs::rename(file, pair.path("alice/data/outbox/bob").join(name)).unwrap();
        wait_for("sending", || {
            entries(&pair.path("alice/data/outbox/bob")).is_empty().then_some(())
        });
    }
    let sent = pair.path("alice/data/sent/bob");
    for (name, content) in [
        ("order.edi", "content 0"),
        ("2-order.edi", "content 1"),
        ("2.edi", "content 2"),
    ] {
        assert_eq!(fs::read_to_string(sent.join(name)).unwrap(), content);
        let outcome = json(&sent.join(format!("{name}.json")));
        assert_eq!(outcome["status"], "accepted");
        let receipt = fs::read(sent.join(format!("{name}.mdn"))).unwrap();
        assert!(
            String::from_utf8_lossy(&receipt)
                .to_lowercase()
                .contains("as2-from: bob")
        );
    }
    assert_eq!(pair.received("bob", "alice").len(), 3);
    assert!(entries(&pair.path("alice/data/failed")).is_empty());
}

#[test]
fn a_file_that_cannot_be_sent_is_put_away_with_the_reason() {
    let pair = Pair::init();
    pair.replace(
        "alice",
        "signed_receipt = true",
        "signed_receipt = true\nretries = 1\nretry_delay = \"1ms\"",
    );
    let _alice = pair.serve("alice");
    let file = pair.file("made", b"content");
    fs::rename(file, pair.path("alice/data/outbox/bob/order.edi")).unwrap();
    let failed = pair.path("alice/data/failed/bob");
    wait_for("giving up", || failed.join("order.edi").exists().then_some(()));
    let error = json(&failed.join("order.edi.error.json"));
    assert_eq!(
        (&error["status"], &error["attempts"]),
        (&"transport-error".into(), &2.into()),
        "{error}"
    );
    assert!(error["error"].as_str().unwrap().contains("cannot connect"), "{error}");
}

/// What is being written is left alone, whatever it is called; so is what says that it is not done.
#[test]
fn a_file_that_grows_is_sent_whole() {
    let pair = Pair::init();
    let (_alice, _bob) = (pair.serve("alice"), pair.serve("bob"));
    let outbox = pair.path("alice/data/outbox/bob");
    fs::write(outbox.join(".hidden"), "").unwrap();
    fs::write(outbox.join("upload.part"), "").unwrap();
    let mut file = fs::File::create(outbox.join("grows.edi")).unwrap();
    for _ in 0..8 {
        file.write_all(b"a line\n").unwrap();
        sleep(Duration::from_millis(500));
    }
    drop(file);
    let sent = pair.path("alice/data/sent/bob/grows.edi");
    wait_for("sending", || sent.exists().then_some(()));
    let directory = pair.received("bob", "alice").remove(0);
    assert_eq!(
        fs::read_to_string(directory.join("payload")).unwrap(),
        "a line\n".repeat(8)
    );
    assert_eq!(entries(&outbox).len(), 2);
}
