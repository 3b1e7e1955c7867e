//! The public key of a certificate, `SubjectPublicKeyInfo` (RFC 5280 §4.1.2.7).

use rsa::{BoxedUint, PublicKey as RsaPublicKey};

use super::super::ec::{Curve, EcPublicKey};
use super::super::oid;
use super::super::pss::PssParameters;
use super::super::tlv::{self, BadTlv, Tlv, Tlvs, tag};
use crate::algorithm::LegacyAlgorithm;

/// Largest RSA modulus that is computed with, in bits: twice the length costs seven times the time.
pub(crate) const MAX_MODULUS_BITS: usize = 8192;

/// Why the public key of a certificate cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The key is of a kind that is not supported; its algorithm or curve as an object identifier.
    #[error("public key algorithm {0} is not supported")]
    Unsupported(String),
    /// The key is of another kind than what it is to be used for.
    #[error("this takes a key for {needed}, but the certificate has one for {found}")]
    Kind {
        /// The kind that would do.
        needed: KeyKind,
        /// The kind of the key.
        found: KeyKind,
    },
    /// Nothing is signed over this digest.
    #[error(transparent)]
    Legacy(#[from] LegacyAlgorithm),
    /// The key is for RSASSA-PSS with certain parameters only (RFC 4055 §1.2).
    #[error("the certificate does not allow its key to be used with these parameters")]
    Restricted,
    /// The modulus is out of bounds (1024 to 8192 bits), so nothing is computed with it.
    #[error("an RSA modulus of {0} bits is not supported")]
    ModulusSize(usize),
    /// An RSA key that is malformed, or whose exponent is even, below 3 or above 2^33; a point that is not on its curve.
    #[error("the public key is malformed")]
    Malformed,
}

impl From<BadTlv> for KeyError {
    fn from(BadTlv: BadTlv) -> Self {
        Self::Malformed
    }
}

/// What a public key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyKind {
    /// RSA in every form.
    Rsa,
    /// RSASSA-PSS alone (id-RSASSA-PSS, RFC 4055 §1.2).
    RsaPss,
    /// ECDSA and ECDH on P-256, P-384 or P-521.
    Ec,
}

/// `RSA`, `RSASSA-PSS`, `ECDSA and ECDH`.
impl std::fmt::Display for KeyKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Rsa => "RSA",
            Self::RsaPss => "RSASSA-PSS",
            Self::Ec => "ECDSA and ECDH",
        })
    }
}

/// A key as it is in the certificate: nothing has been computed with it.
pub(super) enum KeyFields {
    Rsa(RsaComponents),
    RsaPss(RsaComponents, Option<PssParameters>),
    Ec(Curve, Vec<u8>),
}

/// Modulus and exponent, big-endian without leading zeros.
pub(super) struct RsaComponents {
    pub(super) modulus: Vec<u8>,
    pub(super) exponent: Vec<u8>,
}

/// A key that can be computed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PublicKey {
    Rsa(RsaPublicKey),
    /// With what the certificate says of parameters, if it says anything.
    RsaPss(RsaPublicKey, Option<PssRestriction>),
    Ec(EcPublicKey),
}

/// What a certificate demands of RSASSA-PSS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PssRestriction(PssParameters);

impl PssRestriction {
    /// RFC 4055 §3.3: the same digest, and a salt that is not shorter.
    pub(in crate::cms) fn allows(self, parameters: PssParameters) -> bool {
        // No length is less than any.
        parameters.digest == self.0.digest && parameters.salt_len >= self.0.salt_len
    }
}

impl PublicKey {
    pub(crate) fn kind(&self) -> KeyKind {
        match self {
            Self::Rsa(_) => KeyKind::Rsa,
            Self::RsaPss(..) => KeyKind::RsaPss,
            Self::Ec(_) => KeyKind::Ec,
        }
    }

    /// The error of a key that is not of the kind `needed`.
    pub(crate) fn unfit(&self, needed: KeyKind) -> KeyError {
        KeyError::Kind {
            needed,
            found: self.kind(),
        }
    }
}

