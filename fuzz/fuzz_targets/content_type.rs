//! `Content-Type`, `Content-Disposition` and file names: what is written reads the same, and a safe name is safe.
#![no_main]

use ediint::mime::{ContentDisposition, ContentType, sanitize_filename};
use libfuzzer_sys::fuzz_target;

fn safe(name: &str) {
    assert!(!name.is_empty() && name.len() <= 255);
    assert!(name != "." && name != "..");
    assert!(!name.contains(|c: char| c.is_control() || matches!(c, '/' | '\\' | ':')));
    assert_eq!(sanitize_filename(name).as_deref(), Some(name));
}

/// What is encoded as in RFC 2231 is read last.
fn sorted(kind: &ContentType) -> Vec<(&str, &str)> {
    let mut parameters: Vec<_> = kind.params().collect();
    parameters.sort_unstable();
    parameters
}

fuzz_target!(|value: &str| {
    if let Ok(kind) = ContentType::parse(value) {
        let written = kind.to_string();
        assert!(written.bytes().all(|octet| matches!(octet, b' '..=b'~')), "{written:?}");
        let again = ContentType::parse(&written).unwrap();
        assert_eq!(again.essence(), kind.essence());
        assert_eq!(sorted(&again), sorted(&kind), "{written:?}");
        if let Some(name) = kind.name().as_deref().and_then(sanitize_filename) {
            safe(&name);
        }
    }
    let disposition = ContentDisposition::parse(value);
    let written = disposition.to_string();
    assert!(written.bytes().all(|octet| matches!(octet, b' '..=b'~')), "{written:?}");
    let again = ContentDisposition::parse(&written);
    assert_eq!(again.kind(), disposition.kind());
    assert_eq!(again.param("filename"), disposition.param("filename"), "{written:?}");
    let unquoted = disposition.clone().without_quotes().to_string();
    assert!(
        unquoted.bytes().all(|octet| matches!(octet, b' '..=b'~')),
        "{unquoted:?}"
    );
    assert_eq!(
        ContentDisposition::parse(&unquoted).param("filename"),
        disposition.param("filename"),
        "{unquoted:?}"
    );
    if let Some(name) = disposition.filename().as_deref().and_then(sanitize_filename) {
        safe(&name);
    }
    let sent = ContentDisposition::attachment(value);
    assert_eq!(
        ContentDisposition::parse(&sent.to_string()).param("filename"),
        Some(value)
    );
    if let Some(name) = sanitize_filename(value) {
        safe(&name);
    }
});
