//! Hosts that hold the fixtures' keys, and what they are asked.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ediint::cms::Certificate;
use ediint::diagnose::{Diagnosis, Examination};
use ediint::keystore::{Identity, MemoryKeyStore, PartnerCertificates, PrivateKey};
use ediint::partnership::{AcceptPolicy, Partnership};
use ediint::store::Partnerships;
use ediint::{As2Name, ContentCipher, DigestAlgorithm};

/// Within the validity of all certificates in tests/data.
pub(crate) fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(2_000_000_000)
}

pub(crate) fn read(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)).unwrap()
}

pub(crate) fn certificate(name: &str) -> Certificate {
    Certificate::from_pem(&read(name)).unwrap()
}

pub(crate) fn name(name: &str) -> As2Name {
    As2Name::new(name).unwrap()
}

/// Head and body of a recorded exchange.
pub(crate) fn recorded(name: &str) -> Vec<u8> {
    [read(&format!("{name}.head")), read(&format!("{name}.body"))].concat()
}

/// Replaces what has to be there.
pub(crate) fn replaced(octets: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = position(octets, from);
    [&octets[..at], to, &octets[at + from.len()..]].concat()
}

pub(crate) fn position(octets: &[u8], wanted: &[u8]) -> usize {
    let mut windows = octets.windows(wanted.len());
    windows.position(|window| window == wanted).expect("it is there")
}

/// What follows the empty line.
pub(crate) fn body_start(capture: &[u8]) -> usize {
    position(capture, b"\r\n\r\n") + 4
}

pub(crate) fn to_lf(octets: &[u8]) -> Vec<u8> {
    let text: Vec<_> = octets.split(|octet| *octet == b'\n').collect();
    let text: Vec<_> = text
        .iter()
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .collect();
    text.join(&b'\n')
}

/// Everything that is not the question, allowed.
pub(crate) fn lenient() -> AcceptPolicy {
    AcceptPolicy::new()
        .without_signature()
        .without_encryption()
        .danger_accept_unsigned_cbc()
        .allow_weak_digest(DigestAlgorithm::Sha1)
        .allow_weak_cipher(ContentCipher::TripleDesCbc)
}

#[derive(Default)]
pub(crate) struct Host {
    pub(crate) keys: MemoryKeyStore,
    pub(crate) partners: Partnerships,
}

impl Host {
    /// The receiver of pyas2lib's messages.
    pub(crate) fn receiver(policy: AcceptPolicy) -> Self {
        let this = Self::default().partner("receiver", "pyas2", Some("pyas2lib/pyas2-cert.pem"), policy);
        this.identity("receiver", "pyas2lib/receiver")
    }

    /// The sender of pyas2lib's messages, who gets its receipts.
    pub(crate) fn sender(policy: AcceptPolicy) -> Self {
        let this = Self::default().partner("pyas2", "receiver", Some("pyas2lib/receiver-cert.pem"), policy);
        this.identity("pyas2", "pyas2lib/pyas2")
    }

    pub(crate) fn identity(self, local: &str, stem: &str) -> Self {
        let (cert, key) = (read(&format!("{stem}-cert.pem")), read(&format!("{stem}-key.pem")));
        self.keys
            .set_identity(name(local), Identity::from_pem(&cert, &key).unwrap());
        self
    }

    /// An identity with one of the keys of openssl/cms.
    pub(crate) fn openssl_identity(self, local: &str) -> Self {
        let key = PrivateKey::from_der(&read(&format!("openssl/cms/{local}.key.der"))).unwrap();
        let certificate = certificate(&format!("openssl/cms/{local}.pem"));
        self.keys
            .set_identity(name(local), Identity::new(certificate, key).unwrap());
        self
    }

    pub(crate) fn partner(self, local: &str, remote: &str, pem: Option<&str>, policy: AcceptPolicy) -> Self {
        if let Some(pem) = pem {
            let certificates = PartnerCertificates::new(certificate(pem));
            self.keys.set_partner(name(local), name(remote), certificates);
        }
        let url = "https://partner.example/as2".parse().unwrap();
        self.partners
            .insert(Partnership::new(name(local), name(remote), url).accept(policy));
        self
    }

    pub(crate) fn examination(&self) -> Examination<'_> {
        Examination::new(&self.keys, &self.partners, now())
    }

    pub(crate) async fn examine(&self, capture: &[u8]) -> Diagnosis {
        self.examination().examine(capture).await.unwrap()
    }
}
