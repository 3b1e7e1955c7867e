//! BER under narrow limits, and DER certificates.
#![no_main]

use ediint::Limits;
use ediint::cms::Certificate;
use ediint_fuzz::{choice, pieces, read_cms};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (seed, data) = choice(data);
    let mut limits = Limits::default();
    limits.asn1_depth = 12;
    limits.asn1_elements = 200;
    limits.cms_structure = 4000;
    let whole = read_cms(&limits, [data]);
    assert_eq!(read_cms(&limits, pieces(seed, data)), whole);
    if let Some(trailer) = whole.0.trailer {
        let certificates: usize = trailer.certificates.iter().map(|certificate| certificate.len()).sum();
        let signers: usize = trailer.signer_infos.iter().map(Vec::len).sum();
        // Lengths that become definite may take more octets than the end-of-contents that they replace.
        assert!(certificates + signers <= 2 * limits.cms_structure);
    }

    let Ok(certificate) = Certificate::from_der(data) else {
        return;
    };
    assert!(data.starts_with(certificate.der()));
    assert_eq!(Certificate::from_der(certificate.der()).unwrap(), certificate);
    let _ = (certificate.to_string(), certificate.fingerprint_hex());
    if certificate.rsa_public_key().is_ok() {
        assert!((1024..=8192).contains(&certificate.key_bits().unwrap()));
    }
});
