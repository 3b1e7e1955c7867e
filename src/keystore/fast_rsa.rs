//! RSA signatures by graviola where it can make them: three to four times as fast as `rsa`.

pub(super) use backend::FastRsa;

#[cfg(all(feature = "graviola", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod backend {
    use graviola::signing::rsa::SigningKey;
    use rsa::PrivateKey;
    use rsa::pkcs1::EncodeRsaPrivateKey;

    use crate::algorithm::{DigestAlgorithm, SignatureAlgorithm};
    use crate::keystore::prime_order::larger_prime_first;

    /// A key that graviola takes: 2048 to 8192 bits.
    pub(in super::super) struct FastRsa(SigningKey);

    impl FastRsa {
        /// `None` for keys that graviola does not take and on CPUs that it does not support, where it would panic.
        pub(in super::super) fn new(key: &PrivateKey) -> Option<Self> {
            if !graviola::util::is_cpu_supported() {
                return None;
            }
            // What `rsa` writes is consistent, whatever the file said.
            let ordered = larger_prime_first(key);
            let der = ordered.as_ref().unwrap_or(key).to_pkcs1_der().ok()?;
            SigningKey::from_pkcs1_der(der.as_bytes()).ok().map(Self)
        }

        /// Hashes and signs; `None` for what graviola does not have. It verifies its result, and does not need
        /// blinding.
        pub(in super::super) fn sign(&self, algorithm: SignatureAlgorithm, message: &[u8]) -> Option<Vec<u8>> {
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
    }
}

#[cfg(not(all(feature = "graviola", any(target_arch = "x86_64", target_arch = "aarch64"))))]
mod backend {
    use std::convert::Infallible;

    use rsa::PrivateKey;

    use crate::algorithm::SignatureAlgorithm;

    /// There is none.
    pub(in super::super) struct FastRsa(Infallible);

    impl FastRsa {
        pub(in super::super) fn new(_: &PrivateKey) -> Option<Self> {
            None
        }

        pub(in super::super) fn sign(&self, _: SignatureAlgorithm, _: &[u8]) -> Option<Vec<u8>> {
            match self.0 {}
        }
    }
}
