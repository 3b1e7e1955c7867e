use std::io::Write;

use tokio::io::AsyncReadExt;

use super::*;
use crate::spool::SpoolOptions;

#[tokio::test]
async fn reads_what_was_written_from_memory_and_from_the_file() {
    let content: Vec<u8> = (0..=250).cycle().take(CHUNK + 1000).collect();
    for threshold in [0, usize::MAX] {
        let mut spool = SpoolOptions::new().threshold(threshold).create();
        spool.write_all(&content).unwrap();
        let mut read = Vec::new();
        SpoolStream::new(Arc::new(spool)).read_to_end(&mut read).await.unwrap();
        assert_eq!(read, content);
    }
}

/// Whoever reads on after an error gets another one.
#[tokio::test]
async fn a_file_that_was_cut_short_is_an_error_however_often_it_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let mut spool = SpoolOptions::new().threshold(0).directory(directory.path()).create();
    spool.write_all(&[b'a'; 100_000]).unwrap();
    let file = std::fs::read_dir(directory.path()).unwrap().next().unwrap().unwrap();
    std::fs::OpenOptions::new()
        .write(true)
        .open(file.path())
        .unwrap()
        .set_len(0)
        .unwrap();

    let mut stream = SpoolStream::new(Arc::new(spool));
    let first = stream.read_u8().await.unwrap_err();
    assert_eq!(first.to_string(), "the spool's file was cut short");
    let second = stream.read_u8().await.unwrap_err();
    assert_eq!(second.kind(), io::ErrorKind::Other);
}
