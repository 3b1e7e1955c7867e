//! What the traits of stores return, so that they can be used as `dyn`.

use std::pin::Pin;

/// A future on the heap, that can be sent between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
