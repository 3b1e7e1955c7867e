//! Files both ways between two stations.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::common::{Pair, entries, json, run, wait_for};

const PROCESSED: &str = "automatic-action/MDN-sent-automatically; processed";

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

/// The fingerprint of the first certificate of that role and owner.
fn listed_fingerprint(config: &Path, role: &str, owner: &str) -> String {
    let said = run(["certificates".as_ref(), config.as_os_str(), "--json".as_ref()]);
    let listed: Value = serde_json::from_str(&said.out).unwrap();
    let found = listed
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["role"] == role && one["owner"] == owner);
    found.unwrap()["fingerprint"].as_str().unwrap().to_owned()
}

#[test]
fn files_go_both_ways_octet_for_octet() {
    let pair = Pair::init();
    let (_alice, _bob) = (pair.serve("alice"), pair.serve("bob"));
    let binary: Vec<u8> = (0..400_000_u32)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes())
        .collect();
    let contents: [&[u8]; 4] = [b"UNB+UNOA:1'\r\n", b"lines\nof\nUnix", b"\0\r\r\n--x", &binary];
    for (from, to) in [("alice", "bob"), ("bob", "alice")] {
        for (index, content) in contents.into_iter().enumerate() {
            let file = pair.file(&format!("{index}.edi"), content);
            let (code, sent) = pair.send_file(from, to, &file, &[]);
            assert_eq!((code, &sent["status"]), (0, &"accepted".into()), "{sent}");
            let message = pair
                .received(to, from)
                .into_iter()
                .find(|one| json(&one.join("message.json"))["message_id"] == sent["message_id"]);
            let message = message.unwrap();
            assert!(fs::read(message.join("payload")).unwrap() == content, "{sent}");
            assert_eq!(json(&message.join("message.json"))["mic"], sent["mic_received"]);
        }
        assert_eq!(pair.received(to, from).len(), contents.len());
    }
}

#[test]
fn what_is_printed_and_written_down() {
    let pair = Pair::init();
    let _bob = pair.serve("bob");
    let file = pair.file("order.edi", b"UNA:+.? '");
    let options = [
        "--subject",
        "Größe 17",
        "--message-id",
        "<17@alice>",
        "--content-type",
        "application/edifact",
    ];
    let (code, sent) = pair.send_file("alice", "bob", &file, &options);
    assert_eq!(code, 0, "{sent}");
    let expected = [
        "attempts",
        "disposition",
        "error",
        "http_status",
        "message_id",
        "mic_received",
        "mic_sent",
        "partner",
        "receipt_signed",
        "status",
    ];
    assert_eq!(keys(&sent), expected);
    assert_eq!(sent["message_id"], "<17@alice>");
    assert_eq!(sent["partner"], "bob");
    assert_eq!(sent["disposition"], PROCESSED);
    assert_eq!(sent["mic_sent"], sent["mic_received"]);
    assert!(sent["mic_sent"].as_str().unwrap().ends_with(", sha-256"));
    assert_eq!(sent["receipt_signed"], true);
    assert_eq!(
        (&sent["attempts"], &sent["http_status"], &sent["error"]),
        (&1.into(), &200.into(), &Value::Null)
    );

    let directory = pair.received("bob", "alice").remove(0);
    let name = directory.file_name().unwrap().to_str().unwrap();
    assert!(
        name.len() == 64 && name.bytes().all(|octet| octet.is_ascii_hexdigit()),
        "{name}"
    );
    let files: Vec<_> = entries(&directory)
        .iter()
        .map(|path| path.file_name().unwrap().to_owned())
        .collect();
    assert_eq!(files, ["message.json", "payload"]);
    let message = json(&directory.join("message.json"));
    let expected = [
        "content_type",
        "filename",
        "from",
        "layers",
        "message_id",
        "mic",
        "receipt",
        "received_at",
        "signer",
        "size",
        "subject",
        "to",
    ];
    assert_eq!(keys(&message), expected);
    assert_eq!(message["from"], "alice");
    assert_eq!(message["to"], "bob");
    assert_eq!(message["subject"], "Größe 17", "as it was written, not as it travels");
    assert_eq!(message["filename"], "order.edi");
    assert_eq!(message["content_type"], "application/edifact");
    assert_eq!(message["size"], 9);
    assert_eq!(message["layers"], serde_json::json!(["encrypted", "signed"]));
    assert_eq!(
        message["receipt"],
        serde_json::json!({ "mode": "sync", "disposition": PROCESSED })
    );
    assert_eq!(
        message["signer"],
        listed_fingerprint(&pair.config("bob"), "verify-and-encrypt", "alice")
    );
    let received_at = message["received_at"].as_str().unwrap();
    assert!(received_at.len() == 20 && received_at.ends_with('Z'), "{received_at}");

    let receipt = fs::read(pair.path("alice/data/receipts/bob/17@alice.mdn")).unwrap();
    assert!(String::from_utf8_lossy(&receipt).contains("disposition-notification"));
}

