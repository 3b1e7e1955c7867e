//! Who is at the other end, what is no message, and the end of a host.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use ediint::transport::{ClientAuth, ClientTrust, HttpClient, HyperClient, RequestBody, ResponseBody, TransportError};
use ediint::{OutboundMessage, SendError};
use http::header::{ALLOW, RETRY_AFTER};
use http::{Method, Request, Response};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::wire::{body, connect, exchange, head};
use crate::{STACKS, World, coming_as, tls_certificate};

/// What became of a message that is sent by a client with this certificate.
async fn sent_as(world: &World, name: Option<&str>) -> Result<bool, SendError> {
    let to_bob = world.to_bob.clone().http(coming_as(name));
    let receipt = world.client.send(&to_bob, OutboundMessage::new("UNA:+.? '")).await?;
    Ok(receipt.is_accepted())
}

/// The partner's certificate opens the door; another that the server trusts does not, and none neither.
#[tokio::test]
async fn certificates_reach_the_receiver() {
    for stack in STACKS {
        let mut world = World::new(stack).await;
        assert!(sent_as(&world, Some("client")).await.unwrap(), "{stack:?}");
        assert_eq!(world.delivered().await, b"UNA:+.? '");
        for stranger in [Some("other"), None] {
            match sent_as(&world, stranger).await.unwrap_err() {
                SendError::Status(refused) => assert_eq!(refused.status, 403, "{stack:?}"),
                other => panic!("{stack:?}: {other:?}"),
            }
        }
        assert!(world.inbox.try_recv().is_err());
    }
}

/// A server that requires a certificate has no connection without.
#[tokio::test]
async fn certificates_required() {
    for stack in STACKS {
        let trust = ClientTrust::certificates([tls_certificate("client")]);
        let world = World::with(stack, ClientAuth::Required(trust), Semaphore::MAX_PERMITS).await;
        assert!(sent_as(&world, Some("client")).await.unwrap(), "{stack:?}");
        for stranger in [Some("other"), None] {
            match sent_as(&world, stranger).await.unwrap_err() {
                SendError::Transport(TransportError::ClientCertificateRefused { .. }) => {}
                other => panic!("{stack:?}: {other:?}"),
            }
        }
    }
}

/// Failures are counted by address, so the receiver has to know it.
#[tokio::test]
async fn addresses_reach_the_receiver() {
    for stack in STACKS {
        let mut world = World::new(stack).await;
        let prepared = world.prepare("UNA:+.? '").await;
        let mut body = body(&prepared).await;
        *body.last_mut().unwrap() ^= 1;
        let length = format!("Content-Length: {}", body.len());
        let request = [head(&prepared, "HTTP/1.1", &length), body].concat();
        let (status, _) = exchange(&mut connect(&world).await, &request).await;
        assert!(status.starts_with("http/1.1 200 "), "{stack:?}: {status}");
        let failed = loop {
            let event = world.events.recv().await.unwrap();
            if event.starts_with("DecryptionFailed") {
                break event;
            }
        };
        assert!(failed.contains("peer: Some(127.0.0.1)"), "{stack:?}: {failed}");
    }
}

/// A request without a body and without AS2 headers.
async fn ask(port: u16, method: Method, path: &str) -> Response<ResponseBody> {
    let request = Request::builder()
        .method(method)
        .uri(format!("https://localhost:{port}/{path}"))
        .body(RequestBody::from(Bytes::new()))
        .unwrap();
    let client = HyperClient::new().unwrap();
    client.send(request, &coming_as(None)).await.unwrap()
}

/// Other methods are the receiver's to refuse, other paths the host's (TRN-14).
#[tokio::test]
async fn what_is_no_message() {
    for stack in STACKS {
        let world = World::new(stack).await;
        for (method, path, status, allow) in [
            (Method::GET, "as2", 405, Some("POST")),
            (Method::PUT, "as2", 405, Some("POST")),
            (Method::POST, "other", 404, None),
            (Method::POST, "as2", 400, None),
        ] {
            let response = ask(world.port, method, path).await;
            assert_eq!(response.status(), status, "{stack:?} {path}");
            let allowed = response.headers().get(ALLOW).map(|value| value.to_str().unwrap());
            assert_eq!(allowed, allow, "{stack:?} {path}");
        }
    }
}

/// What has begun is answered; what comes then is told to come again; then there is nobody any more.
#[tokio::test]
async fn the_end() {
    for stack in STACKS {
        let mut world = World::holding(stack).await;
        let (first, second) = (world.prepare("first").await, world.prepare("second").await);
        let (client, to_bob) = (world.client, world.to_bob);
        let begun = tokio::spawn({
            let (client, to_bob) = (client.clone(), to_bob.clone());
            async move { client.transmit(&to_bob, &first).await }
        });
        while world.receiver.in_progress() == 0 {
            tokio::task::yield_now().await;
        }
        world.end.send(()).unwrap();
        while ask(world.port, Method::POST, "as2").await.status() != 503 {
            tokio::task::yield_now().await;
        }
        let refused = client.transmit(&to_bob, &second).await.unwrap_err();
        match refused {
            SendError::Status(refused) => {
                assert_eq!(refused.status, 503, "{stack:?}");
                assert!(refused.headers.contains_key(RETRY_AFTER));
            }
            other => panic!("{stack:?}: {other:?}"),
        }
        world.permits.add_permits(1);
        assert!(begun.await.unwrap().unwrap().is_accepted(), "{stack:?}");
        world.serving.await.unwrap().unwrap();
        let message = world.inbox.recv().await.unwrap();
        assert_eq!(message.payload.into_bytes().await.unwrap(), "first");
        let address = SocketAddr::from(([127, 0, 0, 1], world.port));
        assert!(TcpStream::connect(address).await.is_err(), "{stack:?}");
    }
}

/// Whatever comes while it ends is answered to its end or not begun: nobody waits for a receipt of what was delivered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_under_load() {
    for stack in STACKS {
        let mut world = World::new(stack).await;
        let senders: Vec<_> = (0..8)
            .map(|_| {
                let (client, to_bob) = (world.client.clone(), world.to_bob.clone());
                tokio::spawn(async move {
                    let mut accepted = 0;
                    loop {
                        match client.send(&to_bob, OutboundMessage::new("UNA:+.? '")).await {
                            Ok(receipt) if receipt.is_accepted() => accepted += 1,
                            Ok(receipt) => panic!("{stack:?}: {}", receipt.status),
                            Err(SendError::Status(refused)) if refused.status == 503 => {}
                            Err(SendError::Transport(error)) if error.is_transient() => return accepted,
                            Err(other) => panic!("{stack:?}: {other:?}"),
                        }
                    }
                })
            })
            .collect();
        for _ in 0..20 {
            world.delivered().await;
        }
        world.end.send(()).unwrap();
        let ended = timeout(Duration::from_secs(60), world.serving).await;
        ended.expect("the host ends").unwrap().unwrap();
        let mut accepted = 0;
        for sender in senders {
            accepted += sender.await.unwrap();
        }
        let mut delivered = 20;
        while world.inbox.try_recv().is_ok() {
            delivered += 1;
        }
        assert_eq!(accepted, delivered, "{stack:?}");
    }
}
