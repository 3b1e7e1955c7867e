use super::{As2Name, As2NameError};
use proptest::prelude::*;

/// ENV-10: the limit is on the name, not on its header form.
#[test]
fn length_counts_characters_of_the_name() {
    assert_eq!(As2Name::new(""), Err(As2NameError::Empty));
    assert_eq!(As2Name::parse_header("\"\""), Err(As2NameError::Empty));
    assert!(As2Name::new("x".repeat(128)).is_ok());
    assert_eq!(As2Name::new("x".repeat(129)), Err(As2NameError::TooLong(129)));
    let quotes = format!("\"{}\"", "\\\"".repeat(128));
    assert_eq!(As2Name::parse_header(&quotes).unwrap().as_str(), "\"".repeat(128));
}

/// ENV-09: control characters and what is not ASCII.
#[test]
fn characters_outside_printable_ascii_are_refused() {
    for bad in ['\t', '\r', '\n', '\u{7f}', 'é', '\0'] {
        let name = format!("a{bad}b");
        assert_eq!(As2Name::new(name.as_str()), Err(As2NameError::InvalidCharacter(bad)));
        assert_eq!(
            As2Name::parse_header(&format!("\"{name}\"")),
            Err(As2NameError::InvalidCharacter(bad))
        );
    }
}

/// ENV-11: quotes only where the name is not an atom.
#[test]
fn names_are_quoted_only_where_they_must_be() {
    for (name, header) in [
        ("ABC", "ABC"),
        ("AS2 Test", "\"AS2 Test\""),
        ("a\"b", "\"a\\\"b\""),
        ("a\\b", "\"a\\\\b\""),
        ("a:b,<c>@d=e", "a:b,<c>@d=e"),
    ] {
        assert_eq!(As2Name::new(name).unwrap().to_header(), header);
    }
}

/// ENV-13: compared case-sensitively, after unquoting.
#[test]
fn quoted_and_atomic_forms_are_the_same_name() {
    let atom = As2Name::parse_header("ABC").unwrap();
    assert_eq!(As2Name::parse_header("\"ABC\"").unwrap(), atom);
    assert_ne!(As2Name::parse_header("abc").unwrap(), atom);
}

/// ENV-14: unquoted spaces of older products; only outer white space goes.
#[test]
fn unquoted_inner_spaces_are_read() {
    assert_eq!(As2Name::parse_header(" AS2 Test\t").unwrap().as_str(), "AS2 Test");
}

/// ENV-09: no other escapes, nothing after the closing quote.
#[test]
fn wrong_quoting_is_refused() {
    for header in ["\"a", "\"a\\\"", "\"a\\n\"", "\"a\"b", "\"\"\""] {
        assert!(
            matches!(As2Name::parse_header(header), Err(As2NameError::Quoting(_))),
            "{header}"
        );
    }
}

proptest! {
    /// ENV-09, ENV-12: every name survives its header form, on one line.
    #[test]
    fn header_form_round_trips(name in "[ -~]{0,126}[!-~]") {
        let name = As2Name::new(name.trim_start()).unwrap();
        let header = name.to_header();
        prop_assert!(!header.contains(['\r', '\n']));
        // A name that is an atom but starts with a quote does not exist: quotes are always escaped.
        prop_assert_eq!(As2Name::parse_header(&header).unwrap(), name);
    }

    #[test]
    fn no_header_value_panics(value in ".*") {
        let _ = As2Name::parse_header(&value);
    }
}
