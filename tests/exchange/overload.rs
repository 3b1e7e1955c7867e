//! More than the receiver may do at a time, senders that are throttled, and the end of it all.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ediint::partnership::{AcceptPolicy, ReceiptRequest, SendProfile};
use ediint::{
    As2Receiver, BodyPace, BuildError, DecryptionFailures, OutboundMessage, PeerAddress, PreparedMessage,
    ReceivedMessage, ReceiverEvent, ReplyBody,
};
use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::task::yield_now;

use crate::common::{World, assert_empty, post, request};
use crate::rows::ORDER;

async fn prepare(world: &World) -> PreparedMessage {
    let message = OutboundMessage::new(ORDER);
    world.client.prepare(&world.to_bob, message).await.unwrap()
}

async fn receive(receiver: &As2Receiver, prepared: &PreparedMessage) -> Response<ReplyBody> {
    let message = request(prepared).await.map(|body| Full::new(Bytes::from(body)));
    receiver.receive(message).await
}

/// A world with an inbox that takes a message when it is told to.
struct Gate {
    entered: Arc<Notify>,
    open: Arc<Semaphore>,
}

impl Gate {
    async fn world(requests: u16) -> (World, Self) {
        let (entered, open) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
        let gate = Self {
            entered: entered.clone(),
            open: open.clone(),
        };
        let world = World::with(AcceptPolicy::new(), |builder| {
            builder.concurrency(requests).inbox(move |_: ReceivedMessage| {
                let (entered, open) = (entered.clone(), open.clone());
                async move {
                    entered.notify_one();
                    open.acquire().await.map(tokio::sync::SemaphorePermit::forget)
                }
            })
        })
        .await;
        (world, gate)
    }
}

/// RCV-20: one request more than there is a place for is told to come again at once, and taken when there is one. A
/// partner that hangs up keeps its place until its message is delivered.
#[tokio::test]
async fn more_requests_than_places() {
    let (mut world, gate) = Gate::world(2).await;
    let receiver = world.bob.receiver.clone();
    let [one, two, three] = [prepare(&world).await, prepare(&world).await, prepare(&world).await];
    let theirs = receiver.clone();
    let first = tokio::spawn(async move { receive(&theirs, &one).await.status() });
    gate.entered.notified().await;
    tokio::select! {
        answer = receive(&receiver, &two) => panic!("{}", answer.status()),
        () = gate.entered.notified() => {}
    }
    // The second has hung up.
    assert_eq!(receiver.in_progress(), 2);
    let refused = receive(&receiver, &three).await;
    assert_eq!(
        (refused.status(), &refused.headers()[RETRY_AFTER]),
        (StatusCode::SERVICE_UNAVAILABLE, &HeaderValue::from_static("60"))
    );
    let event = "refused a request with 503 Service Unavailable: too many requests are being answered";
    assert_eq!(world.bob.event().await, event);

    gate.open.add_permits(3);
    assert_eq!(first.await.unwrap(), StatusCode::OK);
    while receiver.in_progress() > 0 {
        yield_now().await;
    }
    assert_eq!(receive(&receiver, &three).await.status(), StatusCode::OK);
    assert_eq!(gate.open.available_permits(), 0);
}

