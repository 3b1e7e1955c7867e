use std::io::Read;

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;
use crate::limits::Limits;
use crate::mime::{ContentType, HeaderBlock};
use crate::partnership::SendProfile;
use crate::spool::{Payload, SpoolOptions};

fn rng() -> StdRng {
    StdRng::seed_from_u64(1)
}

fn joined(attachments: Vec<Attachment>) -> Result<(String, ContentType), AttachmentsError> {
    let profile = SendProfile::default();
    let (payload, content_type) = join(attachments, None, &profile, "us.example", &mut rng())?;
    let (mut once, mut again) = (String::new(), String::new());
    payload.reader().unwrap().read_to_string(&mut again).unwrap();
    assert_eq!(u64::try_from(again.len()).unwrap(), payload.len());
    payload.into_reader().read_to_string(&mut once).unwrap();
    assert_eq!(once, again);
    Ok((once, content_type))
}

fn parts(content_type: &str, body: &str) -> Result<Vec<ReceivedAttachment>, SplitError> {
    split(Some(content_type), body.as_bytes(), &SpoolOptions::new())
}

fn text(payload: Payload) -> String {
    let mut text = String::new();
    payload.into_reader().read_to_string(&mut text).unwrap();
    text
}

/// ENV-53: type, start and Content-ID (RFC 2387 §3), octets as they are.
#[test]
fn documents_are_put_together() {
    let (body, content_type) = joined(vec![
        Attachment::new("<order/>")
            .filename("order.xml")
            .content_id("order@us.example"),
        Attachment::new("no line end\r\n\r\n")
            .content_type("text/plain; charset=utf-8")
            .header("Content-Description", "a note"),
        Attachment::new(""),
    ])
    .unwrap();
    let boundary = content_type.param("boundary").unwrap().to_owned();
    // Made up, each of them.
    let ids: Vec<_> = body
        .lines()
        .filter_map(|line| line.strip_prefix("Content-ID: "))
        .collect();
    let [_, second, third] = ids[..] else { panic!("{ids:?}") };
    assert!(
        second != third && [second, third].iter().all(|id| id.ends_with("@us.example>")),
        "{ids:?}"
    );
    assert_eq!(
        content_type.to_string(),
        format!("multipart/related; type=\"application/xml\"; start=\"<order@us.example>\"; boundary={boundary}")
    );
    assert_eq!(
        body,
        format!(
            "--{boundary}\r\n\
             Content-Type: application/xml\r\n\
             Content-Disposition: attachment; filename=\"order.xml\"\r\n\
             Content-Transfer-Encoding: binary\r\n\
             Content-ID: <order@us.example>\r\n\r\n\
             <order/>\r\n\
             --{boundary}\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\
             Content-Description: a note\r\n\
             Content-Transfer-Encoding: binary\r\n\
             Content-ID: {second}\r\n\r\n\
             no line end\r\n\r\n\r\n\
             --{boundary}\r\n\
             Content-Type: application/octet-stream\r\n\
             Content-Transfer-Encoding: binary\r\n\
             Content-ID: {third}\r\n\r\n\
             \r\n\
             --{boundary}--\r\n"
        )
    );
    let back = parts(&content_type.to_string(), &body).unwrap();
    let roots: Vec<_> = back.iter().map(|part| part.is_root).collect();
    assert_eq!(roots, [true, false, false]);
    assert_eq!(back[0].content_id.as_deref(), Some("<order@us.example>"));
    assert_eq!(back[1].head.get("Content-Description"), Some("a note"));
    let texts: Vec<_> = back.into_iter().map(|part| text(part.payload)).collect();
    assert_eq!(texts, ["<order/>", "no line end\r\n\r\n", ""]);
}

