//! Our messages, as openssl reads them.

use std::fs;
use std::process::{Command, Stdio};

use ediint::mime::TransferEncoding;
use ediint::partnership::{AcceptPolicy, Compression, SendProfile};
use ediint::{ContentCipher, DigestAlgorithm, OutboundMessage, PreparedMessage, SignatureAlgorithm};
use http_body_util::BodyExt;
use tempfile::TempDir;

use super::{digest, file, fixture, openssl, party, payloads, run, split, workshop};
use crate::tests;

/// A message from alice to bob, and the octets of its HTTP request behind the request line.
async fn prepare(profile: SendProfile, payload: &[u8]) -> (PreparedMessage, Vec<u8>) {
    let alice = party("alice", "bob", profile.danger_allow_plaintext(), AcceptPolicy::new());
    let message = OutboundMessage::new(payload.to_vec())
        .content_type("application/EDIFACT")
        .filename("order.edi");
    let prepared = alice.client.prepare(&alice.partnership, message).await.unwrap();
    let mut octets = Vec::new();
    prepared.headers().write_to(&mut octets);
    octets.extend_from_slice(b"\r\n");
    let body = prepared.request().unwrap().into_body().collect().await.unwrap();
    octets.extend_from_slice(&body.to_bytes());
    (prepared, octets)
}

/// All ten structures of AS2, with SHA-256 and AES-256-CBC.
fn profiles() -> Vec<SendProfile> {
    let mut profiles = Vec::new();
    for profile in [SendProfile::new(), SendProfile::new().without_encryption()] {
        for compression in [Compression::None, Compression::BeforeSigning, Compression::AfterSigning] {
            profiles.push(profile.clone().compression(compression));
        }
        for compression in [Compression::None, Compression::BeforeSigning] {
            profiles.push(profile.clone().without_signature().compression(compression));
        }
    }
    profiles
}

/// No length is left open, at any level.
fn assert_definite(der: &[u8], workshop: &TempDir) {
    let printed = openssl(
        &["asn1parse", "-inform", "DER"],
        &[("-in", &file(workshop, "structure", der))],
    );
    let printed = String::from_utf8(printed).unwrap();
    assert!(
        printed.contains("pkcs7-") || printed.contains("id-smime-ct-compressedData"),
        "{printed}"
    );
    assert!(!printed.contains("l=inf"), "{printed}");
}

fn decrypt(body: &[u8], workshop: &TempDir) -> Vec<u8> {
    assert_definite(body, workshop);
    openssl(
        &["cms", "-decrypt", "-binary", "-inform", "DER", "-keyform", "DER"],
        &[
            ("-in", &file(workshop, "enveloped", body)),
            ("-recip", &fixture("cms/bob.pem")),
            ("-inkey", &fixture("cms/bob.key.der")),
        ],
    )
}

