//! What a large message does to everything else on the same async worker (PER-07).

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use ediint::store::MemoryStore;
use ediint::{As2Client, OutboundMessage};
use tokio::runtime::Builder;
use tokio::time::{Instant, Interval, interval, sleep};

use crate::Result;
use crate::parties::{Parties, serve};

pub(crate) fn run(quick: bool) -> Result<()> {
    let size = if quick { 64 << 20 } else { 256 << 20 };
    let parties = Parties::new()?;
    // One worker for everything: whatever blocks it shows.
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let url = serve(parties.receiver()?).await?;
        let client = As2Client::builder(parties.buyer_keys(), MemoryStore::new()).build()?;
        let partnership = parties.partnership(&url)?;
        let mut timer = interval(Duration::from_millis(1));

        println!(
            "\nHow late a timer of 1 ms is on the only async worker, at the median, in one case of 1000, and at worst"
        );
        let (_, idle) = delays(&mut timer, sleep(Duration::from_secs(1))).await;
        print("while nothing happens", idle);
        let message = OutboundMessage::new(Bytes::from(vec![0x5a; size]));
        let (receipt, busy) = delays(&mut timer, client.send(&partnership, message)).await;
        print(&format!("while {} MiB are sent and received", size >> 20), busy);
        match receipt?.is_accepted() {
            true => Ok(()),
            false => Err("not accepted".into()),
        }
    })
}

/// How late each tick was until `work` was done.
async fn delays<T>(timer: &mut Interval, work: impl Future<Output = T>) -> (T, Vec<Duration>) {
    let mut work = pin!(work);
    let mut delays = Vec::new();
    timer.reset();
    loop {
        tokio::select! {
            done = &mut work => return (done, delays),
            due = timer.tick() => delays.push(Instant::now().duration_since(due)),
        }
    }
}

fn print(when: &str, mut delays: Vec<Duration>) {
    delays.sort();
    let at = |thousandths: usize| {
        let index = delays.len().saturating_sub(1) * thousandths / 1000;
        delays.get(index).copied().unwrap_or_default()
    };
    println!(
        "  {when:<62} {:.1?}, {:.1?}, {:.1?}  target of the worst < 20 ms",
        at(500),
        at(999),
        at(1000)
    );
}
