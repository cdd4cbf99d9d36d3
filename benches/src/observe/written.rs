//! What a workload writes: bytes and calls to the system, as Linux counts them for the process, and syncs,
//! as the subject counts them. None of it depends on how fast the machine or its disk is.

use std::fs;

use serde::{Deserialize, Serialize};

use crate::base::number::as_f64;
use crate::observe::metrics::{BYTES_PER_TASK, Reading, SYNCS_PER_TASK, WRITE_CALLS_PER_TASK};
use crate::subject::Counters;

/// What this process has written so far, to files of any kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Written {
    /// Bytes handed to the system.
    pub bytes: u64,
    /// Calls that handed them over.
    pub calls: u64,
}

impl Written {
    /// Until now; `None` where the system does not count.
    #[must_use]
    pub fn by_this_process() -> Option<Self> {
        Self::read(&fs::read_to_string("/proc/self/io").ok()?)
    }

    /// Since an earlier reading.
    #[must_use]
    pub fn since(earlier: Option<Self>) -> Option<Self> {
        let (now, earlier) = (Self::by_this_process()?, earlier?);
        Some(Self {
            bytes: now.bytes.saturating_sub(earlier.bytes),
            calls: now.calls.saturating_sub(earlier.calls),
        })
    }

    /// This and more.
    #[must_use]
    pub const fn and(self, more: Self) -> Self {
        Self { bytes: self.bytes + more.bytes, calls: self.calls + more.calls }
    }

    /// What each of this many tasks took, with what the subject counted meanwhile.
    #[must_use]
    pub fn per_task(self, counted: Counters, tasks: u64) -> [Reading; 3] {
        let each = |count: u64| as_f64(count) / as_f64(tasks.max(1));
        [
            BYTES_PER_TASK.reads(each(self.bytes)),
            WRITE_CALLS_PER_TASK.reads(each(self.calls)),
            SYNCS_PER_TASK.reads(each(counted.synced_transactions)),
        ]
    }

    fn read(counts: &str) -> Option<Self> {
        let count = |name: &str| {
            counts.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
        };
        Some(Self { bytes: count("wchar:")?, calls: count("syscw:")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_linux_counts_is_read() {
        let counts = "rchar: 10\nwchar: 4120\nsyscr: 3\nsyscw: 2\nread_bytes: 0\n";
        assert_eq!(Written::read(counts), Some(Written { bytes: 4120, calls: 2 }));
        assert_eq!(Written::read("rchar: 10\n"), None);
    }
}
