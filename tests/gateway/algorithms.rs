//! Every algorithm that can be configured, as it is on the wire.

use std::fs;

use serde_json::Value;

use crate::common::{Pair, run};
use crate::inspecting::{capture, inspect};
use crate::keys::{certificate, pkcs12};

/// Sends under these lines of `[partner.send]`, and gives the layers of a message and those of its receipt.
fn exchange(pair: &Pair, send: &str) -> (Vec<Value>, Vec<Value>) {
    for name in ["alice", "bob"] {
        pair.edit(name, |text| {
            let (head, rest) = text.split_once("[partner.send]\n").unwrap();
            let (_, tail) = rest.split_once("\n[partner.accept]").unwrap();
            format!("{head}[partner.send]\n{send}\n\n[partner.accept]{tail}")
        });
    }
    let (_alice, _bob) = (pair.serve("alice"), pair.serve("bob"));
    let file = pair.file("order.edi", &b"LIN+1++4000862141404:SRS'\r\n".repeat(500));
    for (from, to) in [("alice", "bob"), ("bob", "alice")] {
        let id = format!("1@{from}");
        let (code, sent) = pair.send_file(from, to, &file, &[]);
        assert_eq!((code, &sent["status"]), (0, &"accepted".into()), "{send}: {id}: {sent}");
        assert_eq!(sent["receipt_signed"], true, "{sent}");
        let directory = pair.received(to, from).into_iter().next().unwrap();
        assert_eq!(fs::read(directory.join("payload")).unwrap(), fs::read(&file).unwrap());
        fs::remove_dir_all(directory).unwrap();
    }
    let receipt = fs::read_dir(pair.path("alice/data/receipts/bob"))
        .unwrap()
        .next()
        .unwrap();
    let receipt = receipt.unwrap().path();
    let mdn = inspect(pair, "alice", &receipt);
    fs::remove_file(receipt).unwrap();
    let message = inspect(pair, "bob", &capture(pair).0);
    assert_eq!(message["verdict"], "accepted", "{message}");
    fs::remove_dir_all(pair.path("alice/data")).unwrap();
    let layers = |told: &Value| told["layers"].as_array().unwrap().clone();
    (layers(&message), layers(&mdn))
}

fn text<'a>(layer: &'a Value, key: &str) -> &'a str {
    layer[key].as_str().unwrap_or_else(|| panic!("{layer}"))
}

/// Whether something is said of the recipients or signers of a layer.
fn says(layer: &Value, what: &str) -> bool {
    layer.to_string().to_ascii_lowercase().contains(what)
}

#[test]
fn keys_of_rsa() {
    let pair = Pair::init();
    for name in ["alice", "bob"] {
        pair.replace(
            name,
            "require_encryption = true",
            "require_encryption = true\nallow = [\"sha-1\", \"3des\"]",
        );
    }
    for (signature, sign, transport, cipher) in [
        ("rsa-pss", "sha-384", "rsa-oaep", "aes256-gcm"),
        ("rsa-pkcs1", "sha-512", "rsa-oaep", "aes128-gcm"),
        ("rsa-pss", "sha-256", "rsa-pkcs1", "aes192-cbc"),
        ("rsa-pkcs1", "sha-1", "rsa-pkcs1", "3des"),
    ] {
        let (message, receipt) = exchange(
            &pair,
            &format!("signature = {signature:?}\nsign = {sign:?}\nkey_transport = {transport:?}\nencrypt = {cipher:?}"),
        );
        assert_eq!(text(&message[0], "algorithm"), cipher);
        assert_eq!(says(&message[0], "oaep"), transport == "rsa-oaep", "{}", message[0]);
        for layer in [&message[1], &receipt[0]] {
            assert_eq!(says(layer, "pss"), signature == "rsa-pss", "{layer}");
            assert!(text(layer, "algorithm").contains(sign), "{layer}");
        }
    }
}

/// Nothing needs to be said of what the keys can do.
#[test]
fn keys_on_elliptic_curves() {
    let pair = Pair::init();
    for (name, partner, path, password, env) in [
        ("alice", "bob", "openssl/keyfiles/ec.p12", "secret", "OPENSSL_PASSWORD"),
        ("bob", "alice", "keytool/ec.p12", "secret1", "KEYTOOL_PASSWORD"),
    ] {
        pair.rekey(name, partner, &pkcs12(path, env), &certificate(path, password));
    }
    for (send, cipher) in [
        (
            "signature = \"ecdsa\"\nkey_transport = \"ecdh\"\nencrypt = \"aes256-gcm\"",
            "aes256-gcm",
        ),
        ("", "aes256-cbc"),
    ] {
        let (message, receipt) = exchange(&pair, send);
        assert_eq!(text(&message[0], "algorithm"), cipher);
        assert!(says(&message[0], "ecdh"), "{}", message[0]);
        assert!(says(&message[1], "ecdsa"), "{}", message[1]);
        assert!(says(&receipt[0], "ecdsa"), "{}", receipt[0]);
    }
}

#[test]
fn what_a_key_cannot_do() {
    let pair = Pair::init();
    let original = fs::read_to_string(pair.config("alice")).unwrap();
    for (line, key, cause) in [
        (
            "signature = \"ecdsa\"",
            "partner[0].send.signature",
            "our key, of CN=alice, cannot sign so",
        ),
        (
            "key_transport = \"ecdh\"",
            "partner[0].send.key_transport",
            "is an RSA key: take \"rsa-pkcs1\" or \"rsa-oaep\"",
        ),
    ] {
        let sends = format!("[partner.send]\n{line}");
        fs::write(pair.config("alice"), original.replace("[partner.send]", &sends)).unwrap();
        let said = run(["certificates".as_ref(), pair.config("alice").as_os_str()]);
        assert_eq!(said.code, 1);
        assert!(said.err.contains(key) && said.err.contains(cause), "{}", said.err);
    }
}
