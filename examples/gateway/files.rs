//! Names of files and directories, and writing that survives a loss of power.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use ediint::store::ExchangeId;
use ediint::{As2Name, MessageId, SpoolOptions};
use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;

/// The most characters of a name: with a digest and an ending it has to fit into 255 octets.
const LONGEST: usize = 160;

/// A name for a file or directory out of an AS2 name or a Message-ID: what no file system takes in a name, or takes for
/// something else, is written as `%` and its number in hexadecimal, and the end of what is too long as a digest.
pub(crate) fn safe_name(text: &str) -> String {
    let last = text.chars().count().saturating_sub(1);
    let mut name = String::with_capacity(text.len());
    for (index, c) in text.chars().enumerate() {
        let at_an_end = (index == 0 && c == '.') || (index == last && matches!(c, '.' | ' '));
        if c.is_control() || at_an_end || matches!(c, '/' | '\\' | ':' | '%' | '*' | '?' | '"' | '<' | '>' | '|') {
            name.push_str(&format!("%{:02X}", u32::from(c)));
        } else {
            name.push(c);
        }
    }
    match name.char_indices().nth(LONGEST) {
        Some((cut, _)) => {
            name.truncate(cut);
            name + "-" + &hex(&Sha256::digest(text))
        }
        None => name,
    }
}

/// SHA-256 of a file, in hexadecimal.
pub(crate) fn digest(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let (mut file, mut buffer) = (File::open(path)?, vec![0; 64 << 10]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&hasher.finalize())),
            read => hasher.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Makes the entries of a directory durable.
#[cfg(unix)]
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Directories cannot be synced here; the file system's journal does it.
#[cfg(not(unix))]
pub(crate) fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Writes a file that appears complete or not at all, and replaces what was there.
pub(crate) fn replace(path: &Path, octets: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let mut spool = SpoolOptions::new().directory(directory).create();
    spool.write_all(octets)?;
    spool.persist(path).map_err(io::Error::other)
}

/// Writes a file that appears complete or not at all. It is an error that there is one.
pub(crate) fn create(path: &Path, octets: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(octets)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    sync_directory(directory)
}

/// Where the receipt for a message to a partner is kept: `receipts/PARTNER/MESSAGE-ID.mdn`.
pub(crate) fn receipt_path(receipts: &Path, partner: &As2Name, id: &MessageId) -> PathBuf {
    let name = format!("{}.mdn", safe_name(id.key()));
    receipts.join(safe_name(partner.as_str())).join(name)
}

/// Keeps the octets of a receipt: the proof that the partner has the message.
pub(crate) async fn keep_receipt(receipts: &Path, id: &ExchangeId, octets: Bytes) -> io::Result<()> {
    let path = receipt_path(receipts, id.to(), id.message_id());
    blocking(move || replace(&path, &octets)).await
}

/// Runs what blocks where it holds up nothing else.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    spawn_blocking(work)
        .await
        .unwrap_or_else(|stopped| Err(io::Error::other(stopped)))
}

#[cfg(test)]
mod tests {
    use super::safe_name;

    #[test]
    fn names_stay_in_their_directory() {
        for (text, name) in [
            ("Seller Ltd", "Seller Ltd"),
            ("..", "%2E%2E"),
            ("a/b\\c", "a%2Fb%5Cc"),
            ("100%", "100%25"),
            (".hidden", "%2Ehidden"),
            ("end ", "end%20"),
        ] {
            assert_eq!(safe_name(text), name, "{text:?}");
        }
    }
}
