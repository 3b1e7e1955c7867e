use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::{Mdn, OriginalMessage};
use crate::algorithm::{DigestAlgorithm, MicalgStyle};
use crate::limits::Limits;
use crate::mdn::disposition::{Disposition, DispositionMode, ErrorModifier, FailureModifier, WarningModifier};
use crate::message_id::MessageId;
use crate::mic::{Digester, Mic};
use crate::mime::{HeaderBlock, HeaderError};
use crate::name::As2Name;

/// 2026-11-24 10:15:02 UTC.
const RECEIVED: Duration = Duration::from_secs(1_795_515_302);

fn mic(algorithm: DigestAlgorithm) -> Mic {
    let mut digester = Digester::new([algorithm]);
    digester.update(b"abc");
    digester.finish().first().unwrap().clone()
}

fn name(name: &str) -> As2Name {
    As2Name::new(name).unwrap()
}

fn write(mdn: &Mdn) -> (HeaderBlock, Vec<u8>) {
    mdn.write(&mut StdRng::seed_from_u64(4130)).unwrap()
}

fn written(mdn: &Mdn) -> String {
    String::from_utf8(write(mdn).1).unwrap()
}

fn answer(disposition: Disposition) -> Mdn {
    let (from, to) = (name("ACME"), name("Bolt \"& Co"));
    let id = MessageId::parse("<1@acme.example>").unwrap();
    let original = OriginalMessage::new(&from, &to, UNIX_EPOCH + RECEIVED)
        .message_id(&id)
        .subject("Orders of today")
        .date("Tue, 24 Nov 2026 11:15:00 +0100");
    Mdn::new(&original, disposition)
}

/// MDN-01, MDN-03, MDN-05, MDN-06, MDN-07, MDN-08, MDN-31: exactly what we write.
#[test]
fn a_receipt_is_written_exactly() {
    let mdn = answer(Disposition::processed())
        .with_mic(&mic(DigestAlgorithm::Sha256), MicalgStyle::Rfc5751)
        .with_reporting_ua("as2.bolt.example; ediint")
        .with_remark("Questions?\nedi@bolt.example");
    let (head, body) = write(&mdn);
    let content_type = head.content_type().unwrap().unwrap();
    let boundary = content_type.param("boundary").unwrap();
    let mut head_octets = Vec::new();
    head.write_to(&mut head_octets);
    assert_eq!(
        String::from_utf8(head_octets).unwrap(),
        format!("Content-Type: multipart/report; report-type=disposition-notification; boundary={boundary}\r\n")
    );
    let expected = format!(
        "--{boundary}\r\n\
         Content-Type: text/plain; charset=us-ascii\r\n\
         Content-Transfer-Encoding: 7bit\r\n\
         \r\n\
         This is the receipt for an AS2 message.\r\n\
         \r\n\
         Message-ID: <1@acme.example>\r\n\
         From: ACME\r\n\
         To: Bolt \"& Co\r\n\
         Subject: Orders of today\r\n\
         Date: Tue, 24 Nov 2026 11:15:00 +0100\r\n\
         Received: Tue, 24 Nov 2026 10:15:02 GMT\r\n\
         Status: processed\r\n\
         \r\n\
         The message was received and accepted. This is no statement that its\r\n\
         content was understood or acted upon.\r\n\
         \r\n\
         Questions?\r\n\
         edi@bolt.example\r\n\
         \r\n\
         --{boundary}\r\n\
         Content-Type: message/disposition-notification\r\n\
         Content-Transfer-Encoding: 7bit\r\n\
         \r\n\
         Reporting-UA: as2.bolt.example; ediint\r\n\
         Original-Recipient: rfc822; \"Bolt \\\"& Co\"\r\n\
         Final-Recipient: rfc822; \"Bolt \\\"& Co\"\r\n\
         Original-Message-ID: <1@acme.example>\r\n\
         Disposition: automatic-action/MDN-sent-automatically; processed\r\n\
         Received-content-MIC: ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=, sha-256\r\n\
         \r\n\
         --{boundary}--\r\n"
    );
    assert_eq!(String::from_utf8(body).unwrap(), expected);
}

/// MDN-07: the identifier goes back as it came, and not at all where none came.
#[test]
fn the_message_id_goes_back_as_it_came() {
    let (from, to) = (name("a"), name("b"));
    let original = OriginalMessage::new(&from, &to, UNIX_EPOCH);
    for id in ["<1@b>", "1@b", "<OPENAS2 2411 no at>", "<<1@b>>"] {
        let id = MessageId::parse(id).unwrap();
        let mdn = Mdn::new(&original.message_id(&id), Disposition::processed());
        assert!(written(&mdn).contains(&format!("\r\nOriginal-Message-ID: {}\r\n", id.as_str())));
    }
    let mdn = Mdn::new(&original.message_id(None), Disposition::processed());
    assert!(!written(&mdn).contains("Message-ID"));
}

