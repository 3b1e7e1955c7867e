//! Boundaries for what we write (RFC 2046 §5.1.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use memchr::memmem::Finder;
use rand_core::CryptoRng;

#[cfg(test)]
mod tests;

/// A new boundary: 144 random bits, in characters that need no quotes.
#[must_use]
pub fn boundary(rng: &mut dyn CryptoRng) -> String {
    let mut random = [0; 18];
    rng.fill_bytes(&mut random);
    format!("part_{}", URL_SAFE_NO_PAD.encode(random))
}

/// Searches content for a delimiter while it is written, so that a boundary is known not to occur in it.
#[derive(Clone, Debug)]
pub struct BoundaryCheck {
    delimiter: Finder<'static>,
    /// The end of what was fed, one octet shorter than the delimiter at most.
    tail: Vec<u8>,
    found: bool,
}

impl BoundaryCheck {
    /// A search for `--` and the boundary, at the beginning of a line or not.
    #[must_use]
    pub fn new(boundary: &str) -> Self {
        let delimiter = format!("--{boundary}");
        Self {
            tail: Vec::with_capacity(2 * delimiter.len()),
            delimiter: Finder::new(delimiter.as_bytes()).into_owned(),
            found: false,
        }
    }

    /// Takes the next chunk of the content.
    pub fn feed(&mut self, chunk: &[u8]) {
        let overlap = self.delimiter.needle().len() - 1;
        if self.found {
            return;
        }
        // What straddles the two chunks first, then the chunk itself.
        let head = chunk.get(..overlap).unwrap_or(chunk);
        self.tail.extend_from_slice(head);
        self.found = self.delimiter.find(&self.tail).is_some() || self.delimiter.find(chunk).is_some();
        if chunk.len() >= overlap {
            self.tail.clear();
            let end = chunk.get(chunk.len() - overlap..).unwrap_or_default();
            self.tail.extend_from_slice(end);
        } else {
            let excess = self.tail.len().saturating_sub(overlap);
            self.tail.drain(..excess);
        }
    }

    /// Whether the delimiter occurs in what was fed.
    #[must_use]
    pub fn found(&self) -> bool {
        self.found
    }
}
