use super::CmsReader;
use crate::Limits;
use crate::cms::{BerError, CmsError, CmsEvent, CmsTrailer, ContentKind, EnvelopedHead, SignedHead};

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../../tests/data/openssl/cms/", $name)).as_slice()
    };
}

const CONTENT: &[u8] = fixture!("content.bin");

const FIXTURES: [&[u8]; 14] = [
    fixture!("signed.der"),
    fixture!("signed-stream.ber"),
    fixture!("signed-detached.der"),
    fixture!("signed-nocerts.der"),
    fixture!("enveloped-aes128.der"),
    fixture!("enveloped-aes128-stream.ber"),
    fixture!("enveloped-aes256.der"),
    fixture!("enveloped-des3.der"),
    fixture!("enveloped-des3-stream.ber"),
    fixture!("enveloped-keyid.der"),
    fixture!("enveloped-three.der"),
    fixture!("enveloped-kek.der"),
    fixture!("enveloped-oaep.der"),
    fixture!("enveloped-rc2.der"),
];

/// Everything a reader gives, with the content in one piece.
#[derive(Debug, Default, PartialEq, Eq)]
struct Read {
    enveloped: Option<EnvelopedHead>,
    signed: Option<SignedHead>,
    compressed: bool,
    content: Vec<u8>,
    trailer: Option<CmsTrailer>,
    left: Vec<u8>,
}

fn read<'a>(limits: &Limits, chunks: impl IntoIterator<Item = &'a [u8]>) -> Result<Read, CmsError> {
    let mut reader = CmsReader::new(limits);
    let mut read = Read::default();
    for mut chunk in chunks {
        loop {
            match reader.next(&mut chunk)? {
                CmsEvent::NeedInput => break,
                CmsEvent::Enveloped(head) => assert!(read.enveloped.replace(head).is_none()),
                CmsEvent::Signed(head) => assert!(read.signed.replace(head).is_none()),
                CmsEvent::Compressed => read.compressed = true,
                CmsEvent::Content(octets) => read.content.extend_from_slice(octets),
                CmsEvent::End(trailer) => assert!(read.trailer.replace(trailer).is_none()),
            }
        }
        read.left.extend_from_slice(chunk);
    }
    reader.finish()?;
    Ok(read)
}

fn read_whole(octets: &[u8]) -> Result<Read, CmsError> {
    read(&Limits::default(), [octets])
}

/// SMI-01: definite lengths, and the indefinite ones of `-stream`.
#[test]
fn encapsulated_content_is_read_in_every_length_form() {
    for octets in [fixture!("signed.der"), fixture!("signed-stream.ber")] {
        let read = read_whole(octets).unwrap();
        assert_eq!(read.content, CONTENT);
        let trailer = read.trailer.unwrap();
        assert!(!trailer.detached);
        assert_eq!(trailer.certificates.len(), 1);
        assert_eq!(trailer.certificates[0].as_ref(), fixture!("alice.der"));
        assert_eq!(trailer.signer_infos.len(), 1);
    }
}

#[test]
fn detached_signature_has_no_content() {
    let read = read_whole(fixture!("signed-detached.der")).unwrap();
    assert_eq!(read.content, b"");
    assert_eq!(read.signed.unwrap().digest_algorithms, [crate::DigestAlgorithm::Sha256]);
    assert!(read.trailer.unwrap().detached);
}

/// SEC-27, PER-05: a structure that only nests is refused at the depth limit.
#[test]
fn nesting_a_million_deep_is_refused_at_once() {
    for opening in [&[0x30, 0x80][..], &[0xa0, 0x80], &[0x24, 0x80]] {
        let mut octets = fixture!("signed-stream.ber")[..100].to_vec();
        let content = octets.windows(2).position(|window| window == [0x24, 0x80]).unwrap();
        octets.truncate(content);
        for _ in 0..1_000_000 {
            octets.extend_from_slice(opening);
        }
        let error = read_whole(&octets).unwrap_err();
        match opening {
            [0x24, _] => assert_eq!(error, CmsError::Ber(BerError::TooDeep)),
            _ => assert_eq!(error, CmsError::Structure),
        }
    }
}

#[test]
fn any_split_gives_the_same() {
    for octets in FIXTURES {
        let whole = read_whole(octets).unwrap();
        for size in [1, 2, 3, 7, 64, 1000] {
            assert_eq!(read(&Limits::default(), octets.chunks(size)).unwrap(), whole);
        }
    }
}

#[test]
fn other_content_types_are_named() {
    // AuthenticatedData is the content type before AuthEnvelopedData.
    let mut octets = fixture!("auth-enveloped.der").to_vec();
    let oid = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 23];
    let at = octets.windows(oid.len()).position(|window| window == oid).unwrap();
    octets[at + 10] = 2;
    let error = read_whole(&octets).unwrap_err();
    let CmsError::UnsupportedContentType(oid) = error else {
        panic!("{error}")
    };
    assert!(oid.starts_with("1.2.840.113549.1.9.16.1.2 "), "{oid}");
}

/// SMI-22: the code behind the content, and that it must be there.
#[test]
fn authenticated_content_comes_with_its_code() {
    let octets = fixture!("auth-enveloped.der");
    let read = read_whole(octets).unwrap();
    let head = read.enveloped.unwrap();
    assert_eq!((head.authenticated, head.mac_len, head.iv.len()), (true, Some(16), 12));
    let mac = read.trailer.unwrap().mac;
    assert!(mac.attributes.is_empty());
    assert!(octets.ends_with(&mac.mac));
    for size in [1, 2, 3, 7, 64, 1000] {
        let pieces = self::read(&Limits::default(), octets.chunks(size)).unwrap();
        assert_eq!(pieces, read_whole(octets).unwrap());
    }
    // A NULL where the code should be.
    let mut without = octets[..octets.len() - 18].to_vec();
    without.extend([5, 16]);
    without.extend([0; 16]);
    assert_eq!(read_whole(&without), Err(CmsError::Structure));
}

#[test]
fn truncation_is_noticed_everywhere() {
    for octets in FIXTURES {
        for end in (0..400).chain(octets.len() - 400..octets.len()) {
            assert_eq!(read_whole(&octets[..end]), Err(CmsError::Truncated), "at {end}");
        }
    }
}

#[test]
fn what_follows_is_left_alone() {
    let octets = [fixture!("signed.der"), b"\r\nmore"].concat();
    assert_eq!(read_whole(&octets).unwrap().left, b"\r\nmore");
}

#[test]
fn kind_is_known_early() {
    let mut reader = CmsReader::new(&Limits::default());
    let mut input = &fixture!("enveloped-aes128.der")[..15];
    assert_eq!(reader.next(&mut input), Ok(CmsEvent::NeedInput));
    assert_eq!(reader.kind(), Some(ContentKind::EnvelopedData));
}
