//! What AS2 costs on top of its cryptography: `cargo bench`, or `cargo bench -- --quick` for a first look.
//!
//! Nothing here is an absolute time. Each line sets the pipeline against the bare primitives, of the same crates in the
//! same process, and both run in turns. What counts is the processor time of all threads of the process, so that a busy
//! machine changes little.
//!
//! A word picks sections: `cargo bench -- bulk`, `message`, `linear`, `delay`.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

#[path = "../../examples/support/identity.rs"]
mod identity;

mod bulk;
mod delay;
mod linear;
mod measure;
mod message;
mod parties;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let picked: Vec<_> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let section = |name: &str| picked.is_empty() || picked.iter().any(|picked| *picked == name);

    if section("bulk") {
        bulk::run(quick)?;
    }
    if section("message") {
        message::run(quick)?;
    }
    if section("linear") {
        linear::run(quick)?;
    }
    if section("delay") {
        delay::run(quick)?;
    }
    Ok(())
}
