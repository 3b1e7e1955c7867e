//! The order in which a message gets to the disk, as the operating system sees it: by `strace`.

use std::env;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use bytes::Bytes;
use ediint::keystore::{MemoryKeyStore, PartnerCertificates};
use ediint::partnership::Partnership;
use ediint::store::{MemoryStore, Partnerships};
use ediint::{As2Client, As2Name, As2Receiver, DirectoryInbox, OutboundMessage, Spool, SpoolOptions};
use http_body_util::{BodyExt, Full};

use crate::openssl::{certificate, identity};
use crate::peers_wanted;
use crate::us::Today;

/// Where the process under watch works.
const PLACE: &str = "EDIINT_SYNCS_PLACE";

#[tokio::test]
#[ignore = "a process that the next tests watch"]
async fn delivers_a_message() {
    let place = place();
    let (us, acme) = (As2Name::new("us").unwrap(), As2Name::new("acme").unwrap());
    let url = || "http://127.0.0.1/as2".parse().unwrap();
    let keys = |own: &As2Name, file, other: &As2Name, their| {
        let keys = MemoryKeyStore::new();
        keys.set_identity(own.clone(), identity(file));
        keys.set_partner(own.clone(), other.clone(), PartnerCertificates::new(certificate(their)));
        Arc::new(keys)
    };
    let to_us = Partnership::new(acme.clone(), us.clone(), url());
    let client = As2Client::builder(keys(&acme, "alice", &us, "bob"), MemoryStore::new())
        .clock(Today)
        .build()
        .unwrap();
    let message = OutboundMessage::new(vec![b'x'; 10_000]);
    let prepared = client.prepare(&to_us, message).await.unwrap();
    let (head, body) = prepared.request().unwrap().into_parts();
    let body = Full::new(body.collect().await.unwrap().to_bytes());

    let partnerships = Partnerships::from_iter([Partnership::new(us.clone(), acme.clone(), url())]);
    let receiver = As2Receiver::builder(keys(&us, "bob", &acme, "alice"), partnerships, MemoryStore::new())
        .spool(SpoolOptions::new().threshold(100).directory(place.join("spool")))
        .inbox(DirectoryInbox::new(place.join("inbox/of/us")).metadata("note", |_| Bytes::from_static(b"a note")))
        .clock(Today)
        .build()
        .unwrap();
    let answer = receiver.receive(http::Request::from_parts(head, body)).await;
    let receipt = String::from_utf8_lossy(answer.body().octets()).into_owned();
    assert!(receipt.contains("; processed\r\n"), "{receipt}");
    fs::write(place.join("receipt"), receipt).unwrap();
}

#[test]
#[ignore = "a process that the next tests watch"]
fn persists_a_spool() {
    let place = place();
    for (threshold, name) in [(0, "from-disk"), (1000, "from-memory")] {
        let options = SpoolOptions::new().threshold(threshold).directory(place.join("spool"));
        let mut spool: Spool = options.create();
        spool.write_all(b"an order").unwrap();
        spool.persist(place.join("inbox").join(name)).unwrap();
        fs::write(place.join("receipt"), "").unwrap();
    }
}

fn place() -> PathBuf {
    env::var_os(PLACE).expect("started by the next tests").into()
}

/// What a test of this file did to the disk: one line for each sync, renaming, and receipt.
fn watch(test: &str) -> Vec<String> {
    let place = tempfile::tempdir().unwrap();
    for directory in ["spool", "inbox"] {
        fs::create_dir(place.path().join(directory)).unwrap();
    }
    let trace = place.path().join("trace");
    let output = Command::new("strace")
        .args([
            "-f",
            "-y",
            "-s",
            "4096",
            "-e",
            "trace=fsync,fdatasync,openat,/rename",
            "-o",
        ])
        .arg(&trace)
        .arg(env::current_exe().unwrap())
        .args(["--exact", &format!("syncs::{test}"), "--ignored"])
        .env(PLACE, place.path())
        .output()
        .expect("EDIINT_PEERS=1 is set, but there is no strace command on the PATH");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let trace = fs::read_to_string(trace).unwrap();
    let root = format!("{}/", place.path().display());
    let lines = trace
        .lines()
        .filter(|line| line.contains(&root) && !line.contains("ENOENT"));
    let told = lines.filter(|line| {
        let receipt = line.contains("/receipt\"");
        line.contains("sync(") || line.contains("rename") || line.contains("sync resumed") || receipt
    });
    told.map(|line| line.replace(&root, "")).collect()
}

/// Each of these is in the trace, after those before it.
fn assert_order(trace: &[String], steps: &[&[&str]]) {
    let mut lines = trace.iter();
    for step in steps {
        let found = lines.any(|line| step.iter().all(|part| line.contains(part)));
        assert!(found, "no {step:?} in its place in\n{}", trace.join("\n"));
    }
}

/// RCV-07, REL-18: content, directory, and the directories above are synced before there is a receipt, those that the
/// first message made among them.
#[test]
fn a_message_is_durable_before_its_receipt() {
    if !peers_wanted() {
        return;
    }
    assert_order(
        &watch("delivers_a_message"),
        &[
            &["fsync", "<inbox>"],
            &["fsync", "<inbox/of>"],
            &["fsync", "<inbox/of/us/acme/.ediint-"],
            &["rename", "/note\""],
            &["fsync", "<spool/.ediint-"],
            &["rename", "spool/.ediint-", "/payload\""],
            &["fsync", "<inbox/of/us/acme/.ediint-"],
            &["rename", "inbox/of/us/acme/.ediint-"],
            &["fsync", "<inbox/of/us/acme>"],
            &["fsync", "<inbox/of/us>"],
            &["openat", "receipt"],
        ],
    );
}

/// RCV-07: the content, and then the directory, for payloads on disk and in memory.
#[test]
fn a_persisted_payload_is_durable() {
    if !peers_wanted() {
        return;
    }
    assert_order(
        &watch("persists_a_spool"),
        &[
            &["fsync", "<spool/.ediint-"],
            &["rename", "inbox/from-disk"],
            &["fsync", "<inbox>"],
            &["openat", "receipt"],
            &["fsync", "<inbox/.ediint-"],
            &["rename", "inbox/from-memory"],
            &["fsync", "<inbox>"],
            &["openat", "receipt"],
        ],
    );
}
