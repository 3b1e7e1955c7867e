//! Processes: started, killed and started again.

use std::env;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use axum::routing::post_service;
use ediint::As2Receiver;
use rand::RngExt;
use tokio::net::TcpListener;

use crate::TEST;
use crate::plan::{Place, Plan, Role};

/// How long a process lives at most once it is ready, and on average half of that.
const LIFE: u64 = if cfg!(debug_assertions) { 2500 } else { 700 };

/// How long a process may take to start.
const START: Duration = Duration::from_secs(60);

/// What a process does: `work`, until its supervisor is gone.
pub(crate) fn run(work: impl Future<Output = ()>) {
    thread::spawn(|| {
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
        std::process::exit(0);
    });
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(work);
}

/// Serves on a port of its own, and tells which.
pub(crate) async fn serve(role: Role, place: &Place, receiver: As2Receiver) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    place.tell(
        &format!("{}.address", role.name()),
        &listener.local_addr().unwrap().to_string(),
    );
    let router = axum::Router::new().route("/as2", post_service(receiver));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
}

/// Tells whether there is nothing left to be done, again and again.
pub(crate) async fn tell_when_done<F: Future<Output = bool>>(role: Role, place: &Place, done: impl Fn() -> F) {
    let name = format!("{}.done", role.name());
    loop {
        match done().await {
            true => place.tell(&name, ""),
            false => place.forget(&name),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

pub(crate) struct Processes([Process; 2]);

struct Process {
    role: Role,
    child: std::sync::Mutex<Child>,
}

/// How often each was killed.
pub(crate) struct Killed {
    sender: u32,
    receiver: u32,
    starting: u32,
}

impl Processes {
    pub(crate) fn start(plan: &Plan, place: &Place) -> Self {
        place.tell("quota", "1");
        // The receiver first: without it nothing can be sent.
        let receiver = Process::start(Role::Receiver, plan, place);
        let sender = Process::start(Role::Sender, plan, place);
        Self([sender, receiver])
    }

    /// Kills each of them as often as planned, while messages flow: as the kills go on, more may be submitted.
    pub(crate) fn kill_all(&self, plan: &Plan, place: &Place) -> Killed {
        let over = AtomicBool::new(false);
        let (kills, starting) = thread::scope(|scope| {
            let Self([sender, receiver]) = self;
            let receiver = scope.spawn(|| receiver.kill_often(plan, place, &|_| {}));
            let sent = sender.kill_often(plan, place, &|done| {
                let quota = u64::from(plan.messages) * u64::from(done + 1) / u64::from(plan.kills.max(1)) + 1;
                place.tell("quota", &quota.to_string());
            });
            over.store(true, Ordering::SeqCst);
            let received = receiver.join().unwrap();
            ([sent.0, received.0], sent.1 + received.1)
        });
        place.forget("quota");
        let [sender, receiver] = kills;
        Killed {
            sender,
            receiver,
            starting,
        }
    }

    pub(crate) fn wait_until_done(&self, patience: Duration, place: &Place) {
        let until = Instant::now() + patience;
        let mut settled = 0;
        // The sender may have something again when the receiver says that it has nothing, and the other way round.
        while settled < 5 {
            let done = Role::BOTH
                .iter()
                .all(|role| place.told(&format!("{}.done", role.name())).is_some());
            settled = if done && is_empty(place) { settled + 1 } else { 0 };
            assert!(
                Instant::now() < until,
                "not done {patience:?} after the last kill: {}",
                left(place)
            );
            for process in &self.0 {
                process.assert_lives(place);
            }
            sleep(Duration::from_millis(200));
        }
    }

    pub(crate) fn end(self) {
        for process in self.0 {
            process.kill();
        }
    }
}

/// Nothing is left in the directories that are to be empty when all is done.
fn is_empty(place: &Place) -> bool {
    ["outbox", "spool", "encoding"]
        .iter()
        .all(|directory| files(place, directory) == 0)
}

fn files(place: &Place, directory: &str) -> usize {
    std::fs::read_dir(place.path(directory)).unwrap().count()
}

fn left(place: &Place) -> String {
    let counts = ["outbox", "spool", "encoding"].map(|name| format!("{} files in {name}", files(place, name)));
    let done = Role::BOTH.map(|role| place.told(&format!("{}.done", role.name())).is_some());
    format!(
        "{}, sender and receiver done: {done:?}, {}",
        counts.join(", "),
        place.lines("violations").join("; ")
    )
}

impl Process {
    fn start(role: Role, plan: &Plan, place: &Place) -> Self {
        Self {
            role,
            child: spawn(role, plan, place).into(),
        }
    }

    /// How many times it was killed, and how many of them before it was ready.
    fn kill_often(&self, plan: &Plan, place: &Place, after: &dyn Fn(u32)) -> (u32, u32) {
        let mut rng = plan.rng(2 + u64::from(self.role == Role::Sender));
        let mut starting = 0;
        for kill in 0..plan.kills {
            after(kill);
            // Some die while they start: while the store is put right again.
            if rng.random_ratio(1, 8) {
                sleep(Duration::from_millis(rng.random_range(0..100)));
            } else {
                let until = Instant::now() + START;
                while place.address(self.role).is_none() {
                    self.assert_lives(place);
                    assert!(Instant::now() < until, "the {} does not start", self.role.name());
                    sleep(Duration::from_millis(1));
                }
                sleep(Duration::from_millis(rng.random_range(0..LIFE)));
            }
            self.assert_lives(place);
            starting += u32::from(place.address(self.role).is_none());
            self.kill();
            for told in ["address", "done"] {
                place.forget(&format!("{}.{told}", self.role.name()));
            }
            *self.child.lock().unwrap() = spawn(self.role, plan, place);
        }
        (plan.kills, starting)
    }

    /// SIGKILL.
    fn kill(&self) {
        let mut child = self.child.lock().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn assert_lives(&self, place: &Place) {
        if let Some(status) = self.child.lock().unwrap().try_wait().unwrap() {
            let log = place.told(&format!("{}.log", self.role.name())).unwrap_or_default();
            panic!("the {} ended by itself, with {status}: {log}", self.role.name());
        }
    }
}

fn spawn(role: Role, plan: &Plan, place: &Place) -> Child {
    let log = place.path(format!("{}.log", role.name()));
    let log = File::options().create(true).append(true).open(log).unwrap();
    Command::new(env::current_exe().unwrap())
        .args(["--exact", TEST, "--nocapture"])
        .envs(place.environment(role))
        .env("SEED", plan.seed.to_string())
        .env("MESSAGES", plan.messages.to_string())
        .env("KILLS", plan.kills.to_string())
        // Its end is ours.
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap()
}

impl fmt::Display for Killed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            sender,
            receiver,
            starting,
        } = self;
        write!(
            f,
            "killed: sender {sender}, receiver {receiver}, of these {starting} while starting"
        )
    }
}
