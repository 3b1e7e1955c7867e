use rand::SeedableRng;
use rand::rngs::StdRng;

use super::{CbcDecryptor, CbcEncryptor, ContentKey, DecryptError, InvalidKeyLength};
use crate::ContentCipher;

const CIPHERS: [ContentCipher; 4] = [
    ContentCipher::TripleDesCbc,
    ContentCipher::Aes128Cbc,
    ContentCipher::Aes192Cbc,
    ContentCipher::Aes256Cbc,
];

fn encrypt(cipher: ContentCipher, key: &ContentKey, iv: &[u8], content: &[u8], chunk: usize) -> Vec<u8> {
    let mut encryptor = CbcEncryptor::new(cipher, key, iv).unwrap();
    let mut out = Vec::new();
    for octets in content.chunks(chunk) {
        encryptor.update(octets, &mut out);
    }
    encryptor.finish(&mut out);
    out
}

fn decrypt(
    cipher: ContentCipher,
    key: &ContentKey,
    iv: &[u8],
    content: &[u8],
    chunk: usize,
) -> Result<Vec<u8>, DecryptError> {
    let mut decryptor = CbcDecryptor::new(cipher, key, iv).unwrap();
    let mut out = Vec::new();
    for octets in content.chunks(chunk) {
        decryptor.update(octets, &mut out);
    }
    decryptor.finish(&mut out)?;
    Ok(out)
}

/// Key and initialisation vector are 0, 1, 2 and so on.
fn counted(len: usize) -> Vec<u8> {
    (0..).take(len).collect()
}

/// `printf 'UNB+UNOA:1+sender+receiver' | openssl enc -CIPHER -K 000102.. -iv 000102.. | xxd -p`
const OPENSSL: [(ContentCipher, &str); 4] = [
    (
        ContentCipher::Aes128Cbc,
        "4d12e669857b4601037f2f2ad2bc8d6243484f7cf77d6af5fe027c253af618f9",
    ),
    (
        ContentCipher::Aes192Cbc,
        "4b7620e2a0ee6a566be653ae5012068bd62e0392de19777be88d94870fb630cc",
    ),
    (
        ContentCipher::Aes256Cbc,
        "bb584cf76ca8fb88be61dc378e2580d32fb77fcbe66cb6ae7016913dca642f5a",
    ),
    (
        ContentCipher::TripleDesCbc,
        "5df23087f9795883964208a94a903fd972eee1b2df30ab235db6f21a2bb83e9c",
    ),
];

#[test]
fn ciphertext_is_that_of_openssl_in_any_chunks() {
    let content = b"UNB+UNOA:1+sender+receiver";
    for (cipher, expected) in OPENSSL {
        let key = ContentKey::new(counted(cipher.key_len()));
        let iv = counted(cipher.block_len());
        for chunk in 1..=content.len() {
            let ciphertext = encrypt(cipher, &key, &iv, content, chunk);
            let hex: String = ciphertext.iter().map(|octet| format!("{octet:02x}")).collect();
            assert_eq!(hex, expected, "{cipher}");
            assert_eq!(decrypt(cipher, &key, &iv, &ciphertext, chunk).unwrap(), content);
        }
    }
}

#[test]
fn every_content_length_survives() {
    for cipher in CIPHERS {
        let key = ContentKey::new(counted(cipher.key_len()));
        let iv = counted(cipher.block_len());
        for len in 0..70 {
            let content = counted(len);
            for chunk in [1, 15, 16, 17, 33, 100] {
                let ciphertext = encrypt(cipher, &key, &iv, &content, chunk);
                assert_eq!(ciphertext.len(), (len / cipher.block_len() + 1) * cipher.block_len());
                assert_eq!(decrypt(cipher, &key, &iv, &ciphertext, chunk).unwrap(), content);
            }
        }
    }
}

/// SMI-31: the initialisation vector is flipped so that a one-block message decrypts to any last octets wanted.
#[test]
fn every_wrong_padding_is_refused() {
    let cipher = ContentCipher::Aes128Cbc;
    let key = ContentKey::new(counted(16));
    let plain = [16_u8; 16];
    let ciphertext = encrypt(cipher, &key, &[0; 16], &[], 1);
    let with_block = |wanted: [u8; 16]| {
        let iv: Vec<u8> = wanted.iter().zip(plain).map(|(wanted, was)| wanted ^ was).collect();
        decrypt(cipher, &key, &iv, &ciphertext, 16)
    };
    for last in 0..=255_u8 {
        let mut wanted = [b'x'; 16];
        wanted[15] = last;
        assert_eq!(with_block(wanted).is_ok(), last == 1, "{last}");
    }
    for padding in 2..=16_u8 {
        let mut wanted = [b'x'; 16];
        wanted[16 - usize::from(padding)..].fill(padding);
        assert_eq!(with_block(wanted).unwrap(), vec![b'x'; 16 - usize::from(padding)]);
        wanted[16 - usize::from(padding)] ^= 1;
        assert_eq!(with_block(wanted), Err(DecryptError), "{padding}");
    }
}

#[test]
fn missing_and_partial_blocks_are_refused_like_padding() {
    let key = ContentKey::new(counted(16));
    for len in [0, 1, 15, 17, 31] {
        let result = decrypt(ContentCipher::Aes128Cbc, &key, &[0; 16], &counted(len), 100);
        assert_eq!(result, Err(DecryptError), "{len}");
    }
}

#[test]
fn keys_and_vectors_have_one_length() {
    for cipher in CIPHERS {
        let (key_len, block_len) = (cipher.key_len(), cipher.block_len());
        for (key, iv) in [
            (key_len - 1, block_len),
            (key_len + 1, block_len),
            (key_len, 0),
            (key_len, block_len + 1),
        ] {
            let key = ContentKey::new(counted(key));
            assert_eq!(
                CbcDecryptor::new(cipher, &key, &counted(iv)).unwrap_err(),
                InvalidKeyLength
            );
            assert_eq!(
                CbcEncryptor::new(cipher, &key, &counted(iv)).unwrap_err(),
                InvalidKeyLength
            );
        }
    }
}

/// SMI-29.
#[test]
fn generated_keys_differ_and_have_odd_parity_where_it_matters() {
    let mut rng = StdRng::seed_from_u64(1);
    for cipher in CIPHERS {
        let key = ContentKey::generate(cipher, &mut rng);
        assert_eq!(key.as_bytes().len(), cipher.key_len());
        assert_ne!(key, ContentKey::generate(cipher, &mut rng));
        if cipher == ContentCipher::TripleDesCbc {
            assert!(key.as_bytes().iter().all(|octet| octet.count_ones() % 2 == 1));
        }
    }
}

#[test]
fn key_is_not_printed() {
    assert_eq!(format!("{:?}", ContentKey::new(vec![1, 2, 3])), "ContentKey(..)");
}
