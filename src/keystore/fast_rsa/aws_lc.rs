use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512,
    OaepPrivateDecryptingKey, Pkcs1PrivateDecryptingKey, PrivateDecryptingKey,
};
use aws_lc_rs::signature::{self, RsaEncoding, RsaKeyPair};
use rsa::PrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::pkcs8::EncodePrivateKey;
use zeroize::Zeroizing;

use super::{FastRsa, NotHere};
use crate::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use crate::cms::KeyEncryption;

/// A key of 2048 to 8192 bits. It blinds, and checks padding in constant time; the error for a wrong one then takes another
/// path than a result, by far less than what [`Unwrapped`](crate::keystore::Unwrapped) and the content cost.
struct AwsLc {
    signing: RsaKeyPair,
    pkcs1: Pkcs1PrivateDecryptingKey,
    oaep: OaepPrivateDecryptingKey,
}

pub(super) fn key(key: &PrivateKey) -> Option<Box<dyn FastRsa>> {
    // What `rsa` writes is consistent, whatever the file said.
    let signing = RsaKeyPair::from_der(key.to_pkcs1_der().ok()?.as_bytes()).ok()?;
    let decrypting = PrivateDecryptingKey::from_pkcs8(key.to_pkcs8_der().ok()?.as_bytes()).ok()?;
    Some(Box::new(AwsLc {
        signing,
        pkcs1: Pkcs1PrivateDecryptingKey::new(decrypting.clone()).ok()?,
        oaep: OaepPrivateDecryptingKey::new(decrypting).ok()?,
    }))
}

impl FastRsa for AwsLc {
    fn sign(&self, algorithm: SignatureAlgorithm, message: &[u8]) -> Option<Vec<u8>> {
        use DigestAlgorithm::{Sha256, Sha384, Sha512};
        let encoding: &'static dyn RsaEncoding = match algorithm {
            SignatureAlgorithm::RsaPkcs1(Sha256) => &signature::RSA_PKCS1_SHA256,
            SignatureAlgorithm::RsaPkcs1(Sha384) => &signature::RSA_PKCS1_SHA384,
            SignatureAlgorithm::RsaPkcs1(Sha512) => &signature::RSA_PKCS1_SHA512,
            SignatureAlgorithm::RsaPss(Sha256) => &signature::RSA_PSS_SHA256,
            SignatureAlgorithm::RsaPss(Sha384) => &signature::RSA_PSS_SHA384,
            SignatureAlgorithm::RsaPss(Sha512) => &signature::RSA_PSS_SHA512,
            _ => return None,
        };
        let mut room = vec![0; self.signing.public_modulus_len()];
        let signed = self.signing.sign(encoding, &SystemRandom::new(), message, &mut room);
        signed.ok().map(|()| room)
    }

    fn decrypt(&self, encryption: &KeyEncryption, encrypted: &[u8]) -> Result<Option<Vec<u8>>, NotHere> {
        use DigestAlgorithm::{Sha1, Sha256, Sha384, Sha512};
        let mut room = Zeroizing::new(vec![0; self.pkcs1.min_output_size()]);
        let decrypted = match encryption {
            KeyEncryption::RsaPkcs1 => self.pkcs1.decrypt(encrypted, &mut room),
            KeyEncryption::RsaOaep(parameters) => {
                let algorithm = match (parameters.digest, parameters.mgf_digest) {
                    (Sha1, Sha1) => &OAEP_SHA1_MGF1SHA1,
                    (Sha256, Sha256) => &OAEP_SHA256_MGF1SHA256,
                    (Sha384, Sha384) => &OAEP_SHA384_MGF1SHA384,
                    (Sha512, Sha512) => &OAEP_SHA512_MGF1SHA512,
                    _ => return Err(NotHere),
                };
                let label = Some(&*parameters.label).filter(|label| !label.is_empty());
                self.oaep.decrypt(algorithm, encrypted, &mut room, label)
            }
            _ => return Err(NotHere),
        };
        Ok(decrypted.ok().map(|octets| octets.to_vec()))
    }
}
