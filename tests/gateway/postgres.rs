//! Gateways that share a PostgreSQL: `EDIINT_POSTGRES` is its URL, as `tests/postgres/setup` prints it. Without it nothing
//! runs, unless `EDIINT_PEERS=1` insists.

#[path = "../support/postgres.rs"]
mod server;

use std::fs;
use std::path::Path;

use crate::common::{Pair, free_port, wait_for};

/// The URL of an empty schema.
fn schema(name: &str) -> Option<String> {
    let url = server::url()?;
    let schema = format!("{}_{name}", server::fresh_name());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(server::execute(&url, &format!("CREATE SCHEMA {schema}")));
    Some(server::in_schema(&url, &schema))
}

/// A second gateway of the same station, with directories and ports of its own. Gives its HTTPS port.
fn twin(pair: &Pair, name: &str) -> u16 {
    let (home, other) = (pair.path(name), pair.path(&format!("{name}2")));
    fs::create_dir_all(other.join("data/outbox/bob")).unwrap();
    for entry in fs::read_dir(home).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_file() {
            fs::copy(&entry, other.join(entry.file_name().unwrap())).unwrap();
        }
    }
    let ports = [(); 2].map(|()| free_port());
    let first = if name == "alice" { 0 } else { 2 };
    pair.edit(&format!("{name}2"), |mut text| {
        for (index, port) in ports.iter().enumerate() {
            let own = format!("listen = \"127.0.0.1:{}\"", pair.ports[first + index]);
            text = text.replace(&own, &format!("listen = \"127.0.0.1:{port}\""));
        }
        text
    });
    ports[1]
}

#[test]
fn gateways_that_share_a_store() {
    let (Some(of_alice), Some(of_bob)) = (schema("alice"), schema("bob")) else {
        return;
    };
    let pair = Pair::init();
    for (name, url) in [("alice", &of_alice), ("bob", &of_bob)] {
        pair.edit(name, |text| format!("postgres = {url:?}\n{text}"));
    }
    let (alice2, bob2) = (twin(&pair, "alice"), twin(&pair, "bob"));
    // Bob posts receipts to the url of Alice's partnership alone, unless he is told otherwise.
    for name in ["bob", "bob2"] {
        let hosts = format!("require_encryption = true\nreceipt_hosts = [\"127.0.0.1:{alice2}\"]");
        pair.replace(name, "require_encryption = true", &hosts);
    }
    let serving = ["alice", "alice2", "bob", "bob2"].map(|name| pair.serve(name));
    let file = pair.file("order.edi", b"UNA:+.? '");
    let inboxes = || {
        [
            pair.received("bob", "alice").len(),
            pair.received("bob2", "alice").len(),
        ]
    };

    // A message that comes to both gateways of Bob is delivered by one.
    let (code, sent) = pair.send_file("alice", "bob", &file, &["--message-id", "1@alice"]);
    assert_eq!((code, &sent["status"]), (0, &"accepted".into()), "{sent}");
    let own = format!("url = \"https://127.0.0.1:{}/as2\"", pair.ports[3]);
    let others = format!("url = \"https://127.0.0.1:{bob2}/as2\"");
    pair.replace("alice", &own, &others);
    let (code, sent) = pair.send_file("alice", "bob", &file, &["--message-id", "1@alice"]);
    assert_eq!((code, &sent["status"]), (0, &"accepted".into()), "{sent}");
    assert_eq!(inboxes(), [1, 0]);

    // A receipt that comes back to the other gateway of Alice closes what the first has sent.
    let own = format!("receipt_url = \"https://127.0.0.1:{}/as2\"", pair.ports[1]);
    pair.replace(
        "alice",
        &own,
        &format!("receipt_url = \"https://127.0.0.1:{alice2}/as2\""),
    );
    let (code, sent) = pair.send_file(
        "alice",
        "bob",
        &file,
        &["--async", "--wait", "60", "--message-id", "2@alice"],
    );
    assert_eq!((code, &sent["status"]), (0, &"accepted".into()), "{sent}");
    assert!(pair.path("alice2/data/receipts/bob/2@alice.mdn").exists());

    // What is dropped at one gateway is sent by it: the other does not have the file.
    for name in ["alice", "alice2"] {
        let made = pair.file("made", name.as_bytes());
        fs::rename(made, pair.path(name).join("data/outbox/bob/dropped.edi")).unwrap();
        let sent = pair.path(name).join("data/sent/bob/dropped.edi");
        wait_for("sending", || sent.exists().then_some(()));
    }
    assert_eq!(inboxes().iter().sum::<usize>(), 4);
    let [place, other] =
        ["alice", "alice2"].map(|name| fs::read_to_string(pair.path(name).join("data/place")).unwrap());
    assert_ne!(place, other);
    assert!(!Path::new(&pair.path("alice/data/store.redb")).exists());
    drop(serving);
}
