//! Guides: one page for each subject.

pub mod observability;
