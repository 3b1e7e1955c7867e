//! `inspect`: captures explained.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use ediint::{DigestAlgorithm, Mic};
use serde_json::Value;

use crate::common::{Pair, run, wait_for};
use crate::partner::{Receipt, Server, bob, response};

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
    inspect_with(pair, name, capture, &[])
}

fn inspect_with(pair: &Pair, name: &str, capture: &Path, options: &[&OsStr]) -> Value {
    let config = pair.config(name);
    let args = [
        "inspect".as_ref(),
        config.as_os_str(),
        capture.as_os_str(),
        "--json".as_ref(),
    ];
    let said = run(args.iter().chain(options));
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
    assert_eq!(layers[1]["signers"][0]["partner"], "alice");
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
    let reason = told["reason"].as_str().unwrap();
    assert!(reason.contains("the ciphertext was changed on the way"), "{reason}");
    // At the sender: whom it is encrypted for.
    let told = inspect(&pair, "alice", &capture);
    assert_eq!(told["layers"][0]["recipients"][0]["partner"], "bob", "{told}");
    assert_eq!(
        told["layers"][0]["recipients"][0]["fingerprint"],
        pair.fingerprint("bob/bob.pem")
    );
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

    // On another machine nothing is on record; the file says as much.
    let receipt = pair.path("alice/data/receipts/bob/1@alice.mdn");
    let receipt = pair.file("receipt", &fs::read(receipt).unwrap());
    fs::remove_dir_all(pair.path("alice/data")).unwrap();
    assert_eq!(inspect(&pair, "alice", &receipt)["verdict"], "undecided");
    let other = pair.file("other.edi", b"UNA:+.? '");
    for (original, verdict) in [(&file, "accepted"), (&other, "refused")] {
        let options = ["--original".as_ref(), original.as_os_str()];
        let told = inspect_with(&pair, "alice", &receipt, &options);
        assert_eq!(told["verdict"], verdict, "{told}");
    }
}

/// The entity that was signed, out of a message that is not encrypted, with the line ends of Windows.
fn rewritten(message: &[u8]) -> Vec<u8> {
    let message = String::from_utf8_lossy(message);
    let (_, body) = message.split_once("\r\n\r\n").unwrap();
    let (boundary, rest) = body.split_once("\r\n").unwrap();
    let (entity, _) = rest.split_once(&format!("\r\n{boundary}")).unwrap();
    assert!(entity.ends_with("lines\nof\nUnix\n"), "{entity}");
    entity.replace("\r\n", "\n").replace('\n', "\r\n").into_bytes()
}

/// A partner that rewrites line ends has the message and returns another MIC. That it is of the other form is found out
/// where the file is known: to the outbox, or to whoever asks.
#[test]
fn a_receipt_for_rewritten_line_ends() {
    let pair = Pair::init();
    let open = "encrypt = \"none\"\nallow_plaintext = true";
    pair.replace("alice", "encrypt = \"aes256-cbc\"", open);
    let config = fs::read(pair.config("alice")).unwrap();
    let redirect = || {
        let by = bob(&pair);
        let server = Server::answering(move |request| {
            let mic = Mic::of(DigestAlgorithm::Sha256, &rewritten(&request.octets)).to_string();
            let receipt = Receipt::new(request.message_id(), "processed", Some(&mic));
            receipt.signed(&by).response()
        });
        fs::write(pair.config("alice"), &config).unwrap();
        pair.redirect(&server.url);
    };
    let content = b"lines\nof\nUnix\n";
    let file = pair.file("order.edi", content);
    redirect();
    let (code, sent) = pair.send_file("alice", "bob", &file, &["--message-id", "1@alice"]);
    assert_eq!((code, &sent["status"]), (4, &"mic-mismatch".into()), "{sent}");
    let receipt = pair.path("alice/data/receipts/bob/1@alice.mdn");
    let told = inspect(&pair, "alice", &receipt);
    assert_eq!(told["verdict"], "refused", "{told}");
    assert!(told["advice"].as_str().unwrap().contains("Give the original"), "{told}");
    let reason = "the MIC in this receipt equals ours of the signed entity with its MIME headers after LF was turned into CRLF: \
                  the partner rewrote line ends";
    let told = inspect_with(&pair, "alice", &receipt, &["--original".as_ref(), file.as_os_str()]);
    assert_eq!(
        (&told["verdict"], &told["reason"]),
        (&"refused".into(), &reason.into()),
        "{told}"
    );

    redirect();
    let alice = pair.serve("alice");
    pair.drop_into_outbox("order.edi", content);
    let note = pair.path("alice/data/failed/bob/order.edi.error.json");
    wait_for("the receipt", || note.exists().then_some(()));
    drop(alice);
    let receipt = pair.path("alice/data/failed/bob/order.edi.mdn");
    assert_eq!(inspect(&pair, "alice", &receipt)["reason"], reason);
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
