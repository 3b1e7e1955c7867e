use std::ops::Range;

use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::support::{Message, Receiver, alice, blueprint, edi_head, encode, encode_as, lenient, structures, unwrap};
use crate::algorithm::{ContentCipher, DigestAlgorithm, SignatureAlgorithm};
use crate::cms::Certificate;
use crate::envelope::{Decoder, LayerKind, Layers, Progress, Structure, Verdict};
use crate::limits::Limits;
use crate::mime::TransferEncoding;
use crate::partnership::Compression;

fn random(len: usize) -> Vec<u8> {
    let mut octets = vec![0; len];
    StdRng::seed_from_u64(1).fill_bytes(&mut octets);
    octets
}

fn payloads() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("empty", Vec::new()),
        ("CRLF", b"UNB+UNOA:1+A+B'\r\nUNZ+0+1'\r\n".to_vec()),
        ("bare LF and CR", b"line\nline\rline\n\r\n".to_vec()),
        ("no final line end", b"--\r\n--not a boundary".to_vec()),
        ("NUL", b"\0\0a\0".to_vec()),
        ("one octet", b"\n".to_vec()),
        ("random", random(100_000)),
        ("compressible", b"0123456789".repeat(20_000)),
    ]
}

fn layers(structure: Structure) -> Vec<LayerKind> {
    let outer = (structure.compression() == Compression::AfterSigning).then_some(LayerKind::Compressed);
    let inner = (structure.compression() == Compression::BeforeSigning).then_some(LayerKind::Compressed);
    let signed = structure.signature().map(|_| LayerKind::Signed);
    let encrypted = structure.encryption().map(LayerKind::Encrypted);
    [encrypted, outer, signed, inner].into_iter().flatten().collect()
}

/// ENV-46, ENV-47, ENV-48, SMI-13, SMI-34, SMI-37: ten structures, all payloads, bit for bit, and one MIC on both sides.
#[test]
fn every_structure_carries_every_payload() {
    let receiver = Receiver::new(lenient());
    for structure in structures() {
        for (name, payload) in payloads() {
            let message = encode(structure, &payload);
            let (received, verdict) = receiver.receive(&message.head, &message.body);
            assert!(received.payload == payload, "{structure}, {name}");
            assert_eq!(received.decoded.layers, layers(structure), "{structure}, {name}");
            let Verdict::Accepted(acceptance) = verdict else {
                panic!("{structure}, {name}: {verdict:?}");
            };
            let expected = message.encoded.mics.get(DigestAlgorithm::Sha256);
            match structure.signature() {
                Some(_) => assert_eq!(Some(&acceptance.mic), expected, "{structure}, {name}"),
                // Nothing asked for a digest.
                None => assert_eq!(expected, None, "{structure}, {name}"),
            }
            assert_eq!(acceptance.signer, structure.signature().map(|_| alice()));
            assert_eq!(acceptance.unauthenticated, structure.signature().is_none());
            assert!(!acceptance.canonicalised && !acceptance.expired && !acceptance.continued_unauthenticated);
            let octets = u64::try_from(payload.len()).unwrap();
            assert_eq!(
                (message.encoded.payload_len, received.decoded.payload_len),
                (octets, octets)
            );
            assert_eq!(
                received.decoded.filename().unwrap().raw,
                "orders.edi",
                "{structure}, {name}"
            );
        }
    }
}

/// SMI-38, SMI-43, SMI-45: the digest of an unsigned message is the one that the sender computed to ask for it.
#[test]
fn unsigned_digests_are_the_same_on_both_sides() {
    let mut receiver = Receiver::new(lenient());
    receiver.requested = vec![DigestAlgorithm::Sha1, DigestAlgorithm::Sha512, DigestAlgorithm::Sha256];
    for structure in structures() {
        let blueprint = blueprint(structure, edi_head()).mic_algorithms(DigestAlgorithm::ALL);
        let message = encode_as(blueprint, b"payload", 3);
        let (_, verdict) = receiver.receive(&message.head, &message.body);
        let Verdict::Accepted(acceptance) = verdict else {
            panic!("{structure}: {verdict:?}");
        };
        // SHA-1 is asked for first, but the policy refuses it (SEC-15).
        let digest = match structure.signature() {
            Some(algorithm) => algorithm.digest(),
            None => DigestAlgorithm::Sha512,
        };
        assert_eq!(message.encoded.mics.get(digest), Some(&acceptance.mic), "{structure}");
    }
}

