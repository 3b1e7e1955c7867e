//! RSA keys with the smaller prime first.

use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// The same key with the larger prime first, as OpenSSL and Java write it; `None` where it is so already, and for keys of
/// more primes.
///
/// RFC 8017 §3.2 leaves the order open. graviola 0.4 does not: with the smaller one first, up to one in twenty of its
/// signatures fails, and a TLS handshake with it.
pub(super) fn larger_prime_first(key: &rsa::PrivateKey) -> Option<rsa::PrivateKey> {
    match key.primes() {
        [p, q] if p < q => {
            let (n, e, d) = (key.n().as_ref().clone(), key.e().clone(), key.d().clone());
            rsa::PrivateKey::from_components(n, e, d, vec![q.as_ref().clone(), p.as_ref().clone()]).ok()
        }
        _ => None,
    }
}

/// The same for a key as TLS takes it.
#[cfg_attr(not(feature = "transport"), expect(dead_code, reason = "only TLS takes keys so"))]
pub(crate) fn larger_prime_first_der(key: &PrivateKeyDer<'_>) -> Option<PrivateKeyDer<'static>> {
    let key = match key {
        PrivateKeyDer::Pkcs8(key) => rsa::PrivateKey::from_pkcs8_der(key.secret_pkcs8_der()).ok()?,
        PrivateKeyDer::Pkcs1(key) => rsa::PrivateKey::from_pkcs1_der(key.secret_pkcs1_der()).ok()?,
        _ => return None,
    };
    let key = larger_prime_first(&key)?.to_pkcs8_der().ok()?;
    Some(PrivatePkcs8KeyDer::from(key.as_bytes().to_vec()).into())
}
