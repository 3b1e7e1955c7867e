use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::{KeyGuard, MAX_AGE, MAX_BODIES, MAX_KEYS};

const NOW: SystemTime = UNIX_EPOCH;

fn guard() -> KeyGuard {
    KeyGuard::new(&mut StdRng::seed_from_u64(52))
}

fn keys<const N: usize>(names: [&str; N]) -> Vec<Vec<u8>> {
    names.map(|name| name.as_bytes().to_vec()).to_vec()
}

fn body(number: u8) -> [u8; 32] {
    [number; 32]
}

/// Uses up all tries of a key.
fn exhaust(guard: &KeyGuard, keys: &[Vec<u8>], now: SystemTime) {
    for number in 0..8 {
        assert!(guard.admit(keys, body(number), now), "{number}");
    }
}

fn size(guard: &KeyGuard) -> (usize, usize) {
    let table = guard.table.lock().unwrap();
    (table.entries.len(), table.order.len())
}

/// SEC-52: the ninth body is refused, the first eight may come again at any time.
#[test]
fn a_ninth_body_under_one_key_is_refused() {
    let guard = guard();
    let key = keys(["key"]);
    exhaust(&guard, &key, NOW);
    for number in 8..20 {
        assert!(!guard.admit(&key, body(number), NOW), "{number}");
    }
    exhaust(&guard, &key, NOW);
    assert!(guard.admit(&keys(["other"]), body(8), NOW));
    assert_eq!(MAX_BODIES, 8);
    assert_eq!(size(&guard), (2, 2));
}

/// SEC-52: recipients put beside the attacked one, and after it, buy no tries.
#[test]
fn each_recipient_counts() {
    let guard = guard();
    exhaust(&guard, &keys(["attacked", "first"]), NOW);
    assert!(!guard.admit(&keys(["attacked"]), body(8), NOW));
    assert!(!guard.admit(&keys(["second", "attacked", "third"]), body(9), NOW));
    // The refused message counted for the keys beside it.
    for number in 0..7 {
        assert!(guard.admit(&keys(["third"]), body(number), NOW));
    }
    assert!(!guard.admit(&keys(["third"]), body(7), NOW));
    // One key twice in one message counts once.
    exhaust(&guard, &keys(["twice", "twice"]), NOW);
}

/// Messages that are not encrypted are none of its business.
#[test]
fn messages_without_keys_are_admitted() {
    let guard = guard();
    assert!((0..=255).all(|number| guard.admit(&[], body(number), NOW)));
    assert_eq!(size(&guard), (0, 0));
}

/// SEC-52: a key is forgotten a day after its last use; tries that are refused are uses.
#[test]
fn keys_are_forgotten_after_a_day() {
    let guard = guard();
    let key = keys(["key"]);
    exhaust(&guard, &key, NOW);
    assert!(!guard.admit(&key, body(8), NOW + MAX_AGE));
    assert!(!guard.admit(&key, body(8), NOW + 2 * MAX_AGE));
    let later = NOW + 3 * MAX_AGE + Duration::from_secs(1);
    assert!(guard.admit(&keys(["other"]), body(0), later));
    assert_eq!(size(&guard), (1, 1));
    exhaust(&guard, &key, later);
    assert!(!guard.admit(&key, body(8), later));
    // With the key itself the day is over too.
    let later = later + MAX_AGE + Duration::from_secs(1);
    exhaust(&guard, &key, later);
}

/// A clock that is set back makes no key old.
#[test]
fn a_clock_that_goes_back_forgets_nothing() {
    let guard = guard();
    let key = keys(["key"]);
    exhaust(&guard, &key, NOW + 10 * MAX_AGE);
    assert!(!guard.admit(&key, body(8), NOW));
    assert!(!guard.admit(&key, body(8), NOW + MAX_AGE));
}

/// SEC-52: the table is bounded; what was not used for longest leaves first.
#[test]
fn the_oldest_keys_leave_first() {
    let guard = guard();
    let (old, attacked) = (keys(["old"]), keys(["attacked"]));
    exhaust(&guard, &old, NOW);
    exhaust(&guard, &attacked, NOW);
    for number in 0..MAX_KEYS - 2 {
        assert!(guard.admit(&[number.to_be_bytes().to_vec()], body(0), NOW));
    }
    assert_eq!(size(&guard), (MAX_KEYS, MAX_KEYS));
    // A use makes it young; the next new key drives the other one out.
    assert!(!guard.admit(&attacked, body(8), NOW));
    assert!(guard.admit(&keys(["new"]), body(0), NOW));
    assert_eq!(size(&guard), (MAX_KEYS, MAX_KEYS));
    assert!(!guard.admit(&attacked, body(8), NOW));
    assert!(guard.admit(&old, body(8), NOW));
}

#[test]
fn the_hash_key_is_not_shown() {
    assert_eq!(format!("{:?}", guard()), "KeyGuard { .. }");
}
