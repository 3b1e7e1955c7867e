//! The part of a receipt that people read (RFC 4130 §7.6).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::OriginalMessage;
use crate::mdn::disposition::{Disposition, DispositionModifier, ErrorModifier, WarningModifier};

/// The most characters of one value from the original message or from the host.
const MAX_VALUE: usize = 200;

/// The most characters of a remark.
const MAX_REMARK: usize = 2000;

/// Times beyond the year 9999 cannot be written.
const END_OF_TIME: Duration = Duration::from_secs(253_402_300_800);

/// The text: the message as its headers describe it, its status, and a sentence that depends on the disposition alone,
/// so that failures with one disposition are told in the same words (SEC-01).
pub(super) fn describe(original: &OriginalMessage<'_>, disposition: &Disposition) -> String {
    let mut text = String::from("This is the receipt for an AS2 message.\n\n");
    let mut line = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            text.push_str(&format!("{name}: {}\n", printable(value, MAX_VALUE)));
        }
    };
    line("Message-ID", original.message_id.map(|id| id.as_str()));
    line("From", Some(original.from.as_str()));
    line("To", Some(original.to.as_str()));
    line("Subject", original.subject);
    line("Date", original.date);
    line("Received", date(original.received).as_deref());
    line("Status", Some(&disposition.status()));
    if let Some(explanation) = explain(disposition) {
        text.push('\n');
        text.push_str(explanation);
    }
    text.truncate(text.trim_end().len());
    text
}

/// Appends the host's own words.
pub(super) fn append_remark(text: &mut String, remark: &str) {
    text.push('\n');
    for line in remark.chars().take(MAX_REMARK).collect::<String>().lines() {
        text.push('\n');
        text.push_str(&printable(line, MAX_REMARK));
    }
    text.truncate(text.trim_end().len());
}

/// One line of printable ASCII: everything else becomes `?`, and the end of a long value is left out.
pub(super) fn printable(value: &str, max: usize) -> String {
    let mut characters = value.chars();
    let mut line: String = characters
        .by_ref()
        .take(max)
        .map(|character| match character {
            ' '..='~' => character,
            '\t' => ' ',
            _ => '?',
        })
        .collect();
    if characters.next().is_some() {
        line.push_str("...");
    }
    line
}

fn date(time: SystemTime) -> Option<String> {
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    (since < END_OF_TIME).then(|| httpdate::fmt_http_date(time))
}

fn explain(disposition: &Disposition) -> Option<&'static str> {
    Some(match disposition.modifier() {
        None => {
            "The message was received and accepted. This is no statement that its\n\
             content was understood or acted upon."
        }
        Some(DispositionModifier::Error(error)) => match error {
            ErrorModifier::DecryptionFailed => {
                "The message could not be decrypted, so there is no digest of its content.\n\
                 It was not accepted."
            }
            ErrorModifier::DecompressionFailed => "The message could not be decompressed. It was not accepted.",
            ErrorModifier::AuthenticationFailed => {
                "The sender could not be authenticated. The message was not accepted."
            }
            ErrorModifier::IntegrityCheckFailed => {
                "The signature does not match the content. The message was not accepted."
            }
            ErrorModifier::InsufficientMessageSecurity => {
                "The message is not secured as was agreed. It was not accepted."
            }
            ErrorModifier::UnknownTradingPartner | ErrorModifier::UnknownTradingRelationship => {
                "No exchange of messages is agreed between this sender and this receiver.\n\
                 The message was not accepted."
            }
            ErrorModifier::Unspecified
            | ErrorModifier::UnexpectedProcessingError
            | ErrorModifier::InvalidMessageId
            | ErrorModifier::DuplicateFilename
            | ErrorModifier::IllegalFilename
            | ErrorModifier::Other(_) => "The message could not be processed. It was not accepted.",
        },
        Some(DispositionModifier::Warning(warning)) => match warning {
            WarningModifier::DuplicateDocument => {
                "The same message had been received before. It was not processed again."
            }
            WarningModifier::AuthenticationFailedProcessingContinued => {
                "The sender could not be authenticated. The message was accepted all the same."
            }
            WarningModifier::Unspecified | WarningModifier::Other(_) => "The message was received and accepted.",
        },
        Some(DispositionModifier::Failure(_)) => {
            "The kind of receipt that was asked for cannot be given. The message was not\n\
             accepted."
        }
        Some(DispositionModifier::Other(_)) => return None,
    })
}
