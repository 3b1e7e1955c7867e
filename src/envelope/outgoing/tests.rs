use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;

use super::{OutgoingHeaderError, OutgoingHeaders, payload_head};
use crate::envelope::As2Headers;
use crate::limits::Limits;
use crate::message_id::MessageId;
use crate::mime::{ContentDisposition, ContentType, HeaderBlock, HeaderError};
use crate::name::As2Name;
use crate::version::As2Version;

fn text(headers: &HeaderBlock) -> String {
    let mut lines = Vec::new();
    headers.write_to(&mut lines);
    String::from_utf8(lines).unwrap()
}

struct Parties {
    from: As2Name,
    to: As2Name,
    id: MessageId,
}

impl Parties {
    fn new() -> Self {
        Self {
            from: As2Name::new("us").unwrap(),
            to: As2Name::new("AS2 \"Test\"").unwrap(),
            id: MessageId::new("1@us.example").unwrap(),
        }
    }

    fn headers(&self) -> OutgoingHeaders<'_> {
        let date = UNIX_EPOCH + Duration::from_secs(1_795_489_671);
        OutgoingHeaders::new(&self.from, &self.to, &self.id, date)
    }
}

fn body() -> HeaderBlock {
    let mut body = HeaderBlock::new();
    body.push("Content-Type", "application/edifact").unwrap();
    body
}

fn field(name: &str, value: &str) -> Vec<(String, String)> {
    vec![(name.to_owned(), value.to_owned())]
}

/// ENV-03, ENV-08, ENV-11, ENV-17, ENV-24, ENV-25, ENV-27, ENV-28, ENV-31, ENV-63: all of a request, line by line.
#[test]
fn request() {
    let mut receipt = HeaderBlock::new();
    receipt.push("Disposition-Notification-To", "as2@us.example").unwrap();
    let parties = Parties::new();
    let headers = parties
        .headers()
        .version(As2Version::V1_2)
        .subject("Orders of today")
        .user_agent("ediint/0.1")
        .receipt_request(&receipt);
    let custom = field("X-Route", "blue");
    let built = headers.custom(&custom).build(&body()).unwrap();
    let lines = "AS2-Version: 1.2\r\nAS2-From: us\r\nAS2-To: \"AS2 \\\"Test\\\"\"\r\nMessage-ID: <1@us.example>\r\n\
        Date: Tue, 24 Nov 2026 03:07:51 GMT\r\nSubject: Orders of today\r\nUser-Agent: ediint/0.1\r\n\
        Disposition-Notification-To: as2@us.example\r\nX-Route: blue\r\nMIME-Version: 1.0\r\n\
        Content-Type: application/edifact\r\n";
    assert_eq!(text(&built), lines);
    let read = As2Headers::parse(built).unwrap();
    assert_eq!(
        (read.from(), read.to(), read.message_id()),
        (&parties.from, &parties.to, Some(&parties.id))
    );
}

/// ENV-04, ENV-05, ENV-28: a response names the server, and 1.1 is the version unless it is configured.
#[test]
fn response() {
    let built = Parties::new()
        .headers()
        .server("ediint/0.1")
        .build(&HeaderBlock::new())
        .unwrap();
    assert_eq!(
        text(&built),
        "AS2-Version: 1.1\r\nAS2-From: us\r\nAS2-To: \"AS2 \\\"Test\\\"\"\r\nMessage-ID: <1@us.example>\r\n\
        Date: Tue, 24 Nov 2026 03:07:51 GMT\r\nServer: ediint/0.1\r\nMIME-Version: 1.0\r\n"
    );
}

/// ENV-12: names are never folded.
#[test]
fn longest_name_is_on_one_line() {
    let parties = Parties {
        to: As2Name::new("\"".repeat(128)).unwrap(),
        ..Parties::new()
    };
    let built = text(&parties.headers().build(&body()).unwrap());
    assert!(built.contains(&format!("\r\nAS2-To: \"{}\"\r\n", "\\\"".repeat(128))));
}

/// ENV-25: RFC 2047, in words that are short enough and whole characters each.
#[test]
fn subject_that_is_not_ascii() {
    let subject = |subject: &str| {
        let parties = Parties::new();
        let built = parties.headers().subject(subject).build(&body()).unwrap();
        built.get("Subject").unwrap().to_owned()
    };
    assert_eq!(subject("Bestellung Ü"), "=?UTF-8?B?QmVzdGVsbHVuZyDDnA==?=");
    let long = subject(&"€".repeat(40));
    let words: Vec<_> = long.split(' ').collect();
    assert_eq!(words.len(), 3);
    assert!(words.iter().all(|word| word.len() <= 75), "{long}");
    // The reader of file names decodes encoded words too.
    let disposition = ContentDisposition::parse(&format!("attachment; filename=\"{long}\""));
    assert_eq!(disposition.filename(), Some("€".repeat(40)));
}

