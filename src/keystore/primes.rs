//! The order of the primes of RSA keys.

use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use zeroize::Zeroizing;

#[cfg(test)]
mod tests;

/// The key in PKCS#1 form, the larger prime first (RFC 8017 §3.2 leaves the order open, OpenSSL writes it so). graviola
/// 0.4 relies on it: with the smaller one first some of its signatures fail, which depends on what is signed. `None` for
/// keys of more than two primes.
pub(crate) fn larger_prime_first(key: &rsa::PrivateKey) -> Option<Zeroizing<Vec<u8>>> {
    let [first, second] = key.primes() else { return None };
    let der = if first < second {
        let primes = vec![second.clone().get(), first.clone().get()];
        let (n, e, d) = (key.n().clone().get(), key.e().clone(), key.d().clone());
        rsa::PrivateKey::from_components(n, e, d, primes).ok()?.to_pkcs1_der()
    } else {
        key.to_pkcs1_der()
    };
    Some(der.ok()?.to_bytes())
}
