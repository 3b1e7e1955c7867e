//! What an authority has signed: certificates (RFC 5280 §4.1) and revocation lists (§5.1).

use super::certificate::{Certificate, KeyError};
use super::oid;
use super::scheme::{Algorithm, Scheme};
use super::tlv::{BadTlv, Tlv, Tlvs, tag};
use crate::algorithm::DigestAlgorithm;
use crate::mic::Mic;

#[cfg(test)]
mod tests;

/// The shortest RSA key of an authority whose signatures count.
const MIN_BITS: usize = 2048;

/// Why the signature of an authority does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssuedError {
    /// It is made in a way that is not supported, as an object identifier.
    #[error("it is signed with {0}, which is not supported")]
    Algorithm(String),
    /// SHA-1 signatures can be transferred to other certificates.
    #[error("it is signed over SHA-1, which does not count for chains")]
    Weak,
    /// The authority's RSA key has so many bits, fewer than 2048.
    #[error("the issuer's RSA key of {0} bits is too short")]
    ShortKey(usize),
    /// The authority's key cannot be used.
    #[error("the issuer's key: {0}")]
    Key(#[from] KeyError),
    /// The signature is wrong: another key of an authority of the same name, or a forgery.
    #[error("the issuer of that name did not sign it")]
    Signature,
    /// The structure is malformed.
    #[error("it is malformed")]
    Malformed,
}

impl From<BadTlv> for IssuedError {
    fn from(BadTlv: BadTlv) -> Self {
        Self::Malformed
    }
}

/// Checks that the key of `issuer` signed a `SIGNED` structure. Whether it may is another question.
pub(super) fn check(signed: Tlv<'_>, issuer: &Certificate) -> Result<(), IssuedError> {
    let mut fields = signed.children();
    let content = fields.any()?;
    let algorithm = Algorithm::parse(fields.expect(tag::SEQUENCE)?)?;
    let (_unused_bits, signature) = fields.expect(tag::BIT_STRING)?.value.split_first().ok_or(BadTlv)?;
    // Of what is only read nothing counts here, whatever messages may be signed with.
    let named = Scheme::named(algorithm)?.filter(|(_, digest)| !digest.is_legacy());
    let (scheme, digest) = match named {
        Some((_, DigestAlgorithm::Sha1)) => return Err(IssuedError::Weak),
        Some(named) => named,
        None => return Err(IssuedError::Algorithm(oid::text(algorithm.oid))),
    };
    if let Some(bits @ ..MIN_BITS) = issuer.key_bits() {
        return Err(IssuedError::ShortKey(bits));
    }
    let fast = scheme.verifies_fast(issuer, digest, content.raw, signature);
    match fast || scheme.verifies(issuer, &[Mic::of(digest, content.raw)], signature)? {
        true => Ok(()),
        false => Err(IssuedError::Signature),
    }
}

impl Certificate {
    /// Whether the key of `issuer` signed this certificate, however it is named.
    pub(crate) fn check_issued_by(&self, issuer: &Self) -> Result<(), IssuedError> {
        check(Tlvs(self.der()).expect(tag::SEQUENCE)?, issuer)
    }
}
