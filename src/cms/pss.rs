//! RSASSA-PSS (RFC 8017 §8.1) as CMS has it (RFC 4056).

use rand_core::CryptoRng;
use rsa::{PrivateKey, Pss, PublicKey};

use super::digest::with_digest;
use super::oid;
use super::tlv::{BadTlv, Tlv, encode, integer_octets, tag};
use crate::algorithm::DigestAlgorithm;
use crate::mic::Mic;

#[cfg(test)]
mod tests;

/// `RSASSA-PSS-params` (RFC 8017 §A.2.3). There is one digest: a mask generation function over another is read by
/// nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PssParameters {
    pub(super) digest: DigestAlgorithm,
    /// In octets; `None` takes any.
    pub(super) salt_len: Option<usize>,
}

impl PssParameters {
    /// The salt is as long as the digest.
    pub(super) fn new(digest: DigestAlgorithm) -> Self {
        Self {
            digest,
            salt_len: Some(digest.output_len()),
        }
    }

    /// For signers that leave out the parameters.
    pub(super) fn any_salt(digest: DigestAlgorithm) -> Self {
        Self { digest, salt_len: None }
    }

    /// Reads parameters; `None` for those that are not supported.
    pub(super) fn parse(parameters: Tlv<'_>) -> Result<Option<Self>, BadTlv> {
        if parameters.tag != tag::SEQUENCE {
            return Err(BadTlv);
        }
        let mut fields = parameters.children();
        let mut digest = Some(DigestAlgorithm::Sha1);
        let mut mgf_digest = digest;
        let (mut salt_len, mut trailer) = (20, 1);
        if let Some(wrapped) = fields.optional(tag::context_constructed(0))? {
            digest = oid::wrapped_digest(wrapped)?;
        }
        if let Some(wrapped) = fields.optional(tag::context_constructed(1))? {
            mgf_digest = oid::wrapped_mgf1(wrapped)?;
        }
        if let Some(wrapped) = fields.optional(tag::context_constructed(2))? {
            salt_len = small_number(wrapped)?;
        }
        if let Some(wrapped) = fields.optional(tag::context_constructed(3))? {
            trailer = small_number(wrapped)?;
        }
        if !fields.is_empty() {
            return Err(BadTlv);
        }
        Ok(match digest {
            Some(digest) if mgf_digest == Some(digest) && trailer == 1 => Some(Self {
                digest,
                salt_len: Some(salt_len),
            }),
            _ => None,
        })
    }

    /// DER, so without what is the default.
    pub(super) fn to_der(self) -> Vec<u8> {
        let mut fields = Vec::new();
        if self.digest != DigestAlgorithm::Sha1 {
            fields.extend(encode(tag::context_constructed(0), &oid::digest_with_null(self.digest)));
            fields.extend(encode(tag::context_constructed(1), &oid::mgf1(self.digest)));
        }
        if let Some(salt_len) = self.salt_len
            && salt_len != 20
        {
            let salt_len = u16::try_from(salt_len).unwrap_or(u16::MAX).to_be_bytes();
            let mut octets = integer_octets(&salt_len).to_vec();
            if octets.first().is_some_and(|first| *first >= 0x80) {
                octets.insert(0, 0);
            }
            fields.extend(encode(tag::context_constructed(2), &encode(tag::INTEGER, &octets)));
        }
        encode(tag::SEQUENCE, &fields)
    }

    /// Whether `signature` is one of `digest`, with a salt of exactly the length that is named.
    pub(super) fn verify(self, key: &PublicKey, digest: &Mic, signature: &[u8]) -> bool {
        with_digest!(self.digest, Hash => {
            let mut scheme = Pss::<Hash>::new();
            scheme.salt_len = self.salt_len;
            key.verify(scheme, digest.digest(), signature)
        })
        .is_ok()
    }
}

/// Signs a digest, blinded, with a salt as long as the digest.
pub(crate) fn sign(key: &PrivateKey, digest: &Mic, rng: &mut dyn CryptoRng) -> rsa::Result<Vec<u8>> {
    with_digest!(digest.algorithm(), Hash => key.sign_with_rng(rng, Pss::<Hash>::new_blinded(), digest.digest()))
}

/// An INTEGER in a tag, of two octets at most: no salt is longer than a modulus.
fn small_number(wrapped: Tlv<'_>) -> Result<usize, BadTlv> {
    match integer_octets(wrapped.children().expect(tag::INTEGER)?.value) {
        [low] => Ok(usize::from(*low)),
        [high, low] => Ok(usize::from(u16::from_be_bytes([*high, *low]))),
        _ => Err(BadTlv),
    }
}
