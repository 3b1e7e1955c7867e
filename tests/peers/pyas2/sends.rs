//! pyas2lib sends, we receive and answer.

use ediint::envelope::LayerKind;
use ediint::partnership::AcceptPolicy;
#[cfg(feature = "legacy")]
use ediint::partnership::Weakness;
use ediint::{ContentCipher, DigestAlgorithm, ReceivedMessage};
use serde_json::Value;

use super::{KEYS, Peer, QUOTED_NAMES, binary, hashlib, partnership, us};
use crate::peers_wanted;
use crate::us::Us;

/// We, taking everything that pyas2lib can make.
fn lenient() -> AcceptPolicy {
    AcceptPolicy::new()
        .without_signature()
        .without_encryption()
        .danger_accept_unsigned_cbc()
        .allow_weak_digest(DigestAlgorithm::Sha1)
        .allow_weak_cipher(ContentCipher::TripleDesCbc)
}

/// A server of ours for pyas2lib.
async fn serve(accept: AcceptPolicy) -> (Us, String) {
    let us = us(partnership(QUOTED_NAMES, "http://127.0.0.1/".parse().unwrap()).accept(accept));
    let url = us.serve().await.to_string();
    (us, url)
}

/// Sends `payload` with these options. Returns what pyas2lib knows afterwards.
async fn send(url: &str, keys: (&str, &str), payload: &[u8], options: &[&str]) -> Value {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), payload).unwrap();
    let fixed = [
        "--url",
        url,
        "--filename",
        "order 1.edi",
        "--payload",
        file.path().to_str().unwrap(),
    ];
    let mut peer = Peer::start("send", QUOTED_NAMES, keys, &[&fixed, options].concat());
    peer.fact("sent").await
}

/// The same, where we have to take the message, and pyas2lib has to believe our receipt.
async fn deliver(us: &mut Us, url: &str, payload: &[u8], options: &[&str]) -> (ReceivedMessage, Value) {
    let sent = send(url, KEYS, payload, options).await;
    assert_eq!(sent["http_status"], 200, "{options:?}: {sent:#}");
    let events = us.events();
    let mut message = us
        .inbox
        .try_recv()
        .unwrap_or_else(|_| panic!("{options:?}: {events:?}"));
    let arrived = std::mem::replace(&mut message.payload, "".into());
    assert_eq!(arrived.into_bytes().await.unwrap(), payload, "{options:?}");
    assert_eq!(message.filename.as_deref(), Some("order 1.edi"), "{options:?}");
    let id = message.message_id.as_ref().unwrap().as_str();
    assert_eq!(format!("<{}>", sent["message_id"].as_str().unwrap()), id, "{options:?}");
    // It computes none for what it does not sign.
    if let Some(mic) = sent["mic"].as_str() {
        assert_eq!(message.mic.base64(), mic, "{options:?}");
    }
    let mdn = &sent["mdn"];
    if mdn["present"] == true {
        assert_eq!(mdn["status"], "processed", "{options:?}: {mdn:#}");
        assert_eq!(
            mdn["disposition"], "automatic-action/MDN-sent-automatically; processed",
            "{options:?}"
        );
        assert_eq!(mdn["original_message_id"], sent["message_id"], "{options:?}");
        let returned = mdn["received_content_mic"].as_str().unwrap();
        assert_eq!(
            returned.split(", ").next(),
            Some(message.mic.base64().as_str()),
            "{options:?}"
        );
        assert_eq!(
            mdn["mic_matches"].as_bool(),
            sent["mic"].is_string().then_some(true),
            "{options:?}"
        );
    }
    (message, sent)
}

