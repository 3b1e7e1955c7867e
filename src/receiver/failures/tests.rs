use std::net::Ipv4Addr;
use std::time::UNIX_EPOCH;

use super::*;

fn name(name: &str) -> As2Name {
    As2Name::new(name).unwrap()
}

/// SEC-04: by pair and by peer; a day without a failure makes up for all.
#[test]
fn counts_are_by_sender() {
    let counts = FailureCounts::default();
    let (us, acme, other) = (name("us"), name("acme"), name("other"));
    let peer = |last| Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)));
    let now = UNIX_EPOCH + Duration::from_secs(2_000_000_000);
    for expected in 1..4 {
        assert_eq!(counts.note(&us, &acme, peer(1), now), expected);
    }
    assert_eq!(counts.note(&us, &acme, peer(2), now), 1);
    assert_eq!(counts.note(&us, &acme, None, now), 1);
    assert_eq!(counts.note(&us, &other, peer(1), now), 1);
    assert_eq!(counts.of(&us, &acme, peer(1), now), 3);
    assert_eq!(counts.of(&other, &acme, peer(1), now), 0);

    // A clock that goes back forgives nothing.
    assert_eq!(counts.of(&us, &acme, peer(1), now - 2 * MAX_AGE), 3);
    assert_eq!(counts.of(&us, &acme, peer(1), now + MAX_AGE), 3);
    let later = now + MAX_AGE + Duration::from_secs(1);
    assert_eq!(counts.of(&us, &acme, peer(1), later), 0);
    assert_eq!(counts.note(&us, &acme, peer(1), later), 1);
}

/// Whoever comes from everywhere does not push out the one that fails most.
#[test]
fn the_table_is_bounded() {
    let counts = FailureCounts::default();
    let (us, acme) = (name("us"), name("acme"));
    counts.note(&us, &acme, None, UNIX_EPOCH);
    counts.note(&us, &acme, None, UNIX_EPOCH);
    for host in 0..10_100_u32 {
        counts.note(&us, &acme, Some(Ipv4Addr::from(host).into()), UNIX_EPOCH);
    }
    assert_eq!(counts.0.lock().unwrap().len(), MAX_SENDERS);
    assert_eq!(counts.of(&us, &acme, None, UNIX_EPOCH), 2);
}
