use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::spool::SpoolOptions;

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

async fn staged(path: &Path, payload: &'static str, note: &'static str) -> StagedDirectory {
    let mut files = StagedDirectory::new(path).await.unwrap();
    files.metadata("note", note).await.unwrap();
    files.payload("payload", Payload::from(payload)).await.unwrap();
    files
}

/// REL-18: the second delivery of the same is a success that changes nothing; something else is told apart.
#[tokio::test]
async fn appears_complete_and_once() {
    let root = tempfile::tempdir().unwrap();
    let (partner, path) = (root.path().join("acme"), root.path().join("acme/1"));
    let first = staged(&path, "an order", "noon").await;
    assert_eq!((names(&partner).len(), path.exists()), (1, false));
    assert_eq!(first.commit().await.unwrap(), Committed::Now);
    let second = staged(&path, "an order", "one o'clock").await;
    assert_eq!(second.commit().await.unwrap(), Committed::Before);
    for other in ["another!", "a longer order", ""] {
        let other = staged(&path, other, "noon").await;
        assert_eq!(other.commit().await.unwrap(), Committed::Other);
    }
    let mut renamed = StagedDirectory::new(&path).await.unwrap();
    renamed.payload("attachment", Payload::from("an order")).await.unwrap();
    assert_eq!(renamed.commit().await.unwrap(), Committed::Other);

    assert_eq!(names(&partner), ["1"]);
    assert_eq!(names(&path), ["note", "payload"]);
    assert_eq!(fs::read(path.join("note")).unwrap(), b"noon");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(
        fs::metadata(path.join("payload")).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

/// Built elsewhere, it is never seen half-done, and what a killed process leaves is found there.
#[tokio::test]
async fn built_elsewhere() {
    let root = tempfile::tempdir().unwrap();
    let (inbox, workplace) = (root.path().join("inbox"), root.path().join("spool"));
    fs::create_dir(&workplace).unwrap();
    let mut files = StagedDirectory::new_in(&workplace, inbox.join("1")).await.unwrap();
    files.payload("payload", Payload::from("an order")).await.unwrap();
    assert_eq!((names(&inbox).len(), names(&workplace).len()), (0, 1));
    assert_eq!(
        SpoolOptions::new()
            .directory(&workplace)
            .remove_orphans()
            .unwrap()
            .len(),
        0
    );
    assert_eq!(files.commit().await.unwrap(), Committed::Now);
    assert_eq!((names(&inbox), names(&workplace).len()), (vec!["1".to_owned()], 0));

    let killed = StagedDirectory::new_in(&workplace, inbox.join("2")).await.unwrap();
    let left = workplace.join(killed.staged.path().file_name().unwrap());
    std::mem::forget(killed.staged);
    drop(killed.lock);
    assert_eq!(
        SpoolOptions::new().directory(&workplace).remove_orphans().unwrap(),
        [left]
    );
}

/// A payload on disk is renamed: its file is the same one.
#[tokio::test]
async fn spools_are_renamed_into_it() {
    use std::io::Write;
    use std::os::unix::fs::MetadataExt;
    let root = tempfile::tempdir().unwrap();
    let mut spool = SpoolOptions::new().threshold(0).directory(root.path()).create();
    spool.write_all(b"an order").unwrap();
    let file = fs::metadata(root.path().join(&names(root.path())[0])).unwrap().ino();
    let path = root.path().join("1");
    let mut files = StagedDirectory::new(&path).await.unwrap();
    files.payload("payload", spool.into()).await.unwrap();
    assert_eq!(files.commit().await.unwrap(), Committed::Now);
    assert_eq!(fs::metadata(path.join("payload")).unwrap().ino(), file);
    assert_eq!(names(root.path()), ["1"]);
}

/// What is not committed leaves nothing.
#[tokio::test]
async fn given_up_half_way() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("1");
    drop(staged(&path, "an order", "noon").await);
    assert_eq!(names(root.path()), [""; 0]);

    // A file is in the way: that is an error, not a delivery.
    fs::write(&path, "a file").unwrap();
    let error = staged(&path, "an order", "noon").await.commit().await.unwrap_err();
    assert_eq!((error.step, &error.path), (PersistStep::Rename, &path));
    assert_eq!(fs::read(&path).unwrap(), b"a file");
    let error = StagedDirectory::new(path.join("below")).await.unwrap_err();
    assert_eq!(error.step, PersistStep::Create);
    assert_eq!(names(root.path()), ["1"]);
}

#[tokio::test]
async fn names_lead_nowhere_else() {
    let root = tempfile::tempdir().unwrap();
    let mut files = StagedDirectory::new(root.path().join("1")).await.unwrap();
    for name in ["", ".", "..", "../payload", "/payload", "a/b", "payload/"] {
        let error = files.payload(name, Payload::from("x")).await.unwrap_err();
        assert_eq!(error.source.kind(), ErrorKind::InvalidFilename, "{name:?}");
    }
    assert_eq!(files.commit().await.unwrap(), Committed::Now);
    assert_eq!(names(&root.path().join("1")), [""; 0]);
}
