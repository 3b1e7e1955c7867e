//! A pair of stations in a directory of their own, and the binary.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use ediint::cms::Certificate;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// How long something is waited for that has to happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// The example, as cargo built it together with this test.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let own = std::env::current_exe().unwrap();
        let path = own.parent().unwrap().parent().unwrap().join("examples/gateway");
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let newest = ["examples/gateway", "examples/support", "src"].map(|part| newest(&root.join(part)));
        let built = path.metadata().and_then(|metadata| metadata.modified());
        assert!(
            built.is_ok_and(|built| newest.into_iter().all(|source| source <= built)),
            "{} is missing or older than its source: run all of `cargo test`, or `cargo build --example gateway` first",
            path.display()
        );
        path
    })
}

fn newest(path: &Path) -> SystemTime {
    if !path.is_dir() {
        return path.metadata().unwrap().modified().unwrap();
    }
    let entries = fs::read_dir(path).unwrap().map(|entry| newest(&entry.unwrap().path()));
    entries.max().unwrap_or(SystemTime::UNIX_EPOCH)
}

pub(crate) fn gateway(args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = Command::new(binary());
    command.args(args).stdin(Stdio::null());
    // Those of the fixtures.
    command.envs([("OPENSSL_PASSWORD", "secret"), ("KEYTOOL_PASSWORD", "secret1")]);
    command
}

/// What a command that ends by itself has said.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

