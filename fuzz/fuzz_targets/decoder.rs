//! The decoder: the same from any pieces, payloads within their limit, and nothing accepted that nobody signed.
//!
//! The first octet says, among other things, whether the rest is put into EnvelopedData first: a fuzzer finds its way
//! into ciphertext only like that.
#![no_main]

use std::sync::OnceLock;
use std::time::{Duration, UNIX_EPOCH};

use ediint::cms::{Certificate, ContentEncryptor, ContentKey, RecipientInfo, encrypt_content_key, enveloped_prefix};
use ediint::envelope::{Decoded, Decoder, Progress, TransportFacts, Verdict};
use ediint::mime::HeaderBlock;
use ediint::partnership::AcceptPolicy;
use ediint::{ContentCipher, DigestAlgorithm, KeyTransport, Limits};
use ediint_fuzz::{choice, head_and_body, pieces};
use libfuzzer_sys::fuzz_target;
use rand::SeedableRng;
use rand::rngs::StdRng;

const CIPHER: ContentCipher = ContentCipher::Aes128Cbc;
const SIZE: u64 = 1 << 18;

fn key() -> ContentKey {
    ContentKey::new(vec![7; CIPHER.key_len()])
}

fn signer() -> &'static Certificate {
    static SIGNER: OnceLock<Certificate> = OnceLock::new();
    SIGNER.get_or_init(|| Certificate::from_pem(include_bytes!("../../tests/data/pyas2lib/pyas2-cert.pem")).unwrap())
}

fn recipients() -> &'static [RecipientInfo] {
    static RECIPIENTS: OnceLock<Vec<RecipientInfo>> = OnceLock::new();
    RECIPIENTS.get_or_init(|| {
        let mut rng = StdRng::seed_from_u64(1);
        vec![encrypt_content_key(signer(), KeyTransport::RsaPkcs1, &key(), &mut rng).unwrap()]
    })
}

fn encrypted(entity: &[u8]) -> (HeaderBlock, Vec<u8>) {
    let iv = [9; 16];
    let mut ciphertext = Vec::new();
    let mut encryptor = ContentEncryptor::new(CIPHER, &key(), &iv).unwrap();
    encryptor.update(entity, &mut ciphertext).unwrap();
    let _no_mac = encryptor.finish(&mut ciphertext);
    let mut body = enveloped_prefix(recipients(), CIPHER, &iv, ciphertext.len() as u64);
    body.append(&mut ciphertext);
    let mut head = HeaderBlock::new();
    head.push("Content-Type", "application/pkcs7-mime; smime-type=enveloped-data")
        .unwrap();
    (head, body)
}

fn decode<'a>(head: &HeaderBlock, keys: &[ContentKey], pieces: impl Iterator<Item = &'a [u8]>) -> (Decoded, Vec<u8>) {
    let mut limits = Limits::default();
    limits.message_size = SIZE;
    let mut decoder = Decoder::new(head.clone(), &[DigestAlgorithm::Sha256], AcceptPolicy::new(), limits);
    let mut payload = Vec::new();
    let mut asked = 0;
    for piece in pieces {
        if let Progress::NeedContentKey(request) = decoder.update(piece, &mut payload).unwrap() {
            assert!(request.recipients.len() <= 64);
            asked += 1;
            decoder.content_keys(keys, &mut payload).unwrap();
        }
    }
    assert!(asked <= 1);
    let decoded = decoder.finish(&mut payload).unwrap();
    assert!(decoded.payload_len <= SIZE);
    assert_eq!(decoded.payload_len, payload.len() as u64);
    (decoded, payload)
}

fuzz_target!(|data: &[u8]| {
    let (seed, data) = choice(data);
    let (head, body) = if seed & 1 == 1 {
        encrypted(data)
    } else {
        match head_and_body(data) {
            Ok((head, body)) => (head, body.to_vec()),
            Err(_) => return,
        }
    };
    // A second candidate makes the decoder choose.
    let keys = [key(), ContentKey::new(vec![8; CIPHER.key_len()])];
    let keys = &keys[..1 + usize::from(seed >> 1 & 1)];
    let (whole, payload) = decode(&head, keys, std::iter::once(body.as_slice()));
    let (cut, cut_payload) = decode(&head, keys, pieces(seed >> 2, &body));
    if whole.fault.is_none() && whole.content_fault.is_none() {
        assert_eq!(cut_payload, payload);
        assert_eq!(format!("{cut:?}"), format!("{whole:?}"));
    } else {
        // How far a broken message was read before the fault is nobody's promise.
        assert_eq!(
            format!("{:?}", (&cut.fault, &cut.content_fault)),
            format!("{:?}", (&whole.fault, &whole.content_fault))
        );
    }

    // Within the validity of the signer's certificate.
    let now = UNIX_EPOCH + Duration::from_secs(2_000_000_000);
    let policy = AcceptPolicy::new().without_encryption().without_signature();
    for certificates in [&[][..], std::slice::from_ref(signer())] {
        let verdict = whole.judge(certificates, &policy, TransportFacts::new(false, false), now);
        if let Verdict::Accepted(acceptance) = &verdict {
            assert!(whole.fault.is_none() && whole.content_fault.is_none());
            assert_eq!(acceptance.signer.is_some(), whole.signature.is_some());
            assert!(acceptance.signer.is_none() || !certificates.is_empty());
            // CBC content that nobody signed is not accepted (SEC-50).
            assert!(seed & 1 == 0 || acceptance.signer.is_some());
        }
    }
    let strict = whole.judge(&[], &AcceptPolicy::new(), TransportFacts::default(), now);
    assert!(matches!(strict, Verdict::Refused(_)));
});
