//! What the README of the example says is so.

use std::fs;
use std::path::Path;

use ediint::cms::Certificate;

use crate::common::{Pair, run};
use crate::keys::{certificate, pkcs12, works};

/// Keys of the reference that need what `init` does not make, or exclude what stands there already.
const NEED_MORE: [&str; 5] = ["pkcs12", "password_env", "previous", "ca", "basic_auth"];

/// The configuration as a whole, and with each line that is commented out.
#[test]
fn every_key_of_the_reference_exists() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/gateway/README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let reference = readme.split_once("```toml\n").unwrap().1.split_once("```").unwrap().0;
    let pair = Pair::init();
    let load = |text: &str| {
        fs::write(pair.config("alice"), text).unwrap();
        run(["certificates".as_ref(), pair.config("alice").as_os_str()])
    };
    let said = load(reference);
    assert_eq!(said.code, 0, "{}", said.err);
    let mut tried = 0;
    for line in reference.lines() {
        let Some((key, _)) = line.strip_prefix("# ").and_then(|line| line.split_once(" = ")) else {
            continue;
        };
        let said = load(&reference.replace(line, &line["# ".len()..]));
        match NEED_MORE.contains(&key) {
            true => assert!(!said.err.contains("unknown field"), "{}", said.err),
            false => assert_eq!(said.code, 0, "{line}: {}", said.err),
        }
        tried += 1;
    }
    assert!(tried > 25, "{tried}");
}

/// Bob changes his key as it is told there: nothing is refused after any step, in either direction.
#[test]
fn a_certificate_is_changed_in_four_steps() {
    let pair = Pair::init();
    let new = Certificate::from_pem(&fs::read(pair.path("bob/bob.pem")).unwrap()).unwrap();
    let old = certificate("openssl/cms/bob.pem", "");
    let before = pkcs12("openssl/keyfiles/modern.p12", "OPENSSL_PASSWORD");
    let after = "key = \"bob.key\"\ncertificate = \"bob.pem\"";
    let with_previous = |now: &str, other: &str| format!("{now}\nprevious = [{{ {} }}]", other.replace('\n', ", "));

    pair.rekey("bob", "alice", &with_previous(&before, after), &old);
    works(&pair, "Bob decrypts with both");

    fs::write(pair.path("alice/bob-2.pem"), new.der()).unwrap();
    let one = "certificates = [\"bob.pem\"]";
    let both = "certificates = [\"bob.pem\", \"bob-2.pem\"]";
    pair.replace("alice", one, both);
    works(&pair, "Alice encrypts for the new one");

    pair.rekey("bob", "alice", &with_previous(after, &before), &old);
    works(&pair, "Bob signs with the new one");

    pair.rekey("bob", "alice", after, &old);
    pair.replace("alice", both, "certificates = [\"bob-2.pem\"]");
    works(&pair, "the old one is gone");
}
