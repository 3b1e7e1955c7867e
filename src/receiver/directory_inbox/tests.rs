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

/// What is half-done is removed below each partner; what was delivered stays.
#[cfg(unix)]
#[test]
fn orphans_are_found_below_each_partner() {
    let root = tempfile::tempdir().unwrap();
    let inbox = DirectoryInbox::new(root.path().join("inbox"));
    assert_eq!(inbox.remove_orphans().unwrap(), [""; 0].map(PathBuf::from));

    let partner = root.path().join("inbox/acme");
    let orphan = partner.join(".ediint-orphan");
    for directory in [&orphan, &partner.join("delivered")] {
        fs::create_dir_all(directory).unwrap();
        fs::write(directory.join("payload"), "an order").unwrap();
    }
    fs::write(root.path().join("inbox/.ediint-file"), "of somebody else").unwrap();
    assert_eq!(inbox.remove_orphans().unwrap(), [orphan]);
    let left = fs::read_dir(&partner).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(left.collect::<Vec<_>>(), ["delivered"]);
    assert!(root.path().join("inbox/.ediint-file").exists());
}
