use std::io;

use super::describe;

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the file: {0}")]
    Told(#[source] io::Error),
    #[error("cannot read it")]
    Untold(#[source] io::Error),
}

#[test]
fn causes_are_told_once() {
    let gone = || io::Error::other("the disk is gone");
    assert_eq!(describe(&Failure::Told(gone())), "the file: the disk is gone");
    assert_eq!(describe(&Failure::Untold(gone())), "cannot read it: the disk is gone");
}
