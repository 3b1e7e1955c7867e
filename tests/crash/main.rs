//! Nothing is lost and nothing comes twice, though both processes are killed all the time, connections are cut, and
//! requests are repeated.
//!
//! A sender and a receiver, each a process of its own on a `RedbStore`. Both are killed with SIGKILL at random moments,
//! and started again.
//!
//! ```text
//! cargo test --release --all-features --test crash -- --nocapture
//! ```
//!
//! `MESSAGES` (2,000; 60 without `--release`), `KILLS` of each process (200; 8) and `SEED` come from the environment.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "all of this is test code"
)]

#[path = "../support/mod.rs"]
mod support;

use std::sync::Arc;
use std::thread::{self, sleep};
use std::time::Duration;

use ediint::BoxFuture;
use ediint::store::{MessageStore, RedbStore};
use rand::RngExt;
use support::processes::{Process, Processes};
use support::{Place, Plan, Setting, Side};

/// How long a process lives at most once it is ready, and on average half of that.
const LIFE: u64 = if cfg!(debug_assertions) { 2500 } else { 700 };

const CRASH: Setting = Setting {
    test: "nothing_is_lost_and_nothing_comes_twice",
    senders: 1,
    receivers: 1,
    messages: if cfg!(debug_assertions) { 60 } else { 2000 },
    kills: if cfg!(debug_assertions) { 8 } else { 200 },
    repeat_every: 20,
    open,
    kill,
};

#[test]
fn nothing_is_lost_and_nothing_comes_twice() {
    match CRASH.role() {
        Some(role) => CRASH.play(role),
        None => CRASH.supervise(|_| {}),
    }
}

/// One file for each side.
fn open(place: &Place, side: Side) -> BoxFuture<'_, Arc<dyn MessageStore>> {
    Box::pin(async move {
        let store = RedbStore::open(place.path(format!("{}.redb", side.name()))).await;
        let store: Arc<dyn MessageStore> = Arc::new(store.unwrap());
        store
    })
}

/// Kills each of them as often as planned, while messages flow: as the kills go on, more may be submitted.
fn kill(plan: &Plan, place: &Place, processes: &Processes) {
    thread::scope(|scope| {
        for process in processes.iter() {
            scope.spawn(move || {
                kill_often(process, plan, &|kills| {
                    if process.role.side == Side::Sender {
                        place.tell("quota", &plan.quota(kills));
                    }
                });
            });
        }
    });
}

fn kill_often(process: &Process, plan: &Plan, before: &dyn Fn(u32)) {
    let mut rng = plan.rng(2 + u64::from(process.role.side == Side::Sender));
    for kill in 0..plan.kills {
        before(kill);
        // Some die while they start: while the store is put right again.
        if rng.random_ratio(1, 8) {
            sleep(Duration::from_millis(rng.random_range(0..100)));
        } else {
            process.wait_until_ready();
            sleep(Duration::from_millis(rng.random_range(0..LIFE)));
        }
        process.kill();
    }
}
