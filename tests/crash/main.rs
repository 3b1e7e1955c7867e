//! Nothing is lost and nothing comes twice, though both processes are killed all the time, connections are cut, and
//! requests are repeated.
//!
//! A sender and a receiver, each a process of its own on a `RedbStore`, exchange messages through a network that cuts
//! connections in the middle of requests and responses and repeats whole requests. Both are killed with SIGKILL at random
//! moments, and started again. In the end each message has been delivered once, each positive receipt stands for a
//! complete payload in the inbox, no file is left over, and every record is final.
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

mod network;
mod plan;
mod processes;
mod receiver;
mod sender;
mod verdict;

use std::time::{Duration, Instant};

use network::Network;
use plan::{Place, Plan, Role};
use processes::Processes;

/// How long it may take, after the last kill, until all is done.
const PATIENCE: Duration = Duration::from_secs(600);

/// The processes run this very test, to be found by its name.
const TEST: &str = "nothing_is_lost_and_nothing_comes_twice";

#[test]
fn nothing_is_lost_and_nothing_comes_twice() {
    let plan = Plan::from_environment();
    match Role::of_this_process() {
        Some(Role::Sender) => sender::run(plan, &Place::of_this_process()),
        Some(Role::Receiver) => receiver::run(plan, &Place::of_this_process()),
        None => supervise(&plan),
    }
}

fn supervise(plan: &Plan) {
    let began = Instant::now();
    // Kept where something is wrong.
    let directory = tempfile::tempdir().unwrap();
    let place = Place::new(directory.path());
    place.set_up();
    println!("{plan}, in {}", directory.path().display());
    let network = Network::start(plan, &place);
    let processes = Processes::start(plan, &place);
    let killed = processes.kill_all(plan, &place);
    let faults = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        processes.wait_until_done(PATIENCE, &place);
        verdict::of(plan, &place)
    }));
    processes.end();
    match faults {
        Ok(counts) => {
            println!("{killed}\n{network}\n{counts}");
            println!("all of it holds, after {} s", began.elapsed().as_secs());
        }
        Err(panic) => {
            println!("{killed}\n{network}\nsee {}", directory.keep().display());
            std::panic::resume_unwind(panic);
        }
    }
}
