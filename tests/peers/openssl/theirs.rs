//! Messages by openssl, received by us, and our receipts, as openssl reads them.

use std::path::Path;

use bytes::Bytes;
use ediint::envelope::LayerKind;
use ediint::mime::HeaderBlock;
use ediint::partnership::{AcceptPolicy, SendProfile};
use ediint::store::{ExchangeId, MessageStore};
use ediint::{As2Name, ContentCipher, DigestAlgorithm, Limits, MessageId};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use tempfile::TempDir;

use super::{certificate, digest, file, fixture, openssl, party, payloads, split, workshop};
use crate::us::Us;

/// How openssl signs.
const SIGNING: [(&str, &[&str]); 9] = [
    ("multipart/signed", &["cms", "-sign", "-binary"]),
    ("multipart/signed, CR LF", &["cms", "-sign", "-binary", "-crlfeol"]),
    ("multipart/signed by PKCS#7", &["smime", "-sign", "-binary"]),
    ("multipart/signed, streamed", &["cms", "-sign", "-binary", "-stream"]),
    ("signer by key identifier", &["cms", "-sign", "-binary", "-keyid"]),
    ("without certificates", &["cms", "-sign", "-binary", "-nocerts"]),
    ("opaque, base64", &["cms", "-sign", "-binary", "-nodetach"]),
    (
        "opaque, DER",
        &["cms", "-sign", "-binary", "-nodetach", "-outform", "DER"],
    ),
    (
        "opaque, BER",
        &["cms", "-sign", "-binary", "-nodetach", "-stream", "-outform", "DER"],
    ),
];

/// How openssl encrypts, for whom.
const ENCRYPTING: [(&str, &[&str], &[&str]); 7] = [
    ("base64", &["cms", "-encrypt", "-binary"], &["bob"]),
    ("base64, PKCS#7", &["smime", "-encrypt", "-binary"], &["bob"]),
    ("DER", &["cms", "-encrypt", "-binary", "-outform", "DER"], &["bob"]),
    (
        "BER",
        &["cms", "-encrypt", "-binary", "-stream", "-outform", "DER"],
        &["bob"],
    ),
    (
        "by key identifier",
        &["cms", "-encrypt", "-binary", "-keyid", "-outform", "DER"],
        &["bob"],
    ),
    (
        "for three",
        &["cms", "-encrypt", "-binary", "-outform", "DER"],
        &["carol", "alice", "bob"],
    ),
    (
        "for three, BER",
        &["cms", "-encrypt", "-binary", "-keyid", "-stream", "-outform", "DER"],
        &["bob", "carol", "alice"],
    ),
];

fn entity(payload: &[u8]) -> Vec<u8> {
    let head = "Content-Type: application/EDIFACT\r\nContent-Disposition: attachment; filename=order.edi\r\n\
                Content-Transfer-Encoding: binary\r\n\r\n";
    [head.as_bytes(), payload].concat()
}

/// The entity that openssl makes of structures in DER and BER, which it writes without a head.
fn with_head(command: &[&str], output: Vec<u8>) -> Vec<u8> {
    if !command.contains(&"DER") {
        return output;
    }
    let kind = if command.iter().any(|argument| argument.ends_with("-gcm")) {
        "authEnveloped-data"
    } else if command.contains(&"-encrypt") {
        "enveloped-data"
    } else {
        "signed-data"
    };
    let head = format!("Content-Type: application/pkcs7-mime; smime-type={kind}; name=smime.p7m\r\n\r\n");
    [head.as_bytes(), &output].concat()
}

fn sign(command: &[&str], algorithm: DigestAlgorithm, entity: &[u8], workshop: &TempDir) -> Vec<u8> {
    let digest = algorithm.to_string().replace('-', "");
    let arguments = [command, &["-md", &digest, "-keyform", "DER"]].concat();
    let output = openssl(
        &arguments,
        &[
            ("-in", &file(workshop, "entity", entity)),
            ("-signer", &fixture("cms/alice.pem")),
            ("-inkey", &fixture("cms/alice.key.der")),
        ],
    );
    with_head(command, output)
}

fn encrypt(command: &[&str], cipher: ContentCipher, parties: &[&str], entity: &[u8], workshop: &TempDir) -> Vec<u8> {
    let option = match cipher {
        ContentCipher::TripleDesCbc => "-des3",
        ContentCipher::Aes128Cbc => "-aes128",
        ContentCipher::Aes192Cbc => "-aes192",
        ContentCipher::Aes256Cbc => "-aes256",
        ContentCipher::Aes128Gcm => "-aes-128-gcm",
        ContentCipher::Aes192Gcm => "-aes-192-gcm",
        ContentCipher::Aes256Gcm => "-aes-256-gcm",
        other => panic!("{other} is not known here"),
    };
    let certificates: Vec<_> = parties
        .iter()
        .map(|party| fixture(&format!("cms/{party}.pem")))
        .collect();
    let mut arguments = [command, &[option]].concat();
    let source = file(workshop, "entity", entity);
    arguments.extend(["-in", source.to_str().unwrap()]);
    arguments.extend(certificates.iter().map(|path| path.to_str().unwrap()));
    with_head(&[command, &[option]].concat(), openssl(&arguments, &[]))
}

