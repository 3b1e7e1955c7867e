//! AES-GCM in chunks (NIST SP 800-38D), composed of CTR and GHASH: `aes-gcm` takes whole messages only. Its nonces have 12
//! octets (RFC 5084 §3.2).

use std::fmt;

use aes::cipher::{BlockCipherEncrypt, KeyInit, KeyIvInit, StreamCipher};
use aes::{Aes128, Aes192, Aes256};
use ctr::Ctr32BE;
use ghash::universal_hash::UniversalHash;
use ghash::{Block, GHash};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::cbc::{ContentKey, DecryptError, InvalidKeyLength};
use crate::algorithm::ContentCipher;

#[cfg(test)]
mod tests;

const NONCE_LEN: usize = 12;
const BLOCK_LEN: usize = 16;

/// The longest content under one nonce (SP 800-38D §5.2.1.1), in octets.
const CONTENT_MAX: u64 = (1 << 36) - 32;

/// What authenticates content (RFC 5083 §2.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContentMac {
    /// The authenticated attributes as the DER of a SET OF; empty where there are none.
    pub attributes: Vec<u8>,
    /// The message authentication code, of 12 to 16 octets.
    pub mac: Vec<u8>,
}

/// Encrypts or decrypts, and authenticates the ciphertext.
pub(super) struct Gcm {
    keystream: Keystream,
    /// Over the ciphertext alone: the attributes, which come before it, are sent behind it.
    hash: GHash,
    hash_key: Zeroizing<[u8; BLOCK_LEN]>,
    /// Added to the hash.
    mask: Block,
    /// Ciphertext that fills no block yet.
    held: Vec<u8>,
    len: u64,
}

enum Keystream {
    Aes128(Ctr32BE<Aes128>),
    Aes192(Ctr32BE<Aes192>),
    Aes256(Ctr32BE<Aes256>),
}

impl Keystream {
    /// Combines octets with the stream; an error where it has come to its end.
    fn apply(&mut self, octets: &mut [u8]) -> Result<(), DecryptError> {
        match self {
            Self::Aes128(stream) => stream.try_apply_keystream(octets),
            Self::Aes192(stream) => stream.try_apply_keystream(octets),
            Self::Aes256(stream) => stream.try_apply_keystream(octets),
        }
        .map_err(|_| DecryptError)
    }
}

impl Gcm {
    pub(super) fn new(cipher: ContentCipher, key: &ContentKey, nonce: &[u8]) -> Result<Self, InvalidKeyLength> {
        let nonce: &[u8; NONCE_LEN] = nonce.try_into().map_err(|_| InvalidKeyLength)?;
        let mut counter = [0; BLOCK_LEN];
        for (place, octet) in counter.iter_mut().zip(nonce) {
            *place = *octet;
        }
        counter[BLOCK_LEN - 1] = 1;
        let key = key.as_bytes();
        let mut hash_key = Block::default();
        macro_rules! keystream {
            ($aes:ident) => {{
                let aes = $aes::new_from_slice(key).map_err(|_| InvalidKeyLength)?;
                aes.encrypt_block(&mut hash_key);
                let stream = Ctr32BE::<$aes>::new_from_slices(key, &counter);
                Keystream::$aes(stream.map_err(|_| InvalidKeyLength)?)
            }};
        }
        let mut keystream = match cipher {
            ContentCipher::Aes128Gcm => keystream!(Aes128),
            ContentCipher::Aes192Gcm => keystream!(Aes192),
            ContentCipher::Aes256Gcm => keystream!(Aes256),
            _ => return Err(InvalidKeyLength),
        };
        // The first block of the stream masks the hash, the others the content.
        let mut mask = Block::default();
        keystream.apply(&mut mask).map_err(|_| InvalidKeyLength)?;
        Ok(Self {
            keystream,
            hash: GHash::new(&hash_key),
            hash_key: Zeroizing::new(hash_key.into()),
            mask,
            held: Vec::with_capacity(BLOCK_LEN),
            len: 0,
        })
    }

