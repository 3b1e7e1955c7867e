//! The `Disposition` field (RFC 4130 §7.4.3, §7.5).

mod modifier;

use std::fmt;
use std::str::FromStr;

pub use modifier::{Description, DispositionModifier, ErrorModifier, FailureModifier, WarningModifier};

/// What became of a message: the value of an MDN's `Disposition` field (RFC 4130 §7.4.3).
///
/// Reading is tolerant (case, white space, separators); writing gives the exact form of the RFC.
///
/// ```
/// use ediint::mdn::{Disposition, ErrorModifier};
///
/// let read: Disposition = "Automatic-Action/mdn-sent-automatically;processed/Error=decryption-failed".parse()?;
/// assert_eq!(read, Disposition::error(ErrorModifier::DecryptionFailed));
/// assert_eq!(
///     read.to_string(),
///     "automatic-action/MDN-sent-automatically; processed/error: decryption-failed"
/// );
/// # Ok::<(), ediint::mdn::DispositionError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Disposition {
    mode: DispositionMode,
    kind: DispositionType,
    modifier: Option<DispositionModifier>,
}

/// Who decided, and who sent the receipt (RFC 4130 §7.4.3 `disposition-mode`). Nothing depends on it.
///
/// `MDN-sent-manually` has a meaning with `manual-action` only (RFC 4130 §7.4.4): together with `automatic-action` it is
/// read as [`DispositionMode::Automatic`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DispositionMode {
    /// `automatic-action/MDN-sent-automatically`, what software sends.
    #[default]
    Automatic,
    /// `manual-action/MDN-sent-automatically`: a person decided.
    ManualAction,
    /// `manual-action/MDN-sent-manually`: a person decided and released the receipt.
    ManualSending,
}

/// The disposition type (RFC 4130 §7.4.3).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DispositionType {
    /// `processed`, with a modifier where something was wrong.
    Processed,
    /// `failed`: the request for a receipt could not be honoured (RFC 4130 §7.5.3). Some products use it for any error.
    Failed,
    /// Another type, such as those of RFC 3798 (`displayed`): never a confirmation.
    Other(Description),
}

/// Why a `Disposition` field cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DispositionError {
    /// It has no disposition type.
    #[error("the disposition {0:?} has no type such as \"processed\"")]
    MissingType(String),
}

impl Disposition {
    /// `processed`: the message arrived and is the host's now (RFC 4130 §7.5.2).
    #[must_use]
    pub const fn processed() -> Self {
        Self {
            mode: DispositionMode::Automatic,
            kind: DispositionType::Processed,
            modifier: None,
        }
    }

    /// `processed/error: ...`: the message is refused (RFC 4130 §7.5.4).
    #[must_use]
    pub const fn error(error: ErrorModifier) -> Self {
        Self {
            mode: DispositionMode::Automatic,
            kind: DispositionType::Processed,
            modifier: Some(DispositionModifier::Error(error)),
        }
    }

    /// `processed/warning: ...`: the message was taken although something was unusual (RFC 4130 §7.5.5).
    #[must_use]
    pub const fn warning(warning: WarningModifier) -> Self {
        Self {
            mode: DispositionMode::Automatic,
            kind: DispositionType::Processed,
            modifier: Some(DispositionModifier::Warning(warning)),
        }
    }

    /// `failed/failure: ...`: the requested kind of receipt cannot be given (RFC 4130 §7.5.3). Never for trouble with
    /// the message itself (RFC 4130 §7.4.4).
    #[must_use]
    pub const fn failure(failure: FailureModifier) -> Self {
        Self {
            mode: DispositionMode::Automatic,
            kind: DispositionType::Failed,
            modifier: Some(DispositionModifier::Failure(failure)),
        }
    }

    /// The same with another mode.
    #[must_use]
    pub fn with_mode(self, mode: DispositionMode) -> Self {
        Self { mode, ..self }
    }

    /// Who decided and who sent.
    #[must_use]
    pub const fn mode(&self) -> DispositionMode {
        self.mode
    }

    /// The type.
    #[must_use]
    pub const fn kind(&self) -> &DispositionType {
        &self.kind
    }

