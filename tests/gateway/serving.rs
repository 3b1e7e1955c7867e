//! Listening, and stopping.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use crate::common::{Pair, entries, json, run, wait_for};

fn get(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn listening_lines_have_the_real_ports() {
    let pair = Pair::init();
    for port in &pair.ports[..2] {
        pair.replace(
            "alice",
            &format!("listen = \"127.0.0.1:{port}\""),
            "listen = \"127.0.0.1:0\"",
        );
    }
    let serving = pair.serve("alice");
    let [http, https] = &serving.listening[..] else {
        panic!("{:?}", serving.listening)
    };
    let http = http.strip_prefix("http ").unwrap();
    assert!(
        https.starts_with("https 127.0.0.1:") && !https.ends_with(":0"),
        "{https}"
    );
    let answer = get(http, "GET /as2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
    let answer = get(
        http,
        "POST /other HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    );
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    let said = serving.stop();
    assert_eq!((said.code, said.out.as_str()), (0, ""), "{}", said.err);
}

#[test]
fn a_port_that_is_taken_is_an_error() {
    let pair = Pair::init();
    let _alice = pair.serve("alice");
    let said = run(["serve".as_ref(), pair.config("alice").as_os_str()]);
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    assert!(
        said.err
            .contains(&format!("cannot listen on 127.0.0.1:{}", pair.ports[0])),
        "{}",
        said.err
    );
}

/// A request that is under way when SIGTERM comes is answered; then the port is closed, and the process ends well.
#[test]
fn sigterm_drains() {
    let pair = Pair::init();
    let alice = pair.serve("alice");
    let address = format!("127.0.0.1:{}", pair.ports[0]);
    let mut stream = TcpStream::connect(&address).unwrap();
    // The interim answer shows that the request has been read.
    let head = "POST /as2 HTTP/1.1\r\nHost: a\r\nAS2-From: bob\r\nAS2-To: alice\r\nMessage-ID: <1@bob>\r\n\
                Content-Type: text/plain\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    alice.terminate();
    while TcpStream::connect(&address).is_ok() {
        std::thread::yield_now();
    }
    stream.write_all(b"body").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let said = alice.end();
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.err.contains("insufficient-message-security"), "{}", said.err);
}

#[test]
fn clients_without_a_certificate_do_not_get_in() {
    let pair = Pair::init();
    let bob = pair.serve("bob");
    pair.replace(
        "alice",
        "client_certificate = \"tls.pem\"\nclient_key = \"tls.key\"\n",
        "",
    );
    let file = pair.file("order.edi", b"UNA:+.? '");
    let (code, sent) = pair.send_file("alice", "bob", &file, &[]);
    assert_eq!((code, &sent["status"]), (3, &"transport-error".into()), "{sent}");
    assert!(pair.received("bob", "alice").is_empty());
    let said = bob.stop();
    assert!(
        said.err.contains("a TLS connection from 127.0.0.1 was refused"),
        "{}",
        said.err
    );
}

#[test]
fn what_is_larger_than_allowed_is_refused() {
    let pair = Pair::init();
    pair.replace(
        "bob",
        "data_dir = \"data\"",
        "data_dir = \"data\"\nmax_message_size = \"64KiB\"",
    );
    let _bob = pair.serve("bob");
    let fits = pair.file("fits.edi", &vec![b'x'; 64 << 10]);
    let (code, sent) = pair.send_file("alice", "bob", &fits, &[]);
    assert_eq!(code, 0, "{sent}");
    let larger = pair.file("larger.edi", &vec![b'x'; (64 << 10) + 1]);
    let (code, sent) = pair.send_file("alice", "bob", &larger, &[]);
    assert_eq!((code, &sent["status"]), (2, &"rejected".into()), "{sent}");
    assert_eq!(pair.received("bob", "alice").len(), 1);
    assert!(entries(&pair.path("bob/data/spool")).is_empty());
}

/// One line a message on each side, however the receipt comes, and no private key in it.
#[test]
fn the_log_has_a_line_for_each_message_and_no_secret() {
    let pair = Pair::init();
    let (alice, bob) = (pair.serve("alice"), pair.serve("bob"));
    let file = pair.file("order.edi", b"the-payload-itself");
    assert_eq!(
        pair.send_file("alice", "bob", &file, &["--message-id", "sync@alice"]).0,
        0
    );
    let options = ["--message-id", "async@alice", "--async", "--wait", "60"];
    assert_eq!(pair.send_file("alice", "bob", &file, &options).0, 0);
    let (of_alice, of_bob) = (alice.stop().err, bob.stop().err);
    let lines = |log: &str, text: &str| log.lines().filter(|line| line.contains(text)).count();
    // `send` took the receipt of the first.
    assert_eq!(lines(&of_alice, "<sync@alice>"), 0, "{of_alice}");
    assert_eq!(lines(&of_alice, "<async@alice>"), 1, "{of_alice}");
    assert_eq!(lines(&of_bob, "<sync@alice>"), 1, "{of_bob}");
    assert_eq!(lines(&of_bob, "<async@alice>"), 1, "{of_bob}");
    for log in [of_alice, of_bob] {
        assert_eq!(lines(&log, "the-payload-itself") + lines(&log, "PRIVATE"), 0, "{log}");
    }
}

/// What became of a file of the outbox is told once as well, also where it is not good.
#[test]
fn the_log_has_a_line_for_a_file_that_is_refused() {
    let pair = Pair::init();
    // Bob knows another certificate of Alice.
    fs::copy(pair.path("bob/bob.pem"), pair.path("bob/alice.pem")).unwrap();
    let (alice, _bob) = (pair.serve("alice"), pair.serve("bob"));
    pair.drop_into_outbox("order.edi", b"content");
    let note = pair.path("alice/data/failed/bob/order.edi.error.json");
    wait_for("the refusal", || note.exists().then_some(()));
    let said = alice.stop().err;
    let id = json(&note)["message_id"].as_str().unwrap().to_owned();
    assert_eq!(said.lines().filter(|line| line.contains(&id)).count(), 1, "{said}");
}

/// Whoever tries keys out is to be found.
#[test]
fn the_log_says_where_came_from_what_cannot_be_decrypted() {
    let pair = Pair::init();
    // Alice encrypts for another key than Bob's.
    fs::copy(pair.path("alice/alice.pem"), pair.path("alice/bob.pem")).unwrap();
    let bob = pair.serve("bob");
    let file = pair.file("order.edi", b"UNA:+.? '");
    let (code, sent) = pair.send_file("alice", "bob", &file, &[]);
    assert_eq!(code, 4, "{sent}");
    let said = bob.stop().err;
    let told = |line: &&str| line.contains("event=\"decryption-failed\"") && line.contains(" peer=127.0.0.1");
    assert_eq!(said.lines().filter(told).count(), 1, "{said}");
}
