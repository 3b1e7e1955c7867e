//! Nothing is lost and nothing comes twice in a cluster: three processes that receive and two that send, on one PostgreSQL.
//!
//! Each side has a schema of its own, an outbox, a spool and an inbox that its processes share, and a load balancer in
//! front of it. Every second one process is killed with SIGKILL, and started again. Messages and receipts go to two
//! processes at the same instant, and connections are cut.
//!
//! ```text
//! EDIINT_POSTGRES=$(tests/postgres/setup) cargo test --release --all-features --test cluster -- --nocapture
//! ```
//!
//! `MESSAGES` (6,000; 400 without `--release`), `KILLS` in all (120; 20) and `SEED` come from the environment. Without
//! `EDIINT_POSTGRES` nothing runs, unless `EDIINT_PEERS=1` insists.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "all of this is test code"
)]

#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/mod.rs"]
mod support;

use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use ediint::BoxFuture;
use ediint::store::{MessageStore, PostgresStore};
use rand::RngExt;
use support::processes::Processes;
use support::{Place, Plan, Setting, Side};
use tokio::runtime::Runtime;

const CLUSTER: Setting = Setting {
    test: "nothing_is_lost_and_nothing_comes_twice_in_a_cluster",
    senders: 2,
    receivers: 3,
    messages: if cfg!(debug_assertions) { 400 } else { 6000 },
    kills: if cfg!(debug_assertions) { 20 } else { 120 },
    repeat_every: 4,
    open,
    kill,
};

#[test]
fn nothing_is_lost_and_nothing_comes_twice_in_a_cluster() {
    if let Some(role) = CLUSTER.role() {
        return CLUSTER.play(role);
    }
    let Some(url) = postgres::url() else { return };
    let name = postgres::fresh_name();
    let schemas = Side::BOTH.map(|side| schema(&name, side));
    let each = |command: &str| {
        let statements = schemas.each_ref().map(|schema| command.replace("NAME", schema));
        Runtime::new()
            .unwrap()
            .block_on(postgres::execute(&url, &statements.join(";")));
    };
    each("CREATE SCHEMA NAME");
    CLUSTER.supervise(|place| place.tell("schemas", &name));
    each("DROP SCHEMA NAME CASCADE");
}

fn schema(name: &str, side: Side) -> String {
    format!("{name}_{}", side.name())
}

fn open(place: &Place, side: Side) -> BoxFuture<'_, Arc<dyn MessageStore>> {
    Box::pin(async move {
        let schema = schema(&place.told("schemas").unwrap(), side);
        let url = postgres::in_schema(&postgres::url().unwrap(), &schema);
        let store = PostgresStore::connect(&url, None).await.unwrap().connections(12);
        let store: Arc<dyn MessageStore> = Arc::new(store);
        store
    })
}

/// Kills any one of them within every second, while messages flow: as the kills go on, more may be submitted.
fn kill(plan: &Plan, place: &Place, processes: &Processes) {
    for process in processes.iter() {
        process.wait_until_ready();
    }
    let mut rng = plan.rng(2);
    for kill in 0..plan.kills {
        let moment = Duration::from_millis(rng.random_range(0..1000));
        let victim = rng.random_range(0..processes.iter().len());
        place.tell("quota", &plan.quota(kill));
        sleep(moment);
        processes.iter().nth(victim).unwrap().kill();
        sleep(Duration::from_secs(1).saturating_sub(moment));
    }
}
