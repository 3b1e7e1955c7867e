use proptest::prelude::*;

use super::HeaderReader;
use crate::limits::Limits;
use crate::mime::{HeaderBlock, HeaderError};

/// What was read, the exact octets of it, and what is left of the input.
type Outcome = (Result<HeaderBlock, HeaderError>, Vec<u8>, Vec<u8>);

fn read(limits: &Limits, input: &[u8], size: usize) -> Outcome {
    let mut reader = HeaderReader::new(limits);
    let mut taken = 0;
    for chunk in input.chunks(size) {
        let mut rest = chunk;
        let result = reader.read(&mut rest);
        taken += chunk.len() - rest.len();
        match result {
            Ok(None) => assert!(rest.is_empty()),
            Ok(Some(block)) => return (Ok(block), reader.into_raw(), input[taken..].to_vec()),
            Err(error) => return (Err(error), reader.into_raw(), input[taken..].to_vec()),
        }
    }
    let result = reader.finish();
    (result, reader.into_raw(), input[taken..].to_vec())
}

fn limits(header_fields: usize, header_line: usize) -> Limits {
    Limits {
        header_fields,
        header_line,
        ..Limits::default()
    }
}

/// The exact octets are kept, because they are hashed: folds, LF and the empty line with them. The body stays.
#[test]
fn block_and_body_are_separated_exactly() {
    let head = b"Content-Type: application/edi-x12;\r\n\tname=a\nX:  y \r\n\r\n";
    let body = b"\r\nISA*00: 1\r\n\r\n";
    let input = [&head[..], &body[..]].concat();
    for size in 1..=input.len() {
        let (block, raw, rest) = read(&Limits::default(), &input, size);
        let block = block.unwrap();
        assert_eq!(block.get("content-type"), Some("application/edi-x12; name=a"), "{size}");
        assert_eq!(block.get("x"), Some("y"), "{size}");
        assert_eq!(block.len(), 2, "{size}");
        assert_eq!(raw, head, "{size}");
        assert_eq!(rest, body, "{size}");
    }
}

/// INT-39: a part without any header begins with the empty line.
#[test]
fn block_may_be_empty() {
    for (input, body) in [("\r\nText", "Text"), ("\nText", "Text"), ("\n\nText", "\nText")] {
        for size in [1, input.len()] {
            let (block, _, rest) = read(&Limits::default(), input.as_bytes(), size);
            assert_eq!((block, rest), (Ok(HeaderBlock::new()), body.into()), "{input:?}");
        }
    }
}

#[test]
fn block_may_end_with_the_input() {
    for input in ["A: b", "A: b\r", "A: b\r\n", "A:\r\n b"] {
        let (block, raw, _) = read(&Limits::default(), input.as_bytes(), 1);
        let block = block.unwrap();
        assert_eq!((block.len(), block.get("A")), (1, Some("b")), "{input:?}");
        assert_eq!(raw, input.as_bytes());
    }
}

#[test]
fn block_is_given_once() {
    let mut reader = HeaderReader::new(&Limits::default());
    let mut input = &b"A: b\n\nbody"[..];
    assert_eq!(reader.read(&mut input).unwrap().unwrap().get("A"), Some("b"));
    assert_eq!(reader.read(&mut input), Ok(None));
    assert_eq!(input, b"body");
    assert_eq!(reader.finish(), Ok(HeaderBlock::new()));
    assert_eq!(reader.raw(), b"A: b\n\n");
}

/// An error stays, also one that only the end of the input shows.
#[test]
fn error_is_given_again() {
    let mut reader = HeaderReader::new(&Limits::default());
    let mut input = &b"A: b\nISA*00\nC: d\n\n"[..];
    let error = HeaderError::NotAField { line: 2 };
    assert_eq!(reader.read(&mut input), Err(error.clone()));
    assert_eq!(input, b"C: d\n\n");
    assert_eq!(reader.read(&mut input), Err(error.clone()));
    assert_eq!(reader.finish(), Err(error));
    assert_eq!(reader.raw(), b"A: b\nISA*00\n");
    assert_eq!(input, b"C: d\n\n");

    let mut reader = HeaderReader::new(&Limits::default());
    assert_eq!(reader.read(&mut &b"ISA*00"[..]), Ok(None));
    let error = HeaderError::NotAField { line: 1 };
    assert_eq!(reader.finish(), Err(error.clone()));
    assert_eq!(reader.finish(), Err(error.clone()));
    assert_eq!(reader.read(&mut &b": x\n"[..]), Err(error));
}

/// SEC-26: a line is refused before it is kept, although its end was not seen yet.
#[test]
fn endless_line_is_not_kept() {
    for start in ["", "A: b\r\n ", "A"] {
        let mut reader = HeaderReader::new(&limits(10, 100));
        reader.read(&mut start.as_bytes()).unwrap();
        let mut fed = 0;
        let error = loop {
            match reader.read(&mut &[b'x'; 10][..]) {
                Ok(block) => assert_eq!(block, None),
                Err(error) => break error,
            }
            fed += 10;
            assert!(fed <= 100, "{start:?}");
        };
        assert_eq!(error, HeaderError::LineTooLong { limit: 100 }, "{start:?}");
        assert!(reader.raw().len() <= 108, "{start:?}");
    }
}

/// SEC-26.
#[test]
fn fields_are_limited() {
    let input = b"A: 1\r\nB: 2\r\nC: 3\r\n\r\n";
    assert_eq!(read(&limits(3, 100), input, 1).0.unwrap().len(), 3);
    let (result, raw, rest) = read(&limits(2, 100), input, 1);
    assert_eq!(result, Err(HeaderError::TooManyFields { limit: 2 }));
    assert_eq!(raw, b"A: 1\r\nB: 2\r\nC: 3\r\n");
    assert_eq!(rest, b"\r\n");
}

proptest! {
    /// Any cut gives what the parser gives that sees all at once, errors and limits included.
    #[test]
    fn chunks_do_not_matter(
        input in "([AB]{1,3}: ?|[ \t]|[a-z]{0,6}|\r\n|\n|\r|\0|ü|\\(){0,24}",
        size in 1..20_usize,
        line in 4..14_usize,
    ) {
        let limits = limits(3, line);
        let (block, raw, rest) = read(&limits, input.as_bytes(), size);
        prop_assert_eq!(&block, &HeaderBlock::parse(input.as_bytes(), &limits));
        prop_assert_eq!(&[raw.clone(), rest].concat(), input.as_bytes());
        if block.is_ok() {
            prop_assert_eq!(raw, read(&limits, input.as_bytes(), usize::MAX).1);
        }
    }
}
