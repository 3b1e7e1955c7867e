use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use super::RevocationFiles;
use crate::cms::Certificate;
use crate::partnership::{Revocation, RevocationChecker};

fn data(name: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/openssl/chain");
    directory.join(name)
}

fn certificate(name: &str) -> Certificate {
    Certificate::from_pem(&fs::read(data(name)).unwrap()).unwrap()
}

/// KEY-13: in both forms; a broken file changes nothing.
#[test]
fn files_are_read_again() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("between.crl");
    fs::copy(data("between-before.crl.pem"), &file).unwrap();
    let lists = RevocationFiles::open([&file]).unwrap();
    let lists = lists.with_issuers([certificate("between.pem")]);
    let revoked = certificate("revoked.pem");
    let check = || lists.check(&revoked, None, revoked.not_before() + Duration::from_secs(1));
    assert_eq!(check(), Revocation::Good);
    fs::copy(data("between.crl"), &file).unwrap();
    lists.reload().unwrap();
    assert_eq!(check(), Revocation::Revoked);

    fs::write(&file, "half a").unwrap();
    let error = lists.reload().unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{}: not a certificate revocation list in DER form", file.display())
    );
    assert_eq!(check(), Revocation::Revoked);
    fs::remove_file(&file).unwrap();
    assert_eq!(
        lists.reload().unwrap_err().to_string(),
        format!("cannot read {}", file.display())
    );
}
