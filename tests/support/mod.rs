//! Two companies that exchange messages while their processes are killed: what the crash test and the cluster test share.
//!
//! Each process is the test itself, told by its environment what it is to do. Between them lies a network that balances
//! the load of each side, cuts connections in the middle of requests and responses, and repeats whole requests. In the
//! end each message has been delivered once, each positive receipt stands for a complete payload in the inbox, no file is
//! left over, and every record is final.

mod network;
mod place;
mod plan;
pub(crate) mod processes;
mod receiver;
mod sender;
mod verdict;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ediint::BoxFuture;
use ediint::store::MessageStore;

use network::Network;
pub(crate) use place::Place;
pub(crate) use plan::{Plan, Role, Side};
use processes::Processes;

/// How long it may take, after the last kill, until all is done.
const PATIENCE: Duration = Duration::from_secs(600);

/// What one test has that another has not.
#[derive(Clone, Copy)]
pub(crate) struct Setting {
    /// The name of the test, by which its processes find it.
    pub(crate) test: &'static str,
    /// How many processes each side has.
    pub(crate) senders: u32,
    pub(crate) receivers: u32,
    /// How many messages and kills there are, where the environment does not say.
    pub(crate) messages: u32,
    pub(crate) kills: u32,
    /// One request of so many is made twice, at the same instant.
    pub(crate) repeat_every: u32,
    /// Opens the store of a side.
    pub(crate) open: for<'a> fn(&'a Place, Side) -> BoxFuture<'a, Arc<dyn MessageStore>>,
    /// Kills the processes, and sees to it that messages flow meanwhile.
    pub(crate) kill: fn(&Plan, &Place, &Processes),
}

impl Setting {
    pub(crate) fn role(&self) -> Option<Role> {
        Role::of_this_process()
    }

    /// Is one of the processes.
    pub(crate) fn play(self, role: Role) {
        let plan = Plan::from_environment(self);
        match role.side {
            Side::Sender => sender::run(&plan, role, &Place::of_this_process()),
            Side::Receiver => receiver::run(&plan, role, &Place::of_this_process()),
        }
    }

    /// Lets the processes do their work, kills them, and sees what came of it.
    pub(crate) fn supervise(self, prepare: impl FnOnce(&Place)) {
        let began = Instant::now();
        let plan = Plan::from_environment(self);
        // Kept where something is wrong.
        let directory = tempfile::tempdir().unwrap();
        let place = Place::new(directory.path());
        place.set_up();
        prepare(&place);
        println!("{plan}, in {}", directory.path().display());
        let network = Network::start(&plan, &place);
        let processes = Processes::start(&plan, &place);
        let faults = catch_unwind(AssertUnwindSafe(|| {
            (self.kill)(&plan, &place, &processes);
            place.forget("quota");
            processes.wait_until_done(PATIENCE, &place);
            verdict::of(&plan, &place)
        }));
        processes.end();
        match faults {
            Ok(counts) => {
                println!("{processes}\n{network}\n{counts}");
                println!("all of it holds, after {} s", began.elapsed().as_secs());
            }
            Err(panic) => {
                println!("{processes}\n{network}\nsee {}", directory.keep().display());
                resume_unwind(panic);
            }
        }
    }
}