/// Options of the sender for each combination of layers, and the layers that we have to find.
fn combinations() -> Vec<(Vec<&'static str>, Vec<LayerKind>)> {
    let layers = [
        (
            ["--encrypt", "aes_256_cbc"].as_slice(),
            LayerKind::Encrypted(ContentCipher::Aes256Cbc),
        ),
        (&["--sign", "sha256"], LayerKind::Signed),
        (&["--compress"], LayerKind::Compressed),
    ];
    let chosen = |bits: usize| {
        layers
            .into_iter()
            .enumerate()
            .filter(move |(bit, _)| bits >> bit & 1 == 1)
    };
    (0..8)
        .map(|bits| {
            let options = chosen(bits)
                .flat_map(|(_, (options, _))| options.iter().copied())
                .collect();
            (options, chosen(bits).map(|(_, (_, layer))| layer).collect())
        })
        .collect()
}

/// ENV-46, SMI-01, SMI-34, SMI-50, MDN-02: all combinations that pyas2lib makes, in five receipt modes. It finds its own
/// MIC in our receipts and verifies their signatures.
#[tokio::test]
async fn every_combination_in_every_receipt_mode() {
    if !peers_wanted() {
        return;
    }
    let (mut us, url) = serve(lenient()).await;
    let payload = b"UNB+UNOA:1+PYAS2+RECEIVER+261124:0300+1'\r\nUNZ+0+1'\r\n";
    for (layers, found) in combinations() {
        for (mode, signed) in [
            (["--mdn", "none"].as_slice(), None),
            (&["--mdn", "sync"], Some(false)),
            (&["--mdn", "sync", "--mdn-sign", "sha256"], Some(true)),
            (&["--mdn", "async"], Some(false)),
            (&["--mdn", "async", "--mdn-sign", "sha256"], Some(true)),
        ] {
            let options = [&layers, mode].concat();
            let (message, sent) = deliver(&mut us, &url, payload, &options).await;
            assert_eq!(message.layers, found, "{options:?}");
            assert_eq!(
                message.signer.is_some(),
                found.contains(&LayerKind::Signed),
                "{options:?}"
            );
            let mdn = &sent["mdn"];
            assert_eq!(mdn["present"], signed.is_some(), "{options:?}: {sent:#}");
            let digest = signed.unwrap_or_default().then_some("sha256");
            assert_eq!(mdn["signed_with"].as_str(), digest, "{options:?}");
        }
    }
}

/// SMI-14, SMI-21, MDN-02: every algorithm of messages and of our receipts.
#[tokio::test]
async fn every_algorithm() {
    if !peers_wanted() {
        return;
    }
    let (mut us, url) = serve(lenient()).await;
    for digest in DigestAlgorithm::ALL {
        let name = hashlib(digest);
        let options = ["--sign", &name, "--mdn-sign", &name];
        let (message, sent) = deliver(&mut us, &url, b"payload", &options).await;
        assert_eq!(message.mic.algorithm(), digest);
        assert_eq!(sent["mdn"]["signed_with"], name.as_str());
    }
    for (name, cipher) in [
        ("tripledes_192_cbc", ContentCipher::TripleDesCbc),
        ("aes_128_cbc", ContentCipher::Aes128Cbc),
        ("aes_192_cbc", ContentCipher::Aes192Cbc),
        ("aes_256_cbc", ContentCipher::Aes256Cbc),
    ] {
        let options = ["--encrypt", name, "--sign", "sha256", "--mdn-sign", "sha256"];
        let (message, _) = deliver(&mut us, &url, b"payload", &options).await;
        assert_eq!(message.layers, [LayerKind::Encrypted(cipher), LayerKind::Signed]);
    }
}

