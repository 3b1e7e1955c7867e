//! Where a run takes place.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, fs, io};

use super::{Role, Side};

/// Where the files of a run are; set for the processes alone.
const PLACE: &str = "EDIINT_CRASH_PLACE";

/// The directory of a run. What the processes tell one another are files in it.
#[derive(Clone, Debug)]
pub(crate) struct Place(Arc<Path>);

impl Place {
    pub(crate) fn new(path: &Path) -> Self {
        Self(path.into())
    }

    pub(crate) fn of_this_process() -> Self {
        Self::new(Path::new(&env::var_os(PLACE).unwrap()))
    }

    /// What a process has to be told.
    pub(crate) fn environment(&self) -> (&str, &Path) {
        (PLACE, &self.0)
    }

    pub(crate) fn set_up(&self) {
        for directory in ["inbox", "spool", "outbox", "encoding"] {
            fs::create_dir(self.path(directory)).unwrap();
        }
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }

    /// Replaces a small file, at once.
    pub(crate) fn tell(&self, name: &str, content: &str) {
        let half = self.path(format!("{name}.half-{}", std::process::id()));
        fs::write(&half, content).unwrap();
        fs::rename(&half, self.path(name)).unwrap();
    }

    /// Reads a small file; `None` where it is not there.
    pub(crate) fn told(&self, name: &str) -> Option<String> {
        match fs::read_to_string(self.path(name)) {
            Ok(content) => Some(content),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => panic!("{name}: {error}"),
        }
    }

    pub(crate) fn forget(&self, name: &str) {
        match fs::remove_file(self.path(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => panic!("{name}: {error}"),
            _ => {}
        }
    }

    /// Adds a line to a file.
    pub(crate) fn note(&self, name: &str, line: &str) {
        let mut file = fs::File::options()
            .create(true)
            .append(true)
            .open(self.path(name))
            .unwrap();
        file.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// The complete lines of a file.
    pub(crate) fn lines(&self, name: &str) -> Vec<String> {
        let content = self.told(name).unwrap_or_default();
        let complete = content.rfind('\n').map_or("", |end| &content[..end]);
        complete.lines().map(str::to_owned).collect()
    }

    /// The address where the network takes what is for a side.
    pub(crate) fn way_to(&self, side: Side) -> String {
        let address = self.told(&format!("way-to-{}", side.name())).unwrap();
        format!("http://{address}/as2")
    }

    /// The address of a process, if it has one.
    pub(crate) fn address(&self, role: Role) -> Option<SocketAddr> {
        self.told(&format!("{role}.address"))?.parse().ok()
    }
}
