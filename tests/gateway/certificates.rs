//! `certificates`: each with its role and what is left of it.

use std::fs;

use serde_json::Value;

use crate::common::{Pair, fingerprint, fixture, run};

fn listed(pair: &Pair) -> Vec<Value> {
    let said = run([
        "certificates".as_ref(),
        pair.config("alice").as_os_str(),
        "--json".as_ref(),
    ]);
    assert_eq!(said.code, 0, "{}", said.err);
    serde_json::from_str(&said.out).unwrap()
}

#[test]
fn all_are_listed_with_their_roles() {
    let pair = Pair::init();
    let listed = listed(&pair);
    for (role, owner, path) in [
        ("sign-and-decrypt", "alice", "alice/alice.pem"),
        ("verify-and-encrypt", "bob", "bob/bob.pem"),
        ("tls-server", "gateway", "alice/tls.pem"),
        ("tls-client-trust", "gateway", "bob/tls.pem"),
        ("tls-client", "alice", "alice/tls.pem"),
        ("tls-trust", "bob", "bob/tls.pem"),
    ] {
        let mut found = listed.iter().filter(|one| one["role"] == role);
        let one = found.next().unwrap_or_else(|| panic!("no {role}"));
        assert_eq!(found.next(), None);
        assert_eq!(one["owner"], owner, "{role}");
        assert_eq!(one["fingerprint"], pair.fingerprint(path), "{role}");
        assert!(one["subject"].as_str().unwrap().starts_with("CN="), "{one}");
        assert!((360..=365).contains(&one["days_left"].as_i64().unwrap()), "{one}");
        assert!(one["not_after"].as_str().unwrap().ends_with('Z'), "{one}");
    }
    assert_eq!(listed.len(), 6);
}

/// What is most urgent comes first, and says what to do.
#[test]
fn one_that_has_expired() {
    let pair = Pair::init();
    let expired = fixture("openssl/tls/expired.pem");
    fs::copy(&expired, pair.path("alice/bob-tls.pem")).unwrap();
    let first = listed(&pair).remove(0);
    assert_eq!(first["fingerprint"], fingerprint(&expired));
    assert!(first["days_left"].as_i64().unwrap() < 0, "{first}");
    let said = run(["certificates".as_ref(), pair.config("alice").as_os_str()]);
    assert!(said.out.lines().next().unwrap().contains("EXPIRED"), "{}", said.out);
    assert!(said.out.contains("replace it"), "{}", said.out);
}

/// One key for TLS and messages is a risk that is told.
#[test]
fn one_that_serves_two_ends() {
    let pair = Pair::init();
    for ending in ["key", "pem"] {
        fs::copy(
            pair.path(&format!("alice/tls.{ending}")),
            pair.path(&format!("alice/alice.{ending}")),
        )
        .unwrap();
    }
    let said = run(["certificates".as_ref(), pair.config("alice").as_os_str()]);
    assert!(said.out.contains("give TLS a key of its own"), "{}", said.out);
}