    /// Appends the ciphertext of `input` to `out`.
    pub(super) fn encrypt(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<(), DecryptError> {
        let start = out.len();
        self.transform(input, out)?;
        self.authenticate(out.get(start..).unwrap_or_default());
        Ok(())
    }

    /// Appends the plaintext of `input` to `out`.
    pub(super) fn decrypt(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<(), DecryptError> {
        self.authenticate(input);
        self.transform(input, out)
    }

    fn transform(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<(), DecryptError> {
        let added = u64::try_from(input.len()).unwrap_or(u64::MAX);
        self.len = self.len.saturating_add(added);
        if self.len > CONTENT_MAX {
            return Err(DecryptError);
        }
        let start = out.len();
        out.extend_from_slice(input);
        self.keystream.apply(out.get_mut(start..).unwrap_or_default())
    }

    fn authenticate(&mut self, mut ciphertext: &[u8]) {
        if !self.held.is_empty() {
            let missing = BLOCK_LEN - self.held.len();
            let (filling, rest) = ciphertext.split_at_checked(missing).unwrap_or((ciphertext, &[]));
            self.held.extend_from_slice(filling);
            ciphertext = rest;
            if self.held.len() < BLOCK_LEN {
                return;
            }
            self.hash.update_padded(&self.held);
            self.held.clear();
        }
        let whole = ciphertext.len() / BLOCK_LEN * BLOCK_LEN;
        let (blocks, rest) = ciphertext.split_at_checked(whole).unwrap_or((ciphertext, &[]));
        self.hash.update_padded(blocks);
        self.held.extend_from_slice(rest);
    }

    /// The tag of all that went through, and of attributes.
    pub(super) fn tag(mut self, attributes: &[u8]) -> [u8; BLOCK_LEN] {
        self.hash.update_padded(&self.held);
        let mut lengths = Block::default();
        let attributes_len = u64::try_from(attributes.len()).unwrap_or(u64::MAX);
        let (first, second) = lengths.split_at_mut(BLOCK_LEN / 2);
        first.copy_from_slice(&attributes_len.saturating_mul(8).to_be_bytes());
        second.copy_from_slice(&self.len.saturating_mul(8).to_be_bytes());
        self.hash.update(&[lengths]);
        let hash = self.hash.finalize();

        // GHASH is a polynomial in its key: what comes before the ciphertext adds a term of its own, multiplied by the key
        // once for every block that follows, the lengths among them.
        let mut before = GHash::new(&Block::from(*self.hash_key));
        before.update_padded(attributes);
        let block_len = u64::try_from(BLOCK_LEN).unwrap_or(u64::MAX);
        let term = shifted(before.finalize(), &self.hash_key, self.len.div_ceil(block_len) + 1);

        let mut tag = [0; BLOCK_LEN];
        for (place, ((hash, term), mask)) in tag.iter_mut().zip(hash.iter().zip(&term).zip(&self.mask)) {
            *place = hash ^ term ^ mask;
        }
        tag
    }

    /// Whether this is the tag of all that went through.
    pub(super) fn verify(self, mac: &ContentMac) -> Result<(), DecryptError> {
        // RFC 5084 §3.2: 12 to 16 octets.
        if !(12..=BLOCK_LEN).contains(&mac.mac.len()) {
            return Err(DecryptError);
        }
        let tag = self.tag(&mac.attributes);
        let start = tag.get(..mac.mac.len()).ok_or(DecryptError)?;
        if bool::from(start.ct_eq(&mac.mac)) {
            Ok(())
        } else {
            Err(DecryptError)
        }
    }
}

/// `value` times the key to the power of `times`.
fn shifted(mut value: Block, key: &[u8; BLOCK_LEN], mut times: u64) -> Block {
    let mut power = Block::from(*key);
    while times != 0 {
        if times & 1 == 1 {
            value = product(&value, &power);
        }
        power = product(&power, &power);
        times >>= 1;
    }
    value
}

/// The hash of one block is its product with the key.
fn product(one: &Block, other: &Block) -> Block {
    let mut hash = GHash::new(other);
    hash.update(&[*one]);
    hash.finalize()
}

impl fmt::Debug for Gcm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gcm").finish_non_exhaustive()
    }
}
