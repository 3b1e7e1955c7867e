use super::{Digester, Mic, MicError};
use crate::algorithm::{DigestAlgorithm, MicalgStyle};

const ABC_SHA256: &str = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";

fn abc(algorithm: DigestAlgorithm) -> Mic {
    let mut digester = Digester::new([algorithm]);
    digester.update(b"a");
    digester.update(b"bc");
    digester.finish().first().unwrap().clone()
}

/// MDN-08: both spellings; the digest is that of FIPS 180-4's example.
#[test]
fn field_is_base64_comma_algorithm() {
    let mic = abc(DigestAlgorithm::Sha256);
    assert_eq!(mic.to_string(), format!("{ABC_SHA256}, sha-256"));
    assert_eq!(mic.to_field(MicalgStyle::Rfc3851), format!("{ABC_SHA256}, sha256"));
    assert_eq!(abc(DigestAlgorithm::Sha1).base64(), "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=");
}

/// RFC 1321 §A.5.
#[cfg(feature = "legacy")]
#[test]
fn md5_of_the_rfc() {
    let mic = abc(DigestAlgorithm::Md5);
    assert_eq!(mic.to_string(), "kAFQmDzST7DWlj99KOF/cg==, md5");
    assert_eq!(Mic::parse(&mic.to_string(), DigestAlgorithm::Sha256), Ok(mic));
}

/// MDN-10, INT-22: the forms that partners send are all the same MIC.
#[test]
fn tolerated_forms_are_read() {
    let mic = abc(DigestAlgorithm::Sha256);
    for field in [
        format!("{ABC_SHA256}, sha-256"),
        format!("{ABC_SHA256},SHA256"),
        format!(" {ABC_SHA256} ,  sha256 "),
        ABC_SHA256.to_owned(),
        format!("{ABC_SHA256}, "),
        format!("{ABC_SHA256}, rsa-sha256"),
        format!("{ABC_SHA256}, sha-256 (computed by us)"),
        format!("{ABC_SHA256}, sha-256; x"),
        ABC_SHA256.replace("pBQU", "pB\r\n QU") + ", sha-256",
        ABC_SHA256.trim_end_matches('=').to_owned() + ", sha-256",
    ] {
        assert_eq!(
            Mic::parse(&field, DigestAlgorithm::Sha256).as_ref(),
            Ok(&mic),
            "{field}"
        );
    }
}

#[test]
fn unusable_fields_name_their_fault() {
    let requested = DigestAlgorithm::Sha256;
    assert!(matches!(Mic::parse("!!, sha1", requested), Err(MicError::NotBase64(_))));
    assert!(matches!(
        Mic::parse(&format!("{ABC_SHA256}, sha3-256"), requested),
        Err(MicError::Algorithm(_))
    ));
    assert_eq!(
        Mic::parse(&format!("{ABC_SHA256}, sha1"), requested),
        Err(MicError::Length {
            algorithm: DigestAlgorithm::Sha1,
            length: 32
        })
    );
}

/// SMI-45, SEC-18: one pass, several algorithms; digests of other algorithms are not equal.
#[test]
fn several_digests_run_in_one_pass() {
    let mut digester = Digester::new([DigestAlgorithm::Sha512, DigestAlgorithm::Sha1, DigestAlgorithm::Sha512]);
    digester.update(b"abc");
    let mics = digester.finish();
    assert_eq!(mics.iter().count(), 2);
    assert_eq!(mics.first(), Some(&abc(DigestAlgorithm::Sha512)));
    assert_eq!(mics.get(DigestAlgorithm::Sha1), Some(&abc(DigestAlgorithm::Sha1)));
    assert_eq!(mics.get(DigestAlgorithm::Sha256), None);
}
