//! Captures that are not as they were: chunked, cut off, with other line ends, or no AS2 at all.

use ediint::diagnose::{BodyLength, CaptureKind, DiagnoseError, HeaderFault, Outcome, Reason};
use ediint::envelope::As2HeaderError;
use ediint::mdn::FailureModifier;
use ediint::partnership::AcceptPolicy;
use ediint::{DigestAlgorithm, Limits, MessageId, Mic};
use proptest::prelude::{ProptestConfig, any, proptest};

use crate::support::{Host, body_start, lenient, read, recorded, replaced, to_lf};

#[tokio::test]
async fn chunked_bodies() {
    let message = recorded("pyas2lib/signed");
    let (head, body) = message.split_at(body_start(&message));
    let head = replaced(head, b"Content-Length: 2471", b"Transfer-Encoding: chunked");
    let mut chunked = Vec::new();
    for chunk in body.chunks(1000) {
        chunked.extend_from_slice(format!("{:x};name=value\r\n", chunk.len()).as_bytes());
        chunked.extend_from_slice(chunk);
        chunked.extend_from_slice(b"\r\n");
    }
    let host = Host::receiver(lenient());
    let whole = [&head[..], &chunked, b"0\r\nTrailer: 1\r\n\r\n"].concat();
    let diagnosis = host.examine(&whole).await;
    assert_eq!(diagnosis.outcome, Outcome::Accepted, "{diagnosis}");
    assert_eq!(diagnosis.body_length, BodyLength::Whole);

    // Shown by a tool that removed the chunks.
    let diagnosis = host.examine(&[&head[..], body].concat()).await;
    assert_eq!(diagnosis.outcome, Outcome::Accepted, "{diagnosis}");
    assert_eq!(diagnosis.header_problems.len(), 1);
    assert_eq!(diagnosis.header_problems[0].fault, HeaderFault::NotChunked);

    let cut = [&head[..], &chunked[..1500]].concat();
    let diagnosis = host.examine(&cut).await;
    assert!(matches!(
        diagnosis.body_length,
        BodyLength::Truncated { declared: None, .. }
    ));
    assert!(
        matches!(diagnosis.reason, Reason::Capture(BodyLength::Truncated { .. })),
        "{diagnosis}"
    );
}

/// The length tells what was done to a capture.
#[tokio::test]
async fn lengths_that_differ() {
    let host = Host::receiver(lenient());
    let text = recorded("pyas2lib/signed");
    let (head, body) = text.split_at(body_start(&text));
    let declared = u64::try_from(body.len()).unwrap();
    let lf = to_lf(body);
    let short = u64::try_from(lf.len()).unwrap();
    let lost = BodyLength::CarriageReturnsLost { declared, found: short };
    let diagnosis = host.examine(&[head, &lf].concat()).await;
    assert_eq!(diagnosis.body_length, lost);
    assert_eq!(diagnosis.header_problems[0].fault, HeaderFault::Length(lost));
    // The receiver copes with that: the part is text.
    assert_eq!(diagnosis.outcome, Outcome::Reservation);

    // One line ended in LF before.
    let mixed = replaced(
        body,
        b"\r\nContent-Type: application/pkcs7",
        b"\nContent-Type: application/pkcs7",
    );
    let longer = format!("Content-Length: {}", mixed.len());
    let head_of_mixed = replaced(head, b"Content-Length: 2471", longer.as_bytes());
    let diagnosis = host.examine(&[&head_of_mixed[..], &to_lf(&mixed)].concat()).await;
    assert!(
        matches!(diagnosis.body_length, BodyLength::CarriageReturnsLost { .. }),
        "{diagnosis}"
    );

    // What was LF when it was sent.
    let length = format!("Content-Length: {short}");
    let sent_in_lf = replaced(head, b"Content-Length: 2471", length.as_bytes());
    let diagnosis = host.examine(&[&sent_in_lf[..], body].concat()).await;
    let added = BodyLength::CarriageReturnsAdded {
        declared: short,
        found: declared,
    };
    assert_eq!(diagnosis.body_length, added);
    assert_eq!(diagnosis.outcome, Outcome::Accepted, "nothing is cut off: {diagnosis}");

    let head_in_lf = to_lf(head);
    let diagnosis = host.examine(&[head_in_lf.as_slice(), body].concat()).await;
    assert_eq!(diagnosis.outcome, Outcome::Accepted, "{diagnosis}");
    assert_eq!(diagnosis.header_problems[0].fault, HeaderFault::BareLineFeeds);

    let another = recorded("pyas2lib/plain");
    for after in [&b"\r\n\r\n"[..], &another] {
        let plain = recorded("pyas2lib/plain");
        let diagnosis = host.examine(&[&plain[..], after].concat()).await;
        let size = diagnosis.payload.as_ref().unwrap().size;
        assert_eq!(size, u64::try_from(read("pyas2lib/invoice.edi").len()).unwrap());
        let found = size + u64::try_from(after.len()).unwrap();
        assert_eq!(diagnosis.body_length, BodyLength::Surplus { declared: size, found });
    }

    let shorter = &text[..text.len() - 1000];
    let diagnosis = host.examine(shorter).await;
    assert_eq!(diagnosis.outcome, Outcome::Refused);
    assert!(
        matches!(&diagnosis.reason, Reason::Capture(BodyLength::Truncated { declared: Some(of), found })
            if *of == declared && *found == declared - 1000),
        "{diagnosis}"
    );
    assert_eq!(diagnosis.layers.len(), 1);
}

