//! Where the shells get random numbers from; the core takes them as an argument.

use std::fmt;

use getrandom::SysRng;
use rand_core::{CryptoRng, UnwrapErr};

/// A source of random numbers, so that tests can repeat them.
pub trait Entropy: fmt::Debug + Send + Sync + 'static {
    /// A generator for one message.
    fn rng(&self) -> Box<dyn CryptoRng + Send>;
}

/// The random numbers of the operating system.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "a name, with nothing to add to it")]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    /// Panics on use if the operating system has no random numbers to give, as nothing can be done safely then.
    fn rng(&self) -> Box<dyn CryptoRng + Send> {
        Box::new(UnwrapErr(SysRng))
    }
}
