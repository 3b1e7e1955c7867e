//! Contents that an attacker could only wish for, and those that a partner really sends.

use super::{
    Envelope, NOTHING, PKCS7, contents, entity, enveloped_head, in_base64, is_signed, of_plaintext, receiver, told,
    verdict,
};
use crate::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use crate::cms::{ContentKey, InflateError};
use crate::envelope::tests::support::{
    Receiver, SHA256, alice, blueprint, carol, edi_head, encode, encode_as, lenient, now,
};
use crate::envelope::{
    Acceptance, Fault, Layers, Refusal, RefusalDetail, RefusalReason, Structure, TransportFacts, Verdict,
};
use crate::mic::Mic;
use crate::partnership::AcceptPolicy;

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
