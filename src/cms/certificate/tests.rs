use std::time::{Duration, UNIX_EPOCH};

use super::key::RsaComponents;
use super::*;
use crate::algorithm::DigestAlgorithm;

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../../tests/data/openssl/algorithms/", $name)).as_slice()
    };
}

const PLAIN: &[u8] = include_bytes!("../../../tests/data/openssl/certificates/plain.pem");
const UTF8: &[u8] = include_bytes!("../../../tests/data/openssl/certificates/utf8.pem");
const TWO: &[u8] = include_bytes!("../../../tests/data/openssl/certificates/two.pem");
const V1: &[u8] = include_bytes!("../../../tests/data/openssl/certificates/v1.pem");
const EC: &[u8] = include_bytes!("../../../tests/data/openssl/certificates/ec.pem");
const COMMA: &[u8] = include_bytes!("../../../tests/data/openssl/certificates/comma.pem");
const MULTI: &[u8] = include_bytes!("../../../tests/data/openssl/certificates/multi.pem");
const SPECIAL: &[u8] = include_bytes!("../../../tests/data/openssl/certificates/special.pem");
const LARGE: &[u8] = include_bytes!("../../../tests/data/openssl/certificates/large.pem");

fn certificate(pem: &[u8]) -> Certificate {
    Certificate::from_pem(pem).unwrap()
}

#[test]
fn reads_the_fields_that_openssl_shows() {
    let plain = certificate(PLAIN);
    assert_eq!(
        plain.fingerprint_hex(),
        "def896091f52e8aec9234108fc5d1614e1f52606fcf1cd13ba75806424335e94"
    );
    assert_eq!(plain.serial(), [0x12, 0x67]);
    assert_eq!(
        tlv::hex(plain.subject_key_identifier()),
        "e240151acfa3211767230a2af977784f6318cf07"
    );
    assert_eq!(plain.to_string(), "CN=Acme AS2, OU=EDI, O=Acme, C=US");
    assert_eq!(plain.issuer(), plain.subject());
    assert_eq!(plain.key_bits(), Some(2048));
    // 2026-11-24 03:06:22Z and 2036-11-21 03:06:22Z
    assert_eq!(plain.not_before(), UNIX_EPOCH + Duration::from_secs(1_795_489_582));
    assert_eq!(plain.not_after(), UNIX_EPOCH + Duration::from_secs(2_110_849_582));
    assert!(plain.is_valid_at(plain.not_after()));
    assert!(!plain.is_valid_at(plain.not_after() + Duration::from_secs(1)));
    assert!(!plain.is_valid_at(plain.not_before() - Duration::from_secs(1)));
}

#[test]
fn reads_utf8_names_and_serial_numbers_with_a_leading_zero() {
    let utf8 = certificate(UTF8);
    assert_eq!(utf8.to_string(), "CN=Müller EDI, O=Müller GmbH, C=DE");
    assert_eq!(utf8.serial(), [0, 0xff, 0, 0xaa]);
}

#[test]
fn reads_version_1_and_derives_its_key_identifier() {
    let v1 = certificate(V1);
    assert_eq!(v1.to_string(), "CN=Old One");
    assert_eq!(v1.subject_key_identifier(), v1.0.key_hash);
    assert_eq!(v1.rsa_public_key().map(|_| ()), Ok(()));
}

#[test]
fn the_hash_of_the_key_is_what_openssl_puts_into_the_extension() {
    let plain = certificate(PLAIN);
    assert_eq!(plain.subject_key_identifier(), plain.0.key_hash);
}

#[test]
fn reads_every_certificate_of_a_file_in_order() {
    assert_eq!(
        Certificate::all_from_pem(TWO).unwrap(),
        [certificate(PLAIN), certificate(UTF8)]
    );
    assert!(matches!(
        Certificate::all_from_pem(b"no certificate here"),
        Err(CertificateError::NoCertificate)
    ));
}

#[test]
fn ignores_bytes_after_the_certificate() {
    let plain = certificate(PLAIN);
    let mut der = plain.der().to_vec();
    der.push(b'\n');
    assert_eq!(Certificate::from_der(&der).unwrap(), plain);
}

