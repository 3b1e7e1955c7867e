use std::path::Path;

use super::*;

/// SEC-34: no name of a partner leads out of the inbox.
#[test]
fn names_of_partners_are_names_of_directories() {
    for (name, directory) in [
        ("acme", "acme"),
        ("ACME_edi@as2-1.example", "ACME_edi@as2-1.example"),
        ("Alice & Co", "Alice%20%26%20Co"),
        ("..", "%2E%2E"),
        (".", "%2E"),
        ("../../etc", "%2E.%2F..%2Fetc"),
        ("C:\\x", "C%3A%5Cx"),
        ("dot.", "dot%2E"),
        ("100%", "100%25"),
    ] {
        assert_eq!(directory_name(&As2Name::new(name).unwrap()), Path::new(directory));
    }
    let long = directory_name(&As2Name::new("/".repeat(128)).unwrap());
    assert_eq!(long, Path::new(&"%2F".repeat(80)));
}
