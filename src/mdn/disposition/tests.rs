use proptest::prelude::*;

use super::{
    Disposition, DispositionError, DispositionMode, DispositionModifier, DispositionType, ErrorModifier,
    FailureModifier, WarningModifier,
};

const AUTO: &str = "automatic-action/MDN-sent-automatically";

fn read(field: &str) -> Disposition {
    field.parse().unwrap_or_else(|error| panic!("{field:?}: {error}"))
}

/// MDN-11, MDN-13..28: exactly what we write.
#[test]
fn written_forms_are_exact() {
    for (disposition, tail) in [
        (Disposition::processed(), "processed"),
        (
            Disposition::error(ErrorModifier::DecryptionFailed),
            "processed/error: decryption-failed",
        ),
        (
            Disposition::error(ErrorModifier::AuthenticationFailed),
            "processed/error: authentication-failed",
        ),
        (
            Disposition::error(ErrorModifier::IntegrityCheckFailed),
            "processed/error: integrity-check-failed",
        ),
        (
            Disposition::error(ErrorModifier::DecompressionFailed),
            "processed/error: decompression-failed",
        ),
        (
            Disposition::error(ErrorModifier::InsufficientMessageSecurity),
            "processed/error: insufficient-message-security",
        ),
        (
            Disposition::error(ErrorModifier::UnexpectedProcessingError),
            "processed/error: unexpected-processing-error",
        ),
        (
            Disposition::error(ErrorModifier::UnknownTradingPartner),
            "processed/error: unknown-trading-partner",
        ),
        (
            Disposition::error(ErrorModifier::UnknownTradingRelationship),
            "processed/error: unknown-trading-relationship",
        ),
        (
            Disposition::warning(WarningModifier::DuplicateDocument),
            "processed/warning: duplicate-document",
        ),
        (
            Disposition::warning(WarningModifier::AuthenticationFailedProcessingContinued),
            "processed/warning: authentication-failed, processing continued",
        ),
        (
            Disposition::failure(FailureModifier::UnsupportedFormat),
            "failed/failure: unsupported format",
        ),
        (
            Disposition::failure(FailureModifier::UnsupportedMicAlgorithms),
            "failed/failure: unsupported MIC-algorithms",
        ),
        (
            Disposition::failure(FailureModifier::SenderEqualsReceiver),
            "failed/failure: sender-equals-receiver",
        ),
        (
            Disposition::error(ErrorModifier::from("disk on fire")),
            "processed/error: disk on fire",
        ),
    ] {
        assert_eq!(disposition.to_string(), format!("{AUTO}; {tail}"));
        assert_eq!(read(&disposition.to_string()), disposition);
    }
}

