//! SEC-50: what is inside of CBC content answers nobody's questions.

use rand::Rng;

use super::support::{
    AES, Message, Receiver, SHA256, alice, blueprint, carol, edi_head, encode, encode_as, fixture, head, lenient, now,
    rng,
};
use crate::algorithm::{DigestAlgorithm, KeyTransport, SignatureAlgorithm};
use crate::cms::{CbcEncryptor, ContentKey, InflateError, encrypt_content_key, enveloped_prefix};
use crate::envelope::{
    Acceptance, Fault, Layers, Refusal, RefusalDetail, RefusalReason, Structure, TransportFacts, Verdict,
};
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
        let mut encryptor = CbcEncryptor::new(AES, &content_key(), &iv).unwrap();
        let mut ciphertext = Vec::new();
        encryptor.update(plaintext, &mut ciphertext);
        encryptor.finish(&mut ciphertext);
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

/// SEC-50 (b): nothing but CR and LF after the end of a layer.
#[test]
fn only_line_ends_may_follow_a_layer() {
    for (name, content) in contents().into_iter().filter(|(name, _)| is_signed(name)) {
        for (trailing, fits) in [
            ("\r\n", true),
            ("\n\r\n\n", true),
            (" ", false),
            ("\t\r\n", false),
            ("\r\n \r\n", false),
            ("\0", false),
            ("x", false),
            ("\r\nepilogue", false),
        ] {
            let verdict = of_plaintext(&[content.as_slice(), trailing.as_bytes()].concat());
            let expected = if fits { None } else { NOTHING };
            assert_eq!(told(&verdict), expected, "{name} {trailing:?}: {verdict:?}");
        }
    }
}

/// SEC-50 (b): and nothing but CR and LF between an inner layer and the end of the one around it.
#[test]
fn only_line_ends_may_follow_an_inner_layer() {
    let signed = encode(Layers::payload().sign(SHA256).into(), b"payload");
    let boundary = signed.head.content_type().unwrap().unwrap();
    let boundary = boundary.param("boundary").unwrap();
    let text = entity(&signed);
    let closing = format!("\r\n--{boundary}--\r\n");
    let unclosed = text.strip_suffix(closing.as_bytes()).unwrap();
    for (end, fits) in [
        (format!("\r\n--{boundary}--\r\n"), true),
        (format!("\r\n--{boundary}--"), true),
        (format!("\n--{boundary}--\n"), true),
        (format!("\r\n\r\n\r\n--{boundary}--\r\n"), true),
        // The signature's base64, the delimiter.
        (format!("  \r\n--{boundary}--\r\n"), false),
        (format!("\r\n\t\r\n--{boundary}--\r\n"), false),
        (format!("\r\n--{boundary}-- \r\n"), false),
        (format!("\r\n--{boundary}--\t"), false),
        (format!("\r\n--{boundary}\r\n"), false),
        (
            format!("\r\n--{boundary}\r\n\r\nthird part\r\n--{boundary}--\r\n"),
            false,
        ),
        (String::new(), false),
    ] {
        let verdict = of_plaintext(&[unclosed, end.as_bytes()].concat());
        let expected = if fits { None } else { NOTHING };
        assert_eq!(told(&verdict), expected, "{end:?}: {verdict:?}");
    }

    let compressed = encode(Layers::payload().sign(SHA256).compress().into(), b"payload");
    let der = [compressed.body.as_slice(), b"x"].concat();
    assert_eq!(told(&of_plaintext(&in_base64(PKCS7, &der))), NOTHING);
    let der = [compressed.body.as_slice(), b"\r\n"].concat();
    assert_eq!(told(&of_plaintext(&in_base64(PKCS7, &der))), None);
    // Outside of CBC content none of this matters.
    let (_, verdict) = Receiver::new(lenient()).receive(&signed.head, &[&signed.body, b"epilogue".as_slice()].concat());
    assert_eq!(told(&verdict), None);
}