/// What the receiver refuses before it looks inside.
#[tokio::test]
async fn refused_by_the_head() {
    let host = Host::receiver(lenient());
    let message = recorded("pyas2lib/signed");
    let changed = |from: &str, to: &str| replaced(&message, from.as_bytes(), to.as_bytes());
    let reason = async |capture: &[u8]| {
        let diagnosis = host.examine(capture).await;
        assert_eq!(diagnosis.outcome, Outcome::Refused, "{diagnosis}");
        assert!(
            !diagnosis.header_problems.is_empty() || diagnosis.layers.is_empty(),
            "{diagnosis}"
        );
        diagnosis.reason
    };
    let no_id = changed("Message-ID: <signed@pyas2.example>\r\n", "");
    assert!(matches!(reason(&no_id).await, Reason::NoMessageId));
    let twice = changed("AS2-To: receiver\r\n", "AS2-To: receiver\r\nAS2-To: receiver\r\n");
    assert!(matches!(reason(&twice).await, Reason::Head(As2HeaderError::Header(_))));
    let nothing = changed("Content-Length: 2471", "Content-Length: 0");
    let nothing = &nothing[..body_start(&nothing)];
    assert!(matches!(host.examine(nothing).await.reason, Reason::EmptyBody));
    // The sender is not to blame for what was not captured.
    let head_alone = &message[..body_start(&message)];
    let diagnosis = host.examine(head_alone).await;
    assert!(
        matches!(
            diagnosis.reason,
            Reason::Capture(BodyLength::Truncated {
                declared: Some(2471),
                found: 0
            })
        ),
        "{diagnosis}"
    );
    assert!(
        diagnosis.reason.to_string().starts_with("the head alone was captured"),
        "{diagnosis}"
    );
    let version = changed("AS2-Version: 1.2", "AS2-Version: 2.0");
    assert!(matches!(host.examine(&version).await.reason, Reason::Version(version) if version.major == 2));
    let untyped = changed("Content-Type: multipart/signed", "Content-Typo: multipart/signed");
    assert!(matches!(reason(&untyped).await, Reason::NoContentType));
    let receipt = changed(
        "signed-receipt-micalg=optional, sha256",
        "signed-receipt-micalg=required, md5",
    );
    let diagnosis = host.examine(&receipt).await;
    assert!(
        matches!(
            diagnosis.reason,
            Reason::ReceiptUnsupported(FailureModifier::UnsupportedMicAlgorithms)
        ),
        "{diagnosis}"
    );
}

#[tokio::test]
async fn start_lines_are_optional_and_interim_responses_are_passed_over() {
    let host = Host::receiver(lenient());
    let message = recorded("pyas2lib/signed");
    let start = message.iter().position(|octet| *octet == b'\n').unwrap() + 1;
    let diagnosis = host.examine(&message[start..]).await;
    assert_eq!((diagnosis.outcome, diagnosis.start_line), (Outcome::Accepted, None));

    let answer = [b"HTTP/1.1 100 Continue\r\n\r\n", &recorded("pyas2lib/signed-mdn")[..]].concat();
    let diagnosis = Host::sender(lenient()).examine(&answer).await;
    assert_eq!(diagnosis.kind, CaptureKind::Mdn);
    assert_eq!(diagnosis.start_line.as_deref(), Some("HTTP/1.1 200 OK"));
}

