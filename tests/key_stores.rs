//! The conformance suite against the key stores of this crate (feature `testing`).

#![cfg(feature = "testing")]
#![expect(clippy::unwrap_used, reason = "tests, also where they are no test functions")]

use std::collections::VecDeque;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use ediint::cms::{Certificate, RecipientInfo, SigningInput};
use ediint::keystore::{
    CertificateUsage, DirectoryKeyStore, Identity, KeyFile, KeyStoreError, MemoryKeyStore, PartnerCertificates,
    Unwrapped,
};
use ediint::testing::key_store::KeyStoreTrial;
use ediint::{As2Name, BoxFuture, ContentCipher, DigestAlgorithm, KeyStore, KeyTransport, SignatureAlgorithm};
use rustls_pki_types::CertificateDer;

fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/openssl")
        .join(name)
}

fn certificate(name: &str) -> Certificate {
    Certificate::from_pem(&fs::read(data(name)).unwrap()).unwrap()
}

fn name(name: &str) -> As2Name {
    As2Name::new(name).unwrap()
}

fn identity(files: [&str; 2]) -> Identity {
    KeyFile::open(files.map(data), None)
        .unwrap()
        .into_entry()
        .unwrap()
        .into()
}

const BOB: [&str; 2] = ["cms/bob.pem", "keys/pkcs8.pem"];
const LONG: [&str; 2] = ["keys/rsa3072.pem", "keys/rsa3072.key.pem"];

fn memory() -> MemoryKeyStore {
    let store = MemoryKeyStore::new();
    store.set_identity(name("US"), identity(BOB));
    store.set_identity(name("TENANT"), identity(LONG));
    let partner =
        PartnerCertificates::new(certificate("cms/alice.pem")).also_signing_with(certificate("cms/carol.pem"));
    store.set_partner(name("US"), name("THEM"), partner);
    store
}

fn trial(store: &dyn KeyStore) -> KeyStoreTrial<'_> {
    let [alice, carol] = ["cms/alice.pem", "cms/carol.pem"].map(certificate);
    KeyStoreTrial::new(store, name("US"), name("TENANT")).partner(name("THEM"), [alice.clone(), carol], alice)
}

/// KEY-01, KEY-22
#[tokio::test]
async fn the_store_in_memory_keeps_its_promises() {
    trial(&memory()).run().await;
    // Behind whatever a host puts around it.
    let shared: Arc<dyn KeyStore> = Arc::new(memory());
    trial(&shared).run().await;
}

/// KEY-01, KEY-22, KEY-23
#[tokio::test]
async fn the_directory_keeps_its_promises() {
    let root = tempfile::tempdir().unwrap();
    let files = [
        ("US/keys/bob.pem", BOB[0]),
        ("US/keys/bob.key", BOB[1]),
        ("TENANT/keys/long.pem", LONG[0]),
        ("TENANT/keys/long.key", LONG[1]),
        ("US/partners/THEM/alice.pem", "cms/alice.pem"),
        ("US/partners/THEM/carol.pem", "cms/carol.pem"),
    ];
    for (to, from) in files {
        let to = root.path().join(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(data(from), to).unwrap();
    }
    fs::write(root.path().join("US/partners/THEM/carol.conf"), "use = verify\n").unwrap();
    trial(&DirectoryKeyStore::open(root.path()).unwrap()).run().await;
}

/// Certificate and key of one kind each.
const KINDS: [[&str; 2]; 5] = [
    BOB,
    ["algorithms/p256.pem", "algorithms/p256.sec1.pem"],
    ["algorithms/p384.pem", "algorithms/p384.key.pem"],
    ["algorithms/p521.pem", "algorithms/p521.key.pem"],
    ["algorithms/pss.pem", "algorithms/pss.key.pem"],
];

/// KEY-02, KEY-06: keys of every kind, in memory and in a directory. A key for RSASSA-PSS decrypts nothing.
#[tokio::test]
async fn keys_of_every_kind_keep_the_promises() {
    for files in KINDS {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("US/keys");
        fs::create_dir_all(&directory).unwrap();
        fs::create_dir(root.path().join("TENANT")).unwrap();
        for (to, from) in ["own.pem", "own.key"].into_iter().zip(files) {
            fs::copy(data(from), directory.join(to)).unwrap();
        }
        let signs_only = files[0].contains("pss");
        if signs_only {
            fs::write(directory.join("own.conf"), "use = sign\n").unwrap();
        }
        let memory = MemoryKeyStore::new();
        memory.set_identity(name("US"), identity(files));
        let directory = DirectoryKeyStore::open(root.path()).unwrap();
        let stores: [&dyn KeyStore; 2] = [&memory, &directory];
        for store in stores {
            let trial = KeyStoreTrial::new(store, name("US"), name("TENANT"));
            match signs_only {
                true => trial.decrypting([]).run().await,
                false => trial.run().await,
            }
        }
    }
}

/// SMI-16, SMI-25: what a key for everything does besides.
#[tokio::test]
async fn rsa_keys_sign_and_decrypt_in_both_ways() {
    for digest in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha512] {
        trial(&memory())
            .signature(SignatureAlgorithm::RsaPss(digest))
            .key_transport(KeyTransport::RsaOaep)
            .run()
            .await;
    }
}

