//! Messages of partners that know MD5, RC2 and DES, made by openssl.

use super::support::{Receiver, blueprint, edi_head, fixture, head, lenient, rng, split_entity};
use crate::algorithm::{ContentCipher, DigestAlgorithm, SignatureAlgorithm};
use crate::envelope::{EncodeError, Encoder, Fault, Layers, RefusalDetail, RefusalReason, Verdict};
use crate::mic::Mic;
use crate::mime::HeaderBlock;
use crate::partnership::{AcceptPolicy, MicSource, Weakness};

const CONTENT: &[u8] = fixture!("openssl/cms/content.bin");
const MD5: DigestAlgorithm = DigestAlgorithm::Md5;

/// Each with a signature over MD5.
const MESSAGES: [(&[u8], ContentCipher); 4] = [
    (fixture!("openssl/legacy/md5-rc2-40.p7m"), ContentCipher::Rc2Cbc40),
    (fixture!("openssl/legacy/md5-rc2-64.p7m"), ContentCipher::Rc2Cbc64),
    (fixture!("openssl/legacy/md5-rc2-128.p7m"), ContentCipher::Rc2Cbc128),
    (fixture!("openssl/legacy/md5-des.p7m"), ContentCipher::DesCbc),
];

fn enveloped() -> HeaderBlock {
    head("Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n")
}

fn allowing(cipher: ContentCipher) -> AcceptPolicy {
    AcceptPolicy::new().allow_weak_cipher(cipher)
}

/// SMI-14, SMI-21, SEC-14: with both opted into; the MIC is that of the signature, and the facts name what is weak.
#[test]
fn what_the_policy_names_is_read() {
    for (body, cipher) in MESSAGES {
        let receiver = Receiver::new(allowing(cipher).allow_weak_digest(MD5));
        let (received, verdict) = receiver.receive(&enveloped(), body);
        let Verdict::Accepted(acceptance) = verdict else {
            panic!("{cipher}: {verdict:?}")
        };
        assert_eq!(received.payload, split_entity(CONTENT).1, "{cipher}");
        assert_eq!(acceptance.mic, Mic::of(MD5, CONTENT));
        assert_eq!(
            acceptance.weaknesses,
            [Weakness::Digest(MD5), Weakness::Cipher(cipher)],
            "{cipher}"
        );
        let names: Vec<_> = acceptance.weaknesses.iter().map(Weakness::to_string).collect();
        assert_eq!(names, ["md5".to_owned(), cipher.to_string()]);
        let pieces = receiver.decode(&enveloped(), body.chunks(7));
        assert_eq!(pieces.payload, received.payload);
    }
}

/// SMI-21: the same answer as where the cipher is not supported, without asking for a key.
#[test]
fn a_cipher_that_the_policy_does_not_name_is_refused() {
    for (body, cipher) in MESSAGES {
        for (_, other) in MESSAGES.iter().filter(|(_, other)| *other != cipher) {
            let mut receiver = Receiver::new(allowing(*other).allow_weak_digest(MD5));
            receiver.keys = Some(Vec::new());
            let (_, verdict) = receiver.receive(&enveloped(), body);
            let Verdict::Refused(refusal) = verdict else {
                panic!("{cipher}: {verdict:?}")
            };
            assert_eq!((refusal.reason, refusal.mic), (RefusalReason::DecryptionFailed, None));
            assert_eq!(refusal.detail, RefusalDetail::Fault(Fault::CipherRefused(cipher)));
        }
    }
}

/// SMI-14: as for SHA-1, whatever it is encrypted with.
#[test]
fn a_digest_that_the_policy_does_not_name_is_refused() {
    for (body, cipher) in [
        (fixture!("openssl/legacy/md5-aes256.p7m"), ContentCipher::Aes256Cbc),
        (fixture!("openssl/legacy/md5-rc2-128.p7m"), ContentCipher::Rc2Cbc128),
    ] {
        let receiver = Receiver::new(allowing(cipher).allow_weak_digest(DigestAlgorithm::Sha1));
        let (_, verdict) = receiver.receive(&enveloped(), body);
        let Verdict::Refused(refusal) = verdict else {
            panic!("{verdict:?}")
        };
        assert_eq!(refusal.reason, RefusalReason::InsufficientMessageSecurity);
        assert_eq!(refusal.detail, RefusalDetail::WeakDigest(MD5));
    }
}

