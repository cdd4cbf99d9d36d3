//! The schema of the file that prismq and its yardsticks share.

/// All statements of it.
pub(crate) const SCHEMA: &str =
    include_str!("../../../../crates/prismq/src/engine/sqlite/schema/0001_initial.sql");