/// SEC-50: a refused policy, a wrong signer and a damaged zlib stream show only where the content is intact; a digest
/// only where the configured signer vouches for it.
#[test]
fn reasons_are_given_for_intact_content_only() {
    let sha1 = SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha1);
    let weak = entity(&encode(Layers::payload().sign(sha1).into(), b"payload"));
    let weak_mic = Mic::of(DigestAlgorithm::Sha1, &signed_part());
    let signed = entity(&encode(Layers::payload().sign(SHA256).into(), b"payload"));
    let mic = Mic::of(DigestAlgorithm::Sha256, &signed_part());
    let insufficient = RefusalReason::InsufficientMessageSecurity;
    let unknown = RefusalReason::AuthenticationFailed;
    let judge = |content: &[u8], policy: AcceptPolicy, certificates: &[_], transport, now| {
        let receiver = receiver(policy);
        let der = Envelope::around(content).der();
        let received = receiver.decode(&enveloped_head("binary"), [der.as_slice()]);
        received.decoded.judge(certificates, &receiver.policy, transport, now)
    };
    let plain = TransportFacts::default();
    let late = alice().not_after() + std::time::Duration::from_secs(1);
    let default = AcceptPolicy::new;
    for (name, content, policy, certificates, now, reason, mic) in [
        (
            "weak digest",
            &weak,
            default(),
            vec![alice()],
            now(),
            insufficient,
            Some(weak_mic),
        ),
        (
            "weak key",
            &signed,
            default().min_rsa_bits(3072),
            vec![alice()],
            now(),
            insufficient,
            Some(mic.clone()),
        ),
        (
            "compression",
            &signed,
            default().require_compression(),
            vec![alice()],
            now(),
            insufficient,
            Some(mic.clone()),
        ),
        ("expired", &signed, default(), vec![alice()], late, unknown, Some(mic)),
        ("other signer", &signed, default(), vec![carol()], now(), unknown, None),
        ("no certificates", &signed, default(), Vec::new(), now(), unknown, None),
    ] {
        let intact = judge(content, policy.clone(), &certificates, plain, now);
        assert_eq!(told(&intact), Some((reason, mic)), "{name}: {intact:?}");
        let followed = [content.as_slice(), b"x"].concat();
        assert_eq!(
            told(&judge(&followed, policy.clone(), &certificates, plain, now)),
            NOTHING,
            "{name}"
        );
        let mut altered = content.clone();
        let payload = altered.windows(7).position(|window| window == b"payload").unwrap();
        altered[payload] ^= 1;
        assert_eq!(
            told(&judge(&altered, policy, &certificates, plain, now)),
            NOTHING,
            "{name}"
        );
    }
}

/// The part that `encode` signs for `payload`.
fn signed_part() -> Vec<u8> {
    let mut part = Vec::new();
    let mut head = edi_head();
    head.push("Content-Transfer-Encoding", "binary").unwrap();
    head.write_to(&mut part);
    part.extend_from_slice(b"\r\npayload");
    part
}

/// The partner signed a broken zlib stream, so it may know.
#[test]
fn signed_damage_is_told() {
    let mut compressed = encode(Layers::payload().compress().into(), b"payload");
    *compressed.body.last_mut().unwrap() ^= 1;
    let structure = Structure::from(Layers::payload().sign(SHA256));
    let signed = encode_as(blueprint(structure, compressed.head), &compressed.body, usize::MAX);
    let mic = signed.encoded.mics.first().cloned();
    let verdict = of_plaintext(&entity(&signed));
    let expected = Verdict::Refused(Refusal {
        reason: RefusalReason::DecompressionFailed,
        mic,
        detail: RefusalDetail::Fault(Fault::Inflate(InflateError::Damaged)),
    });
    assert_eq!(verdict, expected);
}

