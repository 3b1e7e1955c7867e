use std::error::Error;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::prelude::*;

use std::path::Path;
use std::sync::Arc;

use super::*;

fn files(directory: &Path) -> Vec<PathBuf> {
    fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect()
}

fn read_all(spool: &Spool) -> Vec<u8> {
    let mut content = Vec::new();
    spool.reader().read_to_end(&mut content).unwrap();
    content
}

fn pattern(len: usize) -> Vec<u8> {
    (0..=250_u8).cycle().take(len).collect()
}

#[test]
fn stays_in_memory_up_to_the_threshold() {
    let directory = tempfile::tempdir().unwrap();
    let mut spool = SpoolOptions::new().threshold(10).directory(directory.path()).create();
    assert!(spool.is_empty());
    spool.write_all(b"0123456789").unwrap();
    assert!(!spool.is_on_disk());
    assert_eq!(files(directory.path()), Vec::<PathBuf>::new());
    spool.write_all(b"a").unwrap();
    assert!(spool.is_on_disk());
    assert_eq!(files(directory.path()).len(), 1);
    assert_eq!(spool.len(), 11);
    assert_eq!(read_all(&spool), b"0123456789a");
}

/// RFC 4130 §5.5: a retry sends identical content.
#[test]
fn is_read_several_times_and_by_readers_that_own_it() {
    let content = pattern(300_000);
    let mut spool = SpoolOptions::new().threshold(1000).create();
    spool.write_all(&content).unwrap();
    let mut first = spool.reader();
    let mut head = [0; 70_000];
    first.read_exact(&mut head).unwrap();
    assert_eq!(read_all(&spool), content);
    let mut rest = Vec::new();
    first.read_to_end(&mut rest).unwrap();
    assert_eq!([&head[..], &rest].concat(), content);

    let shared = Arc::new(spool);
    let mut reader = SpoolReader::new(Arc::clone(&shared));
    let read = std::thread::spawn(move || {
        let mut content = Vec::new();
        reader.read_to_end(&mut content).map(|_| content)
    });
    assert_eq!(read.join().unwrap().unwrap(), content);
    assert_eq!(Arc::try_unwrap(shared).unwrap().into_bytes().unwrap(), content);
}

/// SEC-49.
#[cfg(unix)]
#[test]
fn the_file_is_private_and_has_a_random_name() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let options = SpoolOptions::new().threshold(0).directory(directory.path());
    let (mut one, mut two) = (options.create(), options.create());
    one.write_all(b"x").unwrap();
    two.write_all(b"y").unwrap();
    let files = files(directory.path());
    assert_eq!(files.len(), 2);
    for file in files {
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        assert!(name.starts_with(".ediint-") && name.len() > ".ediint-".len(), "{name}");
    }
}

/// SEC-49.
#[test]
fn the_file_is_deleted_on_drop_and_on_panic() {
    let directory = tempfile::tempdir().unwrap();
    let quota = SpoolQuota::new(1000);
    let options = SpoolOptions::new()
        .threshold(0)
        .directory(directory.path())
        .quota(quota.clone());
    let mut spool = options.create();
    spool.write_all(&pattern(100)).unwrap();
    assert_eq!(files(directory.path()).len(), 1);
    drop(spool);
    assert_eq!(files(directory.path()).len(), 0);

    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let mut spool = options.create();
        spool.write_all(&pattern(100)).unwrap();
        assert_eq!(files(directory.path()).len(), 1);
        std::panic::resume_unwind(Box::new("as if a sink had panicked"));
    }));
    assert!(panicked.is_err());
    assert_eq!(files(directory.path()).len(), 0);
    assert_eq!(quota.used(), 0);
}

/// SEC-25: the cap counts what all spools have on disk.
#[test]
fn the_quota_is_shared_and_given_back() {
    let quota = SpoolQuota::new(1 << 20);
    let options = SpoolOptions::new().threshold(16).quota(quota.clone());
    let block = pattern(400 << 10);
    let (mut one, mut two) = (options.create(), options.create());
    one.write_all(&block).unwrap();
    two.write_all(&block).unwrap();
    assert_eq!(quota.used(), 800 << 10);
    let error = two.write_all(&block).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::QuotaExceeded);
    let cause = error.get_ref().unwrap().downcast_ref::<SpoolQuotaExceeded>();
    assert_eq!(cause, Some(&SpoolQuotaExceeded { limit: 1 << 20 }));
    // What was written before is intact, and there is room again once another spool goes.
    assert_eq!(read_all(&two), block);
    drop(one);
    two.write_all(&block).unwrap();
    assert_eq!(read_all(&two), [&block[..], &block].concat());
    assert_eq!(quota.used(), 800 << 10);
    // What stays in memory costs nothing.
    options.create().write_all(b"small").unwrap();
    assert_eq!(quota.used(), 800 << 10);
    drop(two);
    assert_eq!(quota.used(), 0);
}

