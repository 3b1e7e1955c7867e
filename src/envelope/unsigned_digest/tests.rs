use super::UnsignedDigest;
use crate::algorithm::DigestAlgorithm;
use crate::mic::{Digester, Mic};
use crate::partnership::UnsignedMic;

const HEAD: &[u8] = b"Content-Type: text/plain\n\r\n";

fn digest(form: &UnsignedMic, pieces: &[&[u8]]) -> Mic {
    let digester = Digester::new([DigestAlgorithm::Sha256]);
    let mut digest = UnsignedDigest::of_entity(HEAD, digester, form);
    for piece in pieces {
        digest.update(piece).unwrap();
    }
    digest.finish().unwrap().first().cloned().unwrap()
}

/// SMI-41: what each departure from the RFC covers, whatever the pieces that the content comes in.
#[test]
fn departures_of_partners() {
    let content_only = UnsignedMic {
        content_only: true,
        ..UnsignedMic::default()
    };
    let canonical = UnsignedMic {
        canonical: true,
        ..UnsignedMic::default()
    };
    let trimmed = UnsignedMic {
        without_final_line_end: true,
        ..UnsignedMic::default()
    };
    let all = UnsignedMic {
        content_only: true,
        canonical: true,
        without_final_line_end: true,
    };
    let content = b"A\n\nB\r\r\nC\r\n";
    let expected: [(UnsignedMic, &[u8]); 5] = [
        (
            UnsignedMic::default(),
            b"Content-Type: text/plain\n\r\nA\n\nB\r\r\nC\r\n",
        ),
        (content_only, b"A\n\nB\r\r\nC\r\n"),
        (canonical, b"Content-Type: text/plain\r\n\r\nA\r\n\r\nB\r\n\r\nC\r\n"),
        (trimmed, b"Content-Type: text/plain\n\r\nA\n\nB\r\r\nC"),
        (all, b"A\r\n\r\nB\r\n\r\nC"),
    ];
    for (form, octets) in expected {
        let expected = Mic::of(DigestAlgorithm::Sha256, octets);
        assert_eq!(digest(&form, &[content]), expected, "{form:?}");
        let single: Vec<&[u8]> = content.chunks(1).collect();
        assert_eq!(digest(&form, &single), expected, "{form:?}, octet by octet");
        for split in 0..content.len() {
            let (a, b) = content.split_at(split);
            assert_eq!(digest(&form, &[a, b]), expected, "{form:?}, split at {split}");
        }
    }
}

/// SMI-41: only one line end is the final one.
#[test]
fn one_final_line_end() {
    let form = UnsignedMic {
        content_only: true,
        without_final_line_end: true,
        ..UnsignedMic::default()
    };
    for (content, covered) in [
        ("", ""),
        ("\r\n", ""),
        ("\n\n", "\n"),
        ("A\r", "A"),
        ("A\r\n\r\n", "A\r\n"),
    ] {
        let covered = Mic::of(DigestAlgorithm::Sha256, covered.as_bytes());
        assert_eq!(digest(&form, &[content.as_bytes()]), covered, "{content:?}");
    }
}
