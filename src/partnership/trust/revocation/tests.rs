use std::path::PathBuf;

use super::{ISSUERS, known};
use crate::cms::{Certificate, RevocationList};

/// Certificates that messages bring along, each once, are forgotten again.
#[test]
fn only_some_issuers_are_remembered() {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/openssl/chain");
    let file = |name: &str| std::fs::read(directory.join(name)).unwrap();
    let lists = known(RevocationList::all_from_pem(&file("between.crl.pem")).unwrap());
    let issuer = Certificate::from_pem(&file("between.pem")).unwrap();
    for number in 0..50 {
        // Another signature on it.
        let mut der = issuer.der().to_vec();
        *der.last_mut().unwrap() ^= number;
        let certificate = Certificate::from_der(&der).unwrap();
        assert!(lists[0].is_signed_by(&certificate));
        assert!(lists[0].signed.lock().unwrap().len() <= ISSUERS);
    }
}
