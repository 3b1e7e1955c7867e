use super::{BerError, BerEvent, BerReader, Collector};
use crate::Limits;

fn collect(octets: &[u8]) -> Result<Vec<u8>, BerError> {
    let mut reader = BerReader::new(&Limits::default());
    let mut collector = Collector::default();
    let mut input = octets;
    loop {
        match reader.next(&mut input)? {
            BerEvent::NeedInput => return Err(BerError::Truncated),
            BerEvent::Begin(header) => collector.begin(&header)?,
            BerEvent::Bytes(bytes) => collector.bytes(bytes),
            BerEvent::End => {
                if let Some(value) = collector.end() {
                    return Ok(value);
                }
            }
        }
    }
}

#[test]
fn indefinite_lengths_and_segments_become_definite() {
    // SEQUENCE { SEQUENCE { OCTET STRING 01 02 03 in nested segments }, NULL }
    let ber = [
        0x30, 0x80, 0x30, 0x80, 0x24, 0x80, 0x04, 1, 1, 0x24, 0x80, 0x04, 1, 2, 0x04, 0, 0, 0, 0x24, 3, 0x04, 1, 3, 0,
        0, 0, 0, 0x05, 0, 0, 0,
    ];
    assert_eq!(collect(&ber).unwrap(), [0x30, 9, 0x30, 5, 0x04, 3, 1, 2, 3, 0x05, 0]);
}

#[test]
fn definite_values_are_kept_octet_for_octet() {
    // Non-minimal lengths, a high tag number.
    let ber = [0x30, 0x84, 0, 0, 0, 10, 0x04, 0x82, 0, 1, 7, 0x9f, 0x81, 0x01, 1, 9];
    assert_eq!(collect(&ber).unwrap(), ber);
}

#[test]
fn long_content_gets_a_long_length() {
    let mut ber = vec![0x24, 0x80];
    for _ in 0..3 {
        ber.extend_from_slice(&[0x04, 100]);
        ber.extend_from_slice(&[b'x'; 100]);
    }
    ber.extend_from_slice(&[0, 0]);
    assert_eq!(
        collect(&ber).unwrap(),
        [&[0x04, 0x82, 1, 44][..], &[b'x'; 300]].concat()
    );
}

#[test]
fn invalid_ber_is_refused() {
    let cases: [(&[u8], BerError); 11] = [
        (&[0x04, 0x80], BerError::Header),
        (&[0x30, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 1], BerError::Header),
        (&[0x30, 0xff], BerError::Header),
        (&[0xbf, 0x81, 0x81, 0x81, 0x81, 0x01, 0], BerError::Header),
        (&[0x30, 2, 0x04, 1], BerError::Overrun),
        (&[0x30, 1, 0x04, 0], BerError::Overrun),
        (&[0x30, 4, 0x30, 0x80, 0x04, 9], BerError::Overrun),
        (&[0x30, 0x88, 255, 255, 255, 255, 255, 255, 255, 255], BerError::Overrun),
        (&[0x30, 2, 0, 0], BerError::EndOfContents),
        (&[0x30, 0x80, 0, 1, 0], BerError::EndOfContents),
        (&[0x24, 4, 0x0c, 0, 0x04, 0], BerError::Segment),
    ];
    for (octets, error) in cases {
        assert_eq!(collect(octets), Err(error), "{octets:02x?}");
    }
}

/// SMI-02
#[test]
fn depth_and_elements_are_bounded() {
    for depth in [33, 1_000_000] {
        assert_eq!(collect(&[0x30, 0x80].repeat(depth)), Err(BerError::TooDeep));
    }
    let mut many = vec![0x30, 0x80];
    many.extend([0x05, 0].repeat(16_384));
    assert_eq!(collect(&many), Err(BerError::TooMany));
}
