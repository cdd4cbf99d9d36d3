//! What one operation takes to be written: counted by a process that does nothing else.

use crate::base::error::Result;
use crate::base::number::as_f64;
use crate::process::{CountRole, Counts, Operation, count_elsewhere};
use crate::scenario::cost::instructions::prepared;
use crate::scenario::stage::Stage;

/// What one operation takes to be written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PerTask {
    /// Transactions that wait for the disk. One that only changes leases need not.
    pub syncs: f64,
    /// Calls that write; `None` where the system does not count.
    pub calls: Option<f64>,
    /// Bytes written; `None` where the system does not count.
    pub bytes: Option<f64>,
}

/// What an operation takes to be written, as the mean of this many by one caller in a process of its own. So
/// few operations never cause the WAL to be copied back.
///
/// # Errors
/// If no database can be prepared, or the process does not do its part.
pub fn by_operation(stage: &Stage, operation: Operation, times: usize) -> Result<PerTask> {
    let (_directory, path) = prepared(stage, times)?;
    let Counts { written, syncs } =
        count_elsewhere(CountRole { operation, times, ready: times, path })?;
    let each = |count: u64| as_f64(count) / as_f64(u64::try_from(times.max(1)).unwrap_or(u64::MAX));
    Ok(PerTask {
        syncs: each(syncs),
        calls: written.map(|written| each(written.calls)),
        bytes: written.map(|written| each(written.bytes)),
    })
}
