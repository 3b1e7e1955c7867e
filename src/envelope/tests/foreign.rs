//! Messages that other products made: openssl and pyas2lib.

use rsa::pkcs8::DecodePrivateKey;
use rsa::{Pkcs1v15Encrypt, PrivateKey};

use super::support::{Received, Receiver, alice, bob, fixture, head, lenient, now, split_entity};
use crate::algorithm::{ContentCipher, DigestAlgorithm};
use crate::cms::{Certificate, ContentKey};
use crate::envelope::{
    As2Headers, Decoder, Fault, LayerKind, Progress, RefusalDetail, RefusalReason, TransportFacts, Verdict,
};
use crate::limits::Limits;
use crate::mic::Mic;
use crate::mime::HeaderBlock;
use crate::partnership::AcceptPolicy;

const CONTENT: &[u8] = fixture!("openssl/cms/content.bin");

fn enveloped_head() -> HeaderBlock {
    head("Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n")
}

fn accepted_mic(verdict: Verdict, name: &str) -> Mic {
    match verdict {
        Verdict::Accepted(acceptance) => acceptance.mic,
        refused => panic!("{name}: {refused:?}"),
    }
}

/// SMI-01, SMI-21, SMI-27: every cipher, definite and indefinite lengths, other recipients before and kinds besides ours.
#[test]
fn openssl_enveloped() {
    let receiver = Receiver::new(lenient().allow_weak_cipher(ContentCipher::TripleDesCbc));
    for (name, body) in [
        ("aes128", fixture!("openssl/cms/enveloped-aes128.der")),
        ("aes192", fixture!("openssl/cms/enveloped-aes192.der")),
        ("aes256", fixture!("openssl/cms/enveloped-aes256.der")),
        ("3des", fixture!("openssl/cms/enveloped-des3.der")),
        ("aes128 stream", fixture!("openssl/cms/enveloped-aes128-stream.ber")),
        ("aes192 stream", fixture!("openssl/cms/enveloped-aes192-stream.ber")),
        ("aes256 stream", fixture!("openssl/cms/enveloped-aes256-stream.ber")),
        ("3des stream", fixture!("openssl/cms/enveloped-des3-stream.ber")),
        ("key identifier", fixture!("openssl/cms/enveloped-keyid.der")),
        ("three recipients", fixture!("openssl/cms/enveloped-three.der")),
        ("key encryption key", fixture!("openssl/cms/enveloped-kek.der")),
    ] {
        let (received, verdict) = receiver.receive(&enveloped_head(), body);
        assert_eq!(received.payload, split_entity(CONTENT).1, "{name}");
        assert_eq!(
            accepted_mic(verdict, name),
            Mic::of(DigestAlgorithm::Sha256, CONTENT),
            "{name}"
        );
        let chunks = receiver.decode(&enveloped_head(), body.chunks(7));
        assert_eq!(chunks.payload, received.payload, "{name}");
    }
}

/// ENV-36: the structure says what it is where the content type does not.
#[test]
fn openssl_without_smime_type() {
    let head = head("Content-Type: APPLICATION/X-PKCS7-MIME; name=smime.p7m\r\n");
    let receiver = Receiver::new(lenient());
    let (received, _) = receiver.receive(&head, fixture!("openssl/cms/enveloped-aes256.der"));
    assert_eq!(
        received.decoded.layers,
        [LayerKind::Encrypted(ContentCipher::Aes256Cbc)]
    );
    let (received, _) = receiver.receive(&head, fixture!("openssl/cms/signed.der"));
    assert_eq!(received.decoded.layers, [LayerKind::Signed]);
}

/// ENV-50: opaque signatures are read, also streamed ones and those without certificates.
#[test]
fn openssl_opaque_signatures() {
    let receiver = Receiver::new(AcceptPolicy::new().without_encryption());
    for smime_type in ["", "; smime-type=signed-data", "; smime-type=\"Signed-Data\""] {
        for (name, body) in [
            ("signed", fixture!("openssl/cms/signed.der")),
            ("stream", fixture!("openssl/cms/signed-stream.ber")),
            ("no certificates", fixture!("openssl/cms/signed-nocerts.der")),
        ] {
            let head = head(&format!("Content-Type: application/pkcs7-mime{smime_type}\r\n"));
            let (received, verdict) = receiver.receive(&head, body);
            assert_eq!(received.payload, split_entity(CONTENT).1, "{name}");
            assert_eq!(
                accepted_mic(verdict, name),
                Mic::of(DigestAlgorithm::Sha256, CONTENT),
                "{name}"
            );
        }
    }
}

