//! Bounds on everything that a partner's bytes can make us keep or do.

/// Limits on what is read from a partner. Each has a default that real messages stay well under.
///
/// Sizes are in octets. Limits that only the core needs are not configurable: at most 50 body parts, 64
/// recipients, 32 certificates, 16 signers and 64 attributes a message, and 70 characters a boundary (RFC 2046 §5.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Largest payload after all layers are removed (default 1 GiB). The body on the wire may be 4/3 of it plus 1 MiB.
    pub message_size: u64,
    /// Largest ratio of inflated to compressed octets (default: none; zero-filled files reach zlib's 1032).
    pub inflate_ratio: Option<u32>,
    /// Largest receipt (default 1 MiB).
    pub mdn_size: usize,
    /// Most header fields in one header block (default 100).
    pub header_fields: usize,
    /// Longest header line after unfolding (default 16 KiB).
    pub header_line: usize,
    /// Deepest nesting of ASN.1 values (default 32).
    pub asn1_depth: usize,
    /// Most ASN.1 elements outside the content itself (default 16,384).
    pub asn1_elements: usize,
    /// Largest CMS structure around the content: recipients, or certificates and signers (default 1 MiB).
    pub cms_structure: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_size: 1 << 30,
            inflate_ratio: None,
            mdn_size: 1 << 20,
            header_fields: 100,
            header_line: 16 << 10,
            asn1_depth: 32,
            asn1_elements: 16_384,
            cms_structure: 1 << 20,
        }
    }
}

impl Limits {
    /// The largest body on the wire: transfer encoding may add a third, framing and headers up to 1 MiB.
    #[must_use]
    pub fn wire_size(&self) -> u64 {
        self.message_size
            .saturating_add(self.message_size / 3)
            .saturating_add(1 << 20)
    }
}
