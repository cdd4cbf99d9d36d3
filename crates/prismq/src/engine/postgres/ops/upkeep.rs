//! Upkeep: adding up the counters, keeping the retention of types and of queues that complete nothing, deciding slots of
//! schedules again after the clock was set back, and deleting keys without tasks. Each process does it after some of its
//! transactions, in a caller that has its answer, and now and then while its pools are idle.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use crate::engine::postgres::batch::STEP_TASKS_MAX;
use crate::engine::postgres::batch::counters::FOLD;
use crate::engine::postgres::batch::run::Run;
use crate::engine::postgres::client::Columns;
use crate::model::Result;

/// Queues that do not keep all dead tasks, or keep ended ones for a time.
pub(crate) const RETAINED: &str = "SELECT id FROM prismq.queue
     WHERE dead_keep IS NOT NULL OR dead_age IS NOT NULL OR completed_age IS NOT NULL OR cancelled_age IS NOT NULL
         OR cancelled_keep > 0 ORDER BY id";

/// After how many transactions of this process.
const TRANSACTIONS: u64 = 128;
/// How many keys it looks at, and for how many keys that were added it looks at two more each.
const KEYS_MIN: usize = 64;
const KEYS_ADDED_MAX: usize = 32 << 10;
/// How often at least.
const INTERVAL: Duration = Duration::from_secs(60);
/// How often the health of the tables is looked at.
const CHECKUP_INTERVAL: Duration = Duration::from_secs(600);

/// When it is due.
#[derive(Debug)]
pub(crate) struct Upkeep {
    transactions: AtomicU64,
    /// Whether one of them made it due, and nobody has begun it.
    due: AtomicBool,
    /// Held by the thread that does it.
    running: Mutex<()>,
    last: Mutex<Instant>,
    last_checkup: Mutex<Instant>,
}

impl Upkeep {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self {
            transactions: AtomicU64::new(0),
            due: AtomicBool::new(false),
            running: Mutex::default(),
            last: Mutex::new(now),
            last_checkup: Mutex::new(now),
        }
    }

    /// Another transaction was committed.
    pub(crate) fn count_transaction(&self) {
        let count = self.transactions.fetch_add(1, Ordering::Relaxed) + 1;
        if self.is_due(count.is_multiple_of(TRANSACTIONS)) {
            self.due.store(true, Ordering::Relaxed);
        }
    }

    /// Whether it is due since the last transactions, and for the caller to do.
    pub(crate) fn take_due(&self) -> bool {
        self.due.load(Ordering::Relaxed) && self.due.swap(false, Ordering::Relaxed)
    }

    /// Whether it is due by the time that has passed, and for the caller to do.
    pub(crate) fn is_due_by_now(&self) -> bool {
        self.is_due(false)
    }

    /// Begins it, unless another thread does it: what it waits for may take long.
    pub(crate) fn begin(&self) -> Option<MutexGuard<'_, ()>> {
        match self.running.try_lock() {
            Ok(running) => Some(running),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Whether the health of the tables is to be looked at, and by the caller.
    pub(crate) fn is_checkup_due(&self) -> bool {
        is_due(&self.last_checkup, CHECKUP_INTERVAL, false)
    }

    fn is_due(&self, by_count: bool) -> bool {
        is_due(&self.last, INTERVAL, by_count)
    }
}

/// Whether so much time has passed since the last time, or it is due anyway; from now on the last time is now.
fn is_due(last: &Mutex<Instant>, interval: Duration, anyway: bool) -> bool {
    let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
    let is_due = anyway || last.elapsed() >= interval;
    if is_due {
        *last = Instant::now();
    }
    is_due
}

impl Run<'_, '_> {
    /// Adds up the counters, and deletes some of the tasks beyond their retention and of the keys without tasks. A caller
    /// waits for it, so that it takes few round trips: one to look at everything, and others only for queues with a retention
    /// and for keys.
    pub(crate) fn keep_up(&mut self) -> Result<()> {
        self.put_off(FOLD, &[]);
        let retained = self.put_off(RETAINED, &[]);
        let by_type = self.prune_by_type();
        let ahead = self.find_schedules_ahead();
        self.send_put_off()?;
        self.count_pruned_by_type(by_type)?;
        self.correct_schedules(ahead)?;
        let queues = self.take_answer(retained);
        let queues = queues.iter().map(|row| Ok((row.column(0)?, STEP_TASKS_MAX)));
        let queues: Vec<_> = queues.collect::<Result<_>>()?;
        self.write_counters();
        self.prune(&queues)?;
        // Last, as enqueues and claims of these keys wait for it.
        self.forget_keys()
    }

    /// Deletes some keys without tasks, of more than were added.
    fn forget_keys(&mut self) -> Result<()> {
        let shared = self.shared;
        if !shared.lanes().has_keys() {
            return Ok(());
        }
        let added = shared.keys_added.swap(0, Ordering::Relaxed);
        let most = i64::try_from(KEYS_MIN + 2 * added.min(KEYS_ADDED_MAX)).unwrap_or(0);
        let last = self.sweep_keys(shared.last_swept.load(Ordering::Relaxed), most)?;
        // From the first again after the last.
        shared.last_swept.store(last.unwrap_or(0), Ordering::Relaxed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upkeep_is_due_after_some_transactions() {
        let upkeep = Upkeep::new();
        let is_due = |_: &u64| {
            upkeep.count_transaction();
            upkeep.take_due()
        };
        assert_eq!((0..2 * TRANSACTIONS).filter(is_due).count(), 2);
        assert!(!upkeep.is_due_by_now());
        let running = upkeep.begin();
        assert!(running.is_some() && upkeep.begin().is_none());
    }
}
