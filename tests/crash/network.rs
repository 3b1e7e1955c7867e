//! The network between the two: it cuts connections, and repeats requests.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rand::RngExt;
use rand::rngs::StdRng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use crate::plan::{Place, Plan, Role};

/// One connection of so many is cut within the request, one within the response, and one has its request repeated.
const EVERY: u32 = 20;

#[derive(Debug, Default)]
struct Counts {
    connections: AtomicU64,
    refused: AtomicU64,
    cut_requests: AtomicU64,
    cut_responses: AtomicU64,
    repeated: AtomicU64,
}

/// Ends with its runtime.
pub(crate) struct Network {
    counts: Arc<Counts>,
    _runtime: Runtime,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    CutRequest,
    CutResponse,
    Repeat,
}

impl Network {
    /// Lays the ways to both processes, and tells where they begin.
    pub(crate) fn start(plan: &Plan, place: &Place) -> Self {
        let runtime = Runtime::new().unwrap();
        let counts = Arc::new(Counts::default());
        for (role, purpose) in Role::BOTH.into_iter().zip(10..) {
            let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
            place.tell(
                &format!("way-to-{}", role.name()),
                &listener.local_addr().unwrap().to_string(),
            );
            runtime.spawn(carry(
                listener,
                role,
                place.clone(),
                plan.rng(purpose),
                Arc::clone(&counts),
            ));
        }
        Self {
            counts,
            _runtime: runtime,
        }
    }
}

async fn carry(listener: TcpListener, role: Role, place: Place, mut rng: StdRng, counts: Arc<Counts>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let fault = match rng.random_range(0..EVERY) {
            0 => Fault::CutRequest,
            1 => Fault::CutResponse,
            2 => Fault::Repeat,
            _ => Fault::None,
        };
        counts.connections.fetch_add(1, Ordering::Relaxed);
        let (at, place, counts) = (rng.random_range(0.0..1.0), place.clone(), Arc::clone(&counts));
        tokio::spawn(async move {
            if let Some(address) = place.address(role)
                && let Ok(server) = TcpStream::connect(address).await
            {
                pass(stream, server, fault, at, &counts).await;
            } else {
                counts.refused.fetch_add(1, Ordering::Relaxed);
                reset(stream);
            }
        });
    }
}

/// Carries one request and its response. `at` is where a cut is made, as a part of the whole.
async fn pass(mut client: TcpStream, mut server: TcpStream, fault: Fault, at: f64, counts: &Arc<Counts>) {
    let Some((head, rest, length)) = read_head(&mut client).await else {
        return;
    };
    let total = head.len() + length;
    let end = match fault {
        Fault::CutRequest => part(total, at),
        _ => total,
    };
    let mut request = [head, rest].concat();
    request.truncate(end);
    let mut passed = 0;
    loop {
        // Who was killed has no answer.
        if server.write_all(&request[passed..]).await.is_err() {
            return reset(client);
        }
        passed = request.len();
        if passed >= end {
            break;
        }
        let mut chunk = vec![0; (64 << 10).min(end - passed)];
        match client.read(&mut chunk).await {
            Ok(read) if read > 0 => request.extend_from_slice(&chunk[..read]),
            _ => return reset(server),
        }
    }
    if fault == Fault::CutRequest {
        counts.cut_requests.fetch_add(1, Ordering::Relaxed);
        reset(server);
        return reset(client);
    }
    if fault == Fault::Repeat
        && let Ok(address) = server.peer_addr()
    {
        counts.repeated.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(repeat(address, request));
    }
    let mut response = Vec::new();
    if server.read_to_end(&mut response).await.is_err() || response.is_empty() {
        return reset(client);
    }
    if fault == Fault::CutResponse {
        counts.cut_responses.fetch_add(1, Ordering::Relaxed);
        response.truncate(part(response.len(), at));
        client.write_all(&response).await.unwrap_or_default();
        return reset(client);
    }
    client.write_all(&response).await.unwrap_or_default();
    client.shutdown().await.unwrap_or_default();
}

/// Sends the same request again, while the first may be under way. Nobody hears the answer.
async fn repeat(address: std::net::SocketAddr, request: Vec<u8>) {
    if let Ok(mut server) = TcpStream::connect(address).await
        && server.write_all(&request).await.is_ok()
    {
        server.read_to_end(&mut Vec::new()).await.unwrap_or_default();
    }
}

/// The head of a request, with the wish that the connection be closed after it; what came behind it; and the length of
/// its body.
async fn read_head(client: &mut TcpStream) -> Option<(Vec<u8>, Vec<u8>, usize)> {
    let mut read = Vec::new();
    let end = loop {
        if let Some(end) = read.windows(4).position(|octets| octets == b"\r\n\r\n") {
            break end + 4;
        }
        if client.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
    };
    let rest = read.split_off(end);
    let head = String::from_utf8(read).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok())
        .unwrap();
    Some((
        head.replacen("\r\n", "\r\nConnection: close\r\n", 1).into_bytes(),
        rest,
        length,
    ))
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a place somewhere within"
)]
fn part(total: usize, at: f64) -> usize {
    ((total as f64 * at) as usize).min(total.saturating_sub(1))
}

/// Ends a connection with RST.
fn reset(stream: TcpStream) {
    stream.set_zero_linger().unwrap_or_default();
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        write!(
            f,
            "connections: {}, of these {} to nobody, {} cut within the request, {} cut within the response, {} repeated",
            count(&self.counts.connections),
            count(&self.counts.refused),
            count(&self.counts.cut_requests),
            count(&self.counts.cut_responses),
            count(&self.counts.repeated),
        )
    }
}
