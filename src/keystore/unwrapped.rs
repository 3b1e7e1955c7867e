//! The content key, decrypted, without anybody noticing where it was not.

use std::sync::LazyLock;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroizing;

use super::KeyStoreError;
use crate::algorithm::ContentCipher;
use crate::cms::{Certificate, ContentKey, KeyEncryption, RecipientInfo};
use crate::entropy::{Entropy, SystemEntropy};
use crate::name::As2Name;

#[cfg(test)]
mod tests;

/// How many private-key operations one message may cost.
const CANDIDATES_MAX: usize = 4;

/// Known to this process only, so that nobody can tell a substitute from a key.
static SECRET: LazyLock<Zeroizing<[u8; 64]>> = LazyLock::new(|| {
    let mut secret = Zeroizing::new([0; 64]);
    SystemEntropy.rng().fill_bytes(secret.as_mut_slice());
    secret
});

/// A content key that one of our private keys decrypted, or a substitute that decrypts to noise.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Unwrapped {
    /// The key of the content, of exactly [`ContentCipher::key_len`] octets.
    pub content_key: ContentKey,
    /// The certificate of the private key.
    pub certificate: Certificate,
}

impl Unwrapped {
    /// Takes what the private key of `certificate` made of `recipient`'s encrypted key: the octets without the padding,
    /// or `None` where there is no padding, or the encrypted key was refused for its length or value.
    ///
    /// Nothing and keys of the wrong length are replaced, in constant time, by a key that is always the same for this
    /// certificate and encrypted key but that nobody can predict: HMAC-SHA-256 under a secret of this process. The
    /// decryption of the content then fails like that of damaged content, and the sender learns nothing (RFC 3218
    /// §2.3.2).
    #[must_use]
    pub fn new(
        decrypted: Option<Vec<u8>>,
        certificate: &Certificate,
        recipient: &RecipientInfo,
        cipher: ContentCipher,
    ) -> Self {
        let decrypted = Zeroizing::new(decrypted.unwrap_or_default());
        let mut key = substitute(certificate, recipient, cipher);
        let right = decrypted.len().ct_eq(&key.len()) & Choice::from(u8::from(fits(recipient, cipher)));
        for (index, octet) in key.iter_mut().enumerate() {
            octet.conditional_assign(decrypted.get(index).unwrap_or(&0), right);
        }
        Self {
            content_key: ContentKey::new(key),
            certificate: certificate.clone(),
        }
    }
}

/// SMI-26: a content key is wrapped under one of its own length, which everybody can see.
fn fits(recipient: &RecipientInfo, cipher: ContentCipher) -> bool {
    match &recipient.key_encryption {
        Some(KeyEncryption::Ecdh(agreement)) => agreement.key_wrap.key_len() == cipher.key_len(),
        _ => true,
    }
}

fn substitute(certificate: &Certificate, recipient: &RecipientInfo, cipher: ContentCipher) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new((&**SECRET).into());
    mac.update(certificate.der());
    mac.update(&recipient.encrypted_key);
    let octets = mac.finalize().into_bytes();
    // No cipher has keys of more than 32 octets.
    octets.into_iter().take(cipher.key_len()).collect()
}

/// Which of the encrypted keys of a message are for which of these certificates, by issuer and serial number or by key
/// identifier (RFC 8551 §2.6), in the order of the recipients.
///
/// Certificates of the same key count once, and no more than four come back: each costs a private-key operation, and
/// senders choose the names.
///
/// # Errors
///
/// [`KeyStoreError::NoRecipient`] where there are none, and [`KeyStoreError::UnsupportedKeyTransport`] where there are
/// some, but not by a [`KeyEncryption`](crate::cms::KeyEncryption) that is known.
pub fn addressed_to<'a>(
    local: &As2Name,
    certificates: impl IntoIterator<Item = &'a Certificate> + Clone,
    recipients: &'a [RecipientInfo],
) -> Result<Vec<(&'a RecipientInfo, &'a Certificate)>, KeyStoreError> {
    let mut found: Vec<(&RecipientInfo, &Certificate)> = Vec::new();
    let mut unsupported = false;
    for recipient in recipients {
        for certificate in certificates.clone() {
            if !recipient.id.matches(certificate) {
                continue;
            }
            if recipient.key_encryption.is_none() {
                unsupported = true;
                continue;
            }
            let repeated = found
                .iter()
                .any(|(same, other)| same.encrypted_key == recipient.encrypted_key && other.has_key_of(certificate));
            if !repeated && found.len() < CANDIDATES_MAX {
                found.push((recipient, certificate));
            }
        }
    }
    match (found.is_empty(), unsupported) {
        (false, _) => Ok(found),
        (true, true) => Err(KeyStoreError::UnsupportedKeyTransport(local.clone())),
        (true, false) => Err(KeyStoreError::NoRecipient(local.clone())),
    }
}
