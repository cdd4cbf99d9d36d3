//! Reading payloads that are stored out of line.
//!
//! Workers read them, since a read costs no commit: one worker for all, the payloads of the tasks that come
//! next, up to 256 KiB at a time ([`READ_BYTES_MAX`](crate::engine::READ_BYTES_MAX)). A claim leaves them unread,
//! so that no transaction waits for the reads, and a pool's memory does not grow with what it holds ahead.

use std::time::Instant;

use super::super::Scheduler;
use super::super::log::LogEntry;
use super::ready::{Ready, ReadyTask};
use super::settling::Settle;
use crate::engine::READ_TASKS_MAX;
use crate::model::{Error, LeaseKey, Payload, Result};

/// Payloads as they were read, or why they were not.
pub(crate) type ReadPayloads = Vec<(LeaseKey, Result<Payload>)>;

impl Ready {
    /// The tasks whose payloads to read next: no more than can fit, as each is larger than one that is stored
    /// in its task's row. `None` while a worker reads, or if the next task has its payload.
    pub(crate) fn start_read(&mut self) -> Option<Vec<LeaseKey>> {
        if self.reading || !self.first()?.lease.payload.is_unread() {
            return None;
        }
        self.reading = true;
        let unread = self.tasks.iter().filter(|task| task.runnable);
        let unread = unread.take_while(|task| task.lease.payload.is_unread());
        Some(unread.take(READ_TASKS_MAX).map(|task| task.lease.key).collect())
    }

    /// Accepts payloads, and takes the tasks whose payloads were not read. A task that is no longer here was
    /// lost or released meanwhile.
    fn end_read(&mut self, read: ReadPayloads) -> Vec<(ReadyTask, Error)> {
        self.reading = false;
        let mut failed = Vec::new();
        for (key, payload) in read {
            let Some(index) = self.tasks.iter().position(|task| task.lease.key == key) else {
                continue;
            };
            match payload {
                Ok(payload) => {
                    if let Some(task) = self.tasks.get_mut(index) {
                        task.lease.payload = payload;
                    }
                }
                Err(error) => failed.extend(self.remove(index).map(|task| (task, error))),
            }
        }
        failed
    }
}

impl Scheduler {
    /// A worker has read payloads. A task whose payload was not read is settled without having run.
    pub(in crate::pool) fn end_read(&mut self, read: ReadPayloads, now: Instant) {
        for (task, error) in self.ready.end_read(read) {
            self.log.push(LogEntry::PayloadUnread { task: task.lease.id(), error: error.clone() });
            self.settle_unrun(task, Settle::PayloadUnread(error), now);
        }
    }
}
