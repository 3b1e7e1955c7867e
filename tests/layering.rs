//! The order of the rooms, checked on the text of `src/`: a room uses only rooms below it, and the protocol itself knows
//! no runtime, no sockets, no clock and no source of randomness.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms from bottom to top. Those on one line do not use each other, except the plain values.
const ROOMS: &[&[&str]] = &[
    &[
        "algorithm",
        "cause",
        "clock",
        "entropy",
        "features",
        "future",
        "limits",
        "message_id",
        "mic",
        "name",
        "percent",
        "test_log",
        "version",
    ],
    &["cms", "mime"],
    &["partnership"],
    &["envelope", "mdn"],
    &["telemetry"],
    &["keystore", "spool", "store"],
    &["attachments", "transport"],
    &["diagnose", "exchange"],
    &["client", "receiver", "testing"],
    // Sends through the client what it has queued, and posts what the receiver has; neither waits for it.
    &["outbox"],
    &["guide"],
];

const VALUES: usize = 0;

/// Rooms up to this line (`envelope`, `mdn`) are the core.
const CORE: usize = 3;

/// What the core must not name, each a run of tokens.
const FORBIDDEN_IN_CORE: &[&[&str]] = &[
    &["tokio"],
    &["hyper"],
    &["rustls"],
    &["getrandom"],
    &["async"],
    &["SystemTime", "::", "now"],
    &["Instant", "::", "now"],
];

/// The places where the system is asked for time and randomness: the defaults of traits that hosts replace.
const SYSTEM: [&str; 2] = ["clock", "entropy"];

fn line_of(room: &str) -> Option<usize> {
    ROOMS.iter().position(|line| line.contains(&room))
}

fn may_use(from: &str, to: &str) -> bool {
    match (line_of(from), line_of(to)) {
        (Some(VALUES), Some(VALUES)) => true,
        (Some(from_line), Some(to_line)) => from == to || to_line < from_line,
        _ => false,
    }
}

/// Splits Rust source into identifiers, `::` and single characters of punctuation, without comments and literals.
fn tokens(source: &str) -> Vec<String> {
    let chars: Vec<char> = source.chars().collect();
    let at = |i: usize| chars.get(i).copied();
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    let mut i = 0;
    while let Some(c) = at(i) {
        match c {
            '/' if at(i + 1) == Some('/') => {
                while at(i).is_some_and(|c| c != '\n') {
                    i += 1;
                }
            }
            '/' if at(i + 1) == Some('*') => {
                let mut depth = 0;
                while at(i).is_some() {
                    match (at(i), at(i + 1)) {
                        (Some('/'), Some('*')) => (depth, i) = (depth + 1, i + 2),
                        (Some('*'), Some('/')) => (depth, i) = (depth - 1, i + 2),
                        _ => i += 1,
                    }
                    if depth == 0 {
                        break;
                    }
                }
            }
            '"' => {
                i += 1;
                while at(i).is_some_and(|c| c != '"') {
                    i += if at(i) == Some('\\') { 2 } else { 1 };
                }
                i += 1;
            }
            // A character, unless it is a lifetime.
            '\'' if at(i + 1) == Some('\\') => {
                i += 3;
                while at(i).is_some_and(|c| c != '\'') {
                    i += 1;
                }
                i += 1;
            }
            '\'' if at(i + 2) == Some('\'') => i += 3,
            ':' if at(i + 1) == Some(':') => {
                found.push("::".to_owned());
                i += 2;
            }
            c if is_word(c) => {
                let mut word = String::new();
                while let Some(c) = at(i).filter(|c| is_word(*c)) {
                    word.push(c);
                    i += 1;
                }
                let mut hashes = 0;
                while at(i + hashes) == Some('#') {
                    hashes += 1;
                }
                if matches!(word.as_str(), "r" | "br" | "cr") && at(i + hashes) == Some('"') {
                    i += hashes + 1;
                    while at(i).is_some() && !(at(i) == Some('"') && (1..=hashes).all(|hash| at(i + hash) == Some('#')))
                    {
                        i += 1;
                    }
                    i += hashes + 1;
                } else {
                    found.push(word);
                }
            }
            c => {
                if !c.is_whitespace() {
                    found.push(c.to_string());
                }
                i += 1;
            }
        }
    }
    found
}

