//! Few tries for each content key (SEC-52).

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use hmac::{Hmac, KeyInit, Mac};
use rand_core::CryptoRng;
use sha2::Sha256;

/// The most content keys that are remembered.
const MAX_KEYS: usize = 100_000;

/// How long a content key is remembered after its last use.
const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// The most bodies that one content key may come with.
const MAX_BODIES: usize = 8;

/// Refuses to decrypt ever new bodies under one content key.
///
/// CBC content that is altered and sent again, many times, tells its plaintext to whoever can see how each try is
/// answered (Vaudenay 2002). All of those tries carry one `encryptedKey`, which honest senders never use for another
/// body: so it is remembered which bodies came with it, whatever became of them, and after a few there are no more tries.
///
/// Nothing here is a secret of the partner's: only keyed hashes are kept, so that nobody can aim at their collisions.
pub(super) struct KeyGuard {
    hash: Hmac<Sha256>,
    table: Mutex<Table>,
}

/// Names an `encryptedKey`.
type KeyId = [u8; 16];

#[derive(Default)]
struct Table {
    entries: HashMap<KeyId, Entry>,
    /// The keys by their last use, oldest first.
    order: BTreeMap<u64, KeyId>,
    uses: u64,
}

struct Entry {
    bodies: Vec<[u8; 32]>,
    /// Its place in the order.
    use_number: u64,
    used: SystemTime,
}

impl KeyGuard {
    /// A guard that remembers nothing yet.
    pub(super) fn new(rng: &mut dyn CryptoRng) -> Self {
        let mut key = [0; 64];
        rng.fill_bytes(&mut key);
        Self {
            hash: Hmac::new(&key.into()),
            table: Mutex::default(),
        }
    }

    /// Remembers that a body with the SHA-256 `body_digest` came with these `encryptedKey`s. False if any of them came
    /// with too many others before: the message is answered as one that cannot be decrypted, whatever it holds. A body
    /// that was admitted once is admitted again.
    pub(super) fn admit(&self, encrypted_keys: &[Vec<u8>], body_digest: [u8; 32], now: SystemTime) -> bool {
        let ids: Vec<_> = encrypted_keys.iter().map(|key| self.id(key)).collect();
        // The table is whole between any two statements that can panic.
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        // All of them are noted, also after one was refused.
        let admitted = ids.into_iter().filter(|id| !table.note(*id, body_digest, now)).count() == 0;
        table.forget(now);
        admitted
    }

    fn id(&self, encrypted_key: &[u8]) -> KeyId {
        let hash = self.hash.clone().chain_update(encrypted_key).finalize().into_bytes();
        let mut id = KeyId::default();
        for (place, octet) in id.iter_mut().zip(hash) {
            *place = octet;
        }
        id
    }
}

impl Table {
    /// Whether the body may be looked into under this key.
    fn note(&mut self, id: KeyId, body: [u8; 32], now: SystemTime) -> bool {
        self.uses += 1;
        let entry = self.entries.entry(id).or_insert_with(|| Entry {
            bodies: Vec::with_capacity(1),
            use_number: self.uses,
            used: now,
        });
        self.order.remove(&entry.use_number);
        self.order.insert(self.uses, id);
        entry.use_number = self.uses;
        if is_old(entry.used, now) {
            entry.bodies.clear();
        }
        entry.used = now;
        if entry.bodies.contains(&body) {
            return true;
        }
        let room = entry.bodies.len() < MAX_BODIES;
        if room {
            entry.bodies.push(body);
        }
        room
    }

    /// Drops what is too old, and the oldest of what is too much.
    fn forget(&mut self, now: SystemTime) {
        while let Some(oldest) = self.order.first_entry() {
            let old = self
                .entries
                .get(oldest.get())
                .is_none_or(|entry| is_old(entry.used, now));
            if !old && self.entries.len() <= MAX_KEYS {
                break;
            }
            self.entries.remove(&oldest.remove());
        }
    }
}

/// A clock that goes back makes nothing older.
fn is_old(used: SystemTime, now: SystemTime) -> bool {
    now.duration_since(used).is_ok_and(|age| age > MAX_AGE)
}

/// Without the key of its hash.
impl fmt::Debug for KeyGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyGuard").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
