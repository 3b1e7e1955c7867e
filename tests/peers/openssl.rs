//! The `openssl` command. Alice signs, bob decrypts; openssl made their keys too.

mod algorithms;
mod cms;
mod ours;
mod theirs;
mod tls;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ediint::cms::Certificate;
use ediint::keystore::{Identity, PrivateKey};
use ediint::partnership::{AcceptPolicy, Partnership, SendProfile};
use ediint::{As2Name, DigestAlgorithm, Mic};
use tempfile::TempDir;

use crate::us::Us;
use crate::{peers_wanted, tests};

/// A directory for files that pass between us and openssl; `None` where peers are not asked for.
fn workshop() -> Option<TempDir> {
    peers_wanted().then(|| tempfile::tempdir().unwrap())
}

fn fixture(name: &str) -> PathBuf {
    tests("data/openssl").join(name)
}

pub(crate) fn certificate(party: &str) -> Certificate {
    Certificate::from_pem(&fs::read(fixture(&format!("cms/{party}.pem"))).unwrap()).unwrap()
}

pub(crate) fn identity(party: &str) -> Identity {
    let key = PrivateKey::from_der(&fs::read(fixture(&format!("cms/{party}.key.der"))).unwrap()).unwrap();
    Identity::new(certificate(party), key).unwrap()
}

/// Runs openssl.
fn run(arguments: &[&str], files: &[(&str, &Path)]) -> Output {
    let mut command = Command::new("openssl");
    command.args(arguments);
    for (option, file) in files {
        command.arg(option).arg(file);
    }
    match command.output() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            panic!("EDIINT_PEERS=1 is set, but there is no openssl command on the PATH")
        }
        output => output.unwrap(),
    }
}

/// Runs openssl, which has to succeed, and returns what it printed.
fn openssl(arguments: &[&str], files: &[(&str, &Path)]) -> Vec<u8> {
    let output = run(arguments, files);
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {arguments:?}: {message}");
    output.stdout
}

/// Payloads that software between two parties likes to change.
fn payloads() -> Vec<Vec<u8>> {
    let every_octet: Vec<u8> = (0..=255).collect();
    vec![
        b"UNB+UNOA:1+ALICE+BOB+261124:0300+1'\r\nUNZ+0+1'\r\n".to_vec(),
        b"UNB+UNOA:1+ALICE+BOB+261124:0300+1'\nUNZ+0+1'\n".to_vec(),
        b"no line end".to_vec(),
        b"\r\n\r\n--\r\n".to_vec(),
        Vec::new(),
        every_octet.repeat(300),
    ]
}

fn party(local: &str, remote: &str, send: SendProfile, accept: AcceptPolicy) -> Us {
    let name = |name| As2Name::new(name).unwrap();
    let url = "http://127.0.0.1/as2".parse().unwrap();
    let partnership = Partnership::new(name(local), name(remote), url)
        .send(send)
        .accept(accept);
    Us::new(partnership, identity(local), certificate(remote))
}

/// Puts octets into a file of the workshop.
fn file(workshop: &TempDir, name: &str, octets: &[u8]) -> PathBuf {
    let path = workshop.path().join(name);
    fs::write(&path, octets).unwrap();
    path
}

/// The digest that openssl computes.
fn digest(workshop: &TempDir, algorithm: DigestAlgorithm, octets: &[u8]) -> Mic {
    let option = format!("-{}", algorithm.to_string().replace('-', ""));
    let digest = openssl(
        &["dgst", &option, "-binary"],
        &[("-r", &file(workshop, "digested", octets))],
    );
    Mic::new(algorithm, digest).unwrap()
}

/// Headers and body of a MIME entity, apart at its first empty line, which goes with the headers.
fn split(entity: &[u8]) -> (&str, &[u8]) {
    let (crlf, lf) = (b"\r\n\r\n".as_slice(), b"\n\n".as_slice());
    let end = |line: &[u8]| memchr::memmem::find(entity, line).map(|at| at + line.len());
    let end = end(crlf).into_iter().chain(end(lf)).min().unwrap();
    let (head, body) = entity.split_at(end);
    (std::str::from_utf8(head).unwrap(), body)
}