/// MDN-08, MDN-09: the MIC in the spelling that was asked for, or no field at all.
#[test]
fn the_mic_is_spelled_as_asked() {
    let mdn = answer(Disposition::processed());
    assert!(!written(&mdn).contains("MIC"));
    for (digest, style, field) in [
        (
            DigestAlgorithm::Sha1,
            MicalgStyle::Rfc3851,
            "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=, sha1",
        ),
        (
            DigestAlgorithm::Sha256,
            MicalgStyle::Rfc3851,
            "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=, sha256",
        ),
    ] {
        let mdn = mdn.clone().with_mic(&mic(digest), style);
        assert!(written(&mdn).contains(&format!("\r\nReceived-content-MIC: {field}\r\n")));
    }
}

/// MDN-09, MDN-29, SEC-01: the text for people hangs on the disposition alone, names no detail, and there is no `Error`
/// field for it.
#[test]
fn a_failed_decryption_is_told_without_detail() {
    let text = written(&answer(Disposition::error(ErrorModifier::DecryptionFailed)));
    let (_, text) = text.split_once("\r\nReceived: ").unwrap();
    let (_, text) = text.split_once("\r\n").unwrap();
    let (text, fields) = text.split_once("\r\n\r\n--").unwrap();
    assert_eq!(
        text,
        "Status: processed/error: decryption-failed\r\n\
         \r\n\
         The message could not be decrypted, so there is no digest of its content.\r\n\
         It was not accepted."
    );
    for field in ["Error:", "Warning:", "Failure:", "MIC"] {
        assert!(!fields.contains(field), "{fields}");
    }
}

/// MDN-31: each outcome is told to people, in words that fit it.
#[test]
fn every_outcome_has_its_words() {
    for (disposition, accepted) in [
        (Disposition::processed(), true),
        (
            Disposition::warning(WarningModifier::AuthenticationFailedProcessingContinued),
            true,
        ),
        (Disposition::error(ErrorModifier::IntegrityCheckFailed), false),
        (Disposition::error(ErrorModifier::from("the disk is on fire")), false),
        (Disposition::failure(FailureModifier::UnsupportedFormat), false),
    ] {
        let mdn = answer(disposition);
        let text = mdn.text().replace('\n', " ");
        assert_eq!(text.contains("not accepted"), !accepted, "{text}");
        assert!(
            text.contains(&format!("Status: {} ", mdn.disposition().status())),
            "{text}"
        );
    }
    let duplicate = answer(Disposition::warning(WarningModifier::DuplicateDocument));
    assert!(duplicate.text().ends_with("It was not processed again."));
}

/// SEC-32: long values are cut, and nothing but printable ASCII is left of them.
#[test]
fn text_from_the_message_is_cut_and_cleaned() {
    let (from, to) = (name("a"), name("b"));
    let subject = format!("a\tb\u{7}\u{1b}[31mü\r\nStatus: processed\0{}", "x".repeat(5000));
    let original = OriginalMessage::new(&from, &to, UNIX_EPOCH).subject(subject.as_str());
    let mdn = Mdn::new(&original, Disposition::error(ErrorModifier::DecryptionFailed));
    let line = mdn.text().lines().find(|line| line.starts_with("Subject")).unwrap();
    assert!(line.starts_with("Subject: a b??[31m???Status: processed?xxx"), "{line}");
    assert_eq!(line.len(), "Subject: ".len() + 200 + "...".len());
    let remarked = mdn.with_remark(&"ü\r\n".repeat(5000));
    assert!(remarked.text().len() < 5000);
    assert!(remarked.text().bytes().all(|c| matches!(c, b'\n' | b' '..=b'~')));
}

/// A clock that is far off must not stop a receipt.
#[test]
fn times_that_cannot_be_written_are_left_out() {
    let (from, to) = (name("a"), name("b"));
    for (received, there) in [
        (UNIX_EPOCH - Duration::from_secs(1), false),
        (UNIX_EPOCH, true),
        (UNIX_EPOCH + Duration::from_secs(253_402_300_799), true),
        (UNIX_EPOCH + Duration::from_secs(253_402_300_800), false),
    ] {
        let mdn = Mdn::new(&OriginalMessage::new(&from, &to, received), Disposition::processed());
        assert_eq!(mdn.text().contains("Received: "), there, "{received:?}");
    }
}

