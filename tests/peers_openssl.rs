//! What the `openssl` command makes of our signatures and envelopes.
//!
//! Runs only where `EDIINT_PEERS=1` is set, as `tests/run` does: `cargo test` alone needs nothing but cargo.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "all of this file is test code"
)]

use std::env;
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use ediint::cms::{
    CbcEncryptor, Certificate, ContentKey, PendingSignature, SignatureOptions, encrypt_content_key, enveloped_prefix,
};
use ediint::envelope::{Blueprint, Encoder, SignatureBlueprint, Step, Structure, payload_head};
use ediint::keystore::{Identity, PrivateKey};
use ediint::mime::ContentType;
use ediint::partnership::{Compression, SendProfile};
use ediint::{As2Name, ContentCipher, DigestAlgorithm, Entropy, KeyTransport, Mic, SignatureAlgorithm, SystemEntropy};
use tempfile::TempDir;

/// A directory for files that pass between us and openssl; `None` where peers are not asked for.
fn workshop() -> Option<TempDir> {
    if env::var_os("EDIINT_PEERS").is_none_or(|value| value != "1") {
        eprintln!("skipped: set EDIINT_PEERS=1 to test against the openssl command");
        return None;
    }
    Some(tempfile::tempdir().unwrap())
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/openssl")
        .join(name)
}

fn content() -> Vec<u8> {
    fs::read(fixture("cms/content.bin")).unwrap()
}

fn certificate(party: &str) -> Certificate {
    Certificate::from_pem(&fs::read(fixture(&format!("cms/{party}.pem"))).unwrap()).unwrap()
}

fn alice() -> Identity {
    let key = PrivateKey::from_der(&fs::read(fixture("cms/alice.key.der")).unwrap()).unwrap();
    Identity::new(certificate("alice"), key).unwrap()
}

/// Runs openssl.
fn run(arguments: &[&str], files: &[(&str, &Path)]) -> Output {
    let mut command = Command::new("openssl");
    command.args(arguments);
    for (option, file) in files {
        command.arg(option).arg(file);
    }
    match command.output() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            panic!("EDIINT_PEERS=1 is set, but there is no openssl command on the PATH")
        }
        output => output.unwrap(),
    }
}

/// Runs openssl, which has to succeed, and returns what it printed.
fn openssl(arguments: &[&str], files: &[(&str, &Path)]) -> Vec<u8> {
    let output = run(arguments, files);
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {arguments:?}: {message}");
    output.stdout
}

/// A detached signature of the content by alice.
fn sign(digest: DigestAlgorithm, options: SignatureOptions) -> Vec<u8> {
    let algorithm = SignatureAlgorithm::RsaPkcs1(digest);
    let alice = alice();
    let content = Mic::of(digest, &content());
    let pending = PendingSignature::new(alice.certificate(), algorithm, &content, options);
    let signature = alice
        .sign(&As2Name::new("ALICE").unwrap(), pending.algorithm(), pending.input())
        .unwrap();
    pending.complete(&signature)
}

/// Every way in which a signature can be made.
fn signature_options() -> Vec<(&'static str, SignatureOptions)> {
    // 2026-11-24 03:06:22Z, and after the time for which UTCTime will do.
    let at = |seconds| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
    let mut bare = SignatureOptions::default();
    bare.certificates = vec![certificate("alice").der().clone()];
    let mut attributes = bare.clone();
    attributes.signing_time = at(1_795_489_582);
    let mut everything = attributes.clone();
    everything.capabilities = ContentCipher::ALL.to_vec();
    everything.algorithm_protection = true;
    everything.certificates.push(certificate("bob").der().clone());
    let mut combined = everything.clone();
    combined.combined_oid = true;
    let mut late = attributes.clone();
    late.signing_time = at(2_600_000_000);
    let mut bare_combined = bare.clone();
    bare_combined.combined_oid = true;
    let mut without_certificates = attributes.clone();
    without_certificates.certificates.clear();
    vec![
        ("bare digest", bare),
        ("bare digest, combined algorithm", bare_combined),
        ("attributes", attributes),
        ("all attributes", everything),
        ("all attributes, combined algorithm", combined),
        ("GeneralizedTime", late),
        ("no certificates", without_certificates),
    ]
}

