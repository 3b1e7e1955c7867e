//! RSA signatures verified by graviola where it can: several times as fast as `rsa`.

pub(super) use backend::FastVerifier;

#[cfg(all(feature = "graviola", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod backend {
    use graviola::signing::rsa::VerifyingKey;
    use rsa::PublicKey;
    use rsa::pkcs1::EncodeRsaPublicKey;

    use crate::algorithm::DigestAlgorithm;

    /// A key that graviola takes: 2048 to 8192 bits.
    pub(in super::super) struct FastVerifier(VerifyingKey);

    impl FastVerifier {
        /// `None` for keys that graviola does not take and on CPUs that it does not support, where it would panic.
        pub(in super::super) fn new(key: &PublicKey) -> Option<Self> {
            if !graviola::util::is_cpu_supported() {
                return None;
            }
            let der = key.to_pkcs1_der().ok()?;
            VerifyingKey::from_pkcs1_der(der.as_bytes()).ok().map(Self)
        }

        /// Whether this is known to be a signature of the message. It may be one all the same: over a digest that graviola
        /// does not have, or in the form that it does not know.
        pub(in super::super) fn verifies_pkcs1(
            &self,
            digest: DigestAlgorithm,
            message: &[u8],
            signature: &[u8],
        ) -> bool {
            match digest {
                DigestAlgorithm::Sha256 => self.0.verify_pkcs1_sha256(signature, message).is_ok(),
                DigestAlgorithm::Sha384 => self.0.verify_pkcs1_sha384(signature, message).is_ok(),
                DigestAlgorithm::Sha512 => self.0.verify_pkcs1_sha512(signature, message).is_ok(),
                _ => false,
            }
        }

        /// The same for RSASSA-PSS with a salt as long as the digest.
        pub(in super::super) fn verifies_pss(&self, digest: DigestAlgorithm, message: &[u8], signature: &[u8]) -> bool {
            match digest {
                DigestAlgorithm::Sha256 => self.0.verify_pss_sha256(signature, message).is_ok(),
                DigestAlgorithm::Sha384 => self.0.verify_pss_sha384(signature, message).is_ok(),
                DigestAlgorithm::Sha512 => self.0.verify_pss_sha512(signature, message).is_ok(),
                _ => false,
            }
        }
    }
}

#[cfg(not(all(feature = "graviola", any(target_arch = "x86_64", target_arch = "aarch64"))))]
mod backend {
    use std::convert::Infallible;

    use rsa::PublicKey;

    use crate::algorithm::DigestAlgorithm;

    /// There is none.
    pub(in super::super) struct FastVerifier(Infallible);

    impl FastVerifier {
        pub(in super::super) fn new(_: &PublicKey) -> Option<Self> {
            None
        }

        pub(in super::super) fn verifies_pkcs1(&self, _: DigestAlgorithm, _: &[u8], _: &[u8]) -> bool {
            match self.0 {}
        }

        pub(in super::super) fn verifies_pss(&self, _: DigestAlgorithm, _: &[u8], _: &[u8]) -> bool {
            match self.0 {}
        }
    }
}
