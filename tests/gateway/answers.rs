//! What `send` makes of answers that are none, or not good ones: a status and an exit code for each.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use serde_json::Value;

use crate::common::{Pair, run};

/// What a server makes of the Message-ID of a message.
type Answer = Box<dyn FnOnce(&str) -> String + Send>;

/// A partner's server that answers one request with what `answer` makes of its Message-ID.
fn server(answer: impl FnOnce(&str) -> String + Send + 'static) -> String {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/as2", socket.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = socket.accept().unwrap();
        let head = read_request(&mut stream);
        let id = field(&head, "message-id").expect("a message has an id").to_owned();
        stream.write_all(answer(&id).as_bytes()).unwrap();
    });
    url
}

/// Reads a whole request and gives its head.
fn read_request(stream: &mut TcpStream) -> String {
    let mut octets = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).unwrap();
        assert_ne!(read, 0, "the request ended early");
        octets.extend_from_slice(&buffer[..read]);
        let Some(end) = octets.windows(4).position(|window| window == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&octets[..end]).into_owned();
        let length: usize = field(&head, "content-length").unwrap().parse().unwrap();
        if octets.len() >= end + 4 + length {
            return head;
        }
    }
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(": "));
    fields
        .find(|(other, _)| other.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

fn response(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}",
        body.len()
    )
}

/// An unsigned receipt from Bob to Alice.
fn receipt(id: &str, disposition: &str, mic: Option<&str>) -> String {
    let mic = mic.map_or_else(String::new, |mic| format!("Received-content-MIC: {mic}\r\n"));
    let body = format!(
        "--b\r\nContent-Type: text/plain\r\n\r\nwhat became of it\r\n--b\r\n\
         Content-Type: message/disposition-notification\r\n\r\n\
         Final-Recipient: rfc822; bob\r\nOriginal-Message-ID: {id}\r\n\
         Disposition: automatic-action/MDN-sent-automatically; {disposition}\r\n{mic}\r\n--b--\r\n"
    );
    let headers = "AS2-Version: 1.1\r\nAS2-From: bob\r\nAS2-To: alice\r\nMessage-ID: <r@bob>\r\n\
                   Content-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n";
    response("200 OK", headers, &body)
}

/// Alice with a Bob elsewhere.
struct Alice {
    pair: Pair,
    config: String,
}

impl Alice {
    fn new() -> Self {
        let pair = Pair::init();
        let config = fs::read_to_string(pair.config("alice")).unwrap();
        Self { pair, config }
    }

    /// Sends to that server, and asks for a receipt, signed or not.
    fn send(&self, url: &str, signed: bool) -> (i32, Value) {
        let own = format!("url = \"https://127.0.0.1:{}/as2\"", self.pair.ports[3]);
        let config = self.config.replace(&own, &format!("url = \"{url}\""));
        let config = config.replace("signed_receipt = true", &format!("signed_receipt = {signed}"));
        fs::write(self.pair.config("alice"), config).unwrap();
        let file = self.pair.file("order.edi", b"UNA:+.? '");
        self.pair.send_file("alice", "bob", &file, &[])
    }
}

#[test]
fn each_answer_has_a_status_and_an_exit_code() {
    let foreign = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=, sha-256";
    let cases: Vec<(&str, i32, bool, Answer)> = vec![
        ("missing-receipt", 4, true, Box::new(|_| response("200 OK", "", ""))),
        (
            "missing-receipt",
            4,
            true,
            Box::new(|_| response("204 No Content", "", "")),
        ),
        (
            "invalid-receipt",
            4,
            true,
            Box::new(|_| response("200 OK", "Content-Type: text/html\r\n", "<h1>Hello")),
        ),
        (
            "invalid-receipt",
            4,
            true,
            Box::new(|id| receipt(id, "processed", None)),
        ),
        (
            "invalid-receipt",
            4,
            false,
            Box::new(|_| receipt("<another@alice>", "processed", None)),
        ),
        (
            "mic-mismatch",
            4,
            false,
            Box::new(move |id| receipt(id, "processed", Some(foreign))),
        ),
        ("accepted", 0, false, Box::new(|id| receipt(id, "processed", None))),
        (
            "warning",
            0,
            false,
            Box::new(|id| receipt(id, "processed/warning: duplicate-document", None)),
        ),
        (
            "mic-mismatch",
            4,
            false,
            Box::new(move |id| receipt(id, "processed/warning: duplicate-document", Some(foreign))),
        ),
        (
            "rejected",
            2,
            false,
            Box::new(|id| receipt(id, "processed/error: decryption-failed", None)),
        ),
        (
            "rejected",
            2,
            false,
            Box::new(|id| receipt(id, "failed/failure: unsupported format", None)),
        ),
        (
            "transport-error",
            3,
            true,
            Box::new(|_| response("404 Not Found", "", "")),
        ),
        (
            "transport-error",
            3,
            true,
            Box::new(|_| response("302 Found", "Location: /\r\n", "")),
        ),
        (
            "transport-error",
            3,
            true,
            Box::new(|_| response("503 Service Unavailable", "", "later")),
        ),
        (
            "transport-error",
            3,
            true,
            Box::new(|_| "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf".to_owned()),
        ),
        (
            "transport-error",
            3,
            true,
            Box::new(|_| "SSH-2.0-OpenSSH_9.2\r\n".to_owned()),
        ),
    ];
    let alice = Alice::new();
    for (index, (status, code, signed, answer)) in cases.into_iter().enumerate() {
        let (exit, sent) = alice.send(&server(answer), signed);
        assert_eq!((exit, &sent["status"]), (code, &status.into()), "case {index}: {sent}");
        assert_eq!(sent["error"].is_null(), status == "accepted", "case {index}: {sent}");
        assert_eq!(sent["receipt_signed"], false);
    }
}

