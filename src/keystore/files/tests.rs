use std::error::Error;
use std::path::PathBuf;

use super::{KeyFile, KeyFileError};
use crate::cms::Certificate;
#[cfg(feature = "pkcs12")]
use crate::cms::KeyKind;
use crate::keystore::PrivateKeyError;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn file(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap()
}

fn read(name: &str, password: Option<&str>) -> Result<KeyFile, KeyFileError> {
    KeyFile::read(&file(name), password)
}

fn certificate(name: &str) -> Certificate {
    Certificate::from_pem(&file(name)).unwrap()
}

/// Bob's certificate, and whatever else is given.
fn with_bob(name: &str, password: Option<&str>) -> Result<KeyFile, KeyFileError> {
    Ok(read("openssl/cms/bob.pem", None)?.and(read(name, password)?))
}

/// KEY-04
#[test]
fn private_keys_of_all_forms() {
    let secret = Some("secret");
    for (name, password) in [
        ("openssl/keys/pkcs8.pem", None),
        ("openssl/keys/pkcs1.pem", None),
        ("openssl/keys/pkcs1.der", None),
        ("openssl/cms/bob.key.der", None),
        // A password that is not needed does no harm.
        ("openssl/keys/pkcs8.pem", secret),
        ("openssl/keys/encrypted.pem", secret),
        ("openssl/keys/encrypted.der", secret),
        ("openssl/keyfiles/aes256-sha256.pem", secret),
        ("openssl/keyfiles/aes256-sha256.der", secret),
        ("openssl/keyfiles/aes128-sha1.pem", secret),
        ("openssl/keyfiles/des3.pem", secret),
        ("openssl/keyfiles/scrypt.pem", secret),
    ] {
        let entry = with_bob(name, password).and_then(KeyFile::into_entry);
        let entry = entry.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(*entry.certificate(), certificate("openssl/cms/bob.pem"), "{name}");
    }
}

/// KEY-04
#[test]
fn certificates_of_all_forms() {
    let both = [certificate("openssl/cms/bob.pem"), certificate("openssl/cms/carol.pem")];
    for (name, expected) in [
        ("openssl/cms/bob.pem", &both[..1]),
        ("openssl/cms/bob.der", &both[..1]),
        ("openssl/keyfiles/bundle.p7b", &both),
        ("openssl/keyfiles/bundle.der.p7b", &both),
        ("openssl/keys/bundle.pem", &both),
    ] {
        assert_eq!(
            read(name, None).unwrap().into_certificates().unwrap(),
            expected,
            "{name}"
        );
    }
    let keytool = read("keytool/station.cer", None).unwrap().into_certificates().unwrap();
    assert_eq!(keytool, [certificate("keytool/station.pem")]);
    assert_eq!(keytool[0].to_string(), "CN=keytool, O=Example");
}

