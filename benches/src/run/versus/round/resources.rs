//! What a queue uses: processor time and bytes written in the pipeline, memory and room on the disk at the end, and what
//! it does while there is nothing to do. All of the driver and of the store's processes.

use std::thread;
use std::time::Duration;

use super::run::Run;
use super::{DISK, IDLE, MEMORY, PIPELINE};
use crate::base::dir_size::dir_size;
use crate::base::number::as_f64;
use crate::run::versus::workloads::Reading;
use crate::subject::remote::usage::{Activity, Threads, memory, written};

/// How long what a queue does after its tasks may take.
const SETTLE_TIME: Duration = Duration::from_millis(500);
const MIB: f64 = 1024.0 * 1024.0;

/// What was used until some time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Used {
    processor: Duration,
    written: Option<u64>,
}

impl Run<'_> {
    pub(super) fn used(&self) -> Used {
        let family = self.session.driver().family();
        Used { processor: family.usage().processor, written: written(&family.members()) }
    }

    /// What a task of the pipeline took.
    pub(super) fn read_use(&mut self, before: Used, tasks: u64) {
        let now = self.used();
        let tasks = as_f64(tasks.max(1));
        let processor = now.processor.saturating_sub(before.processor);
        let us = processor.as_secs_f64() * 1e6 / tasks;
        self.add([Reading::cost(PIPELINE, "processor_us_per_task", "us/task", us)]);
        if let (Some(now), Some(before)) = (now.written, before.written) {
            let bytes = as_f64(now.saturating_sub(before)) / tasks;
            self.add([Reading::cost(PIPELINE, "written_bytes_per_task", "bytes/task", bytes)]);
        }
    }

    /// Watches the crew while nothing is enqueued, once what follows the last task has passed.
    pub(super) fn idle(&mut self) {
        thread::sleep(SETTLE_TIME);
        let members = self.session.driver().family().members();
        let before = Threads::of(&members);
        let time = Duration::from_secs_f64(self.sizes.seconds);
        thread::sleep(time);
        let (Some(before), Some(now)) = (before, Threads::of(&members)) else {
            return self.missing(IDLE, "not measured: the system does not count");
        };
        let Activity { processor, switches } = now.since(&before);
        let per_s = |count: f64| count / time.as_secs_f64();
        let ms = per_s(processor.as_secs_f64() * 1e3);
        self.add([
            Reading::cost(IDLE, "processor_ms_per_s", "ms/s", ms),
            Reading::cost(IDLE, "switches_per_s", "switches/s", per_s(as_f64(switches))),
        ]);
    }

    /// What is used once all tasks are done: in memory, and on the disk by each of them.
    pub(super) fn measure_footprint(&mut self, empty: Option<u64>) {
        match memory(&self.session.driver().family().members()) {
            Some(bytes) => self.add([Reading::cost(MEMORY, "pss_mib", "MiB", as_f64(bytes) / MIB)]),
            None => self.missing(MEMORY, "not measured: the system does not count"),
        }
        match empty.zip(dir_size(self.directory).ok()) {
            Some((empty, full)) => {
                let bytes = as_f64(full.saturating_sub(empty)) / as_f64(self.attempts.max(1));
                self.add([Reading::cost(DISK, "bytes_per_task", "bytes/task", bytes)]);
            }
            None => self.missing(DISK, "not measured: the directory cannot be read"),
        }
    }
}
