use super::PssParameters;
use crate::algorithm::DigestAlgorithm;
use crate::cms::tlv::{BadTlv, Tlvs};

fn parse(octets: &[u8]) -> Result<Option<PssParameters>, BadTlv> {
    PssParameters::parse(Tlvs(octets).any().unwrap())
}

/// RFC 8017 §A.2.3: nothing at all stands for SHA-1 and a salt of 20 octets.
#[test]
fn parameters_are_read_as_they_are_written() {
    assert_eq!(parse(&[0x30, 0]), Ok(Some(PssParameters::new(DigestAlgorithm::Sha1))));
    for digest in DigestAlgorithm::ALL {
        for salt_len in [0, 20, 32, 127, 128, 222, 255, 256, 1000, 65_535] {
            let parameters = PssParameters {
                digest,
                salt_len: Some(salt_len),
            };
            assert_eq!(parse(&parameters.to_der()), Ok(Some(parameters)));
        }
    }
}

/// SMI-16: exactly these octets, which OpenSSL writes too.
#[test]
fn parameters_are_der() {
    let signature = include_bytes!("../../../tests/data/openssl/algorithms/signed-pss-sha256.der");
    let parameters = PssParameters {
        digest: DigestAlgorithm::Sha256,
        salt_len: Some(222),
    };
    let der = parameters.to_der();
    assert!(signature.windows(der.len()).any(|window| window == der));
}

#[test]
fn what_is_not_supported_is_told_from_what_is_wrong() {
    // Another trailer, another mask generation function than MGF1.
    assert_eq!(parse(&[0x30, 5, 0xa3, 3, 2, 1, 2]), Ok(None));
    assert_eq!(parse(&[0x30, 7, 0xa1, 5, 0x30, 3, 6, 1, 0x2a]), Ok(None));
    // MGF1 over SHA-512 where the digest is SHA-256.
    let mut mixed = PssParameters::new(DigestAlgorithm::Sha256).to_der();
    let sha256 = [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
    let last = mixed.windows(9).rposition(|octets| octets == sha256).unwrap();
    mixed[last + 8] = 3;
    assert_eq!(parse(&mixed), Ok(None));
    for malformed in [
        &[4, 0][..],
        &[0x30, 2, 5, 0],
        &[0x30, 7, 0xa2, 5, 2, 3, 1, 0, 0],
        &[0x30, 4, 0xa2, 2, 4, 0],
    ] {
        assert_eq!(parse(malformed), Err(BadTlv));
    }
}
