use super::{Expected, ReceiptSignature, ReceiptStatus};
use crate::algorithm::{DigestAlgorithm, MicalgStyle};
use crate::limits::Limits;
use crate::mdn::disposition::{Disposition, ErrorModifier, FailureModifier, WarningModifier};
use crate::mdn::report::Mdn;
use crate::message_id::MessageId;
use crate::mic::{Digester, Mic, MicError, MicSet};
use crate::mime::HeaderBlock;

use DigestAlgorithm::{Sha1, Sha256, Sha512};
use ReceiptSignature::{Unsigned, Verified};

const AUTO: &str = "automatic-action/MDN-sent-automatically; ";
const ABC_SHA256: &str = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
const ABC_SHA1: &str = "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=";
/// The digest of nothing.
const OTHER_SHA256: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

fn mics(algorithms: &[DigestAlgorithm]) -> MicSet {
    let mut digester = Digester::new(algorithms.iter().copied());
    digester.update(b"abc");
    digester.finish()
}

fn mic(algorithm: DigestAlgorithm) -> Mic {
    mics(&[algorithm]).first().unwrap().clone()
}

/// A receipt as its fields say.
fn receipt(id: &str, disposition: &str, mic: &str) -> Mdn {
    let mut head = HeaderBlock::new();
    head.push("Content-Type", "message/disposition-notification").unwrap();
    let fields =
        format!("Original-Message-ID: {id}\r\nDisposition: {AUTO}{disposition}\r\nReceived-content-MIC: {mic}\r\n");
    Mdn::parse(&head, fields.as_bytes(), &Limits::default()).unwrap()
}

