use super::support::{
    Receiver, SHA256, alice, alice_signs, blueprint, edi_head, encode_as, fixture, head, lenient, split_entity,
};
use crate::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use crate::envelope::{Encoder, Layers, Step, Structure, Verdict};
use crate::mic::Mic;
use crate::mime::{HeaderBlock, TransferEncoding};
use crate::partnership::{AcceptPolicy, MicSource};

fn accepted(receiver: &Receiver, head: &HeaderBlock, body: &[u8]) -> (Mic, bool) {
    match receiver.receive(head, body).1 {
        Verdict::Accepted(acceptance) => (acceptance.mic, acceptance.canonicalised),
        refused => panic!("{refused:?}"),
    }
}

fn sha256(octets: &[u8]) -> Mic {
    Mic::of(DigestAlgorithm::Sha256, octets)
}

/// SMI-10, SMI-38, SMI-40, SMI-35, ENV-37, ENV-40, ENV-41, INT-38: what is digested, octet by octet, and the headers of
/// every layer.
#[test]
fn encoder_digests_the_octets_of_matrix_a() {
    let payload = b"UNB+UNOA:1+A+B'\n";
    let entity = b"Content-Type: application/EDIFACT\r\n\
        Content-Disposition: attachment; filename=\"orders.edi\"\r\n\
        Content-Transfer-Encoding: binary\r\n\
        \r\n\
        UNB+UNOA:1+A+B'\n";
    let compressed_head = "Content-Type: application/pkcs7-mime; smime-type=compressed-data; name=smime.p7z\r\n\
        Content-Disposition: attachment; filename=\"smime.p7z\"\r\n";
    let encrypted_head = "Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\r\n\
        Content-Disposition: attachment; filename=\"smime.p7m\"\r\n";
    for structure in super::support::structures() {
        let blueprint = blueprint(structure, edi_head()).mic_algorithms([DigestAlgorithm::Sha256]);
        let message = encode_as(blueprint, payload, 4);
        let mic = message.encoded.mics.first().unwrap();
        let mut lines = Vec::new();
        message.head.write_to(&mut lines);
        let lines = String::from_utf8(lines).unwrap();
        match structure.to_string().as_str() {
            "payload" => {
                assert_eq!(*mic, sha256(payload));
                assert_eq!(message.head, edi_head());
                assert_eq!(message.body, payload);
            }
            "signed(compressed(payload))" | "encrypted(signed(compressed(payload)))" => {
                // The signed part: the compressed entity with its head.
                assert_ne!(*mic, sha256(entity));
                if structure.encryption().is_none() {
                    let boundary = message.head.content_type().unwrap().unwrap();
                    let part = first_part(&message.body, boundary.param("boundary").unwrap());
                    assert_eq!(*mic, sha256(part));
                    let part_head = format!("{compressed_head}Content-Transfer-Encoding: binary\r\n\r\n0");
                    assert!(part.starts_with(part_head.as_bytes()));
                }
            }
            _ => assert_eq!(*mic, sha256(entity), "{structure}"),
        }
        match structure.to_string() {
            name if name.starts_with("encrypted") => assert_eq!(lines, encrypted_head),
            name if name.starts_with("compressed") => assert_eq!(lines, compressed_head),
            _ => {}
        }
    }
}

fn first_part<'a>(body: &'a [u8], boundary: &str) -> &'a [u8] {
    let opening = format!("--{boundary}\r\n");
    let body = body.strip_prefix(opening.as_bytes()).expect("no preamble");
    let end = memchr::memmem::find(body, format!("\r\n--{boundary}\r\n").as_bytes()).unwrap();
    &body[..end]
}

