use crate::envelope::canonical::Canonical;
use crate::envelope::tests::support::{Message, Receiver, SHA256, alice, encode, head, lenient, structures, unwrap};
use crate::envelope::{Decoder, Fault, LayerKind, Layers, Progress, Verdict};
use crate::limits::Limits;
use crate::mime::HeaderBlock;

fn canonical<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> String {
    let mut out = Vec::new();
    let mut canonical = Canonical::default();
    for chunk in chunks {
        canonical.update(chunk, |piece| out.extend_from_slice(piece));
    }
    String::from_utf8(out).unwrap()
}

/// SMI-12: every line end becomes CR LF, wherever the chunks end.
#[test]
fn canonical_form() {
    for (text, expected) in [
        ("", ""),
        ("a", "a"),
        ("a\nb", "a\r\nb"),
        ("a\r\nb\r\n", "a\r\nb\r\n"),
        ("a\rb", "a\r\nb"),
        ("a\r\r\nb", "a\r\n\r\nb"),
        ("a\n\rb", "a\r\n\r\nb"),
        ("\n\n\r\n", "\r\n\r\n\r\n"),
        ("a\r", "a\r\n"),
    ] {
        for chunk in 1..=text.len().max(1) {
            assert_eq!(
                canonical(text.as_bytes().chunks(chunk)),
                expected,
                "{text:?} by {chunk}"
            );
        }
    }
}

fn layers(head: &HeaderBlock, body: &[u8]) -> Vec<LayerKind> {
    Receiver::new(lenient()).receive(head, body).0.decoded.layers
}

/// ENV-33, ENV-34, RCV-17: payloads of every type, in any case, are handed over unchanged.
#[test]
fn payload_types_pass_through() {
    for kind in [
        "application/EDI-X12",
        "APPLICATION/EDIFACT",
        "application/edi-consent",
        "application/XML",
        "text/plain",
        "text/xml; charset=utf-8",
        "application/json",
        "application/octet-stream",
        "application/pdf",
        "multipart/report; report-type=disposition-notification; boundary=x",
        "message/disposition-notification",
        "multipart/mixed; boundary=x",
        "multipart/signed; protocol=\"application/pgp-signature\"; boundary=x",
        "application/pkcs7-signature",
        "nonsense",
        "",
    ] {
        let head = head(&format!("Content-Type: {kind}\r\n"));
        let (received, verdict) = Receiver::new(lenient()).receive(&head, b"--x\r\npayload");
        assert_eq!(received.payload, b"--x\r\npayload", "{kind}");
        assert_eq!(received.decoded.layers, [], "{kind}");
        assert!(matches!(verdict, Verdict::Accepted(_)), "{kind}");
    }
    let (received, _) = Receiver::new(lenient()).receive(&HeaderBlock::new(), b"payload");
    assert_eq!(received.payload, b"payload");
}

fn signed() -> (Message, String, String) {
    let message = encode(Layers::payload().sign(SHA256).into(), b"payload");
    let kind = message.head.content_type().unwrap().unwrap();
    let boundary = kind.param("boundary").unwrap().to_owned();
    let body = String::from_utf8(message.body.clone()).unwrap();
    (message, boundary, body)
}

/// ENV-32, ENV-35, ENV-44: the protocol in all its spellings, and the signature part under its older names.
#[test]
fn spellings_of_multipart_signed() {
    let (_, boundary, body) = signed();
    for kind in [
        "multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256; boundary=%",
        "MULTIPART/Signed; BOUNDARY=\"%\"; MICALG=SHA256; PROTOCOL=\"application/X-PKCS7-Signature\"",
        "multipart/signed;protocol=\"application/pkcs-7-signature\";boundary=%;",
        "multipart/signed; boundary = % ; protocol = application/pkcs7-signature",
        "multipart/signed; boundary=%",
    ] {
        for part in [
            "application/pkcs7-signature",
            "Application/X-Pkcs7-Signature",
            "application/pkcs-7-signature",
        ] {
            let head = head(&format!("Content-Type: {}\r\n", kind.replace('%', &boundary)));
            let body = body.replace("application/pkcs7-signature", part);
            let (received, verdict) = Receiver::new(lenient()).receive(&head, body.as_bytes());
            assert_eq!(received.decoded.layers, [LayerKind::Signed], "{kind}");
            assert!(matches!(verdict, Verdict::Accepted(_)), "{kind}, {part}: {verdict:?}");
        }
    }
}

/// ENV-31: the outer head may be folded, as RFC 4130 Appendix A prints it.
#[test]
fn folded_content_type() {
    let (_, boundary, body) = signed();
    let head = head(&format!(
        "Content-Type: multipart/signed; boundary=\"{boundary}\";\r\n \tprotocol=\"application/pkcs7-signature\";\r\n \
        micalg=sha256\r\n"
    ));
    assert_eq!(layers(&head, body.as_bytes()), [LayerKind::Signed]);
}

