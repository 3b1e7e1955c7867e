//! (receiver)
