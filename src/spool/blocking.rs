use std::io;

use tokio::task::spawn_blocking;

/// Runs blocking work beside the runtime, from now on. That it panicked, or the runtime is shutting down, is an error.
///
/// The future does not hold the work, which may be large: in an `async fn` it would lie twice in that of each caller.
pub(crate) fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = io::Result<T>> + Send {
    let running = spawn_blocking(work);
    async { running.await.map_err(io::Error::other) }
}
