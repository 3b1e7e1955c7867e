//! Requests that are no messages, and bodies that never end: an HTTP status, nothing else.

use bytes::Bytes;
use ediint::partnership::{AcceptPolicy, ReceiptRequest, SendProfile};
use ediint::store::MessageStore;
use ediint::{OutboundMessage, PreparedMessage};
use http::header::{ALLOW, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderName, HeaderValue, Method, Request, StatusCode};
use http_body_util::Full;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::common::{World, assert_empty, open_policy, post, request};
use crate::rows::ORDER;

async fn prepared(world: &World) -> PreparedMessage {
    world
        .client
        .prepare(&world.to_bob, OutboundMessage::new(ORDER))
        .await
        .unwrap()
}

/// Sends Bob a message whose head was changed, and expects a status and an event, and nothing else to happen.
async fn assert_status(world: &mut World, change: impl FnOnce(&mut Request<Vec<u8>>), status: StatusCode, event: &str) {
    let prepared = prepared(world).await;
    let mut message = request(&prepared).await;
    change(&mut message);
    assert_empty(post(message).await, status).await;
    assert_eq!(
        world.bob.event().await,
        format!("refused a request with {status}: {event}")
    );
    assert!(world.bob.nothing_arrived());
    assert_eq!(world.bob.store.find_received(prepared.id()).await.unwrap(), None);
}

/// ENV-08, ENV-15, ENV-23, TRN-14: names and ids that are missing, malformed or there twice.
#[tokio::test]
async fn headers_that_identify_nothing() {
    let mut world = World::new(AcceptPolicy::new()).await;
    let bad = StatusCode::BAD_REQUEST;
    for (name, spelled) in [("as2-from", "AS2-From"), ("as2-to", "AS2-To")] {
        let remove = |request: &mut Request<Vec<u8>>| {
            request.headers_mut().remove(name).unwrap();
        };
        assert_status(&mut world, remove, bad, &format!("the header {spelled} is missing")).await;
        for value in ["", "\"\"", "\"Alice"] {
            let mut message = request(&prepared(&world).await).await;
            message.headers_mut().insert(name, HeaderValue::from_static(value));
            assert_empty(post(message).await, bad).await;
            let event = world.bob.event().await;
            let expected = format!("refused a request with 400 Bad Request: {spelled}: ");
            assert!(event.starts_with(&expected), "{event}");
        }
    }
    for name in [
        "AS2-From",
        "AS2-To",
        "AS2-Version",
        "Message-ID",
        "Disposition-Notification-To",
        "Disposition-Notification-Options",
        "Content-Type",
    ] {
        // The same value: which of two is meant is not to be guessed, nor whether there are two.
        let mut message = request(&prepared(&world).await).await;
        let name = HeaderName::try_from(name).unwrap();
        let value = message.headers()[&name].clone();
        message.headers_mut().append(&name, value);
        assert_empty(post(message).await, bad).await;
        let event = world.bob.event().await.to_ascii_lowercase();
        let expected = format!("refused a request with 400 bad request: header field {name} occurs more than once");
        assert_eq!(event, expected);
    }
    let twice = |request: &mut Request<Vec<u8>>| {
        for host in ["a", "b"] {
            let value = HeaderValue::try_from(format!("http://{host}.example/")).unwrap();
            request.headers_mut().append("receipt-delivery-option", value);
        }
    };
    let event = "header field Receipt-Delivery-Option occurs more than once";
    assert_status(&mut world, twice, bad, event).await;
    for (id, fault) in [
        (
            "a".repeat(999),
            "this Message-ID has 999 octets, more than the 998 allowed".to_owned(),
        ),
        ("<>".to_owned(), "a Message-ID must not be empty".to_owned()),
        (
            "<a\tb@c>".to_owned(),
            "a Message-ID holds printable ASCII only, not '\\t'".to_owned(),
        ),
    ] {
        let id = |request: &mut Request<Vec<u8>>| {
            request
                .headers_mut()
                .insert("message-id", HeaderValue::try_from(id).unwrap());
        };
        assert_status(&mut world, id, bad, &format!("Message-ID: {fault}")).await;
    }
    assert!(world.bob.events.try_recv().is_err());
}

