//! SEC-50: what is inside of CBC content answers nobody's questions.

mod content;

use rand::Rng;

use super::support::{AES, Message, Receiver, SHA256, encode, fixture, head, lenient, rng};
use crate::algorithm::KeyTransport;
use crate::cms::{ContentEncryptor, ContentKey, encrypt_content_key, enveloped_prefix};
use crate::envelope::{Layers, RefusalReason, Structure, Verdict};
use crate::mic::Mic;
use crate::mime::{HeaderBlock, encode_base64_lines};
use crate::partnership::AcceptPolicy;

const BLOCK: usize = 16;

/// An encrypted message whose content key is known.
#[derive(Clone)]
struct Envelope {
    iv: Vec<u8>,
    ciphertext: Vec<u8>,
}

fn content_key() -> ContentKey {
    ContentKey::new((0..32).collect())
}

impl Envelope {
    fn around(plaintext: &[u8]) -> Self {
        let iv = vec![7; BLOCK];
        let mut encryptor = ContentEncryptor::new(AES, &content_key(), &iv).unwrap();
        let mut ciphertext = Vec::new();
        encryptor.update(plaintext, &mut ciphertext).unwrap();
        let _no_mac = encryptor.finish(&mut ciphertext);
        Self { iv, ciphertext }
    }

    fn der(&self) -> Vec<u8> {
        let transport = KeyTransport::RsaPkcs1;
        let recipient = encrypt_content_key(&super::support::bob(), transport, &content_key(), &mut rng()).unwrap();
        let len = u64::try_from(self.ciphertext.len()).unwrap();
        [
            enveloped_prefix(&[recipient], AES, &self.iv, len).as_slice(),
            &self.ciphertext,
        ]
        .concat()
    }
}

fn enveloped_head(encoding: &str) -> HeaderBlock {
    head(&format!(
        "Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\nContent-Transfer-Encoding: {encoding}\r\n"
    ))
}

fn receiver(policy: AcceptPolicy) -> Receiver {
    let mut receiver = Receiver::new(policy);
    receiver.keys = Some(vec![content_key()]);
    receiver
}

fn verdict(envelope: &Envelope, policy: AcceptPolicy) -> Verdict {
    receiver(policy).receive(&enveloped_head("binary"), &envelope.der()).1
}

fn of_plaintext(plaintext: &[u8]) -> Verdict {
    verdict(&Envelope::around(plaintext), AcceptPolicy::new())
}

/// What the partner learns.
fn told(verdict: &Verdict) -> Option<(RefusalReason, Option<Mic>)> {
    match verdict {
        Verdict::Accepted(_) => None,
        Verdict::Refused(refusal) => Some((refusal.reason, refusal.mic.clone())),
    }
}

const NOTHING: Option<(RefusalReason, Option<Mic>)> = Some((RefusalReason::DecryptionFailed, None));

fn entity(message: &Message) -> Vec<u8> {
    let mut entity = Vec::new();
    message.head.write_to(&mut entity);
    entity.extend_from_slice(b"\r\n");
    entity.extend_from_slice(&message.body);
    entity
}

fn in_base64(head: &str, der: &[u8]) -> Vec<u8> {
    let head = format!("{head}Content-Transfer-Encoding: base64\r\n\r\n");
    [head.as_bytes(), &encode_base64_lines(der)].concat()
}

const PKCS7: &str = "Content-Type: application/pkcs7-mime\r\n";

/// The contents that S6 to S10 encrypt, and the forms of them that other products make.
fn contents() -> Vec<(&'static str, Vec<u8>)> {
    let payload = Layers::payload;
    let of = |structure: Structure| entity(&encode(structure, b"UNB+UNOA:1+A+B'\r\nUNZ+0+1'\r\n"));
    let compressed_signed = encode(payload().sign(SHA256).compress().into(), b"payload");
    let opaque = fixture!("openssl/cms/signed-nocerts.der");
    vec![
        (
            "S6",
            [b"Content-Type: a/b\r\n\r\n".as_slice(), b"UNB+UNOA:1+A+B'\r\n"].concat(),
        ),
        ("S7", of(payload().compress().into())),
        ("S8", of(payload().sign(SHA256).into())),
        ("S9", of(payload().compress().sign(SHA256).into())),
        ("S10", of(payload().sign(SHA256).compress().into())),
        ("S8 opaque", [PKCS7.as_bytes(), b"\r\n", opaque].concat()),
        ("S8 opaque base64", in_base64(PKCS7, opaque)),
        ("S10 base64", in_base64(PKCS7, &compressed_signed.body)),
        ("S8 openssl", fixture!("openssl/envelope/signed.eml").to_vec()),
    ]
}

fn is_signed(name: &str) -> bool {
    !matches!(name, "S6" | "S7")
}

#[test]
fn intact_content_is_accepted_where_it_is_signed() {
    for (name, content) in contents() {
        let verdict = of_plaintext(&content);
        if is_signed(name) {
            assert_eq!(told(&verdict), None, "{name}: {verdict:?}");
        } else {
            assert_eq!(told(&verdict), NOTHING, "{name}");
            assert_eq!(
                told(&self::verdict(&Envelope::around(&content), lenient())),
                None,
                "{name}"
            );
        }
    }
}

