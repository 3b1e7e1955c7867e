//! Messages that are broken, or not of AS2: which fault, and what the partner is told.

use super::support::{Message, Receiver, SHA256, alice, blueprint, edi_head, encode, fixture, head, lenient, wrap};
use crate::algorithm::ContentCipher;
use crate::cms::{CmsError, InflateError, SignatureError};
use crate::envelope::{Fault, LayerKind, Layers, Refusal, RefusalDetail, RefusalReason, Structure, Verdict};
use crate::mime::{HeaderBlock, HeaderError, MultipartError, TransferError};
use crate::partnership::AcceptPolicy;

fn refusal(head: &HeaderBlock, body: &[u8]) -> Refusal {
    let whole = refused(head, body, body.len().max(1));
    let single = refused(head, body, 1);
    assert_eq!(whole, single, "the chunks matter");
    whole
}

fn refused(head: &HeaderBlock, body: &[u8], chunk: usize) -> Refusal {
    let receiver = Receiver::new(lenient());
    let received = receiver.decode(head, body.chunks(chunk));
    match receiver.judge(&received, &[alice()]) {
        Verdict::Refused(refusal) => refusal,
        accepted => panic!("{accepted:?}"),
    }
}

fn part(message: &Message) -> (HeaderBlock, String, String) {
    let kind = message.head.content_type().unwrap().unwrap();
    let boundary = kind.param("boundary").unwrap().to_owned();
    let body = String::from_utf8(message.body.clone()).unwrap();
    (message.head.clone(), boundary, body)
}

/// ENV-47, ENV-48, ENV-49, SEC-06: layers in orders and numbers that AS2 does not have. Content that the partner signed
/// is told by its fault; encryption that is not outermost is never decrypted.
#[test]
fn nested_layers() {
    let payload = Layers::payload;
    let sign: Structure = payload().sign(SHA256).into();
    let compress: Structure = payload().compress().into();
    let encrypt: Structure = payload().encrypt(ContentCipher::Aes256Cbc).into();
    let signed = encode(sign, b"payload");
    let compressed = encode(compress, b"payload");
    let encrypted = encode(encrypt, b"payload");
    let both = encode(payload().compress().sign(SHA256).into(), b"payload");
    let twice_encrypted = LayerKind::Encrypted(ContentCipher::Aes256Cbc);
    for (name, message, fault, reason) in [
        (
            "comp(sign(comp))",
            wrap(compress, &both),
            Fault::CompressedTwice,
            RefusalReason::DecompressionFailed,
        ),
        (
            "comp(comp)",
            wrap(compress, &compressed),
            Fault::CompressedTwice,
            RefusalReason::DecompressionFailed,
        ),
        (
            "sign(sign)",
            wrap(sign, &signed),
            Fault::Structure(LayerKind::Signed),
            RefusalReason::UnexpectedProcessingError,
        ),
        (
            "sign(enc)",
            wrap(sign, &encrypted),
            Fault::Structure(twice_encrypted),
            RefusalReason::UnexpectedProcessingError,
        ),
        (
            "comp(enc)",
            wrap(compress, &encrypted),
            Fault::Structure(twice_encrypted),
            RefusalReason::UnexpectedProcessingError,
        ),
        (
            "enc(enc)",
            wrap(encrypt, &encrypted),
            Fault::Structure(twice_encrypted),
            RefusalReason::DecryptionFailed,
        ),
    ] {
        let refusal = refused(&message.head, &message.body, usize::MAX);
        assert_eq!((refusal.reason, refusal.detail), (reason, fault.into()), "{name}");
        // Where the signed part is known, so is its digest (conflict 2).
        let mic = match name {
            "comp(sign(comp))" => both.encoded.mics.first(),
            "sign(sign)" | "sign(enc)" => message.encoded.mics.first(),
            _ => None,
        };
        assert_eq!(refusal.mic.as_ref(), mic, "{name}");
    }
}

