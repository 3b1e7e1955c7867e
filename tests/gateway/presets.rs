//! Partners with a way of their own.

use std::fs;

use crate::common::Pair;
use crate::inspecting::capture;

/// OpenAS2 digests the content of unsigned messages alone: both have to know of it.
#[test]
fn openas2_digests_unsigned_messages_without_their_head() {
    let pair = Pair::init();
    for name in ["alice", "bob"] {
        pair.replace(name, "sign = \"sha-256\"", "sign = \"none\"");
        pair.replace(name, "require_signature = true", "require_signature = false");
        pair.replace(name, "# client_certificates", "client_certificates");
    }
    let preset = |name: &str| {
        pair.edit(name, |text| {
            text.replace("[[partner]]\n", "[[partner]]\npreset = \"openas2\"\n")
        })
    };
    let file = pair.file("order.edi", b"UNA:+.? '");
    for (knows, code, status) in [("bob", 4, "mic-mismatch"), ("alice", 0, "accepted")] {
        preset(knows);
        let _bob = pair.serve("bob");
        let (exit, sent) = pair.send_file("alice", "bob", &file, &[]);
        assert_eq!((exit, &sent["status"]), (code, &status.into()), "{sent}");
    }
}

/// BizTalk wants receipt options that it can insist on.
#[test]
fn biztalk_is_asked_for_what_is_required() {
    let pair = Pair::init();
    let options = |pair: &Pair| {
        let message = fs::read(capture(pair).0).unwrap();
        let text = String::from_utf8_lossy(&message).into_owned();
        let mut lines = text.lines().map(str::to_ascii_lowercase);
        lines
            .find(|line| line.starts_with("disposition-notification-options"))
            .unwrap()
    };
    assert!(!options(&pair).contains("required"));
    pair.edit("alice", |text| {
        text.replace("[[partner]]\n", "[[partner]]\npreset = \"biztalk\"\n")
    });
    assert!(
        options(&pair).contains("signed-receipt-protocol=required"),
        "{}",
        options(&pair)
    );
}
