use proptest::prelude::{Strategy, any, prop_assert_eq, proptest};

use super::{MultipartError, MultipartEvent, MultipartScanner};

/// An event with its own data; neighbours of one kind are merged.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Event {
    Preamble(Vec<u8>),
    Start,
    Data(Vec<u8>),
    End,
    Epilogue(Vec<u8>),
}

fn record(events: &mut Vec<Event>, event: MultipartEvent<'_>) {
    match (events.last_mut(), event) {
        (Some(Event::Preamble(have)), MultipartEvent::Preamble(more))
        | (Some(Event::Data(have)), MultipartEvent::PartData(more))
        | (Some(Event::Epilogue(have)), MultipartEvent::Epilogue(more)) => have.extend_from_slice(more),
        (_, MultipartEvent::Preamble(data)) => events.push(Event::Preamble(data.to_vec())),
        (_, MultipartEvent::PartData(data)) => events.push(Event::Data(data.to_vec())),
        (_, MultipartEvent::Epilogue(data)) => events.push(Event::Epilogue(data.to_vec())),
        (_, MultipartEvent::PartStart) => events.push(Event::Start),
        (_, MultipartEvent::PartEnd) => events.push(Event::End),
        (_, MultipartEvent::NeedInput) => panic!("not to be recorded"),
    }
}

fn scan_chunks<'a>(
    boundary: &str,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Event>, Result<(), MultipartError>) {
    let mut scanner = MultipartScanner::new(boundary).unwrap();
    let mut events = Vec::new();
    for mut chunk in chunks {
        loop {
            match scanner.next(&mut chunk) {
                Ok(MultipartEvent::NeedInput) => break,
                Ok(event) => record(&mut events, event),
                Err(error) => return (events, Err(error)),
            }
        }
        assert!(chunk.is_empty());
    }
    loop {
        match scanner.finish() {
            Ok(Some(event)) => record(&mut events, event),
            Ok(None) => return (events, Ok(())),
            Err(error) => return (events, Err(error)),
        }
    }
}

/// Scans in one piece and octet by octet, which must not differ.
fn scan(boundary: &str, body: &[u8]) -> (Vec<Event>, Result<(), MultipartError>) {
    let whole = scan_chunks(boundary, [body]);
    assert_eq!(scan_chunks(boundary, body.chunks(1)), whole);
    whole
}

fn part(data: &[u8]) -> [Event; 3] {
    [Event::Start, Event::Data(data.to_vec()), Event::End]
}

/// ENV-41: the CR LF before a delimiter is not part of the body part.
#[test]
fn parts_are_exact() {
    let body = b"--b\r\nContent-Type: text/plain\r\n\r\nISA*00\r\n\r\n--b\r\n\r\nsecond\r\n--b--\r\n";
    let (events, end) = scan("b", body);
    let expected = [part(b"Content-Type: text/plain\r\n\r\nISA*00\r\n"), part(b"\r\nsecond")];
    assert_eq!(events, expected.concat());
    assert_eq!(end, Ok(()));
}

/// ENV-42, INT-43: preamble, epilogue, LF as line end and white space after the boundary.
#[test]
fn sloppy_framing_is_understood() {
    let body = b"This is an S/MIME signed message\n--b \t\none\n--b\t\r\ntwo\r\n--b-- \r\nleft over";
    let (events, end) = scan("b", body);
    let mut expected = vec![Event::Preamble(b"This is an S/MIME signed message".to_vec())];
    expected.extend(part(b"one"));
    expected.extend(part(b"two"));
    expected.push(Event::Epilogue(b"left over".to_vec()));
    assert_eq!(events, expected);
    assert_eq!(end, Ok(()));
}

/// ENV-42: the closing delimiter may be the very end of the body.
#[test]
fn closing_delimiter_needs_no_line_end() {
    for end in ["--b--", "--b-- ", "--b--\r", "--b--\n"] {
        let (events, result) = scan("b", format!("--b\r\nx\r\n{end}").as_bytes());
        assert_eq!(events, part(b"x"), "{end:?}");
        assert_eq!(result, Ok(()), "{end:?}");
    }
}

/// SEC-50: a body that ends early is not taken for a complete one.
#[test]
fn missing_closing_delimiter_is_an_error() {
    for body in [
        "",
        "x",
        "--b",
        "--b\r\nx",
        "--b\r\nx\r\n--b",
        "--b\r\nx\r\n--b-",
        "--b\r\nx\r\n--b--y\r\n",
    ] {
        assert_eq!(scan("b", body.as_bytes()).1, Err(MultipartError::Unclosed), "{body:?}");
    }
}

#[test]
fn longer_boundary_is_not_a_delimiter() {
    let body = b"--ab\r\n--abc\r\n--ab-\r\n-- ab\r\n--ab\rx\r\n--ab--";
    let (events, end) = scan("ab", body);
    assert_eq!(events, part(b"--abc\r\n--ab-\r\n-- ab\r\n--ab\rx"));
    assert_eq!(end, Ok(()));
}

