use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey;

use super::*;

/// A key of OpenSSL, and the same with its smaller prime first, as other products write it.
fn keys() -> [rsa::PrivateKey; 2] {
    let octets = include_bytes!("../../../tests/data/openssl/cms/bob.key.der");
    let key = rsa::PrivateKey::from_pkcs8_der(octets).unwrap();
    let [first, second] = key.primes() else {
        panic!("two primes")
    };
    assert!(first > second);
    let primes = vec![second.clone().get(), first.clone().get()];
    let (n, e, d) = (key.n().clone().get(), key.e().clone(), key.d().clone());
    let swapped = rsa::PrivateKey::from_components(n, e, d, primes).unwrap();
    [key, swapped]
}

/// Whichever comes first, the same octets come out: those of OpenSSL.
#[test]
fn the_larger_prime_comes_first() {
    let [key, swapped] = keys();
    assert!(swapped.primes()[0] < swapped.primes()[1]);
    let ordered = larger_prime_first(&swapped).unwrap();
    assert_eq!(ordered, larger_prime_first(&key).unwrap());
    assert_eq!(rsa::PrivateKey::from_pkcs1_der(&ordered).unwrap(), key);
}

/// Signatures do not fail once in a while.
#[cfg(all(feature = "graviola", any(target_arch = "x86_64", target_arch = "aarch64")))]
#[test]
fn every_signature_can_be_made() {
    use crate::algorithm::{DigestAlgorithm, SignatureAlgorithm};
    use crate::keystore::fast_rsa::FastRsa;

    let [_, swapped] = keys();
    let Some(fast) = FastRsa::new(&swapped) else {
        return eprintln!("not run: graviola does not support this processor");
    };
    let algorithm = SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256);
    for message in 0..100_u32 {
        assert!(fast.sign(algorithm, &message.to_be_bytes()).is_some(), "{message}");
    }
}