/// RCV-15, RCV-16, TRN-05, TRN-14, SEC-26: bodies that could not be read, by their heads.
#[tokio::test]
async fn heads_that_promise_no_message() {
    let mut world = World::new(AcceptPolicy::new()).await;
    for value in [None, Some("nonsense"), Some("")] {
        let content_type = |request: &mut Request<Vec<u8>>| {
            request.headers_mut().remove("content-type");
            if let Some(value) = value {
                request
                    .headers_mut()
                    .insert("content-type", HeaderValue::from_static(value));
            }
        };
        let event = "the header Content-Type is missing or malformed";
        assert_status(&mut world, content_type, StatusCode::UNSUPPORTED_MEDIA_TYPE, event).await;
    }
    let gzip = |request: &mut Request<Vec<u8>>| {
        request
            .headers_mut()
            .insert("content-encoding", HeaderValue::from_static("gzip"));
    };
    let event = "Content-Encoding \"gzip\" is not supported";
    assert_status(&mut world, gzip, StatusCode::UNSUPPORTED_MEDIA_TYPE, event).await;

    let large = |request: &mut Request<Vec<u8>>| {
        for number in 0..33 {
            let name = HeaderName::try_from(format!("x-{number}")).unwrap();
            request
                .headers_mut()
                .insert(name, HeaderValue::try_from("x".repeat(1000)).unwrap());
        }
    };
    let event = "the header of the request is too large";
    assert_status(&mut world, large, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, event).await;

    world.to_bob = world.sending(SendProfile::new().receipt(ReceiptRequest::none()));
    let empty = |request: &mut Request<Vec<u8>>| request.body_mut().clear();
    assert_status(&mut world, empty, StatusCode::BAD_REQUEST, "the request has no body").await;
}

/// ENV-01, RCV-14: nothing but POST.
#[tokio::test]
async fn other_methods() {
    let mut world = World::new(AcceptPolicy::new()).await;
    for method in [
        Method::GET,
        Method::HEAD,
        Method::PUT,
        Method::OPTIONS,
        Method::DELETE,
        Method::PATCH,
    ] {
        let mut message = request(&prepared(&world).await).await;
        *message.method_mut() = method.clone();
        let response = post(message).await;
        assert_eq!(response.headers()[ALLOW], "POST");
        assert_empty(response, StatusCode::METHOD_NOT_ALLOWED).await;
        let event = "refused a request with 405 Method Not Allowed: only POST reaches AS2";
        assert_eq!(world.bob.event().await, event);
        assert!(world.bob.nothing_arrived());
    }
}

/// TRN-03, TRN-04, SEC-36: hyper sorts most of this out by itself; other HTTP stacks may not.
#[tokio::test]
async fn ambiguous_framing() {
    let mut world = World::new(AcceptPolicy::new()).await;
    let prepared = prepared(&world).await;
    let length = prepared.content_length();
    let framings = [
        (
            vec![
                (TRANSFER_ENCODING, "chunked".to_owned()),
                (CONTENT_LENGTH, length.to_string()),
            ],
            false,
        ),
        (
            vec![(CONTENT_LENGTH, length.to_string()), (CONTENT_LENGTH, "5".to_owned())],
            false,
        ),
        (vec![(CONTENT_LENGTH, format!("{length}, {length}"))], false),
        (vec![(CONTENT_LENGTH, format!("+{length}"))], false),
        (vec![(CONTENT_LENGTH, String::new())], false),
        (vec![(CONTENT_LENGTH, "18446744073709551616".to_owned())], false),
        (vec![(CONTENT_LENGTH, (length + 1).to_string())], true),
        (vec![(CONTENT_LENGTH, (length - 1).to_string())], true),
    ];
    for (framing, broken) in framings {
        let mut message = request(&prepared).await.map(|body| Full::new(Bytes::from(body)));
        for (name, value) in &framing {
            message
                .headers_mut()
                .append(name, HeaderValue::try_from(value).unwrap());
        }
        let response = world.bob.receiver.receive(message).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{framing:?}");
        let event = match broken {
            true => "the body of the request broke off",
            false => "the framing of the request is ambiguous",
        };
        assert_eq!(
            world.bob.event().await,
            format!("refused a request with 400 Bad Request: {event}")
        );
        assert_eq!(world.bob.store.find_received(prepared.id()).await.unwrap(), None);
    }
    assert!(world.bob.nothing_arrived());
    // The same message, framed as it ought to be, was not hurt by any of it.
    for lengths in [0, 1, 2] {
        let mut message = request(&prepared).await.map(|body| Full::new(Bytes::from(body)));
        for _ in 0..lengths {
            message.headers_mut().append(CONTENT_LENGTH, HeaderValue::from(length));
        }
        assert_eq!(world.bob.receiver.receive(message).await.status(), StatusCode::OK);
    }
    assert!(world.bob.inbox.try_recv().is_ok() && world.bob.nothing_arrived());
}

