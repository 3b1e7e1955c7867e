//! What openssl makes of our signatures and envelopes, without MIME.

use std::fs;
use std::time::{Duration, SystemTime};

use ediint::cms::{
    ContentEncryptor, ContentKey, PendingSignature, SignatureOptions, encrypt_content_key, enveloped_prefix,
    enveloped_suffix,
};
use ediint::{As2Name, ContentCipher, DigestAlgorithm, Entropy, KeyTransport, Mic, SignatureAlgorithm, SystemEntropy};

use super::{certificate, fixture, identity, openssl, run, workshop};

fn content() -> Vec<u8> {
    fs::read(fixture("cms/content.bin")).unwrap()
}

/// A detached signature of the content by alice.
fn sign(digest: DigestAlgorithm, options: SignatureOptions) -> Vec<u8> {
    let algorithm = SignatureAlgorithm::RsaPkcs1(digest);
    let alice = identity("alice");
    let content = Mic::of(digest, &content());
    let pending = PendingSignature::new(alice.certificate(), algorithm, &content, options);
    let signature = alice
        .sign(
            &As2Name::new("ALICE").unwrap(),
            alice.certificate(),
            pending.algorithm(),
            pending.input(),
        )
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
    let mut iv = vec![0; cipher.iv_len()];
    rng.fill_bytes(&mut iv);
    let recipients: Vec<_> = parties
        .iter()
        .map(|party| encrypt_content_key(&certificate(party), KeyTransport::RsaPkcs1, &key, rng).unwrap())
        .collect();
    let mut ciphertext = Vec::new();
    let mut encryptor = ContentEncryptor::new(cipher, &key, &iv).unwrap();
    encryptor.update(&content(), &mut ciphertext).unwrap();
    let mac = encryptor.finish(&mut ciphertext);
    let mut octets = enveloped_prefix(&recipients, cipher, &iv, ciphertext.len().try_into().unwrap());
    octets.append(&mut ciphertext);
    octets.extend(enveloped_suffix(&mac));
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
                // The older parser does not know AuthEnvelopedData.
                let parsers = if cipher.is_authenticated() {
                    &["cms"][..]
                } else {
                    &["cms", "smime"]
                };
                for parser in parsers {
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
