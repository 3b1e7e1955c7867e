//! The products of others, live and recorded.
//!
//! What needs a product to be there runs only where `EDIINT_PEERS=1` is set, as `tests/run` does, and fails where it is
//! set and the product is not there. `cargo test` alone needs nothing but cargo.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "all of this is test code")]

mod libas2;
mod openssl;
mod pyas2;
mod recorded;
#[cfg(target_os = "linux")]
mod syncs;
mod us;

use std::env;
use std::path::{Path, PathBuf};

/// Whether tests run that need a product to be there.
fn peers_wanted() -> bool {
    let wanted = env::var_os("EDIINT_PEERS").is_some_and(|value| value == "1");
    if !wanted {
        eprintln!("not run: set EDIINT_PEERS=1 to test against the products of others");
    }
    wanted
}

/// A file of `tests`.
fn tests(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(path)
}
