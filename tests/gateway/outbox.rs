//! Files that are dropped into the outbox.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::common::{Pair, entries, json, wait_for};
use crate::later::records;
use crate::partner::{Receipt, Server, bob};

#[test]
fn a_file_that_is_moved_in_is_sent_and_put_away_with_its_receipt() {
    let pair = Pair::init();
    let (_alice, _bob) = (pair.serve("alice"), pair.serve("bob"));
    for (index, name) in ["order.edi", "order.edi", "2.edi"].into_iter().enumerate() {
        pair.drop_into_outbox(name, format!("content {index}").as_bytes());
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
    // Its own record does not take the place of a file that was sent under that name.
    for name in ["a.json", "a"] {
        pair.drop_into_outbox(name, name.as_bytes());
        wait_for("sending", || {
            entries(&pair.path("alice/data/outbox/bob")).is_empty().then_some(())
        });
    }
    assert_eq!(fs::read(sent.join("a.json")).unwrap(), b"a.json");
    assert_eq!(fs::read(sent.join("2-a")).unwrap(), b"a");
}

#[test]
fn a_file_that_cannot_be_sent_is_put_away_with_the_reason() {
    let pair = Pair::retrying(1, "1ms");
    let _alice = pair.serve("alice");
    pair.drop_into_outbox("order.edi", b"content");
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

/// The file is put away when the receipt has come, not before.
#[test]
fn a_receipt_that_comes_later_is_waited_for() {
    let pair = Pair::init();
    pair.replace("alice", "receipt = \"sync\"", "receipt = \"async\"");
    let (_alice, _bob) = (pair.serve("alice"), pair.serve("bob"));
    pair.drop_into_outbox("order.edi", b"content");
    let sent = pair.path("alice/data/sent/bob");
    wait_for("the receipt", || sent.join("order.edi").exists().then_some(()));
    let outcome = json(&sent.join("order.edi.json"));
    assert_eq!(
        (&outcome["status"], &outcome["receipt_signed"]),
        (&"accepted".into(), &true.into()),
        "{outcome}"
    );
    assert_eq!(outcome["mic_sent"], outcome["mic_received"]);
    assert!(sent.join("order.edi.mdn").exists());
    let message = json(&pair.received("bob", "alice")[0].join("message.json"));
    assert_eq!(message["receipt"]["mode"], "async");
    assert_eq!(message["message_id"], outcome["message_id"]);
}

/// The partner's last word, without the right digest: the outbox says the same of it as `send`.
#[test]
fn warnings_without_a_digest() {
    let duplicate = "processed/warning: duplicate-document";
    for (signed, mic, status) in [
        (true, None, "mic-mismatch"),
        (true, Some("no digest, sha-256"), "mic-mismatch"),
        (false, Some("no digest, sha-256"), "mic-mismatch"),
        (false, None, "warning"),
    ] {
        let pair = Pair::init();
        let by = bob(&pair);
        let server = Server::answering(move |request| {
            let receipt = Receipt::new(request.message_id(), duplicate, mic);
            let receipt = if signed { receipt.signed(&by) } else { receipt };
            receipt.response()
        });
        pair.redirect(&server.url);
        let asked = format!("signed_receipt = {signed}");
        pair.replace("alice", "signed_receipt = true", &asked);
        let _alice = pair.serve("alice");
        pair.drop_into_outbox("order.edi", b"content");
        let note = match status {
            "warning" => "alice/data/sent/bob/order.edi.json",
            _ => "alice/data/failed/bob/order.edi.error.json",
        };
        let note = pair.path(note);
        wait_for("the receipt", || note.exists().then_some(()));
        let outcome = json(&note);
        assert_eq!(
            (&outcome["status"], &outcome["receipt_signed"]),
            (&status.into(), &signed.into()),
            "{mic:?}: {outcome}"
        );
    }
}

/// A file that was taken when the process was killed goes out at the next start, once.
#[test]
fn a_file_outlives_the_process() {
    let pair = Pair::retrying(1000, "1ms");
    let alice = pair.serve("alice");
    pair.drop_into_outbox("order.edi", b"content");
    let notes = pair.path("alice/data/spool/sending/bob");
    let noted = || {
        fs::read_to_string(notes.join("order.edi"))
            .ok()
            .filter(|text| !text.is_empty())
    };
    let note: Value = serde_json::from_str(&wait_for("taking the file", noted)).unwrap();
    // Killed, with nobody at Bob's.
    drop(alice);
    let (_bob, _alice) = (pair.serve("bob"), pair.serve("alice"));
    let sent = pair.path("alice/data/sent/bob/order.edi");
    wait_for("sending", || sent.exists().then_some(()));
    let message = json(&pair.received("bob", "alice")[0].join("message.json"));
    assert_eq!(message["message_id"], note["message_id"]);
    wait_for("tidying up", || entries(&notes).is_empty().then_some(()));
}

/// While nobody is there, it is tried again; `status` says why, and a stop does not wait for the next attempt.
#[test]
fn a_retry_that_waits_holds_nothing_up() {
    let pair = Pair::retrying(5, "1h");
    let alice = pair.serve("alice");
    pair.drop_into_outbox("order.edi", b"content");
    let waiting = wait_for("an attempt", || {
        let record = records(&pair, "alice", &[]).into_iter().next()?;
        record["error"].is_string().then_some(record)
    });
    assert_eq!(
        (&waiting["state"], &waiting["attempts"]),
        (&"sending".into(), &1.into())
    );
    assert!(
        waiting["error"].as_str().unwrap().contains("cannot connect"),
        "{waiting}"
    );
    let said = alice.stop();
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(
        said.err.contains("the next one is due in ") && !said.err.contains("not done after"),
        "{}",
        said.err
    );
    // It is taken up where it was.
    assert!(pair.path("alice/data/outbox/bob/order.edi").exists());
    assert_eq!(entries(&pair.path("alice/data/queue")).len(), 1);
}

/// A server that comes back gets the message, under the same id.
#[test]
fn a_partner_that_comes_back() {
    let pair = Pair::retrying(5, "1s");
    let _alice = pair.serve("alice");
    pair.drop_into_outbox("order.edi", b"content");
    wait_for("an attempt", || {
        let record = records(&pair, "alice", &[]).into_iter().next()?;
        record["error"].is_string().then_some(())
    });
    let _bob = pair.serve("bob");
    let sent = pair.path("alice/data/sent/bob/order.edi");
    wait_for("sending", || sent.exists().then_some(()));
    let outcome = json(&sent.with_file_name("order.edi.json"));
    assert!(outcome["attempts"].as_u64().unwrap() > 1, "{outcome}");
    assert_eq!(
        outcome["message_id"],
        json(&pair.received("bob", "alice")[0].join("message.json"))["message_id"]
    );
    wait_for("tidying up", || {
        entries(&pair.path("alice/data/queue")).is_empty().then_some(())
    });
}

/// A file that takes the place of one that is on its way is another message, and is sent as well.
#[test]
fn a_file_that_is_replaced_while_it_is_sent() {
    let pair = Pair::retrying(5, "2s");
    let _alice = pair.serve("alice");
    let attempted = |count: usize| {
        wait_for("attempts", || {
            let records = records(&pair, "alice", &[]);
            let tried = records.iter().filter(|record| record["error"].is_string()).count();
            (tried == count).then_some(())
        });
    };
    pair.drop_into_outbox("order.edi", b"the first");
    attempted(1);
    pair.drop_into_outbox("order.edi", b"the second");
    let _bob = pair.serve("bob");
    let sent = pair.path("alice/data/sent/bob");
    wait_for("sending", || sent.join("2-order.edi").exists().then_some(()));
    assert_eq!(fs::read(sent.join("2-order.edi")).unwrap(), b"the second");
    let received = pair.received("bob", "alice");
    let mut contents: Vec<_> = received
        .iter()
        .map(|directory| fs::read_to_string(directory.join("payload")).unwrap())
        .collect();
    contents.sort();
    assert_eq!(contents, ["the first", "the second"]);
    // What became of the first is written down, too.
    let ids: Vec<_> = entries(&sent)
        .iter()
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .map(|path| json(path)["message_id"].clone())
        .collect();
    assert!(ids.len() == 2 && ids[0] != ids[1], "{ids:?}");
}

/// A file whose time alone changes is the same order, and is not sent again.
#[test]
fn a_file_that_is_touched_while_it_is_sent() {
    let pair = Pair::retrying(5, "2s");
    let _alice = pair.serve("alice");
    pair.drop_into_outbox("order.edi", b"the only one");
    wait_for("an attempt", || {
        let tried = records(&pair, "alice", &[])
            .iter()
            .any(|record| record["error"].is_string());
        tried.then_some(())
    });
    let file = pair.path("alice/data/outbox/bob/order.edi");
    let file = fs::File::options().append(true).open(file).unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(60)).unwrap();
    let _bob = pair.serve("bob");
    let sent = pair.path("alice/data/sent/bob");
    wait_for("sending", || sent.join("order.edi").exists().then_some(()));
    // Time enough to be taken once more.
    sleep(Duration::from_secs(4));
    assert_eq!(entries(&pair.path("alice/data/outbox/bob")), [""; 0].map(PathBuf::from));
    assert_eq!(pair.received("bob", "alice").len(), 1);
}

/// What nobody will send is told of, once.
#[test]
fn what_cannot_be_sent_from_the_outbox() {
    let pair = Pair::init();
    let alice = pair.serve("alice");
    let outbox = pair.path("alice/data/outbox");
    fs::create_dir_all(outbox.join("bbo")).unwrap();
    fs::write(outbox.join("bbo/order.edi"), b"content").unwrap();
    fs::create_dir_all(outbox.join("bob/sub")).unwrap();
    std::os::unix::fs::symlink(pair.config("alice"), outbox.join("bob/link.edi")).unwrap();
    sleep(Duration::from_secs(1));
    let said = alice.stop();
    for (name, why) in [
        ("outbox/bbo ", "no partner of that name"),
        ("bob/sub ", "no regular file"),
        ("bob/link.edi ", "no regular file"),
    ] {
        let lines: Vec<_> = said.err.lines().filter(|line| line.contains(name)).collect();
        assert!(lines.len() == 1 && lines[0].contains(why), "{name}: {}", said.err);
    }
}