/// SEC-30: what the host configures is refused where it would make lines, and a reason is cleaned.
#[test]
fn fields_cannot_be_forged() {
    for product in ["x\r\nDisposition: y", "x\ny", "x\0", "Bölt"] {
        let mdn = answer(Disposition::processed()).with_reporting_ua(product);
        assert_eq!(
            mdn.write(&mut StdRng::seed_from_u64(1)).unwrap_err(),
            HeaderError::InvalidValue {
                name: "Reporting-UA".to_owned()
            }
        );
    }
    let reason = format!("voll\r\nDisposition: processed ü {}", "x".repeat(2000));
    let text = written(&answer(Disposition::error(reason.as_str().into())));
    let mut dispositions = text.lines().filter(|line| line.starts_with("Disposition"));
    let line = dispositions.next().unwrap();
    assert!(line.starts_with(
        "Disposition: automatic-action/MDN-sent-automatically; processed/error: voll Disposition: processed ? xxx"
    ));
    assert!(line.len() < 500);
    assert_eq!(dispositions.next(), None);
}

/// Anything that the receiver may be given, including what is not checked before it gets here.
fn any_receipt() -> impl Strategy<Value = Mdn> {
    let texts = (any::<Option<String>>(), any::<Option<String>>(), any::<String>());
    let ids = (
        "[ -~]{1,60}",
        "[ -~]{1,128}",
        prop::option::of("[!-~][ -~]{0,120}[!-~]"),
    );
    let outcome = (
        "[!-~][ -~]{0,60}",
        0..5,
        prop::option::of(any::<bool>()),
        any::<bool>(),
        any::<u32>(),
    );
    (texts, ids, outcome).prop_map(
        |((subject, date, remark), (from, to, id), (reason, which, mic_style, manual, time))| {
            let (from, to) = (name(&from), name(&to));
            let id = id.and_then(|id| MessageId::parse(&id).ok());
            let original = OriginalMessage::new(&from, &to, UNIX_EPOCH + Duration::from_secs(time.into()))
                .message_id(id.as_ref())
                .subject(subject.as_deref())
                .date(date.as_deref());
            let disposition = match which {
                0 => Disposition::error(reason.as_str().into()),
                1 => Disposition::warning(reason.as_str().into()),
                2 => Disposition::failure(reason.as_str().into()),
                3 => Disposition::error(ErrorModifier::DecryptionFailed),
                _ => Disposition::processed(),
            };
            let mode = if manual {
                DispositionMode::ManualSending
            } else {
                DispositionMode::Automatic
            };
            let mut mdn = Mdn::new(&original, disposition.with_mode(mode)).with_remark(&remark);
            if let Some(old) = mic_style {
                let style = if old {
                    MicalgStyle::Rfc3851
                } else {
                    MicalgStyle::Rfc5751
                };
                mdn = mdn
                    .with_mic(&mic(DigestAlgorithm::Sha384), style)
                    .with_reporting_ua(reason);
            }
            mdn
        },
    )
}

proptest! {
    /// SEC-30, SEC-31, SEC-32: what was written is read back, so no value makes a field, a part or a line of its own.
    #[test]
    fn what_is_written_is_read_back(mdn in any_receipt()) {
        let (head, body) = write(&mdn);
        prop_assert!(body.iter().all(|octet| matches!(octet, b'\r' | b'\n' | b' '..=b'~')));
        prop_assert!(body.split(|&octet| octet == b'\n').all(|line| line.len() <= 998));
        prop_assert!(Mdn::is_report(&head));
        prop_assert_eq!(Mdn::parse(&head, &body, &Limits::default()).unwrap(), mdn);
    }

    /// SEC-30: the lines of the report are those of its fields.
    #[test]
    fn no_value_adds_a_line(mdn in any_receipt()) {
        let body = written(&mdn);
        let (_, fields) = body.split_once("message/disposition-notification\r\n").unwrap();
        let names: Vec<_> = fields.lines().filter_map(|line| line.split_once(": ")).map(|(name, _)| name).collect();
        let all = [
            ("Content-Transfer-Encoding", true),
            ("Reporting-UA", mdn.reporting_ua().is_some()),
            ("Original-Recipient", true),
            ("Final-Recipient", true),
            ("Original-Message-ID", mdn.original_message_id().is_some()),
            ("Disposition", true),
            ("Received-content-MIC", mdn.received_content_mic().is_some()),
        ];
        let expected: Vec<_> = all.into_iter().filter(|(_, there)| *there).map(|(name, _)| name).collect();
        prop_assert_eq!(names, expected);
    }
}
