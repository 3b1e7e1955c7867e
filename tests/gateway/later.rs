//! Receipts that come later, and what several processes on one `data_dir` know of each other.

use std::fs;

use serde_json::Value;

use crate::common::{Pair, Said, gateway, run, wait_for};

fn status(pair: &Pair, name: &str, more: &[&str]) -> Said {
    let config = pair.config(name);
    let mut args = vec!["status".as_ref(), config.as_os_str()];
    args.extend(more.iter().map(std::ffi::OsStr::new));
    run(args)
}

pub(crate) fn records(pair: &Pair, name: &str, more: &[&str]) -> Vec<Value> {
    let mut args = more.to_vec();
    args.push("--json");
    let said = status(pair, name, &args);
    assert_eq!(said.code, 0, "{}", said.err);
    serde_json::from_str(&said.out).unwrap()
}

#[test]
fn serve_closes_what_send_has_sent() {
    let pair = Pair::init();
    let (_alice, _bob) = (pair.serve("alice"), pair.serve("bob"));
    // Both work on one queue.
    let place = || fs::read_to_string(pair.path("alice/data/place")).unwrap();
    let serves = place();
    let file = pair.file("order.edi", b"UNA:+.? '");
    let (code, sent) = pair.send_file(
        "alice",
        "bob",
        &file,
        &["--async", "--wait", "60", "--message-id", "1@alice"],
    );
    assert_eq!((code, &sent["status"]), (0, &"accepted".into()), "{sent}");
    assert_eq!(
        (&sent["receipt_signed"], &sent["mic_sent"]),
        (&true.into(), &sent["mic_received"])
    );
    assert_eq!(
        sent["disposition"],
        "automatic-action/MDN-sent-automatically; processed"
    );
    assert_eq!(place(), serves);
    let receipt = pair.path("alice/data/receipts/bob/1@alice.mdn");
    wait_for("keeping the receipt", || receipt.exists().then_some(()));

    let (code, sent) = pair.send_file("alice", "bob", &file, &["--async", "--message-id", "2@alice"]);
    assert_eq!((code, &sent["status"]), (0, &"pending".into()), "{sent}");
    let closed = || records(&pair, "alice", &["2@alice"]).remove(0);
    let closed = wait_for("the receipt", || {
        Some(closed()).filter(|one| one["state"] == "accepted")
    });
    assert_eq!(closed["direction"], "outbound");
    assert_eq!(
        (&closed["partner"], &closed["message_id"]),
        (&"bob".into(), &"<2@alice>".into())
    );
    assert_eq!(
        closed["disposition"],
        "automatic-action/MDN-sent-automatically; processed"
    );

    let arrived = records(&pair, "bob", &["<2@alice>"]).remove(0);
    assert_eq!(
        (&arrived["direction"], &arrived["state"]),
        (&"inbound".into(), &"received".into())
    );
}

#[test]
fn a_receipt_that_does_not_come() {
    let pair = Pair::init();
    let _bob = pair.serve("bob");
    let file = pair.file("order.edi", b"UNA:+.? '");
    let (code, sent) = pair.send_file(
        "alice",
        "bob",
        &file,
        &["--async", "--wait", "0.5", "--message-id", "1@alice"],
    );
    assert_eq!((code, &sent["status"]), (4, &"missing-receipt".into()), "{sent}");
    assert_eq!(records(&pair, "alice", &[])[0]["state"], "pending");
    let owed = &records(&pair, "bob", &[])[0];
    assert_eq!(
        (&owed["state"], &owed["receipt"]),
        (&"received".into(), &"waiting".into()),
        "{owed}"
    );
    assert!(owed["error"].as_str().unwrap().contains("cannot connect"), "{owed}");
    // Bob tries again, and Alice is there now.
    let _alice = pair.serve("alice");
    let state = || Some(records(&pair, "alice", &[])[0]["state"].clone());
    wait_for("the receipt", || state().filter(|state| state == "accepted"));
}

#[test]
fn status_tells_of_all_messages() {
    let pair = Pair::init();
    assert!(records(&pair, "alice", &[]).is_empty());
    let _bob = pair.serve("bob");
    let file = pair.file("order.edi", b"UNA:+.? '");
    for id in ["1@alice", "2@alice"] {
        assert_eq!(pair.send_file("alice", "bob", &file, &["--message-id", id]).0, 0);
    }
    // Without and with a gateway at work on the same directory.
    let without = records(&pair, "alice", &[]);
    let alice = pair.serve("alice");
    assert_eq!(records(&pair, "alice", &[]), without);
    drop(alice);
    let ids: Vec<_> = without.iter().map(|one| one["message_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["<2@alice>", "<1@alice>"]);
    assert!(without.iter().all(|one| one["state"] == "accepted"));
    let said = status(&pair, "alice", &["1@alice"]);
    assert_eq!(said.out.lines().count(), 1);
    assert!(
        said.out.contains(" <1@alice> to bob: accepted, automatic-action/"),
        "{}",
        said.out
    );
    // Read by nobody.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let config = pair.config("alice");
    let mut unread = gateway(["status".as_ref(), config.as_os_str()]);
    let output = unread.stdout(writer).output().unwrap();
    assert_eq!(
        (output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()),
        (Some(0), "")
    );
    let said = status(&pair, "alice", &["3@alice"]);
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    assert!(
        said.err.contains("there is no message 3@alice on record"),
        "{}",
        said.err
    );
}

/// The same Message-ID again is the same message again: Bob has it once, and answers as before.
#[test]
fn a_message_that_is_sent_twice_arrives_once() {
    let pair = Pair::init();
    let bob = pair.serve("bob");
    let file = pair.file("order.edi", b"UNA:+.? '");
    for _ in 0..2 {
        let (code, sent) = pair.send_file("alice", "bob", &file, &["--message-id", "1@alice"]);
        assert_eq!((code, &sent["attempts"]), (0, &1.into()), "{sent}");
    }
    assert_eq!(pair.received("bob", "alice").len(), 1);
    // Also by another process, after a kill.
    drop(bob);
    let (code, sent) = pair.send_file("alice", "bob", &file, &["--message-id", "1@alice"]);
    assert_eq!((code, &sent["attempts"]), (3, &1.into()), "{sent}");
    let _bob = pair.serve("bob");
    let (code, sent) = pair.send_file("alice", "bob", &file, &["--message-id", "1@alice"]);
    assert_eq!((code, &sent["status"]), (0, &"accepted".into()), "{sent}");
    assert_eq!(pair.received("bob", "alice").len(), 1);
    // Another message under that id is not sent at all.
    let other = pair.file("other.edi", b"UNB");
    let (code, sent) = pair.send_file("alice", "bob", &other, &["--message-id", "1@alice"]);
    assert_eq!((code, &sent["status"]), (1, &"not-sent".into()), "{sent}");
    assert!(
        sent["error"]
            .as_str()
            .unwrap()
            .contains("another message was already sent under this Message-ID; leave --message-id out"),
        "{sent}"
    );
}