/// Debian's openssl is built without zlib; Python's stands in.
fn decompress(body: &[u8], workshop: &TempDir) -> Vec<u8> {
    assert_definite(body, workshop);
    let compressed = fs::File::open(file(workshop, "compressed", body)).unwrap();
    let output = Command::new("python3")
        .arg(tests("peers/inflate.py"))
        .stdin(Stdio::from(compressed))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// openssl's reader of S/MIME takes CR LF around parts only where it reads text, so the parts are cut out here.
fn verify(head: &str, body: &[u8], workshop: &TempDir) -> Vec<u8> {
    let boundary = head.split_once("boundary=").unwrap().1.split_once("\r\n").unwrap().0;
    let boundary = boundary.split(';').next().unwrap().trim_matches('"');
    let body = body.strip_prefix(format!("--{boundary}\r\n").as_bytes()).unwrap();
    let delimiter = format!("\r\n--{boundary}");
    let ends: Vec<_> = memchr::memmem::find_iter(body, &delimiter).collect();
    let &[first, second] = ends.as_slice() else {
        panic!("{} delimiters", ends.len());
    };
    let (head, base64) = split(&body[first + delimiter.len()..second]);
    assert!(
        head.contains("application/pkcs7-signature") && head.contains("base64"),
        "{head}"
    );
    let lines: Vec<u8> = base64
        .iter()
        .copied()
        .filter(|octet| *octet != b'\r')
        .chain(*b"\n")
        .collect();
    let signature = openssl(&["base64", "-d"], &[("-in", &file(workshop, "base64", &lines))]);
    assert_definite(&signature, workshop);
    openssl(
        &[
            "cms",
            "-verify",
            "-binary",
            "-inform",
            "DER",
            "-nointern",
            "-no_check_time",
        ],
        &[
            ("-in", &file(workshop, "signature", &signature)),
            ("-content", &file(workshop, "content", &body[..first])),
            ("-certfile", &fixture("cms/alice.pem")),
            ("-CAfile", &fixture("cms/alice.pem")),
        ],
    )
}

/// Takes all layers off. Returns what they were, the octets that the MIC is over, and the payload.
fn open(message: &[u8], workshop: &TempDir) -> (String, Vec<u8>, Vec<u8>) {
    let (mut layers, mut signed) = (Vec::new(), None);
    let mut entity = message.to_vec();
    loop {
        let (head, body) = split(&entity);
        let inner = if head.to_ascii_lowercase().contains("enveloped-data") {
            layers.push("encrypted");
            decrypt(body, workshop)
        } else if head.contains("compressed-data") {
            layers.push("compressed");
            decompress(body, workshop)
        } else if head.contains("multipart/signed") {
            layers.push("signed");
            let part = verify(head, body, workshop);
            signed = Some(part.clone());
            part
        } else {
            let payload = body.to_vec();
            let structure = layers
                .iter()
                .rev()
                .fold("payload".to_owned(), |inner, layer| format!("{layer}({inner})"));
            return (structure, signed.unwrap_or(entity), payload);
        };
        entity = inner;
    }
}

/// ENV-46, SMI-03, SMI-10, SMI-32, SMI-34, SMI-50: the layers are there in their order, the payload is what it was, and
/// our MIC is the digest of the octets that matrix A names.
#[tokio::test]
async fn openssl_takes_our_messages_apart() {
    let Some(workshop) = workshop() else { return };
    for payload in payloads() {
        for profile in profiles() {
            let (prepared, message) = prepare(profile, &payload).await;
            let (layers, digested, opened) = open(&message, &workshop);
            let structure = prepared.structure().to_string();
            assert_eq!(layers, structure);
            assert!(opened == payload, "{structure}: {opened:?}, not {payload:?}");
            // Without layers nothing but the payload is digested.
            let digested = if layers == "payload" { opened } else { digested };
            let ours = prepared.mics().first().unwrap();
            assert_eq!(*ours, digest(&workshop, ours.algorithm(), &digested), "{structure}");
        }
    }
}

/// SMI-14, SMI-20, SMI-24, SMI-50: every algorithm.
#[tokio::test]
async fn openssl_knows_our_algorithms() {
    let Some(workshop) = workshop() else { return };
    let payload = &payloads()[0];
    for algorithm in DigestAlgorithm::ALL {
        for cipher in ContentCipher::ALL {
            let profile = SendProfile::new()
                .signature(SignatureAlgorithm::RsaPkcs1(algorithm))
                .encryption(cipher);
            for profile in [
                profile.clone(),
                profile.clone().algorithm_protection(true).combined_signature_oid(true),
                profile.without_signed_attributes(),
            ] {
                let (prepared, message) = prepare(profile, payload).await;
                let (layers, signed, opened) = open(&message, &workshop);
                assert_eq!(layers, "encrypted(signed(payload))");
                assert_eq!(opened, *payload, "{algorithm}, {cipher}");
                let ours = prepared.mics().first().unwrap();
                assert_eq!(*ours, digest(&workshop, algorithm, &signed), "{algorithm}, {cipher}");
            }
        }
    }
}

/// Whether openssl verifies a whole S/MIME message in text mode, in which it turns every LF into CR LF.
fn verifies_as_text(command: &str, message: &[u8], workshop: &TempDir) -> bool {
    let output = run(
        &[command, "-verify", "-inform", "SMIME", "-nointern", "-no_check_time"],
        &[
            ("-in", &file(workshop, "message", message)),
            ("-certfile", &fixture("cms/alice.pem")),
            ("-CAfile", &fixture("cms/alice.pem")),
        ],
    );
    let said = String::from_utf8_lossy(&output.stderr);
    let refused = said.contains("digest failure") || said.contains("verification failure");
    assert!(output.status.success() || refused, "{said}");
    output.status.success()
}

/// INT-37: receivers that read a message as text verify what is in lines of CR LF or encoded, and nothing else.
#[tokio::test]
async fn text_mode_receivers_verify_encoded_payloads() {
    let Some(workshop) = workshop() else { return };
    let payloads = payloads();
    let [crlf, lf, _, _, _, binary] = payloads.as_slice() else {
        panic!("{} payloads", payloads.len());
    };
    for (payload, encoding, verified) in [
        (crlf, TransferEncoding::Binary, true),
        (crlf, TransferEncoding::SevenBit, true),
        (lf, TransferEncoding::Binary, false),
        (binary, TransferEncoding::Binary, false),
        (lf, TransferEncoding::Base64, true),
        (lf, TransferEncoding::QuotedPrintable, true),
        (binary, TransferEncoding::Base64, true),
        (binary, TransferEncoding::QuotedPrintable, true),
    ] {
        let profile = SendProfile::new().without_encryption().transfer_encoding(encoding);
        let (_, message) = prepare(profile, payload).await;
        for command in ["cms", "smime"] {
            let found = verifies_as_text(command, &message, &workshop);
            assert_eq!(found, verified, "{command}: {encoding}, {} octets", payload.len());
        }
    }
}
