//! What is wrong with a configuration is said with the file, the line and the key.

use std::fs;

use crate::common::{Pair, run};

/// The error of `certificates`, which reads the whole configuration and nothing else.
fn error(pair: &Pair) -> String {
    let said = run(["certificates".as_ref(), pair.config("alice").as_os_str()]);
    assert_eq!((said.code, said.out.as_str()), (1, ""), "{}", said.err);
    assert_eq!(said.err.lines().count(), 1, "{}", said.err);
    said.err
}

/// The line on which a text stands.
fn line_of(pair: &Pair, text: &str) -> usize {
    let config = fs::read_to_string(pair.config("alice")).unwrap();
    1 + config
        .lines()
        .position(|line| line.starts_with(text))
        .unwrap_or_else(|| panic!("{text}"))
}

#[test]
fn errors_name_key_and_line() {
    let pair = Pair::init();
    let original = fs::read_to_string(pair.config("alice")).unwrap();
    for (old, new, key, what) in [
        // Unknown keys.
        (
            "data_dir = ",
            "datadir = ",
            "",
            "unknown field `datadir`, expected one of `data_dir`, ",
        ),
        (
            "sign = \"sha-256\"",
            "sing = \"sha-256\"",
            "partner[0].send",
            "unknown field `sing`",
        ),
        ("[partner.tls]", "[partner.ssl]", "partner[0]", "unknown field `ssl`"),
        // Values that are none.
        (
            "sign = \"sha-256\"",
            "sign = \"sha-265\"",
            "partner[0].send.sign",
            "\"sha-265\", expected one of \"sha-1\", \"sha-224\", \"sha-256\", \"sha-384\", \"sha-512\", or \"none\"",
        ),
        (
            "encrypt = \"aes256-cbc\"",
            "encrypt = \"rc4\"",
            "partner[0].send.encrypt",
            ", or \"none\"",
        ),
        (
            "receipt = \"sync\"",
            "receipt = \"later\"",
            "partner[0].send.receipt",
            "unknown variant `later`",
        ),
        (
            "require_signature = true",
            "require_signature = \"yes\"",
            "partner[0].accept.require_signature",
            "expected a boolean",
        ),
        (
            "data_dir = \"data\"",
            "max_message_size = \"1XB\"",
            "max_message_size",
            "\"1XB\" is not a size",
        ),
        (
            "receipt = \"sync\"",
            "retry_delay = \"soon\"",
            "partner[0].send.retry_delay",
            "\"soon\" is not a length of time",
        ),
        (
            "as2_id = \"bob\"",
            "as2_id = \"\"",
            "partner[0].as2_id",
            "must not be empty",
        ),
        (
            "listen = \"127.0.0.1:P0\"",
            "listen = \"localhost\"",
            "listen",
            "\"localhost\" is not an address and a port",
        ),
        (
            "url = \"https://127.0.0.1:P3/as2\"",
            "url = \"ftp://bob\"",
            "partner[0].url",
            "is not an absolute http or https URL",
        ),
        (
            "data_dir = \"data\"",
            "path = \"as2\"",
            "path",
            "has to begin with a slash",
        ),
        // What does not go together.
        (
            "[[partner]]\nas2_id = \"bob\"",
            "[[partner]]\nas2_id = \"bob\"\nstation = \"bert\"",
            "partner[0].station",
            "there is no station \"bert\"",
        ),
        (
            "receipt_url = \"https://127.0.0.1:P1/as2\"",
            "receipt_url = \"/as2\"",
            "partner[0].send.receipt_url",
            "absolute http or https URL",
        ),
        (
            "client_key = \"tls.key\"",
            "",
            "partner[0].tls.client_certificate",
            "belong together",
        ),
        (
            "client_certificates = [\"bob-tls.pem\"]\nrequire",
            "require",
            "tls.require_client_certificate",
            "nobody could connect",
        ),
        (
            "pin = [\"bob-tls.pem\"]",
            "pin = [\"bob-tls.pem\"]\nca = [\"bob-tls.pem\"]",
            "partner[0].tls.pin",
            "exclude each other",
        ),
        (
            "pin = [\"bob-tls.pem\"]",
            "pin = [\"sha256:12\"]",
            "partner[0].tls.pin[0]",
            "the 64 hexadecimal digits",
        ),
        // Files that are not there, or something else.
        (
            "key = \"alice.key\"",
            "key = \"alcie.key\"",
            "station[0].key",
            "alcie.key: No such file",
        ),
        (
            "key = \"alice.key\"",
            "key = \"tls.key\"",
            "station[0].key",
            "does not belong to the certificate of CN=alice",
        ),
        (
            "key = \"alice.key\"",
            "key = \"alice.pem\"",
            "station[0].key",
            "no private key",
        ),
        (
            "data_dir = \"data\"",
            "postgres = \"mysql://user:secret@host/db\"",
            "postgres",
            "invalid connection string; write \"postgres://",
        ),
        (
            "data_dir = \"data\"",
            "max_message_size = 0",
            "max_message_size",
            "\"0\" is not a size",
        ),
        (
            "sign = \"sha-256\"",
            "retry_delay = 30",
            "partner[0].send.retry_delay",
            "\"30\" is not a length of time such as \"30s\"",
        ),
        (
            "certificates = [\"bob.pem\"]",
            "certificates = [\"bob-key.pem\"]",
            "partner[0].certificates[0]",
            "bob-key.pem: No such file",
        ),
        (
            "certificates = [\"bob.pem\"]",
            "certificates = [\"alice.key\"]",
            "partner[0].certificates[0]",
            "no certificate",
        ),
        (
            "client_key = \"tls.key\"",
            "client_key = \"tls.pem\"",
            "partner[0].tls.client_key",
            "tls.pem: ",
        ),
    ] {
        let with_ports = |text: &str| {
            let ports = pair.ports.iter().enumerate();
            ports.fold(text.to_owned(), |text, (index, port)| {
                text.replace(&format!("P{index}"), &port.to_string())
            })
        };
        let (old, new) = (with_ports(old), with_ports(new));
        assert_eq!(original.matches(&old).count(), 1, "{old}");
        let changed = original.replace(&old, &new);
        fs::write(pair.config("alice"), &changed).unwrap();
        let said = error(&pair);
        // The last line of what was changed is the wrong one, but where one key contradicts another.
        let line = match what {
            "exclude each other" => line_of(&pair, "pin = "),
            "belong together" => line_of(&pair, "client_certificate = "),
            _ => changed[..original.find(&old).unwrap() + new.len()].lines().count(),
        };
        let place = format!("gateway.toml:{line}: {key}");
        assert!(said.contains(&place), "{place} is not in {said}");
        assert!(said.contains(what), "{what} is not in {said}");
        assert!(!said.contains("secret"), "{said}");
    }
    fs::write(pair.config("alice"), b"# A comment\n# in Latin-1: \xe4\n").unwrap();
    let said = error(&pair);
    assert!(said.contains("gateway.toml:2: is not in UTF-8"), "{said}");
}

