use rsa::pkcs8::DecodePrivateKey;
use rsa::{Pkcs1v15Encrypt, PrivateKey};

use super::{EnvelopedHead, RecipientInfo, enveloped_prefix, enveloped_suffix};
use crate::algorithm::{ContentCipher, KeyTransport, UnknownAlgorithm};
use crate::cms::content_info::content_info;
use crate::cms::tlv::{Tlvs, constructed, encode, set_of, tag};
use crate::cms::{
    Certificate, CertificateId, CmsError, CmsEvent, CmsReader, ContentKey, KeyEncryption, KeyError, KeyKind,
    encrypt_content_key, oid,
};
use crate::entropy::{Entropy, SystemEntropy};
use crate::limits::Limits;

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/openssl/", $name)).as_slice()
    };
}

fn certificate(der: &[u8]) -> Certificate {
    Certificate::from_der(der).unwrap()
}

fn bob() -> Certificate {
    certificate(fixture!("cms/bob.der"))
}

/// The head and the content.
fn read(mut octets: &[u8]) -> Result<(EnvelopedHead, Vec<u8>), CmsError> {
    let mut reader = CmsReader::new(&Limits::default());
    let mut head = None;
    let mut content = Vec::new();
    loop {
        match reader.next(&mut octets)? {
            CmsEvent::Enveloped(found) => head = Some(found),
            CmsEvent::Content(octets) => content.extend_from_slice(octets),
            CmsEvent::End(_) => return Ok((head.unwrap(), content)),
            CmsEvent::NeedInput => return Err(CmsError::Truncated),
            _ => panic!("not enveloped"),
        }
    }
}

fn recipient(id: CertificateId, encrypted_key: &[u8]) -> RecipientInfo {
    RecipientInfo {
        id,
        key_encryption: Some(KeyEncryption::RsaPkcs1),
        encrypted_key: encrypted_key.to_vec(),
    }
}

/// SMI-24, SMI-29: PKCS#1 v1.5, padded anew for each recipient.
#[test]
fn content_key_is_encrypted_for_the_certificate() {
    let rng = &mut *SystemEntropy.rng();
    let key = ContentKey::generate(ContentCipher::Aes256Cbc, rng);
    let mut encrypt = || encrypt_content_key(&bob(), KeyTransport::RsaPkcs1, &key, rng).unwrap();
    let (first, second) = (encrypt(), encrypt());
    assert_eq!(first.id, CertificateId::issuer_and_serial(&bob()));
    assert_eq!(first.key_encryption, Some(KeyEncryption::RsaPkcs1));
    assert_ne!(first.encrypted_key, second.encrypted_key);
    let private = PrivateKey::from_pkcs8_der(fixture!("cms/bob.key.der")).unwrap();
    let decrypted = private.decrypt(Pkcs1v15Encrypt, &first.encrypted_key).unwrap();
    assert_eq!(decrypted, key.as_bytes());
}

#[test]
fn keys_that_cannot_be_encrypted_for_are_named() {
    let rng = &mut *SystemEntropy.rng();
    let key = ContentKey::generate(ContentCipher::Aes256Cbc, rng);
    let dora = certificate(fixture!("signatures/dora.der"));
    assert_eq!(
        encrypt_content_key(&dora, KeyTransport::RsaPkcs1, &key, rng),
        Err(KeyError::Kind {
            needed: KeyKind::Rsa,
            found: KeyKind::Ec
        })
    );
}

/// SMI-03: exactly these octets.
#[test]
fn prefix_is_der() {
    let recipient = recipient(CertificateId::issuer_and_serial(&bob()), &[7; 256]);
    let prefix = enveloped_prefix(&[recipient], ContentCipher::Aes256Cbc, &[9; 16], 1000);
    let mut octets = prefix.clone();
    octets.resize(prefix.len() + 1000, 0);

    let rsa_encryption = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
    let recipient = constructed(
        0x30,
        [
            &[2, 1, 0],
            &constructed(0x30, [bob().issuer(), &encode(2, bob().serial())]),
            &rsa_encryption,
            &encode(4, &[7; 256]),
        ],
    );
    let aes256 = [6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 42];
    let content = constructed(
        0x30,
        [
            &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1],
            &constructed(0x30, [&aes256, &encode(4, &[9; 16])]),
            &encode(0x80, &[0; 1000]),
        ],
    );
    let enveloped = constructed(0x30, [&[2, 1, 0], &encode(0x31, &recipient), &content]);
    let expected = constructed(
        0x30,
        [
            &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 3],
            &encode(0xa0, &enveloped),
        ],
    );
    assert_eq!(octets, expected);
}