/// ENV-41, ENV-43, ENV-44, SMI-18: the framing of multipart/signed to the octet.
#[test]
fn multipart_signed_has_no_preamble_and_no_epilogue() {
    let message = encode_as(blueprint(Layers::payload().sign(SHA256).into(), edi_head()), b"X", 1);
    let kind = message.head.content_type().unwrap().unwrap();
    let boundary = kind.param("boundary").unwrap();
    assert_eq!(
        kind.to_string(),
        format!("multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256; boundary={boundary}")
    );
    let part = first_part(&message.body, boundary);
    assert!(part.ends_with(b"\r\n\r\nX"));
    let opening = "--".len() + boundary.len() + "\r\n".len();
    let rest = std::str::from_utf8(&message.body[opening + part.len()..]).unwrap();
    let start = format!(
        "\r\n--{boundary}\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\n\
        Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"smime.p7s\"\r\n\r\nMI"
    );
    assert!(rest.starts_with(&start), "{rest}");
    assert!(rest.ends_with(&format!("\r\n--{boundary}--\r\n")), "{rest}");
    assert!(!rest.contains("\r\n\r\n--"), "{rest}");
}

/// INT-31: the type of the payload is digested with its parameters as they stand, whatever their spelling.
#[test]
fn parameters_of_the_type_are_digested() {
    let written = "Content-Type: application/EDI-X12;charset=\"us-ascii\" ; Name=\"Orders 1.x12\"\r\n";
    let entity = format!("{written}Content-Transfer-Encoding: binary\r\n\r\nISA*00*");
    for structure in [
        Structure::from(Layers::payload().sign(SHA256)),
        Layers::payload().compress().into(),
        Layers::payload().sign(SHA256).compress().into(),
    ] {
        let blueprint = blueprint(structure, head(written)).mic_algorithms([DigestAlgorithm::Sha256]);
        let message = encode_as(blueprint, b"ISA*00*", 7);
        assert_eq!(
            message.encoded.mics.first(),
            Some(&sha256(entity.as_bytes())),
            "{structure}"
        );
        let (mic, _) = accepted(&Receiver::new(lenient()), &message.head, &message.body);
        assert_eq!(mic, sha256(entity.as_bytes()), "{structure}");
    }
}

/// ENV-57: of a multipart/related without layers the parts count, not the delimiters and what is outside of them.
#[test]
fn plain_related_is_digested_within_its_boundaries() {
    let related = head("Content-Type: multipart/related; type=\"text/xml\"; boundary=xyz\r\n");
    let parts = "Content-Type: text/xml\r\n\r\n<a/>Content-Type: image/png\r\n\r\n\0PNG\n";
    let body =
        b"preamble\r\n--xyz\r\nContent-Type: text/xml\r\n\r\n<a/>\r\n--xyz\r\nContent-Type: image/png\r\n\r\n\0PNG\n\
        \r\n--xyz--\r\nepilogue";
    let message = encode_as(
        blueprint(Layers::payload().into(), related.clone()).mic_algorithms([DigestAlgorithm::Sha256]),
        body,
        1,
    );
    assert_eq!(message.encoded.mics.first(), Some(&sha256(parts.as_bytes())));
    assert_eq!(message.body, body);
    let (received, verdict) = Receiver::new(lenient()).receive(&related, body);
    assert_eq!(received.payload, body);
    let Verdict::Accepted(acceptance) = verdict else {
        panic!("{verdict:?}");
    };
    assert_eq!(acceptance.mic, sha256(parts.as_bytes()));
}

/// ENV-56: with any layer around it, a multipart is digested whole, with its own headers.
#[test]
fn layered_related_is_digested_whole() {
    let body = b"--xyz\r\nContent-Type: text/xml\r\n\r\n<a/>\r\n--xyz--\r\n";
    let related = head("Content-Type: multipart/related; boundary=xyz\r\n");
    let entity = [
        b"Content-Type: multipart/related; boundary=xyz\r\nContent-Transfer-Encoding: binary\r\n\r\n".as_slice(),
        body,
    ]
    .concat();
    for structure in [
        Structure::from(Layers::payload().compress()),
        Layers::payload().sign(SHA256).into(),
    ] {
        let message = encode_as(blueprint(structure, related.clone()), body, 7);
        assert_eq!(
            accepted(&Receiver::new(lenient()), &message.head, &message.body).0,
            sha256(&entity)
        );
    }
}

