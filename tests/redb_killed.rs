//! `RedbStore` under SIGKILL: several processes write to one file at once, each is killed at some moment and replaced,
//! and whatever one of them had been told is done is there afterwards.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "all of this is test code")]

use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, SystemTime};

use ediint::store::{Claim, ExchangeId, Filter, MessageStore, ReceivedRecord, Record, RedbStore};
use ediint::{As2Name, MessageId};

/// Where the workers find the file; set for them alone.
const FILE: &str = "EDIINT_REDB_KILLED";
/// Of so many messages each worker tries each.
const MESSAGES: u32 = 120;
const WORKERS: usize = 3;
const KILLS: usize = 12;

fn id(number: u32) -> ExchangeId {
    let name = |name| As2Name::new(name).unwrap();
    let message_id = MessageId::parse(&format!("<{number}@acme>")).unwrap();
    ExchangeId::new(name("us"), name("acme"), message_id)
}

/// What a worker does: claims each message, completes what it got, and says so once the store has said so. The digest
/// that it records is its own.
async fn work(file: &Path) {
    let store = RedbStore::open(file).await.unwrap();
    let me = std::process::id();
    let mut digest = [0; 32];
    digest[..4].copy_from_slice(&me.to_be_bytes());
    for number in 0..MESSAGES {
        // A dead worker's claim ends.
        let token = loop {
            match store
                .claim(&id(number), None, Duration::from_millis(100))
                .await
                .unwrap()
            {
                Claim::New(token) => break Some(token),
                Claim::InProgress => tokio::time::sleep(Duration::from_millis(5)).await,
                _ => break None,
            }
        };
        let Some(token) = token else { continue };
        let record = ReceivedRecord::new(digest, SystemTime::now());
        if store.complete(&id(number), token, record, Duration::ZERO).await.is_ok() {
            let mut out = std::io::stdout();
            writeln!(out, "\ndone {number} {me}").unwrap();
            out.flush().unwrap();
        }
    }
    std::process::exit(0);
}

/// A worker, whose reports go to `reports`.
fn worker(file: &Path, reports: &mpsc::Sender<(u32, u32)>) -> Child {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "what_was_done_stays_done", "--nocapture"])
        .env(FILE, file)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let reports = reports.clone();
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            if let ["done", number, me] = line.split(' ').collect::<Vec<_>>()[..] {
                reports.send((number.parse().unwrap(), me.parse().unwrap())).unwrap();
            }
        }
    });
    child
}

#[tokio::test]
async fn what_was_done_stays_done() {
    if let Some(file) = env::var_os(FILE) {
        work(Path::new(&file)).await;
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("store");
    let (reports, reported) = mpsc::channel();
    let mut workers: Vec<Child> = (0..WORKERS).map(|_| worker(&file, &reports)).collect();
    let mut done = BTreeMap::new();
    // Each kill follows a report, so it hits a worker in the middle of its work.
    for _ in 0..KILLS {
        for _ in 0..5 {
            let (number, by) = reported.recv_timeout(Duration::from_secs(120)).unwrap();
            assert_eq!(done.insert(number, by), None, "message {number} was done twice");
        }
        let mut killed = workers.remove(0);
        killed.kill().unwrap();
        killed.wait().unwrap();
        workers.push(worker(&file, &reports));
    }
    for mut worker in workers {
        assert!(worker.wait().unwrap().success());
    }
    drop(reports);
    for (number, by) in reported {
        assert_eq!(done.insert(number, by), None, "message {number} was done twice");
    }
    let store = RedbStore::open(&file).await.unwrap();
    let page = store.list(&Filter::new(), None, 1000).await.unwrap();
    assert_eq!(page.records.len(), usize::try_from(MESSAGES).unwrap());
    for number in 0..MESSAGES {
        let record = store.find_received(&id(number)).await.unwrap().unwrap();
        // Who was killed between the store's answer and its report did it all the same.
        if let Some(by) = done.get(&number) {
            assert_eq!(
                record.body_digest.first_chunk(),
                Some(&by.to_be_bytes()),
                "message {number}"
            );
        }
    }
    assert!(
        page.records
            .iter()
            .all(|listed| matches!(listed.record, Record::Received(_)))
    );
}
