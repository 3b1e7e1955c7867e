//! What partners answer, and what it is worth: receipts made by hand, and servers that are not what they should be.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A server that takes one request after the other, answers each with these octets, and closes. Where it is, and what it
/// got.
pub(crate) async fn serve(answers: impl IntoIterator<Item = String>) -> (String, JoinHandle<Vec<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/as2", listener.local_addr().unwrap());
    let answers: Vec<_> = answers.into_iter().collect();
    let server = tokio::spawn(async move {
        let mut requests = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !is_complete(&request) {
                assert_ne!(stream.read_buf(&mut request).await.unwrap(), 0);
            }
            // A client that has heard enough hangs up.
            stream.write_all(answer.as_bytes()).await.unwrap_or_default();
            requests.push(request);
        }
        requests
    });
    (url, server)
}

/// Whether a request with Content-Length is all there.
fn is_complete(request: &[u8]) -> bool {
    let Some(end) = request.windows(4).position(|octets| octets == b"\r\n\r\n") else {
        return false;
    };
    let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .unwrap();
    request.len() >= end + 4 + length.parse::<usize>().unwrap()
}
