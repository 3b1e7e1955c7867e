//! Signatures of our own. That `openssl cms` verifies them is for `tests/peers_openssl.rs` to show.

use super::*;

#[test]
fn every_digest_is_signed_with_and_without_attributes() {
    for digest in DigestAlgorithm::ALL {
        for signing_time in [None, signing_time()] {
            for combined_oid in [false, true] {
                let options = SignatureOptions {
                    signing_time,
                    combined_oid,
                    algorithm_protection: true,
                    ..SignatureOptions::default()
                };
                let octets = signed(SignatureAlgorithm::RsaPkcs1(digest), options);
                let check = check_signers(&signer_infos(&octets), &[alice()], &digests());
                let expected = SignerCheck::Verified {
                    certificate: alice(),
                    digest,
                    signing_time,
                };
                assert_eq!(check, expected);
            }
        }
    }
}

/// SMI-03, SMI-07, SMI-15: exactly these octets, DER throughout.
#[test]
fn signed_data_is_der() {
    let options = SignatureOptions {
        signing_time: signing_time(),
        capabilities: vec![ContentCipher::Aes256Cbc, ContentCipher::TripleDesCbc],
        ..SignatureOptions::default()
    };
    let octets = signed(SHA256, options);
    let content = Mic::of(DigestAlgorithm::Sha256, CONTENT);
    let oid = |hex: &[u8]| encode(tag::OID, hex);
    let pkcs7_data = oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1]);
    let attribute = |last: u8, value: &[u8]| {
        let kind = oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, last]);
        constructed(0x30, [&kind, &encode(0x31, value)])
    };
    let capabilities = [
        &[0x30, 25][..],
        &[0x30, 11, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 42],
        &[0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 3, 7],
    ]
    .concat();
    // By length: an encoding that is shorter comes first.
    let attributes = [
        attribute(3, &pkcs7_data),
        attribute(5, b"\x17\x0d261124030622Z"),
        attribute(15, &capabilities),
        attribute(4, &encode(0x04, content.digest())),
    ]
    .concat();
    let sha256 = [0x30, 11, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
    let rsa_encryption = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
    let signature = sign(SHA256, SigningInput::Message(&encode(0x31, &attributes)));
    let signer_info = constructed(
        0x30,
        [
            &[2, 1, 1],
            &constructed(0x30, [alice().issuer(), &encode(2, alice().serial())]),
            &sha256,
            &encode(0xa0, &attributes),
            &rsa_encryption,
            &encode(4, &signature),
        ],
    );
    let signed_data = constructed(
        0x30,
        [
            &[2, 1, 1],
            &encode(0x31, &sha256),
            &encode(0x30, &pkcs7_data),
            &encode(0x31, &signer_info),
        ],
    );
    let pkcs7_signed_data = oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2]);
    let expected = constructed(0x30, [&pkcs7_signed_data, &encode(0xa0, &signed_data)]);
    assert_eq!(octets, expected);
}

/// SMI-46: none, or all that were given.
#[test]
fn certificates_are_those_of_the_options() {
    let bob = certificate(fixture!("cms/bob.der"));
    for certificates in [vec![], vec![alice().der().clone(), bob.der().clone()]] {
        let options = SignatureOptions {
            certificates: certificates.clone(),
            ..SignatureOptions::default()
        };
        let mut carried = read(&signed(SHA256, options)).unwrap().certificates;
        carried.sort_by_key(|one| one != alice().der());
        assert_eq!(carried, certificates);
    }
}

#[test]
fn without_a_time_the_digest_itself_is_signed() {
    let content = Mic::of(DigestAlgorithm::Sha256, CONTENT);
    let pending = PendingSignature::new(&alice(), SHA256, &content, SignatureOptions::default());
    assert_eq!(pending.input(), SigningInput::Digest(content.digest()));
    assert_eq!(pending.algorithm(), SHA256);
}

/// SEC-27
#[test]
fn certificates_and_signers_are_limited() {
    let with = |certificates: usize| {
        let options = SignatureOptions {
            certificates: vec![alice().der().clone(); certificates],
            ..SignatureOptions::default()
        };
        read(&signed(SHA256, options)).map(|trailer| trailer.certificates.len())
    };
    assert_eq!(with(32), Ok(32));
    assert_eq!(with(33), Err(CmsError::TooManyCertificates));

    let [signer_info] = signer_infos(&signed(SHA256, SignatureOptions::default()))
        .try_into()
        .unwrap();
    let with = |signers: usize| {
        let fields = [
            encode(tag::INTEGER, &[1]),
            encode(tag::SET, &[]),
            encode(tag::SEQUENCE, &encode(tag::OID, oid::DATA)),
            set_of(tag::SET, vec![signer_info.clone(); signers]),
        ];
        let octets = content_info(oid::SIGNED_DATA, &fields.concat(), 0);
        read(&octets).map(|trailer| trailer.signer_infos.len())
    };
    assert_eq!(with(16), Ok(16));
    assert_eq!(with(17), Err(CmsError::TooManySigners));
}
