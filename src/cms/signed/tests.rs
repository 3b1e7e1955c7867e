use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rsa::PrivateKey;
use rsa::pkcs8::DecodePrivateKey;

use super::{PendingSignature, SignatureError, SignatureOptions, SignerCheck, SigningInput, attributes, check_signers};
use crate::algorithm::{ContentCipher, DigestAlgorithm, SignatureAlgorithm, UnknownAlgorithm};
use crate::cms::content_info::content_info;
use crate::cms::tlv::{Tlvs, constructed, encode, set_of, tag};
use crate::cms::{
    Certificate, CertificateId, CmsError, CmsEvent, CmsReader, CmsTrailer, KeyError, oid, signature_scheme,
};
use crate::limits::Limits;
use crate::mic::{Digester, Mic, MicSet};

mod algorithms;
mod built;
mod foreign;
mod rebuilt;

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/openssl/", $name)).as_slice()
    };
}
use fixture;

const CONTENT: &[u8] = fixture!("cms/content.bin");
const SHA256: SignatureAlgorithm = SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256);

fn certificate(der: &[u8]) -> Certificate {
    Certificate::from_der(der).unwrap()
}

fn alice() -> Certificate {
    certificate(fixture!("cms/alice.der"))
}

fn digests() -> MicSet {
    let mut digester = Digester::new(DigestAlgorithm::ALL);
    digester.update(CONTENT);
    digester.finish()
}

fn read(mut octets: &[u8]) -> Result<CmsTrailer, CmsError> {
    let mut reader = CmsReader::new(&Limits::default());
    loop {
        match reader.next(&mut octets)? {
            CmsEvent::End(trailer) => return Ok(trailer),
            CmsEvent::NeedInput => return Err(CmsError::Truncated),
            _ => {}
        }
    }
}

fn signer_infos(octets: &[u8]) -> Vec<Vec<u8>> {
    read(octets).unwrap().signer_infos
}

/// The error of a signature by alice, whose digest matches the content as given.
fn failure(signer_infos: &[Vec<u8>], expected_match: bool) -> SignatureError {
    match check_signers(signer_infos, &[alice()], &digests()) {
        SignerCheck::Failed {
            certificate,
            digest_matches,
            error,
            ..
        } => {
            assert_eq!(certificate, alice());
            assert_eq!(digest_matches, expected_match, "{error}");
            error
        }
        other => panic!("{other:?}"),
    }
}

/// The certificate and the digest of a right signature.
fn verified(signer_infos: &[Vec<u8>], certificates: &[Certificate]) -> (Certificate, DigestAlgorithm) {
    match check_signers(signer_infos, certificates, &digests()) {
        SignerCheck::Verified {
            certificate, digest, ..
        } => (certificate, digest),
        other => panic!("{other:?}"),
    }
}

/// What alice's key says to a signing input.
fn sign(algorithm: SignatureAlgorithm, input: SigningInput<'_>) -> Vec<u8> {
    let digest = algorithm.digest();
    let digested = match input {
        SigningInput::Message(message) => Mic::of(digest, message),
        SigningInput::Digest(octets) => Mic::new(digest, octets).unwrap(),
    };
    let key = PrivateKey::from_pkcs8_der(fixture!("cms/alice.key.der")).unwrap();
    key.sign(signature_scheme(digest), digested.digest()).unwrap()
}

/// The DER of a signature by alice.
fn signed(algorithm: SignatureAlgorithm, options: SignatureOptions) -> Vec<u8> {
    let content = Mic::of(algorithm.digest(), CONTENT);
    let pending = PendingSignature::new(&alice(), algorithm, &content, options);
    let signature = sign(pending.algorithm(), pending.input());
    pending.complete(&signature)
}

fn signing_time() -> Option<SystemTime> {
    // 2026-11-24 03:06:22Z
    Some(UNIX_EPOCH + Duration::from_secs(1_795_489_582))
}
