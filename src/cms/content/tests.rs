use super::{ContentDecryptor, ContentEncryptor};
use crate::algorithm::ContentCipher;
use crate::cms::{ContentKey, ContentMac, DecryptError, EnvelopedHead};

const CIPHER: ContentCipher = ContentCipher::Aes256Gcm;

fn key() -> ContentKey {
    ContentKey::new((0..32).collect())
}

fn head(mac_len: Option<usize>, authenticated: bool) -> EnvelopedHead {
    EnvelopedHead {
        cipher: Ok(CIPHER),
        iv: vec![7; 12],
        mac_len,
        authenticated,
        ..EnvelopedHead::default()
    }
}

fn encrypt(content: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut ciphertext = Vec::new();
    let mut encryptor = ContentEncryptor::new(CIPHER, &key(), &[7; 12]).unwrap();
    encryptor.update(content, &mut ciphertext).unwrap();
    let mac = encryptor.finish(&mut ciphertext);
    (ciphertext, mac)
}

fn decrypt(head: &EnvelopedHead, ciphertext: &[u8], mac: &[u8], chunk: usize) -> Result<Vec<u8>, DecryptError> {
    let mut plain = Vec::new();
    let mut decryptor = ContentDecryptor::new(head, &key()).unwrap();
    for piece in ciphertext.chunks(chunk) {
        decryptor.update(piece, &mut plain);
    }
    let mac = ContentMac {
        attributes: Vec::new(),
        mac: mac.to_vec(),
    };
    decryptor.finish(&mac, &mut plain).map(|()| plain)
}

/// SMI-22: a length that is left out is what the code has, one that is there is what the code must have.
#[test]
fn the_length_of_the_code_is_the_named_one() {
    let (ciphertext, mac) = encrypt(b"content");
    for len in 12..=16 {
        for named in [None, Some(12), Some(13), Some(16)] {
            let right = named.is_none_or(|named| named == len);
            let expected = if right {
                Ok(b"content".to_vec())
            } else {
                Err(DecryptError)
            };
            assert_eq!(decrypt(&head(named, true), &ciphertext, &mac[..len], 100), expected);
        }
    }
}

/// SMI-23: the code at the end of the ciphertext, in any pieces.
#[test]
fn the_code_may_be_the_end_of_the_content() {
    let content = vec![3; 1000];
    let (ciphertext, mac) = encrypt(&content);
    for (named, len) in [(Some(16), 16), (None, 12), (Some(12), 12)] {
        let trailing = [ciphertext.as_slice(), &mac[..len]].concat();
        for chunk in [1, 7, 16, 1000, 1005, 2000] {
            let head = head(named, false);
            assert_eq!(decrypt(&head, &trailing, &[], chunk), Ok(content.clone()));
            let short = &trailing[..trailing.len() - 1];
            assert_eq!(decrypt(&head, short, &[], chunk), Err(DecryptError));
        }
        assert_eq!(decrypt(&head(named, false), &mac[..5], &[], 100), Err(DecryptError));
    }
}
