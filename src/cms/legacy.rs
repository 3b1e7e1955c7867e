//! What is only read (feature `legacy`): RC2 (RFC 2268) and DES (FIPS 46-3) in CBC mode.

use cbc::Decryptor;
use cbc::cipher::{Block, BlockModeDecrypt, InnerIvInit, KeyIvInit};
use des::Des;
use rc2::Rc2;

use super::cbc::{ContentKey, InvalidKeyLength, in_blocks};
use super::oid;
use super::tlv::{BadTlv, Tlv, integer_octets, tag};
use crate::algorithm::{ContentCipher, UnknownAlgorithm};

#[cfg(test)]
mod tests;

pub(super) enum LegacyDecryptor {
    Rc2(Decryptor<Rc2>),
    Des(Decryptor<Des>),
}

impl LegacyDecryptor {
    /// # Errors
    ///
    /// [`InvalidKeyLength`] for a key or initialisation vector that is not of the length that `cipher` needs.
    pub(super) fn new(cipher: ContentCipher, key: &ContentKey, iv: &[u8]) -> Result<Self, InvalidKeyLength> {
        let key = key.as_bytes();
        if key.len() != cipher.key_len() {
            return Err(InvalidKeyLength);
        }
        match cipher {
            ContentCipher::DesCbc => Decryptor::new_from_slices(key, iv).map(Self::Des),
            _ => {
                let rc2 = Rc2::new_with_eff_key_len(key, key.len() * 8);
                Decryptor::inner_iv_slice_init(rc2, iv).map(Self::Rc2)
            }
        }
        .map_err(|_| InvalidKeyLength)
    }

    /// Decrypts whole blocks in place.
    pub(super) fn decrypt(&mut self, octets: &mut [u8]) {
        match self {
            Self::Rc2(mode) => in_blocks(octets, |blocks: &mut [Block<Rc2>]| mode.decrypt_blocks(blocks)),
            Self::Des(mode) => in_blocks(octets, |blocks: &mut [Block<Des>]| mode.decrypt_blocks(blocks)),
        }
    }
}

/// `RC2CBCParameter` (RFC 3370 §5.2): how many bits of the key count, coded, and the initialisation vector. Keys have just
/// as many, with all products that are known.
pub(super) fn rc2_parameters(
    parameters: Tlv<'_>,
) -> Result<(Result<ContentCipher, UnknownAlgorithm>, Vec<u8>), BadTlv> {
    // RFC 2268 §6: the vector alone stands for 32 bits.
    if parameters.tag == tag::OCTET_STRING {
        return Ok((Err(other_length()), Vec::new()));
    }
    let mut fields = match parameters.tag {
        tag::SEQUENCE => parameters.children(),
        _ => return Err(BadTlv),
    };
    let version = fields.optional(tag::INTEGER)?;
    let cipher = match version.map(|version| integer_octets(version.value)) {
        Some([160]) => ContentCipher::Rc2Cbc40,
        Some([120]) => ContentCipher::Rc2Cbc64,
        // pyas2lib leaves it out, and knows no other length.
        Some([58]) | None => ContentCipher::Rc2Cbc128,
        Some(_) => return Ok((Err(other_length()), Vec::new())),
    };
    Ok((Ok(cipher), fields.expect(tag::OCTET_STRING)?.value.to_vec()))
}

fn other_length() -> UnknownAlgorithm {
    let name = oid::text(oid::RC2_CBC);
    UnknownAlgorithm::new(format!("{name} with keys of other than 40, 64 or 128 bits"))
}
