//! Receipts: read or refused, the same after writing, and confirming only what they prove.
#![no_main]

use std::hash::{DefaultHasher, Hash, Hasher};

use ediint::mdn::{Expected, Mdn, ReceiptSignature, ReceiptStatus};
use ediint::mime::HeaderBlock;
use ediint::{DigestAlgorithm, Digester, Limits, MessageId};
use ediint_fuzz::head_and_body;
use libfuzzer_sys::fuzz_target;
use rand::SeedableRng;
use rand::rngs::StdRng;

/// Writes with a boundary that the input cannot know.
fn write(mdn: &Mdn, input: &[u8]) -> Option<(HeaderBlock, Vec<u8>)> {
    let mut hasher = DefaultHasher::new();
    input.hash(&mut hasher);
    mdn.write(&mut StdRng::seed_from_u64(hasher.finish())).ok()
}

fn confirm(mdn: &Mdn) {
    let id = MessageId::new("1@mycompany.example").unwrap();
    let mut digester = Digester::new([DigestAlgorithm::Sha256, DigestAlgorithm::Sha1]);
    digester.update(b"abc");
    let mics = digester.finish();
    let expected = Expected::new(&id, &mics, DigestAlgorithm::Sha256);
    assert_eq!(
        mdn.confirm(&expected, ReceiptSignature::Unsigned),
        ReceiptStatus::Unsigned
    );
    let status = mdn.confirm(&expected, ReceiptSignature::Verified);
    if status.is_accepted() {
        let ReceiptStatus::Accepted { mic, signed: true } = &status else {
            panic!("{status:?}")
        };
        assert_eq!(mics.get(mic.algorithm()), Some(mic));
        assert!(
            mdn.original_message_id()
                .unwrap()
                .replace(' ', "")
                .contains("1@mycompany.example")
        );
        assert_eq!(
            mdn.disposition()
                .to_string()
                .to_lowercase()
                .matches("processed")
                .count(),
            1
        );
    }
}

fuzz_target!(|data: &[u8]| {
    let Ok((head, body)) = head_and_body(data) else { return };
    let mut limits = Limits::default();
    limits.mdn_size = 1 << 16;
    let Ok(mdn) = Mdn::parse(&head, body, &limits) else {
        return;
    };
    assert!(mdn.extensions().count() < limits.header_fields);
    confirm(&mdn);

    let Some((head, body)) = write(&mdn, data) else { return };
    assert!(Mdn::is_report(&head));
    assert!(
        body.is_ascii()
            && body
                .split(|&octet| octet == b'\n')
                .all(|line| line.len() <= limits.header_line + 40)
    );
    let limits = Limits::default();
    let again = Mdn::parse(&head, &body, &limits).unwrap();
    assert_eq!(again.original_message_id(), mdn.original_message_id());
    assert_eq!(again.received_content_mic(), mdn.received_content_mic());
    assert!(again.extensions().eq(mdn.extensions()));
    // What cannot be written as it is was replaced the first time.
    let (head, body) = write(&again, &body).unwrap();
    assert_eq!(Mdn::parse(&head, &body, &limits).unwrap(), again);
});