impl KeyFields {
    /// The key bits of a `SubjectPublicKeyInfo`, and the key.
    pub(super) fn parse(key_info: Tlv<'_>) -> Result<(&[u8], Result<Self, KeyError>), BadTlv> {
        let mut key_info = key_info.children();
        let algorithm = key_info.expect(tag::SEQUENCE)?;
        let (_unused_bits, bits) = key_info.expect(tag::BIT_STRING)?.value.split_first().ok_or(BadTlv)?;
        let mut algorithm = algorithm.children();
        let oid = algorithm.expect(tag::OID)?.value;
        let key = match oid {
            oid::RSA_ENCRYPTION => RsaComponents::parse(bits).map(Self::Rsa),
            oid::RSASSA_PSS => Self::pss(algorithm, bits),
            oid::EC_PUBLIC_KEY => Self::ec(algorithm, bits),
            _ => Err(KeyError::Unsupported(oid::text(oid))),
        };
        Ok((bits, key))
    }

    fn pss(mut parameters: Tlvs<'_>, bits: &[u8]) -> Result<Self, KeyError> {
        let restriction = match parameters.is_empty() {
            true => None,
            false => {
                let read = PssParameters::parse(parameters.any()?)?;
                Some(read.ok_or_else(|| KeyError::Unsupported(oid::text(oid::RSASSA_PSS)))?)
            }
        };
        Ok(Self::RsaPss(RsaComponents::parse(bits)?, restriction))
    }

    fn ec(mut parameters: Tlvs<'_>, bits: &[u8]) -> Result<Self, KeyError> {
        // RFC 5480 §2.1.1: the curve has a name. Others could be anything.
        let Ok(name) = parameters.expect(tag::OID) else {
            return Err(KeyError::Unsupported(oid::text(oid::EC_PUBLIC_KEY)));
        };
        match Curve::from_oid(name.value) {
            Some(curve) => Ok(Self::Ec(curve, bits.to_vec())),
            None => Err(KeyError::Unsupported(oid::text(name.value))),
        }
    }

    /// The length of an RSA modulus.
    pub(super) fn modulus_bits(&self) -> Option<usize> {
        match self {
            Self::Rsa(components) | Self::RsaPss(components, _) => Some(components.bits()),
            Self::Ec(..) => None,
        }
    }

    /// Makes the key ready, after its numbers have been found to be sane.
    pub(super) fn to_key(&self) -> Result<PublicKey, KeyError> {
        match self {
            Self::Rsa(components) => components.to_key().map(PublicKey::Rsa),
            Self::RsaPss(components, restriction) => {
                let key = components.to_key()?;
                Ok(PublicKey::RsaPss(key, restriction.map(PssRestriction)))
            }
            Self::Ec(curve, point) => {
                let key = EcPublicKey::from_sec1(*curve, point);
                key.map(PublicKey::Ec).ok_or(KeyError::Malformed)
            }
        }
    }
}

impl RsaComponents {
    fn parse(key: &[u8]) -> Result<Self, KeyError> {
        let mut key = Tlvs(key).expect(tag::SEQUENCE)?.children();
        let mut number = || {
            let value = key.expect(tag::INTEGER)?.value;
            match value.first() {
                None | Some(0x80..) => Err(KeyError::Malformed),
                Some(_) => Ok(tlv::integer_octets(value).to_vec()),
            }
        };
        Ok(Self {
            modulus: number()?,
            exponent: number()?,
        })
    }

    fn bits(&self) -> usize {
        let zeros = self.modulus.first().map_or(0, |octet| octet.leading_zeros());
        (self.modulus.len() * 8).saturating_sub(usize::try_from(zeros).unwrap_or(0))
    }

    fn to_key(&self) -> Result<RsaPublicKey, KeyError> {
        let bits = self.bits();
        if bits > MAX_MODULUS_BITS {
            return Err(KeyError::ModulusSize(bits));
        }
        // 2^33 needs five octets.
        if self.exponent.len() > 5 {
            return Err(KeyError::Malformed);
        }
        let modulus = BoxedUint::from_be_slice_vartime(&self.modulus);
        let exponent = BoxedUint::from_be_slice_vartime(&self.exponent);
        RsaPublicKey::new(modulus, exponent).map_err(|error| match error {
            rsa::Error::ModulusTooSmall | rsa::Error::ModulusTooLarge => KeyError::ModulusSize(bits),
            _ => KeyError::Malformed,
        })
    }
}