/// ENV-42, INT-40: openssl's own S/MIME writer: preamble, LF in the framing, headers repeated before base64.
#[test]
fn openssl_writes_smime() {
    let receiver = Receiver::new(lenient());
    let (head, body) = split_entity(fixture!("openssl/envelope/signed.eml"));
    let (received, verdict) = receiver.receive(&head, body);
    assert_eq!(received.payload, split_entity(CONTENT).1);
    assert_eq!(
        accepted_mic(verdict, "signed"),
        Mic::of(DigestAlgorithm::Sha256, CONTENT)
    );

    let receiver = Receiver::new(AcceptPolicy::new());
    let body = fixture!("openssl/envelope/signed-encrypted.p7m");
    let (received, verdict) = receiver.receive(&enveloped_head(), body);
    assert_eq!(received.payload, split_entity(CONTENT).1);
    assert_eq!(
        accepted_mic(verdict, "encrypted"),
        Mic::of(DigestAlgorithm::Sha256, CONTENT)
    );

    let receiver = Receiver::new(lenient());
    let whole = fixture!("openssl/envelope/encrypted.eml");
    let (inner_head, base64) = split_entity(whole);
    let (received, verdict) = receiver.receive(&enveloped_head(), whole);
    assert_eq!(received.payload, split_entity(CONTENT).1);
    assert_eq!(
        accepted_mic(verdict, "repeated headers"),
        Mic::of(DigestAlgorithm::Sha256, CONTENT)
    );
    assert_eq!(
        receiver.decode(&enveloped_head(), whole.chunks(1)).payload,
        received.payload
    );
    for (name, head) in [("with the header", &inner_head), ("sniffed", &enveloped_head())] {
        let (received, _) = receiver.receive(head, base64);
        assert_eq!(received.payload, split_entity(CONTENT).1, "{name}");
        assert_eq!(
            receiver.decode(head, base64.chunks(1)).payload,
            received.payload,
            "{name}"
        );
    }
}

/// ENV-38, INT-40: a Content-Transfer-Encoding at HTTP level that is not true, or is not there.
#[test]
fn transfer_encoding_of_the_http_header_is_checked_against_the_body() {
    let der = fixture!("openssl/cms/enveloped-aes256.der");
    let base64 = crate::mime::encode_base64_lines(der);
    let one_line: Vec<u8> = base64
        .iter()
        .copied()
        .filter(|octet| !octet.is_ascii_whitespace())
        .collect();
    for encoding in ["", "binary", "8bit", "7bit", "base64", "BASE64"] {
        let field = match encoding {
            "" => String::new(),
            encoding => format!("Content-Transfer-Encoding: {encoding}\r\n"),
        };
        let head = head(&format!("Content-Type: application/pkcs7-mime\r\n{field}"));
        for (name, body) in [
            ("der", der),
            ("base64", &base64),
            ("one line", &one_line),
            ("after white space", &[b"\r\n\r\n".as_slice(), &base64].concat()),
            ("before line ends", &[der, b"\r\n\n"].concat()),
        ] {
            let (received, verdict) = Receiver::new(lenient()).receive(&head, body);
            assert_eq!(
                received.payload,
                split_entity(CONTENT).1,
                "{encoding}, {name}: {verdict:?}"
            );
            let single = Receiver::new(lenient()).decode(&head, body.chunks(1));
            assert_eq!(single.payload, received.payload, "{encoding}, {name}");
        }
    }
    let quoted_printable: Vec<u8> = der
        .iter()
        .flat_map(|octet| format!("={octet:02X}=\r\n").into_bytes())
        .collect();
    let head = head("Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: quoted-printable\r\n");
    let (received, _) = Receiver::new(lenient()).receive(&head, &quoted_printable);
    assert_eq!(received.payload, split_entity(CONTENT).1);
}

/// ENV-38: a multipart must not be encoded (RFC 2045 §6.4); one that says so is read as what it is.
#[test]
fn transfer_encoding_of_a_multipart_is_checked_against_the_body() {
    let (head, body) = split_entity(fixture!("openssl/envelope/signed.eml"));
    let mut encoded_head = head.clone();
    encoded_head.push("Content-Transfer-Encoding", "base64").unwrap();
    let base64 = crate::mime::encode_base64_lines(body);
    for (name, body) in [
        ("not encoded, with a preamble", body),
        (
            "not encoded",
            &body[body.windows(4).position(|window| window == b"----").unwrap()..],
        ),
        ("encoded", &base64),
    ] {
        for chunk in [1, body.len()] {
            let received = Receiver::new(lenient()).decode(&encoded_head, body.chunks(chunk));
            assert_eq!(received.payload, split_entity(CONTENT).1, "{name}");
        }
    }
}