/// The first names of a use tree: of `a::b` it is `a`, of `{a::b, c}` they are `a` and `c`.
fn first_names(tree: &[String]) -> Vec<String> {
    let mut names = Vec::new();
    if tree.first().is_none_or(|token| token != "{") {
        names.extend(tree.first().cloned());
        return names;
    }
    let mut depth = 0;
    let mut expected = false;
    for token in tree {
        match token.as_str() {
            "{" => (depth, expected) = (depth + 1, depth == 0),
            "}" if depth == 1 => break,
            "}" => depth -= 1,
            "," => expected = depth == 1,
            name if expected => {
                names.push(name.to_owned());
                expected = false;
            }
            _ => {}
        }
    }
    names
}

/// What `crate::` is followed by anywhere in the file, and `super::` where it leads up to the crate's root and on into
/// a room. `depth` is how many modules deep the file is: 1 for `src/mic.rs` and `src/mime/mod.rs`.
fn root_paths(tokens: &[String], depth: usize) -> Vec<String> {
    let mut names = Vec::new();
    let mut supers = 0;
    for (i, token) in tokens.iter().enumerate() {
        let rest = tokens.get(i + 1..).unwrap_or_default();
        let tree = match rest.split_first() {
            Some((separator, tree)) if separator == "::" => tree,
            _ if token == "crate" && rest.first().is_some_and(|next| next == "as") => {
                names.push("as".to_owned());
                continue;
            }
            _ => {
                if token != "::" {
                    supers = 0;
                }
                continue;
            }
        };
        match token.as_str() {
            "crate" => names.extend(first_names(tree)),
            "super" => {
                supers += 1;
                if supers >= depth {
                    // One more level may be an inline module: only the name of a room tells.
                    names.extend(first_names(tree).into_iter().filter(|name| line_of(name).is_some()));
                }
            }
            _ => supers = 0,
        }
    }
    names
}