/// RCV-20: closed, the receiver answers 503 in all its clones, and waits for what has begun, also without its connection.
#[tokio::test]
async fn closing_waits_for_what_has_begun() {
    let (mut world, gate) = Gate::world(10).await;
    let receiver = world.bob.receiver.clone();
    let (first, second) = (prepare(&world).await, prepare(&world).await);
    tokio::select! {
        answer = receive(&receiver, &first) => panic!("{}", answer.status()),
        () = gate.entered.notified() => {}
    }
    let closed = receiver.clone().close();
    assert_empty(post(request(&second).await).await, StatusCode::SERVICE_UNAVAILABLE).await;
    let event = "refused a request with 503 Service Unavailable: the receiver is closed";
    assert_eq!(world.bob.event().await, event);
    let mut closed = std::pin::pin!(closed);
    let waited = tokio::time::timeout(Duration::from_millis(50), &mut closed).await;
    assert!(waited.is_err() && receiver.in_progress() == 1);
    gate.open.add_permits(1);
    closed.await;
    assert!(world.bob.event().await.starts_with("delivered "));
    // Closed for good, also for those that ask again.
    receiver.close().await;
    assert_eq!(
        receive(&receiver, &second).await.status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
}

/// SEC-29, TRN-14: a body that stands still is given up, and its place is free.
#[tokio::test]
async fn bodies_that_stand_still() {
    let pace = BodyPace::new().grace(Duration::from_millis(200));
    let mut world = World::with(AcceptPolicy::new(), |builder| builder.body_pace(pace).concurrency(1)).await;
    let prepared = prepare(&world).await;
    let body = request(&prepared).await.into_body();
    let mut octets = format!("POST /as2 HTTP/1.1\r\nHost: bob\r\nContent-Length: {}\r\n", body.len()).into_bytes();
    prepared.headers().write_to(&mut octets);
    octets.extend_from_slice(b"\r\n");
    octets.extend_from_slice(&body[..1000]);
    let address = world.to_bob.url().authority().unwrap().as_str().to_owned();
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(&octets).await.unwrap();
    let mut answer = vec![0; 28];
    connection.read_exact(&mut answer).await.unwrap();
    assert_eq!(String::from_utf8(answer).unwrap(), "HTTP/1.1 408 Request Timeout");
    let event = "refused a request with 408 Request Timeout: the body of the request came too slowly";
    assert_eq!(world.bob.event().await, event);
    assert_eq!(receive(&world.bob.receiver, &prepared).await.status(), StatusCode::OK);
}

/// SEC-04: failures to decrypt are counted for each pair and peer, and the host may have enough of a peer.
#[tokio::test]
async fn senders_that_cannot_be_decrypted() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let world = World::with(AcceptPolicy::new(), |builder| {
        builder
            .throttle(|failures: &DecryptionFailures<'_>| failures.peer.is_some() && failures.count >= 3)
            .on_event(move |event| {
                if let ReceiverEvent::DecryptionFailed(failures) = event {
                    tell.send((failures.from.to_string(), failures.peer, failures.count))
                        .unwrap();
                }
            })
    })
    .await;
    let receiver = &world.bob.receiver;
    let [mallory, alice] = [6, 7].map(|last| Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, last))));
    let prepared = prepare(&world).await;
    let send = async |peer: Option<IpAddr>, altered: bool| {
        let mut message = request(&prepared).await;
        if altered {
            *message.body_mut() = b"no CMS at all".to_vec();
        }
        if let Some(peer) = peer {
            message.extensions_mut().insert(PeerAddress(peer));
        }
        receiver
            .receive(message.map(|body| Full::new(Bytes::from(body))))
            .await
            .status()
    };
    for count in 1..=3 {
        assert_eq!(send(mallory, true).await, StatusCode::OK);
        assert_eq!(told.try_recv().unwrap(), ("Alice & Co".to_owned(), mallory, count));
    }
    for altered in [true, false] {
        assert_eq!(send(mallory, altered).await, StatusCode::SERVICE_UNAVAILABLE);
    }
    // Unknown peers are counted together, and this host bears with them; Alice is not shut out.
    for count in 1..=4 {
        assert_eq!(send(None, true).await, StatusCode::OK);
        assert_eq!(told.try_recv().unwrap().2, count);
    }
    assert_eq!(send(alice, false).await, StatusCode::OK);
    assert!(told.try_recv().is_err());
}

/// TRN-32: a page for monitors, where the host wants one.
#[tokio::test]
async fn alive_page() {
    let world = World::with(AcceptPolicy::new(), |builder| builder.alive_page("AS2 is alive\n")).await;
    let ask = async |receiver: &As2Receiver, method: Method| {
        let request = Request::builder().method(method).body(Full::new(Bytes::new())).unwrap();
        receiver.receive(request).await
    };
    for (method, content) in [(Method::GET, "AS2 is alive\n"), (Method::HEAD, "")] {
        let answer = ask(&world.bob.receiver, method).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()[CONTENT_TYPE], "text/plain; charset=utf-8");
        assert_eq!(answer.headers()[CONTENT_LENGTH], "13");
        assert_eq!(answer.body().octets(), content);
    }
    for (receiver, method) in [
        (&world.bob.receiver, Method::PUT),
        (&world.alice.receiver, Method::GET),
        (&world.alice.receiver, Method::HEAD),
    ] {
        let answer = ask(receiver, method).await;
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.headers()[ALLOW], "POST");
    }
}

/// TRN-15: what strangers get that get no receipt.
#[tokio::test]
async fn statuses_for_strangers() {
    for status in [200, 400, 403, 404, 422] {
        let status = StatusCode::from_u16(status).unwrap();
        let world = World::with(AcceptPolicy::new(), |builder| {
            builder.strangers_get_no_receipts().stranger_status(status)
        })
        .await;
        let sends = world.sending(SendProfile::new().receipt(ReceiptRequest::none()));
        let prepared = world.client.prepare(&sends, OutboundMessage::new(ORDER)).await.unwrap();
        let mut message = request(&prepared).await;
        message
            .headers_mut()
            .insert("as2-from", HeaderValue::from_static("Mallory"));
        assert_empty(post(message).await, status).await;
        // Partners are none.
        assert_empty(post(request(&prepared).await).await, StatusCode::OK).await;
    }
    let built = As2Receiver::builder(
        ediint::keystore::MemoryKeyStore::new(),
        ediint::store::Partnerships::new(),
        ediint::store::MemoryStore::new(),
    )
    .stranger_status(StatusCode::UNAUTHORIZED)
    .inbox(|_: ReceivedMessage| async { Ok::<_, std::io::Error>(()) })
    .build();
    assert!(matches!(
        built,
        Err(BuildError::StrangerStatus(StatusCode::UNAUTHORIZED))
    ));
}
