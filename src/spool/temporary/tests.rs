use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use super::*;
use crate::spool::SpoolOptions;

/// Where the process that is killed leaves its files.
const VICTIM: &str = "EDIINT_TEST_VICTIM";

fn spool(directory: &Path) -> crate::Spool {
    let mut spool = SpoolOptions::new().threshold(0).directory(directory).create();
    spool.write_all(b"an order").unwrap();
    spool
}

fn temporary_files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = entries.collect();
    found.sort();
    found
}

#[test]
#[ignore = "a process that the next test starts and kills"]
fn victim() {
    let directory = PathBuf::from(std::env::var_os(VICTIM).expect("started by the next test"));
    let _spools = [spool(&directory), spool(&directory)];
    #[cfg(feature = "transport")]
    let _staged = {
        let (staged, lock) = super::directory(&directory).unwrap();
        fs::write(staged.path().join("payload"), "half an ord").unwrap();
        (staged, lock)
    };
    println!("ready");
    std::thread::park();
}

/// REL-17: what a killed process leaves is found and removed, whatever other processes do in the same directory. What is
/// in use is not touched, in this process and in others.
#[test]
fn what_killed_processes_leave_is_removed() {
    let directory = tempfile::tempdir().unwrap();
    let own = spool(directory.path());
    let own_files = temporary_files(directory.path());
    let name = format!("{}::victim", module_path!().split_once("::").unwrap().1);
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &name, "--ignored", "--nocapture"])
        .env(VICTIM, directory.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().ends_with("ready")));
    let all = temporary_files(directory.path());
    assert_eq!(all.len(), if cfg!(feature = "transport") { 4 } else { 3 });
    let options = SpoolOptions::new().directory(directory.path());
    assert_eq!(options.remove_orphans().unwrap(), [""; 0].map(PathBuf::from));
    assert_eq!(temporary_files(directory.path()), all);

    victim.kill().unwrap();
    victim.wait().unwrap();
    let mut removed = options.remove_orphans().unwrap();
    removed.sort();
    let orphans: Vec<_> = all.into_iter().filter(|file| !own_files.contains(file)).collect();
    assert_eq!(removed, orphans);
    assert_eq!(temporary_files(directory.path()), own_files);
    own.persist(directory.path().join("order")).unwrap();
    assert_eq!(fs::read(directory.path().join("order")).unwrap(), b"an order");
}

/// What is called otherwise is nobody's orphan, nor is what a link leads to.
#[test]
fn other_files_are_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("order"), "an order").unwrap();
    fs::write(directory.path().join(".hidden"), "").unwrap();
    fs::write(elsewhere.path().join("file"), "").unwrap();
    symlink(elsewhere.path(), directory.path().join(".ediint-directory")).unwrap();
    symlink(elsewhere.path().join("file"), directory.path().join(".ediint-file")).unwrap();
    let before = temporary_files(directory.path());
    assert!(remove_orphans(directory.path()).unwrap().is_empty());
    assert_eq!(temporary_files(directory.path()), before);
    assert!(elsewhere.path().join("file").exists());

    fs::write(directory.path().join(".ediint-unlocked"), "half an ord").unwrap();
    let unlocked = directory.path().join(".ediint-unlocked");
    assert_eq!(remove_orphans(directory.path()).unwrap(), [unlocked]);
    assert_eq!(temporary_files(directory.path()), before);

    let missing = directory.path().join("missing");
    assert_eq!(remove_orphans(&missing).unwrap_err().kind(), ErrorKind::NotFound);
}

/// Whoever removes orphans all the time disturbs nobody who makes files.
#[test]
fn sweepers_and_makers_at_the_same_time() {
    let directory = tempfile::tempdir().unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    let order = std::sync::atomic::Ordering::Relaxed;
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(order) {
                    remove_orphans(directory.path()).unwrap();
                }
            });
        }
        let makers: Vec<_> = (0..2)
            .map(|maker| {
                let directory = directory.path();
                scope.spawn(move || {
                    for number in 0..300 {
                        let place = directory.join(format!("{maker}-{number}"));
                        spool(directory).place(&place).unwrap();
                        assert_eq!(fs::read(place).unwrap(), b"an order");
                    }
                })
            })
            .collect();
        let results: Vec<_> = makers.into_iter().map(|maker| maker.join()).collect();
        done.store(true, order);
        assert!(results.iter().all(Result::is_ok));
    });
    assert_eq!(temporary_files(directory.path()).len(), 600);
}
