//! Callers: threads that enqueue, at once or when tasks are due, and write records.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::clock::{now, wait_until};
use crate::lane::{Kind, Lane, Record};
use crate::message::{Enqueued, Model, Records};
use crate::payload::payload;
use crate::plan::Plan;

use super::{Queue, Refused, Task};

/// How long a caller waits after a busy answer.
const BUSY_WAIT: Duration = Duration::from_millis(1);

/// What is enqueued, and how.
pub(super) struct Offer<'a> {
    pub(super) queue: &'a dyn Queue,
    pub(super) plan: &'a Plan,
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) payload_bytes: usize,
    pub(super) batch: u64,
    pub(super) model: Model,
    pub(super) t0_ns: u64,
    pub(super) records: Records,
}

impl Offer<'_> {
    /// Enqueues all with a caller for each lane.
    pub(super) fn run(&self, lanes: &[Arc<Lane>]) -> Enqueued {
        let next = AtomicU64::new(self.from);
        let errors = Mutex::new(BTreeMap::new());
        let (next, failed) = (&next, &errors);
        let count: u64 = thread::scope(|scope| {
            let call = lanes.iter().map(|lane| scope.spawn(move || self.call(next, lane, failed)));
            let callers: Vec<_> = call.collect();
            callers.into_iter().map(|caller| caller.join().unwrap_or_default()).sum()
        });
        lanes.iter().for_each(|lane| lane.flush());
        Enqueued { count, errors: errors.into_inner().unwrap_or_else(PoisonError::into_inner) }
    }

    fn call(&self, next: &AtomicU64, lane: &Lane, errors: &Mutex<BTreeMap<String, u64>>) -> u64 {
        let mut count = 0;
        loop {
            let first = next.fetch_add(self.batch, Ordering::Relaxed);
            if first >= self.to {
                return count;
            }
            let end = first.saturating_add(self.batch).min(self.to);
            let tasks: Vec<Task> = (first..end).filter_map(|token| self.task(token)).collect();
            if self.model == Model::Open {
                let due = self.plan.get(end.saturating_sub(1)).map_or(0, |entry| entry.offset_ns);
                wait_until(self.t0_ns.saturating_add(due));
            }
            let mut called = now();
            let write = |kind, t1, t2| {
                for token in first..end {
                    lane.write(&Record { token, t1, t2, kind, ending: None, attempt: 0, extra: 0 });
                }
            };
            if self.records == Records::Each {
                write(Kind::Calling, called, 0);
                called = now();
            }
            match self.enqueue(&tasks) {
                Ok(()) => {
                    write(Kind::Enqueued, called, now());
                    count += end - first;
                }
                Err(refused) => {
                    let mut errors = errors.lock().unwrap_or_else(PoisonError::into_inner);
                    *errors.entry(refused.reason().to_owned()).or_default() += end - first;
                }
            }
        }
    }

    fn enqueue(&self, tasks: &[Task]) -> Result<(), Refused> {
        loop {
            match self.queue.enqueue(tasks) {
                Err(Refused::Busy(_)) => thread::sleep(BUSY_WAIT),
                answer => return answer,
            }
        }
    }

    fn task(&self, token: u64) -> Option<Task> {
        let entry = self.plan.get(token)?;
        Some(Task {
            payload: payload(token, self.payload_bytes),
            priority: entry.priority,
            task_type: entry.task_type,
            fails: entry.fails,
        })
    }
}
