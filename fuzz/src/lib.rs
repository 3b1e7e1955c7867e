//! What the fuzz targets share.

use ediint::Limits;
use ediint::cms::{CmsError, CmsEvent, CmsReader, CmsTrailer, EnvelopedHead, SignedHead};
use ediint::mime::{HeaderBlock, HeaderError, HeaderReader};

/// Splits off the first octet, which chooses among variants.
pub fn choice(data: &[u8]) -> (u8, &[u8]) {
    data.split_first().map_or((0, data), |(first, rest)| (*first, rest))
}

/// Cuts `data` into pieces of 1 to 16 octets whose lengths `seed` decides.
pub fn pieces(seed: u8, mut data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut state = u32::from(seed) + 1;
    std::iter::from_fn(move || {
        // A linear congruential generator: only the lengths have to vary.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let len = if seed == 0 { 1 } else { 1 + (state >> 28) as usize };
        let (piece, rest) = data.split_at(len.min(data.len()));
        data = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

/// A header block and what follows it.
pub fn head_and_body(data: &[u8]) -> Result<(HeaderBlock, &[u8]), HeaderError> {
    let mut reader = HeaderReader::new(&Limits::default());
    let mut rest = data;
    match reader.read(&mut rest)? {
        Some(head) => Ok((head, rest)),
        None => Ok((reader.finish()?, rest)),
    }
}

/// Everything that a [`CmsReader`] gives, the content in one piece.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct CmsRead {
    pub enveloped: Option<EnvelopedHead>,
    pub signed: Option<SignedHead>,
    pub compressed: bool,
    pub content: Vec<u8>,
    pub trailer: Option<CmsTrailer>,
}

/// Reads a CMS structure from pieces. What follows it is not looked at.
pub fn read_cms<'a>(limits: &Limits, pieces: impl IntoIterator<Item = &'a [u8]>) -> (CmsRead, Result<(), CmsError>) {
    let mut reader = CmsReader::new(limits);
    let mut read = CmsRead::default();
    for mut piece in pieces {
        loop {
            match reader.next(&mut piece) {
                Ok(CmsEvent::NeedInput) => break,
                Ok(CmsEvent::Enveloped(head)) => assert!(read.enveloped.replace(head).is_none()),
                Ok(CmsEvent::Signed(head)) => assert!(read.signed.replace(head).is_none()),
                Ok(CmsEvent::Compressed) => assert!(!std::mem::replace(&mut read.compressed, true)),
                Ok(CmsEvent::Content(octets)) => {
                    assert!(!octets.is_empty());
                    read.content.extend_from_slice(octets);
                }
                Ok(CmsEvent::End(trailer)) => assert!(read.trailer.replace(trailer).is_none()),
                Ok(event) => panic!("an event that is not known here: {event:?}"),
                Err(error) => return (read, Err(error)),
            }
        }
        if reader.is_finished() {
            break;
        }
    }
    let end = reader.finish();
    assert_eq!(end.is_ok(), reader.is_finished());
    assert_eq!(end.is_ok(), read.trailer.is_some());
    (read, end)
}