/// Bob, who takes everything that openssl can make.
fn bob() -> Us {
    let policy = AcceptPolicy::new()
        .without_signature()
        .without_encryption()
        .danger_accept_unsigned_cbc()
        .allow_weak_digest(DigestAlgorithm::Sha1)
        .allow_weak_cipher(ContentCipher::TripleDesCbc);
    party("bob", "alice", SendProfile::new(), policy)
}

/// What alice posts to bob: a MIME entity whose headers become those of HTTP. She asks for a signed receipt.
fn request(entity: &[u8], algorithm: DigestAlgorithm, count: usize) -> Request<Full<Bytes>> {
    let (head, body) = split(entity);
    let head = HeaderBlock::parse(head.as_bytes(), &Limits::default()).unwrap();
    let mut request = Request::post("/as2")
        .header("AS2-Version", "1.1")
        .header("AS2-From", "alice")
        .header("AS2-To", "bob")
        .header("Message-ID", format!("<{count}@alice.example>"))
        .header("Disposition-Notification-To", "alice@alice.example")
        .header(
            "Disposition-Notification-Options",
            format!("signed-receipt-protocol=required, pkcs7-signature; signed-receipt-micalg=required, {algorithm}"),
        );
    for field in head.iter() {
        request = request.header(field.name(), field.text().unwrap());
    }
    request.body(Full::from(body.to_vec())).unwrap()
}

/// The report of a signed receipt, as openssl hands it out.
fn receipt(head: &http::HeaderMap, body: &[u8], signer: &Path, workshop: &TempDir) -> String {
    let mut message = Vec::new();
    HeaderBlock::from(head).write_to(&mut message);
    message.extend_from_slice(b"\r\n");
    message.extend_from_slice(body);
    let message = file(workshop, "receipt", &message);
    let verify = |command| {
        let files: [(&str, &Path); 3] = [("-in", &message), ("-certfile", signer), ("-CAfile", signer)];
        openssl(
            &[command, "-verify", "-inform", "SMIME", "-nointern", "-no_check_time"],
            &files,
        )
    };
    let report = verify("cms");
    assert_eq!(report, verify("smime"));
    String::from_utf8(report).unwrap()
}

/// SEC-42: what bob keeps of the signature proves to anybody that alice signed the content, whatever form it came in.
async fn assert_evidence(bob: &Us, name: &str, digested: &[u8], workshop: &TempDir) {
    let party = |name| As2Name::new(name).unwrap();
    let message_id = MessageId::new("1@alice.example").unwrap();
    let id = ExchangeId::new(party("bob"), party("alice"), message_id);
    let record = bob.store.find_received(&id).await.unwrap().unwrap();
    assert_eq!(record.signer, Some(certificate("alice").fingerprint()), "{name}");
    let content = openssl(
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
            ("-in", &file(workshop, "evidence", &record.signature)),
            ("-content", &file(workshop, "signed", digested)),
            ("-certfile", &fixture("cms/alice.pem")),
            ("-CAfile", &fixture("cms/alice.pem")),
        ],
    );
    assert_eq!(content, digested, "{name}");
}

/// Posts a message to bob. It has to be delivered as it was, and its receipt has to prove that to alice.
async fn exchange(
    (name, message, layers): (&str, &[u8], &[LayerKind]),
    (payload, digested): (&[u8], &[u8]),
    algorithm: DigestAlgorithm,
    workshop: &TempDir,
) {
    let mut bob = bob();
    let response = bob.receiver.receive(request(message, algorithm, 1)).await;
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    assert_eq!(head.status, StatusCode::OK, "{name}");
    let events = bob.events();
    let delivered = bob.inbox.try_recv().unwrap_or_else(|_| panic!("{name}: {events:?}"));
    assert_eq!(delivered.layers, layers, "{name}");
    assert_eq!(delivered.filename.as_deref(), Some("order.edi"), "{name}");
    let theirs = digest(workshop, algorithm, digested);
    assert_eq!(delivered.mic, theirs, "{name}");
    let arrived = delivered.payload.into_bytes().await.unwrap();
    assert!(arrived == payload, "{name}: {arrived:?}");
    if layers.contains(&LayerKind::Signed) {
        assert_evidence(&bob, name, digested, workshop).await;
    }

    let report = receipt(&head.headers, &body, &fixture("cms/bob.pem"), workshop);
    for field in [
        "Content-Type: multipart/report; report-type=disposition-notification;",
        "Original-Message-ID: <1@alice.example>\r\n",
        "Disposition: automatic-action/MDN-sent-automatically; processed\r\n",
        &format!("Received-content-MIC: {theirs}\r\n"),
    ] {
        assert!(report.contains(field), "{name}: no {field:?} in {report}");
    }
}

