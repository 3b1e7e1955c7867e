use rand_core::CryptoRng;

use crate::algorithm::SignatureAlgorithm;
use crate::cms::{PendingSignature, SigningInput};
use crate::mic::MicSet;
use crate::mime::{
    BoundaryCheck, ContentDisposition, ContentType, HeaderBlock, HeaderError, boundary, encode_base64_lines,
};

use super::{EncodeError, SignatureBlueprint};

const PROTOCOL: &str = "application/pkcs7-signature";

/// Frames what passes through it as the first part of a multipart/signed (RFC 1847 §2.1).
#[derive(Debug)]
pub(super) struct Signer {
    algorithm: SignatureAlgorithm,
    blueprint: SignatureBlueprint,
    boundary: String,
    check: BoundaryCheck,
}

impl Signer {
    pub(super) fn new(algorithm: SignatureAlgorithm, blueprint: SignatureBlueprint, rng: &mut dyn CryptoRng) -> Self {
        let boundary = boundary(rng);
        Self {
            algorithm,
            blueprint,
            check: BoundaryCheck::new(&boundary),
            boundary,
        }
    }

    /// The head of the multipart.
    pub(super) fn head(&self) -> Result<HeaderBlock, HeaderError> {
        let micalg = self.algorithm.digest().micalg(self.blueprint.micalg_style);
        let content_type = ContentType::new("multipart", "signed")
            .with_param("protocol", PROTOCOL)
            .with_param("micalg", micalg)
            .with_param("boundary", self.boundary.as_str());
        let mut head = HeaderBlock::new();
        head.push("Content-Type", &content_type.to_string())?;
        Ok(head)
    }

    /// What stands before the signed part.
    pub(super) fn opening(&self) -> Vec<u8> {
        format!("--{}\r\n", self.boundary).into_bytes()
    }

    /// Looks at octets of the signed part.
    pub(super) fn check(&mut self, octets: &[u8]) -> Result<(), EncodeError> {
        self.check.feed(octets);
        if self.check.found() {
            Err(EncodeError::BoundaryInContent)
        } else {
            Ok(())
        }
    }

    /// The signed part is complete, and has these digests.
    pub(super) fn finish(self, mics: &MicSet) -> Result<UnsignedPart, EncodeError> {
        let head = self.head()?;
        let content = mics.get(self.algorithm.digest()).ok_or(EncodeError::NoSigner)?;
        let SignatureBlueprint {
            certificate, options, ..
        } = self.blueprint;
        Ok(UnsignedPart {
            signature: PendingSignature::new(&certificate, self.algorithm, content, options),
            head,
            boundary: self.boundary,
        })
    }
}

/// The second part of a multipart/signed, which waits for its content.
#[derive(Debug)]
pub(super) struct UnsignedPart {
    signature: PendingSignature,
    head: HeaderBlock,
    boundary: String,
}

impl UnsignedPart {
    pub(super) fn algorithm(&self) -> SignatureAlgorithm {
        self.signature.algorithm()
    }

    pub(super) fn input(&self) -> SigningInput<'_> {
        self.signature.input()
    }

    /// The head of the multipart, and what follows its first part.
    pub(super) fn close(self, signature: &[u8]) -> Result<(HeaderBlock, Vec<u8>), HeaderError> {
        let filename = "smime.p7s";
        let content_type = ContentType::new("application", "pkcs7-signature").with_param("name", filename);
        let mut part = HeaderBlock::new();
        part.push("Content-Type", &content_type.to_string())?;
        part.push("Content-Transfer-Encoding", "base64")?;
        part.push(
            "Content-Disposition",
            &ContentDisposition::attachment(filename).to_string(),
        )?;

        let mut closing = format!("\r\n--{}\r\n", self.boundary).into_bytes();
        part.write_to(&mut closing);
        closing.extend_from_slice(b"\r\n");
        // The line end of the last line belongs to the delimiter (RFC 2046 §5.1.1).
        closing.extend_from_slice(&encode_base64_lines(&self.signature.complete(signature)));
        closing.extend_from_slice(format!("--{}--\r\n", self.boundary).as_bytes());
        Ok((self.head, closing))
    }
}
