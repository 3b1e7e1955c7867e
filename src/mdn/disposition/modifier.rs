//! Modifiers of a disposition: what was wrong (RFC 4130 §7.4.3, §7.5).

use std::fmt;

/// Free text from a partner or the host: one line, no control characters, white space squeezed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Description(Box<str>);

/// What follows the slash of a disposition (RFC 4130 §7.4.3 `AS2-disposition-modifier`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DispositionModifier {
    /// `error`, with its reason.
    Error(ErrorModifier),
    /// `warning`, with its reason.
    Warning(WarningModifier),
    /// `failure`, with its reason.
    Failure(FailureModifier),
    /// Text that starts with none of the three words.
    Other(Description),
}

/// The reason of an `error` (RFC 4130 §7.5.4; the marked ones come from products and from the draft of its revision).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorModifier {
    /// Bare `error`, the reason may be in `Error` fields (RFC 4130 §7.5.6).
    Unspecified,
    /// `authentication-failed`: the sender could not be authenticated.
    AuthenticationFailed,
    /// `decompression-failed`.
    DecompressionFailed,
    /// `decryption-failed`.
    DecryptionFailed,
    /// `insufficient-message-security`: the receiver's policy asks for more.
    InsufficientMessageSecurity,
    /// `integrity-check-failed`: the content is not what was signed.
    IntegrityCheckFailed,
    /// `unexpected-processing-error`: anything else.
    UnexpectedProcessingError,
    /// `unknown-trading-partner` (mendelson, pyas2).
    UnknownTradingPartner,
    /// `unknown-trading-relationship` (draft).
    UnknownTradingRelationship,
    /// `invalid-message-id` (draft).
    InvalidMessageId,
    /// `duplicate-filename` (draft).
    DuplicateFilename,
    /// `illegal-filename` (draft).
    IllegalFilename,
    /// Any other text.
    Other(Description),
}

/// The reason of a `warning` (RFC 4130 §7.5.5, §7.5.6).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WarningModifier {
    /// Bare `warning`, the reason may be in `Warning` fields (RFC 4130 §7.5.6).
    Unspecified,
    /// `authentication-failed, processing continued`.
    AuthenticationFailedProcessingContinued,
    /// `duplicate-document`: the message had arrived before.
    DuplicateDocument,
    /// Any other text.
    Other(Description),
}

/// The reason of a `failure` (RFC 4130 §7.5.3, §7.5.6).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureModifier {
    /// Bare `failure`, the reason may be in `Failure` fields (RFC 4130 §7.5.6).
    Unspecified,
    /// `unsupported format`: the signature format of the receipt asked for.
    UnsupportedFormat,
    /// `unsupported MIC-algorithms`: none of those asked for. Also read in the singular.
    UnsupportedMicAlgorithms,
    /// `sender-equals-receiver`.
    SenderEqualsReceiver,
    /// Any other text.
    Other(Description),
}

const ERRORS: [(&str, ErrorModifier); 11] = [
    ("authentication-failed", ErrorModifier::AuthenticationFailed),
    ("decompression-failed", ErrorModifier::DecompressionFailed),
    ("decryption-failed", ErrorModifier::DecryptionFailed),
    (
        "insufficient-message-security",
        ErrorModifier::InsufficientMessageSecurity,
    ),
    ("integrity-check-failed", ErrorModifier::IntegrityCheckFailed),
    ("unexpected-processing-error", ErrorModifier::UnexpectedProcessingError),
    ("unknown-trading-partner", ErrorModifier::UnknownTradingPartner),
    (
        "unknown-trading-relationship",
        ErrorModifier::UnknownTradingRelationship,
    ),
    ("invalid-message-id", ErrorModifier::InvalidMessageId),
    ("duplicate-filename", ErrorModifier::DuplicateFilename),
    ("illegal-filename", ErrorModifier::IllegalFilename),
];

const WARNINGS: [(&str, WarningModifier); 2] = [
    (
        "authentication-failed, processing continued",
        WarningModifier::AuthenticationFailedProcessingContinued,
    ),
    ("duplicate-document", WarningModifier::DuplicateDocument),
];

/// The first spelling of a reason is the one that is written.
const FAILURES: [(&str, FailureModifier); 4] = [
    ("unsupported format", FailureModifier::UnsupportedFormat),
    ("unsupported MIC-algorithms", FailureModifier::UnsupportedMicAlgorithms),
    ("unsupported MIC-algorithm", FailureModifier::UnsupportedMicAlgorithms),
    ("sender-equals-receiver", FailureModifier::SenderEqualsReceiver),
];

