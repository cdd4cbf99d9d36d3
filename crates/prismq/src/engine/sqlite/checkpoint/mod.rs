//! Keeping the WAL short, off the path of commits.
//!
//! After each commit SQLite says how many pages the WAL holds. From [`WAL_PAGES_CHECKPOINT`] on, a thread
//! with a connection of its own copies them back into the database while commits go on: not oftener, as each
//! time costs syncs that commits would wait behind. As new pages keep coming, it may never reach the end,
//! without which the WAL cannot start over: from [`WAL_PAGES_MAX`] on, the writer copies what is left between
//! two commits. From [`WAL_PAGES_RESTART`] on, it lets the thread finish, keeps other processes out, and waits a
//! moment for those who still read, so that the WAL holds at most two transactions of any size more.
//!
//! A checkpoint that fails to sync leaves open what reached the disk, as a commit does: the next one would
//! report success. What failed is kept for the writer, which writes nothing more.
//!
//! A WAL that grew so long keeps its length on the disk when it starts over. Once nothing was copied for
//! [`WAL_IDLE`], the thread cuts it to nothing. The same thread gives free pages back ([`Shrinker`]).

mod background;
mod run;
pub(crate) mod shrink;

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use self::background::Background;
use self::run::{Outcome, checkpoint, restart};
use crate::engine::DeferredLog;
use crate::engine::sqlite::checkpoint::shrink::Shrinker;
use crate::engine::sqlite::connection::poison::Poison;
use crate::time::Signal;

/// Pages of the WAL from which on they are copied back beside the commits (2 MiB).
const WAL_PAGES_CHECKPOINT: u32 = 512;
/// Pages of the WAL from which on the writer itself makes room (4 MiB). More would
/// only make the file longer, and a sync of a file that grows takes twice as long as one of a file that
/// is written over.
const WAL_PAGES_MAX: u32 = 1024;
/// Pages of the WAL from which on the writer keeps other processes out while it makes room (7 MiB).
const WAL_PAGES_RESTART: u32 = 1792;
/// How long the writer waits for readers that keep the WAL from starting over before it lets it grow; it
/// waits again once the WAL has doubled.
const WAL_READERS_WAIT: Duration = Duration::from_millis(100);
/// How long the writer waits for the checkpoint of another process before it lets the WAL grow; it waits
/// again once the WAL has doubled.
const WAL_TURN_WAIT: Duration = Duration::from_secs(1);
/// Pages of the WAL from which on it is reported that a reader pins it (64 MiB).
const WAL_PAGES_REPORTED: u32 = 16_384;
/// Once the WAL was not shortened for this long, its file is cut to nothing.
const WAL_IDLE: Duration = Duration::from_secs(1);

/// A checkpoint that was in vain is tried again once the WAL is longer by this part of itself.
const RETRY_SHARE: u32 = 64;
/// How long the writer sleeps before it looks again whether others are done.
const RETRY_SLEEP: Duration = Duration::from_millis(1);

thread_local! {
    /// Pages in the WAL after the last commit on this thread: SQLite's hook is a bare function, called
    /// on the thread that commits.
    static WAL_PAGES: Cell<u32> = const { Cell::new(0) };
}

/// Asks SQLite to tell the size of the WAL after each commit, in place of its own checkpoints.
pub(crate) fn watch_wal(connection: &Connection) {
    connection.wal_hook(Some(|_, pages| {
        WAL_PAGES.set(u32::try_from(pages).unwrap_or(0));
        Ok(())
    }));
}

/// The thread that checkpoints.
#[derive(Debug)]
pub(crate) struct Checkpointer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// Pages of the WAL after the last commit.
    last: u32,
    /// Pages of the WAL from which on it is to be shortened next.
    next: u32,
    /// Pages of the WAL from which on the writer waits for others.
    patient_from: u32,
    /// Whether a WAL that cannot start over was reported.
    reported: bool,
}

/// What the writer and the thread share.
#[derive(Debug)]
struct Shared {
    /// Raised when the thread has something to do.
    wake: Arc<Signal>,
    /// Whether the WAL is to be copied back.
    due: AtomicBool,
    /// Whether the thread sleeps until the next commit.
    asleep: AtomicBool,
    stop: AtomicBool,
    poison: Arc<Poison>,
    /// What the writer is to log once neither the turn nor its lock is held.
    log: Arc<DeferredLog>,
    /// Held during a checkpoint: SQLite would answer a second one at the same time that it is busy.
    turn: Mutex<()>,
}

