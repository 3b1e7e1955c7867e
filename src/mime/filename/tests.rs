use proptest::prelude::*;

use super::{decode_encoded_words, sanitize_filename};

/// SEC-33, ENV-58.
#[test]
fn paths_and_devices_are_not_file_names() {
    for (name, safe) in [
        ("orders.edi", Some("orders.edi")),
        ("Bestellung Ü (1).edi", Some("Bestellung Ü (1).edi")),
        (".hidden", Some(".hidden")),
        ("../../etc/passwd", Some("passwd")),
        ("..\\..\\windows\\system.ini", Some("system.ini")),
        ("a/b\\c", Some("c")),
        ("C:orders.edi", Some("orders.edi")),
        ("C:\\in\\orders.edi", Some("orders.edi")),
        ("\\\\server\\share\\orders.edi", Some("orders.edi")),
        ("orders.edi:hidden", Some("orders.edi")),
        ("orders.edi::$DATA", Some("orders.edi")),
        ("console.txt", Some("console.txt")),
        ("COM10", Some("COM10")),
        ("", None),
        (".", None),
        ("..", None),
        ("in/..", None),
        ("in/", None),
        ("C:", None),
        (":stream", None),
        ("-rf", None),
        ("orders.edi.", None),
        ("orders.edi ", None),
        ("a\0.edi", None),
        ("a\r\n.edi", None),
        ("a\u{85}", None),
        ("exe.\u{202e}idec", None),
        ("a\u{2066}b", None),
        ("a\u{200f}b", None),
        ("NUL", None),
        ("nul.txt", None),
        ("nul .txt", None),
        ("Aux.tar.gz", None),
        ("com1", None),
        ("LPT².txt", None),
        ("CONIN$", None),
    ] {
        assert_eq!(sanitize_filename(name).as_deref(), safe, "{name:?}");
    }
    // Octets, not characters.
    assert!(sanitize_filename(&"a".repeat(255)).is_some());
    assert_eq!(sanitize_filename(&"a".repeat(256)), None);
    assert_eq!(sanitize_filename(&"ü".repeat(128)), None);
}

/// ENV-59: RFC 2047 §2, §6.2 and its examples.
#[test]
fn encoded_words_are_decoded() {
    for (text, decoded) in [
        ("orders.edi", "orders.edi"),
        ("=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?=", "Keld Jørn Simonsen"),
        ("=?utf-8?b?w5w=?=.edi", "Ü.edi"),
        ("=?utf-8*de?B?w5w=?=", "Ü"),
        ("=?windows-1252?Q?5=80?=", "5€"),
        ("=?iso-8859-15?Q?5=A4?=", "5€"),
        ("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"),
        ("=?ISO-8859-1?Q?a?= b =?ISO-8859-1?Q?c?=", "a b c"),
        // What cannot be decoded stays.
        ("=?utf-8?Q?=FC?=", "=?utf-8?Q?=FC?="),
        ("=?utf-8?Q?=4?=", "=?utf-8?Q?=4?="),
        ("=?utf-8?X?a?= =?utf-8?Q?b?=", "=?utf-8?X?a?= b"),
        ("=?x-unknown?Q?a?=", "=?x-unknown?Q?a?="),
        ("=?utf-8?B?!?=", "=?utf-8?B?!?="),
        ("=?utf-8?Q?open", "=?utf-8?Q?open"),
        ("a=?", "a=?"),
    ] {
        assert_eq!(decode_encoded_words(text), decoded, "{text}");
    }
}

proptest! {
    /// SEC-33: whatever comes out is one name in one directory.
    #[test]
    fn no_path_comes_out(name in any::<String>(), likely in "[a./\\\\: -]{0,12}") {
        for name in [name, likely] {
            if let Some(safe) = sanitize_filename(&decode_encoded_words(&name)) {
                let path = std::path::Path::new(&safe);
                prop_assert_eq!(path.file_name().and_then(|name| name.to_str()), Some(safe.as_str()));
                prop_assert_eq!(path.components().count(), 1);
                prop_assert_eq!(sanitize_filename(&safe), Some(safe));
            }
        }
    }
}
