//! Several stations in one gateway.

use std::fs;

use crate::common::{Pair, json, run, wait_for};

/// Carol beside Alice, with Alice's TLS; Bob knows both.
fn with_carol() -> Pair {
    let pair = Pair::init();
    let carol = Pair::init();
    for (from, to) in [
        ("alice/alice.key", "alice/carol.key"),
        ("alice/alice.pem", "alice/carol.pem"),
        ("alice/alice.pem", "bob/carol.pem"),
    ] {
        fs::copy(carol.path(from), pair.path(to)).unwrap();
    }
    pair.edit("alice", |text| {
        let (head, partner) = text.split_once("[[partner]]").unwrap();
        let stations = "[[station]]\nas2_id = \"carol\"\nkey = \"carol.key\"\ncertificate = \"carol.pem\"\n\n";
        let of = |station: &str| format!("[[partner]]\nstation = {station:?}{partner}\n");
        format!("{head}{stations}{}{}", of("alice"), of("carol"))
    });
    pair.edit("bob", |text| {
        let (_, partner) = text.split_once("[[partner]]").unwrap();
        let carol = partner
            .replace("\"alice\"", "\"carol\"")
            .replace("\"alice.pem\"", "\"carol.pem\"");
        format!("{text}\n[[partner]]{carol}")
    });
    pair
}

#[test]
fn each_sends_and_receives_under_its_own_name_and_key() {
    let pair = with_carol();
    let (_alice, _bob) = (pair.serve("alice"), pair.serve("bob"));
    let file = pair.file("order.edi", b"UNA:+.? '");
    for (name, other) in [("alice", "carol"), ("carol", "alice")] {
        let (code, sent) = pair.send_file("alice", "bob", &file, &["--from", name]);
        assert_eq!((code, &sent["status"]), (0, &"accepted".into()), "{sent}");
        let received = pair.received("bob", name);
        assert_eq!(received.len(), 1);
        assert_eq!(json(&received[0].join("message.json"))["from"], name);

        let (code, sent) = pair.send_file("bob", name, &file, &[]);
        assert_eq!((code, &sent["status"]), (0, &"accepted".into()), "{sent}");
        let all = pair.received("alice", "bob");
        let to = |name: &str| {
            all.iter()
                .filter(|one| json(&one.join("message.json"))["to"] == name)
                .count()
        };
        assert_eq!((to(name), to(other)), (1, usize::from(name == "carol")));
    }
}

/// A directory says the partner and not the station: one of them sends what is dropped there, and `serve` says which.
#[test]
fn one_station_sends_what_is_dropped_for_a_partner_of_both() {
    let pair = with_carol();
    let (alice, _bob) = (pair.serve("alice"), pair.serve("bob"));
    pair.drop_into_outbox("order.edi", b"content");
    let sent = pair.path("alice/data/sent/bob/order.edi");
    wait_for("sending", || sent.exists().then_some(()));
    assert_eq!(
        (pair.received("bob", "alice").len(), pair.received("bob", "carol").len()),
        (1, 0)
    );
    let said = alice.stop().err;
    let warnings: Vec<_> = said.lines().filter(|line| line.contains(" WARN ")).collect();
    let [warning] = &warnings[..] else { panic!("{said}") };
    assert!(warning.contains("/outbox/bob are sent by alice: carol"), "{warning}");
}

#[test]
fn which_one_is_meant_has_to_be_said() {
    let pair = with_carol();
    let file = pair.file("order.edi", b"UNA:+.? '");
    let config = pair.config("alice");
    let said = run([
        "send".as_ref(),
        config.as_os_str(),
        "--to".as_ref(),
        "bob".as_ref(),
        file.as_os_str(),
    ]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("say which with --from"), "{}", said.err);
    pair.edit("alice", |text| text.replacen("station = \"alice\"", "", 1));
    let said = run(["certificates".as_ref(), config.as_os_str()]);
    assert_eq!(said.code, 1);
    assert!(
        said.err.contains("partner[0].station: there are several stations"),
        "{}",
        said.err
    );
}
