use proptest::prelude::*;

use super::{Parameters, hex, is_token};

fn read(text: &str) -> Vec<(String, String)> {
    Parameters::parse(text)
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn assert_read(text: &str, expected: &[(&str, &str)]) {
    let read = read(text);
    let read: Vec<_> = read
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(read, expected, "{text}");
}

/// ENV-32: what stands between parameters, in them and instead of them.
#[test]
fn parameters_are_read_leniently() {
    for (text, expected) in [
        ("", &[][..]),
        (";", &[]),
        ("; ; ;\t", &[]),
        ("; a", &[]),
        ("; a; b=c", &[("b", "c")]),
        (";A=b;C=d", &[("a", "b"), ("c", "d")]),
        ("; a \t= \r\n b ;", &[("a", "b")]),
        ("; a=", &[("a", "")]),
        ("; a=;b=c", &[("a", ""), ("b", "c")]),
        ("; a=\"\"", &[("a", "")]),
        ("; a=\"b;c=d\"; e=f", &[("a", "b;c=d"), ("e", "f")]),
        ("; a=\"b\\\"c\\\\d\\e\"", &[("a", "b\"c\\de")]),
        ("; a=\"b", &[("a", "b")]),
        ("; a=\"b\\", &[("a", "b\\")]),
        ("; a=\"b\" c=d", &[("a", "b"), ("c", "d")]),
        ("; a=\"b\"junk; c=d", &[("a", "b"), ("c", "d")]),
        ("; a=b=c", &[("a", "b=c")]),
        ("; =x; a=b", &[("a", "b")]),
        ("; a b=c; d=e", &[("d", "e")]),
        ("; a=1; A=2; a=3", &[("a", "1")]),
        ("; ä=1; a=ä", &[("a", "ä")]),
        ("; a=b (a comment)", &[("a", "b")]),
        ("; a=b\t(a comment); c=d", &[("a", "b"), ("c", "d")]),
        ("; a=b(not a comment)", &[("a", "b(not a comment)")]),
        ("; name=copy (1).edi", &[("name", "copy (1).edi")]),
    ] {
        assert_read(text, expected);
    }
}

/// ENV-59: the backslash of Windows paths is an escape only where it cannot be a separator.
#[test]
fn backslash_in_file_names_is_kept() {
    for (text, value) in [
        ("; name=\"C:\\new\\a.edi\"", "C:\\new\\a.edi"),
        ("; name=\"C:\\\\new\\\\a.edi\"", "C:\\new\\a.edi"),
        ("; name=\"a\\\"b\"", "a\"b"),
        ("; name=C:\\new\\a.edi", "C:\\new\\a.edi"),
    ] {
        assert_read(text, &[("name", value)]);
    }
    assert_read("; other=\"C:\\new\"", &[("other", "C:new")]);
}

/// RFC 2231 §3: the examples of the RFC, and segments as they may arrive.
#[test]
fn segments_are_joined() {
    for (text, expected) in [
        (
            "; access-type=URL;\r\n URL*0=\"ftp://\";\r\n URL*1=\"cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar\"",
            &[
                ("access-type", "URL"),
                ("url", "ftp://cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar"),
            ][..],
        ),
        (
            "; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
            &[("title", "This is ***fun***")],
        ),
        (
            "; title*0*=us-ascii'en'This%20is%20even%20more%20;\r\n title*1*=%2A%2A%2Afun%2A%2A%2A%20;\r\n title*2=\"isn't it!\"",
            &[("title", "This is even more ***fun*** isn't it!")],
        ),
        ("; a*1=y; a*0=x", &[("a", "xy")]),
        ("; a*0=x; a*2=z", &[("a", "x")]),
        ("; a*1=y", &[]),
        ("; a*0=x; a*0=w; a*1=y", &[("a", "xy")]),
        ("; a*0=0; a*10=k; a*1=1; a*2=2", &[("a", "012")]),
        ("; a*0*=''%C3; a*1*=%BC", &[("a", "ü")]),
        ("; A*0*=UTF-8''%c3%bc; a*1=%41", &[("a", "ü%41")]),
        (
            "; a*=UTF-8''x%2; b*=''%; c*=''%zz",
            &[("a", "x%2"), ("b", "%"), ("c", "%zz")],
        ),
        ("; a*=no%20charset", &[("a", "no charset")]),
        ("; a*=''it's", &[("a", "it's")]),
        // Not a segment, so nothing at all.
        ("; a*x=1; a**=2; *=3; *0=4; a*70000=5; a*0*0=6; a*+0=7; a*-1=8", &[]),
    ] {
        assert_read(text, expected);
    }
    let hundred: String = (0..100).rev().map(|n| format!("; a*{n}={}", n % 10)).collect();
    assert_read(&hundred, &[("a", &"0123456789".repeat(10))]);
}

/// RFC 2231 §4, RFC 6266 §4.3: the encoded form counts, unless it cannot be decoded.
#[test]
fn encoded_form_wins_over_the_plain_one() {
    for (text, value) in [
        ("; a=plain; a*=UTF-8''%C3%BC", "ü"),
        ("; a*=UTF-8''%C3%BC; a=plain", "ü"),
        ("; a=plain; a*0*=UTF-8''%C3; a*1*=%BC", "ü"),
        ("; a*0=s; a*=UTF-8''%C3%BC; a*1=t", "ü"),
        ("; a=plain; a*=x-unknown''%C3%BC", "plain"),
        ("; a=plain; a*=UTF-8''%FC", "plain"),
        ("; a*=UTF-8''%FC", "UTF-8''%FC"),
        ("; a=plain; a*=ISO-8859-1'de'%FC", "ü"),
        ("; a=plain; a*=windows-1252''%80%96", "€–"),
        ("; a=plain; a*=iso-8859-15''%A4%A6%A8%B4%B8%BC%BD%BE%FC", "€ŠšŽžŒœŸü"),
        ("; a=plain; a*=us-ascii''a%20b", "a b"),
    ] {
        assert_read(text, &[("a", value)]);
    }
}

#[test]
fn tokens_are_those_of_http() {
    for text in ["a", "application", "EDI-X12", "!#$%&'*+-.^_`|~09"] {
        assert!(is_token(text), "{text}");
    }
    for text in [
        "", " ", "a b", "a/b", "a=b", "a:b", "\"a\"", "a;", "(a)", "a\0", "ä", "a\r\n", "{a}", "a@b", "a\x7f",
    ] {
        assert!(!is_token(text), "{text:?}");
    }
}

#[test]
fn hexadecimal_digits_are_read() {
    let values: Vec<_> = b"09afAF/:@G`g\xff".iter().map(|&digit| hex(digit)).collect();
    let mut expected = vec![Some(0), Some(9), Some(10), Some(15), Some(10), Some(15)];
    expected.resize(13, None);
    assert_eq!(values, expected);
}

proptest! {
    /// Names are attributes in lower case and occur once, whatever is read.
    #[test]
    fn names_are_sound(text in "([;=\"\\\\ *%'0-2a-cA-Cü\t\r\n]|a\\*=|b\\*0\\*=|utf-8''){0,40}") {
        let parameters = read(&text);
        for (at, (name, _)) in parameters.iter().enumerate() {
            prop_assert!(is_token(name) && !name.contains(['*', '\'', '%']), "{name}");
            prop_assert_eq!(name, &name.to_ascii_lowercase());
            prop_assert!(parameters.iter().skip(at + 1).all(|(other, _)| other != name), "{name}");
        }
    }

    /// RFC 2231 §3: the order in which segments arrive does not matter.
    #[test]
    fn order_of_segments_does_not_matter(
        segments in prop::collection::vec("[a-z]{0,4}", 1..15).prop_flat_map(|values| {
            let numbered: Vec<_> = values.into_iter().enumerate().collect();
            (Just(numbered.clone()), Just(numbered).prop_shuffle())
        }),
    ) {
        let (ordered, shuffled) = segments;
        let value: String = ordered.into_iter().map(|(_, value)| value).collect();
        let text: String = shuffled.iter().map(|(number, value)| format!("; a*{number}={value}")).collect();
        prop_assert_eq!(read(&text), [("a".to_owned(), value)]);
    }
}
