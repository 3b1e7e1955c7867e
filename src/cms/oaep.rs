//! RSAES-OAEP (RFC 8017 §7.1) as CMS has it (RFC 3560).

use rand_core::CryptoRng;
use rsa::{Oaep, PrivateKey, PublicKey};

use super::digest::with_digest;
use super::oid;
use super::tlv::{BadTlv, Tlv, constructed, encode, tag};
use crate::algorithm::DigestAlgorithm;

#[cfg(test)]
mod tests;

/// `RSAES-OAEP-params` (RFC 8017 §A.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OaepParameters {
    /// The digest of the label.
    pub digest: DigestAlgorithm,
    /// The digest of the mask generation function MGF1; not always the same.
    pub mgf_digest: DigestAlgorithm,
    /// The label, which is empty but for senders of their own.
    pub label: Vec<u8>,
}

/// What parameters that are left out mean: SHA-1, MGF1 with SHA-1, no label.
impl Default for OaepParameters {
    fn default() -> Self {
        Self::new(DigestAlgorithm::Sha1)
    }
}

impl OaepParameters {
    /// One digest for both purposes, and no label.
    #[must_use]
    pub fn new(digest: DigestAlgorithm) -> Self {
        Self {
            digest,
            mgf_digest: digest,
            label: Vec::new(),
        }
    }

    /// Reads parameters; `None` for digests, mask generation functions and sources of the label that are not supported.
    pub(super) fn parse(parameters: Option<Tlv<'_>>) -> Result<Option<Self>, BadTlv> {
        let mut read = Self::default();
        let mut fields = match parameters {
            Some(parameters) if parameters.tag == tag::SEQUENCE => parameters.children(),
            Some(parameters) if parameters.tag != tag::NULL => return Err(BadTlv),
            // NULL is not allowed, but what it means is plain.
            Some(_) | None => return Ok(Some(read)),
        };
        if let Some(wrapped) = fields.optional(tag::context_constructed(0))? {
            match oid::wrapped_digest(wrapped)? {
                Some(digest) => read.digest = digest,
                None => return Ok(None),
            }
        }
        if let Some(wrapped) = fields.optional(tag::context_constructed(1))? {
            match oid::wrapped_mgf1(wrapped)? {
                Some(digest) => read.mgf_digest = digest,
                None => return Ok(None),
            }
        }
        if let Some(wrapped) = fields.optional(tag::context_constructed(2))? {
            let mut source = wrapped.children().expect(tag::SEQUENCE)?.children();
            if source.expect(tag::OID)?.value != oid::P_SPECIFIED {
                return Ok(None);
            }
            read.label = source.expect(tag::OCTET_STRING)?.value.to_vec();
        }
        if fields.is_empty() { Ok(Some(read)) } else { Err(BadTlv) }
    }

    /// DER, so without what is the default.
    pub(super) fn to_der(&self) -> Vec<u8> {
        let mut fields = Vec::new();
        if self.digest != DigestAlgorithm::Sha1 {
            fields.extend(encode(tag::context_constructed(0), &oid::digest_with_null(self.digest)));
        }
        if self.mgf_digest != DigestAlgorithm::Sha1 {
            fields.extend(encode(tag::context_constructed(1), &oid::mgf1(self.mgf_digest)));
        }
        if !self.label.is_empty() {
            let label = encode(tag::OCTET_STRING, &self.label);
            let source = constructed(tag::SEQUENCE, [&encode(tag::OID, oid::P_SPECIFIED), &label]);
            fields.extend(encode(tag::context_constructed(2), &source));
        }
        encode(tag::SEQUENCE, &fields)
    }

    pub(crate) fn encrypt(&self, key: &PublicKey, octets: &[u8], rng: &mut dyn CryptoRng) -> rsa::Result<Vec<u8>> {
        with_digest!(self.digest, Label => with_digest!(self.mgf_digest, Mask => {
            key.encrypt(rng, Oaep::<Label, Mask>::new_with_mgf_hash_and_label(&*self.label), octets)
        }))
    }

    /// Blinded; `None` where the encrypted octets or their padding are wrong, which nobody may be told (Manger 2001).
    pub(crate) fn decrypt(&self, key: &PrivateKey, encrypted: &[u8], rng: &mut dyn CryptoRng) -> Option<Vec<u8>> {
        with_digest!(self.digest, Label => with_digest!(self.mgf_digest, Mask => {
            key.decrypt_blinded(rng, Oaep::<Label, Mask>::new_with_mgf_hash_and_label(&*self.label), encrypted)
        }))
        .ok()
    }
}