/// ENV-46, SMI-01, SMI-10, SMI-50, MDN-02: S3 in every form that openssl has.
#[tokio::test]
async fn signed_by_openssl() {
    let Some(workshop) = workshop() else { return };
    for (name, command) in SIGNING {
        for payload in payloads() {
            let entity = entity(&payload);
            let message = sign(command, DigestAlgorithm::Sha256, &entity, &workshop);
            exchange(
                (name, &message, &[LayerKind::Signed]),
                (&payload, &entity),
                DigestAlgorithm::Sha256,
                &workshop,
            )
            .await;
        }
    }
}

/// SMI-06, SMI-14, MDN-02, SMI-50: every digest, with and without signed attributes, on the message and on the receipt.
#[tokio::test]
async fn digests_of_openssl() {
    let Some(workshop) = workshop() else { return };
    let payload = &payloads()[0];
    let entity = entity(payload);
    for algorithm in DigestAlgorithm::ALL {
        for (name, command) in SIGNING {
            for attributes in [[].as_slice(), &["-noattr"]] {
                let message = sign(&[command, attributes].concat(), algorithm, &entity, &workshop);
                exchange(
                    (
                        &format!("{name}, {algorithm} {attributes:?}"),
                        &message,
                        &[LayerKind::Signed],
                    ),
                    (payload, &entity),
                    algorithm,
                    &workshop,
                )
                .await;
            }
        }
    }
}

/// ENV-46, SMI-01, SMI-21, SMI-27, SMI-50: S6, every cipher in every form.
#[tokio::test]
async fn encrypted_by_openssl() {
    let Some(workshop) = workshop() else { return };
    for (form, command, parties) in ENCRYPTING {
        // The commands of PKCS#7 do not know AuthEnvelopedData.
        let known = |cipher: &ContentCipher| !cipher.is_authenticated() || command.contains(&"cms");
        for cipher in ContentCipher::ALL.into_iter().filter(known) {
            for payload in [&payloads()[0], &payloads()[5]] {
                let entity = entity(payload);
                let message = encrypt(command, cipher, parties, &entity, &workshop);
                exchange(
                    (&format!("{form}, {cipher}"), &message, &[LayerKind::Encrypted(cipher)]),
                    (payload, &entity),
                    DigestAlgorithm::Sha256,
                    &workshop,
                )
                .await;
            }
        }
    }
}

/// ENV-46, SMI-01, SMI-50: S8, every form of a signature in every form of an envelope.
#[tokio::test]
async fn signed_and_encrypted_by_openssl() {
    let Some(workshop) = workshop() else { return };
    let cipher = ContentCipher::Aes128Cbc;
    for (signed, sign_command) in SIGNING {
        for (encrypted, encrypt_command, parties) in ENCRYPTING {
            let payload = &payloads()[1];
            let entity = entity(payload);
            let inner = sign(sign_command, DigestAlgorithm::Sha512, &entity, &workshop);
            let message = encrypt(encrypt_command, cipher, parties, &inner, &workshop);
            exchange(
                (
                    &format!("{signed} in {encrypted}"),
                    &message,
                    &[LayerKind::Encrypted(cipher), LayerKind::Signed],
                ),
                (payload, &entity),
                DigestAlgorithm::Sha512,
                &workshop,
            )
            .await;
        }
    }
}

/// INT-37: without `-binary` openssl signs, and sends, the canonical form of a text.
#[tokio::test]
async fn openssl_in_text_mode() {
    let Some(workshop) = workshop() else { return };
    let payload = b"first line\nsecond line\n";
    let canonical = b"first line\r\nsecond line\r\n";
    let head = "Content-Type: application/EDIFACT\nContent-Disposition: attachment; filename=order.edi\n\n";
    let entity = [head.as_bytes(), payload].concat();
    let digested = [head.replace('\n', "\r\n").as_bytes(), canonical].concat();
    for command in [&["cms", "-sign"], &["smime", "-sign"]] {
        let message = sign(command, DigestAlgorithm::Sha256, &entity, &workshop);
        exchange(
            (command[0], &message, &[LayerKind::Signed]),
            (canonical, &digested),
            DigestAlgorithm::Sha256,
            &workshop,
        )
        .await;
    }
}
