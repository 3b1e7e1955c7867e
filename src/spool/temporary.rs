//! Temporary files, and those that a process left behind that was killed.

use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
#[cfg(feature = "transport")]
use tempfile::TempDir;

/// Temporary files and directories are named by this and random characters.
const PREFIX: &str = ".ediint-";

/// A private file in `directory`, empty. As long as it is open, [`remove_orphans`] leaves it alone.
pub(super) fn file(directory: &Path) -> io::Result<NamedTempFile> {
    loop {
        let file = tempfile::Builder::new().prefix(PREFIX).tempfile_in(directory)?;
        if lock(file.as_file(), file.path())? {
            return Ok(file);
        }
    }
}

/// A private directory in `parent`, empty, and what has to stay open as long as it is in use.
#[cfg(all(feature = "transport", unix))]
pub(super) fn directory(parent: &Path) -> io::Result<(TempDir, Option<File>)> {
    use std::os::unix::fs::PermissionsExt;
    loop {
        let private = fs::Permissions::from_mode(0o700);
        let directory = tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(private)
            .tempdir_in(parent)?;
        let open = match File::open(directory.path()) {
            Ok(open) => open,
            // Somebody has just taken it for an orphan.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if lock(&open, directory.path())? {
            return Ok((directory, Some(open)));
        }
    }
}

/// A directory in `parent`, empty. Directories cannot be locked here, so none is ever taken for an orphan.
#[cfg(all(feature = "transport", not(unix)))]
pub(super) fn directory(parent: &Path) -> io::Result<(TempDir, Option<File>)> {
    let directory = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent)?;
    Ok((directory, None))
}

/// Marks a file as in use. False where somebody has just taken it for an orphan, and removed it.
fn lock(file: &File, path: &Path) -> io::Result<bool> {
    match file.lock() {
        // Names are random: what is there is ours.
        Ok(()) => path.try_exists(),
        Err(error) if error.kind() == ErrorKind::Interrupted => lock(file, path),
        // There, nobody takes anything for an orphan either.
        Err(error) if error.kind() == ErrorKind::Unsupported => Ok(true),
        Err(error) => Err(error),
    }
}

/// Removes the temporary files in `directory` that no living process has open, and gives their paths.
pub(super) fn remove_orphans(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut removed = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if is_temporary(&entry.file_name()) && remove_orphan(&entry.path())? {
            removed.push(entry.path());
        }
    }
    Ok(removed)
}

fn is_temporary(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(PREFIX.as_bytes())
}

fn remove_orphan(path: &Path) -> io::Result<bool> {
    let kind = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata.file_type(),
        Err(error) => return gone(error),
    };
    // Anything else is not of our making, nor is what a link leads to.
    if !(kind.is_file() || kind.is_dir() && cfg!(unix)) {
        return Ok(false);
    }
    // On NFS an exclusive lock takes a file that is open for writing (flock(2)); directories cannot be.
    let file = match File::options().read(true).write(kind.is_file()).open(path) {
        Ok(file) => file,
        Err(error) => return gone(error),
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(false),
        Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => return Ok(false),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    // The lock is held until it is gone: whoever has just made it looks once more.
    let result = if kind.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    result.map(|()| true).or_else(gone)
}

/// Renamed into place or removed by its owner meanwhile, or another user's.
fn gone(error: io::Error) -> io::Result<bool> {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::PermissionDenied => Ok(false),
        _ => Err(error),
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests;
