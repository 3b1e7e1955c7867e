//! Guides: how the parts go together, one subject a page.
//!
//! | page | answers |
//! |---|---|
//! | [`send`] | How do I send a message, and what does the answer mean? |
//! | [`receive`] | How do I mount the receiver in my HTTP server, and when do I return from the inbox? |
//! | [`keys`] | Where do keys come from, and how are they changed without an interruption? |
//! | [`tls`] | Whom do I trust, as whom do I come, and what stands between? |
//! | [`stores`] | What survives a crash, and what do I have to do for it? |
//! | [`clusters`] | How do several machines share the work? |
//! | [`security`] | What is guarded against, and what is left to the host? |
//! | [`troubleshooting`] | A partner's message or mine is refused: why, and which setting helps? |
//! | [`observability`] | What is there to see, in logs and as metrics? |
//! | [`conformance`] | Which algorithms, structures and sections of the RFCs are covered? |

pub mod observability;

#[cfg(all(feature = "client", feature = "receiver"))]
#[doc = include_str!("send.md")]
pub mod send {}

#[cfg(all(feature = "client", feature = "receiver"))]
#[doc = include_str!("receive.md")]
pub mod receive {}

#[cfg(all(feature = "client", feature = "receiver"))]
#[doc = include_str!("keys.md")]
pub mod keys {}

#[cfg(all(feature = "client", feature = "receiver"))]
#[doc = include_str!("tls.md")]
pub mod tls {}

#[cfg(all(feature = "client", feature = "receiver"))]
#[doc = include_str!("stores.md")]
pub mod stores {}

#[cfg(all(feature = "client", feature = "receiver"))]
#[doc = include_str!("clusters.md")]
pub mod clusters {}

#[cfg(all(feature = "client", feature = "receiver"))]
#[doc = include_str!("security.md")]
pub mod security {}

#[cfg(all(feature = "client", feature = "receiver"))]
#[doc = include_str!("troubleshooting.md")]
pub mod troubleshooting {}

#[cfg(all(feature = "client", feature = "receiver"))]
#[doc = include_str!("conformance.md")]
pub mod conformance {}
