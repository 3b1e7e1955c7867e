use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::{BoundaryCheck, boundary};
use crate::mime::{ContentType, MultipartScanner};

fn found<'a>(boundary: &str, chunks: impl IntoIterator<Item = &'a [u8]>) -> bool {
    let mut check = BoundaryCheck::new(boundary);
    chunks.into_iter().for_each(|chunk| check.feed(chunk));
    check.found()
}

/// ENV-43: short, of characters that a parameter holds without quotes, and new each time.
#[test]
fn boundary_needs_no_quotes() {
    let mut rng = StdRng::seed_from_u64(2046);
    let first = boundary(&mut rng);
    let second = boundary(&mut rng);
    assert_ne!(first, second);
    for boundary in [first, second] {
        assert_eq!(boundary.len(), 29);
        assert!(MultipartScanner::new(&boundary).is_ok());
        let written = ContentType::new("multipart", "signed").with_param("boundary", boundary.as_str());
        assert_eq!(written.to_string(), format!("multipart/signed; boundary={boundary}"));
    }
}

/// ENV-43: wherever the content is cut, and wherever in a line the delimiter stands.
#[test]
fn delimiter_is_found_across_chunks() {
    for content in [
        "--part_1",
        "\r\n--part_1\r\n",
        "ISA*00--part_1",
        "----part_1--",
        "--part_--part_12",
    ] {
        for size in 1..=content.len() {
            assert!(
                found("part_1", content.as_bytes().chunks(size)),
                "{content:?} by {size}"
            );
        }
        for at in 0..=content.len() {
            let (head, tail) = content.as_bytes().split_at(at);
            assert!(found("part_1", [head, &[], tail]), "{content:?} at {at}");
        }
    }
    for content in [
        "",
        "part_1",
        "-part_1",
        "- -part_1",
        "--part_",
        "--Part_1",
        "--part_\r\n1",
    ] {
        for size in 1..=content.len().max(1) {
            assert!(
                !found("part_1", content.as_bytes().chunks(size)),
                "{content:?} by {size}"
            );
        }
    }
}

#[test]
fn what_was_found_stays_found() {
    assert!(found("b", [&b"--b"[..], b"more", b"and more"]));
}

proptest! {
    #[test]
    fn chunks_do_not_matter(
        content in "[-ab]{0,60}",
        boundary in "[-ab]{1,6}",
        sizes in prop::collection::vec(0..12_usize, 0..30),
    ) {
        let mut rest = content.as_bytes();
        let mut chunks = Vec::new();
        for size in sizes {
            let (chunk, after) = rest.split_at(size.min(rest.len()));
            chunks.push(chunk);
            rest = after;
        }
        chunks.push(rest);
        prop_assert_eq!(found(&boundary, chunks), content.contains(&format!("--{boundary}")));
    }
}
