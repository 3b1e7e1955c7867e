//! The way to the database, as a server sees it that has no TLS.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::common::{Pair, free_port, run};

/// What asks a server for TLS before anything else is said.
const TLS_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// The first octets of the gateway, and those after it has been told that there is no TLS.
fn heard(connection: impl Fn(u16) -> String) -> ([u8; 8], Vec<u8>) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = connection(socket.local_addr().unwrap().port());
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let (mut stream, _) = socket.accept().unwrap();
        let (mut first, mut more) = ([0; 8], Vec::new());
        stream.read_exact(&mut first).unwrap();
        if first == TLS_REQUEST {
            stream.write_all(b"N").unwrap();
            stream.read_to_end(&mut more).unwrap();
        }
        tell.send((first, more)).unwrap();
    });
    let pair = Pair::init();
    pair.edit("alice", |text| format!("postgres = {url:?}\n{text}"));
    let said = run(["status".as_ref(), pair.config("alice").as_os_str()]);
    assert_eq!((said.code, said.out.as_str()), (1, ""), "{url}: {}", said.err);
    told.recv_timeout(Duration::from_secs(60)).expect("nobody has come")
}

/// However it is written where the database is.
#[test]
fn nothing_goes_to_another_host_in_the_clear() {
    let spellings: [fn(u16) -> String; 4] = [
        |port| format!("host=db.example hostaddr=127.0.0.1 port={port} user=u"),
        |port| format!("postgres://u@/db?host=db.example&hostaddr=127.0.0.1&port={port}"),
        |port| format!("postgres://u@db.example:{port}/db?hostaddr=127.0.0.1"),
        // Both are tried, in this order.
        |port| format!("host=127.0.0.1,db.example hostaddr=127.0.0.1,127.0.0.1 port={port} user=u"),
    ];
    for connection in spellings {
        assert_eq!(heard(connection), (TLS_REQUEST, Vec::new()), "{}", connection(5432));
    }
}

#[test]
fn a_database_of_this_machine_needs_no_tls() {
    let spellings: [fn(u16) -> String; 3] = [
        |port| format!("host=localhost hostaddr=127.0.0.1 port={port} user=u"),
        |port| format!("postgres://u@127.0.0.1:{port}/db"),
        |port| format!("hostaddr=127.0.0.1 port={port} user=u"),
    ];
    for connection in spellings {
        assert_ne!(heard(connection).0, TLS_REQUEST, "{}", connection(5432));
    }
}

/// What needs no record works without one, and says so.
#[test]
fn commands_that_only_look_need_no_database() {
    let pair = Pair::init();
    let _bob = pair.serve("bob");
    let url = format!("postgres = \"postgres://u@127.0.0.1:{}/db\"\n", free_port());
    pair.edit("alice", |text| url + &text);
    let capture = pair.file(
        "capture",
        b"POST /as2 HTTP/1.1\r\nAS2-From: bob\r\nAS2-To: alice\r\n\r\nISA*00*",
    );
    let alice = pair.config("alice");
    for args in [
        ["test-partner".as_ref(), alice.as_os_str(), "bob".as_ref()],
        ["inspect".as_ref(), alice.as_os_str(), capture.as_os_str()],
    ] {
        let said = run(args);
        assert_eq!(said.code, 0, "{args:?}: {}", said.err);
        assert!(
            said.err.contains("nothing on record is looked at"),
            "{args:?}: {}",
            said.err
        );
        assert!(said.out.contains("bob"), "{args:?}: {}", said.out);
    }
}
