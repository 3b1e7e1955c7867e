use std::fs;
use std::path::{Path, PathBuf};
use std::slice::from_ref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tempfile::TempDir;
use tracing::Level;

use super::{DirectoryError, DirectoryKeyStore, SettingsError};
use crate::clock::ManualClock;
use crate::cms::Certificate;
use crate::future::BoxFuture;
use crate::keystore::{CertificateUsage, KeyFileError, KeyStore, KeyStoreError};
use crate::name::As2Name;
use crate::test_log::events_in;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

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

/// Without a runtime the answer is there at once.
fn now<T>(mut future: BoxFuture<'_, T>) -> T {
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("pending"),
    }
}

/// A directory as an operator makes it, with bob's keys for "US" and alice's certificate for "THEM".
struct Keys(TempDir);

impl Keys {
    fn new() -> Self {
        let keys = Self(tempfile::tempdir().unwrap());
        keys.copy("US/keys/2025.pem", "cms/bob.pem");
        keys.copy("US/keys/2025.key", "keys/pkcs8.pem");
        keys.copy("US/partners/THEM/2025.pem", "cms/alice.pem");
        keys
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, to: &str, content: impl AsRef<[u8]>) {
        let path = self.path().join(to);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn copy(&self, to: &str, from: &str) {
        self.write(to, fs::read(data(from)).unwrap());
    }

    fn remove(&self, file: &str) {
        fs::remove_file(self.path().join(file)).unwrap();
    }

    /// Looks for changes at every question.
    fn open(&self) -> DirectoryKeyStore {
        DirectoryKeyStore::open(self.path())
            .unwrap()
            .check_every(Duration::ZERO)
    }
}

fn signer(store: &DirectoryKeyStore) -> Result<Certificate, KeyStoreError> {
    let chain = now(store.signing_chain(&name("US"), None))?;
    Ok(Certificate::from_der(&chain[0]).unwrap())
}

fn partner(store: &DirectoryKeyStore, usage: CertificateUsage) -> Vec<Certificate> {
    now(store.partner_certificates(&name("US"), &name("THEM"), usage)).unwrap()
}

/// KEY-23: what is added, replaced and removed counts with the next question.
#[test]
fn changes_are_seen() {
    let keys = Keys::new();
    let store = keys.open();
    let (alice, bob, carol) = ("cms/alice.pem", "cms/bob.pem", "cms/carol.pem");
    assert_eq!(signer(&store).unwrap(), certificate(bob));
    assert_eq!(partner(&store, CertificateUsage::Verify), [certificate(alice)]);

    keys.copy("US/partners/THEM/2026.pem", carol);
    assert_eq!(
        partner(&store, CertificateUsage::Verify),
        [certificate(alice), certificate(carol)]
    );
    keys.remove("US/partners/THEM/2025.pem");
    assert_eq!(partner(&store, CertificateUsage::Verify), [certificate(carol)]);
    keys.remove("US/partners/THEM/2026.pem");
    assert_eq!(partner(&store, CertificateUsage::Verify), []);

    keys.copy("US/keys/2025.pem", "keys/rsa3072.pem");
    keys.copy("US/keys/2025.key", "keys/rsa3072.key.pem");
    assert_eq!(signer(&store).unwrap(), certificate("keys/rsa3072.pem"));
    fs::remove_dir_all(keys.path().join("US")).unwrap();
    assert!(matches!(signer(&store), Err(KeyStoreError::NoKey(_))));
}

/// KEY-23: within the interval nothing is looked at, but a host can say so.
#[test]
fn checks_have_an_interval() {
    let keys = Keys::new();
    let store = keys.open().check_every(Duration::from_secs(3600));
    keys.copy("US/partners/THEM/2026.pem", "cms/carol.pem");
    assert_eq!(partner(&store, CertificateUsage::Verify).len(), 1);
    assert!(store.reload().is_empty());
    assert_eq!(partner(&store, CertificateUsage::Verify).len(), 2);
}

/// KEY-23: what is broken or half-written changes nothing, is told once, and counts when it is whole.
#[test]
fn broken_files_keep_what_was_good() {
    let keys = Keys::new();
    let told = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&told);
    let store = keys.open().on_error(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    let whole = fs::read(data("keys/rsa3072.pem")).unwrap();
    keys.write("US/keys/2025.pem", &whole[..whole.len() / 2]);
    for _ in 0..3 {
        assert_eq!(signer(&store).unwrap(), certificate("cms/bob.pem"));
        assert_eq!(told.load(Ordering::Relaxed), 1);
    }
    let [error] = store.reload().try_into().unwrap();
    assert_eq!(error.path, keys.path().join("US/keys"));
    let file = keys.path().join("US/keys/2025.pem");
    assert_eq!(
        error.to_string(),
        format!(
            "{}: {}: the PEM section CERTIFICATE has no end: the file is cut short",
            error.path.display(),
            file.display()
        )
    );
    // The other directories go on.
    keys.copy("US/partners/THEM/2026.pem", "cms/carol.pem");
    assert_eq!(partner(&store, CertificateUsage::Verify).len(), 2);
    // The certificate is there, its key not yet.
    keys.write("US/keys/2025.pem", &whole);
    assert_eq!(signer(&store).unwrap(), certificate("cms/bob.pem"));
    assert_eq!(told.load(Ordering::Relaxed), 2);
    keys.copy("US/keys/2025.key", "keys/rsa3072.key.pem");
    assert_eq!(signer(&store).unwrap(), certificate("keys/rsa3072.pem"));
    assert!(store.reload().is_empty());
}

/// What cannot be listed, as a volume that is away, takes no keys with it.
#[test]
fn a_directory_that_is_away_keeps_what_was_good() {
    let keys = Keys::new();
    let root = keys.path().join("root");
    fs::create_dir(&root).unwrap();
    fs::rename(keys.path().join("US"), root.join("US")).unwrap();
    let store = DirectoryKeyStore::open(&root).unwrap().check_every(Duration::ZERO);
    fs::rename(&root, keys.path().join("away")).unwrap();
    assert_eq!(signer(&store).unwrap(), certificate("cms/bob.pem"));
    assert_eq!(store.reload().len(), 1);
    fs::rename(keys.path().join("away"), &root).unwrap();
    assert!(store.reload().is_empty());
}

/// KEY-15, KEY-16: a second file and its dates are a rollover.
#[test]
fn rollover_by_dates() {
    let keys = Keys::new();
    let (old, new) = (certificate("rollover/old.pem"), certificate("rollover/new.pem"));
    for old in ["US/keys", "US/partners/THEM"] {
        fs::remove_dir_all(keys.path().join(old)).unwrap();
    }
    for which in ["old", "new"] {
        keys.copy(&format!("US/keys/{which}.pem"), &format!("rollover/{which}.pem"));
        keys.copy(&format!("US/keys/{which}.key"), &format!("rollover/{which}.key.pem"));
        keys.copy(
            &format!("US/partners/THEM/{which}.pem"),
            &format!("rollover/{which}.pem"),
        );
    }
    keys.write("US/keys/new.conf", "# as agreed with all\nactive-from = 2026-01-10\n");
    keys.write(
        "US/partners/THEM/new.conf",
        "use = encrypt\nactive-from = \"2026-01-10T12:00:00Z\"\n",
    );
    let switch = new.not_before() + DAY;
    let clock = Arc::new(ManualClock::at(switch - SECOND));
    let store = keys.open().clock(clock.clone());
    assert_eq!(signer(&store).unwrap(), old);
    clock.advance(SECOND);
    assert_eq!(signer(&store).unwrap(), new);
    assert_eq!(partner(&store, CertificateUsage::Encrypt), from_ref(&old));
    clock.advance(DAY / 2);
    assert_eq!(partner(&store, CertificateUsage::Encrypt), [new]);
    assert_eq!(partner(&store, CertificateUsage::Verify), [old]);
}

/// KEY-04, in a directory.
#[cfg(feature = "pkcs12")]
#[test]
fn stores_under_a_password() {
    let keys = Keys::new();
    fs::remove_dir_all(keys.path().join("US/keys")).unwrap();
    keys.copy("US/keys/bob.p12", "keyfiles/modern.p12");
    let error = DirectoryKeyStore::open(keys.path()).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("bob.p12: the file is protected by a password, and none was given")
    );
    keys.write("US/keys/bob.password", "secret\n");
    assert_eq!(signer(&keys.open()).unwrap(), certificate("cms/bob.pem"));
}

