//! Content encryption in every mode, in chunks.

use std::mem;

use super::cbc::{CbcDecryptor, CbcEncryptor, ContentKey, DecryptError, InvalidKeyLength};
use super::enveloped::EnvelopedHead;
use super::gcm::{ContentMac, Gcm};
use crate::algorithm::ContentCipher;

/// Encrypts content in chunks.
#[derive(Debug)]
pub struct ContentEncryptor(Encryptor);

#[derive(Debug)]
enum Encryptor {
    Cbc(Box<CbcEncryptor>),
    Gcm(Box<Gcm>),
}

/// Decrypts content in chunks. What comes out is worth nothing before [`ContentDecryptor::finish`].
#[derive(Debug)]
pub struct ContentDecryptor(Decryptor);

#[derive(Debug)]
enum Decryptor {
    Cbc(Box<CbcDecryptor>),
    Gcm {
        gcm: Box<Gcm>,
        /// How long the head says that the authentication code is.
        mac_len: Option<usize>,
        /// The last octets so far, where the authentication code is the end of the content.
        trailing: Option<Vec<u8>>,
        failed: bool,
    },
}

/// What authentication codes are long where the head does not say (RFC 5084 §3.2).
const MAC_LEN: usize = 12;

impl ContentEncryptor {
    /// An encryptor for one content.
    ///
    /// # Errors
    ///
    /// [`InvalidKeyLength`] for a key or initialisation vector that is not of the length that `cipher` needs, and for a
    /// cipher that is [only read](ContentCipher::LEGACY).
    pub fn new(cipher: ContentCipher, key: &ContentKey, iv: &[u8]) -> Result<Self, InvalidKeyLength> {
        Ok(Self(match cipher.is_authenticated() {
            true => Encryptor::Gcm(Gcm::new(cipher, key, iv)?.into()),
            false => Encryptor::Cbc(CbcEncryptor::new(cipher, key, iv)?.into()),
        }))
    }

    /// Appends ciphertext of `input` to `out`.
    ///
    /// # Errors
    ///
    /// [`ContentTooLong`] where AES-GCM has reached its end, after 64 GiB.
    pub fn update(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<(), ContentTooLong> {
        match &mut self.0 {
            Encryptor::Cbc(cbc) => cbc.update(input, out),
            Encryptor::Gcm(gcm) => gcm.encrypt(input, out).map_err(|_| ContentTooLong)?,
        }
        Ok(())
    }

    /// Appends the rest of the ciphertext to `out`. Returns the authentication code, which is empty in CBC mode.
    #[must_use]
    pub fn finish(self, out: &mut Vec<u8>) -> Vec<u8> {
        match self.0 {
            Encryptor::Cbc(cbc) => {
                cbc.finish(out);
                Vec::new()
            }
            Encryptor::Gcm(gcm) => gcm.tag(&[]).to_vec(),
        }
    }
}

impl ContentDecryptor {
    /// A decryptor for the content behind this head.
    ///
    /// # Errors
    ///
    /// [`InvalidKeyLength`] for a key or initialisation vector that is not of the length that the cipher needs, and where
    /// the cipher is not supported.
    pub fn new(head: &EnvelopedHead, key: &ContentKey) -> Result<Self, InvalidKeyLength> {
        let cipher = head.cipher.clone().map_err(|_| InvalidKeyLength)?;
        Ok(Self(match cipher.is_authenticated() {
            true => Decryptor::Gcm {
                gcm: Gcm::new(cipher, key, &head.iv)?.into(),
                mac_len: head.mac_len,
                trailing: (!head.authenticated).then(Vec::new),
                failed: false,
            },
            false => Decryptor::Cbc(CbcDecryptor::new(cipher, key, &head.iv)?.into()),
        }))
    }

    /// Appends plaintext of `input` to `out`.
    pub fn update(&mut self, input: &[u8], out: &mut Vec<u8>) {
        match &mut self.0 {
            Decryptor::Cbc(cbc) => cbc.update(input, out),
            Decryptor::Gcm {
                gcm,
                mac_len,
                trailing,
                failed,
            } => {
                let Some(held) = trailing else {
                    *failed |= gcm.decrypt(input, out).is_err();
                    return;
                };
                let mut octets = mem::take(held);
                octets.extend_from_slice(input);
                let content = octets.len().saturating_sub(mac_len.unwrap_or(MAC_LEN));
                *held = octets.split_off(content);
                *failed |= gcm.decrypt(&octets, out).is_err();
            }
        }
    }

    /// Appends the rest of the plaintext to `out`, after checking in constant time its padding or authentication code.
    ///
    /// # Errors
    ///
    /// [`DecryptError`], whatever is wrong.
    pub fn finish(self, mac: &ContentMac, out: &mut Vec<u8>) -> Result<(), DecryptError> {
        match self.0 {
            Decryptor::Cbc(cbc) => cbc.finish(out),
            Decryptor::Gcm { failed: true, .. } => Err(DecryptError),
            Decryptor::Gcm {
                gcm,
                trailing: Some(mac),
                ..
            } => gcm.verify(&ContentMac {
                attributes: Vec::new(),
                mac,
            }),
            // Some senders leave out a length that is not the default: the code itself says how long it is (SMI-22).
            Decryptor::Gcm { mac_len: Some(len), .. } if len != mac.mac.len() => Err(DecryptError),
            Decryptor::Gcm { gcm, .. } => gcm.verify(mac),
        }
    }
}

/// More content than a cipher takes under one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("content of more than 64 GiB cannot be encrypted with AES-GCM")]
#[non_exhaustive]
pub struct ContentTooLong;

#[cfg(test)]
mod tests;
