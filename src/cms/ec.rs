//! Keys on the NIST curves (RFC 5480): ECDSA verified, and the sender's side of ECDH.

use p256::ecdsa::signature::hazmat::PrehashVerifier;
use p256::elliptic_curve::Generate;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::oid;
use crate::mic::Mic;

/// A named curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    P384,
    P521,
}

/// A point that is known to be on its curve, and not at infinity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum EcPublicKey {
    P256(p256::PublicKey),
    P384(p384::PublicKey),
    P521(p521::PublicKey),
}

/// A fresh key, and what it and the other party's key have in common.
pub(super) struct EphemeralAgreement {
    /// The point, uncompressed (SEC 1 §2.3.3).
    pub(super) public_key: Vec<u8>,
    /// The x-coordinate (SEC 1 §3.3.1).
    pub(super) shared_secret: Zeroizing<Vec<u8>>,
}

impl Curve {
    /// The curve that an object identifier names (RFC 5480 §2.1.1.1).
    pub(super) fn from_oid(oid: &[u8]) -> Option<Self> {
        match oid {
            oid::SECP256R1 => Some(Self::P256),
            oid::SECP384R1 => Some(Self::P384),
            oid::SECP521R1 => Some(Self::P521),
            _ => None,
        }
    }
}

impl EcPublicKey {
    /// Reads a point (SEC 1 §2.3.4); `None` where it is not on the curve.
    pub(crate) fn from_sec1(curve: Curve, octets: &[u8]) -> Option<Self> {
        match curve {
            Curve::P256 => p256::PublicKey::from_sec1_bytes(octets).ok().map(Self::P256),
            Curve::P384 => p384::PublicKey::from_sec1_bytes(octets).ok().map(Self::P384),
            Curve::P521 => p521::PublicKey::from_sec1_bytes(octets).ok().map(Self::P521),
        }
    }

    /// Whether `signature`, an `ECDSA-Sig-Value` in DER (RFC 5753 §7.2) with both numbers in their range, is one of
    /// `digest`.
    pub(super) fn verify(&self, digest: &Mic, signature: &[u8]) -> bool {
        macro_rules! verify {
            ($curve:ident, $key:expr) => {
                $curve::ecdsa::DerSignature::from_bytes(signature)
                    .and_then(|signature| {
                        $curve::ecdsa::VerifyingKey::from(*$key).verify_prehash(digest.digest(), &signature)
                    })
                    .is_ok()
            };
        }
        match self {
            Self::P256(key) => verify!(p256, key),
            Self::P384(key) => verify!(p384, key),
            Self::P521(key) => verify!(p521, key),
        }
    }

    /// Agrees on a secret with the holder of this key, by a fresh key of our own.
    pub(super) fn agree(&self, rng: &mut dyn CryptoRng) -> EphemeralAgreement {
        macro_rules! agree {
            ($curve:ident, $key:expr) => {{
                let ephemeral = $curve::ecdh::EphemeralSecret::generate_from_rng(rng);
                EphemeralAgreement {
                    public_key: ephemeral.public_key().to_sec1_bytes().into(),
                    shared_secret: Zeroizing::new(ephemeral.diffie_hellman($key).raw_secret_bytes().to_vec()),
                }
            }};
        }
        match self {
            Self::P256(key) => agree!(p256, key),
            Self::P384(key) => agree!(p384, key),
            Self::P521(key) => agree!(p521, key),
        }
    }
}
