use crate::cms::{CmsEvent, CmsReader, CmsTrailer};
use crate::mime::HeaderReader;

use super::state::State;
use super::transfer::SniffedTransfer;
use super::{Fault, Stop};

/// The second part of a multipart/signed: a detached SignedData under its own head.
#[derive(Debug)]
pub(super) struct SignaturePart {
    head: HeaderReader,
    transfer: Option<SniffedTransfer>,
    detached: Detached,
}

impl SignaturePart {
    pub(super) fn new(state: &State<'_>) -> Self {
        let limits = &state.facts.limits;
        Self {
            head: HeaderReader::new(limits),
            transfer: None,
            detached: Detached {
                inside_cbc: state.facts.inside_cbc,
                reader: CmsReader::new(limits),
                trailer: None,
            },
        }
    }

    pub(super) fn update(&mut self, mut input: &[u8], state: &mut State<'_>) -> Result<(), Stop> {
        let Self {
            head,
            transfer,
            detached,
        } = self;
        if transfer.is_none() {
            let Some(fields) = head.read(&mut input)? else {
                return Ok(());
            };
            state.facts.layer_head(head.raw(), detached.inside_cbc);
            let kind = fields.content_type().ok().flatten();
            if !kind.is_some_and(|kind| kind.is_pkcs7_signature()) {
                return Err(Fault::SignedParts.into());
            }
            *transfer = Some(SniffedTransfer::cms(&fields, None)?);
        }
        match transfer {
            Some(transfer) => transfer.update(input, &mut |octets| detached.update(octets, state)),
            None => Ok(()),
        }
    }

    pub(super) fn end(&mut self, state: &mut State<'_>) -> Result<(), Stop> {
        let Self { transfer, detached, .. } = self;
        if let Some(transfer) = transfer {
            transfer.finish(&mut |octets| detached.update(octets, state))?;
            state.facts.added(transfer.ends_blank(), detached.inside_cbc);
        }
        Ok(detached.reader.finish()?)
    }

    pub(super) fn into_trailer(self) -> Option<CmsTrailer> {
        self.detached.trailer
    }
}

/// A SignedData whose content is elsewhere.
#[derive(Debug)]
struct Detached {
    inside_cbc: bool,
    reader: CmsReader,
    trailer: Option<CmsTrailer>,
}

impl Detached {
    fn update(&mut self, mut octets: &[u8], state: &mut State<'_>) -> Result<(), Stop> {
        while !self.reader.is_finished() {
            match self.reader.next(&mut octets)? {
                CmsEvent::NeedInput => return Ok(()),
                CmsEvent::End(trailer) => self.trailer = Some(trailer),
                CmsEvent::Signed(_) => {}
                _ => return Err(Fault::SignedParts.into()),
            }
        }
        state.facts.trailing(octets, self.inside_cbc);
        Ok(())
    }
}
