use crate::mic::{Digester, MicSet};
use crate::mime::{HeaderBlock, MultipartError, MultipartEvent, MultipartScanner};

/// The digest of a message without layers (RFC 4130 §7.3.1): its content, without any header.
///
/// Of a multipart/related it covers the parts within the boundaries, headers and content, one after the other (RFC 6362
/// §2.3): neither delimiters nor what is outside of them. Both sides of an exchange compute it here.
#[derive(Debug)]
pub(super) struct PlainDigest {
    digester: Digester,
    scanner: Option<Box<MultipartScanner>>,
}

impl PlainDigest {
    /// Digests the content of an entity with this head.
    pub(super) fn new(head: &HeaderBlock, digester: Digester) -> Result<Self, MultipartError> {
        let related = head
            .content_type()
            .ok()
            .flatten()
            .filter(|kind| kind.is("multipart", "related"));
        let scanner = related
            .map(|kind| MultipartScanner::new(kind.param("boundary").unwrap_or_default()))
            .transpose()?
            .map(Box::new);
        Ok(Self { digester, scanner })
    }

    pub(super) fn update(&mut self, mut input: &[u8]) -> Result<(), MultipartError> {
        let Some(scanner) = &mut self.scanner else {
            self.digester.update(input);
            return Ok(());
        };
        loop {
            match scanner.next(&mut input)? {
                MultipartEvent::NeedInput => return Ok(()),
                MultipartEvent::PartData(octets) => self.digester.update(octets),
                _ => {}
            }
        }
    }

    pub(super) fn finish(mut self) -> Result<MicSet, MultipartError> {
        if let Some(scanner) = &mut self.scanner {
            while let Some(event) = scanner.finish()? {
                if let MultipartEvent::PartData(octets) = event {
                    self.digester.update(octets);
                }
            }
        }
        Ok(self.digester.finish())
    }
}