/// KEY-04: with modern and legacy encryption, of OpenSSL and of Java.
#[cfg(feature = "pkcs12")]
#[test]
fn pkcs12_stores() {
    for (name, password, subject) in [
        ("openssl/keyfiles/modern.p12", Some("secret"), "CN=bob, O=Example"),
        ("openssl/keyfiles/legacy.p12", Some("secret"), "CN=bob, O=Example"),
        ("openssl/keyfiles/no-password.p12", None, "CN=bob, O=Example"),
        ("openssl/keyfiles/no-password.p12", Some(""), "CN=bob, O=Example"),
        ("keytool/station.p12", Some("secret1"), "CN=keytool, O=Example"),
        ("keytool/legacy.p12", Some("secret1"), "CN=keytool legacy, O=Example"),
    ] {
        let entry = read(name, password).and_then(KeyFile::into_entry);
        let entry = entry.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(entry.certificate().to_string(), subject, "{name}");
        let tls = read(name, password).unwrap().into_tls_identity().unwrap();
        assert_eq!(tls.chain(), [entry.certificate().der().clone()], "{name}");
    }
    for (name, password) in [("openssl/keyfiles/ec.p12", "secret"), ("keytool/ec.p12", "secret1")] {
        let entry = read(name, Some(password)).and_then(KeyFile::into_entry).unwrap();
        assert_eq!(entry.certificate().key_kind(), Ok(KeyKind::Ec), "{name}");
        let tls = read(name, Some(password)).unwrap().into_tls_identity().unwrap();
        assert_eq!(tls.chain(), [entry.certificate().der().clone()], "{name}");
    }
    let trusted = read("keytool/trusted.p12", Some("secret1")).unwrap();
    assert_eq!(
        trusted.into_certificates().unwrap(),
        [certificate("keytool/station.pem")]
    );
    for name in [
        "openssl/keyfiles/modern.p12",
        "openssl/keyfiles/legacy.p12",
        "keytool/legacy.p12",
    ] {
        assert!(matches!(read(name, None), Err(KeyFileError::PasswordNeeded)), "{name}");
        assert!(
            matches!(read(name, Some("wrong")), Err(KeyFileError::WrongPassword)),
            "{name}"
        );
    }
    let damaged = file("openssl/keyfiles/modern.p12");
    assert!(KeyFile::read(&damaged[..damaged.len() - 40], Some("secret")).is_err());
}

/// KEY-04, KEY-06, KEY-02: for TLS and for messages.
#[test]
fn keys_on_curves() {
    let rsa = KeyFile::open([path("openssl/tls/server.pem"), path("openssl/tls/server.key")], None).unwrap();
    assert_eq!(rsa.into_tls_identity().unwrap().chain().len(), 1);
    for name in [
        "openssl/keyfiles/ec.sec1.pem",
        "openssl/keyfiles/ec.sec1.der",
        "openssl/keyfiles/ec.pkcs8.pem",
    ] {
        let file = || {
            read("openssl/keyfiles/ec.pem", None)
                .unwrap()
                .and(read(name, None).unwrap())
        };
        let entry = file().into_entry().unwrap();
        assert_eq!(*entry.certificate(), certificate("openssl/keyfiles/ec.pem"));
        let identity = file().into_tls_identity().unwrap();
        assert_eq!(identity.chain(), [entry.certificate().der().clone()]);
        // Of another certificate it is not the key.
        let other = with_bob(name, None).unwrap().into_tls_identity();
        assert!(matches!(other, Err(KeyFileError::Mismatch { .. })), "{name}");
    }
}

/// Of a bundle with its issuers a partner's certificate is the partner's alone; two self-signed ones of one name both are.
#[test]
fn authorities_are_no_partners() {
    let of = |names: [&str; 3]| {
        let pem: Vec<u8> = names
            .iter()
            .flat_map(|name| file(&format!("openssl/{name}.pem")))
            .collect();
        KeyFile::read(&pem, None).unwrap().into_partner().unwrap()
    };
    let leaf = certificate("openssl/chain/leaf.pem");
    assert_eq!(of(["chain/leaf", "chain/between", "chain/root"]), [leaf]);
    let both = ["rollover/old", "rollover/new"].map(|name| certificate(&format!("openssl/{name}.pem")));
    assert_eq!(of(["rollover/old", "rollover/new", "rollover/old"])[..2], both);
}

/// The chain follows from the certificates, in whichever order they are; what does not belong is left out.
#[test]
fn chains_are_put_in_order() {
    let pem = [file("openssl/cms/carol.pem"), file("openssl/keys/bundle.pem")].concat();
    let entry = KeyFile::read(&pem, None).unwrap().into_entry().unwrap();
    let chain: Vec<_> = entry.chain().map(ToString::to_string).collect();
    assert_eq!(chain, ["CN=bob, O=Example"]);
}