/// SMI-39, ENV-38: the content of a message without layers is digested after its HTTP-level transfer encoding is removed.
#[test]
fn plain_payload_is_digested_decoded() {
    let receiver = Receiver::new(lenient());
    let head = head("content-type: application/edi-x12\r\ncontent-transfer-encoding: BASE64\r\n");
    let (received, _) = receiver.receive(&head, b"SVNBKjAw\r\nKg==\r\n");
    assert_eq!(received.payload, b"ISA*00*");
    assert_eq!(
        accepted(&receiver, &head, b"SVNBKjAw\r\nKg==\r\n").0,
        sha256(b"ISA*00*")
    );
}

/// SMI-43: without a request the policy's default digest is used.
#[test]
fn unsigned_default_digest_is_the_policys() {
    let receiver = Receiver::new(lenient().default_mic(DigestAlgorithm::Sha384));
    let (mic, _) = accepted(&receiver, &edi_head(), b"payload");
    assert_eq!(mic, Mic::of(DigestAlgorithm::Sha384, b"payload"));
}

/// SMI-42, SMI-44: the digest of the signature by default, the requested one by policy.
#[test]
fn digest_of_a_signed_message_follows_the_policy() {
    let sha512 = SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha512);
    let message = encode_as(
        blueprint(Layers::payload().sign(sha512).into(), edi_head()).mic_algorithms(DigestAlgorithm::ALL),
        b"payload",
        100,
    );
    for (source, requested, expected) in [
        (
            MicSource::Signature,
            Some(DigestAlgorithm::Sha384),
            DigestAlgorithm::Sha512,
        ),
        (
            MicSource::Requested,
            Some(DigestAlgorithm::Sha384),
            DigestAlgorithm::Sha384,
        ),
        (
            MicSource::Requested,
            Some(DigestAlgorithm::Sha1),
            DigestAlgorithm::Sha512,
        ),
        (MicSource::Requested, None, DigestAlgorithm::Sha512),
    ] {
        let mut receiver = Receiver::new(lenient().mic_source(source));
        receiver.requested = requested.into_iter().collect();
        let (mic, _) = accepted(&receiver, &message.head, &message.body);
        assert_eq!(
            Some(&mic),
            message.encoded.mics.get(expected),
            "{source:?} {requested:?}"
        );
    }
}

fn signed_with(micalg: &str, part: &[u8], signature: &[u8]) -> (HeaderBlock, Vec<u8>) {
    let head = head(&format!(
        "Content-Type: multipart/signed; protocol=\"application/x-pkcs7-signature\"; boundary=b{micalg}\r\n"
    ));
    let parts: [&[u8]; 4] = [
        b"--b\r\n",
        part,
        b"\r\n--b\r\nContent-Type: application/x-pkcs7-signature\r\nContent-Transfer-Encoding: binary\r\n\r\n",
        signature,
    ];
    (head, [&parts.concat(), b"\r\n--b--\r\n".as_slice()].concat())
}

/// SMI-12: a part that is not binary may be signed in its canonical form; the digest is over the form that verified.
#[test]
fn canonical_form_is_tried_where_the_exact_octets_do_not_verify() {
    let text = fixture!("openssl/envelope/text.entity");
    let signature = fixture!("openssl/envelope/text-canonical.p7s");
    let canonical = String::from_utf8(text.to_vec()).unwrap().replace('\n', "\r\n");
    let receiver = Receiver::new(lenient());
    let (head, body) = signed_with("; micalg=sha-256", text, signature);
    assert_eq!(accepted(&receiver, &head, &body), (sha256(canonical.as_bytes()), true));
    // One octet at a time: a CR and its LF are never in one chunk.
    let received = receiver.decode(&head, body.chunks(1));
    assert_eq!(
        received.payload, b"first line\nsecond line\n",
        "the payload stays as it was sent"
    );
    assert!(matches!(receiver.judge(&received, &[alice()]), Verdict::Accepted(acceptance) if acceptance.canonicalised));

    // Sent as it was signed, there is nothing to try.
    let (head, body) = signed_with("", canonical.as_bytes(), signature);
    assert_eq!(accepted(&receiver, &head, &body), (sha256(canonical.as_bytes()), false));

    // Binary parts are signed as they are, or not at all.
    let binary = String::from_utf8(text.to_vec()).unwrap().replace("7bit", "binary");
    let (head, body) = signed_with("", binary.as_bytes(), signature);
    assert!(matches!(receiver.receive(&head, &body).1, Verdict::Refused(_)));
}