/// A number of octets is a number, too.
#[test]
fn sizes_without_a_unit() {
    let pair = Pair::init();
    pair.edit("alice", |text| format!("max_message_size = 4096\n{text}"));
    assert_eq!(run(["certificates".as_ref(), pair.config("alice").as_os_str()]).code, 0);
}

#[test]
fn plaintext_over_http_has_to_be_said_twice() {
    let pair = Pair::init();
    pair.replace(
        "alice",
        &format!("https://127.0.0.1:{}", pair.ports[3]),
        "http://127.0.0.1:1",
    );
    pair.replace("alice", "encrypt = \"aes256-cbc\"", "encrypt = \"none\"");
    let said = error(&pair);
    let place = format!(
        "gateway.toml:{}: partner[0].send.encrypt: ",
        line_of(&pair, "encrypt = ")
    );
    assert!(
        said.contains(&place) && said.contains("allow_plaintext = true"),
        "{said}"
    );
    pair.replace(
        "alice",
        "encrypt = \"none\"",
        "encrypt = \"none\"\nallow_plaintext = true",
    );
    assert_eq!(run(["certificates".as_ref(), pair.config("alice").as_os_str()]).code, 0);
}

#[test]
fn what_is_missing_or_there_twice() {
    let pair = Pair::init();
    let original = fs::read_to_string(pair.config("alice")).unwrap();
    let partner = original.split_once("[[partner]]").unwrap().1;
    let station = original
        .split_once("[[station]]")
        .unwrap()
        .1
        .split_once("[[partner]]")
        .unwrap()
        .0;
    for (text, error_is) in [
        (
            original.replace("[[station]]", "").replace(station, "\n"),
            "gateway.toml: station: there is none",
        ),
        (
            format!("{original}\n[[partner]]{partner}"),
            "partner[1].as2_id: \"bob\" is a partner of this station already",
        ),
        (
            format!("{original}\n[[station]]{station}"),
            "station[1].as2_id: there is another station \"alice\"",
        ),
        (
            original.replace("certificates = [\"bob.pem\"]\n", ""),
            "partner[0]: missing field `certificates`",
        ),
        (
            original.replace("key = \"alice.key\"\n", ""),
            "station[0]: has no key: give key and certificate",
        ),
        (
            original
                .replace("\"sync\"", "\"async\"")
                .replace("receipt_url", "# receipt_url"),
            "\"async\" needs receipt_url",
        ),
        (original.replace("listen = \"127", "listen = 127"), "gateway.toml:3: "),
    ] {
        fs::write(pair.config("alice"), text).unwrap();
        let said = error(&pair);
        assert!(said.contains(error_is), "{error_is} is not in {said}");
    }
}

#[test]
fn passwords_come_from_the_environment() {
    let pair = Pair::init();
    pair.edit("alice", |text| {
        text + "basic_auth = { user = \"u\", password_env = \"GATEWAY_TEST_UNSET\" }\n"
    });
    let said = error(&pair);
    assert!(
        said.contains("partner[0].tls.basic_auth.password_env: the environment variable GATEWAY_TEST_UNSET is not set"),
        "{said}"
    );
}
