//! What nobody waits for: adding up the counters, keeping the retention of queues that complete nothing, and deleting keys
//! without tasks. Done by the processes that use the queue, after some of their transactions and now and then while they
//! are idle.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::engine::postgres::batch::STEP_TASKS_MAX;
use crate::engine::postgres::batch::counters::FOLD;
use crate::engine::postgres::batch::run::Run;
use crate::engine::postgres::batch::send::Ticket;
use crate::engine::postgres::client::Columns;
use crate::model::Result;

/// Queues that do not keep all dead tasks, or keep ended ones for a time.
pub(crate) const RETAINED: &str = "SELECT id FROM prismq.queue
     WHERE dead_keep IS NOT NULL OR dead_age IS NOT NULL OR completed_age IS NOT NULL OR cancelled_age IS NOT NULL
         OR cancelled_keep > 0 ORDER BY id";

/// After how many transactions of this process.
const TRANSACTIONS: u64 = 128;
/// Keys that it looks at, beyond two for each that was added, and for how many of those at most.
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
    last: Mutex<Instant>,
    last_checkup: Mutex<Instant>,
}

impl Upkeep {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self {
            transactions: AtomicU64::new(0),
            last: Mutex::new(now),
            last_checkup: Mutex::new(now),
        }
    }

    /// Whether it is due after another transaction, which is then the one to do it.
    pub(crate) fn is_due_after_transaction(&self) -> bool {
        let count = self.transactions.fetch_add(1, Ordering::Relaxed) + 1;
        self.is_due(count.is_multiple_of(TRANSACTIONS))
    }

    /// Whether it is due by the time that has passed, and for the caller to do.
    pub(crate) fn is_due_by_now(&self) -> bool {
        self.is_due(false)
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
    /// Adds up the counters, and deletes some of what is beyond the retention of queues and keys. A caller waits for it, so
    /// that it takes few round trips: one to look at everything, and where a queue keeps ended tasks, two to prune it.
    pub(crate) fn keep_up(&mut self) -> Result<()> {
        self.put_off(FOLD, &[]);
        let retained = self.put_off(RETAINED, &[]);
        let by_type = self.prune_by_type();
        let ahead = self.look_for_ahead();
        let keys = self.look_for_idle_keys();
        self.send_put_off()?;
        self.count_pruned_by_type(by_type)?;
        self.correct_schedules(ahead)?;
        self.forget_keys(keys)?;
        let queues = self.take_answer(retained);
        let queues = queues.iter().map(|row| Ok((row.column(0)?, STEP_TASKS_MAX)));
        let queues: Vec<_> = queues.collect::<Result<_>>()?;
        self.prune(&queues).map(drop)
    }

    /// Puts off looking at keys, at more than were added.
    fn look_for_idle_keys(&mut self) -> Option<Ticket> {
        let shared = self.shared;
        shared.lanes().has_keys().then(|| {
            let added = shared.keys_added.swap(0, Ordering::Relaxed);
            let most = i64::try_from(KEYS_MIN + 2 * added.min(KEYS_ADDED_MAX)).unwrap_or(0);
            self.look_at_keys(shared.last_swept.load(Ordering::Relaxed), most)
        })
    }

    /// Deletes those of the keys that have no tasks.
    fn forget_keys(&mut self, keys: Option<Ticket>) -> Result<()> {
        let Some(keys) = keys else { return Ok(()) };
        let last = self.sweep_keys(keys)?;
        // From the first again after the last.
        self.shared.last_swept.store(last.unwrap_or(0), Ordering::Relaxed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upkeep_is_due_after_some_transactions() {
        let upkeep = Upkeep::new();
        let due = (0..2 * TRANSACTIONS).filter(|_| upkeep.is_due_after_transaction()).count();
        assert_eq!(due, 2);
        assert!(!upkeep.is_due_by_now());
    }
}
