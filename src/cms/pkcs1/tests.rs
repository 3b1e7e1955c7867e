use rsa::hazmat::rsa_decrypt_and_check;
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::PublicKeyParts;
use rsa::{BoxedUint, PrivateKey};

use super::{signature_scheme, verify};
use crate::algorithm::DigestAlgorithm;
use crate::entropy::{Entropy, SystemEntropy};
use crate::mic::Mic;

/// Octets of the modulus of the key.
const LENGTH: usize = 256;

/// SHA-256, as content octets of its identifier.
const SHA256: [u8; 9] = [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];

fn key() -> PrivateKey {
    let der = include_bytes!("../../../tests/data/openssl/cms/alice.key.der");
    PrivateKey::from_pkcs8_der(der).unwrap()
}

fn digest() -> Mic {
    Mic::of(DigestAlgorithm::Sha256, b"content")
}

/// Signs an encoded message of any form.
fn sign_raw(encoded: &[u8]) -> Vec<u8> {
    let key = key();
    let number = BoxedUint::from_be_slice(encoded, key.n_bits_precision()).unwrap();
    let rng = &mut *SystemEntropy.rng();
    let signature = rsa_decrypt_and_check(&key, Some(rng), &number).unwrap();
    let octets = signature.to_be_bytes();
    octets[octets.len() - LENGTH..].to_vec()
}

/// `00 01 FF .. FF 00` before `rest`, as long as the modulus.
fn padded(rest: &[u8]) -> Vec<u8> {
    let mut encoded = vec![0xff; LENGTH - rest.len()];
    encoded[0] = 0;
    encoded[1] = 1;
    *encoded.last_mut().unwrap() = 0;
    encoded.extend_from_slice(rest);
    encoded
}

/// `30 len { 30 len { 06 len oid, parameters } 04 len hash }`.
fn digest_info(oid: &[u8], parameters: &[u8], hash: &[u8]) -> Vec<u8> {
    let value = |tag, content: &[u8]| {
        let length = u8::try_from(content.len()).unwrap();
        assert!(length < 128);
        [&[tag, length], content].concat()
    };
    let algorithm = value(0x30, &[&value(6, oid), parameters].concat());
    value(0x30, &[algorithm, value(4, hash)].concat())
}

fn accepts(encoded: &[u8]) -> bool {
    verify(key().as_public_key(), &digest(), &sign_raw(encoded))
}

/// SEC-12: RFC 8017 §9.2 knows two forms, and no other.
#[test]
fn both_forms_of_the_digest_info_are_accepted() {
    let digest = digest();
    let hash = digest.digest();
    assert!(accepts(&padded(&digest_info(&SHA256, &[5, 0], hash))));
    assert!(accepts(&padded(&digest_info(&SHA256, &[], hash))));
}

/// SEC-12: forgeries of Bleichenbacher's kind (2006) and its kin, each as the signature of the real key.
#[test]
fn every_other_form_is_refused() {
    let digest = digest();
    let hash = digest.digest();
    let right = digest_info(&SHA256, &[5, 0], hash);
    let bare = digest_info(&SHA256, &[], hash);

    // Padding of eight octets, then the DigestInfo, then anything.
    let early = |info: &[u8]| {
        let mut encoded = [&[0, 1][..], &[0xff; 8], &[0], info].concat();
        encoded.resize(LENGTH, 0x5a);
        encoded
    };
    // Anything between the parts of the DigestInfo.
    let stuffed = digest_info(&SHA256, &[[0x04, 0x18].as_slice(), &[0x5a; 24]].concat(), hash);
    let long_null = digest_info(&SHA256, &[5, 4, 1, 2, 3, 4], hash);
    let trailing = digest_info(&SHA256, &[5, 0], hash);
    let trailing = {
        let mut inner = [&trailing[2..], &[5, 0]].concat();
        inner.splice(..0, [0x30, trailing[1] + 2]);
        inner
    };
    let replaced = |at: usize, octet: u8| {
        let mut encoded = padded(&right);
        assert_ne!(encoded[at], octet);
        encoded[at] = octet;
        encoded
    };
    let with_last = |mut info: Vec<u8>| {
        let end = info.len();
        info[end - 1] ^= 1;
        info[end - 2] ^= 0x80;
        padded(&info)
    };
    let sha1 = [0x2b, 14, 3, 2, 26];
    let long_form = [&[0x30, 0x81, right[1]], &right[2..]].concat();

    let forgeries: [(&str, Vec<u8>); 22] = [
        ("octets after the DigestInfo", early(&right)),
        ("octets after the DigestInfo without NULL", early(&bare)),
        ("octets in the place of NULL", padded(&stuffed)),
        ("NULL with content", padded(&long_null)),
        ("a value after the digest", padded(&trailing)),
        ("a first octet that is not 0", replaced(0, 1)),
        ("block type 0", replaced(1, 0)),
        ("block type 2", replaced(1, 2)),
        ("padding with another octet", replaced(2, 0xfe)),
        (
            "padding with another octet at its end",
            replaced(LENGTH - right.len() - 2, 0),
        ),
        ("no end of the padding", replaced(LENGTH - right.len() - 1, 0xff)),
        ("other last octets of the digest", with_last(right.clone())),
        ("other last octets of the digest without NULL", with_last(bare.clone())),
        (
            "the digest cut short",
            padded(&digest_info(&SHA256, &[5, 0], &hash[..30])),
        ),
        (
            "the digest cut short without NULL",
            padded(&digest_info(&SHA256, &[], &hash[..30])),
        ),
        ("no digest", padded(&digest_info(&SHA256, &[5, 0], &[]))),
        (
            "a longer digest",
            padded(&digest_info(&SHA256, &[5, 0], &[hash, &[0]].concat())),
        ),
        ("the bare digest", padded(hash)),
        ("another algorithm", padded(&digest_info(&sha1, &[5, 0], hash))),
        ("a length in the long form", padded(&long_form)),
        ("NULL outside of the algorithm", padded(&[&bare[..], &[5, 0]].concat())),
        ("nothing but padding", padded(&[])),
    ];
    for (name, encoded) in forgeries {
        assert_eq!(encoded.len(), LENGTH, "{name}");
        assert!(!accepts(&encoded), "{name}");
    }
}

/// SEC-12: a signature is a number below the modulus in exactly as many octets (RFC 8017 §8.2.2 step 1).
#[test]
fn the_signature_has_one_length_and_one_value() {
    let key = key();
    let digest = digest();
    let signature = key
        .sign(signature_scheme(DigestAlgorithm::Sha256), digest.digest())
        .unwrap();
    let accepts = |signature: &[u8]| verify(key.as_public_key(), &digest, signature);
    assert!(accepts(&signature));
    assert!(!accepts(&[&[0][..], &signature].concat()));
    assert!(!accepts(&[&signature[..], &[0]].concat()));
    assert!(!accepts(&signature[..LENGTH - 1]));
    assert!(!accepts(&[]));
    assert!(!accepts(&[0; LENGTH]));
    assert!(!accepts(&[0xff; LENGTH]));
    // The same number again, one modulus further.
    let mut carry = 0;
    let mut further = signature.clone();
    let modulus = key.n_bytes();
    for (octet, addend) in further.iter_mut().rev().zip(modulus.iter().rev()) {
        let sum = u16::from(*octet) + u16::from(*addend) + carry;
        *octet = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    let further = if carry == 0 {
        further
    } else {
        [&[1][..], &further].concat()
    };
    assert!(!accepts(&further));
}