/// ENV-44: exactly two parts, the second of them a signature, and all of it there.
#[test]
fn framing_of_multipart_signed() {
    let (head, boundary, body) = part(&encode(Layers::payload().sign(SHA256).into(), b"payload"));
    let delimiter = format!("\r\n--{boundary}");
    let ends: Vec<_> = body.match_indices(&delimiter).map(|(at, _)| at).collect();
    let closing = format!("{delimiter}--\r\n");
    let third = format!("{delimiter}\r\n\r\nthird part{closing}");
    let one = format!("{}{closing}", &body[..ends[0]]);
    for (name, body, fault) in [
        (
            "no closing delimiter",
            body[..ends[1]].to_owned(),
            Fault::Multipart(MultipartError::Unclosed),
        ),
        (
            "cut in the signature",
            body[..ends[1] - 70].to_owned(),
            Fault::Multipart(MultipartError::Unclosed),
        ),
        (
            "cut in the content",
            body[..ends[0] - 1].to_owned(),
            Fault::Multipart(MultipartError::Unclosed),
        ),
        ("nothing", String::new(), Fault::Multipart(MultipartError::Unclosed)),
        ("one part", one, Fault::SignedParts),
        (
            "three parts",
            format!("{}{third}", &body[..ends[1]]),
            Fault::SignedParts,
        ),
        (
            "other second part",
            body.replace("application/pkcs7-signature; name", "text/plain; name"),
            Fault::SignedParts,
        ),
        (
            "broken base64",
            body.replace("filename=\"smime.p7s\"\r\n\r\n", "filename=\"smime.p7s\"\r\n\r\nMIIB!"),
            Fault::Transfer(TransferError::InvalidBase64),
        ),
        (
            "short signature",
            format!("{}\r\nMIIB{closing}", &body[..body.find("\r\nMI").unwrap()]),
            Fault::Cms(CmsError::Truncated),
        ),
    ] {
        let refusal = refusal(&head, body.as_bytes());
        let reason = RefusalReason::UnexpectedProcessingError;
        assert_eq!(
            (refusal.reason, refusal.mic),
            (reason, None),
            "{name}: {}",
            refusal.detail
        );
        assert_eq!(refusal.detail, fault.into(), "{name}");
    }
    for boundary in ["", "; boundary=\"\"", "; boundary=\"\u{e9}\""] {
        let head = super::support::head(&format!("Content-Type: multipart/signed{boundary}\r\n"));
        let fault = Fault::Multipart(MultipartError::InvalidBoundary);
        assert_eq!(refusal(&head, body.as_bytes()).detail, fault.into());
    }
}

/// A fault inside of the signed part does not keep its signature from being checked, nor its digest from being told.
#[test]
fn broken_content_of_a_signed_part() {
    let limits = Receiver::new(lenient()).limits;
    let long = "x".repeat(limits.header_line + 1);
    for (name, entity, fault) in [
        (
            "no header",
            "not a header\r\n",
            Fault::Header(HeaderError::NotAField { line: 1 }),
        ),
        ("no empty line", "Content-Type: a/b", Fault::Truncated),
        ("nothing", "", Fault::Truncated),
        (
            "encoding",
            "Content-Type: a/b\r\nContent-Transfer-Encoding: base64\r\n\r\n????",
            Fault::Transfer(TransferError::InvalidBase64),
        ),
        (
            "long line",
            &format!("A: {long}\r\n\r\n"),
            Fault::Header(HeaderError::LineTooLong {
                limit: limits.header_line,
            }),
        ),
    ] {
        let (head, boundary, body) = part(&encode(Layers::payload().sign(SHA256).into(), b"payload"));
        let second = body.find(&format!("\r\n--{boundary}\r\n")).unwrap();
        let body = format!("--{boundary}\r\n{entity}{}", &body[second..]);
        let receiver = Receiver::new(lenient());
        let (received, verdict) = receiver.receive(&head, body.as_bytes());
        assert_eq!(received.decoded.content_fault, Some(fault), "{name}");
        assert_eq!(received.decoded.fault, None, "{name}");
        let Verdict::Refused(refusal) = verdict else {
            panic!("{name} accepted");
        };
        assert_eq!(refusal.reason, RefusalReason::IntegrityCheckFailed, "{name}");
        let mics = received.decoded.signature.unwrap().mics;
        assert_eq!(refusal.mic.as_ref(), mics.first(), "{name}");
    }
}

