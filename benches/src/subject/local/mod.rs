//! Subjects that run in this process.

pub mod pooled;
pub mod prismq;
pub(crate) mod schema;