/// Each fault is its own error, which says what it is and what to do.
#[test]
fn errors_name_the_cause() {
    let error = |result: Result<KeyFile, KeyFileError>| match result.and_then(KeyFile::into_entry) {
        Ok(entry) => panic!("{entry:?}"),
        Err(error) => error.to_string(),
    };
    let wrong = Some("wrong");
    for (result, expected) in [
        (
            read("openssl/cms/bob.pem", None),
            "no private key in the file: the one who made the certificate has it",
        ),
        (read("openssl/keys/pkcs8.pem", None), "no certificate in the file"),
        (
            with_bob("openssl/keyfiles/two-keys.pem", None),
            "2 private keys in the file: keep each with its certificate in a file of its own",
        ),
        (
            with_bob("openssl/keys/encrypted.pem", None),
            "the file is protected by a password, and none was given",
        ),
        (with_bob("openssl/keys/encrypted.pem", wrong), "the password is wrong"),
        (with_bob("openssl/keyfiles/scrypt.pem", wrong), "the password is wrong"),
        (
            with_bob("openssl/keyfiles/pbes1.pem", Some("secret")),
            "the private key is encrypted in a way that is not supported: convert it with `openssl pkcs8 -topk8 -v2 \
             aes-256-cbc -in OLD -out NEW`",
        ),
        (
            with_bob("openssl/keys/encrypted-traditional.pem", Some("secret")),
            "the private key is in OpenSSL's old encrypted form, which is not supported: convert it with `openssl pkcs8 \
             -topk8 -v2 aes-256-cbc -in OLD -out NEW`",
        ),
        (
            read("keytool/station.jks", Some("secret1")),
            "a Java key store (JKS), which is not supported: convert it with `keytool -importkeystore -srckeystore \
             OLD.jks -destkeystore NEW.p12 -deststoretype PKCS12`",
        ),
        (
            read("openssl/keyfiles/request.pem", None),
            "no certificate and no private key in the file, but CERTIFICATE REQUEST",
        ),
        (
            read("openssl/keyfiles/public.pem", None),
            "no certificate and no private key in the file, but PUBLIC KEY",
        ),
        (
            KeyFile::read(b"PK\x03\x04", None),
            "not a certificate, private key, PKCS#7 bundle or PKCS#12 store, neither in PEM nor in DER form",
        ),
        (
            KeyFile::read(&file("openssl/keys/pkcs8.pem")[..1000], None),
            "the PEM section PRIVATE KEY has no end: the file is cut short",
        ),
        (
            KeyFile::read(b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n", None),
            "the PEM section CERTIFICATE is not Base64",
        ),
        (
            read("openssl/keyfiles/huge.pem", None)
                .and_then(|huge| Ok(huge.and(read("openssl/keyfiles/huge.key.pem", None)?))),
            "the private key: an RSA key of 9216 bits is not supported: 2048 to 4096 are usual, 8192 the most",
        ),
    ] {
        assert_eq!(error(result), expected);
    }
    let alice = read("openssl/cms/alice.pem", None)
        .unwrap()
        .and(read("openssl/keys/pkcs8.pem", None).unwrap());
    let shown = error(Ok(alice));
    let fingerprint = certificate("openssl/cms/alice.pem").fingerprint_hex();
    assert_eq!(
        shown,
        format!(
            "the private key does not belong to the certificate of CN=alice, O=Example (fingerprint {fingerprint})"
        )
    );
}

#[cfg(feature = "pkcs12")]
#[test]
fn errors_of_pkcs12_name_the_cause() {
    let two = read("keytool/two.p12", Some("secret1")).and_then(KeyFile::into_entry);
    assert!(matches!(two, Err(KeyFileError::SeveralPrivateKeys(2))));
    let none = read("openssl/keyfiles/certificates-only.p12", Some("secret")).and_then(KeyFile::into_entry);
    assert!(matches!(none, Err(KeyFileError::NoPrivateKey)));
}

/// Errors of files say which.
#[test]
fn errors_name_the_file() {
    let there_is_none = path("openssl/keys/nothing.pem");
    let error = KeyFile::open([&there_is_none], None).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot read {}", there_is_none.display()));
    assert!(error.source().is_some());
    let directory = tempfile::tempdir().unwrap();
    let large = directory.path().join("large.pem");
    std::fs::write(&large, vec![b' '; (1 << 20) + 1]).unwrap();
    let error = KeyFile::open([&large], None).unwrap_err();
    assert!(matches!(error, KeyFileError::TooLarge { limit: 1_048_576, .. }));
    let jks = path("keytool/station.jks");
    let error = KeyFile::open([&jks], None).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with(&format!("{}: a Java key store", jks.display()))
    );
}

