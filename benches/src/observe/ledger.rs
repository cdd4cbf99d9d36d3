//! The ledger of a load while it runs: which handlers ran and when, which attempts were committed and when, and
//! whether all have ended. What follows from it is left to [`crate::observe::audit`] and
//! [`crate::observe::task_times`].

use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crossbeam::utils::CachePadded;
use serde::{Deserialize, Serialize};

use crate::base::clock::Time;
use crate::subject::{Ending, Run, Settled, Sink};

/// One committed attempt and when it was known to be committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What was committed.
    pub settled: Settled,
    /// When the commit was known to the pool.
    pub at: Time,
}

/// Parts of the list of runs: more than there are workers that run at once on few cores.
const SHELVES: usize = 16;

/// The next thread's shelf.
static SHELF: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static OWN_SHELF: usize = SHELF.fetch_add(1, Ordering::Relaxed);
}

#[derive(Debug, Default)]
struct Entries {
    list: Vec<Entry>,
    /// Tasks that have ended: completed or dead.
    ended: usize,
}

/// The ledger of one load, written by the threads of a pool.
#[derive(Debug)]
pub struct Ledger {
    expected: usize,
    entries: Mutex<Entries>,
    /// Written by every worker for every task: each on a shelf of its own, so that workers do not wait for each
    /// other here.
    runs: [CachePadded<Mutex<Vec<Run>>>; SHELVES],
    all_ended: Condvar,
}

impl Ledger {
    /// For a load of this many tasks, and each run of their handlers.
    #[must_use]
    pub fn expecting(tasks: usize) -> Arc<Self> {
        Self::with_room(tasks, tasks / SHELVES * 2)
    }

    /// For a load of this many tasks whose runs are not recorded.
    #[must_use]
    pub fn without_runs(tasks: usize) -> Arc<Self> {
        Self::with_room(tasks, 0)
    }

    fn with_room(tasks: usize, runs_each: usize) -> Arc<Self> {
        let at = Time::default();
        let settled = Settled { id: 0, attempt: 0, ending: Ending::Completed };
        let run = Run { id: 0, started: at, ended: at, worked: Duration::ZERO };
        let shelf = |_| CachePadded::new(Mutex::new(touched(runs_each, run)));
        Arc::new(Self {
            expected: tasks,
            entries: Mutex::new(Entries { list: touched(tasks, Entry { settled, at }), ended: 0 }),
            runs: std::array::from_fn(shelf),
            all_ended: Condvar::new(),
        })
    }

    /// Counts a task that ended, without an entry.
    pub fn count_ended(&self) {
        self.end(&mut self.locked());
    }

    fn end(&self, entries: &mut Entries) {
        entries.ended += 1;
        // Waking the waiter for each task would take a core from the workers.
        if entries.ended >= self.expected {
            self.all_ended.notify_all();
        }
    }

    /// Waits until all expected tasks have ended; `false` if they did not within the bound.
    #[must_use]
    pub fn wait(&self, bound: Duration) -> bool {
        let (entries, _) = self
            .all_ended
            .wait_timeout_while(self.locked(), bound, |entries| entries.ended < self.expected)
            .unwrap_or_else(PoisonError::into_inner);
        entries.ended >= self.expected
    }

    /// Tasks that have ended so far.
    #[must_use]
    pub fn ended(&self) -> usize {
        self.locked().ended
    }

    /// All entries so far, in the order they were made.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.locked().list.clone()
    }

    /// Takes out the runs of handlers, in no certain order.
    #[must_use]
    pub fn take_runs(&self) -> Vec<Run> {
        let take = |shelf: &CachePadded<Mutex<Vec<Run>>>| {
            mem::take(&mut *shelf.lock().unwrap_or_else(PoisonError::into_inner))
        };
        self.runs.iter().flat_map(take).collect()
    }

    fn locked(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for Ledger {
    fn ran(&self, run: Run) {
        if let Some(shelf) = self.runs.get(OWN_SHELF.with(|shelf| shelf % SHELVES)) {
            shelf.lock().unwrap_or_else(PoisonError::into_inner).push(run);
        }
    }

    fn settled(&self, settled: Settled, at: Time) {
        let mut entries = self.locked();
        entries.list.push(Entry { settled, at });
        if matches!(settled.ending, Ending::Completed | Ending::Dead) {
            self.end(&mut entries);
        }
    }
}

/// Room for this many, taken from the system now rather than while a load is measured.
fn touched<T: Copy>(count: usize, any: T) -> Vec<T> {
    let mut room = vec![any; count];
    room.clear();
    room
}

/// The tasks whose attempts ended so, once for each time.
#[must_use]
pub fn ids_that(entries: &[Entry], ending: Ending) -> Vec<i64> {
    let so = entries.iter().filter(|entry| entry.settled.ending == ending);
    so.map(|entry| entry.settled.id).collect()
}

/// The tasks handlers ran for, once for each run.
#[must_use]
pub fn ids_run(runs: &[Run]) -> Vec<i64> {
    runs.iter().map(|run| run.id).collect()
}
