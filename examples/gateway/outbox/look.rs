//! Which files of the outbox are complete.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::Taken;
use crate::config::Config;
use crate::files::safe_name;
use crate::station::Station;

/// A file that has not been written to for so long is complete.
const QUIET: Duration = Duration::from_secs(2);

/// What a look at the directories has come to.
pub(super) struct Look {
    pub(super) taken: Vec<Taken>,
    /// Of the files that may still grow, for the next look.
    pub(super) sizes: HashMap<PathBuf, u64>,
    /// What is there and is not sent, and why not.
    pub(super) strays: Vec<(PathBuf, &'static str)>,
}

impl Look {
    /// Takes as many complete files as there is `room` for. `before` are the sizes of the last look.
    pub(super) fn new(
        station: &Station,
        directories: &[(usize, PathBuf)],
        before: &HashMap<PathBuf, u64>,
        room: usize,
    ) -> Self {
        let (mut taken, mut sizes) = (Vec::new(), HashMap::new());
        for (partner, path, metadata) in files(directories) {
            let as_before = before.get(&path) == Some(&metadata.len());
            let is_complete = was_moved(&metadata) || (as_before && is_quiet(&metadata));
            if !is_complete {
                sizes.insert(path, metadata.len());
            } else if taken.len() < room {
                match Taken::take(station, partner, &path) {
                    Ok(file) => taken.extend(file),
                    Err(error) => tracing::error!("{} stays in the outbox: {error}", path.display()),
                }
            }
        }
        let strays = strays(&station.path("outbox"), directories);
        Self { taken, sizes, strays }
    }
}

/// The directories of the outbox, with the index of the partner that each is for. A name is a partner's of one station
/// there: the first in the file.
pub(super) fn directories(config: &Config) -> Vec<(usize, PathBuf)> {
    let mut directories: Vec<(usize, PathBuf)> = Vec::new();
    for (index, partner) in config.partners.iter().enumerate() {
        let path = config.data_dir.join("outbox").join(safe_name(partner.name().as_str()));
        let first = directories.iter().find(|(_, other)| *other == path);
        match first.and_then(|(first, _)| config.partners.get(*first)) {
            Some(first) => tracing::warn!(
                "files in {} are sent by {}: {}, which has a partner of that name too, sends by `send --from` alone",
                path.display(),
                first.station(),
                partner.station()
            ),
            None => directories.push((index, path)),
        }
    }
    directories
}

/// The files that are there, with the index of their partner.
fn files(directories: &[(usize, PathBuf)]) -> impl Iterator<Item = (usize, PathBuf, Metadata)> {
    directories.iter().flat_map(|(partner, directory)| {
        // Where it is missing, nobody has dropped anything for this partner.
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        entries.filter_map(|entry| {
            let metadata = entry.metadata().ok()?;
            let is_whole = metadata.is_file() && !is_temporary(&entry.file_name());
            is_whole.then(|| (*partner, entry.path(), metadata))
        })
    })
}

/// Directories of nobody with something in them, and whatever is no file.
fn strays(outbox: &Path, directories: &[(usize, PathBuf)]) -> Vec<(PathBuf, &'static str)> {
    let entries = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten();
    let of_nobody = entries(outbox).filter_map(|entry| {
        let path = entry.path();
        let is_known = directories.iter().any(|(_, known)| *known == path);
        let is_used = entries(&path).next().is_some();
        (!is_known && is_used).then_some((path, "the configuration has no partner of that name"))
    });
    let no_files = directories.iter().flat_map(|(_, directory)| {
        entries(directory).filter_map(|entry| {
            let is_file = entry.metadata().is_ok_and(|metadata| metadata.is_file());
            let is_left_alone = is_file || is_temporary(&entry.file_name());
            (!is_left_alone).then(|| (entry.path(), "it is no regular file"))
        })
    });
    of_nobody.chain(no_files).collect()
}

/// Names that programs use while they write.
fn is_temporary(name: &OsString) -> bool {
    let name = name.to_string_lossy().to_ascii_lowercase();
    name.starts_with('.') || [".tmp", ".part", "~"].iter().any(|ending| name.ends_with(ending))
}

fn is_quiet(metadata: &Metadata) -> bool {
    let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    SystemTime::now().duration_since(modified).is_ok_and(|age| age >= QUIET)
}

/// Whether the file was renamed after it was last written to: then whoever wrote it is done.
#[cfg(unix)]
fn was_moved(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (metadata.ctime(), metadata.ctime_nsec()) > (metadata.mtime(), metadata.mtime_nsec())
}

#[cfg(not(unix))]
fn was_moved(_: &Metadata) -> bool {
    false
}
