//! (envelope)
