use super::{RevocationList, RevocationListError};
use crate::cms::tlv::Tlvs;
use crate::cms::{Certificate, IssuedError};

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/openssl/chain/", $name)).as_slice()
    };
}

/// KEY-13
#[test]
fn lists_of_openssl_are_read() {
    let list = RevocationList::from_der(fixture!("between.crl")).unwrap();
    let [same] = RevocationList::all_from_pem(fixture!("between.crl.pem"))
        .unwrap()
        .try_into()
        .unwrap();
    assert_eq!(list.der, same.der);
    let certificate = |pem| Certificate::from_pem(pem).unwrap();
    let between = certificate(fixture!("between.pem"));
    assert_eq!(list.issuer(), between.subject());
    assert_eq!(list.check_issued_by(&between), Ok(()));
    assert_eq!(
        list.check_issued_by(&certificate(fixture!("impostor.pem"))),
        Err(IssuedError::Signature)
    );
    assert!(list.revokes(&certificate(fixture!("revoked.pem"))));
    assert!(!list.revokes(&certificate(fixture!("leaf.pem"))));
    assert_eq!(list.this_update(), between.not_before());
    assert_eq!(list.next_update(), between.not_after());
}

/// A part of a list says nothing of the certificates that it is not about.
#[test]
fn parts_of_lists_are_refused() {
    let error = RevocationList::all_from_pem(fixture!("part.crl.pem")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the revocation list has the critical extension 2.5.29.28 (id-ce-issuingDistributionPoint), which is not \
         supported"
    );
    let text = RevocationList::all_from_pem(fixture!("between.pem"));
    assert!(matches!(text, Err(RevocationListError::NoList)));
}

#[test]
fn truncated_and_damaged_lists_do_not_count() {
    let whole = fixture!("between.crl");
    for end in 0..whole.len() {
        assert!(RevocationList::from_der(&whole[..end]).is_err(), "{end}");
    }
    let between = Certificate::from_pem(fixture!("between.pem")).unwrap();
    // What is signed, after the header of the whole, and the signature of 256 octets at its end.
    let signed = Tlvs(&whole[4..]).any().unwrap().raw.len();
    for at in (4..4 + signed).chain(whole.len() - 256..whole.len()) {
        let mut damaged = whole.to_vec();
        damaged[at] ^= 1;
        let counts = RevocationList::from_der(&damaged).is_ok_and(|list| list.check_issued_by(&between).is_ok());
        assert!(!counts, "{at}");
    }
}