/// MDN-12, MDN-13, MDN-24, MDN-25, MDN-26, MDN-27, MDN-28, MDN-30, INT-13, INT-15, INT-16, INT-29: what products and the RFC's examples write.
#[test]
fn real_dispositions_are_read() {
    let error = |text: &str| Disposition::error(ErrorModifier::from(text));
    let warning = |text: &str| Disposition::warning(WarningModifier::from(text));
    let failure = |text: &str| Disposition::failure(FailureModifier::from(text));
    let table: Vec<(&str, Disposition)> = vec![
        // RFC 4130 §7.5.2 to §7.5.6
        (
            "automatic-action/MDN-sent-automatically; processed",
            Disposition::processed(),
        ),
        (
            "automatic-action/MDN-sent-automatically;\r\n  processed",
            Disposition::processed(),
        ),
        (
            "automatic-action/MDN-sent-automatically;  failed/Failure: unsupported format",
            failure("unsupported format"),
        ),
        (
            "automatic-action/MDN-sent-automatically; failed/Failure: unsupported MIC-algorithms",
            failure("unsupported MIC-algorithms"),
        ),
        (
            "automatic-action/MDN-sent-automatically; processed/Error:\r\n decryption-failed",
            error("decryption-failed"),
        ),
        (
            "automatic-action/MDN-sent-automatically; processed/Warning:\n\tauthentication-failed, processing continued",
            warning("authentication-failed, processing continued"),
        ),
        (
            "automatic-action/MDN-sent-automatically;\r\n      processed/error: authentication-failed",
            error("authentication-failed"),
        ),
        (
            "automatic-action/MDN-sent-automatically;\r\n      processed/warning: duplicate-document",
            warning("duplicate-document"),
        ),
        (
            "automatic-action/MDN-sent-automatically;\r\n      failed/failure: sender-equals-receiver",
            failure("sender-equals-receiver"),
        ),
        (
            "automatic-action/MDN-sent-automatically; processed/error",
            Disposition::error(ErrorModifier::Unspecified),
        ),
        (
            "automatic-action/MDN-sent-automatically; processed/warning",
            Disposition::warning(WarningModifier::Unspecified),
        ),
        // the modes
        (
            "manual-action/MDN-sent-automatically; processed",
            Disposition::processed().with_mode(DispositionMode::ManualAction),
        ),
        (
            "manual-action/MDN-sent-manually; processed",
            Disposition::processed().with_mode(DispositionMode::ManualSending),
        ),
        (
            "Manual-Action / MDN-Sent-Manually ; Processed",
            Disposition::processed().with_mode(DispositionMode::ManualSending),
        ),
        (
            "automatic-action/MDN-sent-manually; processed",
            Disposition::processed(),
        ),
        (
            "automatic-action/mdn-sent-automatically; processed",
            Disposition::processed(),
        ),
        (
            "AUTOMATIC-ACTION/MDN-SENT-AUTOMATICALLY; PROCESSED",
            Disposition::processed(),
        ),
        (
            "automatic-action/MDN-sent-automatically;processed",
            Disposition::processed(),
        ),
        (
            "automatic-action/MDN-sent-automatically ;\tprocessed ",
            Disposition::processed(),
        ),
        (
            "automatic-action/MDN-sent-automatically; processed;",
            Disposition::processed(),
        ),
        (
            "automatic-action/MDN-sent-automatically processed",
            Disposition::processed(),
        ),
        ("processed", Disposition::processed()),
        ("Processed/Error: authentication-failed", error("authentication-failed")),
        // OpenAS2
        (
            "automatic-action/MDN-sent-automatically; processed/Error:decryption-failed",
            error("decryption-failed"),
        ),
        (
            "automatic-action/MDN-sent-automatically; processed/error: decompresion-failed",
            error("decompresion-failed"),
        ),
        (
            "automatic-action/MDN-sent-automatically; processed/Error: signed-message-required",
            error("signed-message-required"),
        ),
        (
            "automatic-action/MDN-sent-automatically; processed/Error: Error storing transaction",
            error("Error storing transaction"),
        ),
        // pyas2lib
        (
            "automatic-action/MDN-sent-automatically; processed/Error: unknown-trading-partner",
            error("unknown-trading-partner"),
        ),
        (
            "automatic-action/MDN-sent-automatically; processed/Error: insufficient-message-security",
            error("insufficient-message-security"),
        ),
        (
            "automatic-action/MDN-sent-automatically; processed/Warning: duplicate-document",
            warning("duplicate-document"),
        ),
        (
            "automatic-action/MDN-sent-automatically; failed/Failure: unsupported format",
            failure("unsupported format"),
        ),
        // node-libas2
        (
            "automatic-action/MDN-sent-automatically; processed/error=decryption-failed",
            error("decryption-failed"),
        ),
        (
            "automatic-action/MDN-sent-automatically; failed/failure=decryption-failed",
            failure("decryption-failed"),
        ),
        // mendelson, phase2, Oxalis
        (
            "automatic-action/MDN-sent-automatically; processed/error: unexpected-processing-error",
            error("unexpected-processing-error"),
        ),
        (
            "automatic-action/MDN-sent-automatically; processed/error: authentication-failed",
            error("authentication-failed"),
        ),
        (
            "automatic-action/MDN-sent-automatically; processed/error: participant-not-accepted",
            error("participant-not-accepted"),
        ),
        (
            "automatic-action/MDN-sent-automatically; processed/error: document-modifier-id-not-accepted",
            error("document-modifier-id-not-accepted"),
        ),
        (
            "automatic-action/MDN-sent-automatically; processed/error: process-id-not-accepted",
            error("process-id-not-accepted"),
        ),
        // the draft of the RFC's revision
        (
            "automatic-action/MDN-sent-automatically; processed/error: unknown-trading-relationship",
            error("unknown-trading-relationship"),
        ),
        (
            "automatic-action/MDN-sent-automatically; processed/error: invalid-message-id",
            error("invalid-message-id"),
        ),
        (
            "automatic-action/MDN-sent-automatically; processed/error: duplicate-filename",
            error("duplicate-filename"),
        ),
        (
            "automatic-action/MDN-sent-automatically; processed/error: illegal-filename",
            error("illegal-filename"),
        ),
        (
            "automatic-action/MDN-sent-automatically; failed/failure: unsupported-mic-algorithm",
            failure("unsupported MIC-algorithms"),
        ),
        (
            "automatic-action/MDN-sent-automatically; failed/failure: unsupported MIC-algorithm",
            failure("unsupported MIC-algorithms"),
        ),
        // separators that should not matter
        (
            "automatic-action/MDN-sent-automatically; processed / error : integrity-check-failed",
            error("integrity-check-failed"),
        ),
        (
            "automatic-action/MDN-sent-automatically; processed/error integrity-check-failed",
            error("integrity-check-failed"),
        ),
        (
            "automatic-action/MDN-sent-automatically; processed/error/integrity-check-failed",
            error("integrity-check-failed"),
        ),
        (
            "automatic-action/MDN-sent-automatically; processed: error: integrity-check-failed",
            error("integrity-check-failed"),
        ),
        (
            "automatic-action/MDN-sent-automatically; processed/integrity-check-failed",
            error("integrity-check-failed"),
        ),
        (
            "automatic-action/MDN-sent-automatically; processed/ERROR: INTEGRITY CHECK FAILED",
            error("integrity-check-failed"),
        ),
        (
            "automatic-action/MDN-sent-automatically; failed: unsupported format",
            failure("unsupported format"),
        ),
    ];
    assert!(table.len() >= 40);
    for (field, expected) in table {
        assert_eq!(read(field), expected, "{field:?}");
    }
}

