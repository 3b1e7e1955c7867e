use crate::mic::{Digester, MicSet};

use super::Stop;
use super::entity::Entity;
use super::record::Track;
use super::state::State;

/// Signed content: digested exactly as it is while it is decoded.
///
/// A fault inside it is kept, and the digest goes on: if the signature verifies, the partner sent broken content and may
/// be told so.
#[derive(Debug)]
pub(super) struct SignedContent {
    digester: Digester,
    entity: Option<Box<Entity>>,
    track: Option<Track>,
}

impl SignedContent {
    pub(super) fn new(digester: Digester, state: &mut State<'_>) -> Self {
        let entity = Entity::new(state);
        Self {
            digester,
            track: entity.track(),
            entity: Some(Box::new(entity)),
        }
    }

    pub(super) fn update(&mut self, octets: &[u8], state: &mut State<'_>) -> Result<(), Stop> {
        self.digester.update(octets);
        let result = match &mut self.entity {
            Some(entity) => entity.update(octets, state),
            None => {
                state.facts.keep(self.track, octets);
                Ok(())
            }
        };
        self.keep_fault(result, state)
    }

    pub(super) fn end(&mut self, state: &mut State<'_>) -> Result<(), Stop> {
        let result = match self.entity.take() {
            Some(entity) => entity.finish(state),
            None => Ok(()),
        };
        self.keep_fault(result, state)
    }

    pub(super) fn into_digests(self) -> MicSet {
        self.digester.finish()
    }

    fn keep_fault(&mut self, result: Result<(), Stop>, state: &mut State<'_>) -> Result<(), Stop> {
        match result {
            Err(Stop::Fault(fault)) => {
                self.entity = None;
                state.facts.content_fault.get_or_insert(fault);
                Ok(())
            }
            other => other,
        }
    }
}
