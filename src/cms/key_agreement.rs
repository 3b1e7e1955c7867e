//! ECDH with an ephemeral key of the sender (RFC 5753 §3.1): `KeyAgreeRecipientInfo` (RFC 5652 §6.2.2).

use aes_kw::{KeyInit, KwAes128, KwAes192, KwAes256};
use rand_core::CryptoRng;
use sha2::Digest;
use zeroize::Zeroizing;

use super::digest::with_digest;
use super::ec::EcPublicKey;
use super::oid;
use super::tlv::{BadTlv, Tlv, constructed, encode, tag};
use crate::algorithm::DigestAlgorithm;

/// No point on a curve that is supported is longer, and none with more is of use.
const POINT_MAX: usize = 133;
/// More user keying material than anybody sends.
const UKM_MAX: usize = 512;

/// What the recipient's private key and the sender's ephemeral key make a content key of.
///
/// With the shared secret that a device returns, the x-coordinate of the common point (PKCS#11 `CKM_ECDH1_DERIVE` with
/// `CKD_NULL`, or the `DeriveSharedSecret` of a KMS), [`KeyAgreement::unwrap_key`] does the rest. A device that derives and
/// unwraps by itself (`CKD_SHA256_KDF`, then `CKM_AES_KEY_WRAP`) finds here all that it wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyAgreement {
    /// The sender's point (SEC 1 §2.3.3), on the curve of the recipient's key unless it is forged.
    pub ephemeral_key: Vec<u8>,
    /// The digest of the key derivation function of ANSI X9.63 (SEC 1 §3.6.1).
    pub kdf: DigestAlgorithm,
    /// What derived keys encrypt the content key with.
    pub key_wrap: KeyWrap,
    /// The third input of the key derivation function: the DER of an `ECC-CMS-SharedInfo` (RFC 5753 §7.2).
    pub shared_info: Vec<u8>,
}

/// AES key wrap (RFC 3394), by the length of its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyWrap {
    /// 128 bits.
    Aes128,
    /// 192 bits.
    Aes192,
    /// 256 bits.
    Aes256,
}

impl KeyWrap {
    const ALL: [Self; 3] = [Self::Aes128, Self::Aes192, Self::Aes256];

    /// The length of its keys in octets.
    #[must_use]
    pub const fn key_len(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes192 => 24,
            Self::Aes256 => 32,
        }
    }

    fn from_oid(oid: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|wrap| oid::of_key_wrap(*wrap) == oid)
    }

    /// The one with keys as long as the content key (RFC 5753 §8: neither is to be weaker).
    fn of_key_len(len: usize) -> Option<Self> {
        Self::ALL.into_iter().find(|wrap| wrap.key_len() == len)
    }

    fn to_der(self) -> Vec<u8> {
        // RFC 3565 §2.3.2: no parameters.
        encode(tag::SEQUENCE, &encode(tag::OID, oid::of_key_wrap(self)))
    }

    fn wrap(self, key_encryption_key: &[u8], key: &[u8]) -> Option<Vec<u8>> {
        let mut wrapped = vec![0; key.len().checked_add(8)?];
        macro_rules! wrap {
            ($kw:ident) => {
                $kw::new_from_slice(key_encryption_key)
                    .ok()?
                    .wrap_key(key, &mut wrapped)
                    .ok()?
            };
        }
        match self {
            Self::Aes128 => wrap!(KwAes128),
            Self::Aes192 => wrap!(KwAes192),
            Self::Aes256 => wrap!(KwAes256),
        };
        Some(wrapped)
    }

    fn unwrap(self, key_encryption_key: &[u8], wrapped: &[u8]) -> Option<Vec<u8>> {
        let mut key = Zeroizing::new(vec![0; wrapped.len().checked_sub(8)?]);
        macro_rules! unwrap {
            ($kw:ident) => {
                $kw::new_from_slice(key_encryption_key)
                    .ok()?
                    .unwrap_key(wrapped, &mut key)
                    .ok()?
                    .to_vec()
            };
        }
        Some(match self {
            Self::Aes128 => unwrap!(KwAes128),
            Self::Aes192 => unwrap!(KwAes192),
            Self::Aes256 => unwrap!(KwAes256),
        })
    }
}

