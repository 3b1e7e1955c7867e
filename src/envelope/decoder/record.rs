use std::fmt;

use crate::cms::EnvelopedHead;
use crate::mime::HeaderBlock;

/// What a decoder keeps for a diagnosis and forgets otherwise: the octets of every layer. It holds plaintext.
#[derive(Clone, Default)]
pub(crate) struct Record {
    /// The MIME head of each layer, outermost first: also of one that could not be entered.
    pub(crate) heads: Vec<HeaderBlock>,
    /// The MIME entity inside each layer that was entered, exactly, as far as it was read.
    pub(crate) entities: Vec<Vec<u8>>,
    /// The start of the EnvelopedData.
    pub(crate) envelope: Option<EnvelopedHead>,
}

/// Which entity of a [`Record`] octets belong to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Track(usize);

impl Record {
    /// Begins the entity inside the layer that was entered last.
    pub(super) fn begin(&mut self) -> Track {
        self.entities.push(Vec::new());
        Track(self.entities.len() - 1)
    }

    pub(super) fn add(&mut self, Track(index): Track, octets: &[u8]) {
        if let Some(entity) = self.entities.get_mut(index) {
            entity.extend_from_slice(octets);
        }
    }
}

/// Without what was in the message.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes: Vec<_> = self.entities.iter().map(Vec::len).collect();
        f.debug_struct("Record")
            .field("entities", &sizes)
            .finish_non_exhaustive()
    }
}
