//! The schema of the file that prismq and its yardsticks share.

/// All statements of it.
pub(crate) const SCHEMA: &str = concat!(
    include_str!("../../../../crates/prismq/src/engine/sqlite/schema/core.sql"),
    "INSERT INTO prismq_meta (one, version, own_file, next_id, number) VALUES (1, 3, 1, 1, random());"
);

/// Largest payload stored in its task's row, as in prismq; a larger one is stored out of line.
pub(crate) const PAYLOAD_BYTES_INLINE_MAX: usize = 1024;
