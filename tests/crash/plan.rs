//! What is to happen, and where.

use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, io};

use ediint::cms::Certificate;
use ediint::keystore::{Identity, MemoryKeyStore, PartnerCertificates, PrivateKey};
use ediint::partnership::{Partnership, ReceiptRequest, RetryPolicy, SendProfile};
use ediint::{As2Name, MessageId};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// One message of so many is large.
const LARGE_EVERY: u32 = 40;
const LARGE: usize = 8 << 20;
const SMALL: usize = 4 << 10;

/// Which process this is, and where its files are; set for the processes alone.
const ROLE: &str = "EDIINT_CRASH_ROLE";
const PLACE: &str = "EDIINT_CRASH_PLACE";

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) messages: u32,
    pub(crate) kills: u32,
}

impl Plan {
    pub(crate) fn from_environment() -> Self {
        let number = |name: &str, otherwise: u64| match env::var(name) {
            Ok(given) => given.parse().unwrap_or_else(|_| panic!("{name}={given} is no number")),
            Err(_) => otherwise,
        };
        let (messages, kills) = if cfg!(debug_assertions) { (60, 8) } else { (2000, 200) };
        Self {
            seed: number("SEED", 1),
            messages: number("MESSAGES", messages).try_into().unwrap(),
            kills: number("KILLS", kills).try_into().unwrap(),
        }
    }

    /// Random numbers for one purpose.
    pub(crate) fn rng(&self, purpose: u64) -> StdRng {
        StdRng::seed_from_u64(self.seed ^ purpose.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub(crate) fn is_large(number: u32) -> bool {
        number % LARGE_EVERY == LARGE_EVERY / 2
    }

    pub(crate) fn is_asynchronous(number: u32) -> bool {
        number % 2 == 1
    }

    /// The payload of a message: like no other's.
    pub(crate) fn payload(&self, number: u32) -> Vec<u8> {
        let mut content = vec![0; if Self::is_large(number) { LARGE } else { SMALL }];
        self.rng(1 << 32 | u64::from(number)).fill_bytes(&mut content);
        content
    }

    pub(crate) fn message_id(&self, number: u32) -> MessageId {
        MessageId::new(&format!("<{number}.{}@alice.example>", self.seed)).unwrap()
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, messages, kills } = self;
        write!(f, "SEED={seed} MESSAGES={messages} KILLS={kills} (of each process)")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Sender,
    Receiver,
}

impl Role {
    pub(crate) const BOTH: [Self; 2] = [Self::Sender, Self::Receiver];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sender => "sender",
            Self::Receiver => "receiver",
        }
    }

    pub(crate) fn of_this_process() -> Option<Self> {
        let role = env::var(ROLE).ok()?;
        Some(
            Self::BOTH
                .into_iter()
                .find(|candidate| candidate.name() == role)
                .unwrap(),
        )
    }
}

/// The directory of a run. What the processes tell one another are files in it.
#[derive(Clone, Debug)]
pub(crate) struct Place(Arc<Path>);

impl Place {
    pub(crate) fn new(path: &Path) -> Self {
        Self(path.into())
    }

    pub(crate) fn of_this_process() -> Self {
        Self::new(Path::new(&env::var_os(PLACE).unwrap()))
    }

    /// What a process has to be told.
    pub(crate) fn environment(&self, role: Role) -> [(&str, PathBuf); 2] {
        [(ROLE, role.name().into()), (PLACE, self.0.to_path_buf())]
    }

    pub(crate) fn set_up(&self) {
        for directory in ["inbox", "spool", "outbox", "encoding"] {
            fs::create_dir(self.path(directory)).unwrap();
        }
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn store(&self, role: Role) -> PathBuf {
        self.path(format!("{}.redb", role.name()))
    }

    /// Replaces a small file, at once.
    pub(crate) fn tell(&self, name: &str, content: &str) {
        let half = self.path(format!("{name}.half-{}", std::process::id()));
        fs::write(&half, content).unwrap();
        fs::rename(&half, self.path(name)).unwrap();
    }

    /// Reads a small file; `None` where it is not there.
    pub(crate) fn told(&self, name: &str) -> Option<String> {
        match fs::read_to_string(self.path(name)) {
            Ok(content) => Some(content),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => panic!("{name}: {error}"),
        }
    }

    pub(crate) fn forget(&self, name: &str) {
        match fs::remove_file(self.path(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => panic!("{name}: {error}"),
            _ => {}
        }
    }

    /// Adds a line to a file.
    pub(crate) fn note(&self, name: &str, line: &str) {
        use std::io::Write;
        let mut file = fs::File::options()
            .create(true)
            .append(true)
            .open(self.path(name))
            .unwrap();
        file.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// The complete lines of a file.
    pub(crate) fn lines(&self, name: &str) -> Vec<String> {
        let content = self.told(name).unwrap_or_default();
        let complete = content.rfind('\n').map_or("", |end| &content[..end]);
        complete.lines().map(str::to_owned).collect()
    }

    /// The address where the network takes what is for a process.
    pub(crate) fn way_to(&self, role: Role) -> String {
        let address = self.told(&format!("way-to-{}", role.name())).unwrap();
        format!("http://{address}/as2")
    }

    /// The address of a process, if it has one.
    pub(crate) fn address(&self, role: Role) -> Option<SocketAddr> {
        self.told(&format!("{}.address", role.name()))?.parse().ok()
    }
}

pub(crate) fn name(name: &str) -> As2Name {
    As2Name::new(name).unwrap()
}

fn identity(file: &str) -> Identity {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/openssl/cms");
    let key = PrivateKey::from_der(&fs::read(data.join(format!("{file}.key.der"))).unwrap()).unwrap();
    let certificate = Certificate::from_pem(&fs::read(data.join(format!("{file}.pem"))).unwrap()).unwrap();
    Identity::new(certificate, key).unwrap()
}

pub(crate) fn keys(role: Role) -> MemoryKeyStore {
    let (alice, bob) = (identity("alice"), identity("bob"));
    let (own, ours, other, theirs) = match role {
        Role::Sender => ("Alice", &alice, "Bob", &bob),
        Role::Receiver => ("Bob", &bob, "Alice", &alice),
    };
    let keys = MemoryKeyStore::new();
    keys.set_identity(name(own), ours.clone());
    keys.set_partner(
        name(own),
        name(other),
        PartnerCertificates::new(theirs.certificate().clone()),
    );
    keys
}

/// The partnership as seen by one side. Nothing is ever given up: what is lost shows as what is not done.
pub(crate) fn partnership(role: Role, place: &Place, asynchronous: bool) -> Partnership {
    let again = RetryPolicy::schedule(vec![std::time::Duration::from_millis(100); 100_000]);
    let (own, other, peer) = match role {
        Role::Sender => ("Alice", "Bob", Role::Receiver),
        Role::Receiver => ("Bob", "Alice", Role::Sender),
    };
    let receipt = match asynchronous {
        true => ReceiptRequest::asynchronous(&place.way_to(Role::Sender)).unwrap(),
        false => ReceiptRequest::sync(),
    };
    Partnership::new(name(own), name(other), place.way_to(peer).parse().unwrap())
        .send(SendProfile::new().receipt(receipt))
        .retry(again.clone())
        .receipt_retry(again)
}
