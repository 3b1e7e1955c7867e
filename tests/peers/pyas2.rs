//! pyas2lib, as an AS2 server and as an AS2 client: `pyas2_peer.py` tells what it saw.

mod receives;
mod sends;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use ediint::cms::Certificate;
use ediint::keystore::Identity;
use ediint::partnership::Partnership;
use ediint::{As2Name, DigestAlgorithm};
use http::Uri;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::tests;
use crate::us::Us;

/// Its AS2 name and ours.
type Names = (&'static str, &'static str);
const NAMES: Names = ("pyas2", "receiver");
/// Names that need quotes in a header.
const QUOTED_NAMES: Names = ("pyas2 Ltd", "\"the\" receiver");

fn pem(name: &str) -> PathBuf {
    tests("data/pyas2lib").join(format!("{name}.pem"))
}

fn certificate(name: &str) -> Certificate {
    Certificate::from_pem(&fs::read(pem(name)).unwrap()).unwrap()
}

/// Our agreement with pyas2lib at `url`.
fn partnership((theirs, ours): Names, url: Uri) -> Partnership {
    Partnership::new(As2Name::new(ours).unwrap(), As2Name::new(theirs).unwrap(), url)
        .receipt_host("127.0.0.1".parse().unwrap())
}

fn us(partnership: Partnership) -> Us {
    let (own, key) = (
        fs::read(pem("receiver-cert")).unwrap(),
        fs::read(pem("receiver-key")).unwrap(),
    );
    Us::new(
        partnership,
        Identity::from_pem(&own, &key).unwrap(),
        certificate("pyas2-cert"),
    )
}

/// Every octet, in no order that a line-based reader could like.
fn binary() -> Vec<u8> {
    (0..=u8::MAX).rev().collect::<Vec<u8>>().repeat(50)
}

/// The key that it has and the certificate that it knows us by, where all is as agreed.
const KEYS: (&str, &str) = ("pyas2", "receiver-cert");

/// As Python's hashlib has it.
fn hashlib(algorithm: DigestAlgorithm) -> String {
    algorithm.to_string().replace('-', "")
}

/// A run of `pyas2_peer.py` in a directory of its own.
struct Peer {
    directory: TempDir,
    process: Child,
    facts: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    /// With the key of `own`, and the certificate `other` for us.
    fn start(command: &str, names: Names, (own, other): (&str, &str), arguments: &[&str]) -> Self {
        let python = env::var_os("EDIINT_PYAS2_PYTHON").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/bin/python"),
            PathBuf::from,
        );
        assert!(
            python.exists(),
            "{} is not there: run tests/peers/setup",
            python.display()
        );
        let directory = tempfile::tempdir().unwrap();
        let mut process = Command::new(python)
            .args(["-W", "ignore"])
            .arg(tests("peers/pyas2_peer.py"))
            .args([command, "--name", names.0, "--partner-name", names.1])
            .arg("--key")
            .arg(pem(&format!("{own}-key")))
            .arg("--cert")
            .arg(pem(&format!("{own}-cert")))
            .arg("--partner-cert")
            .arg(pem(other))
            .args(arguments)
            .env("OPENSSL_CONF", tests("peers/openssl-legacy.cnf"))
            .current_dir(directory.path())
            // It ends when this is closed.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(directory.path().join("stderr")).unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let facts = BufReader::new(process.stdout.take().unwrap()).lines();
        Self {
            directory,
            process,
            facts,
        }
    }

    /// The next thing that it tells, which has to be of this kind.
    async fn fact(&mut self, event: &str) -> Value {
        let Some(line) = self.facts.next_line().await.unwrap() else {
            let said = fs::read_to_string(self.directory.path().join("stderr")).unwrap();
            panic!("pyas2lib ended with {}: {said}", self.process.wait().await.unwrap());
        };
        let fact: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(fact["event"], event, "{fact:#}");
        fact
    }
}
