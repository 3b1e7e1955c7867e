//! Conformance suites for what a host puts in the place of ours. They are for the host's own tests.

pub mod key_store;