#[test]
fn every_structure_of_a_message_works() {
    for (sign, encrypt, compress, receipt, layers, status) in [
        (
            "sha-512",
            "aes128-cbc",
            "before-signing",
            "sync",
            r#"["encrypted","signed","compressed"]"#,
            "accepted",
        ),
        (
            "sha-384",
            "aes192-cbc",
            "after-signing",
            "sync",
            r#"["encrypted","compressed","signed"]"#,
            "accepted",
        ),
        ("sha-256", "none", "none", "sync", r#"["signed"]"#, "accepted"),
        (
            "none",
            "aes256-cbc",
            "none",
            "none",
            r#"["encrypted"]"#,
            "no-receipt-requested",
        ),
        ("none", "none", "none", "sync", "[]", "accepted"),
    ] {
        let pair = Pair::init();
        pair.replace(
            "alice",
            "sign = \"sha-256\"",
            &format!("sign = \"{sign}\"\ncompress = \"{compress}\""),
        );
        pair.replace(
            "alice",
            "encrypt = \"aes256-cbc\"",
            &format!("encrypt = \"{encrypt}\"\ntransfer = \"chunked\""),
        );
        pair.replace("alice", "receipt = \"sync\"", &format!("receipt = \"{receipt}\""));
        // Bob takes what the connection vouches for.
        pair.replace("bob", "require_signature = true", "require_signature = false");
        pair.replace("bob", "require_encryption = true", "require_encryption = false");
        pair.replace("bob", "# client_certificates", "client_certificates");
        let _bob = pair.serve("bob");
        let file = pair.file("order.edi", &b"LIN+1++4000862141404:SRS'\r\n".repeat(500));
        let (code, sent) = pair.send_file("alice", "bob", &file, &[]);
        assert_eq!((code, &sent["status"]), (0, &status.into()), "{sent}");
        let directory = pair.received("bob", "alice").remove(0);
        let message = json(&directory.join("message.json"));
        assert_eq!(message["layers"].to_string(), layers);
        assert_eq!(message["receipt"]["mode"], receipt);
        assert_eq!(message["signer"].is_null(), sign == "none");
        assert_eq!(fs::read(directory.join("payload")).unwrap(), fs::read(&file).unwrap());
    }
}

#[test]
fn several_attachments_are_one_message() {
    let pair = Pair::init();
    let _bob = pair.serve("bob");
    let contents: [(&str, &[u8]); 3] = [
        ("a.xml", b"<a/>\n"),
        ("b c.pdf", b"%PDF\0\r\n--\r\n"),
        ("empty.txt", b""),
    ];
    let files = contents.map(|(name, content)| pair.file(name, content));
    let mut args: Vec<_> = files.iter().map(|file| file.as_os_str()).collect();
    args.push("--attach".as_ref());
    let (code, lines) = pair.send("alice", "bob", &args);
    assert_eq!((code, lines.len()), (0, 1), "{lines:?}");
    let directory = pair.received("bob", "alice").remove(0);
    let message = json(&directory.join("message.json"));
    assert_eq!(
        message["attachments"],
        serde_json::json!(["01-a.xml", "02-b c.pdf", "03-empty.txt"])
    );
    for (name, (_, content)) in ["01-a.xml", "02-b c.pdf", "03-empty.txt"].into_iter().zip(contents) {
        assert_eq!(fs::read(directory.join(name)).unwrap(), content, "{name}");
    }
    assert!(!directory.join("payload").exists());
}

#[test]
fn several_files_are_several_messages() {
    let pair = Pair::init();
    let _bob = pair.serve("bob");
    let files = ["1.edi", "2.edi"].map(|name| pair.file(name, name.as_bytes()));
    let args: Vec<_> = files.iter().map(|file| file.as_os_str()).collect();
    let (code, lines) = pair.send("alice", "bob", &args);
    assert_eq!((code, lines.len()), (0, 2));
    assert_ne!(lines[0]["message_id"], lines[1]["message_id"]);
    wait_for("both messages", || {
        (pair.received("bob", "alice").len() == 2).then_some(())
    });
}