/// Looks a reason up by its letters and digits alone: hyphens, spaces and case vary between products.
fn known<T: Clone>(table: &[(&str, T)], text: &str) -> Option<T> {
    let letters = |text: &str| -> String {
        text.chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_lowercase())
            .collect()
    };
    let wanted = letters(text);
    table
        .iter()
        .find(|(spelling, _)| letters(spelling) == wanted)
        .map(|(_, reason)| reason.clone())
}

/// The spelling of a known reason.
fn spelling<'t, T: PartialEq>(table: &[(&'t str, T)], reason: &T) -> Option<&'t str> {
    table.iter().find(|(_, known)| known == reason).map(|(text, _)| *text)
}

/// One line of text: control characters and runs of white space become one space each.
pub(super) fn one_line(text: &str) -> String {
    let blank = |c: char| c.is_whitespace() || c.is_control();
    text.split(blank)
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

impl Description {
    pub(super) fn new(text: &str) -> Self {
        // In this order: what is squeezed away may stand before a separator.
        Self(one_line(text).trim_start_matches(super::SEPARATORS).into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn or_none(text: &str) -> Option<Self> {
        let description = Self::new(text);
        (!description.0.is_empty()).then_some(description)
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads a reason: a known one in any spelling, or free text.
impl From<&str> for ErrorModifier {
    fn from(text: &str) -> Self {
        known(&ERRORS, text)
            .or_else(|| Description::or_none(text).map(Self::Other))
            .unwrap_or(Self::Unspecified)
    }
}

/// Reads a reason: a known one in any spelling, or free text.
impl From<&str> for WarningModifier {
    fn from(text: &str) -> Self {
        known(&WARNINGS, text)
            .or_else(|| Description::or_none(text).map(Self::Other))
            .unwrap_or(Self::Unspecified)
    }
}

/// Reads a reason: a known one in any spelling, or free text.
impl From<&str> for FailureModifier {
    fn from(text: &str) -> Self {
        known(&FAILURES, text)
            .or_else(|| Description::or_none(text).map(Self::Other))
            .unwrap_or(Self::Unspecified)
    }
}

/// The word before the reason, and the reason, if `text` starts with such a word.
fn split_word(text: &str) -> Option<(&str, &str)> {
    ["error", "warning", "failure"].into_iter().find_map(|word| {
        let (start, reason) = text.split_at_checked(word.len())?;
        let ends = !reason.starts_with(|c: char| c.is_alphanumeric() || c == '-' || c == '_');
        (start.eq_ignore_ascii_case(word) && ends).then_some((word, reason.trim_start_matches(super::SEPARATORS)))
    })
}

/// Reads what follows the disposition type. After `failed`, text without one of the three words is a failure.
pub(super) fn read(text: &str, failed: bool) -> Option<DispositionModifier> {
    let text = text.trim_matches([' ', '\t']);
    match split_word(text) {
        Some(("error", reason)) => Some(DispositionModifier::Error(reason.into())),
        Some(("warning", reason)) => Some(DispositionModifier::Warning(reason.into())),
        Some((_, reason)) => Some(DispositionModifier::Failure(reason.into())),
        None if text.is_empty() => None,
        None if failed => Some(DispositionModifier::Failure(text.into())),
        None => known(&ERRORS, text)
            .map(DispositionModifier::Error)
            .or_else(|| known(&WARNINGS, text).map(DispositionModifier::Warning))
            .or_else(|| known(&FAILURES, text).map(DispositionModifier::Failure))
            .or_else(|| Description::or_none(text).map(DispositionModifier::Other)),
    }
}

impl fmt::Display for ErrorModifier {
    /// The reason alone; nothing for an unspecified one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(text) => text.fmt(f),
            known => f.write_str(spelling(&ERRORS, known).unwrap_or_default()),
        }
    }
}

impl fmt::Display for WarningModifier {
    /// The reason alone; nothing for an unspecified one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(text) => text.fmt(f),
            known => f.write_str(spelling(&WARNINGS, known).unwrap_or_default()),
        }
    }
}

impl fmt::Display for FailureModifier {
    /// The reason alone; nothing for an unspecified one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(text) => text.fmt(f),
            known => f.write_str(spelling(&FAILURES, known).unwrap_or_default()),
        }
    }
}

impl fmt::Display for DispositionModifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(ErrorModifier::Unspecified) => f.write_str("error"),
            Self::Error(reason) => write!(f, "error: {reason}"),
            Self::Warning(WarningModifier::Unspecified) => f.write_str("warning"),
            Self::Warning(reason) => write!(f, "warning: {reason}"),
            Self::Failure(FailureModifier::Unspecified) => f.write_str("failure"),
            Self::Failure(reason) => write!(f, "failure: {reason}"),
            Self::Other(text) => text.fmt(f),
        }
    }
}
