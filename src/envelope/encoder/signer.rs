use rand_core::CryptoRng;

use crate::algorithm::SignatureAlgorithm;
use crate::cms::{SignedAttributes, SigningInput};
use crate::mic::MicSet;
use crate::mime::{BoundaryCheck, ContentDisposition, ContentType, HeaderBlock, boundary, encode_base64_lines};

use super::{EncodeError, SignatureBlueprint};

/// Frames what passes through it as the first part of a multipart/signed (RFC 1847 §2.1).
#[derive(Debug)]
pub(super) struct Signer {
    algorithm: SignatureAlgorithm,
    blueprint: SignatureBlueprint,
    boundary: String,
    check: BoundaryCheck,
    opened: bool,
}

impl Signer {
    pub(super) fn new(
        algorithm: SignatureAlgorithm,
        blueprint: SignatureBlueprint,
        rng: &mut dyn CryptoRng,
    ) -> Self {
        let boundary = boundary(rng);
        Self { algorithm, blueprint, check: BoundaryCheck::new(&boundary), boundary, opened: false }
    }

    /// What stands before the signed part, once. Within another layer that is the head of the multipart too.
    pub(super) fn opening(&mut self, outermost: bool) -> Option<Vec<u8>> {
        todo!()
    }
}