/// SMI-11: the digest is over the octets that were received; another space in a header is another part.
#[test]
fn octets_of_headers_count() {
    let signature = fixture!("openssl/cms/signed-detached.der");
    let content = fixture!("openssl/cms/content.bin");
    let receiver = Receiver::new(lenient());
    let (head, body) = signed_with("; micalg=sha-256", content, signature);
    assert_eq!(accepted(&receiver, &head, &body), (sha256(content), false));
    let spaced = [b"Content-Type:  application/edifact".as_slice(), &content[33..]].concat();
    let (head, body) = signed_with("; micalg=sha-256", &spaced, signature);
    let (received, verdict) = receiver.receive(&head, &body);
    assert_eq!(received.payload, split_entity(content).1);
    assert!(matches!(verdict, Verdict::Refused(_)), "{verdict:?}");
}

/// ENV-45: `micalg` announces, the SignerInfo decides; SHA-256 always runs, and all that the policy allows where nothing
/// known is announced.
#[test]
fn micalg_is_advice() {
    let signature = fixture!("openssl/cms/signed-detached.der");
    let content = fixture!("openssl/cms/content.bin");
    for micalg in [
        "",
        "; micalg=sha-256",
        "; micalg=\"SHA256\"",
        "; micalg=sha1",
        "; micalg=sha-512",
        "; micalg=\"sha1, sha512\"",
        "; micalg=sha3-512",
        "; micalg=unknown",
    ] {
        let (head, body) = signed_with(micalg, content, signature);
        let (mic, _) = accepted(&Receiver::new(AcceptPolicy::new().without_encryption()), &head, &body);
        assert_eq!(mic, sha256(content), "{micalg}");
    }
}

/// SMI-06 and partners that want no signed attributes: the bare digest goes to the private key.
#[test]
fn signature_without_attributes() {
    let mut blueprint = blueprint(Layers::payload().sign(SHA256).into(), edi_head());
    blueprint.signature.as_mut().unwrap().options.signing_time = None;
    let message = encode_as(blueprint.clone(), b"payload", 100);
    let mic = message.encoded.mics.first().unwrap().clone();
    assert_eq!(
        accepted(&Receiver::new(lenient()), &message.head, &message.body),
        (mic.clone(), false)
    );

    let mut encoder = Encoder::new(blueprint, &mut super::support::rng()).unwrap();
    encoder.update(b"payload", &mut Vec::new()).unwrap();
    let Step::Sign(awaiting) = encoder.finish(&mut Vec::new()).unwrap() else {
        panic!("nothing to sign");
    };
    assert_eq!(awaiting.input(), crate::cms::SigningInput::Digest(mic.digest()));
    assert_eq!(alice_signs(&awaiting).len(), 256);
}

/// The same encoder makes receipts: their head as it is, their transfer encoding 7bit.
#[test]
fn receipts_are_encoded_too() {
    let report = head("Content-Type: multipart/report; report-type=disposition-notification; boundary=r\r\n");
    let body = b"--r\r\n\r\ntext\r\n--r--\r\n";
    let plain = encode_as(blueprint(Layers::payload().into(), report.clone()), body, 9);
    assert_eq!((&plain.head, plain.body.as_slice()), (&report, body.as_slice()));
    let signed = blueprint(Layers::payload().sign(SHA256).into(), report).transfer_encoding(TransferEncoding::SevenBit);
    let signed = encode_as(signed, body, 9);
    let boundary = signed.head.content_type().unwrap().unwrap();
    let part = [
        b"Content-Type: multipart/report; report-type=disposition-notification; boundary=r\r\n\
        Content-Transfer-Encoding: 7bit\r\n\r\n"
            .as_slice(),
        body,
    ]
    .concat();
    assert_eq!(first_part(&signed.body, boundary.param("boundary").unwrap()), part);
}
