use super::*;

/// SEC-40: a message that is logged shows how long its payload is, not what it says.
#[test]
fn debug_shows_no_content() {
    let payload = Payload::from("secret");
    assert_eq!(format!("{payload:?}"), "Payload { len: 6, path: None, .. }");
    assert_eq!(format!("{:?}", payload.into_reader()), "PayloadReader { .. }");
}

/// A device has no length to begin with: it would go out as an empty message.
#[cfg(unix)]
#[tokio::test]
async fn only_regular_files_are_opened() {
    for path in ["/dev/zero", "/"] {
        let error = Payload::open(path).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{path}");
    }
    let error = Payload::open("/does/not/exist").await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}

#[tokio::test]
async fn a_file_is_read_as_long_as_it_was_when_it_was_opened() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("orders.edi");
    std::fs::write(&path, "UNA:+.? '").unwrap();

    let longer = Payload::open(&path).await.unwrap();
    std::fs::write(&path, "UNA:+.? 'UNB+").unwrap();
    assert_eq!(longer.into_bytes().await.unwrap(), "UNA:+.? '");

    let shorter = Payload::open(&path).await.unwrap();
    std::fs::write(&path, "UNA").unwrap();
    let error = shorter.into_bytes().await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}
