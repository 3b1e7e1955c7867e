//! libas2, as an AS2 server and as an AS2 client: `libas2/peer.js` tells what it saw. It knows nothing of compression,
//! and encrypts content keys with RSAES-OAEP only.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{self, Stdio};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ediint::cms::Certificate;
use ediint::envelope::LayerKind;
use ediint::keystore::Identity;
use ediint::mdn::{ErrorModifier, ReceiptStatus};
use ediint::mime::TransferEncoding;
use ediint::partnership::{AcceptPolicy, Partnership, ReceiptRequest, SendProfile};
use ediint::{As2Name, ContentCipher, DigestAlgorithm, Mic, OutboundMessage, SignatureAlgorithm};
use http::Uri;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::us::Us;
use crate::{peers_wanted, tests};

const PAYLOAD: &str = "UNB+UNOA:1+LIBAS2+US+261124:0300+1'\r\nUNZ+0+1'\r\n";

const DIGESTS: [DigestAlgorithm; 3] = [
    DigestAlgorithm::Sha256,
    DigestAlgorithm::Sha384,
    DigestAlgorithm::Sha512,
];

/// Newer versions of node do not decrypt RSAES-PKCS1-v1_5, unless they are told to.
const PKCS1: [&str; 1] = ["--security-revert=CVE-2023-46809"];

fn is_known(option: &str) -> bool {
    let output = process::Command::new("node").args([option, "--eval", ""]).output();
    output.unwrap().status.success()
}

/// Keys will do that are there already.
fn pem(name: &str) -> PathBuf {
    tests("data/pyas2lib").join(format!("{name}.pem"))
}

/// We, and our agreement with libas2 at `url`.
fn us(url: Uri) -> Us {
    let name = |name| As2Name::new(name).unwrap();
    let read = |name| fs::read(pem(name)).unwrap();
    let identity = Identity::from_pem(&read("receiver-cert"), &read("receiver-key")).unwrap();
    let certificate = Certificate::from_pem(&read("pyas2-cert")).unwrap();
    let accept = AcceptPolicy::new().without_encryption();
    let partnership = Partnership::new(name("us"), name("libas2"), url).accept(accept);
    Us::new(partnership, identity, certificate)
}

struct Peer {
    process: Child,
    facts: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    fn start(command: &str, digest: DigestAlgorithm, others: &Value) -> Self {
        let modules = env::var_os("EDIINT_LIBAS2_MODULES").map_or_else(
            || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target/libas2/node_modules")),
            PathBuf::from,
        );
        assert!(
            modules.exists(),
            "{} is not there: run tests/peers/libas2/setup",
            modules.display()
        );
        let mut options = json!({
            "name": "libas2",
            "key": pem("pyas2-key"),
            "cert": pem("pyas2-cert"),
            "partnerName": "us",
            "partnerCert": pem("receiver-cert"),
            "url": "http://libas2.example/",
            "sign": digest.to_string(),
            "decrypt": command == "serve",
        });
        options
            .as_object_mut()
            .unwrap()
            .extend(others.as_object().unwrap().clone());
        let mut process = Command::new("node")
            .args(PKCS1.iter().filter(|option| is_known(option)))
            .arg(tests("peers/libas2/peer.js"))
            .args([command, &options.to_string()])
            .env("NODE_PATH", modules)
            // It ends when this is closed.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let facts = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, facts }
    }

    /// The next thing that it tells, which has to be of this kind.
    async fn fact(&mut self, event: &str) -> Value {
        let line = loop {
            match self.facts.next_line().await.unwrap() {
                Some(line) if line.starts_with('{') => break line,
                // A warning of node.
                Some(_) => {}
                None => panic!("libas2 ended with {}", self.process.wait().await.unwrap()),
            }
        };
        let fact: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(fact["event"], event, "{fact:#}");
        fact
    }
}

