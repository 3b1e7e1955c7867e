use super::{BadTlv, Tlvs, encode_open, set_of, tag};
use crate::cms::ber::Header;

#[test]
fn lengths_are_written_in_the_shortest_form() {
    let header = |length| encode_open(tag::SEQUENCE, &[], length);
    assert_eq!(header(0), [0x30, 0]);
    assert_eq!(header(127), [0x30, 127]);
    assert_eq!(header(128), [0x30, 0x81, 128]);
    assert_eq!(header(256), [0x30, 0x82, 1, 0]);
    assert_eq!(header(1 << 32), [0x30, 0x85, 1, 0, 0, 0, 0]);
    for length in [0, 127, 128, 255, 256, 65_536, u64::MAX] {
        assert_eq!(Header::parse(&header(length)).unwrap().unwrap().length(), Some(length));
    }
}

#[test]
fn values_are_read_one_by_one() {
    let mut values = Tlvs(&[0x02, 1, 5, 0x04, 0x82, 0, 1, 7, 0x9f, 0x81, 1, 0, 0x04, 2, 1]);
    let number = values.expect(tag::INTEGER).unwrap();
    assert_eq!((number.value, number.raw), (&[5][..], &[0x02, 1, 5][..]));
    assert_eq!(values.expect(tag::INTEGER), Err(BadTlv));
    assert_eq!(values.optional(tag::INTEGER), Ok(None));
    assert_eq!(values.expect(tag::OCTET_STRING).unwrap().value, [7]);
    assert_eq!(values.any().unwrap().raw, [0x9f, 0x81, 1, 0]);
    assert_eq!(values.any(), Err(BadTlv));
}

#[test]
fn indefinite_and_enormous_lengths_are_refused() {
    for octets in [
        &[0x30, 0x80, 0, 0][..],
        &[0x04, 0x88, 255, 255, 255, 255, 255, 255, 255, 255],
        &[0x04, 0x84, 0, 0, 0],
        &[0x1f, 0x81],
        &[],
    ] {
        assert_eq!(Tlvs(octets).any(), Err(BadTlv), "{octets:02x?}");
    }
}

#[test]
fn sets_are_sorted() {
    let set = set_of(tag::SET, vec![vec![4, 2, 0, 0], vec![4, 1, 9], vec![2, 1, 9]]);
    assert_eq!(set, [0x31, 10, 2, 1, 9, 4, 1, 9, 4, 2, 0, 0]);
}
