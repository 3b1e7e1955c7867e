//! Connections that wait for the next message, and the TLS configurations that they were made with.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use rustls::ClientConfig;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep_until};

use super::exchange::Connection;
use crate::partnership::{Proxy, TlsProfile};
use crate::transport::Egress;

/// What a connection is good for. A profile that differs in anything that was verified, or shown, has its own.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: Option<TlsConfiguration>,
    pub(super) proxy: Option<Proxy>,
    pub(super) egress: Egress,
}

/// What [`Configurations`] made of a profile: the same for equal ones, so it stands for the profile.
#[derive(Clone)]
pub(super) struct TlsConfiguration(pub(super) Arc<ClientConfig>);

impl PartialEq for TlsConfiguration {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for TlsConfiguration {}

impl Hash for TlsConfiguration {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

/// How many connections wait, and for how long.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) connections: usize,
    pub(super) idle: Duration,
}

#[derive(Clone)]
pub(super) struct Pool {
    state: Arc<Mutex<State>>,
    bounds: Bounds,
}

#[derive(Default)]
struct State {
    /// Each with the time at which its wait is over; the one used last is the last.
    idle: HashMap<Arc<Key>, Vec<(Instant, Connection)>>,
    count: usize,
    sweeping: bool,
}

impl Pool {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            state: Arc::default(),
            bounds,
        }
    }

    /// A pool with the same bounds, and nothing in it.
    pub(super) fn emptied(&self) -> Self {
        Self::new(self.bounds)
    }

    /// The connection that was used last of those that still stand.
    pub(super) async fn take(&self, key: &Key) -> Option<Connection> {
        loop {
            let mut connection = lock(&self.state).pop(key)?;
            if connection.is_alive().await {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection; at the bound, the one ends that nobody has used for the longest time.
    pub(super) fn put(&self, key: Arc<Key>, connection: Connection) {
        // Bodies may be dropped outside of a runtime, where nobody would end the wait.
        let Ok(runtime) = Handle::try_current() else { return };
        if self.bounds.connections == 0 {
            return;
        }
        let mut state = lock(&self.state);
        if state.count >= self.bounds.connections {
            state.end_oldest();
        }
        let until = Instant::now() + self.bounds.idle;
        state.idle.entry(key).or_default().push((until, connection));
        state.count += 1;
        if !state.sweeping {
            state.sweeping = true;
            runtime.spawn(sweep(Arc::downgrade(&self.state), until));
        }
    }
}

impl State {
    fn pop(&mut self, key: &Key) -> Option<Connection> {
        let waiting = self.idle.get_mut(key)?;
        let (_, connection) = waiting.pop()?;
        self.count -= 1;
        if waiting.is_empty() {
            self.idle.remove(key);
        }
        Some(connection)
    }

    fn end_oldest(&mut self) {
        let firsts = self.idle.iter_mut();
        let firsts = firsts.filter_map(|(key, waiting)| Some((waiting.first()?.0, key.clone(), waiting)));
        let Some((_, key, waiting)) = firsts.min_by_key(|(until, ..)| *until) else {
            return;
        };
        waiting.remove(0);
        self.count -= 1;
        if waiting.is_empty() {
            self.idle.remove(&key);
        }
    }

    /// Ends what has waited until `now`; says when the next wait is over.
    fn expire(&mut self, now: Instant) -> Option<Instant> {
        self.idle.retain(|_, waiting| {
            waiting.retain(|(until, _)| *until > now);
            !waiting.is_empty()
        });
        self.count = self.idle.values().map(Vec::len).sum();
        let next = self.idle.values().flatten().map(|(until, _)| *until).min();
        self.sweeping = next.is_some();
        next
    }
}

/// Ends connections as their wait is over, as long as there are any.
async fn sweep(state: Weak<Mutex<State>>, first: Instant) {
    let mut next = Some(first);
    while let Some(at) = next {
        sleep_until(at).await;
        let Some(state) = state.upgrade() else { return };
        next = lock(&state).expire(at.max(Instant::now()));
    }
}

/// TLS configurations by profile: making one parses certificates and keys, and each remembers its sessions.
#[derive(Clone, Default)]
pub(super) struct Configurations(Arc<Mutex<HashMap<TlsProfile, TlsConfiguration>>>);

impl Configurations {
    /// Profiles that are remembered. Beyond that all are forgotten, which costs full handshakes.
    const MOST: usize = 4096;

    pub(super) fn get<E>(
        &self,
        profile: &TlsProfile,
        make: impl FnOnce() -> Result<ClientConfig, E>,
    ) -> Result<TlsConfiguration, E> {
        if let Some(config) = lock(&self.0).get(profile) {
            return Ok(config.clone());
        }
        let config = TlsConfiguration(Arc::new(make()?));
        let mut known = lock(&self.0);
        if known.len() >= Self::MOST {
            known.clear();
        }
        Ok(known.entry(profile.clone()).or_insert(config).clone())
    }
}

/// What is behind these locks is whole between any two statements that change it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