/// KEY-05: three primes, and what is no RSA key, are told apart from a wrong password.
#[test]
fn keys_that_messages_do_not_know() {
    let three = with_bob("openssl/keys/three-primes.pem", None).and_then(KeyFile::into_entry);
    assert!(matches!(
        three,
        Err(KeyFileError::PrivateKey(PrivateKeyError::Malformed(_)))
    ));
}

/// A key for TLS that cannot be read is told as that, and not shown with whatever certificate comes first; one that only
/// TLS knows is left to it.
#[test]
fn tls_keys_that_cannot_be_read() {
    let bob = || read("openssl/cms/bob.pem", None).unwrap();
    let tls = |key: &[u8]| bob().and(KeyFile::read(key, None).unwrap()).into_tls_identity();
    let huge = tls(&file("openssl/keyfiles/huge.key.pem")).map(drop);
    assert!(
        matches!(huge, Err(KeyFileError::PrivateKey(PrivateKeyError::TooLong(9216)))),
        "{huge:?}"
    );
    let three = tls(&file("openssl/keys/three-primes.pem")).map(drop);
    assert!(
        matches!(three, Err(KeyFileError::PrivateKey(PrivateKeyError::Malformed(_)))),
        "{three:?}"
    );
    // RFC 8410 §7
    let mut ed25519 = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    ed25519.extend([7; 32]);
    assert_eq!(tls(&ed25519).unwrap().chain().len(), 1);
}

/// KEY-24
#[test]
fn keys_are_not_printed() {
    let file = with_bob("openssl/keys/pkcs8.pem", None).unwrap();
    assert_eq!(
        format!("{file:?}"),
        format!("KeyFile {{ certificates: {:?}, keys: 1, .. }}", file.certificates())
    );
    let tls = format!("{:?}", file.into_tls_identity().unwrap());
    assert_eq!(tls, "TlsIdentity { chain: 1, .. }");
}

/// No file makes it panic.
#[test]
fn truncated_files_are_errors() {
    for name in [
        "openssl/cms/bob.der",
        "openssl/cms/bob.key.der",
        "openssl/keyfiles/bundle.der.p7b",
    ] {
        let whole = file(name);
        for end in (0..whole.len()).step_by(7) {
            assert!(
                KeyFile::read(&whole[..end], None)
                    .and_then(KeyFile::into_entry)
                    .is_err(),
                "{name} {end}"
            );
        }
    }
}

/// KEY-24: all that holds a key wipes it when it is dropped; what does not compile would fail this.
#[test]
fn keys_are_wiped() {
    fn wiped<T: zeroize::ZeroizeOnDrop>() {}
    wiped::<rsa::PrivateKey>();
    wiped::<zeroize::Zeroizing<rustls_pki_types::PrivateKeyDer<'static>>>();
}

/// Without the feature the error says which one it is.
#[cfg(not(feature = "pkcs12"))]
#[test]
fn pkcs12_stores_need_the_feature() {
    let error = read("openssl/keyfiles/modern.p12", Some("secret")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a PKCS#12 store, which this program was built without support for (the feature `pkcs12` of ediint)"
    );
}