/// Matrix B: digest or signature value wrong, with the digest of what arrived.
#[test]
fn altered_signed_content() {
    let (head, _, body) = part(&encode(Layers::payload().sign(SHA256).into(), b"payload"));
    let altered = body.replace("payload", "Payload");
    let refusal = refusal(&head, altered.as_bytes());
    assert_eq!(refusal.reason, RefusalReason::IntegrityCheckFailed);
    let error = SignatureError::ContentDigest;
    let certificate = alice();
    assert_eq!(refusal.detail, RefusalDetail::Signature { certificate, error });
    assert!(refusal.mic.is_some());
    assert_ne!(
        refusal.mic,
        encode(Layers::payload().sign(SHA256).into(), b"payload")
            .encoded
            .mics
            .first()
            .cloned()
    );
}

/// ENV-45: a digest that did not run is named, and so are those that did.
#[test]
fn announced_another_digest() {
    let policy = AcceptPolicy::new().without_encryption();
    let sha512 = crate::algorithm::SignatureAlgorithm::RsaPkcs1(crate::algorithm::DigestAlgorithm::Sha512);
    let (mut head, _, body) = part(&encode(Layers::payload().sign(sha512).into(), b"payload"));
    let kind = head
        .content_type()
        .unwrap()
        .unwrap()
        .with_param("micalg", "sha-384")
        .to_string();
    head = super::support::head(&format!("Content-Type: {kind}\r\n"));
    let (_, verdict) = Receiver::new(policy).receive(&head, body.as_bytes());
    let Verdict::Refused(refusal) = verdict else {
        panic!("accepted");
    };
    assert_eq!(refusal.reason, RefusalReason::IntegrityCheckFailed);
    assert_eq!(
        refusal.detail.to_string(),
        "the signature by CN=alice, O=Example: the signature is over a sha-512 digest of the content, which was not \
        computed, but sha-384, sha-256"
    );
}

/// ENV-36, INT-38: a content type that says another thing than the structure, or nothing that exists.
#[test]
fn wrong_smime_type() {
    let compressed = encode(Layers::payload().compress().into(), b"payload").body;
    let reason = RefusalReason::UnexpectedProcessingError;
    for (declared, body, reason) in [
        ("signed-data", compressed.as_slice(), reason),
        ("compressed-data", fixture!("openssl/cms/signed.der"), reason),
        ("certs-only", fixture!("openssl/cms/signed.der"), reason),
        ("unknown", fixture!("openssl/cms/signed.der"), reason),
        // What is, or is said to be, encrypted fails as encrypted content does.
        ("enveloped-data", &compressed, RefusalReason::DecryptionFailed),
        (
            "compressed-data",
            fixture!("openssl/cms/enveloped-aes256.der"),
            RefusalReason::DecryptionFailed,
        ),
    ] {
        let head = head(&format!(
            "Content-Type: application/pkcs7-mime; smime-type=\"{declared}\"\r\n"
        ));
        let refusal = refusal(&head, body);
        let declared = declared.to_owned();
        assert_eq!(refusal.detail, Fault::SmimeType { declared }.into());
        assert_eq!((refusal.reason, refusal.mic), (reason, None));
    }
}

/// SMI-36: damaged zlib streams, and what follows them.
#[test]
fn damaged_compression() {
    let message = encode(Layers::payload().compress().into(), &b"0123456789".repeat(1000));
    let prefix = message.encoded.prefix.len();
    let zlib = &message.body[prefix..];
    let rebuilt = |zlib: &[u8]| {
        let len = u64::try_from(zlib.len()).unwrap();
        [crate::cms::compressed_prefix(len).as_slice(), zlib].concat()
    };
    let mut checksum = zlib.to_vec();
    *checksum.last_mut().unwrap() ^= 1;
    for (name, zlib, error) in [
        ("checksum", checksum, InflateError::Damaged),
        ("not zlib", zlib[2..].to_vec(), InflateError::Damaged),
        ("truncated", zlib[..zlib.len() - 1].to_vec(), InflateError::Truncated),
        ("empty", Vec::new(), InflateError::Truncated),
        ("trailing", [zlib, b"\0"].concat(), InflateError::TrailingOctets),
        ("second stream", [zlib, zlib].concat(), InflateError::TrailingOctets),
    ] {
        let refusal = refusal(&message.head, &rebuilt(&zlib));
        assert_eq!(refusal.reason, RefusalReason::DecompressionFailed, "{name}");
        assert_eq!(refusal.detail, Fault::Inflate(error).into(), "{name}");
    }
    let refusal = refusal(&message.head, &message.body[..message.body.len() - 1]);
    assert_eq!(refusal.detail, Fault::Cms(CmsError::Truncated).into());
}