/// SMI-07, SMI-10, SMI-14, SMI-15, SMI-46, SMI-50
#[test]
fn openssl_verifies_our_signatures() {
    let Some(workshop) = workshop() else { return };
    let file = workshop.path().join("signature.der");
    for digest in DigestAlgorithm::ALL {
        for (name, options) in signature_options() {
            fs::write(&file, sign(digest, options)).unwrap();
            // The parser of CMS, and the older one of PKCS#7.
            for parser in ["cms", "smime"] {
                let verified = openssl(
                    &[parser, "-verify", "-binary", "-inform", "DER", "-noverify", "-nointern"],
                    &[
                        ("-in", &file),
                        ("-content", &fixture("cms/content.bin")),
                        ("-certfile", &fixture("cms/alice.pem")),
                    ],
                );
                assert_eq!(verified, content(), "{parser}: {digest}, {name}");
            }
        }
    }
}

/// So that the test above can fail.
#[test]
fn openssl_refuses_a_signature_over_other_content() {
    let Some(workshop) = workshop() else { return };
    let file = workshop.path().join("signature.der");
    let (_, options) = signature_options().remove(2);
    fs::write(&file, sign(DigestAlgorithm::Sha256, options)).unwrap();
    let output = run(
        &["cms", "-verify", "-binary", "-inform", "DER", "-noverify"],
        &[("-in", &file), ("-content", &fixture("cms/alice.pem"))],
    );
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("verification failure"), "{message}");
    assert!(!output.status.success());
}

/// The content, encrypted for these parties.
fn encrypt(cipher: ContentCipher, parties: &[&str]) -> Vec<u8> {
    let rng = &mut *SystemEntropy.rng();
    let key = ContentKey::generate(cipher, rng);
    let mut iv = vec![0; cipher.block_len()];
    rng.fill_bytes(&mut iv);
    let recipients: Vec<_> = parties
        .iter()
        .map(|party| encrypt_content_key(&certificate(party), KeyTransport::RsaPkcs1, &key, rng).unwrap())
        .collect();
    let mut ciphertext = Vec::new();
    let mut encryptor = CbcEncryptor::new(cipher, &key, &iv).unwrap();
    encryptor.update(&content(), &mut ciphertext);
    encryptor.finish(&mut ciphertext);
    let mut octets = enveloped_prefix(&recipients, cipher, &iv, ciphertext.len().try_into().unwrap());
    octets.append(&mut ciphertext);
    octets
}

/// SMI-20, SMI-24, SMI-28, SMI-50
#[test]
fn openssl_decrypts_our_envelopes() {
    let Some(workshop) = workshop() else { return };
    let file = workshop.path().join("enveloped.der");
    for cipher in ContentCipher::ALL {
        for parties in [&["bob"][..], &["alice", "bob", "carol"]] {
            fs::write(&file, encrypt(cipher, parties)).unwrap();
            for party in parties {
                for parser in ["cms", "smime"] {
                    let decrypted = openssl(
                        &[parser, "-decrypt", "-binary", "-inform", "DER", "-keyform", "DER"],
                        &[
                            ("-in", &file),
                            ("-recip", &fixture(&format!("cms/{party}.pem"))),
                            ("-inkey", &fixture(&format!("cms/{party}.key.der"))),
                        ],
                    );
                    assert_eq!(decrypted, content(), "{parser}: {cipher} for {party}");
                }
            }
        }
    }
}

/// SMI-03
#[test]
fn openssl_finds_definite_lengths_only() {
    let Some(workshop) = workshop() else { return };
    let file = workshop.path().join("structure.der");
    let (_, options) = signature_options().remove(3);
    for octets in [
        sign(DigestAlgorithm::Sha256, options),
        encrypt(ContentCipher::Aes256Cbc, &["alice", "bob"]),
    ] {
        fs::write(&file, octets).unwrap();
        let printed = String::from_utf8(openssl(&["asn1parse", "-inform", "DER"], &[("-in", &file)])).unwrap();
        assert!(printed.contains("pkcs7-"), "{printed}");
        assert!(!printed.contains("l=inf"), "{printed}");
    }
}

