//! Processes: started, killed and started again.

use std::env;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use axum::routing::post_service;
use ediint::As2Receiver;
use tokio::net::TcpListener;

use super::{Place, Plan, Role};

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
    place.tell(&format!("{role}.address"), &listener.local_addr().unwrap().to_string());
    let router = axum::Router::new().route("/as2", post_service(receiver));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
}

/// Tells whether there is nothing left to be done, again and again.
pub(crate) async fn tell_when_done<F: Future<Output = bool>>(role: Role, place: &Place, done: impl Fn() -> F) {
    let name = format!("{role}.done");
    loop {
        match done().await {
            true => place.tell(&name, ""),
            false => place.forget(&name),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

pub(crate) struct Processes(Vec<Process>);

pub(crate) struct Process {
    pub(crate) role: Role,
    plan: Plan,
    place: Place,
    child: Mutex<Child>,
    kills: AtomicU32,
    killed_while_starting: AtomicU32,
}

impl Processes {
    pub(crate) fn start(plan: &Plan, place: &Place) -> Self {
        place.tell("quota", &plan.quota(0));
        Self(plan.roles().map(|role| Process::start(role, plan, place)).collect())
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &Process> {
        self.0.iter()
    }

    pub(crate) fn wait_until_done(&self, patience: Duration, place: &Place) {
        let until = Instant::now() + patience;
        let mut settled = 0;
        // One side may have something again when the other says that it has nothing.
        while settled < 5 {
            let done = self.0.iter().all(Process::is_done);
            settled = if done && is_empty(place) { settled + 1 } else { 0 };
            assert!(
                Instant::now() < until,
                "not done {patience:?} after the last kill: {}",
                self.left(place)
            );
            for process in &self.0 {
                process.assert_lives();
            }
            sleep(Duration::from_millis(200));
        }
    }

    fn left(&self, place: &Place) -> String {
        let counts = TEMPORARY.map(|name| format!("{} files in {name}", files(place, name)));
        let busy = self.0.iter().filter(|process| !process.is_done());
        let busy: Vec<_> = busy.map(|process| process.role.to_string()).collect();
        format!(
            "{}, not done: {busy:?}, {}",
            counts.join(", "),
            place.lines("violations").join("; ")
        )
    }

    pub(crate) fn end(&self) {
        for process in &self.0 {
            process.end();
        }
    }
}

/// The directories that are empty when all is done.
const TEMPORARY: [&str; 3] = ["outbox", "spool", "encoding"];

fn is_empty(place: &Place) -> bool {
    TEMPORARY.iter().all(|directory| files(place, directory) == 0)
}

fn files(place: &Place, directory: &str) -> usize {
    std::fs::read_dir(place.path(directory)).unwrap().count()
}

impl Process {
    fn start(role: Role, plan: &Plan, place: &Place) -> Self {
        Self {
            role,
            plan: plan.clone(),
            place: place.clone(),
            child: spawn(role, plan, place).into(),
            kills: AtomicU32::new(0),
            killed_while_starting: AtomicU32::new(0),
        }
    }

    fn is_ready(&self) -> bool {
        self.place.address(self.role).is_some()
    }

    fn is_done(&self) -> bool {
        self.place.told(&format!("{}.done", self.role)).is_some()
    }

    pub(crate) fn wait_until_ready(&self) {
        let until = Instant::now() + START;
        while !self.is_ready() {
            self.assert_lives();
            assert!(Instant::now() < until, "the {} does not start", self.role);
            sleep(Duration::from_millis(1));
        }
    }

    /// SIGKILL, and a new one.
    pub(crate) fn kill(&self) {
        self.assert_lives();
        self.kills.fetch_add(1, Ordering::Relaxed);
        if !self.is_ready() {
            self.killed_while_starting.fetch_add(1, Ordering::Relaxed);
        }
        self.end();
        for told in ["address", "done"] {
            self.place.forget(&format!("{}.{told}", self.role));
        }
        *self.child.lock().unwrap() = spawn(self.role, &self.plan, &self.place);
    }

    fn end(&self) {
        let mut child = self.child.lock().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn assert_lives(&self) {
        if let Some(status) = self.child.lock().unwrap().try_wait().unwrap() {
            let log = self.place.told(&format!("{}.log", self.role)).unwrap_or_default();
            panic!("the {} ended by itself, with {status}: {log}", self.role);
        }
    }
}

fn spawn(role: Role, plan: &Plan, place: &Place) -> Child {
    let log = place.path(format!("{role}.log"));
    let log = File::options().create(true).append(true).open(log).unwrap();
    Command::new(env::current_exe().unwrap())
        .args(["--exact", plan.setting.test, "--nocapture"])
        .envs([role.environment()])
        .envs([place.environment()])
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

impl fmt::Display for Processes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |counter: &AtomicU32| counter.load(Ordering::Relaxed);
        let kills = self
            .0
            .iter()
            .map(|process| format!("{} {}", process.role, count(&process.kills)));
        let starting: u32 = self.0.iter().map(|process| count(&process.killed_while_starting)).sum();
        write!(
            f,
            "killed: {}, of these {starting} while starting",
            kills.collect::<Vec<_>>().join(", ")
        )
    }
}
