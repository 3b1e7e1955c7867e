use proptest::prelude::*;

use super::{decode_encoded_words, sanitize_filename};

/// SEC-33: directories, drives and streams are cut off.
#[test]
fn base_name_is_kept() {
    for (name, base) in [
        ("orders.edi", "orders.edi"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\Windows\\system.ini", "system.ini"),
        ("/abs/orders.edi", "orders.edi"),
        ("\\\\server\\share\\orders.edi", "orders.edi"),
        ("\\\\?\\C:\\orders.edi", "orders.edi"),
        ("a/b\\c/d.edi", "d.edi"),
        ("C:orders.edi", "orders.edi"),
        ("c:\\in\\orders.edi", "orders.edi"),
        ("orders.edi:hidden", "orders.edi"),
        ("orders.edi::$DATA", "orders.edi"),
        ("C:orders.edi:hidden:$DATA", "orders.edi"),
        (".profile", ".profile"),
        ("a..b", "a..b"),
        (" a (1).edi", " a (1).edi"),
        ("Ü€日本.edi", "Ü€日本.edi"),
        ("COM10.edi", "COM10.edi"),
        ("COMA", "COMA"),
        ("console.txt", "console.txt"),
        ("nul_a.edi", "nul_a.edi"),
        ("a.nul", "a.nul"),
    ] {
        assert_eq!(sanitize_filename(name).as_deref(), Some(base), "{name}");
    }
}

/// SEC-33: what cannot be a file, is a device, or fools people.
#[test]
fn dangerous_names_are_refused() {
    for name in [
        "",
        ".",
        "..",
        "...",
        "/",
        "a/",
        "a\\",
        "in/..",
        "C:",
        "C:\\",
        ":stream",
        "C::stream",
        "C:..",
        " ",
        "a ",
        "a.",
        "a. ",
        "a.:stream",
        "a :stream",
        "a\0.edi",
        "a\n.edi",
        "a\r",
        "\x1b[2J",
        "a\x7f",
        "a\u{85}",
        "-rf",
        "x/-rf",
        "C:-rf",
        "CON",
        "con",
        "Nul.txt",
        "NUL .txt",
        " NUL",
        "aux.tar.gz",
        "PRN:x",
        "COM1",
        "com0.edi",
        "LPT9.txt",
        "COM¹",
        "lpt³.x",
        "CONIN$",
        "conout$.x",
        "invoice\u{202e}fdp.exe",
        "\u{2066}a",
        "a\u{200f}",
        "\u{61c}a",
        "a\u{200e}b",
    ] {
        assert_eq!(sanitize_filename(name), None, "{name:?}");
    }
}

/// SEC-33: 255 octets, not characters, and only of what is kept.
#[test]
fn length_is_limited() {
    let fits = "x".repeat(255);
    assert_eq!(sanitize_filename(&fits), Some(fits.clone()));
    assert_eq!(sanitize_filename(&format!("dir/{fits}")), Some(fits.clone()));
    assert_eq!(sanitize_filename(&format!("{fits}x")), None);
    assert_eq!(sanitize_filename(&"ü".repeat(127)).map(|name| name.len()), Some(254));
    assert_eq!(sanitize_filename(&"ü".repeat(128)), None);
}

/// ENV-59: the examples of RFC 2047 §8, what Python writes, and what only looks like an encoded word.
#[test]
fn encoded_words_are_decoded() {
    for (text, decoded) in [
        ("", ""),
        ("orders.edi", "orders.edi"),
        ("=?ISO-8859-1?Q?a?=", "a"),
        ("=?ISO-8859-1?Q?a?= b", "a b"),
        ("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"),
        ("=?ISO-8859-1?Q?a?=\r\n\t=?ISO-8859-1?Q?b?=", "ab"),
        ("=?ISO-8859-1?Q?a_b?=", "a b"),
        ("=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a =?ISO-8859-2?Q?_b?="),
        ("=?ISO-8859-1?Q?Patrik_F=E4ltstr=F6m?=", "Patrik Fältström"),
        (
            "=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?= =?US-ASCII?b?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
            "If you can read this you understand the example.",
        ),
        ("=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore"),
        ("pre=?utf-8?q?=C3=9C?=post.edi", "preÜpost.edi"),
        ("=?utf-8?q?=c3=9c?= x =?utf-8?q?=C3=9C?=", "Ü x Ü"),
        ("=?windows-1252?Q?=80=96?=", "€–"),
        ("=?iso-8859-15?Q?=A4=BD?=", "€œ"),
        ("=?utf-8?q??=", ""),
        ("=?utf-8?B?4oKs?=", "€"),
        // Not decodable: left as it is.
        ("=?utf-8?q?=FC?=", "=?utf-8?q?=FC?="),
        ("=?utf-8?q?a=4?=", "=?utf-8?q?a=4?="),
        ("=?utf-8?B?4oK?=", "=?utf-8?B?4oK?="),
        ("=?utf-8?x?abc?=", "=?utf-8?x?abc?="),
        ("=?koi8-r?q?abc?=", "=?koi8-r?q?abc?="),
        ("=?utf-8?q?open", "=?utf-8?q?open"),
        ("=?", "=?"),
        ("a=?b=?=?utf-8?q?c?=", "a=?b=?c"),
    ] {
        assert_eq!(decode_encoded_words(text), decoded, "{text}");
    }
}

proptest! {
    /// SEC-33: a name that comes out is safe to join to a directory, and comes out of itself again.
    #[test]
    fn safe_names_stay(name in "([a-c:./\\\\ \\-\0\n]|NUL|com1|\u{202e}|ü){0,12}") {
        if let Some(safe) = sanitize_filename(&name) {
            prop_assert!(!safe.contains(['/', '\\', ':', '\0', '\n', '\u{202e}']), "{safe:?}");
            prop_assert!(name.contains(&safe));
            let path = std::path::Path::new("dir").join(&safe);
            prop_assert_eq!(path.parent(), Some(std::path::Path::new("dir")));
            prop_assert_eq!(sanitize_filename(&safe), Some(safe));
        }
    }

    #[test]
    fn text_without_encoded_words_is_kept(text in "[^=]{0,30}") {
        prop_assert_eq!(decode_encoded_words(&text), text);
    }

    /// Words that another encoder would write, with any text in them.
    #[test]
    fn any_word_is_decoded(text in "\\PC{0,20}") {
        let q: String = text.bytes().map(|octet| format!("={octet:02X}")).collect();
        prop_assert_eq!(decode_encoded_words(&format!("=?UTF-8?Q?{q}?=")), text);
    }
}
