//! Content encryption with block ciphers in CBC mode and the padding of RFC 5652 §6.3, in chunks.

use std::fmt;

use aes::{Aes128, Aes192, Aes256};
use cbc::cipher::array::{Array, ArraySize};
use cbc::cipher::{Block, BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use cbc::{Decryptor, Encryptor};
use des::TdesEde3;
use rand_core::CryptoRng;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq, ConstantTimeGreater, ConstantTimeLess};
use zeroize::Zeroizing;

#[cfg(feature = "legacy")]
use super::legacy::LegacyDecryptor;
use crate::algorithm::ContentCipher;

#[cfg(test)]
mod tests;

/// The longest block.
const BLOCK_MAX: usize = 16;

/// A key for one message, wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct ContentKey(Zeroizing<Vec<u8>>);

impl ContentKey {
    /// A key that came out of a `RecipientInfo`.
    #[must_use]
    pub fn new(octets: Vec<u8>) -> Self {
        Self(Zeroizing::new(octets))
    }

    /// A fresh key for `cipher`.
    #[must_use]
    pub fn generate(cipher: ContentCipher, rng: &mut dyn CryptoRng) -> Self {
        let mut octets = Zeroizing::new(vec![0; cipher.key_len()]);
        rng.fill_bytes(&mut octets);
        if cipher == ContentCipher::TripleDesCbc {
            // RFC 3370 §4.3.1 has the parity bits set; some implementations insist.
            for octet in octets.iter_mut() {
                *octet ^= u8::from(octet.count_ones() % 2 == 0);
            }
        }
        Self(octets)
    }

    /// The key itself.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Without the key.
impl fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentKey(..)")
    }
}

/// A content key or initialisation vector of a length that the cipher does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("content key or initialisation vector of the wrong length")]
#[non_exhaustive]
pub struct InvalidKeyLength;

/// Content did not decrypt. What was wrong is not told: partners must not learn it (RFC 3218).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("content cannot be decrypted")]
#[non_exhaustive]
pub struct DecryptError;

/// Decrypts content in chunks.
pub(super) struct CbcDecryptor {
    cipher: Decrypting,
    held: Held,
}

#[cfg_attr(
    feature = "legacy",
    expect(clippy::large_enum_variant, reason = "the whole decryptor is in a box")
)]
enum Decrypting {
    Sent(SentDecryptor),
    /// There is nothing that encrypts with it.
    #[cfg(feature = "legacy")]
    Legacy(LegacyDecryptor),
}

type SentDecryptor = Cipher<Decryptor<Aes128>, Decryptor<Aes192>, Decryptor<Aes256>, Decryptor<TdesEde3>>;

/// Encrypts content in chunks.
pub(super) struct CbcEncryptor {
    cipher: Cipher<Encryptor<Aes128>, Encryptor<Aes192>, Encryptor<Aes256>, Encryptor<TdesEde3>>,
    held: Held,
}

enum Cipher<A128, A192, A256, Des> {
    Aes128(A128),
    Aes192(A192),
    Aes256(A256),
    TripleDes(Des),
}

impl<A128: KeyIvInit, A192: KeyIvInit, A256: KeyIvInit, Des: KeyIvInit> Cipher<A128, A192, A256, Des> {
    fn new(cipher: ContentCipher, key: &ContentKey, iv: &[u8]) -> Result<Self, InvalidKeyLength> {
        let key = key.as_bytes();
        match cipher {
            ContentCipher::Aes128Cbc => A128::new_from_slices(key, iv).map(Self::Aes128),
            ContentCipher::Aes192Cbc => A192::new_from_slices(key, iv).map(Self::Aes192),
            ContentCipher::Aes256Cbc => A256::new_from_slices(key, iv).map(Self::Aes256),
            ContentCipher::TripleDesCbc => Des::new_from_slices(key, iv).map(Self::TripleDes),
            _ => return Err(InvalidKeyLength),
        }
        .map_err(|_| InvalidKeyLength)
    }
}

/// Octets that wait for the rest of their block, or for the news that they are the last one.
struct Held {
    octets: Zeroizing<[u8; BLOCK_MAX]>,
    len: usize,
    block_len: usize,
}

impl Held {
    fn new(cipher: ContentCipher) -> Self {
        Self {
            octets: Zeroizing::default(),
            len: 0,
            block_len: cipher.block_len(),
        }
    }

    fn octets(&self) -> &[u8] {
        self.octets.get(..self.len).unwrap_or_default()
    }

    /// Appends whole blocks of what is held and of `input` to `out`, and holds the rest, of which there are at least
    /// `keep` octets if there are any. Returns where the blocks start.
    fn take_blocks(&mut self, input: &[u8], keep: usize, out: &mut Vec<u8>) -> usize {
        let start = out.len();
        let whole = (self.len + input.len()).saturating_sub(keep) / self.block_len * self.block_len;
        let rest = if whole == 0 {
            input
        } else {
            // Never more is held than one block, so all of it goes.
            let (blocks, rest) = input.split_at_checked(whole - self.len).unwrap_or((input, &[]));
            out.reserve(whole);
            out.extend_from_slice(self.octets());
            out.extend_from_slice(blocks);
            self.len = 0;
            rest
        };
        for (place, octet) in self.octets.iter_mut().skip(self.len).zip(rest) {
            *place = *octet;
        }
        self.len += rest.len();
        start
    }
}

/// Runs `work` over the blocks of `octets`, whose length is a multiple of theirs.
pub(super) fn in_blocks<N: ArraySize>(octets: &mut [u8], work: impl FnOnce(&mut [Array<u8, N>])) {
    work(Array::slice_as_chunks_mut(octets).0);
}