/// SEC-30, ENV-25, ENV-63: nothing that is configured ends a line or speaks for the protocol.
#[test]
fn values_that_cannot_be_sent() {
    let parties = Parties::new();
    let invalid = |name: &str| OutgoingHeaderError::Header(HeaderError::InvalidValue { name: name.to_owned() });
    for subject in ["a\r\nX: y", "a\nb", "ü\r\nX: y", "a\0"] {
        let error = parties.headers().subject(subject).build(&body()).unwrap_err();
        assert_eq!(error, invalid("Subject"));
    }
    let error = parties.headers().user_agent("a\r\nb").build(&body()).unwrap_err();
    assert_eq!(error, invalid("User-Agent"));
    let custom = |name: &str, value: &str| {
        let fields = field(name, value);
        parties.headers().custom(&fields).build(&body()).unwrap_err()
    };
    assert_eq!(custom("X-Route", "a\r\nAS2-To: you"), invalid("X-Route"));
    assert_eq!(
        custom("X-Route", "grün"),
        OutgoingHeaderError::NotAscii {
            name: "X-Route".to_owned()
        }
    );
    for name in ["X Route", "", "X:", "X\r\nAS2-To"] {
        let name = name.to_owned();
        assert_eq!(
            custom(&name, "x"),
            OutgoingHeaderError::Header(HeaderError::InvalidName { name: name.clone() })
        );
    }
    for name in [
        "as2-from",
        "AS2-To",
        "AS2-Version",
        "Message-ID",
        "Date",
        "Subject",
        "content-type",
        "Content-Length",
        "Content-Transfer-Encoding",
        "Content-Disposition",
        "MIME-Version",
        "Host",
        "Transfer-Encoding",
        "Connection",
        "Disposition-Notification-To",
        "Disposition-Notification-Options",
        "Receipt-Delivery-Option",
        "EDIINT-Features",
        "User-Agent",
        "Server",
        "Expect",
        "TE",
    ] {
        let name = name.to_owned();
        assert_eq!(custom(&name, "x"), OutgoingHeaderError::Reserved { name: name.clone() });
    }
    // Credentials and the mail-like From are the host's to set.
    for name in ["Authorization", "From", "X-Route"] {
        let fields = field(name, "x");
        assert_eq!(
            parties.headers().custom(&fields).build(&body()).unwrap().get(name),
            Some("x")
        );
    }
}

/// ENV-40, ENV-59: the payload's headers.
#[test]
fn payload_headers() {
    let kind = ContentType::parse("application/EDI-X12; charset=\"us-ascii\"").unwrap();
    let head = payload_head(
        &kind,
        Some(&ContentDisposition::attachment("orders 1.edi")),
        &field("Content-ID", "<a@b>"),
    )
    .unwrap();
    assert_eq!(
        text(&head),
        "Content-Type: application/EDI-X12; charset=us-ascii\r\n\
        Content-Disposition: attachment; filename=\"orders 1.edi\"\r\nContent-ID: <a@b>\r\n"
    );
    let head = payload_head(&kind, Some(&ContentDisposition::attachment("Ü\r\n.edi")), &[]).unwrap();
    assert_eq!(
        head.get("Content-Disposition"),
        Some("attachment; filename*=UTF-8''%C3%9C%0D%0A.edi")
    );
    assert_eq!(payload_head(&kind, None, &[]).unwrap().len(), 1);
    // Of a message without layers these are HTTP headers.
    for name in [
        "Content-Type",
        "Content-Length",
        "content-encoding",
        "AS2-From",
        "Host",
        "Date",
    ] {
        let name = name.to_owned();
        let error = payload_head(&kind, None, &field(&name, "x")).unwrap_err();
        assert_eq!(error, OutgoingHeaderError::Reserved { name: name.clone() });
    }
}

proptest! {
    /// SEC-30: whatever is configured, there are as many lines as fields.
    #[test]
    fn no_value_makes_another_line(subject in any::<String>(), product in any::<String>(), name in any::<String>()) {
        let parties = Parties::new();
        let custom = field(&name, &product);
        let headers = parties.headers().subject(&subject).user_agent(&product).custom(&custom);
        if let Ok(built) = headers.build(&body()) {
            let lines = text(&built);
            prop_assert_eq!(lines.matches('\n').count(), 10);
            prop_assert_eq!(HeaderBlock::parse(lines.as_bytes(), &Limits::default()).unwrap().len(), 10);
        }
    }
}
