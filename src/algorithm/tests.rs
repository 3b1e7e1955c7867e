use super::{ContentCipher, DigestAlgorithm, KeyTransport, MicalgStyle, SignatureScheme};

/// SMI-18: both styles.
#[test]
fn micalg_is_spelled_in_either_style() {
    assert_eq!(DigestAlgorithm::Sha256.micalg(MicalgStyle::Rfc5751), "sha-256");
    assert_eq!(DigestAlgorithm::Sha256.micalg(MicalgStyle::Rfc3851), "sha256");
    assert_eq!(DigestAlgorithm::Sha1.micalg(MicalgStyle::Rfc3851), "sha1");
    assert_eq!(DigestAlgorithm::Sha1.to_string(), "sha-1");
}

/// SMI-19: every spelling that products are known to use.
#[test]
fn micalg_is_read_in_every_known_spelling() {
    for (spelling, digest) in [
        ("sha1", DigestAlgorithm::Sha1),
        ("SHA-1", DigestAlgorithm::Sha1),
        ("sha_1", DigestAlgorithm::Sha1),
        ("rsa-sha1", DigestAlgorithm::Sha1),
        ("sha224", DigestAlgorithm::Sha224),
        ("SHA256", DigestAlgorithm::Sha256),
        ("sha-256", DigestAlgorithm::Sha256),
        ("\"sha-256\"", DigestAlgorithm::Sha256),
        ("sha2-256", DigestAlgorithm::Sha256),
        ("sha2_256", DigestAlgorithm::Sha256),
        (" sha-2-256", DigestAlgorithm::Sha256),
        ("rsa-sha256", DigestAlgorithm::Sha256),
        ("sha384", DigestAlgorithm::Sha384),
        ("sha-512", DigestAlgorithm::Sha512),
    ] {
        assert_eq!(DigestAlgorithm::from_micalg(spelling), Ok(digest), "{spelling}");
    }
}

/// SMI-19, SMI-48: known but unsupported digests are named in the error, never taken for another.
#[test]
fn unsupported_digests_are_refused_by_name() {
    for spelling in ["md5", "rsa-md5", "sha3-256", "SHA3_512", "", "unknown", "sha-2561"] {
        let error = DigestAlgorithm::from_micalg(spelling).unwrap_err();
        assert!(error.to_string().contains(spelling), "{error}");
    }
}

#[test]
fn names_round_trip() {
    for scheme in SignatureScheme::ALL {
        assert_eq!(scheme.to_string().parse(), Ok(scheme));
    }
    for transport in KeyTransport::ALL {
        assert_eq!(transport.to_string().to_ascii_uppercase().parse(), Ok(transport));
    }
    for cipher in ContentCipher::ALL {
        assert_eq!(cipher.to_string().parse(), Ok(cipher));
    }
    for cipher in ["rc2", "rc2-cbc", "rc4", "des"] {
        assert!(cipher.parse::<ContentCipher>().is_err(), "{cipher}");
    }
}