/// A whole message from alice to bob: MIME headers, an empty line, the body.
fn message(structure: Structure, payload: &[u8]) -> Vec<u8> {
    let alice = alice();
    let (_, options) = signature_options().remove(2);
    let head = payload_head(&ContentType::new("application", "EDIFACT"), None, &[]).unwrap();
    let blueprint = Blueprint::new(structure, head)
        .recipient(certificate("bob"))
        .signature(SignatureBlueprint::new(alice.certificate().clone(), options));
    let mut encoder = Encoder::new(blueprint, &mut *SystemEntropy.rng()).unwrap();
    let mut source = payload.to_vec();
    loop {
        let mut sink = Vec::new();
        encoder.update(&source, &mut sink).unwrap();
        let mut step = encoder.finish(&mut sink).unwrap();
        if let Step::Sign(awaiting) = step {
            let name = As2Name::new("ALICE").unwrap();
            let signature = alice.sign(&name, awaiting.algorithm(), awaiting.input()).unwrap();
            step = awaiting.complete(&signature, &mut sink).unwrap();
        }
        match step {
            Step::Again(second) => (encoder, source) = (second, sink),
            Step::Done(encoded) => {
                let mut message = Vec::new();
                encoded.head.write_to(&mut message);
                return [message.as_slice(), b"\r\n", &encoded.prefix, &sink].concat();
            }
            _ => panic!("an unknown step"),
        }
    }
}

/// Takes the outermost layer off with openssl or, as Debian's has no zlib, by finding the zlib stream.
fn peel(entity: &[u8], workshop: &TempDir) -> Vec<u8> {
    let file = workshop.path().join("message");
    let empty_line = entity.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let (head, body) = entity.split_at(empty_line + 4);
    let head = std::str::from_utf8(head).unwrap();
    if head.contains("enveloped-data") {
        fs::write(&file, body).unwrap();
        return openssl(
            &["cms", "-decrypt", "-binary", "-inform", "DER", "-keyform", "DER"],
            &[
                ("-in", &file),
                ("-recip", &fixture("cms/bob.pem")),
                ("-inkey", &fixture("cms/bob.key.der")),
            ],
        );
    }
    if head.contains("compressed-data") {
        let zlib = body.windows(2).position(|window| window == b"\x78\x9c").unwrap();
        let mut inflated = Vec::new();
        flate2::read::ZlibDecoder::new(&body[zlib..])
            .read_to_end(&mut inflated)
            .unwrap();
        return inflated;
    }
    // openssl's reader of S/MIME takes framing in CR LF for text only, so the parts are cut out here.
    let boundary = head.split_once("boundary=").unwrap().1.split_once("\r\n").unwrap().0;
    let body = body.strip_prefix(format!("--{boundary}\r\n").as_bytes()).unwrap();
    let delimiter = format!("\r\n--{boundary}");
    let ends: Vec<_> = memchr::memmem::find_iter(body, &delimiter).collect();
    let &[first, second] = ends.as_slice() else {
        panic!("{} delimiters", ends.len());
    };
    let signature = std::str::from_utf8(&body[first + delimiter.len()..second]).unwrap();
    let (head, base64) = signature.split_once("\r\n\r\n").unwrap();
    assert!(
        head.contains("application/pkcs7-signature") && head.contains("base64"),
        "{head}"
    );
    let (content, encoded) = (workshop.path().join("content"), workshop.path().join("base64"));
    fs::write(&content, &body[..first]).unwrap();
    fs::write(&encoded, base64.replace('\r', "") + "\n").unwrap();
    fs::write(&file, openssl(&["base64", "-d"], &[("-in", &encoded)])).unwrap();
    openssl(
        &["cms", "-verify", "-binary", "-inform", "DER", "-noverify", "-nointern"],
        &[
            ("-in", &file),
            ("-content", &content),
            ("-certfile", &fixture("cms/alice.pem")),
        ],
    )
}

/// ENV-46, SMI-10, SMI-32, SMI-34: openssl takes our layers off one by one, and the payload is what it was.
#[test]
fn openssl_reads_our_messages() {
    let Some(workshop) = workshop() else { return };
    let payloads: [&[u8]; 4] = [
        b"UNB+UNOA:1'\r\nUNZ+0'\r\n",
        b"bare LF\nand no end",
        b"\r\n",
        b"\0\x01\xff\r\0",
    ];
    for payload in payloads {
        for compression in [Compression::None, Compression::BeforeSigning, Compression::AfterSigning] {
            for layers in [1_u8, 2, 3] {
                let mut profile = SendProfile::new().compression(compression);
                if layers & 1 == 0 {
                    profile = profile.without_signature();
                }
                if layers & 2 == 0 {
                    profile = profile.without_encryption();
                }
                let structure = Structure::from(&profile);
                let mut entity = message(structure, payload);
                for _ in 0..structure.to_string().matches('(').count() {
                    entity = peel(&entity, &workshop);
                }
                let expected = [
                    b"Content-Type: application/EDIFACT\r\nContent-Transfer-Encoding: binary\r\n\r\n".as_slice(),
                    payload,
                ]
                .concat();
                assert_eq!(entity, expected, "{structure}, {payload:?}");
            }
        }
    }
}