fn version_of(octets: &[u8]) -> &[u8] {
    let mut info = Tlvs(octets).any().unwrap().children();
    info.expect(tag::OID).unwrap();
    let mut wrapped = info.any().unwrap().children();
    wrapped.any().unwrap().children().expect(tag::INTEGER).unwrap().value
}

/// SMI-28; RFC 5652 §6.1: the version follows from the recipients' identifiers.
#[test]
fn several_recipients_are_read_back() {
    let (alice, carol) = (
        certificate(fixture!("cms/alice.der")),
        certificate(fixture!("cms/carol.der")),
    );
    let by_serial = [&alice, &carol].map(|one| recipient(CertificateId::issuer_and_serial(one), one.serial()));
    let by_key = [recipient(CertificateId::subject_key(&bob()), &[1; 300])];
    for (recipients, version) in [(by_serial.to_vec(), 0), ([&by_serial[..], &by_key].concat(), 2)] {
        for cipher in ContentCipher::ALL {
            let iv = vec![3; cipher.iv_len()];
            let mut octets = enveloped_prefix(&recipients, cipher, &iv, 3);
            octets.extend_from_slice(b"xyz");
            let version = if cipher.is_authenticated() {
                octets.extend(enveloped_suffix(&[5; 16]));
                0
            } else {
                version
            };
            assert_eq!(version_of(&octets), [version]);
            let (head, content) = read(&octets).unwrap();
            assert_eq!(head.cipher, Ok(cipher));
            assert_eq!(head.iv, iv);
            assert_eq!(content, b"xyz");
            assert_eq!(head.recipients.len(), recipients.len());
            assert!(recipients.iter().all(|one| head.recipients.contains(one)));
        }
    }
}

/// SMI-49: lengths beyond 4 GiB.
#[test]
fn content_may_be_larger_than_memory() {
    let prefix = enveloped_prefix(&[], ContentCipher::Aes128Cbc, &[0; 16], 1 << 40);
    let mut input = prefix.as_slice();
    let mut reader = CmsReader::new(&Limits::default());
    assert!(matches!(reader.next(&mut input), Ok(CmsEvent::Enveloped(_))));
    assert_eq!(reader.next(&mut &[0; 64][..]), Ok(CmsEvent::Content(&[0; 64])));
    assert_eq!(prefix[prefix.len() - 7..], [0x86, 1, 0, 0, 0, 0, 0]);
}

/// SMI-27: the recipients of OpenSSL's messages, other kinds than key transport left out.
#[test]
fn recipients_are_found_by_every_identifier() {
    let ids = |octets| {
        let recipients = read(octets).unwrap().0.recipients;
        recipients.into_iter().map(|one| one.id).collect::<Vec<_>>()
    };
    let by_serial = |der| CertificateId::issuer_and_serial(&certificate(der));
    let three = ids(fixture!("cms/enveloped-three.der"));
    assert_eq!(three.len(), 3);
    for der in [
        fixture!("cms/alice.der"),
        fixture!("cms/bob.der"),
        fixture!("cms/carol.der"),
    ] {
        assert!(three.contains(&by_serial(der)));
    }
    assert_eq!(
        ids(fixture!("cms/enveloped-keyid.der")),
        [CertificateId::subject_key(&bob())]
    );
    assert_eq!(
        ids(fixture!("cms/enveloped-kek.der")),
        [by_serial(fixture!("cms/bob.der"))]
    );
}

/// SMI-48
#[test]
fn unsupported_algorithms_are_reported() {
    let mut octets = enveloped(&[], vec![recipient_der()], &encode(tag::context(0), b"ciphertext"), &[]);
    let cbc = oid::of_cipher(ContentCipher::Aes128Cbc);
    let at = octets.windows(cbc.len()).position(|window| window == cbc).unwrap();
    // AES-128 in output feedback mode.
    octets[at + cbc.len() - 1] += 1;
    let error = UnknownAlgorithm::new("2.16.840.1.101.3.4.1.3");
    assert_eq!(read(&octets).unwrap().0.cipher, Err(error));
}

