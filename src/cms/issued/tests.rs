use std::fs;
use std::path::PathBuf;

use super::{IssuedError, check};
use crate::cms::tlv::{Tlvs, tag};
use crate::cms::{Certificate, KeyError, RevocationList};

fn file(name: &str) -> Vec<u8> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/openssl/chain-algorithms");
    fs::read(directory.join(name)).unwrap()
}

fn certificate(name: &str) -> Certificate {
    Certificate::from_pem(&file(&format!("{name}.pem"))).unwrap()
}

fn list(name: &str) -> RevocationList {
    let [list] = RevocationList::all_from_pem(&file(&format!("{name}.crl.pem")))
        .unwrap()
        .try_into()
        .unwrap();
    list
}

/// KEY-06, KEY-08, KEY-13: certificates and revocation lists of authorities with keys of every kind.
#[test]
fn authorities_of_every_kind() {
    for name in ["p256", "p384", "p521", "pss", "pss-only", "pss-sha512"] {
        let (authority, leaf, list) = (certificate(name), certificate(&format!("{name}-leaf")), list(name));
        assert_eq!(authority.check_issued_by(&authority), Ok(()), "{name}");
        assert_eq!(leaf.check_issued_by(&authority), Ok(()), "{name}");
        assert_eq!(list.check_issued_by(&authority), Ok(()), "{name}");
        assert!(list.revokes(&leaf), "{name}");
        assert!(!list.revokes(&authority), "{name}");
        assert!(
            matches!(
                leaf.check_issued_by(&leaf),
                Err(IssuedError::Signature | IssuedError::Key(_))
            ),
            "{name}"
        );
    }
}

/// KEY-09: the name of an authority is not its key.
#[test]
fn impostors_of_every_kind() {
    let (leaf, list) = (certificate("p256-leaf"), list("p256"));
    let impostor = certificate("p256-impostor");
    assert_eq!(impostor.subject(), certificate("p256").subject());
    assert_eq!(leaf.check_issued_by(&impostor), Err(IssuedError::Signature));
    assert_eq!(list.check_issued_by(&impostor), Err(IssuedError::Signature));
    assert_eq!(
        certificate("pss-leaf").check_issued_by(&certificate("pss-only")),
        Err(IssuedError::Signature)
    );
    // A key of another kind, and one whose certificate forbids the parameters.
    let issued = |leaf: &str, by: &str| certificate(leaf).check_issued_by(&certificate(by));
    for (leaf, by) in [("p256-leaf", "pss"), ("pss-leaf", "p256"), ("p384-leaf", "ed25519")] {
        let error = issued(leaf, by).unwrap_err();
        assert!(
            matches!(
                error,
                IssuedError::Key(KeyError::Kind { .. } | KeyError::Unsupported(_))
            ),
            "{leaf} by {by}: {error:?}"
        );
    }
    assert_eq!(
        issued("pss-leaf", "pss-sha512"),
        Err(IssuedError::Key(KeyError::Restricted))
    );
}

/// SMI-14: in chains MD5 does not count, whatever messages may be signed with.
#[test]
fn signatures_over_md5() {
    let openssl = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/openssl");
    let read = |name| Certificate::from_pem(&fs::read(openssl.join(name)).unwrap()).unwrap();
    let error = read("legacy/certificate-md5.pem").check_issued_by(&read("cms/alice.pem"));
    let named = "1.2.840.113549.1.1.4 (md5WithRSAEncryption)".to_owned();
    assert_eq!(error, Err(IssuedError::Algorithm(named)));
}

#[test]
fn weak_and_unsupported_signatures() {
    for name in ["p256-sha1", "pss-sha1"] {
        let authority = certificate(name);
        assert_eq!(authority.check_issued_by(&authority), Err(IssuedError::Weak), "{name}");
        assert_eq!(list(name).check_issued_by(&authority), Err(IssuedError::Weak), "{name}");
    }
    let authority = certificate("ed25519");
    let unsupported = Err(IssuedError::Algorithm("1.3.101.112 (id-Ed25519)".to_owned()));
    assert_eq!(certificate("ed25519-leaf").check_issued_by(&authority), unsupported);
}

/// Of a SEQUENCE whose length takes two octets.
const HEADER: usize = 4;

/// Nothing of what was signed may change, nor the signature.
#[test]
fn damaged_certificates_were_not_issued() {
    for name in ["p256", "pss-sha512"] {
        let authority = certificate(name);
        let whole = certificate(&format!("{name}-leaf")).der().to_vec();
        let mut fields = Tlvs(&whole).expect(tag::SEQUENCE).unwrap().children();
        fields.any().unwrap();
        let content_end = whole.len() - fields.0.len();
        fields.expect(tag::SEQUENCE).unwrap();
        let signature = fields.expect(tag::BIT_STRING).unwrap().value.len() - 1;
        for at in (HEADER..content_end).chain(whole.len() - signature..whole.len()) {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            let issued = Tlvs(&damaged)
                .expect(tag::SEQUENCE)
                .map(|signed| check(signed, &authority));
            assert!(!matches!(issued, Ok(Ok(()))), "{name}: {at}");
        }
    }
}
