//! Two parties with openssl's keys, and messages between them: alice signs, bob decrypts.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand::SeedableRng;
use rand::rngs::StdRng;
use rsa::pkcs8::DecodePrivateKey;
use rsa::{Pkcs1v15Encrypt, PrivateKey};

use crate::algorithm::{ContentCipher, DigestAlgorithm, SignatureAlgorithm};
use crate::cms::{Certificate, ContentKey, RecipientInfo, SignatureOptions, SigningInput, signature_scheme};
use crate::envelope::{
    AwaitingSignature, Blueprint, Decoded, Decoder, Encoded, Encoder, Layers, Progress, SignatureBlueprint, Step,
    Structure, TransportFacts, Verdict, payload_head,
};
use crate::limits::Limits;
use crate::mic::Mic;
use crate::mime::{ContentDisposition, ContentType, HeaderBlock};
use crate::partnership::AcceptPolicy;

macro_rules! fixture {
    ($($name:literal),+) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/", $($name),+)).as_slice()
    };
}
pub(in crate::envelope) use fixture;

pub(in crate::envelope) const SHA256: SignatureAlgorithm = SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256);
pub(in crate::envelope) const AES: ContentCipher = ContentCipher::Aes256Cbc;

pub(in crate::envelope) fn alice() -> Certificate {
    Certificate::from_der(fixture!("openssl/cms/alice.der")).unwrap()
}

pub(in crate::envelope) fn bob() -> Certificate {
    Certificate::from_der(fixture!("openssl/cms/bob.der")).unwrap()
}

pub(in crate::envelope) fn carol() -> Certificate {
    Certificate::from_der(fixture!("openssl/cms/carol.der")).unwrap()
}

fn alice_key() -> PrivateKey {
    PrivateKey::from_pkcs8_der(fixture!("openssl/cms/alice.key.der")).unwrap()
}

pub(in crate::envelope) fn bob_key() -> PrivateKey {
    PrivateKey::from_pkcs8_der(fixture!("openssl/cms/bob.key.der")).unwrap()
}

/// A day on which the certificates of the fixtures are valid.
pub(in crate::envelope) fn now() -> SystemTime {
    alice().not_before().max(bob().not_before()) + Duration::from_secs(86_400)
}

/// The ten structures of matrix A, S1 first.
pub(in crate::envelope) fn structures() -> [Structure; 10] {
    let payload = Layers::payload;
    [
        payload().into(),
        payload().compress().into(),
        payload().sign(SHA256).into(),
        payload().compress().sign(SHA256).into(),
        payload().sign(SHA256).compress().into(),
        payload().encrypt(AES).into(),
        payload().compress().encrypt(AES).into(),
        payload().sign(SHA256).encrypt(AES).into(),
        payload().compress().sign(SHA256).encrypt(AES).into(),
        payload().sign(SHA256).compress().encrypt(AES).into(),
    ]
}

/// Takes every structure, from anybody.
pub(in crate::envelope) fn lenient() -> AcceptPolicy {
    AcceptPolicy::new()
        .without_signature()
        .without_encryption()
        .danger_accept_unsigned_cbc()
}

pub(in crate::envelope) fn edi_head() -> HeaderBlock {
    let kind = ContentType::new("application", "EDIFACT");
    payload_head(&kind, Some(&ContentDisposition::attachment("orders.edi")), &[]).unwrap()
}

/// A message from alice to bob that signs and encrypts with the fixtures' keys, as far as the structure has it.
pub(in crate::envelope) fn blueprint(structure: Structure, head: HeaderBlock) -> Blueprint {
    let options = SignatureOptions {
        signing_time: Some(UNIX_EPOCH + Duration::from_secs(1_790_000_000)),
        certificates: vec![alice().der().clone()],
        ..SignatureOptions::default()
    };
    Blueprint::new(structure, head)
        .recipient(bob())
        .signature(SignatureBlueprint::new(alice(), options))
}

#[derive(Clone)]
pub(in crate::envelope) struct Message {
    pub(in crate::envelope) head: HeaderBlock,
    pub(in crate::envelope) body: Vec<u8>,
    /// What the encoder says of it.
    pub(in crate::envelope) encoded: Encoded,
}

pub(in crate::envelope) fn encode(structure: Structure, payload: &[u8]) -> Message {
    encode_as(blueprint(structure, edi_head()), payload, usize::MAX)
}

pub(in crate::envelope) fn rng() -> StdRng {
    StdRng::seed_from_u64(7)
}

/// Feeds the payload in chunks, and signs with alice's key.
pub(in crate::envelope) fn encode_as(blueprint: Blueprint, payload: &[u8], chunk: usize) -> Message {
    run(Encoder::new(blueprint, &mut rng()).unwrap(), payload, chunk)
}

