//! Keys in all forms, and their change.

use std::fs;

use ediint::cms::Certificate;
use ediint::keystore::KeyFile;

use crate::common::{Pair, fixture, run};

/// The lines of a station whose key is in that PKCS#12 file.
pub(crate) fn pkcs12(path: &str, password: &str) -> String {
    format!("pkcs12 = {:?}\npassword_env = \"{password}\"", fixture(path))
}

fn files(key: &str, certificate: &str) -> String {
    format!("key = {:?}\ncertificate = {:?}", fixture(key), fixture(certificate))
}

/// The certificate of the key in a file.
pub(crate) fn certificate(path: &str, password: &str) -> Certificate {
    let file = KeyFile::open([fixture(path)], Some(password)).unwrap();
    match file.key_count() {
        0 => file.certificates()[0].clone(),
        _ => file.into_entry().unwrap().certificate().clone(),
    }
}

/// The key signs what Alice sends, and decrypts what she is sent.
pub(crate) fn works(pair: &Pair, what: &str) {
    let (_alice, _bob) = (pair.serve("alice"), pair.serve("bob"));
    let file = pair.file("order.edi", b"UNA:+.? '");
    for (from, to) in [("alice", "bob"), ("bob", "alice")] {
        let (code, sent) = pair.send_file(from, to, &file, &[]);
        assert_eq!((code, &sent["status"]), (0, &"accepted".into()), "{what}: {sent}");
        assert_eq!(sent["receipt_signed"], true, "{what}: {sent}");
    }
}

#[test]
fn every_form_of_a_key_works() {
    let pair = Pair::init();
    let bob = certificate("openssl/cms/bob.pem", "");
    let ec = certificate("openssl/keyfiles/ec.pem", "");
    let encrypted = |key: &str| files(key, "openssl/cms/bob.pem") + "\npassword_env = \"OPENSSL_PASSWORD\"";
    for (lines, certificate) in [
        (pkcs12("openssl/keyfiles/modern.p12", "OPENSSL_PASSWORD"), &bob),
        (
            pkcs12("keytool/legacy.p12", "KEYTOOL_PASSWORD"),
            &certificate("keytool/legacy.p12", "secret1"),
        ),
        (encrypted("openssl/keyfiles/aes256-sha256.pem"), &bob),
        (encrypted("openssl/keyfiles/scrypt.pem"), &bob),
        (files("openssl/keys/pkcs1.der", "openssl/cms/bob.pem"), &bob),
        (files("openssl/keys/bundle.pem", "openssl/keys/bundle.pem"), &bob),
        (files("openssl/keyfiles/ec.sec1.pem", "openssl/keyfiles/ec.pem"), &ec),
        (files("openssl/keyfiles/ec.sec1.der", "openssl/keyfiles/ec.pem"), &ec),
    ] {
        pair.rekey("alice", "bob", &lines, certificate);
        works(&pair, &lines);
    }
}

#[test]
fn what_is_wrong_with_a_key_says_what_to_do() {
    let pair = Pair::init();
    let modern = fixture("openssl/keyfiles/modern.p12");
    let bob = certificate("openssl/cms/bob.pem", "");
    for (lines, key, cause) in [
        (
            format!("pkcs12 = {modern:?}"),
            "station[0].pkcs12",
            "name the environment variable that has it in password_env",
        ),
        (
            pkcs12("openssl/keyfiles/modern.p12", "KEYTOOL_PASSWORD"),
            "station[0].pkcs12",
            "the password is wrong",
        ),
        (
            pkcs12("openssl/keyfiles/modern.p12", "GATEWAY_TEST_UNSET"),
            "station[0].password_env",
            "the environment variable GATEWAY_TEST_UNSET is not set",
        ),
        (
            pkcs12("openssl/keyfiles/modern.p12", "OPENSSL_PASSWORD") + "\nkey = \"alice.key\"",
            "station[0].pkcs12",
            "leave key and certificate out",
        ),
        (
            files("openssl/keyfiles/des3.pem", "openssl/cms/bob.pem"),
            "station[0].key",
            "protected by a password",
        ),
        (
            files("keytool/station.jks", "openssl/cms/bob.pem"),
            "station[0].key",
            "keytool -importkeystore",
        ),
        (
            "key = \"alice.key\"\ncertificate = \"alice.pem\"\nprevious = [{ key = \"tls.key\", certificate = \"alice.pem\" }]"
                .to_owned(),
            "station[0].previous[0].key",
            "does not belong to the certificate of CN=alice",
        ),
    ] {
        pair.rekey("alice", "bob", &lines, &bob);
        let said = run(["certificates".as_ref(), pair.config("alice").as_os_str()]);
        assert_eq!(said.code, 1, "{lines}: {}", said.err);
        assert!(said.err.contains(&format!("{key}: ")), "{key} is not in {}", said.err);
        assert!(said.err.contains(cause), "{cause} is not in {}", said.err);
    }
}

/// Alice changes her key; Bob follows when he has time, and nothing is lost at any moment.
#[test]
fn a_rollover_loses_nothing() {
    let pair = Pair::init();
    let old = certificate("openssl/cms/bob.pem", "");
    let new = Certificate::from_pem(&fs::read(pair.path("alice/alice.pem")).unwrap()).unwrap();
    let before = pkcs12("openssl/keyfiles/modern.p12", "OPENSSL_PASSWORD");
    pair.rekey("alice", "bob", &before, &old);
    works(&pair, "before");

    // Bob knows the old one alone: he still encrypts for it, and the receipt is one that he can verify.
    let now = "key = \"alice.key\"\ncertificate = \"alice.pem\"";
    let during = format!("{now}\nprevious = [{{ {} }}]", before.replace('\n', ", "));
    pair.rekey("alice", "bob", &during, &old);
    let file = pair.file("order.edi", b"UNA:+.? '");
    let alice = pair.serve("alice");
    let (code, sent) = pair.send_file("bob", "alice", &file, &[]);
    assert_eq!((code, &sent["status"]), (0, &"accepted".into()), "{sent}");

    // He gets the new one beside it: it is the newest, so he encrypts for that.
    fs::write(pair.path("bob/alice-new.pem"), new.der()).unwrap();
    pair.replace(
        "bob",
        "certificates = [\"alice.pem\"]",
        "certificates = [\"alice.pem\", \"alice-new.pem\"]",
    );
    drop(alice);
    works(&pair, "during");

    // So the old key is not needed any more.
    pair.rekey("alice", "bob", now, &old);
    works(&pair, "afterwards");
}
