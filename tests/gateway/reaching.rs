//! `test-partner`: each step of the way, and which one fails.

use std::fs;

use serde_json::Value;

use crate::common::{Pair, Said, entries, run};

fn test_partner(pair: &Pair, json: bool) -> Said {
    let config = pair.config("alice");
    let mut args = vec!["test-partner".as_ref(), config.as_os_str(), "bob".as_ref()];
    if json {
        args.push("--json".as_ref());
    }
    run(args)
}

/// The exit code, the report, and the steps with whether they went well.
fn report(pair: &Pair) -> (i32, Value, Vec<(String, bool)>) {
    let said = test_partner(pair, true);
    let report: Value = serde_json::from_str(&said.out).unwrap();
    let steps = report["steps"].as_array().unwrap().iter();
    let steps = steps.map(|step| (step["name"].as_str().unwrap().to_owned(), step["ok"] == true));
    let steps = steps.collect();
    (said.code, report, steps)
}

fn ok(names: &[&str]) -> Vec<(String, bool)> {
    names.iter().map(|name| ((*name).to_owned(), true)).collect()
}

#[test]
fn the_whole_way() {
    let pair = Pair::init();
    let bob = pair.serve("bob");
    let (code, report, steps) = report(&pair);
    assert_eq!((code, &report["ok"]), (0, &true.into()), "{report}");
    assert_eq!(steps, ok(&["dns", "tcp", "tls", "trust", "client-certificate", "http"]));
    assert_eq!(report["fingerprint"], pair.fingerprint("bob/tls.pem"));
    for step in report["steps"].as_array().unwrap() {
        assert!(
            step["ms"].is_u64() && !step["detail"].as_str().unwrap().is_empty(),
            "{step}"
        );
    }
    assert!(entries(&pair.path("bob/data/inbox")).is_empty());
    drop(bob);
}

/// A good way to the wrong place.
#[test]
fn nothing_at_that_path() {
    let pair = Pair::init();
    let _bob = pair.serve("bob");
    pair.replace("alice", "/as2\"\ncertificates", "/as3\"\ncertificates");
    let (code, report, _) = report(&pair);
    assert_eq!(code, 0, "{report}");
    let http = report["steps"].as_array().unwrap().last().unwrap();
    assert!(http["detail"].as_str().unwrap().contains("404"), "{http}");
    assert!(http["advice"].as_str().unwrap().contains("path in `url`"), "{http}");
    assert!(test_partner(&pair, false).out.contains("What to do: check the path"));
    // TLS to a port that speaks none.
    let (https, http) = (pair.ports[3].to_string(), pair.ports[2].to_string());
    pair.replace("alice", &format!("{https}/as3"), &format!("{http}/as2"));
    let said = test_partner(&pair, false);
    assert_eq!(said.code, 3);
    assert!(
        said.out
            .contains("What to do: make `url` of the partner begin with http"),
        "{}",
        said.out
    );
}

#[test]
fn nobody_listens() {
    let pair = Pair::init();
    let (code, report, mut steps) = report(&pair);
    assert_eq!(
        (code, &report["ok"], &report["fingerprint"]),
        (3, &false.into(), &Value::Null)
    );
    assert_eq!(steps.pop(), Some(("tcp".to_owned(), false)));
    assert_eq!(steps, ok(&["dns"]));
}

/// The report says what to pin, if that is the partner's.
#[test]
fn another_certificate_than_the_pinned_one() {
    let pair = Pair::init();
    let _bob = pair.serve("bob");
    fs::copy(pair.path("alice/tls.pem"), pair.path("alice/bob-tls.pem")).unwrap();
    let (code, told, mut steps) = report(&pair);
    assert_eq!(code, 3, "{told}");
    assert_eq!(steps.pop(), Some(("trust".to_owned(), false)));
    assert_eq!(steps, ok(&["dns", "tcp", "tls"]));
    let shown = pair.fingerprint("bob/tls.pem");
    assert_eq!(told["fingerprint"], shown.as_str());
    let said = test_partner(&pair, false);
    assert_eq!(said.code, 3);
    let advice = format!("pin sha256:{shown}");
    assert!(
        said.out.contains("FAIL trust") && said.out.contains(&advice),
        "{}",
        said.out
    );
    // And that is what helps.
    pair.replace(
        "alice",
        "pin = [\"bob-tls.pem\"]",
        &format!("pin = [\"sha256:{shown}\"]"),
    );
    assert_eq!(report(&pair).0, 0);
}

#[test]
fn no_client_certificate_where_one_is_wanted() {
    let pair = Pair::init();
    let _bob = pair.serve("bob");
    pair.replace(
        "alice",
        "client_certificate = \"tls.pem\"\nclient_key = \"tls.key\"\n",
        "",
    );
    let (code, told, steps) = report(&pair);
    assert_eq!(code, 3, "{told}");
    // With TLS 1.3 the refusal may come only with the answer to the request.
    let (failed, _) = steps.into_iter().find(|(_, ok)| !ok).unwrap();
    assert!(matches!(failed.as_str(), "client-certificate" | "http"), "{told}");
    let said = test_partner(&pair, false);
    assert!(said.out.contains("set `tls.client_certificate`"), "{}", said.out);
}

#[test]
fn a_partner_that_is_not_configured() {
    let pair = Pair::init();
    let said = run([
        "test-partner".as_ref(),
        pair.config("alice").as_os_str(),
        "carol".as_ref(),
    ]);
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    assert!(said.err.contains("there is no partner \"carol\""), "{}", said.err);
}
