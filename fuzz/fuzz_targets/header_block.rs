//! Header blocks: the same from any pieces, within the limits, and the same again after writing.
#![no_main]

use ediint::Limits;
use ediint::mime::{HeaderBlock, HeaderError, HeaderReader};
use ediint_fuzz::{choice, pieces};
use libfuzzer_sys::fuzz_target;

fn from_pieces(seed: u8, data: &[u8], limits: &Limits) -> Result<HeaderBlock, HeaderError> {
    let mut reader = HeaderReader::new(limits);
    for mut piece in pieces(seed, data) {
        let whole = reader.read(&mut piece)?;
        // All that was taken is kept, nothing else is.
        assert!(data.starts_with(reader.raw()));
        if let Some(block) = whole {
            return Ok(block);
        }
        assert!(piece.is_empty());
    }
    reader.finish()
}

fuzz_target!(|data: &[u8]| {
    let (seed, data) = choice(data);
    let mut limits = Limits::default();
    limits.header_fields = 8;
    limits.header_line = 200;
    let whole = HeaderBlock::parse(data, &limits);
    assert_eq!(from_pieces(seed, data, &limits), whole);
    let Ok(block) = whole else { return };
    assert!(block.len() <= limits.header_fields);
    assert!(block.iter().all(|field| field.value().len() <= limits.header_line));

    let mut written = Vec::new();
    block.write_to(&mut written);
    assert_eq!(written.iter().filter(|&&octet| octet == b'\n').count(), block.len());
    assert_eq!(HeaderBlock::parse(&written, &Limits::default()), Ok(block.clone()));

    // The readers of particular fields take whatever there is.
    let _ = (
        block.content_type(),
        block.content_disposition(),
        block.transfer_encoding(),
    );
    for field in block.iter() {
        assert!(block.contains(field.name()));
        assert_eq!(block.single(field.name()).is_err(), {
            let same = block
                .iter()
                .filter(|other| other.name().eq_ignore_ascii_case(field.name()));
            same.count() > 1 || field.text().is_none()
        });
    }
});