/// SEC-01, SEC-50: one bit of each block of the ciphertext.
#[test]
fn flipped_bits_tell_nothing() {
    for (name, content) in contents() {
        let intact = Envelope::around(&content);
        let mut accepted = Vec::new();
        // Two bits of each block; of the large ones every fifth block, and the last ones.
        let blocks = intact.ciphertext.len() / BLOCK;
        let step = if blocks > 500 { 5 } else { 1 };
        for block in (0..blocks).step_by(step).chain(blocks.saturating_sub(6)..blocks) {
            for bit in [0, 77] {
                let mut envelope = intact.clone();
                envelope.ciphertext[block * BLOCK + bit / 8] ^= 1 << (bit % 8);
                match verdict(&envelope, AcceptPolicy::new()) {
                    Verdict::Accepted(_) => accepted.push(block),
                    refused => assert_eq!(told(&refused), NOTHING, "{name}, block {block}, bit {bit}"),
                }
            }
        }
        // openssl's preamble is outside of what is signed, and nobody reads it.
        let preamble = match name {
            "S8 openssl" => {
                let start = content.windows(4).position(|window| window == b"This").unwrap();
                let end = content.windows(8).position(|window| window == b"message\n").unwrap();
                start.div_ceil(BLOCK)..end / BLOCK
            }
            _ => 0..0,
        };
        assert!(
            accepted.iter().all(|block| preamble.contains(block)),
            "{name}: {accepted:?}"
        );
    }
}

/// The first block is malleable through the initialisation vector: what is accepted is what the partner signed.
#[test]
fn flipped_bits_of_the_initialisation_vector_tell_nothing() {
    for (name, content) in contents() {
        let intact = Envelope::around(&content);
        let original = of_plaintext(&content);
        for bit in 0..8 * BLOCK {
            let mut envelope = intact.clone();
            envelope.iv[bit / 8] ^= 1 << (bit % 8);
            let verdict = verdict(&envelope, AcceptPolicy::new());
            assert!(
                verdict == original || told(&verdict) == NOTHING,
                "{name}, bit {bit}: {verdict:?}"
            );
        }
    }
}

/// SEC-50: ciphertext cut short, at block boundaries and within blocks, and down to nothing.
#[test]
fn truncation_tells_nothing() {
    for (name, content) in contents() {
        let intact = Envelope::around(&content);
        let blocks = intact.ciphertext.len() / BLOCK;
        let step = if blocks > 500 { 7 } else { 1 };
        for kept in (0..blocks).step_by(step).chain(blocks.saturating_sub(6)..blocks) {
            for extra in [0, 1, 15] {
                let mut envelope = intact.clone();
                envelope.ciphertext.truncate(kept * BLOCK + extra);
                let verdict = verdict(&envelope, AcceptPolicy::new());
                assert_eq!(told(&verdict), NOTHING, "{name}, {kept} blocks and {extra}");
            }
        }
        // The body cut short, within the structure that it promises.
        let der = intact.der();
        for len in [0, 1, 10, 100, der.len() - intact.ciphertext.len(), der.len() - 1] {
            let (_, verdict) = receiver(AcceptPolicy::new()).receive(&enveloped_head("binary"), &der[..len]);
            assert_eq!(told(&verdict), NOTHING, "{name}, {len} octets");
            let cut = encode_base64_lines(&der[..len]);
            let (_, verdict) = receiver(AcceptPolicy::new()).receive(&enveloped_head("base64"), &cut);
            assert_eq!(told(&verdict), NOTHING, "{name}, {len} octets in base64");
        }
    }
}

/// SEC-50, Vaudenay: blocks appended to a captured message. Whether their padding is right must not show.
#[test]
fn appended_blocks_tell_nothing() {
    for (name, content) in contents() {
        let mut padded = content.clone();
        let padding = BLOCK - content.len() % BLOCK;
        padded.extend(vec![u8::try_from(padding).unwrap(); padding]);
        let intact = Envelope::around(&content);
        for blocks in 1..4 {
            let mut garbage = vec![0; blocks * BLOCK];
            rng().fill_bytes(&mut garbage);
            // As an attacker appends them, with wrong padding but for chance, and as luck may have it.
            let mut appended = intact.clone();
            appended.ciphertext.extend_from_slice(&garbage);
            assert_eq!(
                told(&verdict(&appended, AcceptPolicy::new())),
                NOTHING,
                "{name}, bad padding"
            );
            let lucky = [padded.as_slice(), &garbage[..blocks * BLOCK - 3]].concat();
            let lucky = Envelope::around(&lucky);
            assert!(lucky.ciphertext.starts_with(&intact.ciphertext));
            assert_eq!(
                told(&verdict(&lucky, AcceptPolicy::new())),
                NOTHING,
                "{name}, good padding"
            );
        }
    }
}