#[test]
fn other_statuses_are_reported() {
    let (_, sent) = Alice::new().send(&server(|_| response("404 Not Found", "", "")), true);
    assert_eq!(sent["http_status"], 404);
    assert!(sent["error"].as_str().unwrap().contains("404"), "{sent}");
}

/// Nobody listens, somebody else listens, the partner has another key.
#[test]
fn partners_that_are_not_there() {
    let pair = Pair::init();
    let file = pair.file("order.edi", b"UNA:+.? '");
    let (code, sent) = pair.send_file("alice", "bob", &file, &[]);
    assert_eq!((code, &sent["status"]), (3, &"transport-error".into()), "{sent}");
    assert!(
        sent["error"].as_str().unwrap().contains("cannot connect to 127.0.0.1:"),
        "{sent}"
    );

    // Bob has another certificate than Alice pinned.
    fs::copy(pair.path("alice/tls.pem"), pair.path("alice/bob-tls.pem")).unwrap();
    let _bob = pair.serve("bob");
    let (code, sent) = pair.send_file("alice", "bob", &file, &[]);
    assert_eq!((code, &sent["status"]), (3, &"transport-error".into()), "{sent}");
    assert!(sent["error"].as_str().unwrap().contains("TLS"), "{sent}");
}

/// The receipts are signed, and name what was sent: what Bob refuses is refused.
#[test]
fn a_partner_that_refuses() {
    let pair = Pair::init();
    // Bob knows another certificate of Alice.
    fs::copy(pair.path("bob/bob.pem"), pair.path("bob/alice.pem")).unwrap();
    let _bob = pair.serve("bob");
    let file = pair.file("order.edi", b"UNA:+.? '");
    let (code, sent) = pair.send_file("alice", "bob", &file, &[]);
    assert_eq!((code, &sent["status"]), (2, &"rejected".into()), "{sent}");
    assert_eq!(
        sent["disposition"],
        "automatic-action/MDN-sent-automatically; processed/error: authentication-failed"
    );
    assert_eq!(sent["receipt_signed"], true);
    assert!(pair.received("bob", "alice").is_empty());
}

#[test]
fn retries_send_the_same_message_again() {
    let pair = Pair::init();
    pair.replace(
        "alice",
        "signed_receipt = true",
        "signed_receipt = true\nretries = 2\nretry_delay = \"1ms\"",
    );
    let file = pair.file("order.edi", b"UNA:+.? '");
    let (code, sent) = pair.send_file("alice", "bob", &file, &["--retry"]);
    assert_eq!((code, &sent["attempts"]), (3, &3.into()), "{sent}");
    let (_, sent) = pair.send_file("alice", "bob", &file, &[]);
    assert_eq!(sent["attempts"], 1);
}

#[test]
fn usage_errors_have_exit_code_1() {
    let pair = Pair::init();
    let file = pair.file("order.edi", b"");
    let (config, file) = (pair.config("alice"), file.into_os_string());
    let config = config.as_os_str();
    for (args, error) in [
        (
            vec!["send".as_ref(), config, "--to".as_ref(), "carol".as_ref(), &file],
            "there is no partner \"carol\"; the configuration has: bob",
        ),
        (
            vec![
                "send".as_ref(),
                config,
                "--to".as_ref(),
                "bob".as_ref(),
                "none.edi".as_ref(),
            ],
            "none.edi does not exist",
        ),
        (vec!["send".as_ref(), config, &file], "--to"),
        (vec!["send".as_ref(), config, "--to".as_ref(), "bob".as_ref()], "FILE"),
        (
            vec![
                "send".as_ref(),
                config,
                "--to".as_ref(),
                "bob".as_ref(),
                &file,
                "--message-id".as_ref(),
                "no-at".as_ref(),
            ],
            "--message-id: ",
        ),
        (
            vec![
                "send".as_ref(),
                config,
                "--to".as_ref(),
                "bob".as_ref(),
                &file,
                &file,
                "--message-id".as_ref(),
                "a@b".as_ref(),
            ],
            "for one message",
        ),
        (vec!["sned".as_ref()], "unrecognized subcommand"),
        (
            vec!["serve".as_ref(), "nowhere.toml".as_ref()],
            "nowhere.toml: cannot read the configuration",
        ),
    ] {
        let said = run(&args);
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{args:?}: {}", said.err);
        assert!(said.err.contains(error), "{args:?}: {}", said.err);
    }
    assert_eq!(run(["--help"]).code, 0);
}
