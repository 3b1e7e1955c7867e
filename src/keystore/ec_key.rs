//! Private keys on the NIST curves (RFC 5480).

use p256::ecdsa::signature::hazmat::RandomizedPrehashSigner;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::cms::{Curve, EcPublicKey};
use crate::mic::Mic;

/// A private key; each kind wipes itself when dropped.
pub(super) enum EcPrivateKey {
    P256(p256::SecretKey),
    P384(p384::SecretKey),
    P521(p521::SecretKey),
}

impl EcPrivateKey {
    /// Reads PKCS#8 (RFC 5958) or SEC 1 (RFC 5915) DER.
    pub(super) fn from_der(der: &[u8]) -> Option<Self> {
        let p256 = || p256::SecretKey::from_der(der).ok().map(Self::P256);
        let p384 = || p384::SecretKey::from_der(der).ok().map(Self::P384);
        let p521 = || p521::SecretKey::from_der(der).ok().map(Self::P521);
        p256().or_else(p384).or_else(p521)
    }

    pub(super) fn public_key(&self) -> EcPublicKey {
        match self {
            Self::P256(key) => EcPublicKey::P256(key.public_key()),
            Self::P384(key) => EcPublicKey::P384(key.public_key()),
            Self::P521(key) => EcPublicKey::P521(key.public_key()),
        }
    }

    /// An ECDSA signature of a digest in DER. The number that must not be used twice is derived from key and digest (RFC
    /// 6979) and from `rng`.
    pub(super) fn sign(&self, digest: &Mic, rng: &mut dyn CryptoRng) -> Result<Vec<u8>, p256::ecdsa::Error> {
        macro_rules! sign {
            ($curve:ident, $key:expr) => {{
                let key = $curve::ecdsa::SigningKey::from($key);
                let signature: $curve::ecdsa::DerSignature = key.sign_prehash_with_rng(rng, digest.digest())?;
                Ok(signature.as_bytes().to_vec())
            }};
        }
        match self {
            Self::P256(key) => sign!(p256, key),
            Self::P384(key) => sign!(p384, key),
            Self::P521(key) => sign!(p521, key),
        }
    }

    /// What this key and another one have in common, the x-coordinate (SEC 1 §3.3.1); `None` for what is no point on the
    /// key's curve (SEC-13).
    pub(super) fn agree(&self, public_key: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        macro_rules! agree {
            ($key:expr, $other:expr) => {
                Zeroizing::new($key.diffie_hellman($other).raw_secret_bytes().to_vec())
            };
        }
        let curve = match self {
            Self::P256(_) => Curve::P256,
            Self::P384(_) => Curve::P384,
            Self::P521(_) => Curve::P521,
        };
        match (self, EcPublicKey::from_sec1(curve, public_key)?) {
            (Self::P256(key), EcPublicKey::P256(other)) => Some(agree!(key, &other)),
            (Self::P384(key), EcPublicKey::P384(other)) => Some(agree!(key, &other)),
            (Self::P521(key), EcPublicKey::P521(other)) => Some(agree!(key, &other)),
            _ => None,
        }
    }
}