/// SEC-11, SMI-30, SMI-21: what cannot be decrypted says so for the host, and always the same to the partner.
#[test]
fn openssl_undecryptable() {
    for (name, body, certificate, expected) in [
        // With the feature, or without.
        (
            "rc2",
            fixture!("openssl/cms/enveloped-rc2.der"),
            bob(),
            match cfg!(feature = "legacy") {
                true => "content encrypted with rc2-128 is not accepted from this partner",
                false => {
                    "cipher: algorithm \"1.2.840.113549.3.2 (rc2-cbc)\" is not supported: it needs the feature `legacy`"
                }
            },
        ),
        (
            "not for us",
            fixture!("openssl/cms/enveloped-aes256.der"),
            alice(),
            "the message is not encrypted for any",
        ),
    ] {
        let mut receiver = Receiver::new(lenient());
        if certificate == alice() {
            receiver.keys = Some(Vec::new());
        }
        let (_, verdict) = receiver.receive(&enveloped_head(), body);
        let Verdict::Refused(refusal) = verdict else {
            panic!("{name} accepted");
        };
        assert_eq!(
            (refusal.reason, refusal.mic),
            (RefusalReason::DecryptionFailed, None),
            "{name}"
        );
        assert!(
            refusal.detail.to_string().starts_with(expected),
            "{name}: {}",
            refusal.detail
        );
    }
}

/// SMI-22: AES-GCM by OpenSSL, in any pieces; unsigned, it is accepted where CBC would not be.
#[test]
fn openssl_gcm_is_accepted_with_its_code_alone() {
    let head = head("Content-Type: application/pkcs7-mime; smime-type=authEnveloped-data\r\n");
    let policy = AcceptPolicy::new().without_signature();
    let receiver = Receiver::new(policy);
    for (body, cipher) in [
        (fixture!("openssl/algorithms/gcm-128.der"), ContentCipher::Aes128Gcm),
        (fixture!("openssl/algorithms/gcm-192.der"), ContentCipher::Aes192Gcm),
        (fixture!("openssl/algorithms/gcm-256.der"), ContentCipher::Aes256Gcm),
        (fixture!("openssl/algorithms/gcm-stream.ber"), ContentCipher::Aes256Gcm),
    ] {
        for size in [1, 7, 16, 1000] {
            let received = receiver.decode(&head, body.chunks(size));
            assert_eq!(received.decoded.layers, [LayerKind::Encrypted(cipher)]);
            assert!(fixture!("openssl/algorithms/content.bin").ends_with(&received.payload));
            let verdict = receiver.judge(&received, &[]);
            assert!(matches!(verdict, Verdict::Accepted(_)), "{verdict:?}");
        }
        // The last octet is one of the code, or the end of an indefinite length.
        let mac = body.iter().rposition(|octet| *octet != 0).unwrap();
        for at in [mac, mac - 1, mac - 11] {
            let mut damaged = body.to_vec();
            damaged[at] ^= 1;
            let (_, verdict) = receiver.receive(&head, &damaged);
            assert!(matches!(verdict, Verdict::Refused(refusal) if refusal.reason == RefusalReason::DecryptionFailed));
        }
        // The structure is another one than the content type says.
        let (_, verdict) = receiver.receive(&enveloped_head(), body);
        assert!(matches!(verdict, Verdict::Refused(_)));
    }
}

/// SEC-14: Triple DES is refused by default, and never decrypted for that.
#[test]
fn triple_des_is_refused_before_the_key_is_asked_for() {
    let mut decoder = Decoder::new(enveloped_head(), &[], lenient(), Limits::default());
    let progress = decoder
        .update(fixture!("openssl/cms/enveloped-des3.der"), &mut Vec::new())
        .unwrap();
    assert!(matches!(progress, Progress::Continue));
    let decoded = decoder.finish(&mut Vec::new()).unwrap();
    let refused = Fault::CipherRefused(ContentCipher::TripleDesCbc);
    assert_eq!(decoded.fault, Some(refused.clone()));
    let verdict = decoded.judge(&[], &lenient(), TransportFacts::default(), now());
    let Verdict::Refused(refusal) = verdict else {
        panic!("accepted");
    };
    assert_eq!(refusal.reason, RefusalReason::InsufficientMessageSecurity);
    assert_eq!(refusal.detail, RefusalDetail::Fault(refused));
}