/// One of the two alone does not open the other.
#[test]
fn each_is_named_alone() {
    for (body, policy, weakness) in [
        (
            fixture!("openssl/legacy/md5-aes256.p7m"),
            AcceptPolicy::new().allow_weak_digest(MD5),
            Weakness::Digest(MD5),
        ),
        (
            fixture!("openssl/legacy/sha256-rc2-128.p7m"),
            allowing(ContentCipher::Rc2Cbc128),
            Weakness::Cipher(ContentCipher::Rc2Cbc128),
        ),
    ] {
        let (_, verdict) = Receiver::new(policy).receive(&enveloped(), body);
        let Verdict::Accepted(acceptance) = verdict else {
            panic!("{verdict:?}")
        };
        assert_eq!(acceptance.weaknesses, [weakness]);
    }
}

/// SMI-21: encrypted alone, in definite and indefinite lengths.
#[test]
fn unsigned_content_is_decrypted() {
    for (body, cipher) in [
        (fixture!("openssl/legacy/enveloped-rc2-40.der"), ContentCipher::Rc2Cbc40),
        (
            fixture!("openssl/legacy/enveloped-rc2-40-stream.ber"),
            ContentCipher::Rc2Cbc40,
        ),
        (fixture!("openssl/legacy/enveloped-rc2-64.der"), ContentCipher::Rc2Cbc64),
        (fixture!("openssl/cms/enveloped-rc2.der"), ContentCipher::Rc2Cbc128),
        (fixture!("openssl/legacy/enveloped-des.der"), ContentCipher::DesCbc),
    ] {
        let (received, verdict) = Receiver::new(lenient().allow_weak_cipher(cipher)).receive(&enveloped(), body);
        assert_eq!(received.payload, split_entity(CONTENT).1, "{cipher}");
        assert!(
            matches!(&verdict, Verdict::Accepted(accepted) if accepted.weaknesses == [Weakness::Cipher(cipher)]),
            "{verdict:?}"
        );
    }
}

/// SMI-43, SEC-15: the digest that a message without a signature asks for, where the policy allows it.
#[test]
fn the_mic_that_is_asked_for() {
    let allowed = lenient().allow_weak_digest(MD5);
    let requested = AcceptPolicy::mic_source;
    let signed = fixture!("openssl/legacy/md5-aes256.p7m");
    let plain = fixture!("openssl/cms/enveloped-aes256.der");
    for (policy, body, algorithm) in [
        (lenient(), plain, DigestAlgorithm::Sha256),
        (allowed.clone(), plain, MD5),
        (allowed.clone(), signed, MD5),
        (requested(allowed, MicSource::Requested), signed, MD5),
    ] {
        let mut receiver = Receiver::new(policy);
        receiver.requested = vec![MD5, DigestAlgorithm::Sha256];
        let (_, verdict) = receiver.receive(&enveloped(), body);
        assert!(
            matches!(&verdict, Verdict::Accepted(accepted) if accepted.mic == Mic::of(algorithm, CONTENT)),
            "{verdict:?}"
        );
    }
}

/// SMI-14, SMI-20: no message is begun.
#[test]
fn nothing_is_sent() {
    let md5 = SignatureAlgorithm::RsaPkcs1(MD5);
    let signed = Layers::payload().sign(md5).into();
    let encrypted = ContentCipher::LEGACY
        .iter()
        .map(|cipher| Layers::payload().encrypt(*cipher).into());
    for structure in encrypted.chain([signed]) {
        let refused = Encoder::new(blueprint(structure, edi_head()), &mut rng());
        assert!(matches!(refused, Err(EncodeError::Legacy(_))), "{structure:?}");
    }
}