/// The head of the message as octets on a connection, with these framing headers.
fn raw(prepared: &PreparedMessage, host: &str, framing: &str) -> Vec<u8> {
    let mut octets = format!("POST /as2 HTTP/1.1\r\nHost: {host}\r\n{framing}").into_bytes();
    prepared.headers().write_to(&mut octets);
    octets.extend_from_slice(b"\r\n");
    octets
}

fn authority(world: &World) -> String {
    world.to_bob.url().authority().unwrap().to_string()
}

/// TRN-06: what nobody can fulfil is refused before the body comes.
#[tokio::test]
async fn expectations() {
    let mut world = World::new(AcceptPolicy::new()).await;
    let prepared = prepared(&world).await;
    for expectation in ["payment", "100-continue, payment", "100"] {
        let framing = format!(
            "Expect: {expectation}\r\nContent-Length: {}\r\n",
            prepared.content_length()
        );
        let mut stream = TcpStream::connect(authority(&world)).await.unwrap();
        let head = raw(&prepared, &authority(&world), &framing);
        stream.write_all(&head).await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, *b"HTTP/1.1 417", "{expectation}");
        assert_eq!(
            world.bob.event().await,
            format!("refused a request with 417 Expectation Failed: Expect {expectation:?} is not supported")
        );
    }
    assert!(world.bob.nothing_arrived());
}

/// TRN-04: the connection ends before the body does. There is no receipt, nothing is recorded, and the message may come
/// again.
#[tokio::test]
async fn truncated_bodies() {
    let mut world = World::new(AcceptPolicy::new()).await;
    let later = ReceiptRequest::asynchronous(&world.alice.url).unwrap();
    for receipt in [ReceiptRequest::sync(), later] {
        let asynchronous = receipt != ReceiptRequest::sync();
        world.to_bob = world.sending(SendProfile::new().receipt(receipt));
        let prepared = prepared(&world).await;
        let body = request(&prepared).await.into_body();
        let length = format!("Content-Length: {}\r\n", body.len());
        let chunk = format!("{:x}\r\n", body.len());
        let all_but_one = &body[..body.len() - 1];
        for (framing, sent) in [
            (length.as_str(), Vec::new()),
            (&length, all_but_one.to_vec()),
            (
                "Transfer-Encoding: chunked\r\n",
                [chunk.as_bytes(), all_but_one].concat(),
            ),
            // The body is whole, but nobody says so.
            (
                "Transfer-Encoding: chunked\r\n",
                [chunk.as_bytes(), &body, b"\r\n"].concat(),
            ),
        ] {
            let mut octets = raw(&prepared, &authority(&world), framing);
            octets.extend_from_slice(&sent);
            let mut connection = TcpStream::connect(authority(&world)).await.unwrap();
            connection.write_all(&octets).await.unwrap();
            connection.shutdown().await.unwrap();
            let mut answer = String::new();
            // hyper may drop the connection of a request that broke off.
            connection.read_to_string(&mut answer).await.unwrap();
            assert!(
                answer.is_empty() || answer.starts_with("HTTP/1.1 400 Bad Request\r\n"),
                "{answer}"
            );
            assert!(!answer.contains("multipart"), "{answer}");
            let event = "refused a request with 400 Bad Request: the body of the request broke off";
            assert_eq!(world.bob.event().await, event);
            assert_eq!(world.bob.store.find_received(prepared.id()).await.unwrap(), None);
        }
        assert!(world.bob.nothing_arrived());
        let receipt = world.client.transmit(&world.to_bob, &prepared).await.unwrap();
        assert_eq!(receipt.is_accepted(), !asynchronous);
        assert!(world.bob.inbox.recv().await.is_some() && world.bob.nothing_arrived());
        assert!(world.bob.event().await.starts_with("delivered "));
        if asynchronous {
            assert!(world.alice.receipts.recv().await.unwrap().is_accepted());
            assert!(world.bob.event().await.starts_with("posted "));
        }
    }
}

