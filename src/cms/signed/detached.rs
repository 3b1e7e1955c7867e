//! A signature that was received, as evidence.

use rustls_pki_types::CertificateDer;

use super::signer_info::SignerInfo;
use crate::cms::certificate::Certificate;
use crate::cms::content_info::content_info;
use crate::cms::oid;
use crate::cms::tlv::{Tlvs, encode, set_of, tag};

/// The `SignedData` of these parts without its content, for whoever verifies it later over the signed part: the very
/// SignerInfos and certificates, in a frame of DER. What cannot be read of a SignerInfo only leaves its digest out of the
/// list of digests, which says nothing that the SignerInfo does not.
pub(crate) fn detached_signature(signer_infos: &[Vec<u8>], certificates: &[CertificateDer<'_>]) -> Vec<u8> {
    let mut digests: Vec<_> = signer_infos.iter().filter_map(|octets| digest_of(octets)).collect();
    digests.sort();
    digests.dedup();
    let mut fields = [
        encode(tag::INTEGER, &[version(signer_infos)]),
        set_of(tag::SET, digests),
        encode(tag::SEQUENCE, &encode(tag::OID, oid::DATA)),
    ]
    .concat();
    if !certificates.is_empty() {
        let certificates = certificates.iter().map(|certificate| certificate.to_vec()).collect();
        fields.extend(set_of(tag::context_constructed(0), certificates));
    }
    fields.extend(set_of(tag::SET, signer_infos.to_vec()));
    content_info(oid::SIGNED_DATA, &fields, 0)
}

/// The signature value of the SignerInfo that names `signer`: nobody else can make another one that verifies, whatever is
/// done to the structure around it.
pub(crate) fn signature_value<'a>(signer_infos: &'a [Vec<u8>], signer: &Certificate) -> Option<&'a [u8]> {
    let parsed = signer_infos.iter().filter_map(|octets| SignerInfo::parse(octets).ok());
    let mut named = parsed.filter(|info| info.id.matches(signer));
    named.next().map(|info| info.signature)
}

/// RFC 5652 §5.1: 3 where a signer is named by its key.
fn version(signer_infos: &[Vec<u8>]) -> u8 {
    let by_key = signer_infos.iter().any(|octets| {
        let info = Tlvs(octets).expect(tag::SEQUENCE).ok();
        let version = info.and_then(|info| info.children().expect(tag::INTEGER).ok());
        version.is_some_and(|version| version.value == [3])
    });
    if by_key { 3 } else { 1 }
}

fn digest_of(signer_info: &[u8]) -> Option<Vec<u8>> {
    let mut fields = Tlvs(signer_info).expect(tag::SEQUENCE).ok()?.children();
    fields.expect(tag::INTEGER).ok()?;
    fields.any().ok()?;
    Some(fields.expect(tag::SEQUENCE).ok()?.raw.to_vec())
}