/// A request recorded from pyas2lib, received by its partner.
fn pyas2(head: &[u8], body: &[u8], policy: AcceptPolicy) -> (Received, Verdict) {
    let (_, lines) = head.split_at(head.iter().position(|octet| *octet == b'\n').unwrap() + 1);
    let head = HeaderBlock::parse(lines, &Limits::default()).unwrap();
    let as2 = As2Headers::parse(head.clone()).unwrap();
    assert_eq!((as2.from().as_str(), as2.to().as_str()), ("pyas2", "receiver"));
    assert!(as2.version().is_supported());

    let pem = std::str::from_utf8(fixture!("pyas2lib/receiver-key.pem")).unwrap();
    let key = PrivateKey::from_pkcs8_pem(pem).unwrap();
    let mut decoder = Decoder::new(head, &[], policy.clone(), Limits::default());
    let mut payload = Vec::new();
    if let Progress::NeedContentKey(request) = decoder.update(body, &mut payload).unwrap() {
        let encrypted = &request.recipients[0].encrypted_key;
        let content_key = ContentKey::new(key.decrypt(Pkcs1v15Encrypt, encrypted).unwrap());
        decoder.content_keys(&[content_key], &mut payload).unwrap();
    }
    let decoded = decoder.finish(&mut payload).unwrap();
    let certificate = Certificate::from_pem(fixture!("pyas2lib/pyas2-cert.pem")).unwrap();
    let verdict = decoded.judge(&[certificate], &policy, TransportFacts::default(), now());
    (Received { decoded, payload }, verdict)
}

macro_rules! exchange {
    ($name:literal, $policy:expr) => {
        pyas2(
            fixture!("pyas2lib/", $name, ".head"),
            fixture!("pyas2lib/", $name, ".body"),
            $policy,
        )
    };
}

fn recorded(mic: &[u8]) -> Mic {
    Mic::parse(std::str::from_utf8(mic).unwrap(), DigestAlgorithm::Sha256).unwrap()
}

/// SMI-32, SMI-34, SMI-37: the MIC is the one that the sender expects.
#[test]
fn pyas2lib_messages_have_the_mic_that_their_sender_computed() {
    let encrypted = LayerKind::Encrypted(ContentCipher::Aes256Cbc);
    let policy = AcceptPolicy::new();
    let sha1 = policy
        .clone()
        .without_encryption()
        .allow_weak_digest(DigestAlgorithm::Sha1);
    for (name, (received, verdict), layers, mic) in [
        (
            "signed",
            exchange!("signed", policy.clone().without_encryption()),
            vec![LayerKind::Signed],
            fixture!("pyas2lib/signed.mic"),
        ),
        (
            "signed-sha1",
            exchange!("signed-sha1", sha1),
            vec![LayerKind::Signed],
            fixture!("pyas2lib/signed-sha1.mic"),
        ),
        (
            "signed-encrypted",
            exchange!("signed-encrypted", policy.clone()),
            vec![encrypted, LayerKind::Signed],
            fixture!("pyas2lib/signed-encrypted.mic"),
        ),
        (
            "compressed-signed-encrypted",
            exchange!("compressed-signed-encrypted", policy),
            vec![
                LayerKind::Encrypted(ContentCipher::Aes128Cbc),
                LayerKind::Signed,
                LayerKind::Compressed,
            ],
            fixture!("pyas2lib/compressed-signed-encrypted.mic"),
        ),
    ] {
        assert_eq!(received.payload, fixture!("pyas2lib/invoice.edi"), "{name}");
        assert_eq!(received.decoded.layers, layers, "{name}");
        assert_eq!(
            received.decoded.filename().unwrap().sanitized.as_deref(),
            Some("invoice.edi"),
            "{name}"
        );
        assert_eq!(accepted_mic(verdict, name), recorded(mic), "{name}");
    }
}

#[test]
fn pyas2lib_encrypted_only() {
    let policy = lenient().allow_weak_cipher(ContentCipher::TripleDesCbc);
    for (received, verdict) in [
        exchange!("encrypted", policy.clone()),
        exchange!("encrypted-3des", policy.clone()),
    ] {
        assert_eq!(received.payload, fixture!("pyas2lib/invoice.edi"));
        accepted_mic(verdict, "encrypted");
    }
    // The default policy takes nothing that is encrypted and not signed.
    let (_, verdict) = exchange!("encrypted", AcceptPolicy::new());
    assert!(matches!(verdict, Verdict::Refused(refusal) if refusal.reason == RefusalReason::DecryptionFailed));
}

/// SMI-16: it leaves out the parameters, and means those of the digest.
#[test]
fn pyas2lib_pss_is_accepted() {
    let (received, verdict) = exchange!("signed-pss", AcceptPolicy::new().without_encryption());
    assert_eq!(received.decoded.fault, None);
    assert_eq!(
        accepted_mic(verdict, "signed-pss"),
        recorded(fixture!("pyas2lib/signed-pss.mic"))
    );
}
