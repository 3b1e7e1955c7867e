//! Servers that are not what they should be.

use std::time::Duration;

use ediint::partnership::{AcceptPolicy, ReceiptRequest, SendProfile};
use ediint::store::MessageStore;
use ediint::transport::TransportError;
use ediint::{OutboundMessage, Partnership, ReceiptStatus, SendError};
use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::common::{World, alice, bob};
use crate::rows::ORDER;
use crate::statuses::sent;

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
pub(crate) fn is_complete(request: &[u8]) -> bool {
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

/// CLI-19, CLI-21, TRN-13: over HTTP: pages, answers without end, and none at all.
#[tokio::test]
async fn servers_that_are_none_of_as2() {
    let mut world = World::new(AcceptPolicy::new()).await;
    let own = world.alice.url.clone();
    let huge = (1 << 20) + 1;
    let endless = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}", "x".repeat(huge));
    let announced = format!("HTTP/1.1 200 OK\r\nContent-Length: {huge}\r\n\r\n");
    for (answer, asynchronous) in [
        (&endless, false),
        (&endless, true),
        (&announced, false),
        (&announced, true),
    ] {
        let (url, _) = serve([answer.clone()]).await;
        world.to_bob = Partnership::new(alice().name, bob().name, url.parse().unwrap());
        let request = match asynchronous {
            true => ReceiptRequest::asynchronous(&own).unwrap(),
            false => ReceiptRequest::sync(),
        };
        let sends = world.sending(SendProfile::new().receipt(request));
        match world.client.send(&sends, OutboundMessage::new(ORDER)).await {
            Ok(receipt) if asynchronous => assert_eq!(receipt.status, ReceiptStatus::Pending),
            Err(error @ SendError::Transport(TransportError::ResponseTooLarge { limit: 1_048_576 }))
                if !asynchronous =>
            {
                assert!(!error.is_transient());
            }
            other => panic!("{other:?}"),
        }
    }

    let page = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\n<html";
    let (url, requests) = serve([page.to_owned()]).await;
    let portal = Partnership::new(alice().name, bob().name, url.parse().unwrap());
    let receipt = world.client.send(&portal, OutboundMessage::new(ORDER)).await.unwrap();
    assert!(matches!(receipt.status, ReceiptStatus::Invalid(_)) && !receipt.is_accepted());
    assert_eq!(
        (receipt.body.as_ref(), receipt.http_status),
        (b"<html".as_slice(), Some(StatusCode::OK))
    );
    // ENV-01, ENV-02, TRN-02, on the wire.
    let request = String::from_utf8_lossy(&requests.await.unwrap()[0]).to_ascii_lowercase();
    assert!(
        request.starts_with("post /as2 http/1.1\r\nhost: 127.0.0.1:"),
        "{request}"
    );
    assert!(request.contains("\r\ncontent-length: ") && !request.contains("\r\ntransfer-encoding"));
    assert!(!request.contains("\r\nexpect"));

    for broken in ["", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"] {
        let (url, _) = serve([broken.to_owned()]).await;
        let bob = Partnership::new(alice().name, bob().name, url.parse().unwrap());
        let prepared = sent(&world, &bob).await;
        let error = world.client.transmit(&bob, &prepared).await.unwrap_err();
        assert!(
            matches!(error, SendError::Transport(TransportError::Connection { .. })),
            "{error:?}"
        );
        assert!(error.is_transient());
        let record = world.alice.store.find_sent(prepared.id()).await.unwrap().unwrap();
        assert_eq!(record.receipt, None);
    }
}

/// TRN-16, TRN-18, REL-01, REL-02: a status that is no 2xx comes with its body, whatever the body is, and says whether
/// it is of use to try again.
#[tokio::test]
async fn refused_by_the_server() {
    let world = World::new(AcceptPolicy::new()).await;
    for (status, reason, transient) in [
        (301, "Moved Permanently", false),
        (307, "Temporary Redirect", false),
        (400, "Bad Request", false),
        (401, "Unauthorized", false),
        (403, "You Shall Not Pass", false),
        (404, "Not Found", false),
        (408, "Request Timeout", true),
        (413, "Payload Too Large", false),
        (422, "Unprocessable Entity", false),
        (425, "Too Early", true),
        (429, "Too Many Requests", true),
        (500, "Internal Server Error", true),
        (501, "Not Implemented", false),
        (502, "Bad Gateway", true),
        (503, "Service Unavailable", true),
        (504, "Gateway Timeout", true),
        (505, "HTTP Version Not Supported", false),
    ] {
        let body = "x".repeat(70_000);
        let (url, requests) = serve([format!(
            "HTTP/1.1 {status} {reason}\r\nRetry-After: 7\r\nLocation: /elsewhere\r\nContent-Length: 70000\r\n\r\n{body}"
        )])
        .await;
        let bob = Partnership::new(alice().name, bob().name, url.parse().unwrap());
        let prepared = sent(&world, &bob).await;
        let error = world.client.transmit(&bob, &prepared).await.unwrap_err();
        assert_eq!(error.is_transient(), transient, "{status}");
        let SendError::Status(error) = error else {
            panic!("{error:?}")
        };
        assert_eq!(error.status.as_u16(), status);
        let unusual = (status == 403).then(|| reason.to_owned());
        assert_eq!(error.reason, unusual);
        assert_eq!(
            (error.body.as_ref(), error.truncated),
            (&body.as_bytes()[..65_536], true)
        );
        assert_eq!(error.headers["location"], "/elsewhere");
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
        assert_eq!(requests.await.unwrap().len(), 1);
    }
}
