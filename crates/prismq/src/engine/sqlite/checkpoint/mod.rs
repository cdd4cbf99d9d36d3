//! Checkpoints: keeping the WAL short, off the path of commits.
//!
//! After each commit SQLite reports how many pages the WAL holds. From [`WAL_PAGES_CHECKPOINT`] on, a thread with a
//! connection of its own ([`background`]) copies them into the database while commits continue; not more often, as
//! each checkpoint costs syncs that commits wait behind. As new pages keep coming, it may never reach the end, without
//! which the WAL cannot be reset: from [`WAL_PAGES_MAX`] on, the writer copies the rest between two commits. From
//! [`WAL_PAGES_RESTART`] on, it lets the thread finish, locks other writers out, and waits briefly for readers, so that
//! the WAL holds at most two more transactions of any size.
//!
//! After a checkpoint that fails to sync it is unknown what reached the disk, as after a failed commit: the next one
//! would report success. The failure poisons the queue.
//!
//! The WAL's file keeps its length when the WAL is reset. After [`WAL_IDLE`] without a checkpoint, the thread truncates
//! it. The same thread shrinks the database ([`Shrinker`]) and keeps the retention of queues ([`Pruner`]).

mod background;
mod prune;
mod run;
pub(crate) mod shrink;
mod wal_hook;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use self::background::Background;
use self::prune::Pruner;
use self::run::{Outcome, checkpoint, restart};
pub(crate) use self::wal_hook::{wal_pages, watch_wal};
use crate::engine::DeferredLog;
use crate::engine::sqlite::checkpoint::shrink::Shrinker;
use crate::engine::sqlite::connection::path_of;
use crate::engine::sqlite::connection::poison::Poison;
use crate::engine::sqlite::schema::Features;
use crate::time::{Clock, Signal};

/// Pages of the WAL from which on the thread checkpoints (2 MiB).
const WAL_PAGES_CHECKPOINT: u32 = 512;
/// Pages of the WAL from which on the writer itself checkpoints (4 MiB). More would make the file longer, and a sync
/// of a growing file takes twice as long as one of a file that is overwritten.
const WAL_PAGES_MAX: u32 = 1024;
/// Pages of the WAL from which on the writer locks other processes out while it checkpoints (7 MiB).
const WAL_PAGES_RESTART: u32 = 1792;
/// How long the writer waits for readers that keep the WAL from being reset before it lets the WAL grow; it waits
/// again once the WAL has doubled.
const WAL_READERS_WAIT: Duration = Duration::from_millis(100);
/// The same for the checkpoint of another process.
const WAL_CHECKPOINT_WAIT: Duration = Duration::from_secs(1);
/// Pages of the WAL from which on a reader that holds an old snapshot is logged (64 MiB).
const WAL_PAGES_REPORTED: u32 = 16_384;
/// How long after the last checkpoint the WAL's file is truncated.
const WAL_IDLE: Duration = Duration::from_secs(1);

/// A checkpoint that could not finish is retried once the WAL has grown by this fraction.
const RETRY_SHARE: u32 = 64;
/// How long the writer sleeps between attempts while it waits for others.
const RETRY_SLEEP: Duration = Duration::from_millis(1);

/// The writer's side of checkpoints, and the handle of the thread.
#[derive(Debug)]
pub(crate) struct Checkpointer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// Pages of the WAL after the last commit.
    last: u32,
    /// Pages of the WAL at which the next checkpoint is due.
    next: u32,
    /// Pages of the WAL from which on the writer waits for readers and other checkpoints.
    wait_from: u32,
    /// Whether a WAL that cannot be reset was logged.
    reported: bool,
}

/// What the writer and the thread share.
#[derive(Debug)]
struct Shared {
    /// Raised when there is work for the thread.
    wake: Arc<Signal>,
    /// Whether a checkpoint is due.
    due: AtomicBool,
    /// Whether the thread sleeps until the next commit.
    asleep: AtomicBool,
    stop: AtomicBool,
    poison: Arc<Poison>,
    /// The writer's log lines, written while neither it nor `checkpointing` is locked.
    log: Arc<DeferredLog>,
    /// The file's clock, by which the age of ended tasks is judged; none until it is known.
    clock: OnceLock<Arc<dyn Clock>>,
    /// Whether a queue of the file has a retention to keep.
    retains: AtomicBool,
    /// Held during a checkpoint: SQLite would answer a concurrent one busy.
    checkpointing: Mutex<()>,
}

impl Checkpointer {
    /// Starts the thread, with a connection of its own.
    pub(crate) fn start(
        connection: Connection,
        shrinker: Shrinker,
        log: Arc<DeferredLog>,
    ) -> std::io::Result<Self> {
        let wake = Arc::<Signal>::default();
        let shared = Arc::new(Shared {
            poison: Arc::new(Poison::new(wake.clone())),
            wake,
            due: AtomicBool::default(),
            asleep: AtomicBool::default(),
            stop: AtomicBool::default(),
            log,
            clock: OnceLock::new(),
            retains: AtomicBool::default(),
            checkpointing: Mutex::default(),
        });
        let of_thread = shared.clone();
        let thread =
            thread::Builder::new().name("prismq-checkpoint".to_owned()).spawn(move || {
                Background {
                    connection,
                    shared: of_thread,
                    shrinker,
                    pruner: Pruner::default(),
                    log: DeferredLog::default(),
                    truncate_at: None,
                }
                .run();
            })?;
        Ok(Self {
            shared,
            thread: Some(thread),
            last: 0,
            next: WAL_PAGES_CHECKPOINT,
            wait_from: WAL_PAGES_RESTART,
            reported: false,
        })
    }

