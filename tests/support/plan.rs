//! What is to happen, and who does it.

use std::path::Path;
use std::{env, fmt, fs};

use ediint::cms::Certificate;
use ediint::keystore::{Identity, MemoryKeyStore, PartnerCertificates, PrivateKey};
use ediint::partnership::{Partnership, ReceiptRequest, RetryPolicy, SendProfile};
use ediint::{As2Name, MessageId};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::{Place, Setting};

/// One message of so many is large.
const LARGE_EVERY: u32 = 40;
const LARGE: usize = 8 << 20;
const SMALL: usize = 4 << 10;

/// Which process this is; set for the processes alone.
const ROLE: &str = "EDIINT_CRASH_ROLE";

#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) setting: Setting,
    pub(crate) seed: u64,
    pub(crate) messages: u32,
    pub(crate) kills: u32,
}

impl Plan {
    pub(crate) fn from_environment(setting: Setting) -> Self {
        let number = |name: &str, otherwise: u64| match env::var(name) {
            Ok(given) => given.parse().unwrap_or_else(|_| panic!("{name}={given} is no number")),
            Err(_) => otherwise,
        };
        Self {
            setting,
            seed: number("SEED", 1),
            messages: number("MESSAGES", setting.messages.into()).try_into().unwrap(),
            kills: number("KILLS", setting.kills.into()).try_into().unwrap(),
        }
    }

    /// Every process of a side.
    pub(crate) fn members(&self, side: Side) -> impl Iterator<Item = Role> {
        let count = match side {
            Side::Sender => self.setting.senders,
            Side::Receiver => self.setting.receivers,
        };
        (1..=count).map(move |number| Role { side, number })
    }

    /// Every process. The receivers come first: without them nothing can be sent.
    pub(crate) fn roles(&self) -> impl Iterator<Item = Role> {
        self.members(Side::Receiver).chain(self.members(Side::Sender))
    }

    /// How many messages may have been submitted when so many kills are over.
    pub(crate) fn quota(&self, kills: u32) -> String {
        let share = u64::from(self.messages) * u64::from(kills + 1) / u64::from(self.kills.max(1));
        (share + 1).to_string()
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
        let Self {
            seed, messages, kills, ..
        } = self;
        write!(f, "SEED={seed} MESSAGES={messages} KILLS={kills}")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Sender,
    Receiver,
}

impl Side {
    pub(crate) const BOTH: [Self; 2] = [Self::Sender, Self::Receiver];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sender => "sender",
            Self::Receiver => "receiver",
        }
    }
}

/// One process of a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Role {
    pub(crate) side: Side,
    /// From one.
    pub(crate) number: u32,
}

impl Role {
    pub(crate) fn of_this_process() -> Option<Self> {
        let role = env::var(ROLE).ok()?;
        let (name, number) = role.split_once('-').unwrap();
        let side = Side::BOTH.into_iter().find(|side| side.name() == name).unwrap();
        Some(Self {
            side,
            number: number.parse().unwrap(),
        })
    }

    /// What its process has to be told.
    pub(crate) fn environment(self) -> (&'static str, String) {
        (ROLE, self.to_string())
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.side.name(), self.number)
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

pub(crate) fn keys(side: Side) -> MemoryKeyStore {
    let (alice, bob) = (identity("alice"), identity("bob"));
    let (own, ours, other, theirs) = match side {
        Side::Sender => ("Alice", &alice, "Bob", &bob),
        Side::Receiver => ("Bob", &bob, "Alice", &alice),
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
pub(crate) fn partnership(side: Side, place: &Place, asynchronous: bool) -> Partnership {
    let again = RetryPolicy::schedule(vec![std::time::Duration::from_millis(100); 100_000]);
    let (own, other, peer) = match side {
        Side::Sender => ("Alice", "Bob", Side::Receiver),
        Side::Receiver => ("Bob", "Alice", Side::Sender),
    };
    let receipt = match asynchronous {
        true => ReceiptRequest::asynchronous(&place.way_to(Side::Sender)).unwrap(),
        false => ReceiptRequest::sync(),
    };
    Partnership::new(name(own), name(other), place.way_to(peer).parse().unwrap())
        .send(SendProfile::new().receipt(receipt))
        .retry(again.clone())
        .receipt_retry(again)
}