#[test]
fn a_truncated_certificate_is_malformed_at_every_length() {
    let plain = certificate(PLAIN);
    for end in 0..plain.der().len() {
        assert!(Certificate::from_der(&plain.der()[..end]).is_err(), "{end}");
    }
}

/// SEC-28
#[test]
fn refuses_keys_that_are_too_large_before_computing_with_them() {
    let large = certificate(LARGE);
    assert_eq!(large.key_bits(), Some(8200));
    assert_eq!(large.rsa_public_key(), Err(KeyError::ModulusSize(8200)));
}

/// SEC-28
#[test]
fn refuses_exponents_that_are_even_small_or_large() {
    let modulus = match &certificate(PLAIN).0.key {
        Ok(KeyFields::Rsa(components)) => components.modulus.clone(),
        _ => panic!("not an RSA key"),
    };
    let key_with = |exponent: &[u8]| {
        let fields = Certificate::from_pem(PLAIN).unwrap();
        let mut fields = Arc::into_inner(fields.0).unwrap();
        fields.key = Ok(KeyFields::Rsa(RsaComponents {
            modulus: modulus.clone(),
            exponent: exponent.to_vec(),
        }));
        Certificate(Arc::new(fields)).rsa_public_key().map(|_| ())
    };
    assert_eq!(key_with(&[3]), Ok(()));
    for exponent in [&[1][..], &[4], &[2, 0, 0, 0, 1], &[1; 6], &[1; 256]] {
        assert_eq!(key_with(exponent), Err(KeyError::Malformed), "{exponent:?}");
    }
}

/// KEY-06
#[test]
fn kinds_of_keys_are_told_apart() {
    for (pem, kind, bits) in [
        (PLAIN, KeyKind::Rsa, Some(2048)),
        (EC, KeyKind::Ec, None),
        (fixture!("p256.pem"), KeyKind::Ec, None),
        (fixture!("p384.pem"), KeyKind::Ec, None),
        (fixture!("p521.pem"), KeyKind::Ec, None),
        (fixture!("pss.pem"), KeyKind::RsaPss, Some(2048)),
        (fixture!("pss-sha256.pem"), KeyKind::RsaPss, Some(2048)),
    ] {
        let certificate = certificate(pem);
        assert_eq!(certificate.key_kind(), Ok(kind));
        assert_eq!(certificate.key_bits(), bits);
        assert_eq!(certificate.rsa_public_key().is_ok(), kind == KeyKind::Rsa);
    }
}

#[test]
fn authorities_say_that_they_are() {
    macro_rules! tls {
        ($name:literal) => {
            certificate(include_bytes!(concat!("../../../tests/data/openssl/tls/", $name)))
        };
    }
    for (certificate, expected) in [
        (tls!("authority.pem"), true),
        (tls!("ca-leaf.pem"), true),
        (tls!("issued.pem"), false),
        (tls!("server.pem"), false),
        (tls!("version1.pem"), false),
    ] {
        assert_eq!(certificate.is_authority(), expected, "{certificate}");
    }
}

/// SMI-16: a certificate may allow its key one digest only.
#[test]
fn keys_are_for_what_the_certificate_says() {
    use DigestAlgorithm::{Sha256, Sha512};
    use SignatureAlgorithm::{Ecdsa, RsaPkcs1, RsaPss};
    let unfit = |needed, found| Err(KeyError::Kind { needed, found });
    let (rsa, pss, only, ec) = (
        certificate(PLAIN),
        certificate(fixture!("pss.pem")),
        certificate(fixture!("pss-sha256.pem")),
        certificate(fixture!("p256.pem")),
    );
    for (certificate, algorithm, expected) in [
        (&rsa, RsaPkcs1(Sha256), Ok(())),
        (&rsa, RsaPss(Sha512), Ok(())),
        (&rsa, Ecdsa(Sha256), unfit(KeyKind::Ec, KeyKind::Rsa)),
        (&pss, RsaPss(Sha512), Ok(())),
        (&pss, RsaPkcs1(Sha256), unfit(KeyKind::Rsa, KeyKind::RsaPss)),
        (&only, RsaPss(Sha256), Ok(())),
        (&only, RsaPss(Sha512), Err(KeyError::Restricted)),
        (&ec, Ecdsa(Sha256), Ok(())),
        (&ec, RsaPss(Sha256), unfit(KeyKind::RsaPss, KeyKind::Ec)),
    ] {
        assert_eq!(certificate.check_signature_algorithm(algorithm), expected);
    }
}

