//! Whether a workload as a whole is of a size that can be done.

use super::limits::{PAYLOADS_BYTES_MAX, TASKS_MAX};
use crate::base::number::as_f64;

/// Why this many tasks are too many, if they are.
pub(super) fn too_many(tasks: f64) -> Option<String> {
    let most = as_f64(u64::try_from(TASKS_MAX).unwrap_or(u64::MAX));
    (tasks > most).then(|| format!("this makes {tasks:.0} tasks; allowed are at most {TASKS_MAX}"))
}

/// Why this many bytes of payload are too many, if they are.
pub(super) fn too_large(bytes: f64) -> Option<String> {
    (bytes > as_f64(PAYLOADS_BYTES_MAX)).then(|| {
        let gib = f64::from(1_u32 << 30);
        format!(
            "this makes {:.1} GiB of payloads; allowed are at most {:.0} GiB",
            bytes / gib,
            as_f64(PAYLOADS_BYTES_MAX) / gib
        )
    })
}