/// The message as payload of another one, under another boundary and key.
pub(in crate::envelope) fn wrap(structure: Structure, inner: &Message) -> Message {
    let blueprint = blueprint(structure, inner.head.clone());
    let encoder = Encoder::new(blueprint, &mut StdRng::seed_from_u64(8)).unwrap();
    run(encoder, &inner.body, usize::MAX)
}

fn run(mut encoder: Encoder, payload: &[u8], chunk: usize) -> Message {
    let mut source = payload.to_vec();
    loop {
        let mut sink = Vec::new();
        for piece in source.chunks(chunk) {
            encoder.update(piece, &mut sink).unwrap();
        }
        let mut step = encoder.finish(&mut sink).unwrap();
        if let Step::Sign(awaiting) = step {
            let signature = alice_signs(&awaiting);
            step = awaiting.complete(&signature, &mut sink).unwrap();
        }
        match step {
            Step::Sign(_) => panic!("signed twice"),
            Step::Again(next) => (encoder, source) = (next, sink),
            Step::Done(encoded) => {
                return Message {
                    head: encoded.head.clone(),
                    body: [encoded.prefix.as_slice(), &sink].concat(),
                    encoded,
                };
            }
        }
    }
}

pub(in crate::envelope) fn alice_signs(awaiting: &AwaitingSignature) -> Vec<u8> {
    let digest = awaiting.algorithm().digest();
    let digested = match awaiting.input() {
        SigningInput::Message(message) => Mic::of(digest, message),
        SigningInput::Digest(octets) => Mic::new(digest, octets).unwrap(),
    };
    alice_key().sign(signature_scheme(digest), digested.digest()).unwrap()
}

/// The content key, decrypted with bob's key.
pub(in crate::envelope) fn unwrap(recipients: &[RecipientInfo]) -> ContentKey {
    let bob = bob();
    let ours = recipients.iter().find(|recipient| recipient.id.matches(&bob)).unwrap();
    let key = bob_key().decrypt(Pkcs1v15Encrypt, &ours.encrypted_key).unwrap();
    ContentKey::new(key)
}

#[derive(Debug)]
pub(in crate::envelope) struct Received {
    pub(in crate::envelope) decoded: Decoded,
    pub(in crate::envelope) payload: Vec<u8>,
}

/// What a host has: its policy, and its keys.
pub(in crate::envelope) struct Receiver {
    pub(in crate::envelope) policy: AcceptPolicy,
    pub(in crate::envelope) limits: Limits,
    pub(in crate::envelope) requested: Vec<DigestAlgorithm>,
    /// Answers every request; without them bob's key is used.
    pub(in crate::envelope) keys: Option<Vec<ContentKey>>,
}

impl Receiver {
    pub(in crate::envelope) fn new(policy: AcceptPolicy) -> Self {
        Self {
            policy,
            limits: Limits::default(),
            requested: Vec::new(),
            keys: None,
        }
    }

    pub(in crate::envelope) fn decode<'a>(
        &self,
        head: &HeaderBlock,
        chunks: impl IntoIterator<Item = &'a [u8]>,
    ) -> Received {
        let mut decoder = Decoder::new(head.clone(), &self.requested, self.policy.clone(), self.limits.clone());
        let mut payload = Vec::new();
        for chunk in chunks {
            let keys = match decoder.update(chunk, &mut payload).unwrap() {
                Progress::Continue => continue,
                Progress::NeedContentKey(request) => match &self.keys {
                    Some(keys) => keys.clone(),
                    None => vec![unwrap(request.recipients)],
                },
            };
            decoder.content_keys(&keys, &mut payload).unwrap();
        }
        let decoded = decoder.finish(&mut payload).unwrap();
        Received { decoded, payload }
    }

    pub(in crate::envelope) fn judge(&self, received: &Received, certificates: &[Certificate]) -> Verdict {
        let transport = TransportFacts::default();
        received.decoded.judge(certificates, &self.policy, transport, now())
    }

    /// Decodes a message in one chunk and judges it, with alice's certificate configured.
    pub(in crate::envelope) fn receive(&self, head: &HeaderBlock, body: &[u8]) -> (Received, Verdict) {
        let received = self.decode(head, [body]);
        let verdict = self.judge(&received, &[alice()]);
        (received, verdict)
    }
}

/// The fields of a head from their lines.
pub(in crate::envelope) fn head(lines: &str) -> HeaderBlock {
    HeaderBlock::parse(lines.as_bytes(), &Limits::default()).unwrap()
}

/// A header block, an empty line and a body, as in a file.
pub(in crate::envelope) fn split_entity(entity: &[u8]) -> (HeaderBlock, &[u8]) {
    let mut reader = crate::mime::HeaderReader::new(&Limits::default());
    let mut rest = entity;
    let head = reader.read(&mut rest).unwrap().unwrap();
    (head, rest)
}