/// SEC-25, TRN-14: a body that announces more than the limit is not read; one that does not announce it is read up to
/// the limit.
#[tokio::test]
async fn oversize_bodies() {
    let mut world = World::new(open_policy().message_size(3000)).await;
    // 4/3 of it, and 1 MiB.
    let limit = 4000 + (1 << 20);
    let event = format!("refused a request with 413 Payload Too Large: the body is larger than {limit} octets");
    let prepared = prepared(&world).await;

    let announced = format!("Content-Length: {}\r\n", limit + 1);
    let head = raw(&prepared, &authority(&world), &announced);
    let mut connection = TcpStream::connect(authority(&world)).await.unwrap();
    connection.write_all(&head).await.unwrap();
    let mut answer = vec![0; 26];
    connection.read_exact(&mut answer).await.unwrap();
    assert_eq!(String::from_utf8(answer).unwrap(), "HTTP/1.1 413 Payload Too L");
    assert_eq!(world.bob.event().await, event);

    let mut octets = raw(&prepared, &authority(&world), "Transfer-Encoding: chunked\r\n");
    octets.extend_from_slice(format!("{:x}\r\n", 2 * limit).as_bytes());
    let mut connection = TcpStream::connect(authority(&world)).await.unwrap();
    connection.write_all(&octets).await.unwrap();
    connection.write_all(&vec![b'x'; limit + 1]).await.unwrap();
    let mut answer = vec![0; 26];
    connection.read_exact(&mut answer).await.unwrap();
    assert_eq!(String::from_utf8(answer).unwrap(), "HTTP/1.1 413 Payload Too L");
    assert_eq!(world.bob.event().await, event);

    assert!(world.bob.nothing_arrived());
    assert_eq!(world.bob.store.find_received(prepared.id()).await.unwrap(), None);
}

/// TRN-02, ENV-64: chunks of any size and lower-case names are as good as any.
#[tokio::test]
async fn chunked_bodies() {
    let mut world = World::new(AcceptPolicy::new()).await;
    let prepared = prepared(&world).await;
    world.client.record(&world.to_bob, &prepared).await.unwrap();
    let head = raw(
        &prepared,
        &authority(&world),
        "Transfer-Encoding: chunked\r\nConnection: close\r\n",
    );
    let mut octets = String::from_utf8(head)
        .unwrap()
        .replace("AS2-From", "as2-from")
        .into_bytes();
    for piece in request(&prepared).await.into_body().chunks(7) {
        octets.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        octets.extend_from_slice(piece);
        octets.extend_from_slice(b"\r\n");
    }
    // SEC-36: names in trailers are nobody's.
    octets.extend_from_slice(b"0\r\nAS2-From: Mallory\r\n\r\n");
    let mut connection = TcpStream::connect(authority(&world)).await.unwrap();
    connection.write_all(&octets).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    let disposition = "\r\nDisposition: automatic-action/MDN-sent-automatically; processed\r\n";
    assert!(answer.contains(disposition), "{answer}");
    let arrived = world.bob.inbox.recv().await.unwrap();
    assert_eq!(arrived.payload.into_bytes().await.unwrap(), ORDER);
}
