//! `inspect`: captures explained.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::common::{Pair, run};
use crate::partner::{Server, response};

/// Alice sends a file to somebody who writes down what comes, octet for octet.
pub(crate) fn capture(pair: &Pair) -> (PathBuf, Value) {
    let server = Server::answering(|_| response("200 OK", "", ""));
    let config = fs::read(pair.config("alice")).unwrap();
    pair.redirect(&server.url);
    let file = pair.file("order.edi", b"UNA:+.? '\r\n");
    let (_, sent) = pair.send_file("alice", "bob", &file, &["--message-id", "1@alice"]);
    fs::write(pair.config("alice"), config).unwrap();
    (pair.file("capture", &server.heard().octets), sent)
}

pub(crate) fn inspect(pair: &Pair, name: &str, capture: &Path) -> Value {
    let config = pair.config(name);
    let said = run([
        "inspect".as_ref(),
        config.as_os_str(),
        capture.as_os_str(),
        "--json".as_ref(),
    ]);
    assert_eq!(said.code, 0, "{}", said.err);
    serde_json::from_str(&said.out).unwrap()
}

#[test]
fn a_message_is_taken_apart() {
    let pair = Pair::init();
    let (capture, sent) = capture(&pair);
    let told = inspect(&pair, "bob", &capture);
    for (key, value) in [
        ("kind", "message"),
        ("from", "alice"),
        ("to", "bob"),
        ("message_id", "<1@alice>"),
        ("verdict", "accepted"),
    ] {
        assert_eq!(told[key], value, "{told}");
    }
    let layers = told["layers"].as_array().unwrap();
    assert_eq!(
        (&layers[0]["kind"], &layers[0]["algorithm"]),
        (&"encrypted".into(), &"aes256-cbc".into())
    );
    assert_eq!(layers[0]["recipients"][0]["held_by"], "bob");
    assert_eq!(
        layers[0]["recipients"][0]["fingerprint"],
        pair.fingerprint("bob/bob.pem")
    );
    assert_eq!(layers[1]["kind"], "signed");
    assert_eq!(layers[1]["signers"][0]["verified"], true);
    assert_eq!(
        layers[1]["signers"][0]["fingerprint"],
        pair.fingerprint("alice/alice.pem")
    );
    assert!(layers.iter().all(|layer| layer["size"].as_u64().unwrap() > 0));
    let mic = format!("{}, sha-256", told["mic"]["sha-256"].as_str().unwrap());
    assert_eq!(sent["mic_sent"], mic.as_str());
    for algorithm in ["sha-1", "sha-384", "sha-512"] {
        assert!(told["mic"][algorithm].is_string(), "{told}");
    }
    let text = run(["inspect".as_ref(), pair.config("bob").as_os_str(), capture.as_os_str()]).out;
    assert!(
        text.contains("encrypted (aes256-cbc)") && text.contains("accepted: "),
        "{text}"
    );
}

#[test]
fn a_message_that_is_refused_says_why() {
    let pair = Pair::init();
    let (capture, _) = capture(&pair);
    // Tampered with.
    let mut octets = fs::read(&capture).unwrap();
    let middle = octets.len() - 300;
    octets[middle] ^= 1;
    let tampered = pair.file("tampered", &octets);
    let told = inspect(&pair, "bob", &tampered);
    assert_eq!(told["verdict"], "refused", "{told}");
    assert!(!told["reason"].as_str().unwrap().is_empty());
    // Signed by a certificate that Bob has not configured.
    fs::copy(pair.path("bob/bob.pem"), pair.path("bob/alice.pem")).unwrap();
    let told = inspect(&pair, "bob", &capture);
    assert_eq!(told["verdict"], "refused", "{told}");
    let reason = told["reason"].as_str().unwrap();
    assert!(reason.contains(&pair.fingerprint("alice/alice.pem")), "{reason}");
    assert!(!told["advice"].as_str().unwrap().is_empty());
}

#[test]
fn a_receipt_is_held_against_what_was_sent() {
    let pair = Pair::init();
    let bob = pair.serve("bob");
    let file = pair.file("order.edi", b"UNA:+.? '\r\n");
    assert_eq!(pair.send_file("alice", "bob", &file, &["--message-id", "1@alice"]).0, 0);
    drop(bob);
    let told = inspect(&pair, "alice", &pair.path("alice/data/receipts/bob/1@alice.mdn"));
    for (key, value) in [
        ("kind", "mdn"),
        ("from", "bob"),
        ("to", "alice"),
        ("original_message_id", "<1@alice>"),
        ("verdict", "accepted"),
    ] {
        assert_eq!(told[key], value, "{told}");
    }
    assert_eq!(
        told["disposition"],
        "automatic-action/MDN-sent-automatically; processed"
    );
    assert_eq!(told["layers"][0]["kind"], "signed");
}

#[test]
fn what_is_no_as2_is_unknown() {
    let pair = Pair::init();
    let page = pair.file(
        "page",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<h1>Hello</h1>",
    );
    let told = inspect(&pair, "alice", &page);
    assert_eq!(
        (&told["kind"], &told["layers"]),
        (&"unknown".into(), &serde_json::json!([])),
        "{told}"
    );
    let said = run(["inspect".as_ref(), pair.config("alice").as_os_str(), "nowhere".as_ref()]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("cannot read nowhere: "), "{}", said.err);
}