pub(crate) fn run(args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Said {
    gateway(args).output().unwrap().into()
}

/// Alice and Bob as `init` makes them, on ports that were free a moment ago.
pub(crate) struct Pair {
    pub(crate) dir: TempDir,
    /// HTTP and HTTPS of Alice, HTTP and HTTPS of Bob.
    pub(crate) ports: [u16; 4],
}

impl Pair {
    pub(crate) fn init() -> Self {
        let dir = TempDir::new().unwrap();
        let said = run([OsStr::new("init"), dir.path().as_os_str()]);
        assert_eq!(said.code, 0, "{}", said.err);
        let ports = [(); 4].map(|()| free_port());
        let pair = Self { dir, ports };
        for name in ["alice", "bob"] {
            pair.edit(name, |mut text| {
                // One port may begin with the digits of another.
                for (index, default) in (0..4).zip(4080..) {
                    text = text.replace(&format!(":{default}"), &format!(":<{index}>"));
                }
                for (index, port) in pair.ports.iter().enumerate() {
                    text = text.replace(&format!("<{index}>"), &port.to_string());
                }
                text
            });
        }
        pair
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    pub(crate) fn config(&self, name: &str) -> PathBuf {
        self.path(name).join("gateway.toml")
    }

    pub(crate) fn edit(&self, name: &str, change: impl FnOnce(String) -> String) {
        let path = self.config(name);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, change(text)).unwrap();
    }

    /// Replaces what is there exactly once.
    pub(crate) fn replace(&self, name: &str, old: &str, new: &str) {
        self.edit(name, |text| {
            assert_eq!(text.matches(old).count(), 1, "{old}");
            text.replace(old, new)
        });
    }

    /// Gives a station another key, as the lines of the file say, and its partner the certificate of it.
    pub(crate) fn rekey(&self, name: &str, partner: &str, lines: &str, certificate: &Certificate) {
        self.edit(name, |text| {
            let (head, rest) = text.split_once("[[station]]\n").unwrap();
            let (_, partners) = rest.split_once("[[partner]]").unwrap();
            format!("{head}[[station]]\nas2_id = \"{name}\"\n{lines}\n\n[[partner]]{partners}")
        });
        let theirs = format!("{name}.pem");
        fs::write(self.path(partner).join(theirs), certificate.der()).unwrap();
    }

    pub(crate) fn serve(&self, name: &str) -> Serving {
        Serving::start(&self.config(name))
    }

    pub(crate) fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// Sends from one to the other and reads the lines of `--json`.
    pub(crate) fn send(&self, from: &str, to: &str, args: &[&OsStr]) -> (i32, Vec<Value>) {
        let config = self.config(from);
        let mut all: Vec<&OsStr> = ["send".as_ref(), config.as_os_str(), "--json".as_ref(), "--to".as_ref()].to_vec();
        all.push(to.as_ref());
        all.extend(args);
        let said = run(all);
        let lines = said
            .out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        (said.code, lines)
    }

    /// Sends one file, and expects one line.
    pub(crate) fn send_file(&self, from: &str, to: &str, file: &Path, options: &[&str]) -> (i32, Value) {
        let mut args: Vec<&OsStr> = vec![file.as_os_str()];
        args.extend(options.iter().map(OsStr::new));
        let (code, mut lines) = self.send(from, to, &args);
        assert_eq!(lines.len(), 1, "{lines:?}");
        (code, lines.remove(0))
    }

    /// Alice and Bob, and Alice tries again as often and as soon as that.
    pub(crate) fn retrying(retries: u32, delay: &str) -> Self {
        let pair = Self::init();
        let lines = format!("signed_receipt = true\nretries = {retries}\nretry_delay = {delay:?}");
        pair.replace("alice", "signed_receipt = true", &lines);
        pair
    }

    /// Moves a file into Alice's outbox for Bob, where it is taken at once.
    pub(crate) fn drop_into_outbox(&self, name: &str, content: &[u8]) {
        let made = self.file("made", content);
        fs::rename(made, self.path("alice/data/outbox/bob").join(name)).unwrap();
    }

    /// Has Alice send to another URL than Bob's.
    pub(crate) fn redirect(&self, url: &str) {
        let own = format!("url = \"https://127.0.0.1:{}/as2\"", self.ports[3]);
        self.replace("alice", &own, &format!("url = {url:?}"));
    }

    /// Of the certificate in a file.
    pub(crate) fn fingerprint(&self, path: &str) -> String {
        fingerprint(&self.path(path))
    }

    /// The directories of what `to` has received of `from`.
    pub(crate) fn received(&self, to: &str, from: &str) -> Vec<PathBuf> {
        entries(&self.path(&format!("{to}/data/inbox/{from}")))
    }
}

/// A port that was free a moment ago. The system gives none of these to connections that go out.
pub(crate) fn free_port() -> u16 {
    static TRIED: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id().wrapping_mul(61);
    loop {
        let tried = first.wrapping_add(TRIED.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(10_000 + tried % 20_000).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A fixture below `tests/data`.
pub(crate) fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(path)
}

pub(crate) fn fingerprint(certificate: &Path) -> String {
    let pem = fs::read(certificate).unwrap();
    Certificate::from_pem(&pem).unwrap().fingerprint_hex()
}

/// What is in a directory, if there is one.
pub(crate) fn entries(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

pub(crate) fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Waits for something to be there.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "{what} did not happen");
        sleep(Duration::from_millis(20));
    }
}

/// `serve`, killed at the end.
pub(crate) struct Serving {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// What it listens on, `http 127.0.0.1:4080`.
    pub(crate) listening: Vec<String>,
}

impl Serving {
    pub(crate) fn start(config: &Path) -> Self {
        let mut command = gateway(["serve".as_ref(), config.as_os_str()]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let text = fs::read_to_string(config).unwrap();
        let expected = text.lines().filter(|line| line.starts_with("listen =")).count();
        let mut listening = Vec::new();
        for _ in 0..expected {
            let mut line = String::new();
            if stdout.read_line(&mut line).unwrap() == 0 {
                let mut said = String::new();
                child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
                panic!("serve ended: {said}");
            }
            listening.push(line.trim_end().strip_prefix("listening ").unwrap().to_owned());
        }
        Self {
            child,
            stdout,
            listening,
        }
    }

    pub(crate) fn terminate(&self) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM).unwrap();
    }

    /// Waits for the end after [`Self::terminate`], and gives what was logged.
    pub(crate) fn end(mut self) -> Said {
        let mut out = String::new();
        self.stdout.read_to_string(&mut out).unwrap();
        let mut err = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        let code = self.child.wait().unwrap().code().unwrap();
        Said { code, out, err }
    }

    pub(crate) fn stop(self) -> Said {
        self.terminate();
        self.end()
    }
}

impl Drop for Serving {
    /// Of a test that failed, what was logged is shown.
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking()
            && let Some(mut stderr) = self.child.stderr.take()
        {
            let mut said = String::new();
            let _ = stderr.read_to_string(&mut said);
            eprintln!("{:?}:\n{said}", self.listening);
        }
    }
}
