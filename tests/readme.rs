//! The README's comparison says of this crate only what a test shows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// For each row with a `+`: where it is shown, as a file and a test in it.
const SHOWN: &[(&str, &[(&str, &str)])] = &[
    (
        "a library, without a server",
        &[("tests/exchange/structures.rs", "axum_serves_a_receiver")],
    ),
    (
        "RSA-OAEP content keys",
        &[("tests/exchange/algorithms.rs", "every_pair_of_keys_exchanges_messages")],
    ),
    (
        "RSASSA-PSS signatures",
        &[
            ("tests/exchange/algorithms.rs", "every_pair_of_keys_exchanges_messages"),
            ("src/envelope/tests/foreign.rs", "pyas2lib_pss_is_accepted"),
        ],
    ),
    (
        "EC certificates",
        &[("tests/exchange/algorithms.rs", "every_pair_of_keys_exchanges_messages")],
    ),
    (
        "AES-GCM in `AuthEnvelopedData`",
        &[
            ("tests/exchange/algorithms.rs", "every_pair_of_keys_exchanges_messages"),
            (
                "src/envelope/tests/foreign.rs",
                "openssl_gcm_is_accepted_with_its_code_alone",
            ),
        ],
    ),
    (
        "compression, sent",
        &[("tests/exchange/structures.rs", "every_structure_with_a_signed_receipt")],
    ),
    (
        "compressed before and after signing, received",
        &[("tests/exchange/structures.rs", "every_structure_with_a_signed_receipt")],
    ),
    (
        "several documents in one message (RFC 6362)",
        &[("tests/exchange/attachments.rs", "three_documents")],
    ),
    (
        "asynchronous receipts, asked for and given",
        &[(
            "tests/exchange/structures.rs",
            "every_structure_with_a_signed_receipt_later",
        )],
    ),
    (
        "duplicates told by Message-ID",
        &[("tests/exchange/copies.rs", "the_same_message_encrypted_anew")],
    ),
    (
        "a copy gets the receipt of the first",
        &[("tests/exchange/copies.rs", "retries")],
    ),
    ("retries", &[("tests/exchange/outbox.rs", "statuses_that_pass")]),
    (
        "two certificates of a partner at once",
        &[
            (
                "src/keystore/partner/tests.rs",
                "all_verify_and_the_newest_valid_one_is_encrypted_for",
            ),
            (
                "tests/exchange/rollover.rs",
                "the_host_learns_which_certificate_verified",
            ),
        ],
    ),
    (
        "activation dates of certificates",
        &[("src/keystore/partner/tests.rs", "given_dates_count_instead")],
    ),
    (
        "chains of partners' certificates, by policy",
        &[(
            "tests/exchange/rollover.rs",
            "a_configured_certificate_needs_the_chain_that_is_demanded",
        )],
    ),
    (
        "revocation lists",
        &[("src/partnership/trust/tests.rs", "revocation_lists_count")],
    ),
    ("pinned TLS certificates", &[("tests/tls/trust.rs", "trusted_servers")]),
    (
        "TLS client certificate, sent",
        &[("tests/tls/clients.rs", "client_certificates")],
    ),
    (
        "a bound on inflated content",
        &[("src/envelope/tests/bad_input.rs", "bomb")],
    ),
    (
        "a guard on receipt URLs",
        &[("tests/exchange/demands.rs", "receipts_go_to_the_partner_only")],
    ),
    (
        "a test of the connection",
        &[("tests/tls/probes.rs", "a_way_that_is_open")],
    ),
];

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Name a test here before the README has a `+`.
#[test]
fn each_advantage_has_a_test() {
    let readme = read("README.md");
    let table = readme.split("### Beside others").nth(1).unwrap();
    let table = table.split("\n## ").next().unwrap();
    let claimed: BTreeSet<_> = table
        .lines()
        .filter_map(|line| {
            let mut cells = line.trim_matches('|').split('|').map(str::trim);
            let (row, ediint) = (cells.next()?, cells.next()?);
            (ediint == "+").then_some(row)
        })
        .collect();
    let shown: BTreeMap<_, _> = SHOWN.iter().copied().collect();
    assert_eq!(
        claimed,
        shown.keys().copied().collect(),
        "the README against the tests named"
    );
    for (file, test) in SHOWN.iter().flat_map(|(_, tests)| *tests) {
        let text = read(file);
        let shows = ["#[test]\nfn", "]\nasync fn"]
            .iter()
            .any(|start| text.contains(&format!("{start} {test}()")));
        assert!(shows, "there is no test {test} in {file}");
    }
}
