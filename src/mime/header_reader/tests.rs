use super::HeaderReader;
use crate::limits::Limits;
use crate::mime::{HeaderBlock, HeaderError};

const RAW: &[u8] = b"Content-Type: multipart/signed;\r\n boundary=b\r\nX:\n\r\n--b\r\n";

/// Reads from chunks: the block or the error, and what is left of the input.
fn read(
    raw: &[u8],
    chunk: usize,
    limits: &Limits,
) -> (HeaderReader, Result<Option<HeaderBlock>, HeaderError>, Vec<u8>) {
    let mut reader = HeaderReader::new(limits);
    let mut chunks = raw.chunks(chunk);
    for mut piece in &mut chunks {
        let result = reader.read(&mut piece);
        if result != Ok(None) {
            let rest = chunks.fold(piece.to_vec(), |rest, more| [&rest, more].concat());
            return (reader, result, rest);
        }
        assert!(piece.is_empty());
    }
    (reader, Ok(None), Vec::new())
}

#[test]
fn the_block_its_octets_and_the_rest_do_not_depend_on_the_chunks() {
    let expected = HeaderBlock::parse(RAW, &Limits::default()).unwrap();
    for chunk in 1..=RAW.len() {
        let (mut reader, block, rest) = read(RAW, chunk, &Limits::default());
        assert_eq!(block, Ok(Some(expected.clone())), "{chunk}");
        assert_eq!(rest, b"--b\r\n", "{chunk}");
        assert_eq!([reader.raw(), &rest].concat(), RAW, "{chunk}");

        // It was given, so it takes and gives nothing more.
        let mut more = b"Y: 1\r\n".as_slice();
        assert_eq!(reader.read(&mut more), Ok(None));
        assert_eq!(more, b"Y: 1\r\n");
        assert_eq!(reader.finish(), Ok(HeaderBlock::new()));
    }
}

#[test]
fn a_block_may_end_with_the_input() {
    for (raw, last) in [
        ("X: 1\r\nY: 2\r\n", Some("2")),
        ("X: 1\r\nY: 2", Some("2")),
        ("X: 1\r\n\r", None),
    ] {
        let (mut reader, block, _) = read(raw.as_bytes(), 1, &Limits::default());
        assert_eq!(block, Ok(None));
        let block = reader.finish().unwrap();
        assert_eq!((block.get("X"), block.get("Y")), (Some("1"), last), "{raw:?}");
        assert_eq!(reader.into_raw(), raw.as_bytes());
    }
    let (mut reader, _, _) = read(b"X: 1\r\nISA*00*", 3, &Limits::default());
    assert_eq!(reader.finish(), Err(HeaderError::NotAField { line: 2 }));
}

/// Nothing of the input is lost: the caller may find that it was no header block at all.
#[test]
fn an_error_stays_and_loses_nothing() {
    let raw = b"X: 1\r\nISA*00*\r\nY: 2\r\n";
    for chunk in 1..=raw.len() {
        let (mut reader, result, rest) = read(raw, chunk, &Limits::default());
        let error = HeaderError::NotAField { line: 2 };
        assert_eq!(result, Err(error.clone()), "{chunk}");
        assert_eq!([reader.raw(), &rest].concat(), raw, "{chunk}");
        assert_eq!(reader.read(&mut b"\r\n".as_slice()), Err(error.clone()));
        assert_eq!(reader.finish(), Err(error));
    }
}

/// SEC-26: a line that never ends is given up before it is kept.
#[test]
fn memory_is_bounded() {
    let limits = Limits {
        header_line: 100,
        ..Limits::default()
    };
    for endless in ["X: a", "X: 1\r\n a"] {
        for chunk in [1, 7, 1 << 20] {
            let raw = format!("{endless}{}", "a".repeat(1 << 16));
            let (reader, result, _) = read(raw.as_bytes(), chunk, &limits);
            assert_eq!(result, Err(HeaderError::LineTooLong { limit: 100 }));
            assert!(reader.raw().len() <= 110, "{chunk}");
        }
    }
}