/// What a receipt for `<1@acme.example>` over `abc` says, by default with a signed receipt over SHA-256 expected.
fn confirm(mdn: &Mdn, signature: ReceiptSignature, expect: impl FnOnce(Expected<'_>) -> Expected<'_>) -> ReceiptStatus {
    let id = MessageId::new("1@acme.example").unwrap();
    let mics = mics(&[Sha256, Sha1]);
    mdn.confirm(&expect(Expected::new(&id, &mics, Sha256)), signature)
}

fn signed(mdn: &Mdn) -> ReceiptStatus {
    confirm(mdn, Verified, |expected| expected)
}

fn positive(mic: &str) -> Mdn {
    receipt("<1@acme.example>", "processed", mic)
}

fn accepted(algorithm: DigestAlgorithm) -> ReceiptStatus {
    ReceiptStatus::Accepted {
        mic: mic(algorithm),
        signed: true,
    }
}

/// MDN-51, SEC-43: the one way to be confirmed and to be able to prove it.
#[test]
fn equal_digests_confirm() {
    let status = signed(&positive(&format!("{ABC_SHA256}, sha-256")));
    assert_eq!(status, accepted(Sha256));
    assert!(status.is_accepted());
    assert!(status.proves_receipt(true));
    assert!(!status.proves_receipt(false));
}

/// INT-22, MDN-10: spellings do not matter; a digest without a name is the requested one.
#[test]
fn digests_are_compared_by_value() {
    for field in ["sha256", "SHA256", "sha-256", "rsa-sha256", "sha-256 (ours)"] {
        assert_eq!(
            signed(&positive(&format!("{ABC_SHA256},{field}"))),
            accepted(Sha256),
            "{field}"
        );
    }
    assert_eq!(signed(&positive(ABC_SHA256)), accepted(Sha256));
    // INT-12: SHA-1 whatever was asked; which one it was stays to be seen.
    assert_eq!(signed(&positive(&format!("{ABC_SHA1}, sha1"))), accepted(Sha1));
}

/// MDN-53: the mismatch comes with both digests.
#[test]
fn other_digests_are_a_mismatch() {
    let status = signed(&positive(&format!("{OTHER_SHA256}, sha256")));
    assert_eq!(
        status,
        ReceiptStatus::MicMismatch {
            ours: mic(Sha256),
            theirs: Digester::new([Sha256]).finish().first().unwrap().clone(),
        }
    );
    assert!(!status.is_accepted());
}

/// SEC-15, SEC-18: a digest of another kind or of no kind confirms nothing.
#[test]
fn digests_that_cannot_be_compared_do_not_confirm() {
    let sha512 = mic(Sha512).to_field(MicalgStyle::Rfc5751);
    for (field, error) in [
        (sha512.as_str(), None),
        (
            "null, sha256",
            Some(MicError::Length {
                algorithm: Sha256,
                length: 3,
            }),
        ),
        ("?, sha256", Some(MicError::NotBase64("?".to_owned()))),
        (
            "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfI=, sha256",
            Some(MicError::Length {
                algorithm: Sha256,
                length: 29,
            }),
        ),
    ] {
        let status = signed(&positive(field));
        assert_eq!(
            status,
            ReceiptStatus::UnusableMic {
                field: field.to_owned(),
                error
            }
        );
        assert!(!status.is_accepted());
    }
    let sha3 = signed(&positive("p//G+L8e12ZRwUdWoGHWYvWA/03kO0n6gtgKS4D4Q0o=, sha3-256"));
    assert!(matches!(
        sha3,
        ReceiptStatus::UnusableMic {
            error: Some(MicError::Algorithm(_)),
            ..
        }
    ));
    // MD5 is computed only where the policy allows it, and known only with a feature.
    let md5 = signed(&positive("1B2M2Y8AsgTpgAmY7PhCfg==, md5"));
    let ReceiptStatus::UnusableMic { error, .. } = md5 else {
        panic!("{md5:?}")
    };
    assert_eq!(error.is_none(), cfg!(feature = "legacy"));
}

/// MDN-52: a signed receipt has to say of what, unless the partner is excused; an unsigned one need not.
#[test]
fn a_signed_receipt_needs_a_digest() {
    let mdn = positive("");
    assert_eq!(signed(&mdn), ReceiptStatus::MissingMic);
    let excused = confirm(&mdn, Verified, |expected| expected.mic_required(false));
    assert_eq!(excused, ReceiptStatus::AcceptedWithoutMic);
    assert!(excused.is_accepted());
    assert!(!excused.proves_receipt(true));
    assert_eq!(
        confirm(&mdn, Unsigned, |expected| expected.signed(false)),
        ReceiptStatus::AcceptedWithoutMic
    );
    assert_eq!(
        confirm(&mdn, Verified, |expected| expected.signed(false)),
        ReceiptStatus::MissingMic
    );
}

/// SEC-16, CLI-11: whatever an unsigned receipt says, it says nothing where a signed one was asked for.
#[test]
fn unsigned_receipts_count_only_where_they_were_asked_for() {
    let good = positive(&format!("{ABC_SHA256}, sha256"));
    let refusal = receipt("<1@acme.example>", "processed/error: decryption-failed", "");
    for mdn in [&good, &refusal] {
        assert_eq!(confirm(mdn, Unsigned, |expected| expected), ReceiptStatus::Unsigned);
    }
    let status = confirm(&good, Unsigned, |expected| expected.signed(false));
    assert_eq!(
        status,
        ReceiptStatus::Accepted {
            mic: mic(Sha256),
            signed: false
        }
    );
    assert!(status.is_accepted());
    assert!(!status.proves_receipt(true));
}

/// MDN-50: a wrong signature is worse than none, also where none was asked for.
#[test]
fn a_wrong_signature_comes_first() {
    let elsewhere = receipt("<2@acme.example>", "processed/error", "");
    for mdn in [positive(&format!("{ABC_SHA256}, sha256")), elsewhere] {
        for reason in [ErrorModifier::AuthenticationFailed, ErrorModifier::IntegrityCheckFailed] {
            let signature = ReceiptSignature::Invalid(reason.clone());
            let status = confirm(&mdn, signature, |expected| expected.signed(false));
            assert_eq!(status, ReceiptStatus::InvalidSignature(reason));
            assert!(!status.is_accepted());
        }
    }
}

/// INT-20, INT-21: brackets and white space from folds do not matter, everything else does.
#[test]
fn receipts_are_matched_to_their_message() {
    let mic = format!("{ABC_SHA256}, sha256");
    for id in [
        "<1@acme.example>",
        "1@acme.example",
        "<1@acme.\r\n example>",
        "<1@ acme . example>",
    ] {
        assert_eq!(signed(&receipt(id, "processed", &mic)), accepted(Sha256), "{id}");
    }
    for id in [
        "<2@acme.example>",
        "<1@ACME.example>",
        "<<1@acme.example>>",
        "<1@acme.example",
        "\"1@acme.example\"",
        "ü",
    ] {
        let status = signed(&receipt(id, "processed/error: decryption-failed", &mic));
        assert_eq!(
            status,
            ReceiptStatus::OtherMessage {
                original_message_id: Some(id.to_owned())
            }
        );
    }
    assert_eq!(
        signed(&receipt("", "processed", &mic)),
        ReceiptStatus::OtherMessage {
            original_message_id: None
        }
    );
}

/// INT-20, INT-21: the identifiers to look a message up by.
#[test]
fn identifiers_are_offered_best_first() {
    let ids = |id: &str| -> Vec<String> {
        let mdn = receipt(id, "processed", "");
        mdn.original_message_ids().map(|id| id.to_string()).collect()
    };
    assert_eq!(ids("<1@b>"), ["<1@b>"]);
    assert_eq!(ids("<OPENAS2 1>"), ["<OPENAS2 1>", "<OPENAS21>"]);
    assert_eq!(ids("<>"), [""; 0]);
    assert_eq!(ids(&"x".repeat(999)), [""; 0]);
}

/// CLI-20, MDN-28, INT-16: refusals in all forms, the digest notwithstanding.
#[test]
fn refusals_are_never_a_success() {
    let mic = format!("{ABC_SHA256}, sha256");
    for (text, disposition) in [
        (
            "processed/error: decryption-failed",
            Disposition::error(ErrorModifier::DecryptionFailed),
        ),
        ("processed/Error", Disposition::error(ErrorModifier::Unspecified)),
        (
            "failed/failure=decryption-failed",
            Disposition::failure("decryption-failed".into()),
        ),
        (
            "failed/failure: unsupported format",
            Disposition::failure(FailureModifier::UnsupportedFormat),
        ),
        ("failed", format!("{AUTO}failed").parse().unwrap()),
        (
            "processed/failure: x",
            format!("{AUTO}processed/failure: x").parse().unwrap(),
        ),
        (
            "processed/superseded",
            format!("{AUTO}processed/superseded").parse().unwrap(),
        ),
        ("displayed", format!("{AUTO}displayed").parse().unwrap()),
        ("deleted/error", format!("{AUTO}deleted/error").parse().unwrap()),
    ] {
        let status = signed(&receipt("<1@acme.example>", text, &mic));
        assert_eq!(status, ReceiptStatus::Rejected(disposition));
        assert!(!status.is_accepted());
    }
}

/// MDN-22, MDN-23: a reservation is no success, and says whether the partner has the same message.
#[test]
fn warnings_are_for_the_host_to_judge() {
    let duplicate = |mic: &str| {
        signed(&receipt(
            "<1@acme.example>",
            "processed/warning: duplicate-document",
            mic,
        ))
    };
    for (mic, mic_matched) in [
        (format!("{ABC_SHA256}, sha256"), true),
        (format!("{OTHER_SHA256}, sha256"), false),
        (String::new(), false),
    ] {
        let status = duplicate(&mic);
        assert_eq!(
            status,
            ReceiptStatus::Warning {
                warning: WarningModifier::DuplicateDocument,
                mic_matched
            }
        );
        assert!(!status.is_accepted());
    }
    let continued = receipt(
        "<1@acme.example>",
        "processed/warning: authentication-failed, processing continued",
        "",
    );
    assert_eq!(
        signed(&continued),
        ReceiptStatus::Warning {
            warning: WarningModifier::AuthenticationFailedProcessingContinued,
            mic_matched: false
        }
    );
}

/// What the shells say of a receipt that there is none of confirms nothing.
#[test]
fn no_receipt_is_no_confirmation() {
    for status in [
        ReceiptStatus::NotRequested,
        ReceiptStatus::Pending,
        ReceiptStatus::Missing,
    ] {
        assert!(!status.is_accepted() && !status.proves_receipt(true), "{status:?}");
    }
}