/// SMI-14, SMI-21, MDN-43: what it can do of the past, where it is allowed and where not. It believes a receipt over SHA-256
/// though it asked for MD5.
#[cfg(feature = "legacy")]
#[tokio::test]
async fn algorithms_of_the_past() {
    if !peers_wanted() {
        return;
    }
    let (md5, rc2) = (DigestAlgorithm::Md5, ContentCipher::Rc2Cbc128);
    let options = ["--sign", "md5", "--encrypt", "rc2_128_cbc", "--mdn-sign", "md5"];
    let (mut us, url) = serve(AcceptPolicy::new().allow_weak_digest(md5).allow_weak_cipher(rc2)).await;
    for mode in ["sync", "async"] {
        let options = [options.as_slice(), &["--mdn", mode]].concat();
        let (message, sent) = deliver(&mut us, &url, &b"payload".repeat(99), &options).await;
        assert_eq!(message.layers, [LayerKind::Encrypted(rc2), LayerKind::Signed]);
        assert_eq!(message.mic.algorithm(), md5);
        assert_eq!(message.weaknesses, [Weakness::Digest(md5), Weakness::Cipher(rc2)]);
        assert_eq!(sent["mdn"]["signed_with"], "sha256");
    }
    for (policy, modifier) in [
        (AcceptPolicy::new(), "decryption-failed"),
        (AcceptPolicy::new().allow_weak_digest(md5), "decryption-failed"),
        (
            AcceptPolicy::new().allow_weak_cipher(rc2),
            "insufficient-message-security",
        ),
    ] {
        let (mut us, url) = serve(policy).await;
        let sent = send(&url, KEYS, b"payload", &options).await;
        let disposition = format!("automatic-action/MDN-sent-automatically; processed/error: {modifier}");
        assert_eq!(sent["mdn"]["disposition"], disposition, "{sent:#}");
        assert!(us.inbox.try_recv().is_err());
    }
}

/// SMI-01, SMI-50, RCV-15: binary payloads, which it labels so, and empty ones in layers.
#[tokio::test]
async fn binary_payloads() {
    if !peers_wanted() {
        return;
    }
    let (mut us, url) = serve(lenient()).await;
    let mode = ["--content-type", "application/octet-stream", "--mdn-sign", "sha256"];
    for (layers, _) in combinations() {
        let options = [&layers, mode.as_slice()].concat();
        deliver(&mut us, &url, &binary(), &options).await;
        // Without layers an empty payload is an empty body.
        if !layers.is_empty() {
            deliver(&mut us, &url, b"", &options).await;
        }
    }
}

/// RCV-05, MDN-16, MDN-18: messages that we refuse, and what pyas2lib reads in our receipts.
#[tokio::test]
async fn our_refusals() {
    if !peers_wanted() {
        return;
    }
    let (mut us, url) = serve(AcceptPolicy::new()).await;
    let both = ["--sign", "sha256", "--encrypt", "aes_256_cbc", "--mdn-sign", "sha256"].as_slice();
    for (keys, options, modifier) in [
        // Signed with a key that we do not know it by. It knows our certificate, and so our receipt.
        (("receiver", "receiver-cert"), both, "authentication-failed"),
        // Encrypted for somebody else, of whom it expects the receipt too.
        (("pyas2", "pyas2-cert"), &both[..4], "decryption-failed"),
        (KEYS, &both[2..], "decryption-failed"),
        (
            KEYS,
            &["--sign", "sha256", "--mdn-sign", "sha256"],
            "insufficient-message-security",
        ),
        (KEYS, &["--mdn-sign", "sha256"], "insufficient-message-security"),
        (
            KEYS,
            &["--sign", "sha1", "--encrypt", "aes_256_cbc", "--mdn-sign", "sha256"],
            "insufficient-message-security",
        ),
        (
            KEYS,
            &[
                "--sign",
                "sha256",
                "--encrypt",
                "tripledes_192_cbc",
                "--mdn",
                "async",
                "--mdn-sign",
                "sha256",
            ],
            "insufficient-message-security",
        ),
    ] {
        let sent = send(&url, keys, b"payload", options).await;
        assert_eq!(sent["http_status"], 200, "{options:?}: {sent:#}");
        let disposition = format!("automatic-action/MDN-sent-automatically; processed/error: {modifier}");
        let mdn = &sent["mdn"];
        assert_eq!(
            mdn["disposition"],
            disposition,
            "{options:?}: {sent:#} {:?}",
            us.events()
        );
        assert_eq!(mdn["status"], "processed/error", "{options:?}");
        assert_eq!(mdn["detailed_status"], modifier, "{options:?}");
        assert!(us.inbox.try_recv().is_err(), "{options:?}");
    }
}