    /// The modifier, if any.
    #[must_use]
    pub const fn modifier(&self) -> Option<&DispositionModifier> {
        self.modifier.as_ref()
    }

    /// The type and the modifier without the mode: `processed/error: decryption-failed`.
    pub(super) fn status(&self) -> String {
        match &self.modifier {
            None => self.kind.to_string(),
            Some(modifier) => format!("{}/{modifier}", self.kind),
        }
    }

    /// The same with the reason of a separate `Error`, `Warning` or `Failure` field where this one names none: the form
    /// of RFC 3798, `processed/error` and `Error: authentication-failed` (RFC 4130 §7.5.6).
    #[must_use]
    pub fn with_reason(mut self, error: Option<&str>, warning: Option<&str>, failure: Option<&str>) -> Self {
        if self.kind == DispositionType::Failed && self.modifier.is_none() && failure.is_some() {
            self.modifier = Some(DispositionModifier::Failure(FailureModifier::Unspecified));
        }
        match &mut self.modifier {
            Some(DispositionModifier::Error(reason @ ErrorModifier::Unspecified)) => {
                *reason = error.unwrap_or_default().into();
            }
            Some(DispositionModifier::Warning(reason @ WarningModifier::Unspecified)) => {
                *reason = warning.unwrap_or_default().into();
            }
            Some(DispositionModifier::Failure(reason @ FailureModifier::Unspecified)) => {
                *reason = failure.unwrap_or_default().into();
            }
            _ => {}
        }
        self
    }
}

impl fmt::Display for DispositionMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Automatic => "automatic-action/MDN-sent-automatically",
            Self::ManualAction => "manual-action/MDN-sent-automatically",
            Self::ManualSending => "manual-action/MDN-sent-manually",
        })
    }
}

impl DispositionMode {
    /// Nothing hangs on the mode, so unknown words are taken for the usual ones.
    fn read(text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        match (text.contains("manual-action"), text.contains("sent-manually")) {
            (false, _) => Self::Automatic,
            (true, false) => Self::ManualAction,
            (true, true) => Self::ManualSending,
        }
    }
}

impl fmt::Display for DispositionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Processed => f.write_str("processed"),
            Self::Failed => f.write_str("failed"),
            Self::Other(other) => other.fmt(f),
        }
    }
}

impl fmt::Display for Disposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.mode, self.status())
    }
}

/// What may stand between the parts after the mode: the slash of the RFC and what products write instead.
const SEPARATORS: [char; 8] = ['/', ':', '=', ';', ',', ' ', '\t', '\u{a0}'];

/// Splits off the disposition type, a word.
fn split_type(text: &str) -> (&str, &str) {
    let end = text.find(SEPARATORS).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn is_known_type(word: &str) -> bool {
    ["processed", "failed"]
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known))
}

impl FromStr for Disposition {
    type Err = DispositionError;

    fn from_str(field: &str) -> Result<Self, DispositionError> {
        let missing = || DispositionError::MissingType(field.to_owned());
        let line = modifier::one_line(field);
        let (mode, rest) = if is_known_type(split_type(&line).0) {
            ("", line.as_str())
        } else if let Some(parts) = line.split_once(';') {
            parts
        } else {
            let lower = line.to_ascii_lowercase();
            let start = lower.find("processed").or_else(|| lower.find("failed"));
            start.and_then(|at| line.split_at_checked(at)).ok_or_else(missing)?
        };
        let (word, rest) = split_type(rest.trim_start_matches(SEPARATORS));
        let kind = match word {
            "" => return Err(missing()),
            word if word.eq_ignore_ascii_case("processed") => DispositionType::Processed,
            word if word.eq_ignore_ascii_case("failed") => DispositionType::Failed,
            other => DispositionType::Other(Description::new(other)),
        };
        let modifier = modifier::read(rest.trim_start_matches(SEPARATORS), kind == DispositionType::Failed);
        Ok(Self {
            mode: DispositionMode::read(mode),
            kind,
            modifier,
        })
    }
}

#[cfg(test)]
mod tests;
