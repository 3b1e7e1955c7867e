//! What people see of a long transfer.

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::thread;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::common::{Pair, gateway};

/// Sends `octets` with stderr on a terminal, and gives what that shows.
fn shown(pair: &Pair, octets: usize) -> String {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    let theirs: OwnedFd = File::options().read(true).write(true).open(name).unwrap().into();
    let mut ours = File::from(terminal);
    let reading = thread::spawn(move || {
        let (mut all, mut buffer) = (Vec::new(), [0; 1024]);
        // Linux says EIO once nobody has the other side open.
        while let Ok(read @ 1..) = ours.read(&mut buffer) {
            all.extend_from_slice(&buffer[..read]);
        }
        String::from_utf8_lossy(&all).into_owned()
    });
    let file = pair.file("large.bin", &vec![7; octets]);
    let config = pair.config("alice");
    let mut command = gateway([
        "send".as_ref(),
        config.as_os_str(),
        "--to".as_ref(),
        "bob".as_ref(),
        file.as_os_str(),
    ]);
    let sent = command
        .stdout(Stdio::null())
        .stderr(Stdio::from(theirs))
        .status()
        .unwrap();
    assert!(sent.success());
    drop(command);
    reading.join().unwrap()
}

#[test]
fn long_transfers_show_how_far_they_are() {
    let pair = Pair::init();
    let _bob = pair.serve("bob");
    let shown_of_long = shown(&pair, 16 << 20);
    assert!(
        shown_of_long.contains(" of 16 MiB, ") || shown_of_long.contains("16 MiB sent"),
        "{shown_of_long:?}"
    );
    assert_eq!(shown(&pair, 1000), "");
    let received = pair.received("bob", "alice");
    let sizes = received
        .iter()
        .map(|one| fs::metadata(one.join("payload")).unwrap().len());
    assert_eq!(sizes.sum::<u64>(), (16 << 20) + 1000);
}
