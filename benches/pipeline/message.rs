//! A small message there and its receipt back, against the private-key operations that both need (PER-03).

use ediint::store::MemoryStore;
use ediint::{As2Client, OutboundMessage, Partnership};
use tokio::runtime::{Builder, Runtime};

use crate::Result;
use crate::measure::{Target, in_turns, print_ratio};
use crate::parties::{InProcess, Parties, serve};

const SIZE: usize = 10 << 10;

pub(crate) fn run(quick: bool) -> Result<()> {
    let rounds = if quick { 100 } else { 500 };
    let parties = Parties::new()?;
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let payload = vec![b'A'; SIZE];

    let direct = As2Client::builder(parties.buyer_keys(), MemoryStore::new())
        .http_client(InProcess(parties.receiver()?))
        .build()?;
    let partnership = parties.partnership("http://localhost/as2")?;
    let over_http = As2Client::builder(parties.buyer_keys(), MemoryStore::new()).build()?;
    let loopback = parties.partnership(&runtime.block_on(serve(parties.receiver()?))?)?;

    let rounds = in_turns(
        rounds,
        [
            &mut || parties.private_key_operations(),
            &mut || exchange(&runtime, &direct, &partnership, &payload),
            &mut || exchange(&runtime, &over_http, &loopback, &payload),
        ],
    )?;
    println!(
        "\nA message of 10 KiB, signed and encrypted, and its signed receipt: the time of the whole exchange divided"
    );
    println!(
        "by that of its three private-key operations (RSA 2048: signature, key unwrapping, signature of the receipt)"
    );
    let bare = rounds.figure(|[bare, ..]| bare * 1e3).median;
    println!("  the three operations alone: {bare:.2} ms");
    print_ratio(
        "client to receiver and back, in process",
        rounds.figure(|[bare, direct, _]| direct / bare),
        Target::AtMost(1.15),
    );
    print_ratio(
        "the same over HTTP on loopback, a connection each",
        rounds.figure(|[bare, _, loopback]| loopback / bare),
        Target::None,
    );
    Ok(())
}

fn exchange(runtime: &Runtime, client: &As2Client, partnership: &Partnership, payload: &[u8]) -> Result<()> {
    let message = OutboundMessage::new(payload.to_vec()).content_type("application/edifact");
    let receipt = runtime.block_on(client.send(partnership, message))?;
    match receipt.is_accepted() {
        true => Ok(()),
        false => Err(format!("not accepted: {:?}", receipt.status).into()),
    }
}