#[test]
fn empty_part_has_no_data() {
    let (events, end) = scan("b", b"--b\r\n--b\n\r\n--b--");
    assert_eq!(events, [Event::Start, Event::End, Event::Start, Event::End]);
    assert_eq!(end, Ok(()));
}

#[test]
fn only_one_line_end_belongs_to_the_delimiter() {
    for (data, kept) in [
        ("x\r\r\n", "x\r"),
        ("x\n\r\n", "x\n"),
        ("x\r\n\n", "x\r\n"),
        ("x\n\n", "x\n"),
        ("x\r\n\r", "x\r\n\r--b--"),
    ] {
        let (events, _) = scan("b", format!("--b\r\n{data}--b--").as_bytes());
        assert_eq!(events.get(1), Some(&Event::Data(kept.into())), "{data:?}");
    }
}

/// ENV-43, INT-30: boundaries that partners use, and those that cannot be any.
#[test]
fn boundaries() {
    for boundary in ["----=_Part_1_2.3", "boundaryEHSgAQ==", "it's a_b/c:d", &"x".repeat(70)] {
        let body = format!("--{boundary}\r\nx\r\n--{boundary}--\r\n");
        assert_eq!(
            scan(boundary, body.as_bytes()),
            (part(b"x").to_vec(), Ok(())),
            "{boundary}"
        );
    }
    for boundary in ["", " ", "a\r\nb", "a\0", "ü", &"x".repeat(71)] {
        let error = MultipartScanner::new(boundary).unwrap_err();
        assert_eq!(error, MultipartError::InvalidBoundary, "{boundary:?}");
    }
}

/// SEC-26.
#[test]
fn parts_are_limited() {
    let fifty = "--b\r\n\r\n".repeat(50);
    assert_eq!(scan("b", format!("{fifty}--b--").as_bytes()).1, Ok(()));
    let end = scan("b", format!("{fifty}--b\r\n--b--").as_bytes()).1;
    assert_eq!(end, Err(MultipartError::TooManyParts));
}

/// Pieces of delimiters in any order.
fn body() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: [&str; 14] = [
        "\r", "\n", "\r\n", "\r\n--ab", "\n--ab", "--ab", "--", "-", "a", "b", " ", "\t", "\0", "text",
    ];
    let piece = proptest::sample::select(&PIECES[..]);
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat().into_bytes())
}

/// SEC-50: white space on the line of the closing delimiter is in no event, so the scanner says that it was there.
#[test]
fn padding_of_the_closing_delimiter_shows() {
    for (end, padded) in [
        ("--b--", false),
        ("--b--\r\n", false),
        ("--b--\r\n epilogue", false),
        ("--b-- ", true),
        ("--b--\t\r\n", true),
        ("--b--  \nepilogue", true),
    ] {
        let body = format!("--b \r\n\r\npart\r\n{end}");
        for chunk in [1, body.len()] {
            let mut scanner = MultipartScanner::new("b").unwrap();
            for mut chunk in body.as_bytes().chunks(chunk) {
                while scanner.next(&mut chunk).unwrap() != MultipartEvent::NeedInput {}
            }
            while scanner.finish().unwrap().is_some() {}
            assert_eq!(scanner.is_padded(), padded, "{end:?} by {chunk}");
        }
    }
}

proptest! {
    #[test]
    fn events_do_not_depend_on_the_chunks(body in body(), cuts in proptest::collection::vec(1_usize..9, 1..50)) {
        let whole = scan_chunks("ab", [body.as_slice()]);
        prop_assert_eq!(&scan_chunks("ab", body.chunks(1)), &whole);
        let mut rest = body.as_slice();
        let mut chunks = Vec::new();
        for cut in cuts.into_iter().cycle() {
            let Some((chunk, after)) = rest.split_at_checked(cut) else { break };
            chunks.push(chunk);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        chunks.push(rest);
        prop_assert_eq!(scan_chunks("ab", chunks), whole);
    }

    #[test]
    fn what_was_framed_comes_back(parts in proptest::collection::vec(any::<Vec<u8>>(), 1..5)) {
        let mut body = Vec::new();
        let mut expected = Vec::new();
        for data in &parts {
            body.extend_from_slice(b"--a 32 bit tag '()+_,-./:=?\r\n");
            body.extend_from_slice(data);
            body.extend_from_slice(b"\r\n");
            expected.push(Event::Start);
            if !data.is_empty() {
                expected.push(Event::Data(data.clone()));
            }
            expected.push(Event::End);
        }
        body.extend_from_slice(b"--a 32 bit tag '()+_,-./:=?--\r\n");
        prop_assert_eq!(scan_chunks("a 32 bit tag '()+_,-./:=?", [body.as_slice()]), (expected, Ok(())));
    }
}