/// ENV-42: preamble, epilogue, white space after boundaries, LF in the framing.
#[test]
fn loose_framing_of_multipart_signed() {
    let (message, boundary, body) = signed();
    let delimiter = format!("--{boundary}");
    for (name, body) in [
        ("preamble", format!("for readers of mail\r\n\r\n{body}")),
        ("line end first", format!("\r\n{body}")),
        ("epilogue", format!("{body}\r\nand more")),
        (
            "padding",
            body.replace(&format!("{delimiter}\r\n"), &format!("{delimiter} \t\r\n")),
        ),
        (
            "LF",
            body.replace(&format!("{delimiter}\r\n"), &format!("{delimiter}\n"))
                .replace(&format!("\r\n{delimiter}"), &format!("\n{delimiter}")),
        ),
        ("no last line end", body.trim_end().to_owned()),
    ] {
        let (received, verdict) = Receiver::new(lenient()).receive(&message.head, body.as_bytes());
        assert_eq!(received.payload, b"payload", "{name}");
        let Verdict::Accepted(acceptance) = verdict else {
            panic!("{name}: {verdict:?}");
        };
        assert_eq!(Some(&acceptance.mic), message.encoded.mics.first(), "{name}");
    }
}

/// ENV-30, ENV-64: an HTTP/2 host hands over lower-case names.
#[test]
fn lower_case_headers() {
    for structure in structures() {
        let message = encode(structure, b"payload");
        let mut headers = http::HeaderMap::new();
        for field in message.head.iter() {
            let name: http::HeaderName = field.name().parse().unwrap();
            headers.append(name, http::HeaderValue::from_bytes(field.value()).unwrap());
        }
        let receiver = Receiver::new(lenient());
        let received = receiver.decode(&HeaderBlock::from(&headers), [message.body.as_slice()]);
        assert_eq!(received.payload, b"payload", "{structure}");
        let verdict = receiver.judge(&received, &[alice()]);
        assert!(matches!(verdict, Verdict::Accepted(_)), "{structure}: {verdict:?}");
        assert!(received.decoded.filename().is_some());
    }
}

/// ENV-38: a partner that names an encoding and does not encode can be taken at its octets.
#[test]
fn false_http_level_transfer_encoding_is_ignored() {
    let receiver = Receiver::new(lenient().ignore_http_transfer_encoding());
    let head = head("Content-Type: a/b\r\nContent-Transfer-Encoding: base64\r\n");
    let (received, verdict) = receiver.receive(&head, b"ISA*00*");
    assert!(matches!(verdict, Verdict::Accepted(_)), "{verdict:?}");
    assert_eq!(received.payload, b"ISA*00*");
}

/// ENV-38: at HTTP level "binary" and "8bit" mean nothing, and an encoding that does not exist is refused.
#[test]
fn http_level_transfer_encoding() {
    for (encoding, payload) in [
        ("binary", Some(b"cGF5bG9hZA==".as_slice())),
        ("8bit", Some(b"cGF5bG9hZA==")),
        ("7BIT", Some(b"cGF5bG9hZA==")),
        ("Base64", Some(b"payload")),
        ("quoted-printable", None),
        ("x-gzip", None),
    ] {
        let head = head(&format!(
            "Content-Type: a/b\r\nContent-Transfer-Encoding: {encoding}\r\n"
        ));
        let (received, verdict) = Receiver::new(lenient()).receive(&head, b"cGF5bG9hZA==");
        match (verdict, payload) {
            (Verdict::Accepted(_), Some(payload)) => assert_eq!(received.payload, payload, "{encoding}"),
            (Verdict::Refused(_), None) => {}
            (verdict, _) => panic!("{encoding}: {verdict:?}"),
        }
    }
}

/// Of two faults the first one is reported, however the body is cut: here base64 that ends too early, and what it holds.
#[test]
fn the_first_of_two_faults_is_reported() {
    let head = head("Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n");
    let body = b"MDAwMDAwMDA=AAAA";
    let receiver = Receiver::new(lenient());
    for size in 1..=body.len() {
        let received = receiver.decode(&head, body.chunks(size));
        assert!(
            matches!(received.decoded.fault, Some(Fault::Cms(_))),
            "{size}: {:?}",
            received.decoded.fault
        );
    }
}

/// SEC-40: a decoder that is logged shows the layers, not what is inside of them.
#[test]
fn debug_shows_no_content() {
    let content = b"secret".repeat(100);
    for structure in structures() {
        let message = encode(structure, &content);
        let mut decoder = Decoder::new(message.head, &[], lenient(), Limits::default());
        let mut payload = Vec::new();
        let mut shown = Vec::new();
        for chunk in message.body.chunks(64) {
            if let Progress::NeedContentKey(request) = decoder.update(chunk, &mut payload).unwrap() {
                let key = unwrap(request.recipients);
                decoder.content_keys(&[key], &mut payload).unwrap();
            }
            shown.push(format!("{decoder:?}"));
        }
        assert!(!payload.is_empty(), "{structure}");
        let octets = format!("{:?}", b"secret");
        let octets = octets.trim_matches(['[', ']']);
        assert!(!shown.iter().any(|text| text.contains(octets)), "{structure}");
    }
}
