//! The ways of signing that are verified, whatever is signed.

use super::certificate::{Certificate, KeyError};
use super::pss::PssParameters;
use super::tlv::{BadTlv, Tlv, Tlvs, tag};
use super::{oid, pkcs1};
use crate::algorithm::DigestAlgorithm;
use crate::mic::Mic;

/// An `AlgorithmIdentifier`. No parameters and NULL are the same to it, as they are to all algorithms of CMS that take
/// none (RFC 5754 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Algorithm<'a> {
    pub(super) oid: &'a [u8],
    parameters: &'a [u8],
}

impl<'a> Algorithm<'a> {
    /// Reads the fields of an identifier, whatever its tag.
    pub(super) fn parse(identifier: Tlv<'a>) -> Result<Self, BadTlv> {
        let mut fields = identifier.children();
        let oid = fields.expect(tag::OID)?.value;
        fields.optional(tag::NULL)?;
        Ok(Self {
            oid,
            parameters: fields.0,
        })
    }

    /// The parameters, where there are any.
    pub(super) fn parameters(self) -> Result<Option<Tlv<'a>>, BadTlv> {
        match self.parameters {
            [] => Ok(None),
            octets => Tlvs(octets).any().map(Some),
        }
    }

    pub(super) fn check_no_parameters(self) -> Result<(), BadTlv> {
        match self.parameters {
            [] => Ok(()),
            _ => Err(BadTlv),
        }
    }
}

/// A way of signing, as it is verified.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scheme {
    RsaPkcs1,
    RsaPss(PssParameters),
    Ecdsa,
}

impl Scheme {
    /// The way that an algorithm stands for, and the digest that it names; `None` for those that name none and for those
    /// that are not supported.
    pub(super) fn named(algorithm: Algorithm<'_>) -> Result<Option<(Self, DigestAlgorithm)>, BadTlv> {
        if algorithm.oid == oid::RSASSA_PSS {
            let parameters = algorithm.parameters()?.map(PssParameters::parse).transpose()?.flatten();
            return Ok(parameters.map(|parameters| (Self::RsaPss(parameters), parameters.digest)));
        }
        let rsa = oid::digest_with_rsa(algorithm.oid).map(|digest| (Self::RsaPkcs1, digest));
        let named = rsa.or_else(|| Some((Self::Ecdsa, oid::digest_with_ecdsa(algorithm.oid)?)));
        if named.is_some() {
            algorithm.check_no_parameters()?;
        }
        Ok(named)
    }

    /// Whether `signature` is one of any of the digests by the key of the certificate.
    pub(super) fn verifies(
        self,
        certificate: &Certificate,
        digests: &[Mic],
        signature: &[u8],
    ) -> Result<bool, KeyError> {
        let mut digests = digests.iter();
        Ok(match self {
            Self::RsaPkcs1 => {
                let key = certificate.rsa_pkcs1_key()?;
                digests.any(|digest| pkcs1::verify(key, digest, signature))
            }
            Self::RsaPss(parameters) => {
                let key = certificate.rsa_pss_key(parameters)?;
                digests.any(|digest| parameters.verify(key, digest, signature))
            }
            Self::Ecdsa => {
                let key = certificate.ec_key()?;
                digests.any(|digest| key.verify(digest, signature))
            }
        })
    }

    /// Whether this is known to be a signature of the message. It may be one all the same.
    pub(super) fn verifies_fast(
        self,
        certificate: &Certificate,
        digest: DigestAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        match self {
            Self::RsaPkcs1 if certificate.rsa_pkcs1_key().is_ok() => {
                let fast = certificate.fast_verifier();
                fast.is_some_and(|fast| fast.verifies_pkcs1(digest, message, signature))
            }
            Self::RsaPss(parameters)
                if parameters == PssParameters::new(digest) && certificate.rsa_pss_key(parameters).is_ok() =>
            {
                let fast = certificate.fast_verifier();
                fast.is_some_and(|fast| fast.verifies_pss(digest, message, signature))
            }
            Self::RsaPkcs1 | Self::RsaPss(_) | Self::Ecdsa => false,
        }
    }
}