/// SMI-01, SMI-25, SMI-50, MDN-02: it signs, and encrypts with RSAES-OAEP; it verifies our receipts and finds its MIC in them.
#[tokio::test]
async fn libas2_sends() {
    if !peers_wanted() {
        return;
    }
    let mut us = us("http://libas2.example/".parse().unwrap());
    let url = us.serve().await.to_string();
    let payload = tempfile::NamedTempFile::new().unwrap();
    fs::write(payload.path(), PAYLOAD).unwrap();
    let ciphers = [
        None,
        Some(("aes128-CBC", ContentCipher::Aes128Cbc)),
        Some(("aes192-CBC", ContentCipher::Aes192Cbc)),
        Some(("aes256-CBC", ContentCipher::Aes256Cbc)),
    ];
    for (digest, cipher) in DIGESTS
        .into_iter()
        .flat_map(|digest| ciphers.map(|cipher| (digest, cipher)))
    {
        let others = json!({
            "url": url,
            "payload": payload.path(),
            "filename": "order.edi",
            "encrypt": cipher.map(|(name, _)| name),
        });
        let sent = Peer::start("send", digest, &others).fact("sent").await;
        assert_eq!(sent["http_status"], 200);
        let events = us.events();
        let message = us.inbox.try_recv().unwrap_or_else(|_| panic!("{digest}: {events:?}"));
        let encrypted = cipher.map(|(_, cipher)| LayerKind::Encrypted(cipher));
        assert!(
            message
                .layers
                .iter()
                .copied()
                .eq(encrypted.into_iter().chain([LayerKind::Signed]))
        );
        assert_eq!(message.filename.as_deref(), Some("order.edi"));
        assert_eq!(message.mic.algorithm(), digest);
        assert_eq!(message.message_id.unwrap().as_str(), sent["message_id"]);
        assert_eq!(message.payload.into_bytes().await.unwrap(), PAYLOAD);
        let mdn = &sent["mdn"];
        assert_eq!(mdn["original_message_id"], sent["message_id"]);
        assert_eq!(mdn["disposition"]["processed"], true, "{mdn:#}");
        assert_eq!(mdn["mic"]["mic"], message.mic.base64());
        assert_eq!(mdn["mic"]["algorithm"], digest.to_string());
    }
}

/// We send, libas2 receives. Returns what it saw, the MIC of the message, and what became of its receipt.
async fn exchange(
    digest: DigestAlgorithm,
    cipher: ContentCipher,
    request: ReceiptRequest,
) -> (Value, Mic, ReceiptStatus) {
    let mut peer = Peer::start("serve", digest, &json!({ "signReceipts": request.is_signed() }));
    let listening = peer.fact("listening").await;
    let us = us(listening["url"].as_str().unwrap().parse().unwrap());
    let profile = SendProfile::new()
        .signature(SignatureAlgorithm::RsaPkcs1(digest))
        .encryption(cipher)
        .receipt(request)
        // Behind a payload that is not encoded it finds a line end too many.
        .transfer_encoding(TransferEncoding::Base64);
    let partnership = us.partnership.clone().send(profile);
    let message = OutboundMessage::new(PAYLOAD)
        .content_type("application/edifact")
        .filename("order.edi");
    let prepared = us.client.prepare(&partnership, message).await.unwrap();
    let receipt = us.client.transmit(&partnership, &prepared).await.unwrap();
    let seen = peer.fact("message").await;
    (seen, prepared.mics().first().unwrap().clone(), receipt.status)
}

/// SMI-24, SMI-50: it decrypts and verifies our messages, and returns our MIC.
#[tokio::test]
async fn libas2_receives() {
    if !peers_wanted() {
        return;
    }
    for digest in DIGESTS {
        for cipher in [
            ContentCipher::Aes128Cbc,
            ContentCipher::Aes192Cbc,
            ContentCipher::Aes256Cbc,
        ] {
            let (seen, mic, status) = exchange(digest, cipher, ReceiptRequest::sync().unsigned()).await;
            assert_eq!(seen["payload"], BASE64_STANDARD.encode(PAYLOAD), "{seen:#}");
            assert_eq!(seen["filename"], "order.edi");
            assert_eq!(status, ReceiptStatus::Accepted { mic, signed: false }, "{seen:#}");
        }
    }
}

/// INT-17: it signs a report without its last line end, and sends it with one. openssl does not verify that either.
#[tokio::test]
async fn signed_receipts_of_libas2_do_not_verify() {
    if !peers_wanted() {
        return;
    }
    let request = ReceiptRequest::sync();
    let (seen, _, status) = exchange(DigestAlgorithm::Sha256, ContentCipher::Aes128Cbc, request).await;
    assert_eq!(seen["mdn"]["disposition"]["processed"], true);
    assert_eq!(
        status,
        ReceiptStatus::InvalidSignature(ErrorModifier::IntegrityCheckFailed)
    );
}
