use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls_pki_types::CertificateDer;

use super::{
    ChainTrust, Revocation, RevocationChecker, RevocationLists, RevocationMode, SignerName, SignerTrust, TrustError,
};
use crate::cms::{Certificate, IssuedError, RevocationList};

/// 2026-12-01.
fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_796_083_200)
}

fn file(name: &str) -> Vec<u8> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/openssl/chain");
    std::fs::read(directory.join(name)).unwrap()
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

fn ders(names: &[&str]) -> Vec<CertificateDer<'static>> {
    names.iter().map(|name| certificate(name).der().clone()).collect()
}

fn demanding(chain: ChainTrust) -> SignerTrust {
    SignerTrust {
        chain: Some(chain),
        ..SignerTrust::default()
    }
}

fn root() -> ChainTrust {
    ChainTrust::new([certificate("root")])
}

/// Whether the certificate of that name is trusted where the others came along.
fn check(trust: &SignerTrust, name: &str, offered: &[&str]) -> Result<(), TrustError> {
    let one = certificate(name);
    let signers = trust.signers(std::slice::from_ref(&one), &ders(offered), now());
    trust.check(&one, &signers, now())
}

/// KEY-08: intermediates from the host or from the message, in any order, with what does not belong.
#[test]
fn chains_are_found() {
    let trust = demanding(root());
    assert_eq!(check(&trust, "leaf", &["between"]), Ok(()));
    assert_eq!(
        check(&trust, "leaf", &["sibling", "impostor", "between", "leaf"]),
        Ok(())
    );
    assert_eq!(check(&trust, "under-last", &["last"]), Ok(()));
    assert_eq!(check(&trust, "root", &[]), Ok(()));
    assert_eq!(
        check(&trust, "leaf", &[]),
        Err(TrustError::NoIssuer("CN=Between".to_owned()))
    );
    let known = demanding(root().with_intermediates([certificate("between")]));
    assert_eq!(check(&known, "leaf", &[]), Ok(()));
    // An accepted authority need not be a root.
    let between = demanding(ChainTrust::new([certificate("between")]));
    assert_eq!(check(&between, "leaf", &[]), Ok(()));
    let old = demanding(ChainTrust::new([certificate("version1")]));
    assert_eq!(check(&old, "under-version1", &[]), Ok(()));
}

/// KEY-09: a certificate that is an anchor itself needs no authority; one that is not does.
#[test]
fn a_pinned_certificate_may_be_the_anchor() {
    let pinned = demanding(ChainTrust::new([certificate("leaf")]));
    assert_eq!(check(&pinned, "leaf", &[]), Ok(()));
    let no_issuer = Err(TrustError::NoIssuer("CN=Between".to_owned()));
    assert_eq!(check(&pinned, "sibling", &["leaf"]), no_issuer);
}

/// KEY-08: each fault of an authority is told.
#[test]
fn faults_of_authorities_are_told() {
    let trust = demanding(root());
    for (name, expected) in [
        ("expired", TrustError::AuthorityNotValid(certificate("expired"))),
        ("no-authority", TrustError::NotAnAuthority(certificate("no-authority"))),
        (
            "not-for-certificates",
            TrustError::NotAnAuthority(certificate("not-for-certificates")),
        ),
        (
            "constrained",
            TrustError::CriticalExtension {
                certificate: certificate("constrained"),
                extension: "2.5.29.30 (id-ce-nameConstraints)".to_owned(),
            },
        ),
        (
            "sha1",
            TrustError::Issued {
                certificate: certificate("sha1"),
                error: IssuedError::Weak,
            },
        ),
    ] {
        assert_eq!(
            check(&trust, &format!("under-{name}"), &[name]),
            Err(expected),
            "{name}"
        );
    }
    assert_eq!(
        check(&trust, "under-too-long", &["too-long", "last"]),
        Err(TrustError::PathLength(certificate("last")))
    );
    // The same name is not the same authority.
    let impostor = Err(TrustError::Issued {
        certificate: certificate("leaf"),
        error: IssuedError::Signature,
    });
    assert_eq!(check(&trust, "leaf", &["impostor"]), impostor);
    assert!(check(&trust, "under-impostor", &["impostor", "between"]).is_err());
    // A version 1 certificate is an authority only where the host says so.
    assert_eq!(
        check(&trust, "under-version1", &["version1"]),
        Err(TrustError::NotAnAuthority(certificate("version1")))
    );
}

