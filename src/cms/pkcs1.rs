//! RSASSA-PKCS1-v1_5 (RFC 8017 §8.2).

use rsa::{Pkcs1v15Sign, PublicKey};

use super::oid;
use super::tlv::{constructed, encode, encode_open, tag};
use crate::algorithm::DigestAlgorithm;
use crate::mic::Mic;

/// How an RSA key signs a digest.
pub(crate) fn signature_scheme(digest: DigestAlgorithm) -> Pkcs1v15Sign {
    scheme(digest, &[tag::NULL, 0])
}

/// Whether `signature` is one of `digest`. The whole encoded message is compared, in each of the two forms that
/// RFC 8017 §9.2 note 2 knows: with NULL parameters and without.
pub(super) fn verify(key: &PublicKey, digest: &Mic, signature: &[u8]) -> bool {
    [&[tag::NULL, 0][..], &[]].into_iter().any(|parameters| {
        key.verify(scheme(digest.algorithm(), parameters), digest.digest(), signature)
            .is_ok()
    })
}

/// With the `DigestInfo` up to the digest.
fn scheme(digest: DigestAlgorithm, parameters: &[u8]) -> Pkcs1v15Sign {
    let length = digest.output_len();
    let rest = u64::try_from(length).unwrap_or(u64::MAX);
    let algorithm = constructed(tag::SEQUENCE, [&encode(tag::OID, oid::of_digest(digest).0), parameters]);
    let octets = encode_open(tag::OCTET_STRING, &[], rest);
    Pkcs1v15Sign {
        hash_len: Some(length),
        prefix: encode_open(tag::SEQUENCE, &[algorithm, octets].concat(), rest).into(),
    }
}

#[cfg(test)]
mod tests;
