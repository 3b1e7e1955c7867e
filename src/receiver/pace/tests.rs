use std::convert::Infallible;
use std::task::{Context, Poll};

use tokio::sync::mpsc::{Receiver, channel};

use super::*;

struct Chunks(Receiver<Bytes>);

impl Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let chunk = self.get_mut().0.poll_recv(cx);
        chunk.map(|chunk| chunk.map(|chunk| Ok(Frame::data(chunk))))
    }
}

/// Reads a body that comes in chunks of so many octets, each after so many seconds. What comes of it, and after how long.
async fn read(pace: BodyPace, octets: usize, pauses: Vec<u64>) -> (Result<u64, Refused>, u64) {
    let (send, receive) = channel(1);
    tokio::spawn(async move {
        for pause in pauses {
            tokio::time::sleep(Duration::from_secs(pause)).await;
            if send.send(vec![0; octets].into()).await.is_err() {
                break;
            }
        }
    });
    let began = Instant::now();
    let mut body = PacedBody::new(Chunks(receive), pace);
    let result = loop {
        match body.frame().await {
            Ok(Some(_)) => {}
            Ok(None) => break Ok(body.octets()),
            Err(error) => break Err(error),
        }
    };
    (result, began.elapsed().as_secs())
}

fn pace() -> BodyPace {
    BodyPace::new()
        .octets_per_second(10)
        .grace(Duration::from_secs(30))
        .total(Duration::from_secs(300))
}

/// SEC-29: whoever sends an octet now and then does not hold a place for long.
#[tokio::test(start_paused = true)]
async fn slow_bodies_are_given_up() {
    for (octets, pauses, after) in [
        (1, vec![31], 30),
        (1, vec![9; 100], 30),
        // Fast enough to begin with: each chunk buys 10 s.
        (100, [vec![1, 1], vec![100]].concat(), 50),
        // Fast enough, but without end.
        (1000, vec![10; 100], 300),
    ] {
        let (result, seconds) = read(pace(), octets, pauses).await;
        assert!(matches!(result, Err(Refused::TooSlow)), "{result:?}");
        assert_eq!(seconds, after);
    }
}

#[tokio::test(start_paused = true)]
async fn bodies_that_keep_the_pace_are_read() {
    for (octets, pauses) in [
        (1, vec![29]),
        (100, vec![10; 29]),
        (1, vec![0; 1000]),
        (300, vec![29, 30, 30]),
        (0, vec![]),
    ] {
        let expected = u64::try_from(octets * pauses.len()).unwrap();
        let (result, _) = read(pace(), octets, pauses).await;
        assert_eq!(result.unwrap(), expected);
    }
    // No rule but the total.
    let (result, _) = read(pace().octets_per_second(0), 1, vec![290]).await;
    assert_eq!(result.unwrap(), 1);
}

/// The time that the receiver takes is not the sender's.
#[tokio::test(start_paused = true)]
async fn only_waiting_counts() {
    let (send, receive) = channel(10);
    for _ in 0..3 {
        send.send(Bytes::from_static(b"x")).await.unwrap();
    }
    drop(send);
    let mut body = PacedBody::new(Chunks(receive), pace());
    while let Some(_frame) = body.frame().await.unwrap() {
        tokio::time::sleep(Duration::from_secs(200)).await;
    }
    assert_eq!(body.octets(), 3);
}
