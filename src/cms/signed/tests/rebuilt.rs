//! SignerInfos that were taken apart and put together differently.

use super::*;

/// The fields of a SignerInfo by alice with every attribute that we write.
struct Rebuilt(Vec<Vec<u8>>);

/// Where they are.
const DIGEST: usize = 2;
const ATTRIBUTES: usize = 3;
const SIGNATURE_ALGORITHM: usize = 4;
const SIGNATURE: usize = 5;

impl Rebuilt {
    fn new(algorithm_protection: bool) -> Self {
        let options = SignatureOptions {
            signing_time: signing_time(),
            algorithm_protection,
            ..SignatureOptions::default()
        };
        let [signer_info] = signer_infos(&signed(SHA256, options)).try_into().unwrap();
        let mut fields = Tlvs(&signer_info).any().unwrap().children();
        let mut all = Vec::new();
        while let Ok(field) = fields.any() {
            all.push(field.raw.to_vec());
        }
        assert_eq!(all.len(), 6);
        Self(all)
    }

    fn attributes(&self) -> Vec<Vec<u8>> {
        let mut attributes = Tlvs(&self.0[ATTRIBUTES]).any().unwrap().children();
        let mut all = Vec::new();
        while let Ok(attribute) = attributes.any() {
            all.push(attribute.raw.to_vec());
        }
        all
    }

    /// With other attributes, under the old signature.
    fn with_attributes(mut self, attributes: &[Vec<u8>]) -> Self {
        self.0[ATTRIBUTES] = encode(tag::context_constructed(0), &attributes.concat());
        self
    }

    /// With other attributes, signed in the order given.
    fn signed_with(self, attributes: &[Vec<u8>]) -> Self {
        let mut rebuilt = self.with_attributes(attributes);
        let signature = sign(SHA256, SigningInput::Message(&encode(tag::SET, &attributes.concat())));
        rebuilt.0[SIGNATURE] = encode(tag::OCTET_STRING, &signature);
        rebuilt
    }

    fn with(mut self, field: usize, octets: &[u8]) -> Self {
        self.0[field] = octets.to_vec();
        self
    }

    fn build(&self) -> [Vec<u8>; 1] {
        [encode(tag::SEQUENCE, &self.0.concat())]
    }

    fn verifies(&self) -> bool {
        verified(&self.build(), &[alice()]) == (alice(), DigestAlgorithm::Sha256)
    }
}

fn attribute(kind: &[u8], values: &[u8]) -> Vec<u8> {
    constructed(tag::SEQUENCE, [&encode(tag::OID, kind), &encode(tag::SET, values)])
}

fn content_type() -> Vec<u8> {
    attribute(oid::CONTENT_TYPE, &encode(tag::OID, oid::DATA))
}

fn message_digest() -> Vec<u8> {
    let digest = Mic::of(DigestAlgorithm::Sha256, CONTENT);
    attribute(oid::MESSAGE_DIGEST, &encode(tag::OCTET_STRING, digest.digest()))
}

/// SMI-04: sent out of order, whether that order was signed or that of DER.
#[test]
fn unsorted_attributes_verify() {
    let sorted = Rebuilt::new(false);
    let mut attributes = sorted.attributes();
    attributes.reverse();
    assert_ne!(attributes, sorted.attributes());
    assert!(Rebuilt::new(false).with_attributes(&attributes).verifies());
    assert!(Rebuilt::new(false).signed_with(&attributes).verifies());

    // The signature covers every one of them.
    attributes.pop();
    let fewer = Rebuilt::new(false).with_attributes(&attributes).build();
    assert!(matches!(
        check_signers(&fewer, &[alice()], &digests()),
        SignerCheck::Failed { .. }
    ));
}