#[tokio::test]
async fn what_is_no_as2() {
    let host = Host::receiver(lenient());
    let page = b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\n\r\n<h1>Bad Gateway</h1>";
    let diagnosis = host.examine(page).await;
    assert_eq!(
        (diagnosis.kind, diagnosis.outcome),
        (CaptureKind::Unknown, Outcome::Undecided)
    );
    assert!(matches!(&diagnosis.reason, Reason::NotAs2 { content_type, .. } if content_type == "text/html"));
    assert_eq!(diagnosis.start_line.as_deref(), Some("HTTP/1.1 502 Bad Gateway"));
    let text = diagnosis.to_string();
    assert!(
        text.contains(r#"but "HTTP/1.1 502 Bad Gateway", with "text/html" and without AS2 names"#),
        "{text}"
    );
    assert!(!text.contains("sha-256"), "nobody wants digests of that: {text}");
    for (start_line, advice) in [
        ("HTTP/1.1 200 OK\r\n", "whether it has the message"),
        ("HTTP/1.1 301 Moved\r\n", "the URL to send to"),
        ("HTTP/1.1 404 Not Found\r\n", "path of the URL"),
        ("HTTP/1.1 500 Internal Server Error\r\n", "sent again"),
        ("", "the head of HTTP is missing"),
    ] {
        let capture = format!("{start_line}Date: today\r\n\r\n");
        let diagnosis = host.examine(capture.as_bytes()).await;
        let reason = diagnosis.reason.to_string();
        assert!(
            reason.ends_with("with neither AS2 names nor a Content-Type"),
            "{reason}"
        );
        assert!(diagnosis.reason.advice().contains(advice), "{start_line}: {diagnosis}");
    }

    for nothing in [&b""[..], b"\0\x01\x02", &read("openssl/cms/enveloped-aes256.der")] {
        let diagnosis = host.examine(nothing).await;
        assert_eq!(diagnosis.kind, CaptureKind::Unknown);
        assert!(matches!(diagnosis.reason, Reason::NotHttp), "{diagnosis}");
        // A terminal is to bear it.
        let controls = |c: char| c.is_control() && c != '\n';
        assert!(!diagnosis.to_string().contains(controls), "{diagnosis}");
        let about_lines = diagnosis.header_problems.iter().filter(|problem| {
            !matches!(
                problem.fault,
                HeaderFault::Missing | HeaderFault::BareLineFeeds | HeaderFault::NoEmptyLine
            )
        });
        assert!(about_lines.count() <= 1, "{diagnosis}");
    }
}

/// A picture, for example.
#[tokio::test]
async fn wrong_lines_are_told_up_to_a_number() {
    let capture = format!("Date: today\r\n{}\r\n", "no field\r\n".repeat(1000));
    let diagnosis = Host::receiver(lenient()).examine(capture.as_bytes()).await;
    let told = |fault: &HeaderFault| matches!(fault, HeaderFault::Field(_));
    let lines = diagnosis.header_problems.iter().filter(|problem| told(&problem.fault));
    assert_eq!(lines.count(), 10);
    assert!(
        diagnosis.to_string().contains("990 more lines are no header fields"),
        "{diagnosis}"
    );
}

#[tokio::test]
async fn header_problems_name_who_wants_it_otherwise() {
    let message = recorded("pyas2lib/encrypted");
    for (from, to, expected) in [
        ("AS2-Version: 1.2\r\n", "", "AS2-Version: is missing (RFC 4130 §6.1)"),
        (
            "AS2-Version: 1.2",
            "AS2-Version: x",
            "AS2-Version: is not a number (RFC 4130 §6.1)",
        ),
        (
            "AS2-To: receiver",
            "AS2-To: receiver\r\nAS2-To: receiver",
            "AS2-To: header field AS2-To occurs more than once (RFC 4130 §6.2)",
        ),
        (
            "Message-ID: <encrypted@pyas2.example>",
            "Message-ID: encrypted",
            "Message-ID: is not of the form <left@right> (RFC 5322 §3.6.4)",
        ),
        (
            "Message-ID: <encrypted@pyas2.example>\r\n",
            "",
            "Message-ID: is missing (RFC 4130 §5.3.3)",
        ),
        (
            "; smime-type=\"enveloped-data\"",
            "",
            "Content-Type: has no parameter smime-type (RFC 8551 §3.2.2)",
        ),
        (
            "Subject: AS2 Message",
            "Subject AS2 Message",
            "Subject AS2 Message: line 12 of the header block is not a header field",
        ),
        (
            "Subject: AS2 Message",
            "Sub\u{1b}[2Jject: AS2 Message",
            "Sub\\u{1b}[2Jject: line 12 ",
        ),
        (
            "disposition-notification-to: no-reply@pyas2.com",
            "receipt-delivery-option: https://pyas2.example",
            "Receipt-Delivery-Option: means nothing without Disposition-Notification-To (RFC 4130 §7.3)",
        ),
        (
            "disposition-notification-to: no-reply@pyas2.com",
            "disposition-notification-to: a\r\nreceipt-delivery-option: mailto:a@b",
            "Receipt-Delivery-Option: is neither an http nor an https URL (RFC 4130 §7.3)",
        ),
    ] {
        let capture = replaced(&message, from.as_bytes(), to.as_bytes());
        let diagnosis = Host::receiver(lenient()).examine(&capture).await;
        let problems: Vec<_> = diagnosis.header_problems.iter().map(ToString::to_string).collect();
        assert!(
            problems.iter().any(|problem| problem.starts_with(expected)),
            "{expected}: {problems:?}"
        );
        assert_eq!(problems.len(), 1, "{problems:?}");
    }
    let diagnosis = Host::receiver(lenient()).examine(&message).await;
    assert!(diagnosis.header_problems.is_empty(), "{diagnosis}");
    assert_eq!(
        diagnosis.message_id,
        Some(MessageId::parse("<encrypted@pyas2.example>").unwrap())
    );
}

#[tokio::test]
async fn larger_than_the_limit() {
    let mut limits = Limits::default();
    limits.message_size = 100;
    let host = Host::receiver(lenient());
    let wire = limits.wire_size();
    let examination = host.examination().limits(limits);
    let long = vec![b'a'; usize::try_from(wire).unwrap() + 1];
    let refused = examination.examine(&long).await;
    assert!(matches!(refused, Err(DiagnoseError::TooLarge { limit }) if limit == wire));
    // What is inside counts, too.
    let diagnosis = examination.examine(&recorded("pyas2lib/compressed")).await.unwrap();
    assert!(diagnosis.payload.is_none_or(|payload| payload.size <= 100));
}

/// A diagnosis goes to people, its debug form to logs: neither holds the payload.
#[tokio::test]
async fn plaintext_stays_inside() {
    let diagnosis = Host::receiver(lenient())
        .examine(&recorded("pyas2lib/signed-encrypted"))
        .await;
    assert_eq!(diagnosis.outcome, Outcome::Accepted);
    let secret = "UNB+UNOA";
    assert!(!format!("{diagnosis:?}").contains(secret) && !diagnosis.to_string().contains(secret));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is cut off or flipped, there is a diagnosis, and what is accepted is what was signed.
    #[test]
    fn any_damage_is_explained(
        name in 0_usize..4,
        at in any::<proptest::sample::Index>(),
        bit in 0_u8..8,
        cut in any::<bool>(),
    ) {
        let names = [
            "pyas2lib/signed-encrypted",
            "pyas2lib/compressed-signed",
            "pyas2lib/signed-mdn",
            "made-by-hand/openas2-signed",
        ];
        let mut capture = recorded(names[name]);
        let at = at.index(capture.len());
        match cut {
            true => capture.truncate(at),
            false => capture[at] ^= 1 << bit,
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let host = match name {
            0 | 1 => Host::receiver(AcceptPolicy::new().without_encryption()),
            _ => Host::sender(lenient()),
        };
        let diagnosis = runtime.block_on(host.examine(&capture));
        assert!(!diagnosis.to_string().is_empty());
        assert!(!diagnosis.reason.advice().is_empty());
        if diagnosis.outcome == Outcome::Accepted {
            let mic = String::from_utf8(read(&format!("{}.mic", names[name]))).unwrap();
            let mic = Mic::parse(&mic, DigestAlgorithm::Sha256).unwrap();
            assert_eq!(diagnosis.mic, Some(mic), "{diagnosis}");
        }
    }
}
