//! Input made to be slow: its cost must grow with its size and no faster (PER-05).

use std::io;

use ediint::Limits;
use ediint::envelope::{Decoded, Decoder};
use ediint::mime::HeaderBlock;
use ediint::partnership::AcceptPolicy;

use crate::Result;
use crate::measure::{Target, in_turns, print_ratio};

/// As long as boundaries can be (RFC 2046 §5.1.1).
const BOUNDARY: &str = "0123456789012345678901234567890123456789012345678901234567890123456789";
const SIGNED: &str = "multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256; boundary=";
const BINARY: &str = "Content-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\n\r\n";

/// Linear is 4, quadratic 16; between them is room for a busy machine.
const AT_MOST: f64 = 6.0;

/// One kind of input.
struct Case {
    name: &'static str,
    content_type: String,
    opening: Vec<u8>,
    /// What follows the opening again and again, by its number.
    unit: Box<dyn Fn(usize) -> Vec<u8>>,
    closing: Vec<u8>,
    /// Whether the decoder took what repeats for what it is meant to be.
    reached: fn(&Decoded) -> bool,
}

pub(crate) fn run(quick: bool) -> Result<()> {
    let (size, rounds) = if quick { (128 << 10, 5) } else { (1 << 20, 9) };
    println!("\nInput made to be slow: the time for four times as much of it, divided by the time for once as much");
    for case in cases() {
        case.measure(size, 64 << 10, rounds)?;
        case.measure(size / 4, 1, rounds)?;
    }
    Ok(())
}

fn cases() -> Vec<Case> {
    let has_payload = |decoded: &Decoded| decoded.payload_len > 0;
    let has_head = |decoded: &Decoded| decoded.payload_head.is_some();
    vec![
        Case::signed_part("delimiters with one character more", BINARY, "", has_payload, |_| {
            format!("\r\n--{BOUNDARY}x")
        }),
        Case::signed_part("delimiters that lack one character", BINARY, "", has_payload, |_| {
            format!("\r\n--{}", BOUNDARY.split_at(69).0)
        }),
        Case::signed_part(
            "delimiters with a character after white space",
            BINARY,
            "",
            has_payload,
            |_| format!("\r\n--{BOUNDARY}{:100}x", ""),
        ),
        Case::signed_part(
            "line ends to be canonicalised",
            "Content-Type: text/plain\r\n\r\n",
            "",
            has_payload,
            |_| "\n".to_owned(),
        ),
        Case::signed_part(
            "a folded header",
            "Content-Type: text/plain; a=b",
            "\r\n\r\n",
            has_head,
            |_| "\r\n c".to_owned(),
        ),
        Case::signed_part(
            "parameters of a header",
            "Content-Type: text/plain",
            "\r\n\r\n",
            has_head,
            |number| format!("; a{number}=b"),
        ),
        Case::signed_part(
            "parameters in pieces",
            "Content-Type: text/plain",
            "\r\n\r\n",
            has_head,
            |number| format!("; name*{number}*=b"),
        ),
        Case::signed_part(
            "base64, a character a line",
            "Content-Transfer-Encoding: base64\r\n\r\n",
            "",
            has_payload,
            |_| "Q\r\n".to_owned(),
        ),
        Case::signed_part(
            "quoted-printable, a character a line",
            "Content-Transfer-Encoding: quoted-printable\r\n\r\n",
            "",
            has_payload,
            |_| "a=\r\n".to_owned(),
        ),
        Case {
            name: "an octet string in segments of one octet",
            content_type: "application/pkcs7-mime; smime-type=signed-data".to_owned(),
            // Everything of indefinite length; the digests are none.
            opening: [
                b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x80\x30\x80\x02\x01\x01\x31\x00",
                &b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01\xa0\x80\x24\x80"[..],
                &segment(BINARY.as_bytes()),
            ]
            .concat(),
            unit: Box::new(|_| segment(b"a")),
            closing: b"\0\0\0\0\0\0\x31\0\0\0\0\0\0\0".to_vec(),
            reached: has_payload,
        },
        Case {
            name: "zlib blocks without content",
            content_type: "application/pkcs7-mime; smime-type=compressed-data".to_owned(),
            opening: [
                b"\x30\x80\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x09\xa0\x80\x30\x80\x02\x01\x00",
                &b"\x30\x0d\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x03\x08"[..],
                b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01\xa0\x80\x24\x80",
                &segment(b"\x78\x9c"),
            ]
            .concat(),
            unit: Box::new(|_| segment(b"\x00\x00\x00\xff\xff")),
            // The last block has no content either, so the checksum is that of nothing: there is no entity.
            closing: [&segment(b"\x01\x00\x00\xff\xff\x00\x00\x00\x01"), &[0; 14][..]].concat(),
            reached: |decoded| format!("{:?}", decoded.fault) == "Some(Truncated)",
        },
    ]
}

/// A primitive octet string of less than 128 octets.
fn segment(octets: &[u8]) -> Vec<u8> {
    let len = u8::try_from(octets.len()).unwrap_or_default();
    [&[4, len], octets].concat()
}

impl Case {
    /// A multipart/signed whose first part is what repeats between `opening` and `closing`. Its second part is empty:
    /// nobody gets to see it.
    fn signed_part(
        name: &'static str,
        opening: &str,
        closing: &str,
        reached: fn(&Decoded) -> bool,
        unit: impl Fn(usize) -> String + 'static,
    ) -> Self {
        Self {
            name,
            content_type: format!("{SIGNED}{BOUNDARY}"),
            opening: format!("--{BOUNDARY}\r\n{opening}").into_bytes(),
            unit: Box::new(move |number| unit(number).into_bytes()),
            closing: format!("{closing}\r\n--{BOUNDARY}--\r\n").into_bytes(),
            reached,
        }
    }

    fn measure(&self, size: usize, chunk: usize, rounds: usize) -> Result<()> {
        let (once, four) = (self.body(size), self.body(4 * size));
        let decoded = self.decode(&four, chunk)?;
        if !(self.reached)(&decoded) {
            return Err(format!("{}: {:?}, {:?}", self.name, decoded.fault, decoded.content_fault).into());
        }
        let rounds = in_turns(
            rounds,
            [&mut || self.decode(&once, chunk).map(drop), &mut || {
                self.decode(&four, chunk).map(drop)
            }],
        )?;
        let pace = if chunk == 1 { ", octet by octet" } else { "" };
        let ratio = rounds.figure(|[once, four]| four / once);
        print_ratio(&format!("{}{pace}", self.name), ratio, Target::AtMost(AT_MOST));
        Ok(())
    }

    fn body(&self, size: usize) -> Vec<u8> {
        let mut body = self.opening.clone();
        for number in 0.. {
            if body.len() >= size {
                break;
            }
            body.extend((self.unit)(number));
        }
        body.extend_from_slice(&self.closing);
        body
    }

    fn decode(&self, body: &[u8], chunk: usize) -> Result<Decoded> {
        let mut limits = Limits::default();
        // Far beyond what anybody sets: what is quadratic has to show.
        limits.header_line = 64 << 20;
        let mut head = HeaderBlock::new();
        head.push("Content-Type", &self.content_type)?;
        let mut decoder = Decoder::new(head, &[], AcceptPolicy::default(), limits);
        for chunk in body.chunks(chunk) {
            decoder.update(chunk, &mut io::sink())?;
        }
        Ok(decoder.finish(&mut io::sink())?)
    }
}