/// SMI-15, SMI-01: parameters may be NULL or absent, and lengths longer than they need to be.
#[test]
fn spellings_without_a_meaning_verify() {
    let null = encode(tag::NULL, &[]);
    let algorithm = |oid: &[u8], parameters: &[u8]| constructed(tag::SEQUENCE, [&encode(tag::OID, oid), parameters]);
    let (sha256, with_rsa) = oid::of_digest(DigestAlgorithm::Sha256);
    for protected in [false, true] {
        for (field, octets) in [
            (DIGEST, algorithm(sha256, &null)),
            (SIGNATURE_ALGORITHM, algorithm(oid::RSA_ENCRYPTION, &[])),
        ] {
            assert!(Rebuilt::new(protected).with(field, &octets).verifies());
        }
    }
    for parameters in [&null[..], &[]] {
        let octets = algorithm(with_rsa, parameters);
        assert!(Rebuilt::new(false).with(SIGNATURE_ALGORITHM, &octets).verifies());
    }
    // The version belongs to the other kind of identifier.
    assert!(Rebuilt::new(false).with(0, &[2, 1, 3]).verifies());
    let long = |octets: &[u8]| [&[0x30, 0x82, 0, octets[1]][..], &octets[2..]].concat();
    let rebuilt = Rebuilt::new(false);
    let octets = long(&rebuilt.0[DIGEST]);
    assert!(rebuilt.with(DIGEST, &octets).verifies());
}

/// SMI-08
#[test]
fn protected_algorithms_must_be_those_of_the_signature() {
    assert!(Rebuilt::new(true).verifies());
    let with_rsa = constructed(
        tag::SEQUENCE,
        [&encode(tag::OID, oid::of_digest(DigestAlgorithm::Sha256).1), &[5, 0]],
    );
    let other = Rebuilt::new(true).with(SIGNATURE_ALGORITHM, &with_rsa);
    assert_eq!(failure(&other.build(), true), SignatureError::AlgorithmProtection);

    for protection in [&[][..], &[0x30, 0], &[4, 0]] {
        let attributes = [
            content_type(),
            message_digest(),
            attribute(oid::ALGORITHM_PROTECTION, protection),
        ];
        let expected = if protection.is_empty() {
            SignatureError::Malformed
        } else {
            SignatureError::AlgorithmProtection
        };
        let rebuilt = Rebuilt::new(false).signed_with(&attributes).build();
        assert_eq!(failure(&rebuilt, true), expected);
    }
}

/// SMI-05: content type and digest once each, with one value, of the right type.
#[test]
fn mandatory_attributes_are_there_exactly_once() {
    let (content_type_name, message_digest_name) = (oid::text(oid::CONTENT_TYPE), oid::text(oid::MESSAGE_DIGEST));
    let digest = Mic::of(DigestAlgorithm::Sha256, CONTENT);
    let octets = encode(tag::OCTET_STRING, digest.digest());
    let twice = attribute(oid::MESSAGE_DIGEST, &[octets.clone(), octets.clone()].concat());
    let wrong_type = attribute(oid::MESSAGE_DIGEST, &encode(tag::BIT_STRING, digest.digest()));
    let truncated = attribute(oid::MESSAGE_DIGEST, &encode(tag::OCTET_STRING, &digest.digest()[..31]));
    let enveloped = attribute(oid::CONTENT_TYPE, &encode(tag::OID, oid::ENVELOPED_DATA));
    let cases = [
        (
            vec![],
            SignatureError::MissingAttribute(content_type_name.clone()),
            false,
        ),
        (
            vec![message_digest()],
            SignatureError::MissingAttribute(content_type_name.clone()),
            true,
        ),
        (
            vec![content_type()],
            SignatureError::MissingAttribute(message_digest_name.clone()),
            false,
        ),
        (
            vec![content_type(), content_type(), message_digest()],
            SignatureError::RepeatedAttribute(content_type_name),
            true,
        ),
        (
            vec![content_type(), message_digest(), message_digest()],
            SignatureError::RepeatedAttribute(message_digest_name.clone()),
            false,
        ),
        (
            vec![content_type(), twice],
            SignatureError::RepeatedAttribute(message_digest_name),
            false,
        ),
        (
            vec![content_type(), attribute(oid::MESSAGE_DIGEST, &[])],
            SignatureError::Malformed,
            false,
        ),
        (vec![content_type(), wrong_type], SignatureError::ContentDigest, false),
        (vec![content_type(), truncated], SignatureError::ContentDigest, false),
        (vec![enveloped, message_digest()], SignatureError::ContentType, true),
    ];
    for (attributes, expected, digest_matches) in cases {
        let rebuilt = Rebuilt::new(false).signed_with(&attributes).build();
        assert_eq!(failure(&rebuilt, digest_matches), expected);
    }
}

