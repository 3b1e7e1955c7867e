//! RSA by other back ends than `rsa`, which are several times as fast, where they are there and take the key.

#[cfg(feature = "aws-lc-rs")]
mod aws_lc;
#[cfg(all(feature = "graviola", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod graviola;

use rsa::PrivateKey;

use crate::algorithm::SignatureAlgorithm;
use crate::cms::KeyEncryption;

/// A private key in the hands of a back end. What it does not do, `rsa` does.
pub(super) trait FastRsa: Send + Sync {
    /// Hashes and signs; `None` for algorithms that it does not have.
    fn sign(&self, algorithm: SignatureAlgorithm, message: &[u8]) -> Option<Vec<u8>>;

    /// Decrypts a content key; `None` for what is none, which nobody may be told.
    fn decrypt(&self, encryption: &KeyEncryption, encrypted: &[u8]) -> Result<Option<Vec<u8>>, NotHere>;
}

/// The back end does not decrypt, or not in this way.
#[derive(Clone, Copy, Debug)]
pub(super) struct NotHere;

type Make = fn(&PrivateKey) -> Option<Box<dyn FastRsa>>;

/// The fastest first. Each gives `None` for keys that it does not take and on machines that it does not support.
const BACK_ENDS: &[Make] = &[
    #[cfg(feature = "aws-lc-rs")]
    aws_lc::key,
    #[cfg(all(feature = "graviola", any(target_arch = "x86_64", target_arch = "aarch64")))]
    graviola::key,
];

/// The key in the hands of every one that takes it, and of none.
#[cfg(test)]
pub(super) fn every(key: &PrivateKey) -> Vec<Option<Box<dyn FastRsa>>> {
    let there = BACK_ENDS.iter().filter_map(|make| make(key)).map(Some);
    there.chain([None]).collect()
}

/// The key in the hands of the fastest back end that takes it.
pub(super) fn fastest(key: &PrivateKey) -> Option<Box<dyn FastRsa>> {
    BACK_ENDS.iter().find_map(|make| make(key))
}