#[test]
fn what_cannot_be_put_together() {
    let refused = |attachment| joined(vec![Attachment::new("a"), attachment]).unwrap_err().to_string();
    assert_eq!(joined(Vec::new()).unwrap_err(), AttachmentsError::None);
    let many = (0..51).map(|_| Attachment::new("a")).collect();
    assert_eq!(joined(many).unwrap_err(), AttachmentsError::TooMany(51));
    assert!(joined((0..50).map(|_| Attachment::new("a")).collect()).is_ok());
    let unknown = refused(Attachment::new("b").content_type("xml"));
    assert_eq!(unknown, "content type of attachment 2: \"xml\" is not a media type");
    for id in ["", "a b", "a>", "<a", "ä", "a\r\nX: y"] {
        let refused = refused(Attachment::new("b").content_id(id));
        assert!(
            refused.starts_with("attachment 2: ") && refused.contains("Content-ID"),
            "{refused}"
        );
    }
    for (name, value) in [
        ("Content-ID", "<x@y>"),
        ("content-transfer-encoding", "base64"),
        ("Content-Type", "text/plain"),
        ("Content-Description", "a\r\nb"),
    ] {
        let refused = refused(Attachment::new("b").header(name, value));
        assert!(refused.contains(name), "{refused}");
    }
}

/// ENV-54: the types of RFC 6362 §2.5, by the endings of their names; any other is taken as well.
#[test]
fn types_by_ending() {
    let names = [
        ("a.xml", "application/xml"),
        ("a.pdf", "application/pdf"),
        ("a.doc", "application/msword"),
        ("a.rtf", "application/rtf"),
        ("a.bin", "application/octet-stream"),
        ("a.zip", "application/zip"),
        ("a.GIF", "image/gif"),
        ("a.tiff", "image/tiff"),
        ("a.jpg", "image/jpeg"),
        ("a.txt", "text/plain"),
        ("a.html", "text/html"),
    ];
    let attachments = names.map(|(name, _)| Attachment::new(name).filename(name));
    let (body, content_type) = joined(attachments.into()).unwrap();
    let back = parts(&content_type.to_string(), &body).unwrap();
    assert_eq!(back.len(), names.len());
    for (part, (name, media_type)) in back.iter().zip(names) {
        assert_eq!(part.content_type.as_deref(), Some(media_type));
        assert_eq!(part.filename.as_deref(), Some(name));
    }
}

/// ENV-53, ENV-55: as other products have them: mixed, without `start`, encoded, with text around, LF alone.
#[test]
fn documents_of_others() {
    let body = "for old programs\n--b\nContent-Type: text/rtf; name=\"note.rtf\"\nContent-Transfer-Encoding: base64\n\nMTIz\nNDU2\n\
        --b\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\nwithin\n--c--\n\n--b \n\nplain\n--b--\nafter";
    let back = parts("Multipart/Mixed; boundary=\"b\"", body).unwrap();
    assert!(back.iter().all(|part| !part.is_root));
    let names: Vec<_> = (1..)
        .zip(&back)
        .map(|(number, part)| part.numbered_name(number))
        .collect();
    assert_eq!(names, ["01-note.rtf", "02-attachment", "03-attachment"]);
    assert_eq!(back[2].content_type, None);
    let texts: Vec<_> = back.into_iter().map(|part| text(part.payload)).collect();
    assert_eq!(texts, ["123456", "--c\n\nwithin\n--c--\n", "plain"]);

    let two = "--b\r\nContent-ID: <a>\r\n\r\n1\r\n--b\r\nContent-ID: <b>\r\n\r\n2\r\n--b--";
    for (start, root) in [("; start=\"<b>\"", 1), ("; start=\"<c>\"", 0), ("", 0)] {
        let back = parts(&format!("multipart/related; boundary=b{start}"), two).unwrap();
        assert_eq!(back.iter().position(|part| part.is_root), Some(root), "{start}");
    }
}

