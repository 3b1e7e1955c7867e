use super::LegacyDecryptor;
use crate::algorithm::{ContentCipher, UnknownAlgorithm};
use crate::cms::cbc::{CbcDecryptor, InvalidKeyLength};
use crate::cms::tlv::{Tlvs, constructed, encode, tag};
use crate::cms::{ContentEncryptor, ContentKey};

/// Of hexadecimal digits.
fn octets(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

fn counted(len: usize) -> Vec<u8> {
    (0..).take(len).collect()
}

/// `printf 'UNB+UNOA:1+sender+receiver' | openssl enc -CIPHER -provider legacy -provider default -K 000102.. -iv 000102..`
#[test]
fn ciphertext_of_openssl_in_any_chunks() {
    let content = b"UNB+UNOA:1+sender+receiver";
    for (cipher, ciphertext) in [
        (
            ContentCipher::Rc2Cbc40,
            "46a9f7a980bacb71e6b4c7b92ea025c407b6d5b8389ad5847685466710fb2062",
        ),
        (
            ContentCipher::Rc2Cbc64,
            "3795b910b9993ee385d679afdd0ea82d4e4e3b72fcba4f33da2d13fc8d8a6ec3",
        ),
        (
            ContentCipher::Rc2Cbc128,
            "6485a5cb600dae38269340f8bce67bcf63e85ecc6da277083d3e72a068c0d003",
        ),
        (
            ContentCipher::DesCbc,
            "d0f2b94956ee908172b200ac4eb6b5a2743ee2d66937e1461117135b011cb339",
        ),
    ] {
        let key = ContentKey::new(counted(cipher.key_len()));
        let iv = counted(cipher.iv_len());
        for chunk in 1..=32 {
            let mut decryptor = CbcDecryptor::new(cipher, &key, &iv).unwrap();
            let mut out = Vec::new();
            for piece in octets(ciphertext).chunks(chunk) {
                decryptor.update(piece, &mut out);
            }
            decryptor.finish(&mut out).unwrap();
            assert_eq!(out, content, "{cipher} {chunk}");
        }
    }
}

/// RFC 2268 §5: those of its examples whose keys have as many bits as count.
#[test]
fn blocks_of_the_rfc() {
    for (cipher, key, plain, encrypted) in [
        (
            ContentCipher::Rc2Cbc64,
            "ffffffffffffffff",
            "ffffffffffffffff",
            "278b27e42e2f0d49",
        ),
        (
            ContentCipher::Rc2Cbc64,
            "3000000000000000",
            "1000000000000001",
            "30649edf9be7d2c2",
        ),
        (
            ContentCipher::Rc2Cbc128,
            "88bca90e90875a7f0f79c384627bafb2",
            "0000000000000000",
            "2269552ab0f85ca6",
        ),
    ] {
        let mut decryptor = LegacyDecryptor::new(cipher, &ContentKey::new(octets(key)), &[0; 8]).unwrap();
        let mut block = octets(encrypted);
        decryptor.decrypt(&mut block);
        assert_eq!(block, octets(plain), "{key}");
    }
}

#[test]
fn keys_and_vectors_of_other_lengths_are_refused() {
    for cipher in ContentCipher::LEGACY.iter().copied() {
        for (key, iv) in [(0, 8), (1, 0), (1, 7), (1, 16), (2, 8), (30, 8)] {
            let key = ContentKey::new(vec![7; cipher.key_len() * key]);
            let refused = LegacyDecryptor::new(cipher, &key, &vec![7; iv]);
            assert!(matches!(refused, Err(InvalidKeyLength)), "{cipher}");
        }
    }
}

/// SMI-20
#[test]
fn nothing_encrypts() {
    for cipher in ContentCipher::LEGACY.iter().copied() {
        let key = ContentKey::new(vec![7; cipher.key_len()]);
        assert!(ContentEncryptor::new(cipher, &key, &[7; 8]).is_err(), "{cipher}");
    }
}

/// RFC 3370 §5.2, RFC 2268 §6.
#[test]
fn parameters_of_rc2() {
    let read = |der: &[u8]| super::rc2_parameters(Tlvs(der).any().unwrap());
    let iv = encode(tag::OCTET_STRING, b"8 octets");
    let coded = |version: &[u8]| read(&constructed(tag::SEQUENCE, [&encode(tag::INTEGER, version), &iv]));
    for (version, cipher) in [
        (&[0, 160][..], ContentCipher::Rc2Cbc40),
        // Without the zero that keeps it positive.
        (&[160], ContentCipher::Rc2Cbc40),
        (&[120], ContentCipher::Rc2Cbc64),
        (&[58], ContentCipher::Rc2Cbc128),
    ] {
        assert_eq!(coded(version), Ok((Ok(cipher), b"8 octets".to_vec())));
    }
    let other = UnknownAlgorithm::new("1.2.840.113549.3.2 (rc2-cbc) with keys of other than 40, 64 or 128 bits");
    for version in [&[0][..], &[59], &[1, 0], &[1; 40]] {
        assert_eq!(coded(version), Ok((Err(other.clone()), Vec::new())));
    }
    assert_eq!(read(&iv), Ok((Err(other), Vec::new())));
    // As pyas2lib writes it.
    let unversioned = read(&encode(tag::SEQUENCE, &iv));
    assert_eq!(unversioned, Ok((Ok(ContentCipher::Rc2Cbc128), b"8 octets".to_vec())));
    for malformed in [
        encode(tag::NULL, &[]),
        encode(tag::SEQUENCE, &[]),
        encode(tag::SEQUENCE, &encode(tag::INTEGER, &[58])),
    ] {
        assert!(read(&malformed).is_err());
    }
}