/// KEY-22: each identity has its own partners; names are written so that any file system can have them.
#[test]
fn tenants_are_apart() {
    let keys = Keys::new();
    keys.copy("Acme%2FEast %25/keys/k.pem", "keys/rsa3072.pem");
    keys.copy("Acme%2FEast %25/keys/k.key", "keys/rsa3072.key.pem");
    let store = keys.open();
    let other = name("Acme/East %");
    assert_eq!(
        now(store.signing_chain(&other, None)).unwrap(),
        [certificate("keys/rsa3072.pem").der().clone()]
    );
    let found = now(store.partner_certificates(&other, &name("THEM"), CertificateUsage::Verify));
    assert_eq!(found.unwrap(), []);
    assert_eq!(store.certificates().len(), 3);
}

/// An authority's certificate beside the partner's is not the partner's.
#[test]
fn authorities_are_no_partners() {
    let keys = Keys::new();
    let chain = ["chain/leaf.pem", "chain/between.pem", "chain/root.pem"].map(|name| fs::read(data(name)).unwrap());
    keys.write("US/partners/THEM/2025.pem", chain.concat());
    assert_eq!(
        partner(&keys.open(), CertificateUsage::Verify),
        [certificate("chain/leaf.pem")]
    );
}

/// What an operator gets wrong is said in a way that helps.
#[test]
fn errors_name_the_cause() {
    let error = |path: &str, content: &[u8]| {
        let keys = Keys::new();
        keys.write(path, content);
        let error = DirectoryKeyStore::open(keys.path()).unwrap_err();
        Arc::try_unwrap(error.error).unwrap()
    };
    let shown = |path: &str, content: &str| error(path, content.as_bytes()).to_string();
    assert_eq!(
        shown("US/keys/2025.conf", "use = encrypt"),
        "2025.conf: use = \"encrypt\" is none of sign and decrypt"
    );
    assert_eq!(
        shown("US/keys/2025.conf", "paired-with = 2024"),
        "2025.conf: there is no key \"2024\" to be paired with"
    );
    assert_eq!(
        shown("US/keys/2026.conf", ""),
        "2026.password or 2026.conf is beside no key or certificate of that name"
    );
    assert!(
        shown("US/partners/THEM/2025.conf", "\nactive-form = 2026-01-01").ends_with(
            "2025.conf: line 2: there is no setting \"active-form\", but active-from, active-until, retained-until, use \
             and paired-with"
        )
    );
    assert!(matches!(
        error("US/keys/2025.conf", b"active-from = tomorrow"),
        DirectoryError::Settings {
            source: SettingsError::Time(1, _),
            ..
        }
    ));
    assert!(matches!(
        error("US/keys/2025.conf", b"active-from"),
        DirectoryError::Settings {
            source: SettingsError::Line(1),
            ..
        }
    ));
    let key = fs::read(data("keys/pkcs8.pem")).unwrap();
    assert!(matches!(
        error("US/partners/THEM/theirs.key", &key),
        DirectoryError::ForeignKey(_)
    ));
    assert!(matches!(
        error("US/keys/new.key", &key),
        DirectoryError::KeyFile(KeyFileError::In { source, .. }) if matches!(*source, KeyFileError::NoCertificate)
    ));
    assert!(matches!(error("A%2/keys/x.pem", b""), DirectoryError::Encoding));
    assert!(matches!(error("A%+5/keys/x.pem", b""), DirectoryError::Encoding));
    assert!(matches!(error("A%FF/keys/x.pem", b""), DirectoryError::Name(_)));
    assert!(matches!(error("A%01B/keys/x.pem", b""), DirectoryError::Name(_)));
}

/// What is logged says what to look for.
#[test]
fn causes_are_logged() {
    let keys = Keys::new();
    let store = keys.open();
    keys.write("US/keys/2025.password", [0xff]);
    let events = events_in(|| drop(store.reload()));
    let [(Level::ERROR, event)] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert!(
        event.contains("2025.password: stream did not contain valid UTF-8"),
        "{event}"
    );
}

/// Hidden files, editors' copies and notes are not read.
#[test]
fn other_files_are_ignored() {
    let keys = Keys::new();
    for other in [".2025.pem", "2025.pem~", "README", "notes.txt", "2025.pem.tmp"] {
        keys.write(&format!("US/keys/{other}"), "nothing");
    }
    keys.write("README.md", "nothing");
    keys.write(".git/keys/x.pem", "nothing");
    assert_eq!(signer(&keys.open()).unwrap(), certificate("cms/bob.pem"));
}
