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
    for spelling in ["sha3-256", "SHA3_512", "", "unknown", "sha-2561"] {
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
    for cipher in ContentCipher::known() {
        assert_eq!(cipher.to_string().parse(), Ok(cipher));
    }
    for digest in DigestAlgorithm::known() {
        assert_eq!(digest.to_string().parse(), Ok(digest));
    }
    for cipher in ["rc2", "rc2-cbc", "rc4", "des-cbc"] {
        assert!(cipher.parse::<ContentCipher>().is_err(), "{cipher}");
    }
}

/// SMI-14, SMI-19, SMI-20: what is of the past is read, and is never among what is sent.
#[cfg(feature = "legacy")]
#[test]
fn what_is_of_the_past_is_only_read() {
    for spelling in ["md5", "MD5", "rsa-md5", "\"md5\""] {
        assert_eq!(DigestAlgorithm::from_micalg(spelling), Ok(DigestAlgorithm::Md5));
    }
    for style in [MicalgStyle::Rfc5751, MicalgStyle::Rfc3851] {
        assert_eq!(DigestAlgorithm::Md5.micalg(style), "md5");
    }
    assert_eq!(DigestAlgorithm::LEGACY, [DigestAlgorithm::Md5]);
    for digest in DigestAlgorithm::known() {
        assert_eq!(digest.check_sent().is_ok(), DigestAlgorithm::ALL.contains(&digest));
    }
    for cipher in ContentCipher::known() {
        assert_eq!(cipher.check_sent().is_ok(), ContentCipher::ALL.contains(&cipher));
    }
    assert_eq!(
        ContentCipher::DesCbc.check_sent().unwrap_err().to_string(),
        "des is only read, never sent: sign with SHA-256 and encrypt with AES"
    );
    assert_eq!(
        "rc2".parse::<ContentCipher>().unwrap_err().to_string(),
        "algorithm \"rc2\" is not supported: it is read as rc2-40, rc2-64 or rc2-128, and never sent"
    );
}

/// Without the feature the names are known, and the error says which one they need.
#[cfg(not(feature = "legacy"))]
#[test]
fn what_is_of_the_past_needs_the_feature() {
    let needs = |name: &str| format!("algorithm {name:?} is not supported: it needs the feature `legacy` of ediint");
    for spelling in ["md5", "MD5", "rsa-md5"] {
        let error = DigestAlgorithm::from_micalg(spelling).unwrap_err();
        assert_eq!(error.to_string(), needs(spelling));
    }
    for name in ["rc2", "RC2-40", "rc2-64", "rc2-128", "des"] {
        assert_eq!(name.parse::<ContentCipher>().unwrap_err().to_string(), needs(name));
    }
    assert!(DigestAlgorithm::LEGACY.is_empty() && ContentCipher::LEGACY.is_empty());
}
