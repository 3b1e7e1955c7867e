use std::slice::from_ref;
use std::time::{Duration, SystemTime};

use super::{PartnerCertificate, PartnerCertificates};
use crate::cms::Certificate;
use crate::keystore::CertificateUsage::{Encrypt, Verify};

const DAY: Duration = Duration::from_secs(86_400);

/// Valid for ten days in 2026, for the same key.
fn certificate(name: &str) -> Certificate {
    let path = format!("{}/tests/data/openssl/rollover/{name}.pem", env!("CARGO_MANIFEST_DIR"));
    Certificate::from_pem(&std::fs::read(path).unwrap()).unwrap()
}

fn rollover() -> (Certificate, Certificate, PartnerCertificates) {
    let (old, new) = (certificate("old"), certificate("new"));
    let partner = PartnerCertificates::new(old.clone()).with(new.clone());
    (old, new, partner)
}

/// KEY-14, KEY-16: all verify, whatever their validity; the newest valid one is encrypted for.
#[test]
fn all_verify_and_the_newest_valid_one_is_encrypted_for() {
    let (old, new, partner) = rollover();
    let second = Duration::from_secs(1);
    for (now, encrypt) in [
        // Not valid yet, and expired: told apart by the caller, who gets the next one and the last one.
        (old.not_before() - second, &old),
        (old.not_before(), &old),
        (new.not_before() - second, &old),
        (new.not_before(), &new),
        (old.not_after() + second, &new),
        (new.not_after() + DAY, &new),
    ] {
        assert_eq!(partner.for_usage(Encrypt, now), from_ref(encrypt));
        assert_eq!(partner.for_usage(Verify, now), [old.clone(), new.clone()]);
    }
}

/// KEY-16: dates of its own, both sides inclusive.
#[test]
fn given_dates_count_instead() {
    let (old, new) = (certificate("old"), certificate("new"));
    let switch = new.not_before() + DAY;
    let partner = PartnerCertificates::from_iter([
        PartnerCertificate::new(old.clone()).active_until(switch + DAY),
        PartnerCertificate::new(new.clone()).active_from(switch),
    ]);
    let before = switch - Duration::from_secs(1);
    assert_eq!(partner.for_usage(Encrypt, before), from_ref(&old));
    assert_eq!(partner.for_usage(Verify, before), from_ref(&old));
    assert_eq!(partner.for_usage(Encrypt, switch), from_ref(&new));
    assert_eq!(partner.for_usage(Verify, switch + DAY), [old, new.clone()]);
    assert_eq!(partner.for_usage(Verify, switch + 2 * DAY), [new]);
}

/// KEY-02: a certificate may serve one use alone.
#[test]
fn uses_are_apart() {
    let (old, new) = (certificate("old"), certificate("new"));
    let now = new.not_before();
    let partner = PartnerCertificates::new(new.clone()).encrypting_for(old.clone());
    assert_eq!(partner.for_usage(Encrypt, now), from_ref(&old));
    assert_eq!(partner.for_usage(Verify, now), from_ref(&new));
    let partner = PartnerCertificates::new(old.clone()).also_signing_with(new.clone());
    assert_eq!(partner.for_usage(Encrypt, now), from_ref(&old));
    assert_eq!(partner.for_usage(Verify, now), [old, new]);
    assert_eq!(PartnerCertificates::default().for_usage(Encrypt, SystemTime::now()), []);
}
