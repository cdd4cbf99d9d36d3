//! Keeps the books of a workload while it runs: which handlers ran and when, which attempts were
//! committed and when, and whether all is done. What the books say is [`crate::observe::audit`]'s business.

use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossbeam::utils::CachePadded;

use crate::base::clock::{Clock, SystemClock};
use crate::subject::{Ending, Listener, Settled};

/// One committed attempt and when it was known to be committed.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// What was committed.
    pub settled: Settled,
    /// When the commit was known to the harness.
    pub at: Instant,
}

/// One run of a handler to its end.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// The task.
    pub id: i64,
    /// When the handler began.
    pub started: Instant,
    /// When it had done what it does.
    pub ended: Instant,
}

/// Parts of the book of runs: more than there are workers at work at once on few cores.
const SHELVES: usize = 16;

/// The next thread's shelf.
static SHELF: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static OWN_SHELF: usize = SHELF.fetch_add(1, Ordering::Relaxed);
}

#[derive(Debug, Default)]
struct Books {
    entries: Vec<Entry>,
    /// Tasks that need nothing more: completed or dead.
    ended: usize,
}

/// The books of one workload, written to by the threads of the pool.
#[derive(Debug)]
pub struct Ledger {
    expected: usize,
    clock: Arc<dyn Clock>,
    books: Mutex<Books>,
    /// Entered by every worker for every task: on a shelf of its own, so that the books do not become what
    /// the workers wait for.
    runs: [CachePadded<Mutex<Vec<Run>>>; SHELVES],
    all_ended: Condvar,
}

impl Ledger {
    /// Books for a workload of this many tasks, by the system's clock.
    #[must_use]
    pub fn expecting(tasks: usize) -> Arc<Self> {
        Self::by(Arc::new(SystemClock), tasks)
    }

    /// Books for a workload of this many tasks, by a clock.
    #[must_use]
    pub fn by(clock: Arc<dyn Clock>, tasks: usize) -> Arc<Self> {
        let now = clock.now();
        let settled = Settled { id: 0, attempt: 0, ending: Ending::Completed };
        let books = Books { entries: touched(tasks, Entry { settled, at: now }), ended: 0 };
        let run = Run { id: 0, started: now, ended: now };
        let shelf = |_| CachePadded::new(Mutex::new(touched(tasks / SHELVES * 2, run)));
        Arc::new(Self {
            expected: tasks,
            clock,
            books: Mutex::new(books),
            runs: std::array::from_fn(shelf),
            all_ended: Condvar::new(),
        })
    }

    /// A listener for the engine that enters every committed attempt.
    #[must_use]
    pub fn listener(self: &Arc<Self>) -> Listener {
        let ledger = self.clone();
        Arc::new(move |settled| ledger.enter(*settled))
    }

    /// Enters a committed attempt.
    pub fn enter(&self, settled: Settled) {
        let at = self.clock.now();
        let mut books = self.books();
        books.entries.push(Entry { settled, at });
        if matches!(settled.ending, Ending::Completed | Ending::Dead) {
            books.ended += 1;
            // Waking the waiter for each task would take a core from the workers.
            if books.ended >= self.expected {
                self.all_ended.notify_all();
            }
        }
    }

    /// Counts a task that ended, without an entry.
    pub fn count_ended(&self) {
        let mut books = self.books();
        books.ended += 1;
        if books.ended >= self.expected {
            self.all_ended.notify_all();
        }
    }

    /// Does the work of a task's handler and enters when it began and ended.
    pub fn run<T>(&self, id: i64, work: impl FnOnce() -> T) -> T {
        let started = self.clock.now();
        let result = work();
        let run = Run { id, started, ended: self.clock.now() };
        if let Some(shelf) = self.runs.get(OWN_SHELF.with(|shelf| shelf % SHELVES)) {
            shelf.lock().unwrap_or_else(PoisonError::into_inner).push(run);
        }
        result
    }

    /// Waits until all expected tasks have ended; `false` if they did not within the bound.
    #[must_use]
    pub fn wait(&self, bound: Duration) -> bool {
        let (books, _) = self
            .all_ended
            .wait_timeout_while(self.books(), bound, |books| books.ended < self.expected)
            .unwrap_or_else(PoisonError::into_inner);
        books.ended >= self.expected
    }

    /// Tasks that have ended so far.
    #[must_use]
    pub fn ended(&self) -> usize {
        self.books().ended
    }

    /// All entries so far, in the order they were made.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.books().entries.clone()
    }

    /// Takes out the runs of handlers, in no certain order.
    #[must_use]
    pub fn take_runs(&self) -> Vec<Run> {
        let take = |shelf: &CachePadded<Mutex<Vec<Run>>>| {
            mem::take(&mut *shelf.lock().unwrap_or_else(PoisonError::into_inner))
        };
        self.runs.iter().flat_map(take).collect()
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Room for so many, taken from the system now rather than while a load is measured.
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