/// SMI-21
#[cfg(feature = "legacy")]
#[test]
fn ciphers_of_the_past_are_told_apart() {
    for (octets, cipher) in [
        (fixture!("legacy/enveloped-rc2-40.der"), ContentCipher::Rc2Cbc40),
        (fixture!("legacy/enveloped-rc2-40-stream.ber"), ContentCipher::Rc2Cbc40),
        (fixture!("legacy/enveloped-rc2-64.der"), ContentCipher::Rc2Cbc64),
        (fixture!("cms/enveloped-rc2.der"), ContentCipher::Rc2Cbc128),
        (fixture!("legacy/enveloped-des.der"), ContentCipher::DesCbc),
    ] {
        let (head, _) = read(octets).unwrap();
        assert_eq!(head.cipher, Ok(cipher));
        assert_eq!(head.iv.len(), cipher.iv_len());
    }
}

/// SMI-21, SMI-48: without the feature the name says which one it takes.
#[cfg(not(feature = "legacy"))]
#[test]
fn ciphers_of_the_past_need_the_feature() {
    for (octets, name) in [
        (fixture!("legacy/enveloped-rc2-40.der"), "1.2.840.113549.3.2 (rc2-cbc)"),
        (fixture!("legacy/enveloped-des.der"), "1.3.14.3.2.7 (des-cbc)"),
    ] {
        let error = read(octets).unwrap().0.cipher.unwrap_err();
        let said = format!("algorithm {name:?} is not supported: it needs the feature `legacy` of ediint");
        assert_eq!(error.to_string(), said);
    }
}

/// An EnvelopedData with something more, or less, than ours.
fn enveloped(originator: &[u8], recipients: Vec<Vec<u8>>, content: &[u8], attributes: &[u8]) -> Vec<u8> {
    let algorithm = constructed(
        tag::SEQUENCE,
        [
            &encode(tag::OID, oid::of_cipher(ContentCipher::Aes128Cbc)),
            &encode(tag::OCTET_STRING, &[0; 16]),
        ],
    );
    let fields = [
        &encode(tag::INTEGER, &[2]),
        originator,
        &set_of(tag::SET, recipients),
        &constructed(tag::SEQUENCE, [&encode(tag::OID, oid::DATA), &algorithm, content]),
        attributes,
    ];
    content_info(oid::ENVELOPED_DATA, &fields.concat(), 0)
}

fn recipient_der() -> Vec<u8> {
    recipient(CertificateId::issuer_and_serial(&bob()), &[7; 256]).to_der()
}

/// SMI-30
#[test]
fn originator_and_unprotected_attributes_are_tolerated() {
    let originator = encode(
        tag::context_constructed(0),
        &encode(tag::context_constructed(0), bob().der()),
    );
    let attribute = constructed(
        tag::SEQUENCE,
        [&encode(tag::OID, &[0x2a, 3]), &encode(tag::SET, &[5, 0])],
    );
    let attributes = encode(tag::context_constructed(1), &attribute);
    let content = encode(tag::context(0), b"ciphertext");
    let octets = enveloped(&originator, vec![recipient_der()], &content, &attributes);
    let (head, content) = read(&octets).unwrap();
    assert_eq!(head.recipients.len(), 1);
    assert_eq!(content, b"ciphertext");
}

/// SMI-30
#[test]
fn content_that_is_elsewhere_is_refused() {
    let octets = enveloped(&[], vec![recipient_der()], &[], &[]);
    assert_eq!(read(&octets), Err(CmsError::NoContent));
}

/// SEC-27
#[test]
fn more_than_64_recipients_are_refused() {
    let content = encode(tag::context(0), b"ciphertext");
    let with = |number| read(&enveloped(&[], vec![recipient_der(); number], &content, &[]));
    assert_eq!(with(64).unwrap().0.recipients.len(), 64);
    assert_eq!(with(65), Err(CmsError::TooManyRecipients));
    // Of any kind.
    let others = vec![encode(tag::context_constructed(2), &[]); 65];
    assert_eq!(
        read(&enveloped(&[], others, &content, &[])),
        Err(CmsError::TooManyRecipients)
    );
}
