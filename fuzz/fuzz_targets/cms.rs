//! CMS structures and what is done with them: signers checked, zlib inflated, ciphertext decrypted.
#![no_main]

use std::sync::OnceLock;

use ediint::cms::{
    Certificate, ContentDecryptor, ContentKey, ContentMac, EnvelopedHead, InflateError, Inflater, SignerCheck,
    check_signers,
};
use ediint::{DigestAlgorithm, Digester, Limits};
use ediint_fuzz::{CmsRead, choice, pieces, read_cms};
use libfuzzer_sys::fuzz_target;

/// The signers of the seeds.
fn certificates() -> &'static [Certificate] {
    static CERTIFICATES: OnceLock<Vec<Certificate>> = OnceLock::new();
    CERTIFICATES.get_or_init(|| {
        let pem = [
            include_bytes!("../../tests/data/openssl/cms/alice.pem").as_slice(),
            include_bytes!("../../tests/data/pyas2lib/pyas2-cert.pem"),
            include_bytes!("../../tests/data/made-by-hand/partner.pem"),
        ];
        pem.into_iter().map(|pem| Certificate::from_pem(pem).unwrap()).collect()
    })
}

fn inflate<'a>(limits: &Limits, pieces: impl Iterator<Item = &'a [u8]>) -> Result<Vec<u8>, InflateError> {
    let mut inflater = Inflater::new(limits);
    let mut out = Vec::new();
    for piece in pieces {
        inflater.update(piece, |octets| {
            out.extend_from_slice(octets);
            Ok::<(), InflateError>(())
        })?;
    }
    inflater.finish()?;
    Ok(out)
}

fn decrypt<'a>(
    head: &EnvelopedHead,
    mac: &ContentMac,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> Option<(Vec<u8>, bool)> {
    let key = ContentKey::new(vec![7; head.cipher.clone().ok()?.key_len()]);
    let mut decryptor = ContentDecryptor::new(head, &key).ok()?;
    let mut out = Vec::new();
    for piece in pieces {
        decryptor.update(piece, &mut out);
    }
    let right = decryptor.finish(mac, &mut out).is_ok();
    Some((out, right))
}

fn check_signatures(read: &CmsRead) {
    let Some(trailer) = &read.trailer else { return };
    let mut digester = Digester::new(DigestAlgorithm::ALL);
    digester.update(&read.content);
    let digests = digester.finish();
    let check = check_signers(&trailer.signer_infos, certificates(), &digests);
    if let SignerCheck::Verified {
        certificate, digest, ..
    } = &check
    {
        assert!(certificates().contains(certificate));
        assert!(digests.get(*digest).is_some());
        assert!(!trailer.signer_infos.is_empty());
    }
    // Without certificates nobody is known, and nothing verifies over other content.
    assert!(!matches!(
        check_signers(&trailer.signer_infos, &[], &digests),
        SignerCheck::Verified { .. } | SignerCheck::Failed { .. }
    ));
    digester = Digester::new(DigestAlgorithm::ALL);
    digester.update(&read.content);
    digester.update(b"!");
    let other = check_signers(&trailer.signer_infos, certificates(), &digester.finish());
    assert!(!matches!(other, SignerCheck::Verified { .. }));
}

fuzz_target!(|data: &[u8]| {
    let (seed, data) = choice(data);
    let mut limits = Limits::default();
    limits.message_size = 1 << 20;
    let whole = read_cms(&limits, [data]);
    assert_eq!(read_cms(&limits, pieces(seed, data)), whole);
    let (read, _) = whole;
    assert!(read.content.len() <= data.len());
    check_signatures(&read);
    if read.compressed {
        let whole = inflate(&limits, std::iter::once(read.content.as_slice()));
        assert_eq!(inflate(&limits, pieces(seed, &read.content)), whole);
        assert!(whole.is_err() || whole.is_ok_and(|out| out.len() <= 1 << 20));
    }
    if let Some(head) = &read.enveloped {
        assert!(head.recipients.len() <= 64);
        let mac = read
            .trailer
            .as_ref()
            .map(|trailer| trailer.mac.clone())
            .unwrap_or_default();
        let whole = decrypt(head, &mac, std::iter::once(read.content.as_slice()));
        assert_eq!(decrypt(head, &mac, pieces(seed, &read.content)), whole);
        assert!(whole.is_none_or(|(out, _)| out.len() <= read.content.len()));
    }
});
