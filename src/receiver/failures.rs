//! How often a partner's messages could not be decrypted (SEC-04).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::name::As2Name;

/// The most senders that are remembered.
const MAX_SENDERS: usize = 10_000;

/// How long a sender is remembered after its last failure.
const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// Where a request comes from, as far as the host knows: it puts this into the extensions of the request, so that who
/// guesses can be told from the partner whose name it uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "an address under a name")]
pub struct PeerAddress(pub IpAddr);

/// How many messages of a sender could not be decrypted within a day, those included that were altered inside their
/// encryption. An attacker that learns a plaintext by trying needs very many of them (RFC 3218).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecryptionFailures<'a> {
    /// The partner's name, which anybody can use.
    pub from: &'a As2Name,
    /// Ours.
    pub to: &'a As2Name,
    /// Where they came from, where the host says so with [`PeerAddress`].
    pub peer: Option<IpAddr>,
    /// How many there were.
    pub count: u32,
}

type Sender = (As2Name, As2Name, Option<IpAddr>);

/// Counts failures by sender.
#[derive(Debug, Default)]
pub(super) struct FailureCounts(Mutex<HashMap<Sender, (u32, SystemTime)>>);

impl FailureCounts {
    /// How many failures of the sender are remembered.
    pub(super) fn of(&self, to: &As2Name, from: &As2Name, peer: Option<IpAddr>, now: SystemTime) -> u32 {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = counts.get(&(to.clone(), from.clone(), peer));
        found.map_or(0, |(count, last)| if is_old(*last, now) { 0 } else { *count })
    }

    /// Counts one more, and says how many that makes.
    pub(super) fn note(&self, to: &As2Name, from: &As2Name, peer: Option<IpAddr>, now: SystemTime) -> u32 {
        let sender = (to.clone(), from.clone(), peer);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= MAX_SENDERS && !counts.contains_key(&sender) {
            counts.retain(|_, (_, last)| !is_old(*last, now));
            // Those that fail most are the ones to remember.
            let least = counts.iter().min_by_key(|(_, (count, last))| (*count, *last));
            if let Some(least) = least
                .filter(|_| counts.len() >= MAX_SENDERS)
                .map(|(key, _)| key.clone())
            {
                counts.remove(&least);
            }
        }
        let (count, last) = counts.entry(sender).or_insert((0, now));
        if is_old(*last, now) {
            *count = 0;
        }
        (*count, *last) = (count.saturating_add(1), now);
        *count
    }
}

/// A clock that goes back makes nothing older.
fn is_old(last: SystemTime, now: SystemTime) -> bool {
    now.duration_since(last).is_ok_and(|age| age > MAX_AGE)
}

#[cfg(test)]
mod tests;
