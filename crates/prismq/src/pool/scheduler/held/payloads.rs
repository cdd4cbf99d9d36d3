//! Reading payloads that are stored out of line.
//!
//! Workers read them, since a read costs no commit: one worker for all, the payloads of the tasks that come
//! next, up to 256 KiB at a time ([`READ_BYTES_MAX`](crate::engine::READ_BYTES_MAX)). A claim leaves them unread,
//! so that no transaction waits for the reads, and a pool's memory does not grow with what it holds ahead.

use std::time::Instant;

use super::super::Scheduler;
use super::super::log::LogEntry;
use super::super::queues::Queues;
use super::ready::{Ready, ReadyTask};
use super::settling::Settle;
use crate::engine::READ_TASKS_MAX;
use crate::model::{Error, LeaseKey, Payload, Result};

/// Payloads as they were read, or why they were not.
pub(crate) type ReadPayloads = Vec<(LeaseKey, Result<Payload>)>;

impl Ready {
    /// The tasks of the next queue whose payloads to read next: no more than can fit, as each is larger than one that is
    /// stored in its task's row. `None` while a worker reads, or if the next task has its payload.
    pub(crate) fn start_read(&mut self, queues: &Queues) -> Option<Vec<LeaseKey>> {
        if self.reading {
            return None;
        }
        let runnable = self.of(self.next_queue(queues)?).filter(|task| task.runnable);
        let unread = runnable.take_while(|task| task.is_unread()).take(READ_TASKS_MAX);
        let keys: Vec<LeaseKey> = unread.map(|task| task.lease.key).collect();
        self.reading = !keys.is_empty();
        self.reading.then_some(keys)
    }

    /// Accepts payloads, and takes the tasks whose payloads were not read. A task that is no longer here was
    /// lost or released meanwhile.
    fn end_read(&mut self, read: ReadPayloads) -> Vec<(ReadyTask, Error)> {
        self.reading = false;
        let mut failed = Vec::new();
        for (key, payload) in read {
            let Some(place) = self.place_of(key) else { continue };
            match payload {
                Ok(payload) => {
                    if let Some(task) = self.get_mut(place) {
                        task.lease.payload = payload;
                    }
                }
                Err(error) => failed.extend(self.remove(place).map(|task| (task, error))),
            }
        }
        failed
    }
}

impl Scheduler {
    /// A worker has read payloads. A task whose payload was not read is settled without having run.
    pub(in crate::pool) fn end_read(&mut self, read: ReadPayloads, now: Instant) {
        for (task, error) in self.ready.end_read(read) {
            let (queue, id) = (task.lease.queue.clone(), task.lease.id());
            self.log.push(LogEntry::PayloadUnread { queue, task: id, error: error.clone() });
            let queue = task.queue;
            self.settle_unrun(task, Settle::PayloadUnread(error), now);
            self.task_left(queue, now);
        }
    }
}
