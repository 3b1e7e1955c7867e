use std::time::{Duration, SystemTime};

use super::{CertificateRole, CertificateUse, ExpiryMonitor, ExpiryReport};
use crate::cms::Certificate;
use crate::keystore::{CertificateUsage, Identity, MemoryKeyStore, PartnerCertificate, PartnerCertificates};
use crate::name::As2Name;
use crate::partnership::TlsIdentity;
use crate::test_log::warnings_in;

const DAY: Duration = Duration::from_secs(86_400);
const SECOND: Duration = Duration::from_secs(1);

fn file(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/data/openssl/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn certificate(name: &str) -> Certificate {
    Certificate::from_pem(&file(&format!("{name}.pem"))).unwrap()
}

fn name(name: &str) -> As2Name {
    As2Name::new(name).unwrap()
}

fn of(file: &str) -> CertificateUse {
    CertificateUse::new(CertificateRole::Sign, name("US"), certificate(file))
}

/// KEY-18: every certificate of a store, and TLS ones that the host adds; the first to expire comes first.
#[test]
fn the_report_lists_every_certificate() {
    let store = MemoryKeyStore::new();
    let bundle = file("keys/bundle.pem");
    store.set_identity(name("US"), Identity::from_pem(&bundle, &bundle).unwrap());
    let partner = PartnerCertificates::new(certificate("rollover/old"))
        .with(PartnerCertificate::new(certificate("rollover/new")).only_for(CertificateUsage::Verify));
    store.set_partner(name("US"), name("THEM"), partner);
    let key = rustls_pki_types::pem::PemObject::from_pem_slice(&file("tls/server.key")).unwrap();
    let tls = TlsIdentity::new(vec![certificate("tls/server").der().clone()], key);
    let tls = CertificateUse::of_tls(CertificateRole::TlsServer, name("US"), &tls).unwrap();

    let now = certificate("rollover/old").not_after() - 3 * DAY;
    let report = ExpiryReport::new(store.certificates().into_iter().chain([tls]), now);
    let mut entries: Vec<_> = report
        .entries()
        .iter()
        .map(|entry| (entry.role.as_str(), entry.owner.as_str(), entry.days_left(now)))
        .collect();
    let far = entries.split_off(2);
    assert_eq!(entries, [("verify-and-encrypt", "THEM", 3), ("verify", "THEM", 11)]);
    assert!(far.iter().all(|(.., days)| *days > 3650), "{far:?}");
    let mut roles: Vec<_> = far.iter().map(|(role, ..)| *role).collect();
    roles.sort_unstable();
    assert_eq!(roles, ["sign-and-decrypt", "tls-server"]);
    assert_eq!(report.entries()[0].certificate.fingerprint_hex().len(), 64);
}

#[test]
fn days_are_whole_and_rounded_down() {
    let one = of("rollover/old");
    let end = one.certificate.not_after();
    for (now, days) in [
        (end - 30 * DAY, 30),
        (end - 30 * DAY + SECOND, 29),
        (end - DAY, 1),
        (end - SECOND, 0),
        (end, 0),
        (end + SECOND, -1),
        (end + DAY, -2),
    ] {
        assert_eq!(one.days_left(now), days);
    }
}

/// KEY-18: once for each threshold; at the first look only for the nearest.
#[test]
fn thresholds_warn_once() {
    let end = certificate("rollover/old").not_after();
    let mut monitor = ExpiryMonitor::default();
    let mut warnings = |now: SystemTime| {
        let warnings = monitor.check(&ExpiryReport::new([of("rollover/old")], now));
        warnings.iter().map(|warning| warning.days_left).collect::<Vec<_>>()
    };
    assert_eq!(warnings(end - 31 * DAY), [0_i64; 0]);
    assert_eq!(warnings(end - 30 * DAY), [30]);
    assert_eq!(warnings(end - 29 * DAY), [0_i64; 0]);
    assert_eq!(warnings(end - 13 * DAY), [13]);
    assert_eq!(warnings(end - 7 * DAY), [7]);
    assert_eq!(warnings(end - 2 * DAY), [0_i64; 0]);
    assert_eq!(warnings(end - SECOND), [0]);
    assert_eq!(warnings(end), [0_i64; 0]);
    assert_eq!(warnings(end + SECOND), [-1]);
    assert_eq!(warnings(end + 9 * DAY), [0_i64; 0]);
}

#[test]
fn warnings_are_for_people() {
    let now = certificate("rollover/old").not_after() - DAY;
    let both = [of("rollover/old"), of("rollover/new")];
    let warnings = ExpiryMonitor::new([1, 20]).check(&ExpiryReport::new(both, now));
    let lines: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    let print = |name| certificate(name).fingerprint_hex();
    assert_eq!(
        lines,
        [
            format!(
                "the sign certificate of US (O=Example, CN=rollover, fingerprint {}) expires in 1 day",
                print("rollover/old")
            ),
            format!(
                "the sign certificate of US (O=Example, CN=rollover, fingerprint {}) expires in 9 days",
                print("rollover/new")
            ),
        ]
    );
}

/// TRN-28
#[test]
fn certificates_of_tls_and_messages_are_told_apart() {
    let with = |tls: &str| {
        let tls = CertificateUse::new(CertificateRole::TlsServer, name("US"), certificate(tls));
        let report = ExpiryReport::new([of("rollover/new"), of("rollover/old"), tls], SystemTime::now());
        report.shared_with_tls().map(|one| one.role).collect::<Vec<_>>()
    };
    assert_eq!(with("tls/server"), []);
    assert_eq!(
        with("rollover/old"),
        [CertificateRole::Sign, CertificateRole::TlsServer]
    );
}

/// TRN-28: once it is in the log, too.
#[test]
fn shared_certificates_are_logged_once() {
    let tls = CertificateUse::new(CertificateRole::TlsServer, name("US"), certificate("cms/bob"));
    let message = CertificateUse::new(CertificateRole::Sign, name("US"), certificate("cms/bob"));
    let report = ExpiryReport::new([tls, message], certificate("cms/bob").not_before());
    let mut monitor = ExpiryMonitor::default();
    assert_eq!(warnings_in(|| drop(monitor.check(&report))), 1);
    assert_eq!(warnings_in(|| drop(monitor.check(&report))), 0);
}