#[test]
fn identifiers_match_their_certificate_and_no_other() {
    let (plain, utf8) = (certificate(PLAIN), certificate(UTF8));
    for id in [
        CertificateId::issuer_and_serial(&plain),
        CertificateId::subject_key(&plain),
    ] {
        assert!(id.matches(&plain));
        assert!(!id.matches(&utf8));
        assert_eq!(CertificateId::from_der(&id.to_der()).unwrap(), id);
    }
}

#[test]
fn issuers_match_across_string_types_and_serials_across_leading_zeros() {
    let utf8 = certificate(UTF8);
    let name = |parts: [(u8, u8, &[u8]); 3]| {
        let sets = parts.map(|(kind, string, value)| {
            let attribute = [tlv::encode(tag::OID, &[0x55, 4, kind]), tlv::encode(string, value)].concat();
            tlv::encode(tag::SET, &tlv::encode(tag::SEQUENCE, &attribute))
        });
        tlv::encode(tag::SEQUENCE, &sets.concat())
    };
    // PrintableString in lower case, T61String, BMPString with two spaces.
    let wide: Vec<u8> = "Müller  EDI".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let id = |common_name: &[u8]| CertificateId::IssuerAndSerial {
        issuer: name([
            (6, 0x13, b"de"),
            (10, 0x14, b"M\xfcller GmbH"),
            (3, tag::BMP_STRING, common_name),
        ]),
        serial: vec![0, 0, 0xff, 0, 0xaa],
    };
    assert!(id(&wide).matches(&utf8));
    assert!(!id(&wide[2..]).matches(&utf8));
}

/// SEC-14: one text is one name. As `openssl x509 -nameopt RFC2253` but for the space between the parts.
#[test]
fn names_are_shown_without_ambiguity() {
    for (pem, shown) in [
        (COMMA, r"CN=Acme EDI\, O=Acme"),
        (MULTI, "CN=Acme EDI+O=Acme"),
        (SPECIAL, r#"CN=\#\"d\"\;\<e\>\\, OU=\ c\ , O=a\+b"#),
    ] {
        assert_eq!(certificate(pem).to_string(), shown);
    }
}

#[test]
fn control_characters_of_a_name_are_shown_escaped() {
    let attribute = [tlv::encode(tag::OID, &[0x55, 4, 3]), tlv::encode(0x0c, b"a\nb")].concat();
    let name = tlv::encode(
        tag::SEQUENCE,
        &tlv::encode(tag::SET, &tlv::encode(tag::SEQUENCE, &attribute)),
    );
    let mut fields = Arc::into_inner(certificate(PLAIN).0).unwrap();
    fields.subject = name;
    assert_eq!(Certificate(Arc::new(fields)).to_string(), "CN=a\\nb");
}

/// A stranger chooses how it is named: what is shown of it is short.
#[test]
fn identifiers_are_shown_short() {
    let alice = certificate(include_bytes!("../../../tests/data/openssl/cms/alice.pem"));
    let shown = CertificateId::issuer_and_serial(&alice).to_string();
    assert_eq!(
        shown,
        format!("serial number {} of CN=alice, O=Example", tlv::hex(alice.serial()))
    );
    let shown = CertificateId::subject_key(&alice).to_string();
    let key = tlv::hex(alice.subject_key_identifier());
    assert_eq!(shown, format!("key identifier {key}"));
    let long = CertificateId::IssuerAndSerial {
        issuer: vec![0x30; 500_000],
        serial: vec![0xcd; 500_000],
    };
    assert!(long.to_string().len() < 300, "{}", long.to_string().len());
    let long = CertificateId::SubjectKeyIdentifier(vec![0xab; 65]).to_string();
    assert_eq!(long, format!("key identifier {}...", "ab".repeat(64)));
}
