//! The schema of the file that prismq and its yardsticks share.

/// All statements of it.
pub(crate) const SCHEMA: &str =
    include_str!("../../../../crates/prismq/src/engine/sqlite/schema/0001_initial.sql");

/// Largest payload stored in its task's row, as in prismq; a larger one is stored out of line.
pub(crate) const PAYLOAD_BYTES_INLINE_MAX: usize = 1024;