/// SEC-14: an authority with a short key vouches for nobody, not even for itself.
#[test]
fn short_keys_of_authorities() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/openssl/keys/rsa1024.pem");
    let short = Certificate::from_pem(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(short.check_issued_by(&short), Err(IssuedError::ShortKey(1024)));
}

/// A sender cannot make us check signatures for ever.
#[test]
fn the_search_has_an_end() {
    let trust = demanding(root());
    let offered: Vec<_> = std::iter::repeat_n("impostor", 40).collect();
    assert_eq!(check(&trust, "leaf", &offered), Err(TrustError::TooManyChains));
}

/// However many chains are looked for: the bound is that of the message.
#[test]
fn chains_of_one_message_share_their_bound() {
    let trust = demanding(root().accept_name(SignerName::Alternative("edi@acme.example".to_owned())));
    let leaf = certificate("leaf");
    let signers = |impostors: usize| {
        let mut offered = ders(&["renewed", "sibling"]);
        offered.extend(std::iter::repeat_n(certificate("impostor").der().clone(), impostors));
        offered.extend(ders(&["between"]));
        trust.signers(std::slice::from_ref(&leaf), &offered, now())
    };
    let (renewed, sibling) = (certificate("renewed"), certificate("sibling"));
    // Each takes one check for each impostor, one for its issuer and one for the root.
    let few = signers(8);
    assert_eq!(few.certificates, [leaf.clone(), renewed.clone(), sibling]);
    assert_eq!(trust.check(&leaf, &few, now()), Ok(()));
    let many = signers(20);
    assert_eq!(many.certificates, [leaf.clone(), renewed.clone()]);
    assert_eq!(trust.check(&leaf, &many, now()), Err(TrustError::TooManyChains));
    // It is not looked for again.
    assert_eq!(trust.check(&renewed, &many, now()), Ok(()));
}

/// KEY-09: of the certificates in a message those count that bear an accepted name.
#[test]
fn names_stand_for_partners() {
    let configured = [certificate("leaf")];
    let offered = ders(&["renewed", "sibling", "leaf", "between"]);
    let signers = |names: &[SignerName]| {
        let chain = names.iter().cloned().fold(root(), ChainTrust::accept_name);
        demanding(chain).signers(&configured, &offered, now()).certificates
    };
    assert_eq!(signers(&[]), configured);
    let both = [certificate("leaf"), certificate("renewed")];
    assert_eq!(signers(&[SignerName::Subject("CN=Acme".to_owned())]), both);
    assert_eq!(signers(&[SignerName::Subject("CN=Acm".to_owned())]), configured);
    let address = SignerName::Alternative("EDI@acme.example".to_owned());
    // All leaves have it, and no authority.
    let three = [certificate("leaf"), certificate("renewed"), certificate("sibling")];
    assert_eq!(signers(&[address]), three);
    // A name without a chain behind it is nothing.
    let trust = demanding(root().accept_name(SignerName::Subject("CN=Under impostor".to_owned())));
    assert_eq!(
        trust
            .signers(&configured, &ders(&["under-impostor", "impostor"]), now())
            .certificates,
        configured
    );
    assert!(check(&trust, "under-impostor", &["impostor"]).is_err());
}

/// KEY-09: a common name that looks like a common name and an organization is neither.
#[test]
fn names_cannot_pretend_to_have_more_parts() {
    let read = |name: &str| {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/openssl/certificates");
        Certificate::from_pem(&std::fs::read(path.join(name)).unwrap()).unwrap()
    };
    for name in ["comma.pem", "multi.pem"] {
        let certificate = read(name);
        let offered = [certificate.der().clone()];
        let signers = |subject: &str| {
            let chain = ChainTrust::new([certificate.clone()]);
            let chain = chain.accept_name(SignerName::Subject(subject.to_owned()));
            demanding(chain).signers(&[], &offered, now()).certificates
        };
        assert_eq!(signers("CN=Acme EDI, O=Acme"), [], "{name}");
        let shown = certificate.to_string();
        assert_eq!(signers(&shown), std::slice::from_ref(&certificate), "{name}");
    }
    let comma = demanding(
        ChainTrust::new([read("comma.pem")]).accept_name(SignerName::Subject(r"CN=Acme EDI\, O=Acme".to_owned())),
    );
    let offered = [read("comma.pem").der().clone()];
    assert_eq!(comma.signers(&[], &offered, now()).certificates, [read("comma.pem")]);
}