/// KEY-06, KEY-15, KEY-17: from RSA to a curve, both decrypt, and each signs for those who know it.
#[tokio::test]
async fn a_rollover_to_another_kind_of_key() {
    let entry = |files: [&str; 2]| KeyFile::open(files.map(data), None).unwrap().into_entry().unwrap();
    let [rsa, curve, ..] = KINDS;
    let certificates = [rsa, curve].map(|[file, _]| certificate(file));
    let store = MemoryKeyStore::new();
    store.set_identity(name("US"), identity(rsa).with_entry(entry(curve)));
    let trial = KeyStoreTrial::new(&store, name("US"), name("TENANT")).decrypting(certificates.clone());
    trial.run().await;
    for known in &certificates {
        let chain = store.signing_chain(&name("US"), Some(known)).await.unwrap();
        assert_eq!(chain[0], *known.der());
    }
}

/// A store that breaks one promise.
struct Broken {
    store: MemoryKeyStore,
    promise: Promise,
    asked: Mutex<VecDeque<Vec<RecipientInfo>>>,
}

impl Broken {
    /// As over a connection that gives the answers in the order of the questions, also of those that nobody waits for.
    async fn oldest(&self, recipients: &[RecipientInfo]) -> Vec<RecipientInfo> {
        self.asked.lock().unwrap().push_back(recipients.to_vec());
        tokio::task::yield_now().await;
        self.asked.lock().unwrap().pop_front().unwrap()
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Promise {
    SignsWithTheCertificate,
    KeepsTenantsApart,
    TellsNothingOfDamage,
    NamesTheRecipient,
    KeepsAnswersApart,
    KnowsPartners,
}

impl KeyStore for Broken {
    fn signing_chain<'a>(
        &'a self,
        local: &'a As2Name,
        known: Option<&'a Certificate>,
    ) -> BoxFuture<'a, Result<Vec<CertificateDer<'static>>, KeyStoreError>> {
        self.store.signing_chain(local, known)
    }

    fn sign<'a>(
        &'a self,
        local: &'a As2Name,
        certificate: &'a Certificate,
        algorithm: SignatureAlgorithm,
        input: SigningInput<'a>,
    ) -> BoxFuture<'a, Result<Vec<u8>, KeyStoreError>> {
        Box::pin(async move {
            match self.promise {
                Promise::SignsWithTheCertificate => {
                    let other = identity(LONG);
                    other.sign(local, other.certificate(), algorithm, input)
                }
                Promise::KeepsTenantsApart => self.store.sign(&name("US"), certificate, algorithm, input).await,
                _ => self.store.sign(local, certificate, algorithm, input).await,
            }
        })
    }

    fn unwrap_key<'a>(
        &'a self,
        local: &'a As2Name,
        recipients: &'a [RecipientInfo],
        cipher: ContentCipher,
    ) -> BoxFuture<'a, Result<Vec<Unwrapped>, KeyStoreError>> {
        Box::pin(async move {
            let recipients = match self.promise {
                Promise::KeepsAnswersApart => self.oldest(recipients).await,
                _ => recipients.to_vec(),
            };
            let unwrapped = self.store.unwrap_key(local, &recipients, cipher).await;
            match self.promise {
                // As a device that is asked for a key of no more than so many octets.
                Promise::TellsNothingOfDamage if recipients.iter().any(|one| one.encrypted_key.len() != 256) => {
                    Err(KeyStoreError::Unavailable("bad padding".into()))
                }
                Promise::NamesTheRecipient if unwrapped.is_err() && *local == name("US") => Ok(Vec::new()),
                _ => unwrapped,
            }
        })
    }

    fn partner_certificates<'a>(
        &'a self,
        local: &'a As2Name,
        remote: &'a As2Name,
        usage: CertificateUsage,
    ) -> BoxFuture<'a, Result<Vec<Certificate>, KeyStoreError>> {
        Box::pin(async move {
            let mut found = self.store.partner_certificates(local, remote, usage).await?;
            if self.promise == Promise::KnowsPartners && !found.is_empty() {
                found.push(certificate("cms/bob.pem"));
            }
            Ok(found)
        })
    }
}

/// The suite finds what it is for.
#[tokio::test]
async fn broken_promises_are_found() {
    for (promise, expected) in [
        (Promise::SignsWithTheCertificate, "sign: not a signature by the key"),
        (
            Promise::KeepsTenantsApart,
            "sign: another identity signed with this key",
        ),
        (
            Promise::TellsNothingOfDamage,
            "unwrap_key: the key store is unavailable",
        ),
        (Promise::NamesTheRecipient, "unwrap_key: NoRecipient is due"),
        (
            Promise::KeepsAnswersApart,
            "unwrap_key: after questions were given up, another content key comes back",
        ),
        (
            Promise::KnowsPartners,
            "partner_certificates: others than the partner's verify",
        ),
    ] {
        let run = tokio::spawn(async move {
            let broken = Broken {
                store: memory(),
                promise,
                asked: Mutex::default(),
            };
            trial(&broken).run().await;
        });
        let panic = run.await.unwrap_err().into_panic();
        let fixed = panic.downcast_ref::<&str>().map(|fixed| (*fixed).to_owned());
        let message = fixed.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap();
        assert!(message.contains(expected), "{promise:?}: {message}");
    }
}