/// SEC-24, SEC-25: the payload is bounded after all layers, to the octet, in plain and in compressed messages.
#[test]
fn payloads_beyond_the_limit() {
    let payload = b"0123456789".repeat(100_000);
    let size = u64::try_from(payload.len()).unwrap();
    for structure in super::support::structures() {
        let message = encode(structure, &payload);
        let mut receiver = Receiver::new(lenient());
        receiver.limits.message_size = size;
        let (received, verdict) = receiver.receive(&message.head, &message.body);
        assert!(received.payload == payload, "{structure}");
        assert!(matches!(verdict, Verdict::Accepted(_)), "{structure}: {verdict:?}");

        // The partner's own limit goes before the host's.
        receiver.policy = lenient().message_size(size - 1);
        let (received, verdict) = receiver.receive(&message.head, &message.body);
        assert!(u64::try_from(received.payload.len()).unwrap() < size, "{structure}");
        let Verdict::Refused(refusal) = verdict else {
            panic!("{structure} accepted");
        };
        assert_eq!(refusal.detail, Fault::TooLarge(size - 1).into(), "{structure}");
        let reason = match (structure.encryption(), structure.signature()) {
            (Some(_), None) => RefusalReason::DecryptionFailed,
            _ => RefusalReason::DecompressionFailed,
        };
        assert_eq!(refusal.reason, reason, "{structure}");
    }
}

/// SEC-24: a bomb is stopped while it goes off.
#[test]
fn bomb() {
    let mut receiver = Receiver::new(lenient());
    receiver.limits.message_size = 1 << 20;
    let message = encode(Layers::payload().compress().into(), &vec![0; 64 << 20]);
    let (received, verdict) = receiver.receive(&message.head, &message.body);
    assert!(received.payload.len() <= 1 << 20);
    let Verdict::Refused(refusal) = verdict else {
        panic!("accepted");
    };
    assert_eq!(refusal.detail, Fault::TooLarge(1 << 20).into());
}

/// A host that does not answer the request for a key: nothing is kept for later.
#[test]
fn unanswered_key_request() {
    let message = encode(Layers::payload().encrypt(ContentCipher::Aes256Cbc).into(), b"payload");
    let mut decoder = crate::envelope::Decoder::new(message.head, &[], lenient(), crate::limits::Limits::default());
    for octet in &message.body {
        decoder.update(&[*octet], &mut Vec::new()).unwrap();
    }
    assert_eq!(decoder.finish(&mut Vec::new()).unwrap().fault, Some(Fault::NoRecipient));
}

/// The sink's errors come through, whichever layer writes.
#[test]
fn sink_errors_are_errors() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    for structure in [
        Layers::payload().into(),
        Structure::from(Layers::payload().sign(SHA256).compress()),
    ] {
        let message = encode(structure, b"payload");
        let mut decoder = crate::envelope::Decoder::new(message.head, &[], lenient(), crate::limits::Limits::default());
        let error = decoder.update(&message.body, &mut Full).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);

        let mut encoder =
            crate::envelope::Encoder::new(blueprint(structure, edi_head()), &mut super::support::rng()).unwrap();
        let fed = encoder.update(b"payload", &mut Full);
        let ended = fed.and_then(|()| encoder.finish(&mut Full).map(|_| ()));
        assert!(matches!(ended, Ok(()) | Err(crate::envelope::EncodeError::Sink(_))));
    }
}

/// ENV-38: a transfer encoding that is not there, before a multipart that begins with a line end.
#[test]
fn false_base64_of_a_multipart_with_a_preamble() {
    let message = encode(Layers::payload().sign(SHA256).into(), b"payload");
    let mut head = message.head.clone();
    head.push("Content-Transfer-Encoding", "base64").unwrap();
    for before in ["", "\r\n", "\n\n", "Date: today\r\n", " \r\n"] {
        let body = [before.as_bytes(), &message.body].concat();
        let (received, verdict) = Receiver::new(lenient()).receive(&head, &body);
        assert!(matches!(verdict, Verdict::Accepted(_)), "{before:?}: {verdict:?}");
        assert_eq!(received.payload, b"payload", "{before:?}");
    }
}
