use std::time::UNIX_EPOCH;

use super::*;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

/// Expected values from `date -u -d ... +%s`.
#[test]
fn dates_as_mail_has_them() {
    for (text, expected) in [
        ("Thu, 31 Jul 2003 14:00:00 GMT", Some(1_059_660_000)),
        ("Thu, 31 Jul 2003 14:00:00 +0000", Some(1_059_660_000)),
        ("31 Jul 2003 14:00 UTC", Some(1_059_660_000)),
        ("Thu, 31 Jul 2003 10:00:00 -0400 (EDT)", Some(1_059_660_000)),
        ("Fri, 1 Aug 2003 01:30:00 +1130", Some(1_059_660_000)),
        // The wrong day of the week.
        ("Mon,  31 Jul  2003 14:00:00 Z", Some(1_059_660_000)),
        ("Thu, 31 Jul 2003", None),
        ("Thu, 31 Jul 2003 14:00:00", None),
        ("Thu, 31 Jul 2003 14:00:00 +1", None),
        ("Thu, 31 Jul 2003 14:00:00 EDT", None),
        ("Thu, 31 Jul 2003 14:00:00 \u{e9}", None),
        ("Thu, 99 Jul 2003 14:00:00 GMT", None),
        ("2003-07-31T14:00:00Z", None),
        ("", None),
    ] {
        assert_eq!(parse_date(text), expected.map(at), "{text}");
    }
}

/// SEC-44: the signing time counts before the date; both may be off by the skew.
#[test]
fn messages_have_their_time() {
    let rules = ReplayRules::new()
        .max_age(Duration::from_secs(1000))
        .clock_skew(Duration::from_secs(10));
    let now = at(1_059_660_000);
    let seconds = |offset: i64| at(1_059_660_000_u64.checked_add_signed(offset).unwrap());
    for (offset, timely) in [(0, true), (-1010, true), (-1011, false), (10, true), (11, false)] {
        assert_eq!(rules.is_timely(Some(seconds(offset)), None, now), timely, "{offset}");
        assert!(ReplayRules::new().is_timely(Some(seconds(offset)), None, now));
    }
    let (fresh, stale) = ("Thu, 31 Jul 2003 13:50:00 GMT", "Thu, 31 Jul 2003 12:50:00 GMT");
    assert!(rules.is_timely(None, Some(fresh), now));
    assert!(!rules.is_timely(None, Some(stale), now));
    assert!(rules.is_timely(Some(now), Some(stale), now));
    assert!(!rules.is_timely(Some(seconds(-2000)), Some(fresh), now));
    assert!(rules.is_timely(None, Some("yesterday"), now));
    assert!(rules.is_timely(None, None, now));
}
