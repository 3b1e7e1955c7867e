use super::canonical::Canonical;
use crate::mic::{Digester, MicSet};
use crate::mime::{HeaderBlock, MultipartError, MultipartEvent, MultipartScanner};
use crate::partnership::UnsignedMic;

/// The digest of a message without a signature (RFC 4130 §7.3.1, RFC 5402 §4.2): of its content or, inside another layer,
/// of the innermost entity. Both sides of an exchange compute it here.
#[derive(Debug)]
pub(super) struct UnsignedDigest {
    digested: Digested,
    /// Only where there are no layers: of a multipart/related the digest covers the parts within the boundaries, headers
    /// and content, one after the other (RFC 6362 §2.3), neither delimiters nor what is outside of them.
    scanner: Option<Box<MultipartScanner>>,
}

/// The digest, and how the partner departs from the RFC.
#[derive(Debug)]
struct Digested {
    digester: Digester,
    canonical: Option<Canonical>,
    /// A line end that may turn out to be the last one, where that does not count.
    held: Option<Vec<u8>>,
}

impl UnsignedDigest {
    /// Digests the content of a message without layers that has this head.
    pub(super) fn of_plain(head: &HeaderBlock, digester: Digester, form: &UnsignedMic) -> Result<Self, MultipartError> {
        let related = head
            .content_type()
            .ok()
            .flatten()
            .filter(|kind| kind.is("multipart", "related"));
        let scanner = related
            .map(|kind| MultipartScanner::new(kind.param("boundary").unwrap_or_default()))
            .transpose()?
            .map(Box::new);
        Ok(Self {
            digested: Digested::new(digester, form),
            scanner,
        })
    }

    /// Digests an entity within another layer, whose head is `head` to the octet.
    pub(super) fn of_entity(head: &[u8], digester: Digester, form: &UnsignedMic) -> Self {
        let mut digested = Digested::new(digester, form);
        if !form.content_only {
            digested.update(head);
        }
        Self {
            digested,
            scanner: None,
        }
    }

    /// Takes the next octets of the content.
    pub(super) fn update(&mut self, mut input: &[u8]) -> Result<(), MultipartError> {
        let Some(scanner) = &mut self.scanner else {
            self.digested.update(input);
            return Ok(());
        };
        loop {
            match scanner.next(&mut input)? {
                MultipartEvent::NeedInput => return Ok(()),
                MultipartEvent::PartData(octets) => self.digested.update(octets),
                _ => {}
            }
        }
    }

    pub(super) fn finish(mut self) -> Result<MicSet, MultipartError> {
        if let Some(scanner) = &mut self.scanner {
            while let Some(event) = scanner.finish()? {
                if let MultipartEvent::PartData(octets) = event {
                    self.digested.update(octets);
                }
            }
        }
        Ok(self.digested.digester.finish())
    }
}

impl Digested {
    fn new(digester: Digester, form: &UnsignedMic) -> Self {
        Self {
            digester,
            canonical: form.canonical.then(Canonical::default),
            held: form.without_final_line_end.then(Vec::new),
        }
    }

    fn update(&mut self, octets: &[u8]) {
        let Self {
            digester,
            canonical,
            held,
        } = self;
        let mut digest = |octets: &[u8]| match held {
            None => digester.update(octets),
            Some(held) => but_a_final_line_end(octets, held, digester),
        };
        match canonical {
            None => digest(octets),
            Some(canonical) => canonical.update(octets, digest),
        }
    }
}

/// Digests what is held and the octets, but for a line end after which nothing has come yet.
fn but_a_final_line_end(octets: &[u8], held: &mut Vec<u8>, digester: &mut Digester) {
    if octets.is_empty() {
        return;
    }
    if held.as_slice() == b"\r" && octets == b"\n" {
        held.push(b'\n');
        return;
    }
    digester.update(held);
    held.clear();
    let line_end: &[u8] = match octets {
        [.., b'\r', b'\n'] => b"\r\n",
        [.., b'\n'] => b"\n",
        [.., b'\r'] => b"\r",
        _ => b"",
    };
    digester.update(octets.strip_suffix(line_end).unwrap_or(octets));
    held.extend_from_slice(line_end);
}

#[cfg(test)]
mod tests;