/// SMI-14, SMI-20, SMI-42: the signature's digest is the MIC's.
#[test]
fn every_algorithm_goes_both_ways() {
    let policy = lenient()
        .allow_weak_digest(DigestAlgorithm::Sha1)
        .allow_weak_cipher(ContentCipher::TripleDesCbc);
    for digest in DigestAlgorithm::ALL {
        for cipher in ContentCipher::ALL {
            let sign = SignatureAlgorithm::RsaPkcs1(digest);
            let structure = Structure::from(Layers::payload().compress().sign(sign).encrypt(cipher));
            let message = encode(structure, b"payload");
            let (received, verdict) = Receiver::new(policy.clone()).receive(&message.head, &message.body);
            assert_eq!(received.payload, b"payload");
            let Verdict::Accepted(acceptance) = verdict else {
                panic!("{structure}: {verdict:?}");
            };
            assert_eq!(acceptance.mic.algorithm(), digest);
            assert_eq!(message.encoded.mics.first(), Some(&acceptance.mic));
        }
    }
}

/// ENV-39, SMI-40: the transfer encoding of the payload stays on for the MIC, and the host gets the payload without it.
#[test]
fn every_transfer_encoding_is_removed_after_the_digest() {
    let receiver = Receiver::new(lenient());
    let text = b"first line\r\nsecond line with = and \xc3\xa9\r\n";
    let octets = u64::try_from(text.len()).unwrap();
    for structure in structures()
        .into_iter()
        .filter(|structure| !structure.is_payload_only())
    {
        for encoding in [
            TransferEncoding::Binary,
            TransferEncoding::EightBit,
            TransferEncoding::SevenBit,
            TransferEncoding::Base64,
            TransferEncoding::QuotedPrintable,
        ] {
            let blueprint = blueprint(structure, edi_head())
                .transfer_encoding(encoding)
                .mic_algorithms([DigestAlgorithm::Sha256]);
            let message = encode_as(blueprint, text, 5);
            let (received, verdict) = receiver.receive(&message.head, &message.body);
            assert_eq!(received.payload, text, "{structure}, {encoding}");
            assert_eq!(received.decoded.payload_len, octets, "{structure}, {encoding}");
            let Verdict::Accepted(acceptance) = verdict else {
                panic!("{structure}, {encoding}: {verdict:?}");
            };
            let expected = message.encoded.mics.get(DigestAlgorithm::Sha256);
            assert_eq!(Some(&acceptance.mic), expected, "{structure}, {encoding}");
        }
    }
}

/// The encoder's output does not depend on how the payload is cut.
#[test]
fn chunks_of_the_payload_do_not_matter() {
    let payload = random(70_000);
    for structure in structures() {
        let whole = encode(structure, &payload);
        for chunk in [1, 15, 4096, 32 << 10, (32 << 10) + 1] {
            let message = encode_as(blueprint(structure, edi_head()), &payload, chunk);
            // Deflate decides by what it has seen: the zlib stream may differ, what is in it may not.
            if structure.compression() == Compression::None {
                assert!(message.body == whole.body, "{structure}, {chunk}");
            }
            assert_eq!(message.encoded.mics, whole.encoded.mics, "{structure}, {chunk}");
        }
    }
}

/// Everything that decoding yields, for comparing.
fn outcome(message: &Message, receiver: &Receiver, cuts: &[usize]) -> String {
    let mut start = 0;
    let ends = cuts.iter().copied().chain([message.body.len()]);
    let chunks: Vec<_> = ends
        .map(|end| Range {
            start: std::mem::replace(&mut start, end),
            end,
        })
        .map(|range| &message.body[range])
        .collect();
    let received = receiver.decode(&message.head, chunks);
    format!("{received:?}")
}

/// With the content key at hand: it is the same for all chunks, and unwrapping it takes long.
fn with_content_key(message: &Message) -> Receiver {
    let mut receiver = Receiver::new(lenient());
    let mut decoder = Decoder::new(message.head.clone(), &[], lenient(), Limits::default());
    if let Progress::NeedContentKey(request) = decoder.update(&message.body, &mut Vec::new()).unwrap() {
        receiver.keys = Some(vec![unwrap(request.recipients)]);
    }
    receiver
}

