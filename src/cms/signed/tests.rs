use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rsa::PrivateKey;
use rsa::pkcs8::DecodePrivateKey;

use super::{PendingSignature, SignatureOptions, SignerCheck, SigningInput, check_signers};
use crate::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use crate::cms::{Certificate, CmsEvent, CmsReader, CmsTrailer, signature_scheme};
use crate::limits::Limits;
use crate::mic::{Digester, Mic, MicSet};

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../../tests/data/openssl/cms/", $name)).as_slice()
    };
}

const CONTENT: &[u8] = fixture!("content.bin");

fn alice() -> Certificate {
    Certificate::from_der(fixture!("alice.der")).unwrap()
}

fn alice_key() -> PrivateKey {
    PrivateKey::from_pkcs8_der(fixture!("alice.key.der")).unwrap()
}

fn digests() -> MicSet {
    digests_of(CONTENT)
}

fn digests_of(content: &[u8]) -> MicSet {
    let mut digester = Digester::new(DigestAlgorithm::ALL);
    digester.update(content);
    digester.finish()
}

fn trailer(mut octets: &[u8]) -> CmsTrailer {
    let mut reader = CmsReader::new(&Limits::default());
    loop {
        match reader.next(&mut octets).unwrap() {
            CmsEvent::End(trailer) => return trailer,
            CmsEvent::NeedInput => panic!("truncated"),
            _ => {}
        }
    }
}

fn check(octets: &[u8]) -> SignerCheck {
    check_signers(&trailer(octets).signer_infos, &[alice()], &digests())
}

fn sign(pending: PendingSignature) -> Vec<u8> {
    let SignatureAlgorithm::RsaPkcs1(digest) = pending.algorithm();
    let signed = match pending.input() {
        SigningInput::Message(message) => Mic::of(digest, message).digest().to_vec(),
        SigningInput::Digest(digest) => digest.to_vec(),
    };
    let signature = alice_key().sign(signature_scheme(digest), &signed).unwrap();
    pending.complete(&signature)
}

#[test]
fn signatures_of_openssl_verify() {
    for octets in [
        fixture!("signed.der"),
        fixture!("signed-stream.ber"),
        fixture!("signed-detached.der"),
        fixture!("signed-nocerts.der"),
    ] {
        let SignerCheck::Verified {
            certificate,
            digest,
            signing_time,
        } = check(octets)
        else {
            panic!("not verified")
        };
        assert_eq!(certificate, alice());
        assert_eq!(digest, DigestAlgorithm::Sha256);
        assert!(signing_time.unwrap() > UNIX_EPOCH);
    }
}

#[test]
fn own_signatures_verify() {
    let signing_time: SystemTime = UNIX_EPOCH + Duration::from_secs(1_795_489_582);
    for digest in DigestAlgorithm::ALL {
        for signing_time in [None, Some(signing_time)] {
            let options = SignatureOptions {
                signing_time,
                ..SignatureOptions::default()
            };
            let algorithm = SignatureAlgorithm::RsaPkcs1(digest);
            let pending = PendingSignature::new(&alice(), algorithm, &Mic::of(digest, CONTENT), options);
            assert_eq!(
                check(&sign(pending)),
                SignerCheck::Verified {
                    certificate: alice(),
                    digest,
                    signing_time
                }
            );
        }
    }
}