/// Unsigned content of CBC is taken from an authenticated transport, where the policy says so, or by the dangerous
/// switch; otherwise not even that it is unsigned is told (SEC-05, SEC-07).
#[test]
fn unsigned_content_needs_a_transport_that_vouches() {
    let content = b"Content-Type: a/b\r\n\r\npayload";
    let der = Envelope::around(content).der();
    let base = || AcceptPolicy::new().without_signature();
    for (policy, authenticated, accepted) in [
        (AcceptPolicy::new(), true, false),
        (AcceptPolicy::new().allow_unsigned_cbc(), true, false),
        (base(), true, false),
        (base().allow_unsigned_cbc(), false, false),
        (base().allow_unsigned_cbc(), true, true),
        (base().danger_accept_unsigned_cbc(), false, true),
        (base().allow_unsigned_cbc().require_compression(), true, false),
    ] {
        let receiver = receiver(policy);
        let received = receiver.decode(&enveloped_head("binary"), [der.as_slice()]);
        let transport = TransportFacts::new(true, authenticated);
        let verdict = received.decoded.judge(&[alice()], &receiver.policy, transport, now());
        match verdict {
            Verdict::Accepted(Acceptance { unauthenticated, .. }) => {
                assert!(accepted);
                assert_eq!(unauthenticated, !authenticated);
            }
            refused => {
                assert!(!accepted, "{refused:?}");
                assert_eq!(told(&refused), NOTHING);
            }
        }
    }
    let trailing = |content: &[u8]| told(&verdict(&Envelope::around(content), lenient()));
    let compressed = entity(&encode(Layers::payload().compress().into(), b"payload"));
    assert_eq!(trailing(&compressed), None);
    assert_eq!(trailing(&[compressed.as_slice(), b"x"].concat()), NOTHING);
    assert_eq!(trailing(&in_base64("Content-Type: a/b\r\n", b"payload")), None);
    assert_eq!(
        trailing(&[in_base64("Content-Type: a/b\r\n", b"payload").as_slice(), b" "].concat()),
        NOTHING
    );
}

/// SEC-01: each kind of failure to decrypt or to parse what came of it, and the same refusal.
#[test]
fn failures_within_an_envelope_are_one() {
    let signed = entity(&encode(Layers::payload().sign(SHA256).into(), b"payload"));
    let intact = Envelope::around(&signed).der();
    let refused = |receiver: &Receiver, body: &[u8]| told(&receiver.receive(&enveloped_head("binary"), body).1);
    for keys in [
        Vec::new(),
        vec![ContentKey::new(vec![1; 32])],
        vec![ContentKey::new(vec![1; 16])],
        vec![ContentKey::new(Vec::new())],
        vec![ContentKey::new(vec![1; 32]), ContentKey::new(vec![2; 32])],
    ] {
        let mut receiver = receiver(AcceptPolicy::new());
        receiver.keys = Some(keys);
        assert_eq!(refused(&receiver, &intact), NOTHING);
    }
    for content in [
        b"".as_slice(),
        b"no header block at all",
        b"Content-Type: a/b",
        b"Content-Type: a/b\r\n\r\nunsigned",
        b"Content-Type: multipart/signed\r\n\r\n",
        b"Content-Type: multipart/signed; boundary=b\r\n\r\n--b--",
        b"Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n--b\r\n\r\n--b--",
        b"Content-Type: application/pkcs7-mime\r\n\r\n0",
        b"Content-Type: application/pkcs7-mime; smime-type=unknown\r\n\r\n0\x80",
        b"Content-Type: a/b\r\nContent-Transfer-Encoding: x-unknown\r\n\r\n",
        b"Content-Type: a/b\r\nContent-Transfer-Encoding: base64\r\n\r\n!",
        &[PKCS7.as_bytes(), b"\r\n", &intact].concat(),
    ] {
        let verdict = verdict(&Envelope::around(content), lenient());
        // The content that is unsigned and whole is what this policy takes.
        let expected = if content.ends_with(b"unsigned") { None } else { NOTHING };
        assert_eq!(told(&verdict), expected, "{content:?}: {verdict:?}");
        assert_eq!(told(&of_plaintext(content)), NOTHING, "{content:?}");
    }
    let mut wrong_iv = Envelope::around(&signed);
    wrong_iv.iv.pop();
    assert_eq!(told(&verdict(&wrong_iv, AcceptPolicy::new())), NOTHING);
}
