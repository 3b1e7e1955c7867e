//! What the `openssl` command makes of our signatures and envelopes.
//!
//! Runs only where `EDIINT_PEERS=1` is set, as `tests/run` does: `cargo test` alone needs nothing but cargo.

#![expect(clippy::unwrap_used, reason = "all of this file is test code")]

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use ediint::cms::{
    CbcEncryptor, Certificate, ContentKey, PendingSignature, SignatureOptions, encrypt_content_key, enveloped_prefix,
};
use ediint::keystore::{Identity, PrivateKey};
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
