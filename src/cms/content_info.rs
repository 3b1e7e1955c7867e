//! `ContentInfo` (RFC 5652 §3), written.

use super::tlv::{encode, encode_open, tag};

/// A `ContentInfo` whose content, a SEQUENCE, starts with `fields` and goes on for `rest` octets.
pub(super) fn content_info(content_type: &[u8], fields: &[u8], rest: u64) -> Vec<u8> {
    let content = encode_open(tag::SEQUENCE, fields, rest);
    let wrapped = encode_open(tag::context_constructed(0), &content, rest);
    let info = [encode(tag::OID, content_type), wrapped].concat();
    encode_open(tag::SEQUENCE, &info, rest)
}