/// KEY-12: lenient by default; strictly, what says nothing may do everything.
#[test]
fn key_usage_counts_by_policy() {
    let strict = SignerTrust {
        key_usage: true,
        ..SignerTrust::default()
    };
    for (name, expected) in [
        ("leaf", Ok(())),
        ("tls", Ok(())),
        ("version1", Ok(())),
        ("encryption", Err(TrustError::KeyUsage)),
        ("code", Err(TrustError::KeyUsage)),
    ] {
        assert_eq!(check(&SignerTrust::default(), name, &[]), Ok(()), "{name}");
        assert_eq!(check(&strict, name, &[]), expected, "{name}");
    }
}

fn revoking(chain: Option<ChainTrust>, lists: RevocationLists, mode: RevocationMode) -> SignerTrust {
    SignerTrust {
        chain,
        revocation: Some((Arc::new(lists), mode)),
        ..SignerTrust::default()
    }
}

/// KEY-13: soft and hard, with every reason not to know.
#[test]
fn revocation_lists_count() {
    use RevocationMode::{HardFail, SoftFail};
    let root_list = || list("root");
    let revoked = Err(TrustError::Revoked(certificate("revoked")));
    let unknown = || Err(TrustError::RevocationUnknown(certificate("revoked")));
    for (lists, mode, expected) in [
        (vec![list("between"), root_list()], HardFail, revoked.clone()),
        (vec![list("between")], SoftFail, revoked.clone()),
        (vec![list("between-before"), root_list()], HardFail, Ok(())),
        // Of two lists the one that knows.
        (
            vec![list("between-before"), list("between"), root_list()],
            HardFail,
            revoked,
        ),
        (vec![root_list()], HardFail, unknown()),
        (vec![list("between-old"), root_list()], HardFail, unknown()),
        (vec![list("between-old"), root_list()], SoftFail, Ok(())),
        (vec![list("between-impostor"), root_list()], HardFail, unknown()),
    ] {
        let trust = revoking(Some(root()), RevocationLists::new(lists), mode);
        assert_eq!(check(&trust, "revoked", &["between"]), expected);
    }
    let all = || RevocationLists::new([list("between"), list("root")]);
    assert_eq!(
        check(&revoking(Some(root()), all(), HardFail), "leaf", &["between"]),
        Ok(())
    );
    // Authorities are revoked too, and by whom they vouch for goes with them.
    assert_eq!(
        check(&revoking(Some(root()), all(), SoftFail), "under-last", &["last"]),
        Err(TrustError::Revoked(certificate("last")))
    );
}

/// KEY-13: without a demand for a chain the issuers are given; nobody revokes what is self-signed.
#[test]
fn revocation_without_chains() {
    use RevocationMode::HardFail;
    let lists = || RevocationLists::new([list("between")]);
    let issuers = || lists().with_issuers([certificate("impostor"), certificate("between")]);
    let revoked = Err(TrustError::Revoked(certificate("revoked")));
    assert_eq!(check(&revoking(None, issuers(), HardFail), "revoked", &[]), revoked);
    assert_eq!(check(&revoking(None, issuers(), HardFail), "leaf", &[]), Ok(()));
    assert_eq!(
        check(&revoking(None, lists(), HardFail), "leaf", &["between"]),
        Err(TrustError::RevocationUnknown(certificate("leaf")))
    );
    assert_eq!(
        check(&revoking(None, RevocationLists::default(), HardFail), "root", &[]),
        Ok(())
    );
}

#[test]
fn lists_are_replaced_while_in_use() {
    let lists = RevocationLists::new([list("between-before")]);
    let (revoked, between) = (certificate("revoked"), certificate("between"));
    assert_eq!(lists.check(&revoked, Some(&between), now()), Revocation::Good);
    lists.replace([list("between")]);
    assert_eq!(lists.check(&revoked, Some(&between), now()), Revocation::Revoked);
    // Who has signed one list has not signed the next, nor has another of the same name.
    let impostor = certificate("impostor");
    assert_eq!(lists.check(&revoked, Some(&impostor), now()), Revocation::Unknown);
    assert_eq!(lists.check(&revoked, Some(&between), now()), Revocation::Revoked);
    lists.replace([list("between-impostor")]);
    assert_eq!(lists.check(&revoked, Some(&between), now()), Revocation::Unknown);
}
