//! Bodies in every framing, those that are too large, and those that come faster than they are taken.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::wire::{body, chunk, connect, exchange, head, read_head};
use crate::{LARGEST, STACKS, Stack, World};

/// More than what a stack buffers, and text that does not repeat.
fn payload(octets: usize) -> Vec<u8> {
    (0_u32..)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes())
        .take(octets)
        .collect()
}

/// Content-Length, chunked, HTTP/1.0: the same octets arrive, and a receipt says so.
#[tokio::test]
async fn every_framing() {
    for stack in STACKS {
        let mut world = World::new(stack).await;
        let content = payload(1 << 20);
        for framing in ["length", "chunked", "HTTP/1.0"] {
            let prepared = world.prepare(content.clone()).await;
            let body = body(&prepared).await;
            let length = format!("Content-Length: {}", body.len());
            let request = match framing {
                "length" => [head(&prepared, "HTTP/1.1", &length), body].concat(),
                "HTTP/1.0" => [head(&prepared, "HTTP/1.0", &length), body].concat(),
                _ => {
                    let chunks: Vec<u8> = body.chunks(10_000).flat_map(chunk).collect();
                    let head = head(&prepared, "HTTP/1.1", "Transfer-Encoding: chunked");
                    [head, chunks, b"0\r\n\r\n".to_vec()].concat()
                }
            };
            let (status, receipt) = exchange(&mut connect(&world).await, &request).await;
            assert!(status.contains(" 200 ok\r\n"), "{stack:?} {framing}: {status}");
            assert!(
                receipt.contains("; processed\r\n"),
                "{stack:?} {framing}: {status}{receipt}"
            );
            assert!(world.delivered().await == content, "{stack:?} {framing}");
        }
    }
}

/// A client that waits is told to go on; with hyper below, only where its body is wanted.
#[tokio::test]
async fn expecting_to_continue() {
    for stack in STACKS {
        let mut world = World::new(stack).await;
        let prepared = world.prepare("UNA:+.? '").await;
        let body = body(&prepared).await;
        let expecting = |length: usize| format!("Expect: 100-continue\r\nContent-Length: {length}");

        let mut wire = connect(&world).await;
        let head_only = head(&prepared, "HTTP/1.1", &expecting(body.len()));
        wire.write_all(&head_only).await.unwrap();
        let interim = read_head(&mut wire).await;
        assert!(interim.starts_with("http/1.1 100 "), "{stack:?}: {interim}");
        let (status, _) = exchange(&mut wire, &body).await;
        assert!(status.contains(" 200 ok\r\n"), "{stack:?}: {status}");
        assert_eq!(world.delivered().await, b"UNA:+.? '");

        let mut wire = connect(&world).await;
        let too_large = head(&prepared, "HTTP/1.1", &expecting(1 << 40));
        wire.write_all(&too_large).await.unwrap();
        let mut answer = read_head(&mut wire).await;
        if stack == Stack::Actix {
            // It says so before it asks anybody.
            assert!(answer.starts_with("http/1.1 100 "), "{answer}");
            answer = read_head(&mut wire).await;
        }
        assert!(answer.starts_with("http/1.1 413 "), "{stack:?}: {answer}");
    }
}

/// What announces that it is too large is refused before any of it is read; what turns out to be, soon after.
#[tokio::test]
async fn too_large() {
    for stack in STACKS {
        let mut world = World::new(stack).await;
        let prepared = world.prepare("UNA:+.? '").await;

        let mut wire = connect(&world).await;
        let announced = head(&prepared, "HTTP/1.1", &format!("Content-Length: {}", 1_u64 << 40));
        let (status, body) = exchange(&mut wire, &announced).await;
        assert!(status.starts_with("http/1.1 413 "), "{stack:?}: {status}");
        assert_eq!(body, "");

        // Without an end: it must not be waited for.
        let (mut read, mut write) = tokio::io::split(connect(&world).await);
        let endless = head(&prepared, "HTTP/1.1", "Transfer-Encoding: chunked");
        let writing = tokio::spawn(async move {
            write.write_all(&endless).await?;
            let part = chunk(&[0; 10_000]);
            // Ends when the server closes the connection.
            while write.write_all(&part).await.is_ok() {}
            Ok::<_, std::io::Error>(())
        });
        let mut answer = [0; 13];
        read.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 413 ", "{stack:?}");
        // Nor read for ever.
        let written = timeout(Duration::from_secs(60), writing).await;
        written.expect("the connection is closed").unwrap().unwrap();
        drop(read);
        let told = world.events.recv().await.unwrap();
        assert!(told.contains("TooLarge"), "{told}");
    }
}

/// Where the receiver does not read, the sender cannot write: what is on its way is in no one's memory.
#[tokio::test]
async fn back_pressure() {
    for stack in STACKS {
        let mut world = World::holding(stack).await;
        let content = payload(usize::try_from(LARGEST).unwrap());
        let prepared = world.prepare(content.clone()).await;
        let body = body(&prepared).await;
        let total = body.len();
        let mut wire = connect(&world).await;
        let length = format!("Content-Length: {total}");
        wire.write_all(&head(&prepared, "HTTP/1.1", &length)).await.unwrap();

        let (mut read, mut write) = tokio::io::split(wire);
        let written = Arc::new(AtomicUsize::new(0));
        let counted = written.clone();
        let writing = tokio::spawn(async move {
            for part in body.chunks(16 << 10) {
                write.write_all(part).await.unwrap();
                counted.fetch_add(part.len(), Ordering::SeqCst);
            }
            write.flush().await.unwrap();
            write
        });
        // Until nothing moves any more; all of it would have moved, were there room.
        let mut before = usize::MAX;
        while before != written.load(Ordering::SeqCst) || world.receiver.in_progress() == 0 {
            before = written.load(Ordering::SeqCst);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert!(
            before < total / 4,
            "{stack:?} took {before} octets that nobody had asked for"
        );

        world.permits.add_permits(1);
        let mut status = [0; 12];
        read.read_exact(&mut status).await.unwrap();
        assert_eq!(&status, b"HTTP/1.1 200", "{stack:?}");
        drop(writing.await.unwrap());
        assert!(world.delivered().await == content, "{stack:?}");
    }
}