impl CbcDecryptor {
    /// A decryptor for one content.
    ///
    /// # Errors
    ///
    /// [`InvalidKeyLength`] for a key or initialisation vector that is not of the length that `cipher` needs.
    pub(super) fn new(cipher: ContentCipher, key: &ContentKey, iv: &[u8]) -> Result<Self, InvalidKeyLength> {
        Ok(Self {
            cipher: match cipher {
                #[cfg(feature = "legacy")]
                legacy if legacy.is_legacy() => Decrypting::Legacy(LegacyDecryptor::new(legacy, key, iv)?),
                sent => Decrypting::Sent(Cipher::new(sent, key, iv)?),
            },
            held: Held::new(cipher),
        })
    }

    /// Appends the plaintext of `input` to `out`, but for the last block.
    pub(super) fn update(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let start = self.held.take_blocks(input, 1, out);
        self.decrypt(out.get_mut(start..).unwrap_or_default());
    }

    /// Appends the rest of the plaintext to `out`, without padding. The padding is checked in constant time.
    ///
    /// # Errors
    ///
    /// [`DecryptError`] for wrong padding, and for no content or half a block just the same.
    pub(super) fn finish(mut self, out: &mut Vec<u8>) -> Result<(), DecryptError> {
        let block_len = self.held.block_len;
        if self.held.len != block_len {
            return Err(DecryptError);
        }
        let mut block = self.held.octets.clone();
        let block = block.get_mut(..block_len).unwrap_or_default();
        self.decrypt(block);
        let len = unpadded_len(block).ok_or(DecryptError)?;
        out.extend_from_slice(block.get(..len).unwrap_or_default());
        Ok(())
    }

    fn decrypt(&mut self, octets: &mut [u8]) {
        match &mut self.cipher {
            Decrypting::Sent(cipher) => cipher.decrypt(octets),
            #[cfg(feature = "legacy")]
            Decrypting::Legacy(legacy) => legacy.decrypt(octets),
        }
    }
}

impl SentDecryptor {
    fn decrypt(&mut self, octets: &mut [u8]) {
        match self {
            Self::Aes128(mode) => in_blocks(octets, |blocks: &mut [Block<Aes128>]| mode.decrypt_blocks(blocks)),
            Self::Aes192(mode) => in_blocks(octets, |blocks: &mut [Block<Aes192>]| mode.decrypt_blocks(blocks)),
            Self::Aes256(mode) => in_blocks(octets, |blocks: &mut [Block<Aes256>]| mode.decrypt_blocks(blocks)),
            Self::TripleDes(mode) => in_blocks(octets, |blocks: &mut [Block<TdesEde3>]| mode.decrypt_blocks(blocks)),
        }
    }
}

impl CbcEncryptor {
    /// An encryptor for one content.
    ///
    /// # Errors
    ///
    /// [`InvalidKeyLength`] for a key or initialisation vector that is not of the length that `cipher` needs.
    pub(super) fn new(cipher: ContentCipher, key: &ContentKey, iv: &[u8]) -> Result<Self, InvalidKeyLength> {
        Ok(Self {
            cipher: Cipher::new(cipher, key, iv)?,
            held: Held::new(cipher),
        })
    }

    /// Appends the ciphertext of the whole blocks of `input` to `out`.
    pub(super) fn update(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let start = self.held.take_blocks(input, 0, out);
        self.encrypt(out.get_mut(start..).unwrap_or_default());
    }

    /// Pads and appends the last block to `out`.
    pub(super) fn finish(mut self, out: &mut Vec<u8>) {
        let padding = self.held.block_len - self.held.len;
        let octets = [u8::try_from(padding).unwrap_or_default(); BLOCK_MAX];
        self.update(octets.get(..padding).unwrap_or_default(), out);
    }

    fn encrypt(&mut self, octets: &mut [u8]) {
        match &mut self.cipher {
            Cipher::Aes128(mode) => in_blocks(octets, |blocks: &mut [Block<Aes128>]| mode.encrypt_blocks(blocks)),
            Cipher::Aes192(mode) => in_blocks(octets, |blocks: &mut [Block<Aes192>]| mode.encrypt_blocks(blocks)),
            Cipher::Aes256(mode) => in_blocks(octets, |blocks: &mut [Block<Aes256>]| mode.encrypt_blocks(blocks)),
            Cipher::TripleDes(mode) => in_blocks(octets, |blocks: &mut [Block<TdesEde3>]| mode.encrypt_blocks(blocks)),
        }
    }
}

/// The length of a last block without its padding; `None` if it has none. The octets are compared without a branch
/// between them.
fn unpadded_len(block: &[u8]) -> Option<usize> {
    let block_len = u8::try_from(block.len()).ok()?;
    let padding = *block.last()?;
    let mut valid = padding.ct_gt(&0) & !padding.ct_gt(&block_len);
    for (from_end, octet) in (0..block_len).zip(block.iter().rev()) {
        let inside = from_end.ct_lt(&padding);
        valid &= Choice::conditional_select(&Choice::from(1), &octet.ct_eq(&padding), inside);
    }
    bool::from(valid).then(|| usize::from(block_len.saturating_sub(padding)))
}

impl fmt::Debug for CbcDecryptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CbcDecryptor").finish_non_exhaustive()
    }
}

impl fmt::Debug for CbcEncryptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CbcEncryptor").finish_non_exhaustive()
    }
}