    /// Keeps the retention of queues from now on, by this clock.
    pub(crate) fn prune_by(&self, clock: &Arc<dyn Clock>) {
        clock.on_jump(&self.shared.wake);
        self.shared.clock.get_or_init(|| clock.clone());
        self.shared.wake.raise();
    }

    /// Takes note of the features in use, as a transaction has read them.
    pub(crate) fn note(&self, features: Features) {
        if features.has(Features::RETENTION) && !self.shared.retains.swap(true, Ordering::SeqCst) {
            self.shared.wake.raise();
        }
    }

    /// The failure after which nothing is written or read any more, if there was one.
    pub(crate) fn poison(&self) -> &Arc<Poison> {
        &self.shared.poison
    }

    /// Called after a commit on this thread: keeps its log lines, and checkpoints if the WAL has grown long.
    pub(crate) fn committed(&mut self, writer: &Connection) {
        self.shared.log.committed();
        if self.shared.asleep.load(Ordering::SeqCst) {
            self.shared.asleep.store(false, Ordering::SeqCst);
            self.shared.wake.raise();
        }
        let pages = wal_pages();
        // Fewer pages than before: the WAL was reset.
        if pages <= self.last || pages < WAL_PAGES_CHECKPOINT {
            self.next = WAL_PAGES_CHECKPOINT;
            self.wait_from = WAL_PAGES_RESTART;
            self.reported = false;
        }
        self.last = pages;
        if pages < self.next {
            return;
        }
        let outcome = match pages {
            WAL_PAGES_RESTART.. => self.restart_wal(writer, pages),
            WAL_PAGES_MAX.. => self.shared.try_checkpoint(writer),
            _ => Outcome::Done,
        };
        // If another checkpoint or a reader is in the way, it is retried soon: the later, the longer the WAL, as
        // the cost rises with its length. After a reset one transaction may fill it to the same length again, so
        // that the length alone does not show the reset.
        self.next = match outcome {
            Outcome::Done => pages.saturating_add(WAL_PAGES_CHECKPOINT).min(WAL_PAGES_RESTART),
            _ => pages.saturating_add(pages / RETRY_SHARE),
        };
        self.shared.due.store(true, Ordering::SeqCst);
        self.shared.wake.raise();
        if outcome == Outcome::Pinned && pages >= WAL_PAGES_REPORTED && !self.reported {
            self.reported = true;
            let path = path_of(writer);
            self.shared.log.add(move || {
                tracing::warn!(
                    path,
                    pages,
                    "WAL cannot be reset: a reader holds an old snapshot; end its transaction"
                );
            });
        }
    }

    /// Copies all pages while other processes cannot write. Waits for readers and other checkpoints only if the WAL
    /// has doubled since it last waited without success, so that a lasting reader costs commits little.
    fn restart_wal(&mut self, writer: &Connection, pages: u32) -> Outcome {
        // The thread waits for no lock while it copies, so that this wait is as long as a copy.
        let _checkpointing = self.shared.lock_checkpoints();
        let started = Instant::now();
        loop {
            let outcome = restart(writer, &self.shared.poison, &self.shared.log);
            let wait = match outcome {
                Outcome::Done => return outcome,
                _ if pages < self.wait_from || self.shared.poison.is_set() => return outcome,
                Outcome::InUse | Outcome::Pinned => WAL_READERS_WAIT,
                Outcome::Undone => WAL_CHECKPOINT_WAIT,
            };
            if started.elapsed() >= wait {
                self.wait_from = pages.saturating_mul(2);
                return outcome;
            }
            thread::sleep(RETRY_SLEEP);
        }
    }
}

impl Shared {
    fn lock_checkpoints(&self) -> MutexGuard<'_, ()> {
        self.checkpointing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_checkpoint(&self, connection: &Connection) -> Outcome {
        match self.checkpointing.try_lock() {
            Err(TryLockError::WouldBlock) => Outcome::Undone,
            Ok(_) | Err(TryLockError::Poisoned(_)) => {
                checkpoint(connection, &self.poison, &self.log)
            }
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.shared.wake.raise();
        let Some(thread) = self.thread.take() else { return };
        // A subscriber of the log, called on that thread, may have dropped the queue's last handle.
        let is_own = thread.thread().id() == thread::current().id();
        if !is_own && thread.join().is_err() {
            tracing::error!("the checkpoint thread panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use crate::engine::sqlite::tests::writer;

    #[test]
    fn the_checkpoint_thread_ends_when_the_queue_is_poisoned() {
        let (_folder, writer) = writer();
        writer.checkpointer.poison().set("a sync failed");
        let thread = writer.checkpointer.thread.as_ref().unwrap();
        let started = Instant::now();
        while !thread.is_finished() {
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "the checkpoint thread does not end"
            );
            std::thread::yield_now();
        }
    }
}
