use proptest::prelude::*;

use super::{MAX_PARAMETERS, Parameters, Quoting, write};

fn parse(text: &str) -> Vec<(String, String)> {
    let pairs = Parameters::parse(text);
    pairs
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn written(name: &str, value: &str, quoting: Quoting) -> String {
    struct One<'a>(&'a str, &'a str, Quoting);
    impl std::fmt::Display for One<'_> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write(f, self.0, self.1, self.2)
        }
    }
    One(name, value, quoting).to_string()
}

/// ENV-32, INT-30.
#[test]
fn parameters_as_products_write_them() {
    for (text, expected) in [
        ("", &[][..]),
        ("; micalg=sha-1;", &[("micalg", "sha-1")]),
        (";;A=1 ; b = 2;\tC\t=\t3", &[("a", "1"), ("b", "2"), ("c", "3")]),
        (" a=1", &[("a", "1")]),
        (";a=\"x; y=\\\"z\\\\\" ;b=2", &[("a", "x; y=\"z\\"), ("b", "2")]),
        (
            ";boundary=----=_Part_1:2/3;a=1",
            &[("boundary", "----=_Part_1:2/3"), ("a", "1")],
        ),
        (";a=\"never closed; b=1", &[("a", "never closed; b=1")]),
        (";a=\"1\" (comment); b=2 (two)", &[("a", "1"), ("b", "2")]),
        (";flag;a=1;=2; b", &[("a", "1")]),
        (";a=;b=\"\"", &[("a", ""), ("b", "")]),
        // Which one counts must not be for the last who adds one to say.
        (";boundary=one;Boundary=two", &[("boundary", "one")]),
        (";name=copy (1).edi", &[("name", "copy (1).edi")]),
        (
            r#";filename="C:\tmp\a\"b\\c.edi""#,
            &[("filename", r#"C:\tmp\a"b\c.edi"#)],
        ),
    ] {
        let expected: Vec<_> = expected
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect();
        assert_eq!(parse(text), expected, "{text:?}");
    }
}

/// RFC 2231 §3, §4, §4.1, with its own examples.
#[test]
fn segments_and_character_sets() {
    for (text, value) in [
        (
            ";a*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
            "This is ***fun***",
        ),
        (
            ";a*0*=us-ascii'en'This%20is%20even%20more%20;a*1*=%2A%2A%2Afun%2A%2A%2A%20;a*2=\"isn't it!\"",
            "This is even more ***fun*** isn't it!",
        ),
        (";a*1=two;a*0=one", "onetwo"),
        (";a*0=one;a*2=lost", "one"),
        (";a*0=one;a*0=twice;a*1=two", "onetwo"),
        (";a*=UTF-8''%C3%BC", "ü"),
        (";a*=iso-8859-1''%FC%80", "ü€"),
        (";a*=''%C3%BC", "ü"),
        (";a*=UTF-8''100%;a=plain", "100%"),
        // The plain one is for those who do not know RFC 2231, whichever comes first.
        (";a=plain;a*=UTF-8''%C3%BC", "ü"),
        (";a*=x-unknown''%C3%BC;a=plain", "plain"),
        (";a*=UTF-8''%FC;a=plain", "plain"),
        (";a*0=parts;a*=UTF-8''whole", "whole"),
    ] {
        assert_eq!(Parameters::parse(text).get("A"), Some(value), "{text}");
    }
    for text in [";a*1=x", ";a*x=1", ";*=1", ";a'b*=UTF-8''x", ";a*99999=x"] {
        assert_eq!(parse(text), [], "{text}");
    }
}

/// Each is compared with those before it: a header of nothing else must not cost their square.
#[test]
fn parameters_are_limited() {
    for suffix in ["", "*", "*0"] {
        let text = |count: usize| (0..count).map(|one| format!(";p{one}{suffix}=1")).collect::<String>();
        assert_eq!(parse(&text(MAX_PARAMETERS)).len(), MAX_PARAMETERS);
        assert_eq!(parse(&text(MAX_PARAMETERS + 1)).len(), MAX_PARAMETERS);
    }
}

/// ENV-32, ENV-59.
#[test]
fn values_are_quoted_where_they_must_be() {
    for (value, needed, avoided) in [
        ("token", "; a=token", "; a=token"),
        ("", "; a=\"\"", "; a=\"\""),
        ("two words", "; a=\"two words\"", "; a=two words"),
        ("=_a", "; a=\"=_a\"", "; a==_a"),
        ("a\"\\", "; a=\"a\\\"\\\\\"", "; a=\"a\\\"\\\\\""),
        ("a;b", "; a=\"a;b\"", "; a=\"a;b\""),
        (" a", "; a=\" a\"", "; a=\" a\""),
        (
            "Ü 1%.edi",
            "; a*=UTF-8''%C3%9C%201%25.edi",
            "; a*=UTF-8''%C3%9C%201%25.edi",
        ),
        (
            "a\r\nX: y",
            "; a*=UTF-8''a%0D%0AX%3A%20y",
            "; a*=UTF-8''a%0D%0AX%3A%20y",
        ),
    ] {
        assert_eq!(written("a", value, Quoting::WhereNeeded), needed);
        assert_eq!(written("a", value, Quoting::Avoided), avoided);
    }
    assert_eq!(written("a", "token", Quoting::Always), "; a=\"token\"");
}

proptest! {
    /// SEC-30: any value is one line, and is read back from it.
    #[test]
    fn what_is_written_is_read_back(value in any::<String>(), printable in "[ -~]{0,20}") {
        for value in [&value, &printable] {
            // Only file names are written without quotes.
            let forms = [("x", Quoting::WhereNeeded), ("x", Quoting::Always), ("filename", Quoting::Avoided)];
            for (name, quoting) in forms {
                let text = written(name, value, quoting);
                prop_assert!(text.bytes().all(|octet| matches!(octet, b' '..=b'~')));
                prop_assert_eq!(parse(&text), [(name.to_owned(), value.clone())]);
            }
        }
    }

    #[test]
    fn any_text_is_read(text in "[;=\"*'% a0\\\\(\u{e9}-]{0,40}") {
        parse(&text);
    }
}
