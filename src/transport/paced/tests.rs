use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use http_body_util::BodyExt;
use tokio::io::{AsyncWriteExt, duplex};
use tokio::time::{Instant, sleep};

use super::{Pace, PacedBody, TooSlow};
use crate::transport::RequestBody;

/// A body of a million octets, of which `octets` come every `interval`.
fn dribbling(octets: usize, interval: Duration) -> impl Body<Data = Bytes, Error = std::io::Error> {
    let (mut sender, receiver) = duplex(1 << 20);
    tokio::spawn(async move {
        while sender.write_all(&vec![0; octets]).await.is_ok() {
            sleep(interval).await;
        }
    });
    RequestBody::from_reader(receiver, 1_000_000)
}

async fn read(mut body: PacedBody<impl Body<Data = Bytes, Error = std::io::Error>>) -> Result<usize, TooSlow> {
    let mut read = 0;
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => read += frame.data_ref().unwrap().len(),
            Err(error) => return Err(*error.downcast::<TooSlow>().unwrap()),
        }
    }
    Ok(read)
}

/// SEC-29: a sender that says a little now and then holds a connection for as long as it has earned.
#[tokio::test(start_paused = true)]
async fn slow_senders() {
    let second = Duration::from_secs(1);
    for (octets, interval, fails_at) in [
        // As fast as it has to be, and faster.
        (1024, second, None),
        (100_000, second * 40, None),
        // Nothing after the first piece; one octet a second; half the rate.
        (1, second * 10_000, Some((1, 30))),
        (1, second, Some((30, 30))),
        (512, second, Some((60 * 512, 60))),
        // Fast in a burst, and then never again: what was earned is used up.
        (102_400, second * 10_000, Some((102_400, 130))),
    ] {
        let started = Instant::now();
        let result = read(PacedBody::new(dribbling(octets, interval), Pace::default())).await;
        match fails_at {
            None => assert_eq!(result, Ok(1_000_000)),
            Some((received, after)) => {
                let TooSlow {
                    received: found,
                    elapsed,
                } = result.unwrap_err();
                let tolerance = u64::try_from(octets).unwrap();
                assert!(found.abs_diff(received) <= tolerance, "{octets}: {found}");
                assert_eq!(elapsed, started.elapsed());
                assert!(elapsed.as_secs().abs_diff(after) <= 1, "{octets}: {elapsed:?}");
            }
        }
    }
}

/// SEC-29: the whole body has an end, and time that the host takes is not the sender's.
#[tokio::test(start_paused = true)]
async fn totals_and_slow_hosts() {
    let pace = Pace {
        total: Duration::from_secs(100),
        ..Pace::default()
    };
    let body = PacedBody::new(dribbling(2048, Duration::from_secs(1)), pace);
    assert_eq!(read(body).await.unwrap_err().elapsed, Duration::from_secs(100));

    let full = http_body_util::Full::<Bytes>::new(Bytes::from_static(b"all at once"));
    let full = full.map_err(|never: Infallible| -> std::io::Error { match never {} });
    let mut body = PacedBody::new(full, Pace::default());
    sleep(Duration::from_secs(10_000)).await;
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "all at once");
    sleep(Duration::from_secs(10_000)).await;
    assert!(body.frame().await.is_none());
}
