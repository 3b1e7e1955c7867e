//! `UTCTime` and `GeneralizedTime` (RFC 5280 §4.1.2.5), read leniently and written as DER.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use der::DateTime;

use super::tlv::{BadTlv, Tlv, encode as encode_tlv, tag};

const DAY: i64 = 86_400;

/// Reads a `Time`: seconds and the zone may be missing, a zone offset and a fraction are taken.
pub(super) fn parse(time: Tlv<'_>) -> Result<SystemTime, BadTlv> {
    let mut digits = Digits(time.value);
    let year = match time.tag {
        tag::UTC_TIME => match digits.two()? {
            year @ 0..50 => 2000 + year,
            year => 1900 + year,
        },
        tag::GENERALIZED_TIME => digits.two()? * 100 + digits.two()?,
        _ => return Err(BadTlv),
    };
    let (month, day, hour, minute) = (digits.two()?, digits.two()?, digits.two()?, digits.two()?);
    let second = digits.two().unwrap_or(0);
    let fields_valid = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    if !fields_valid {
        return Err(BadTlv);
    }
    if let [b'.' | b',', rest @ ..] = digits.0 {
        digits.0 = rest.trim_ascii_start();
        while let [b'0'..=b'9', rest @ ..] = digits.0 {
            digits.0 = rest;
        }
    }
    let offset = match digits.0 {
        [] | [b'Z'] => 0,
        [sign @ (b'+' | b'-'), rest @ ..] => {
            digits.0 = rest;
            let offset = digits.two()? * 3600 + digits.two()? * 60;
            if *sign == b'+' { offset } else { -offset }
        }
        _ => return Err(BadTlv),
    };
    let seconds = days_from_civil(year, month, day) * DAY + hour * 3600 + minute * 60 + second - offset;
    let distance = Duration::from_secs(seconds.unsigned_abs());
    if seconds >= 0 {
        UNIX_EPOCH.checked_add(distance)
    } else {
        UNIX_EPOCH.checked_sub(distance)
    }
    .ok_or(BadTlv)
}

/// Writes a `Time`: UTCTime through 2049, GeneralizedTime from then on (RFC 5652 §11.3). There are no times before 1970
/// or after 9999.
pub(super) fn encode(time: SystemTime) -> Vec<u8> {
    let time = DateTime::from_system_time(time.max(UNIX_EPOCH)).unwrap_or(DateTime::INFINITY);
    // 2026-11-24T03:06:22Z, without the punctuation.
    let text: String = time.to_string().split(['-', 'T', ':']).collect();
    match text.get(2..) {
        Some(short) if time.year() < 2050 => encode_tlv(tag::UTC_TIME, short.as_bytes()),
        _ => encode_tlv(tag::GENERALIZED_TIME, text.as_bytes()),
    }
}

/// Whole days from `now` until `end`, rounded down; negative from the moment when it is over.
pub(crate) fn days_left(end: SystemTime, now: SystemTime) -> i64 {
    let days = |span: Duration| i64::try_from(span.as_secs()).unwrap_or(i64::MAX) / DAY;
    match end.duration_since(now) {
        Ok(left) => days(left),
        Err(past) => -1 - days(past.duration()),
    }
}

struct Digits<'a>(&'a [u8]);

impl Digits<'_> {
    /// Two digits; nothing is consumed if they are not there.
    fn two(&mut self) -> Result<i64, BadTlv> {
        match self.0 {
            [tens @ b'0'..=b'9', ones @ b'0'..=b'9', rest @ ..] => {
                self.0 = rest;
                Ok(i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
            }
            _ => Err(BadTlv),
        }
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar; the year begins in March so that leap days come last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(tag: u8, text: &str) -> Result<i64, BadTlv> {
        let value = text.as_bytes();
        parse(Tlv { tag, value, raw: value }).map(|time| match time.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_secs()).unwrap(),
            Err(before) => -i64::try_from(before.duration().as_secs()).unwrap(),
        })
    }

    // Expected values from `date -u -d ... +%s`.
    #[test]
    fn reads_both_types_with_the_century_of_rfc_5280() {
        assert_eq!(at(tag::UTC_TIME, "491231235959Z"), Ok(2_524_607_999));
        assert_eq!(at(tag::UTC_TIME, "500101000000Z"), Ok(-631_152_000));
        assert_eq!(at(tag::UTC_TIME, "240229120000Z"), Ok(1_709_208_000));
        assert_eq!(at(tag::GENERALIZED_TIME, "99991231235959Z"), Ok(253_402_300_799));
        assert_eq!(at(tag::GENERALIZED_TIME, "20500101000000Z"), Ok(2_524_608_000));
    }

    #[test]
    fn tolerates_missing_seconds_zone_offsets_and_fractions() {
        assert_eq!(at(tag::UTC_TIME, "2402291200Z"), Ok(1_709_208_000));
        assert_eq!(at(tag::UTC_TIME, "240229140000+0200"), Ok(1_709_208_000));
        assert_eq!(at(tag::GENERALIZED_TIME, "20240229120000.123Z"), Ok(1_709_208_000));
        assert_eq!(at(tag::GENERALIZED_TIME, "20240229120000"), Ok(1_709_208_000));
    }

    #[test]
    fn writes_the_type_that_cms_demands_for_the_year() {
        let at = |seconds| encode(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(2_524_607_999), *b"\x17\x0d491231235959Z");
        assert_eq!(at(2_524_608_000), *b"\x18\x0f20500101000000Z");
        assert_eq!(at(253_402_300_800), *b"\x18\x0f99991231235959Z");
        assert_eq!(encode(UNIX_EPOCH - Duration::from_secs(1)), *b"\x17\x0d700101000000Z");
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in [
            "",
            "2402",
            "241329120000Z",
            "240229250000Z",
            "240229120000X",
            "24022912000Z",
        ] {
            assert_eq!(at(tag::UTC_TIME, text), Err(BadTlv), "{text}");
        }
        assert_eq!(at(tag::OCTET_STRING, "240229120000Z"), Err(BadTlv));
    }
}
