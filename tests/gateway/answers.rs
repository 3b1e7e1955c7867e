//! What `send` makes of answers that are none, or not good ones: a status and an exit code for each.

use std::fs;

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::Value;

use crate::common::{Pair, fixture, run};
use crate::partner::{Receipt, Server, bob, response};

const DUPLICATE: &str = "processed/warning: duplicate-document";

/// What a server makes of the Message-ID of a message.
type Answer = Box<dyn FnOnce(&str) -> String + Send>;

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

    /// Sends to a server that answers so, and asks for a receipt, signed or not.
    fn send(&self, answer: Answer, signed: bool) -> (i32, Value) {
        let url = Server::answering(|request| answer(request.message_id())).url;
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
            Box::new(|id| Receipt::new(id, "processed", None).response()),
        ),
        (
            "invalid-receipt",
            4,
            true,
            Box::new(|_| response("200 OK", "Content-Type: text/html\r\n", &"x".repeat(2 << 20))),
        ),
        // Nobody here has the key.
        (
            "invalid-receipt",
            4,
            true,
            Box::new(|_| {
                let headers = "Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\
                               Content-Transfer-Encoding: base64\r\n";
                let message = fs::read(fixture("pyas2lib/encrypted.body")).unwrap();
                response("200 OK", headers, &BASE64_STANDARD.encode(message))
            }),
        ),
        (
            "invalid-receipt",
            4,
            false,
            Box::new(|_| Receipt::new("<another@alice>", "processed", None).response()),
        ),
        (
            "mic-mismatch",
            4,
            false,
            Box::new(move |id| Receipt::new(id, "processed", Some(foreign)).response()),
        ),
        (
            "accepted",
            0,
            false,
            Box::new(|id| Receipt::new(id, "processed", None).response()),
        ),
        (
            "warning",
            0,
            false,
            Box::new(|id| Receipt::new(id, DUPLICATE, None).response()),
        ),
        (
            "mic-mismatch",
            4,
            false,
            Box::new(move |id| Receipt::new(id, DUPLICATE, Some(foreign)).response()),
        ),
        (
            "rejected",
            2,
            false,
            Box::new(|id| Receipt::new(id, "processed/error: decryption-failed", None).response()),
        ),
        (
            "rejected",
            2,
            false,
            Box::new(|id| Receipt::new(id, "failed/failure: unsupported format", None).response()),
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
        let (exit, sent) = alice.send(answer, signed);
        assert_eq!((exit, &sent["status"]), (code, &status.into()), "case {index}: {sent}");
        assert_eq!(sent["error"].is_null(), status == "accepted", "case {index}: {sent}");
        assert_eq!(sent["receipt_signed"], false);
        assert!(sent["mic_sent"].is_string(), "case {index}: {sent}");
    }
}

/// A warning counts as one where the digest is right, or where an unsigned receipt has none.
#[test]
fn signed_warnings() {
    let alice = Alice::new();
    let bob = bob(&alice.pair);
    for mic in [None, Some("no digest, sha-256")] {
        let bob = bob.clone();
        let answer = move |id: &str| Receipt::new(id, DUPLICATE, mic).signed(&bob).response();
        let (code, sent) = alice.send(Box::new(answer), true);
        assert_eq!((code, &sent["status"]), (4, &"mic-mismatch".into()), "{mic:?}: {sent}");
        assert_eq!(sent["receipt_signed"], true);
    }
}

#[test]
fn other_statuses_are_reported() {
    let (_, sent) = Alice::new().send(Box::new(|_| response("404 Not Found", "", "")), true);
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
    let error = sent["error"].as_str().unwrap();
    assert!(error.contains("send it our present certificate"), "{error}");
    assert!(pair.received("bob", "alice").is_empty());
}

/// The result is all that `send` has to say.
#[test]
fn a_message_that_fails_is_told_of_once() {
    let pair = Pair::init();
    fs::copy(pair.path("bob/bob.pem"), pair.path("bob/alice.pem")).unwrap();
    let (config, file) = (pair.config("alice"), pair.file("order.edi", b"UNA:+.? '"));
    let send = || {
        let to = ["--to".as_ref(), "bob".as_ref()];
        run(["send".as_ref(), config.as_os_str(), file.as_os_str()]
            .into_iter()
            .chain(to))
    };
    let said = send();
    assert_eq!((said.code, said.err.as_str()), (3, ""));
    assert_eq!(said.out.matches("transport-error").count(), 1, "{}", said.out);
    let _bob = pair.serve("bob");
    let said = send();
    assert_eq!((said.code, said.err.as_str()), (2, ""));
    assert_eq!(said.out.lines().count(), 1, "{}", said.out);
}

#[test]
fn retries_send_the_same_message_again() {
    let pair = Pair::retrying(2, "1ms");
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