#[test]
fn persists_from_memory_and_from_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let inbox = directory.path().join("inbox");
    fs::create_dir(&inbox).unwrap();
    for (threshold, len) in [(1000, 100), (0, 0), (10, 200_000)] {
        let content = pattern(len);
        let quota = SpoolQuota::new(1 << 20);
        let options = SpoolOptions::new()
            .threshold(threshold)
            .directory(directory.path())
            .quota(quota.clone());
        let mut spool = options.create();
        spool.write_all(&content).unwrap();
        spool.persist(inbox.join("order")).unwrap();
        // The same message delivered twice replaces itself, and no temporary file is left anywhere.
        assert_eq!(fs::read(inbox.join("order")).unwrap(), content);
        assert_eq!(files(&inbox).len(), 1);
        assert_eq!(files(directory.path()), std::slice::from_ref(&inbox));
        assert_eq!(quota.used(), 0);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn persists_across_file_systems() {
    use std::os::unix::fs::MetadataExt;
    let here = tempfile::tempdir().unwrap();
    let Ok(there) = tempfile::tempdir_in("/dev/shm") else {
        return;
    };
    if fs::metadata(here.path()).unwrap().dev() == fs::metadata(there.path()).unwrap().dev() {
        return;
    }
    let content = pattern(200_001);
    let mut spool = SpoolOptions::new().threshold(10).directory(there.path()).create();
    spool.write_all(&content).unwrap();
    assert_eq!(files(there.path()).len(), 1);
    spool.persist(here.path().join("order")).unwrap();
    assert_eq!(fs::read(here.path().join("order")).unwrap(), content);
    assert_eq!(files(here.path()).len(), 1);
    assert_eq!(files(there.path()).len(), 0);
}

#[test]
fn a_failed_persist_names_the_path_and_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing").join("order");
    for threshold in [0, 1000] {
        let mut spool = SpoolOptions::new()
            .threshold(threshold)
            .directory(directory.path())
            .create();
        spool.write_all(b"order").unwrap();
        let error = spool.persist(&missing).unwrap_err();
        assert_eq!(
            error.step,
            if threshold == 0 {
                PersistStep::Rename
            } else {
                PersistStep::Create
            }
        );
        assert!(error.to_string().contains("missing/order"), "{error}");
        assert_eq!(
            error.source().unwrap().downcast_ref::<io::Error>().unwrap().kind(),
            io::ErrorKind::NotFound
        );
        assert_eq!(files(directory.path()).len(), 0);
    }
}

#[test]
fn a_directory_that_does_not_exist_is_an_error_of_the_write() {
    let mut spool = SpoolOptions::new()
        .threshold(3)
        .directory("/nonexistent/spool")
        .create();
    spool.write_all(b"abc").unwrap();
    assert_eq!(spool.write_all(b"d").unwrap_err().kind(), io::ErrorKind::NotFound);
    assert_eq!(read_all(&spool), b"abc");
}

#[test]
fn debug_shows_no_content() {
    let mut spool = Spool::new();
    spool.write_all(b"secret").unwrap();
    assert_eq!(format!("{spool:?}"), "Spool { len: 6, on_disk: false, .. }");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_split_gives_the_same_content(chunks in proptest::collection::vec(0_usize..100_000, 0..8), threshold in 0_usize..200_000) {
        let mut spool = SpoolOptions::new().threshold(threshold).create();
        let mut expected = Vec::new();
        for (chunk, seed) in chunks.into_iter().zip(0_u8..) {
            let chunk: Vec<u8> = pattern(chunk).into_iter().map(|octet| octet.wrapping_add(seed)).collect();
            spool.write_all(&chunk).unwrap();
            expected.extend_from_slice(&chunk);
        }
        prop_assert_eq!(usize::try_from(spool.len()).unwrap(), expected.len());
        prop_assert!(spool.is_on_disk() == (expected.len() > threshold));
        prop_assert!(read_all(&spool) == expected);
        prop_assert!(spool.into_bytes().unwrap() == expected);
    }
}
