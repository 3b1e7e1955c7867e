//! Name resolution and TCP.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::transport::{Egress, Step, TransportError};

/// How long one address has before the next is tried beside it (RFC 8305 §5).
const NEXT_ADDRESS: Duration = Duration::from_millis(250);

/// A connection to a host, at an address that `egress` allows.
pub(super) async fn connect(host: &str, port: u16, egress: Egress) -> Result<TcpStream, TransportError> {
    race(resolve(host, port, egress).await?).await
}

/// The addresses of a host, all of which `egress` allows.
pub(super) async fn resolve(host: &str, port: u16, egress: Egress) -> Result<Vec<SocketAddr>, TransportError> {
    let literal = host.parse::<IpAddr>().ok();
    let addresses = match literal {
        Some(literal) => vec![SocketAddr::new(literal, port)],
        None => {
            let found = lookup_host((host, port)).await.map_err(TransportError::Resolve)?;
            alternate(found)
        }
    };
    match addresses
        .iter()
        .find(|address| !egress.allows(address.ip(), literal.is_some()))
    {
        Some(forbidden) => Err(TransportError::AddressNotAllowed {
            host: host.to_owned(),
            address: forbidden.ip(),
        }),
        None => Ok(addresses),
    }
}

/// Both families in turn, each in the order of the resolver, beginning with the family that it put first (RFC 8305 §4).
fn alternate(addresses: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut addresses = addresses.peekable();
    let first_is_v6 = addresses.peek().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses.partition(|address| address.is_ipv6() == first_is_v6);
    let mut second = second.into_iter();
    let mut order = Vec::new();
    for address in first {
        order.push(address);
        order.extend(second.next());
    }
    order.extend(second);
    order
}

/// The first connection that stands. The next address is tried as soon as one fails or takes long.
pub(super) async fn race(addresses: Vec<SocketAddr>) -> Result<TcpStream, TransportError> {
    let mut waiting = addresses.into_iter();
    let mut attempts = JoinSet::new();
    let mut failure = TransportError::Resolve(io::Error::new(io::ErrorKind::NotFound, "no address"));
    loop {
        if let Some(address) = waiting.next() {
            attempts.spawn(async move { (address, open(address).await) });
        }
        let finished = tokio::select! {
            finished = attempts.join_next() => finished,
            () = sleep(NEXT_ADDRESS), if waiting.len() > 0 => continue,
        };
        match finished {
            None => return Err(failure),
            Some(Ok((_, Ok(stream)))) => return Ok(stream),
            Some(Ok((address, Err(source)))) => failure = TransportError::Connect { address, source },
            Some(Err(stopped)) => {
                failure = TransportError::Connection {
                    step: Step::Connect,
                    source: stopped.into(),
                };
            }
        }
    }
}

async fn open(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    // A request is written in large pieces; the last, short one must not wait for an acknowledgement.
    stream.set_nodelay(true)?;
    Ok(stream)
}
