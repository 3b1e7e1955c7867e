//! The multipart scanner: the same from any pieces, and every octet of a part is one of the body, in order.
#![no_main]

use ediint::mime::{MultipartError, MultipartEvent, MultipartScanner};
use ediint_fuzz::{choice, pieces};
use libfuzzer_sys::fuzz_target;

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
        (_, event) => panic!("not to be recorded: {event:?}"),
    }
}

fn scan<'a>(boundary: &str, pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Event>, Result<(), MultipartError>) {
    let mut scanner = MultipartScanner::new(boundary).unwrap();
    let mut events = Vec::new();
    for mut piece in pieces {
        loop {
            match scanner.next(&mut piece) {
                Ok(MultipartEvent::NeedInput) => break,
                Ok(event) => record(&mut events, event),
                Err(error) => return (events, Err(error)),
            }
        }
        assert!(piece.is_empty());
    }
    loop {
        match scanner.finish() {
            Ok(Some(event)) => record(&mut events, event),
            Ok(None) => return (events, Ok(())),
            Err(error) => return (events, Err(error)),
        }
    }
}

/// Whether the pieces of data occur in `body` one after the other.
fn in_order(events: &[Event], body: &[u8]) -> bool {
    let mut rest = body;
    events.iter().all(|event| match event {
        Event::Start | Event::End => true,
        Event::Preamble(data) | Event::Data(data) | Event::Epilogue(data) => {
            let found = rest.windows(data.len()).position(|window| window == data);
            if let Some(at) = found {
                rest = &rest[at + data.len()..];
            }
            found.is_some()
        }
    })
}

fuzz_target!(|data: &[u8]| {
    let (seed, body) = choice(data);
    // One that begins another, and one of dashes, which look like those of a delimiter.
    let boundary = ["b", "bb", "--", "=_a b"][usize::from(seed % 4)];
    let whole = scan(boundary, [body]);
    assert_eq!(scan(boundary, pieces(seed / 4, body)), whole);
    let (events, result) = whole;
    let starts = events.iter().filter(|event| **event == Event::Start).count();
    let ends = events.iter().filter(|event| **event == Event::End).count();
    assert!(starts <= 50);
    match result {
        Ok(()) => assert_eq!(starts, ends),
        Err(_) => assert!(starts == ends || starts == ends + 1),
    }
    if body.len() < 2000 {
        assert!(in_order(&events, body));
    }
});