#[test]
fn names_are_safe() {
    for (given, numbered) in [
        ("../../etc/passwd", "07-passwd"),
        ("a:b", "07-b"),
        ("what?.txt", "07-what_.txt"),
        ("NUL", "07-attachment"),
        ("ü.txt", "07-ü.txt"),
    ] {
        let part = format!("--b\r\nContent-Disposition: attachment; filename=\"{given}\"\r\n\r\n1\r\n--b--");
        let back = parts("multipart/related; boundary=b", &part).unwrap();
        assert_eq!(back[0].untrusted_filename.as_deref(), Some(given));
        assert_eq!(back[0].numbered_name(7), numbered);
    }
    let long = format!(
        "--b\r\nContent-Disposition: attachment; filename={}\r\n\r\n1\r\n--b--",
        "x".repeat(250)
    );
    let back = parts("multipart/related; boundary=b", &long).unwrap();
    assert_eq!(back[0].numbered_name(1), "01-attachment");
}

#[test]
fn what_cannot_be_taken_apart() {
    for (content_type, body, error) in [
        (
            "text/plain",
            "",
            "the payload is neither multipart/related nor multipart/mixed",
        ),
        (
            "multipart/signed; boundary=b",
            "",
            "the payload is neither multipart/related nor multipart/mixed",
        ),
        ("multipart/related", "", "the multipart does not say its boundary"),
        (
            "multipart/related; boundary=\"\"",
            "",
            "the boundary is not one of RFC 2046",
        ),
        (
            "multipart/related; boundary=b",
            "nothing",
            "the closing delimiter is missing",
        ),
        (
            "multipart/related; boundary=b",
            "--b\r\n\r\n1",
            "the closing delimiter is missing",
        ),
        ("multipart/related; boundary=b", "--b--", "the multipart has no part"),
        (
            "multipart/related; boundary=b",
            "--b\r\n\r\n1\r\n--b\r\nContent-Transfer-Encoding: x-zip\r\n\r\n1\r\n--b--",
            "part 2: ",
        ),
        (
            "multipart/related; boundary=b",
            "--b\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!\r\n--b--",
            "the content of part 1: ",
        ),
        (
            "multipart/related; boundary=b",
            "--b\r\nno header\r\n\r\n1\r\n--b--",
            "the header of part 1: ",
        ),
    ] {
        let refused = parts(content_type, body).unwrap_err().to_string();
        assert!(refused.starts_with(error), "{content_type}: {refused}");
    }
    assert!(matches!(
        split(None, &b""[..], &SpoolOptions::new()),
        Err(SplitError::NotMultipart)
    ));
}

/// ENV-53: as Python's `email` package makes them; the root is not the first.
#[test]
fn documents_of_python() {
    let whole = include_str!("../../tests/data/python-email/related.mime");
    let (head, body) = whole.split_once("\r\n\r\n").unwrap();
    let head = HeaderBlock::parse(format!("{head}\r\n").as_bytes(), &Limits::default()).unwrap();
    let back = parts(head.get("Content-Type").unwrap(), body).unwrap();
    let told: Vec<_> = back
        .iter()
        .map(|part| {
            let content_type = part.content_type.as_deref().unwrap();
            let id = part.content_id.as_deref().unwrap();
            (content_type, id, part.filename.as_deref().unwrap(), part.is_root)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("image/tiff", "<scan@python.example>", "scan.tiff", false),
            (
                "text/xml; charset=\"utf-8\"",
                "<order@python.example>",
                "Bestellung Zürich.xml",
                true
            ),
            ("application/pdf", "<drawing@python.example>", "drawing.pdf", false),
            (
                "multipart/mixed; boundary=\"===============0001==\"",
                "<notes@python.example>",
                "notes",
                false
            ),
        ]
    );
    let mut contents = back.into_iter().map(|part| {
        let mut octets = Vec::new();
        part.payload.into_reader().read_to_end(&mut octets).unwrap();
        octets
    });
    assert_eq!(contents.next().unwrap(), (0..=255).collect::<Vec<u8>>());
    assert_eq!(
        contents.next().unwrap(),
        "<Bestellung>Schrauben für Zürich</Bestellung>\n".as_bytes()
    );
    assert_eq!(
        contents.next().unwrap(),
        format!("%PDF-1.4\n{}", "x".repeat(100)).as_bytes()
    );
    let nested = contents.next().unwrap();
    assert!(nested.starts_with(b"--===============0001==\r\n") && nested.ends_with(b"--===============0001==--\r\n"));
}