/// SMI-09: attributes that mean nothing to us are signed, and passed over.
#[test]
fn unknown_attributes_are_ignored() {
    let unknown = attribute(&[0x2a, 3, 4], &encode(tag::OCTET_STRING, b"?"));
    let attributes = [content_type(), message_digest(), unknown.clone(), unknown.clone()];
    let mut rebuilt = Rebuilt::new(false).signed_with(&attributes);
    assert!(rebuilt.verifies());
    let unsigned = encode(tag::context_constructed(1), &unknown);
    rebuilt.0.push(unsigned);
    assert!(rebuilt.verifies());
}

/// SEC-27
#[test]
fn more_than_64_attributes_are_not_read() {
    let unknown = attribute(&[0x2a, 3, 4], &encode(tag::OCTET_STRING, b"?"));
    let with = |number| {
        let mut attributes = vec![content_type(), message_digest()];
        attributes.resize(number, unknown.clone());
        Rebuilt::new(false).signed_with(&attributes)
    };
    assert!(with(64).verifies());
    assert_eq!(
        check_signers(&with(65).build(), &[alice()], &digests()),
        SignerCheck::NoSigners
    );
}

/// SEC-12: the two algorithm identifiers must not contradict each other.
#[test]
fn a_signature_over_another_digest_is_refused() {
    let sha512_with_rsa = encode(tag::OID, oid::of_digest(DigestAlgorithm::Sha512).1);
    let mixed = Rebuilt::new(false).with(SIGNATURE_ALGORITHM, &encode(tag::SEQUENCE, &sha512_with_rsa));
    assert_eq!(
        failure(&mixed.build(), true),
        SignatureError::MixedDigests {
            content: DigestAlgorithm::Sha256,
            signature: DigestAlgorithm::Sha512
        }
    );
}

/// SEC-28: nothing is computed with a key of absurd size.
#[test]
fn keys_out_of_bounds_are_refused() {
    let large = Certificate::from_pem(fixture!("certificates/large.pem")).unwrap();
    let id = CertificateId::issuer_and_serial(&large).to_der();
    let check = check_signers(&Rebuilt::new(false).with(1, &id).build(), &[large], &digests());
    let SignerCheck::Failed { error, .. } = check else {
        panic!("{check:?}")
    };
    assert_eq!(error, SignatureError::Key(KeyError::ModulusSize(8200)));
}

/// SMI-04: what is written is in the order of DER already.
#[test]
fn own_attributes_are_sorted() {
    let options = SignatureOptions {
        capabilities: ContentCipher::ALL.to_vec(),
        algorithm_protection: true,
        ..SignatureOptions::default()
    };
    let content = Mic::of(DigestAlgorithm::Sha256, CONTENT);
    let written = attributes::write(SHA256, &content, UNIX_EPOCH, &options);
    let mut values = Tlvs(&written).any().unwrap().children();
    let mut all = Vec::new();
    while let Ok(value) = values.any() {
        all.push(value.raw.to_vec());
    }
    assert_eq!(all.len(), 5);
    assert_eq!(set_of(tag::SET, all), written);
}

proptest::proptest! {
    /// SMI-48: no octets make it panic, and nothing that was changed verifies.
    #[test]
    fn any_octets_are_survived(
        field in DIGEST..=SIGNATURE,
        octets in proptest::collection::vec(proptest::num::u8::ANY, 0..40),
        at in proptest::num::usize::ANY,
    ) {
        let stranger = check_signers(std::slice::from_ref(&octets), &[alice()], &digests());
        proptest::prop_assert_eq!(stranger, SignerCheck::NoSigners);
        let mut rebuilt = Rebuilt::new(true);
        let before = rebuilt.0[field].clone();
        let at = at % before.len();
        for (place, octet) in rebuilt.0[field].iter_mut().skip(at).zip(octets) {
            *place = octet;
        }
        let verified = matches!(
            check_signers(&rebuilt.build(), &[alice()], &digests()),
            SignerCheck::Verified { .. }
        );
        proptest::prop_assert_eq!(verified, rebuilt.0[field] == before);
    }
}