impl KeyAgreement {
    /// Reads `originator`, `ukm` and `keyEncryptionAlgorithm`; `None` where the way is not supported.
    pub(super) fn parse(originator: Tlv<'_>, ukm: Option<Tlv<'_>>, algorithm: Tlv<'_>) -> Result<Option<Self>, BadTlv> {
        let originator = originator.children().any()?;
        // A key of the sender that lasts is named by its certificate, which AS2 has no place for.
        if originator.tag != tag::context_constructed(1) {
            return Ok(None);
        }
        let mut originator_key = originator.children();
        // The curve is that of the recipient's key, whatever this says.
        originator_key.expect(tag::SEQUENCE)?;
        let bits = originator_key.expect(tag::BIT_STRING)?.value;
        let (_unused_bits, ephemeral_key) = bits.split_first().ok_or(BadTlv)?;

        let mut algorithm = algorithm.children();
        let kdf = oid::kdf(algorithm.expect(tag::OID)?.value);
        let (Some(kdf), Ok(wrap_algorithm)) = (kdf, algorithm.expect(tag::SEQUENCE)) else {
            return Ok(None);
        };
        let Some(key_wrap) = KeyWrap::from_oid(wrap_algorithm.children().expect(tag::OID)?.value) else {
            return Ok(None);
        };
        let ukm = match ukm {
            Some(explicit) => Some(explicit.children().expect(tag::OCTET_STRING)?),
            None => None,
        };
        if ephemeral_key.len() > POINT_MAX || ukm.is_some_and(|ukm| ukm.value.len() > UKM_MAX) {
            return Ok(None);
        }
        Ok(Some(Self {
            ephemeral_key: ephemeral_key.to_vec(),
            kdf,
            key_wrap,
            shared_info: shared_info(wrap_algorithm.raw, ukm, key_wrap),
        }))
    }

    /// Encrypts a content key for the holder of `recipient`.
    pub(super) fn wrap(recipient: &EcPublicKey, key: &[u8], rng: &mut dyn CryptoRng) -> Option<(Self, Vec<u8>)> {
        let key_wrap = KeyWrap::of_key_len(key.len())?;
        let ephemeral = recipient.agree(rng);
        let agreement = Self {
            ephemeral_key: ephemeral.public_key,
            kdf: match recipient {
                EcPublicKey::P256(_) => DigestAlgorithm::Sha256,
                EcPublicKey::P384(_) => DigestAlgorithm::Sha384,
                EcPublicKey::P521(_) => DigestAlgorithm::Sha512,
            },
            key_wrap,
            shared_info: shared_info(&key_wrap.to_der(), None, key_wrap),
        };
        let wrapped = key_wrap.wrap(&agreement.key_encryption_key(&ephemeral.shared_secret), key)?;
        Some((agreement, wrapped))
    }

    /// The content key in `encrypted_key`, by the secret that both parties share; `None` where it is wrapped under another
    /// one. The answer is for [`Unwrapped::new`](crate::keystore::Unwrapped::new), which hides it.
    #[must_use]
    pub fn unwrap_key(&self, shared_secret: &[u8], encrypted_key: &[u8]) -> Option<Vec<u8>> {
        self.key_wrap
            .unwrap(&self.key_encryption_key(shared_secret), encrypted_key)
    }

    /// SEC 1 §3.6.1.
    fn key_encryption_key(&self, shared_secret: &[u8]) -> Zeroizing<Vec<u8>> {
        let len = self.key_wrap.key_len();
        let mut key = Zeroizing::new(Vec::with_capacity(len + 64));
        for counter in 1u32.. {
            with_digest!(self.kdf, Hash => {
                let mut hash = Hash::new();
                hash.update(shared_secret);
                hash.update(counter.to_be_bytes());
                hash.update(&self.shared_info);
                key.extend_from_slice(&hash.finalize());
            });
            if key.len() >= len {
                break;
            }
        }
        key.truncate(len);
        key
    }

    /// A `KeyAgreeRecipientInfo` for one recipient.
    pub(super) fn to_der(&self, id: &[u8], encrypted_key: &[u8]) -> Vec<u8> {
        // RFC 5753 §7.1.2: the curve is known, so there are no parameters.
        let algorithm = encode(tag::SEQUENCE, &encode(tag::OID, oid::EC_PUBLIC_KEY));
        let point = encode(tag::BIT_STRING, &[&[0], self.ephemeral_key.as_slice()].concat());
        let originator_key = constructed(tag::context_constructed(1), [&algorithm, &point]);
        let scheme = encode(tag::OID, oid::of_kdf(self.kdf));
        let recipient = constructed(tag::SEQUENCE, [id, &encode(tag::OCTET_STRING, encrypted_key)]);
        constructed(
            tag::context_constructed(1),
            [
                &encode(tag::INTEGER, &[3]),
                &encode(tag::context_constructed(0), &originator_key),
                &constructed(tag::SEQUENCE, [&scheme, &self.key_wrap.to_der()]),
                &encode(tag::SEQUENCE, &recipient),
            ],
        )
    }
}

/// `ECC-CMS-SharedInfo`: the algorithm as it was sent, the keying material, and the length of the derived key in bits.
fn shared_info(wrap_algorithm: &[u8], ukm: Option<Tlv<'_>>, key_wrap: KeyWrap) -> Vec<u8> {
    let bits = u32::try_from(key_wrap.key_len() * 8).unwrap_or_default().to_be_bytes();
    let ukm = ukm.map_or(Vec::new(), |ukm| encode(tag::context_constructed(0), ukm.raw));
    let bits = encode(tag::context_constructed(2), &encode(tag::OCTET_STRING, &bits));
    constructed(tag::SEQUENCE, [wrap_algorithm, &ukm, &bits])
}