/// MDN-30: text that no table knows is kept, and is not taken for a plain "processed".
#[test]
fn unknown_words_are_kept() {
    let modified = read("automatic-action/MDN-sent-automatically; processed/  partly   done");
    let Some(DispositionModifier::Other(text)) = modified.modifier() else {
        panic!("{modified:?}");
    };
    assert_eq!(text.as_str(), "partly done");
    let displayed = read("manual-action/MDN-sent-manually; displayed");
    assert!(matches!(displayed.kind(), DispositionType::Other(kind) if kind.as_str() == "displayed"));
    // White space of any kind does not hide that there is no text.
    assert_eq!(ErrorModifier::from("\u{2000}: "), ErrorModifier::Unspecified);
    let errors = read("automatic-action/MDN-sent-automatically; processed/errors-none");
    assert!(matches!(errors.modifier(), Some(DispositionModifier::Other(_))));
}

#[test]
fn a_field_without_a_type_is_refused() {
    for field in [
        "",
        " ",
        ";",
        "automatic-action/MDN-sent-automatically",
        "automatic-action/MDN-sent-automatically; /",
    ] {
        assert!(
            matches!(field.parse::<Disposition>(), Err(DispositionError::MissingType(_))),
            "{field:?}"
        );
    }
}

/// MDN-28: the reason in a field of its own, the third example group of RFC 4130 §7.5.6.
#[test]
fn reasons_of_separate_fields_are_joined() {
    assert_eq!(
        read("automatic-action/MDN-sent-automatically; processed/error").with_reason(
            Some("authentication-failed"),
            Some("x"),
            None
        ),
        Disposition::error(ErrorModifier::AuthenticationFailed)
    );
    assert_eq!(
        read("automatic-action/MDN-sent-automatically; processed/warning").with_reason(
            None,
            Some("duplicate-document"),
            None
        ),
        Disposition::warning(WarningModifier::DuplicateDocument)
    );
    let failed = read("automatic-action/MDN-sent-automatically; failed");
    assert_eq!(
        failed.clone().with_reason(None, None, Some("sender-equals-receiver")),
        Disposition::failure(FailureModifier::SenderEqualsReceiver)
    );
    // Fields beside a reason, of another kind, or missing change nothing.
    assert_eq!(failed.clone().with_reason(Some("x"), None, None), failed);
    let named = Disposition::error(ErrorModifier::DecryptionFailed);
    assert_eq!(named.clone().with_reason(Some("x"), Some("y"), Some("z")), named);
    assert_eq!(
        Disposition::processed().with_reason(Some("x"), None, Some("z")),
        Disposition::processed()
    );
}

proptest! {
    /// SEC-30: no text makes a second line, and what was written is read back.
    #[test]
    fn any_reason_survives_on_one_line(text in any::<String>(), which in 0..4) {
        let disposition = match which {
            0 => Disposition::error(text.as_str().into()),
            1 => Disposition::warning(text.as_str().into()),
            2 => Disposition::failure(text.as_str().into()),
            _ => read(&format!("{AUTO}; processed/x{text}")),
        };
        let written = disposition.to_string();
        prop_assert!(!written.contains(char::is_control));
        prop_assert_eq!(read(&written), disposition);
    }

    #[test]
    fn any_field_is_read_or_refused(field in "(auto/m;)?[ ;:=/,a-z]{0,20}(processed|failed)?[ -~\r\n\t]{0,40}") {
        if let Ok(read_once) = field.parse::<Disposition>() {
            prop_assert_eq!(read(&read_once.to_string()), read_once);
        }
    }
}
