use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::{BoundaryCheck, boundary};
use crate::mime::{ContentType, MultipartScanner};

/// ENV-43: legal, short, and without need of quotes.
#[test]
fn boundaries_are_tokens_that_differ() {
    let rng = &mut StdRng::seed_from_u64(1);
    let (one, two) = (boundary(rng), boundary(rng));
    assert_ne!(one, two);
    assert_eq!(one.len(), 29);
    assert!(
        one.bytes()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_'))
    );
    assert!(MultipartScanner::new(&one).is_ok());
    let kind = ContentType::new("multipart", "mixed").with_param("boundary", one.as_str());
    assert_eq!(kind.to_string(), format!("multipart/mixed; boundary={one}"));
}

proptest! {
    /// ENV-43: what is found does not depend on the chunks.
    #[test]
    fn finds_the_delimiter_across_chunks(chunks in proptest::collection::vec("[-b\n]{0,9}", 0..9)) {
        let mut check = BoundaryCheck::new("bb-b");
        for chunk in &chunks {
            check.feed(chunk.as_bytes());
        }
        prop_assert_eq!(check.found(), chunks.concat().contains("--bb-b"));
    }
}
