//! What is weak: opted into one by one, and what is only read by name.

use super::{parse, partnership, toml_error};
#[cfg(feature = "legacy")]
use crate::algorithm::{ContentCipher, DigestAlgorithm};
#[cfg(feature = "legacy")]
use crate::partnership::{AcceptPolicy, ReceiptRequest, SendProfile};

const NEEDED: &str = "local = \"us\"\nremote = \"acme\"\nurl = \"https://a.example/\"\n";

/// SMI-14, SMI-20: what is only read is not among the choices, with and without the feature.
#[test]
fn nothing_is_sent_with_what_is_only_read() {
    for (line, field) in [
        ("sign = \"md5\"", "sign"),
        ("receipt_digests = [\"sha-256\", \"md5\"]", "receipt_digests"),
    ] {
        let error = toml_error(&format!("[send]\n{line}"));
        let wanted = format!("send.{field}: invalid value: string \"md5\", expected one of \"sha-1\", \"sha-224\",");
        assert!(error.contains("line 5") && error.contains(&wanted), "{error}");
    }
    for cipher in ["rc2", "rc2-40", "rc2-64", "rc2-128", "des"] {
        let error = toml_error(&format!("[send]\nencrypt = \"{cipher}\""));
        let wanted =
            format!("send.encrypt: invalid value: string \"{cipher}\", expected one of \"3des\", \"aes128-cbc\",");
        assert!(error.contains("line 5") && error.contains(&wanted), "{error}");
    }
}

/// SEC-14: each by its name; RC2 with keys of every length, or of one.
#[cfg(feature = "legacy")]
#[test]
fn what_is_of_the_past_is_allowed_by_name() {
    use ContentCipher::{DesCbc, Rc2Cbc40, Rc2Cbc64, Rc2Cbc128};
    for (names, digests, ciphers) in [
        ("\"md5\"", &[DigestAlgorithm::Md5][..], &[][..]),
        ("\"des\"", &[], &[DesCbc]),
        ("\"rc2\"", &[], &[Rc2Cbc40, Rc2Cbc64, Rc2Cbc128]),
        ("\"rc2-128\"", &[], &[Rc2Cbc128]),
        (
            "\"sha-1\", \"3des\"",
            &[DigestAlgorithm::Sha1],
            &[ContentCipher::TripleDesCbc],
        ),
    ] {
        let read = parse(&format!("{NEEDED}[accept]\nallow = [{names}]")).unwrap();
        // And again, as it is written.
        let written = toml::to_string(&read).unwrap();
        for partnership in [read, parse(&written).unwrap()] {
            let policy = partnership.accept_policy();
            for digest in DigestAlgorithm::known().filter(|digest| digest.is_weak()) {
                assert_eq!(
                    policy.allows_digest(digest),
                    digests.contains(&digest),
                    "{names} {digest}"
                );
            }
            for cipher in ContentCipher::known().filter(|cipher| cipher.is_weak()) {
                assert_eq!(
                    policy.allows_cipher(cipher),
                    ciphers.contains(&cipher),
                    "{names} {cipher}"
                );
            }
        }
    }
    let error = toml_error("[accept]\nallow = [\"rc4\"]");
    assert!(
        error.contains("accept.allow: invalid value: string \"rc4\", expected one of \"md5\", \"sha-1\", \"rc2-40\""),
        "{error}"
    );
}

/// What only code can say is written as it is, and refused where it is read.
#[cfg(feature = "legacy")]
#[test]
fn a_profile_that_cannot_be_sent_is_not_read_back() {
    let md5 = crate::SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Md5);
    for (profile, field) in [
        (SendProfile::new().signature(md5), "sign"),
        (SendProfile::new().encryption(ContentCipher::Rc2Cbc128), "encrypt"),
        (
            SendProfile::new().receipt(ReceiptRequest::sync().digests([DigestAlgorithm::Md5])),
            "receipt_digests",
        ),
    ] {
        let written = toml::to_string(&partnership().send(profile)).unwrap();
        let error = parse(&written).unwrap_err().to_string();
        assert!(
            error.contains(&format!("send.{field}: invalid value: string")),
            "{error}"
        );
    }
}

/// Digests and ciphers as values of their own, and the one field that takes any digest.
#[cfg(feature = "legacy")]
#[test]
fn algorithms_alone_are_read_as_written() {
    for digest in DigestAlgorithm::known() {
        let written = serde_json::to_value(digest).unwrap();
        assert_eq!(serde_json::from_value::<DigestAlgorithm>(written).unwrap(), digest);
    }
    for cipher in ContentCipher::known() {
        let written = serde_json::to_value(cipher).unwrap();
        assert_eq!(serde_json::from_value::<ContentCipher>(written).unwrap(), cipher);
    }
    let policy = AcceptPolicy::new().default_mic(DigestAlgorithm::Md5);
    let read: AcceptPolicy = serde_json::from_value(serde_json::to_value(&policy).unwrap()).unwrap();
    assert_eq!(read.default_mic, DigestAlgorithm::Md5);
}

/// Without the feature the error says that it is missing.
#[cfg(not(feature = "legacy"))]
#[test]
fn what_is_of_the_past_needs_the_feature() {
    assert_eq!(parse(NEEDED).unwrap().remote(), partnership().remote());
    for name in ["md5", "rc2", "rc2-40", "rc2-64", "rc2-128", "des"] {
        let error = toml_error(&format!("[accept]\nallow = [\"sha-1\", \"{name}\"]"));
        let wanted =
            format!("accept.allow: algorithm {name:?} is not supported: it needs the feature `legacy` of ediint");
        assert!(error.contains("line 5") && error.contains(&wanted), "{error}");
    }
    let error = toml_error("[accept]\ndefault_mic = \"md5\"");
    assert!(
        error.contains("accept.default_mic: algorithm \"md5\" is not supported: it needs"),
        "{error}"
    );
    let error = toml_error("[accept]\nallow = [\"rc4\"]");
    assert!(
        error
            .contains("accept.allow: invalid value: string \"rc4\", expected one of \"sha-1\", \"3des\", \"rsa-1024\""),
        "{error}"
    );
}
