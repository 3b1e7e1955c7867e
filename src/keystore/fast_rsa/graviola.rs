use graviola::signing::rsa::SigningKey;
use rsa::PrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey;

use super::{FastRsa, NotHere};
use crate::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use crate::cms::KeyEncryption;
use crate::keystore::prime_order::larger_prime_first;

/// A key of 2048 to 8192 bits. It verifies its results, and does not need blinding.
struct Graviola(SigningKey);

/// `None` on processors too that it does not support, where it would panic.
pub(super) fn key(key: &PrivateKey) -> Option<Box<dyn FastRsa>> {
    if !graviola::util::is_cpu_supported() {
        return None;
    }
    // What `rsa` writes is consistent, whatever the file said.
    let ordered = larger_prime_first(key);
    let der = ordered.as_ref().unwrap_or(key).to_pkcs1_der().ok()?;
    Some(Box::new(Graviola(SigningKey::from_pkcs1_der(der.as_bytes()).ok()?)))
}

impl FastRsa for Graviola {
    fn sign(&self, algorithm: SignatureAlgorithm, message: &[u8]) -> Option<Vec<u8>> {
        use DigestAlgorithm::{Sha256, Sha384, Sha512};
        let (key, room) = (&self.0, &mut vec![0; self.0.modulus_len_bytes()]);
        match algorithm {
            SignatureAlgorithm::RsaPkcs1(Sha256) => key.sign_pkcs1_sha256(room, message),
            SignatureAlgorithm::RsaPkcs1(Sha384) => key.sign_pkcs1_sha384(room, message),
            SignatureAlgorithm::RsaPkcs1(Sha512) => key.sign_pkcs1_sha512(room, message),
            SignatureAlgorithm::RsaPss(Sha256) => key.sign_pss_sha256(room, message),
            SignatureAlgorithm::RsaPss(Sha384) => key.sign_pss_sha384(room, message),
            SignatureAlgorithm::RsaPss(Sha512) => key.sign_pss_sha512(room, message),
            _ => return None,
        }
        .ok()
        .map(<[u8]>::to_vec)
    }

    fn decrypt(&self, _: &KeyEncryption, _: &[u8]) -> Result<Option<Vec<u8>>, NotHere> {
        Err(NotHere)
    }
}
