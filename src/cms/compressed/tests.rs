use super::{Deflater, InflateError, Inflater};
use crate::Limits;

fn inflate(limits: &Limits, zlib: &[u8], chunk: usize) -> Result<Vec<u8>, InflateError> {
    let mut inflater = Inflater::new(limits);
    let mut out = Vec::new();
    for input in zlib.chunks(chunk) {
        inflater.update(input, |piece| {
            out.extend_from_slice(piece);
            Ok::<_, InflateError>(())
        })?;
    }
    inflater.finish()?;
    Ok(out)
}

fn deflate(content: &[u8], chunk: usize) -> Vec<u8> {
    let mut deflater = Deflater::new();
    let mut out = Vec::new();
    for input in content.chunks(chunk) {
        deflater.update(input, &mut out).unwrap();
    }
    deflater.finish(&mut out).unwrap();
    out
}

/// `zlib.compress(b"UNB+UNOA:1" * 3, 9)` of Python.
const PYTHON: &[u8] = &[
    0x78, 0xda, 0x0b, 0xf5, 0x73, 0xd2, 0x0e, 0xf5, 0xf3, 0x77, 0xb4, 0x32, 0x0c, 0xc5, 0xc2, 0x02, 0x00, 0x7e, 0xe1,
    0x08, 0x0b,
];

#[test]
fn foreign_stream_inflates_in_any_chunks() {
    for chunk in [1, 2, 5, 100] {
        assert_eq!(
            inflate(&Limits::default(), PYTHON, chunk).unwrap(),
            b"UNB+UNOA:1UNB+UNOA:1UNB+UNOA:1"
        );
    }
}

#[test]
fn large_content_survives_in_any_chunks() {
    let content: Vec<u8> = (0_u32..100_000).flat_map(|i| i.wrapping_mul(i).to_le_bytes()).collect();
    for chunk in [777, 4096, content.len()] {
        let zlib = deflate(&content, chunk);
        assert_eq!(inflate(&Limits::default(), &zlib, chunk).unwrap(), content);
    }
}

#[test]
fn empty_content_is_a_stream_too() {
    assert_eq!(inflate(&Limits::default(), &deflate(b"", 1), 1).unwrap(), b"");
}

#[test]
fn octets_after_the_stream_are_an_error() {
    for chunk in [1, PYTHON.len(), 100] {
        let octets = [PYTHON, b"\n"].concat();
        assert_eq!(
            inflate(&Limits::default(), &octets, chunk),
            Err(InflateError::TrailingOctets)
        );
    }
}

#[test]
fn truncated_stream_is_an_error() {
    for end in 0..PYTHON.len() {
        assert_eq!(
            inflate(&Limits::default(), &PYTHON[..end], 100),
            Err(InflateError::Truncated),
            "at {end}"
        );
    }
}

#[test]
fn wrong_checksum_and_raw_deflate_are_errors() {
    let mut octets = PYTHON.to_vec();
    *octets.last_mut().unwrap() ^= 1;
    assert_eq!(inflate(&Limits::default(), &octets, 100), Err(InflateError::Damaged));
    assert_eq!(
        inflate(&Limits::default(), &PYTHON[2..], 100),
        Err(InflateError::Damaged)
    );
}

/// What stands before a fault is given out, in any chunks: the layers inside may find a fault of their own in it.
#[test]
fn what_stands_before_a_fault_is_given_out() {
    let text: Vec<u8> = (0..20_000_u32).flat_map(u32::to_be_bytes).collect();
    let whole = deflate(&text, text.len());
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle..].fill(0xff);
    let given = |zlib: &[u8], limits: &Limits, chunk| {
        let mut given = Vec::new();
        let mut inflater = Inflater::new(limits);
        let result = zlib.chunks(chunk).try_for_each(|chunk| {
            inflater.update(chunk, |octets| {
                given.extend_from_slice(octets);
                Ok::<_, InflateError>(())
            })
        });
        (given, result)
    };
    let limits = Limits {
        message_size: 50_000,
        ..Limits::default()
    };
    for chunk in [1, 7, 1000, whole.len()] {
        let (before, result) = given(&damaged, &Limits::default(), chunk);
        assert_eq!(result, Err(InflateError::Damaged));
        assert_eq!(before, given(&damaged, &Limits::default(), 1).0);
        assert!(text.starts_with(&before[..before.len() - 300]) && before.len() > 10_000);
        assert_eq!(
            given(&whole, &limits, chunk),
            (text[..50_000].to_vec(), Err(InflateError::TooLarge))
        );
    }
}

/// SEC-24: what is given out before the bomb is noticed stays within the limit.
#[test]
fn bomb_is_stopped_at_the_size_limit() {
    let zlib = deflate(&vec![0; 10 << 20], 1 << 20);
    let limits = Limits {
        message_size: 1 << 20,
        ..Limits::default()
    };
    let mut given = 0;
    let result = Inflater::new(&limits).update(&zlib, |piece| {
        given += piece.len();
        Ok::<_, InflateError>(())
    });
    assert_eq!(result, Err(InflateError::TooLarge));
    assert!(given <= 1 << 20, "{given}");
    let limits = Limits {
        message_size: 10 << 20,
        ..Limits::default()
    };
    assert_eq!(inflate(&limits, &zlib, 1000).unwrap().len(), 10 << 20);
}

#[test]
fn ratio_limit_stops_what_the_size_limit_lets_pass() {
    let zlib = deflate(&vec![0; 10 << 20], 1 << 20);
    let limits = Limits {
        inflate_ratio: Some(100),
        ..Limits::default()
    };
    assert_eq!(inflate(&limits, &zlib, 1000), Err(InflateError::Ratio));
    let limits = Limits {
        inflate_ratio: Some(1100),
        ..Limits::default()
    };
    assert!(inflate(&limits, &zlib, 1000).is_ok());
}

#[test]
fn error_of_the_sink_is_passed_on() {
    let full = || std::io::Error::from(std::io::ErrorKind::StorageFull);
    let error = Inflater::new(&Limits::default())
        .update(PYTHON, |_| Err(full()))
        .unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
}