impl Checkpointer {
    /// Starts the thread with a connection to be its own.
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
            turn: Mutex::default(),
        });
        let of_thread = shared.clone();
        let thread =
            thread::Builder::new().name("prismq-checkpoint".to_owned()).spawn(move || {
                Background {
                    connection,
                    shared: of_thread,
                    shrinker,
                    log: DeferredLog::default(),
                    cut_at: None,
                }
                .run();
            })?;
        Ok(Self {
            shared,
            thread: Some(thread),
            last: 0,
            next: WAL_PAGES_CHECKPOINT,
            patient_from: WAL_PAGES_RESTART,
            reported: false,
        })
    }

    /// Why nothing must be written or read any more.
    pub(crate) fn poison(&self) -> &Arc<Poison> {
        &self.shared.poison
    }

    /// After a commit on this thread: what it remarked holds, and the WAL is shortened if it has grown long.
    pub(crate) fn committed(&mut self, writer: &Connection) {
        self.shared.log.committed();
        if self.shared.asleep.load(Ordering::SeqCst) {
            self.shared.asleep.store(false, Ordering::SeqCst);
            self.shared.wake.raise();
        }
        let pages = WAL_PAGES.get();
        // Fewer pages than before: the WAL started over.
        if pages <= self.last || pages < WAL_PAGES_CHECKPOINT {
            self.next = WAL_PAGES_CHECKPOINT;
            self.patient_from = WAL_PAGES_RESTART;
            self.reported = false;
        }
        self.last = pages;
        if pages < self.next {
            return;
        }
        let outcome = match pages {
            WAL_PAGES_RESTART.. => self.make_room(writer, pages),
            WAL_PAGES_MAX.. => self.shared.checkpoint_unless_at_it(writer),
            _ => Outcome::Done,
        };
        // Where another is at the same work or in the way, it is tried again soon: the longer the WAL, and
        // the dearer a look at it, the later. A WAL that is to start over may hold as much again in one
        // transaction, after which its length alone does not show that it did.
        self.next = match outcome {
            Outcome::Done => pages.saturating_add(WAL_PAGES_CHECKPOINT).min(WAL_PAGES_RESTART),
            _ => pages.saturating_add(pages / RETRY_SHARE),
        };
        self.shared.due.store(true, Ordering::SeqCst);
        self.shared.wake.raise();
        if outcome == Outcome::Pinned && pages >= WAL_PAGES_REPORTED && !self.reported {
            self.reported = true;
            self.shared.log.add(move || {
                tracing::warn!(pages, "WAL cannot be reset: a reader holds an old snapshot");
            });
        }
    }

    /// Copies all pages back while other processes cannot write. Waits for others if the WAL has doubled since
    /// it last did in vain, so that a reader that stays costs commits little.
    fn make_room(&mut self, writer: &Connection, pages: u32) -> Outcome {
        // The thread copies without waiting for anyone, so this wait is as long as a copy.
        let _turn = self.shared.turn();
        let started = Instant::now();
        loop {
            let outcome = restart(writer, &self.shared.poison, &self.shared.log);
            let wait = match outcome {
                Outcome::Done => return outcome,
                _ if pages < self.patient_from || self.shared.poison.is_set() => return outcome,
                Outcome::InUse | Outcome::Pinned => WAL_READERS_WAIT,
                Outcome::Undone => WAL_TURN_WAIT,
            };
            if started.elapsed() >= wait {
                self.patient_from = pages.saturating_mul(2);
                return outcome;
            }
            thread::sleep(RETRY_SLEEP);
        }
    }
}

impl Shared {
    fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn checkpoint_unless_at_it(&self, connection: &Connection) -> Outcome {
        match self.turn.try_lock() {
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
        // A subscriber of the log, called on that thread, may have let the queue's last handle go.
        let is_own = thread.thread().id() == thread::current().id();
        if !is_own && thread.join().is_err() {
            tracing::error!("the thread that checkpoints panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::sqlite::tests::writer;

    #[test]
    fn nothing_is_copied_or_cut_once_the_queue_is_poisoned() {
        let (_folder, writer) = writer();
        writer.checkpointer.poison().set("a sync failed");
        while !writer.checkpointer.thread.as_ref().unwrap().is_finished() {
            std::thread::yield_now();
        }
    }
}