fn is_name(token: &str) -> bool {
    token != "as" && token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Which room each name at the crate's root comes from: the rooms themselves and what `lib.rs` re-exports.
fn root_names(lib: &[String]) -> BTreeMap<String, String> {
    let mut names: BTreeMap<String, String> = ROOMS
        .iter()
        .copied()
        .flatten()
        .map(|room| ((*room).to_owned(), (*room).to_owned()))
        .collect();
    for (i, token) in lib.iter().enumerate() {
        let statement: Vec<&String> = lib
            .get(i + 1..)
            .unwrap_or_default()
            .iter()
            .take_while(|token| *token != ";")
            .collect();
        let Some(room) = statement
            .first()
            .filter(|room| token == "use" && line_of(room).is_some())
        else {
            continue;
        };
        for name in statement
            .iter()
            .skip(1)
            .filter(|token| is_name(token) && line_of(token).is_none())
        {
            names.insert((*name).clone(), (*room).clone());
        }
    }
    names
}

/// The faults of one file. `path` is relative to `src/`.
fn faults(path: &Path, source: &str, roots: &BTreeMap<String, String>) -> Vec<String> {
    let shown = path.display();
    let mut parts: Vec<String> = path
        .with_extension("")
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    if parts.last().is_some_and(|last| last == "mod") {
        parts.pop();
    }
    let Some((room, line)) = parts.first().and_then(|room| Some((room, line_of(room)?))) else {
        return vec![format!("{shown}: not a room of this test's table")];
    };
    let tokens = tokens(source);
    let mut faults = Vec::new();
    for name in root_paths(&tokens, parts.len()) {
        match roots.get(&name) {
            None => faults.push(format!("{shown}: `crate::{name}` leads to no room")),
            Some(used) if !may_use(room, used) => faults.push(format!("{shown}: {room} uses {used} (`crate::{name}`)")),
            Some(_) => {}
        }
    }
    if line <= CORE {
        for forbidden in FORBIDDEN_IN_CORE {
            let named = tokens.windows(forbidden.len()).any(|window| window == *forbidden);
            if named && !SYSTEM.contains(&room.as_str()) {
                faults.push(format!("{shown}: names `{}`", forbidden.concat()));
            }
        }
    }
    faults
}

fn rust_files(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a readable directory") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

#[test]
fn rooms_use_only_rooms_below_them() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let roots = root_names(&tokens(&fs::read_to_string(src.join("lib.rs")).unwrap()));
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    assert!(
        files.len() > ROOMS.concat().len(),
        "{} files are not the whole crate",
        files.len()
    );
    let found: Vec<String> = files
        .iter()
        .map(|file| (file.strip_prefix(&src).unwrap(), fs::read_to_string(file).unwrap()))
        .filter(|(path, _)| *path != Path::new("lib.rs"))
        .flat_map(|(path, source)| faults(path, &source, &roots))
        .collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

/// The faults of a made-up file in a crate whose root re-exports a value and a shell.
fn faults_of(path: &str, source: &str) -> Vec<String> {
    let lib = "mod limits; pub mod cms; pub use limits::Limits; pub use client::{As2Client, SendError as Failed};";
    faults(Path::new(path), source, &root_names(&tokens(lib)))
}

#[test]
fn upward_and_sideways_edges_are_found() {
    for (path, source, fault) in [
        (
            "cms/ber.rs",
            "use crate::envelope::Encoder;",
            "cms/ber.rs: cms uses envelope (`crate::envelope`)",
        ),
        (
            "cms/mod.rs",
            "use crate::mime;",
            "cms/mod.rs: cms uses mime (`crate::mime`)",
        ),
        (
            "mic.rs",
            "fn f() { crate::cms::digest() }",
            "mic.rs: mic uses cms (`crate::cms`)",
        ),
        (
            "mdn/mod.rs",
            "use crate::{Limits, cms::{Certificate}, client};",
            "mdn/mod.rs: mdn uses client (`crate::client`)",
        ),
        (
            "mdn/a.rs",
            "use crate::As2Client;",
            "mdn/a.rs: mdn uses client (`crate::As2Client`)",
        ),
        (
            "mdn/a.rs",
            "use crate::Failed;",
            "mdn/a.rs: mdn uses client (`crate::Failed`)",
        ),
        (
            "mdn/a.rs",
            "use super::super::envelope::Decoder;",
            "mdn/a.rs: mdn uses envelope (`crate::envelope`)",
        ),
        (
            "mdn/mod.rs",
            "use super::{envelope};",
            "mdn/mod.rs: mdn uses envelope (`crate::envelope`)",
        ),
        (
            "client/mod.rs",
            "use crate::receiver::A;",
            "client/mod.rs: client uses receiver (`crate::receiver`)",
        ),
        ("mdn/mod.rs", "use crate::*;", "mdn/mod.rs: `crate::*` leads to no room"),
        (
            "mdn/mod.rs",
            "use crate as all;",
            "mdn/mod.rs: `crate::as` leads to no room",
        ),
        ("util.rs", "", "util.rs: not a room of this test's table"),
    ] {
        assert_eq!(faults_of(path, source), [fault], "{path}: {source}");
    }
}

#[test]
fn runtime_clock_and_entropy_are_found_in_the_core() {
    for (source, fault) in [
        ("use tokio::fs;", "tokio"),
        ("async fn f() {}", "async"),
        ("let f = async move { 1 };", "async"),
        ("std::time::SystemTime :: now()", "SystemTime::now"),
        ("let c = '\"'; let t = Instant::now();", "Instant::now"),
        ("let s = r#\"a\"b\"#; getrandom::fill(b);", "getrandom"),
        ("fn f<'a>(x: &'a rustls::Error) {}", "rustls"),
    ] {
        for room in [
            "limits.rs",
            "mime/a.rs",
            "cms/a.rs",
            "partnership/mod.rs",
            "envelope/a/tests.rs",
            "mdn/mod.rs",
        ] {
            assert_eq!(
                faults_of(room, source),
                [format!("{room}: names `{fault}`")],
                "{source}"
            );
        }
    }
}

#[test]
fn downward_edges_comments_and_literals_are_no_faults() {
    for (path, source) in [
        (
            "cms/ber.rs",
            "use crate::Limits; use crate::cms::der; use super::reader; pub(crate) fn f() {}",
        ),
        ("mic.rs", "use crate::{algorithm::DigestAlgorithm, limits::Limits};"),
        ("mdn/a/tests.rs", "use super::super::envelope_of; use super::*;"),
        (
            "keystore/mod.rs",
            "use crate::{cms, partnership}; pub async fn f() { tokio::spawn(g()); }",
        ),
        ("clock.rs", "SystemTime::now()"),
        (
            "mime/a.rs",
            "/// crate::client, async\n/* tokio /* nested */ hyper */ const A: &str = \"tokio \\\" hyper\";",
        ),
        (
            "mime/a.rs",
            "use rustls_pki_types::CertificateDer; const R: &[u8] = br##\"async \"# tokio\"##; 'outer: loop {}",
        ),
    ] {
        assert_eq!(faults_of(path, source), [""; 0], "{path}: {source}");
    }
}