/// SMI-49: one octet at a time, and cut in two everywhere.
#[test]
fn chunks_of_the_body_do_not_matter() {
    for structure in structures() {
        let message = encode(structure, b"UNB+UNOA:1+A+B'\r\n\r\nUNZ+0+1'");
        let receiver = with_content_key(&message);
        let whole = outcome(&message, &receiver, &[]);
        assert!(
            whole.contains("fault: None, content_fault: None"),
            "{structure}: {whole}"
        );
        let single: Vec<_> = (1..message.body.len()).collect();
        assert_eq!(outcome(&message, &receiver, &single), whole, "{structure}");
        for cut in single {
            assert_eq!(outcome(&message, &receiver, &[cut]), whole, "{structure}, cut at {cut}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_payload_survives_any_chunks(
        payload in proptest::collection::vec(any::<u8>(), 0..3000),
        structure in 0..10_usize,
        sender_chunk in 1..4000_usize,
        mut cuts in proptest::collection::vec(0..4000_usize, 0..8),
    ) {
        let structure = structures()[structure];
        let message = encode_as(blueprint(structure, edi_head()), &payload, sender_chunk);
        cuts.retain(|cut| *cut < message.body.len());
        cuts.sort_unstable();
        let receiver = with_content_key(&message);
        let whole = outcome(&message, &receiver, &[]);
        prop_assert_eq!(outcome(&message, &receiver, &cuts), whole);
        prop_assert_eq!(receiver.decode(&message.head, [message.body.as_slice()]).payload, payload);
    }

    /// SEC-46: no body makes the decoder panic, whatever its head says.
    #[test]
    fn no_body_panics(
        body in proptest::collection::vec(any::<u8>(), 0..400),
        kind in 0..4_usize,
        encoding in 0..3_usize,
    ) {
        let kind = [
            "application/pkcs7-mime",
            "multipart/signed; boundary=\"-\"",
            "multipart/related; boundary=\"-\"",
            "text/plain",
        ][kind];
        let encoding = ["binary", "base64", "quoted-printable"][encoding];
        let head = super::support::head(&format!(
            "Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n"
        ));
        let whole = Receiver::new(lenient()).decode(&head, [body.as_slice()]);
        let single = Receiver::new(lenient()).decode(&head, body.chunks(1));
        // Of two faults the one that is seen first may differ.
        prop_assert_eq!(whole.decoded.fault.is_some(), single.decoded.fault.is_some());
    }
}

/// SMI-27: where two private keys fit, the one whose content is an entity is taken, whichever comes first.
#[test]
fn of_several_content_keys_the_right_one_wins() {
    for payload in [&b""[..], &[7; 40_000]] {
        for structure in structures()
            .into_iter()
            .filter(|structure| structure.encryption().is_some())
        {
            let message = encode(structure, payload);
            let right = with_content_key(&message).keys.unwrap();
            let wrong = crate::cms::ContentKey::new(vec![9; 32]);
            for keys in [
                vec![wrong.clone(), right[0].clone()],
                vec![right[0].clone(), wrong.clone()],
                vec![wrong.clone(), right[0].clone(), wrong.clone()],
            ] {
                let mut receiver = Receiver::new(lenient());
                receiver.keys = Some(keys);
                let (received, verdict) = receiver.receive(&message.head, &message.body);
                assert!(received.payload == payload, "{structure}");
                assert!(matches!(verdict, Verdict::Accepted(_)), "{structure}: {verdict:?}");
                let single = receiver.decode(&message.head, message.body.chunks(1));
                assert!(single.payload == payload, "{structure}");
            }
        }
    }
}

/// SMI-28: each recipient can decrypt.
#[test]
fn several_recipients_are_named() {
    let structure = Structure::from(Layers::payload().encrypt(ContentCipher::Aes128Cbc));
    let carol = super::support::carol();
    let blueprint = blueprint(structure, edi_head()).recipient(carol.clone());
    let message = encode_as(blueprint, b"payload", 100);
    let mut decoder = Decoder::new(message.head.clone(), &[], lenient(), Limits::default());
    let Progress::NeedContentKey(request) = decoder.update(&message.body, &mut Vec::new()).unwrap() else {
        panic!("not encrypted");
    };
    let named = |certificate: &Certificate| request.recipients.iter().any(|one| one.id.matches(certificate));
    assert!(named(&super::support::bob()) && named(&carol));
    assert_eq!(
        (request.recipients.len(), request.cipher),
        (2, ContentCipher::Aes128Cbc)
    );
}

#[test]
fn encoder_and_decoder_can_change_threads() {
    fn sendable<T: Send + 'static>() {}
    sendable::<crate::envelope::Encoder>();
    sendable::<crate::envelope::AwaitingSignature>();
    sendable::<Decoder>();
    sendable::<crate::envelope::Decoded>();
}
