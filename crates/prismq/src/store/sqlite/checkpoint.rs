//! Keeping the WAL short, off the path of commits.
//!
//! After each commit SQLite says how many pages the WAL holds. Each time they are
//! [`WAL_PAGES_CHECKPOINT`] more, a thread with a connection of its own copies them back into the
//! database while commits go on: not oftener, as each time costs syncs that commits would wait behind.
//! As new pages keep coming, it may never reach the end, without which the WAL cannot start over: from
//! [`WAL_PAGES_MAX`] on, the writer copies what is left between two commits, and from [`WAL_PAGES_RESTART`]
//! on it keeps other processes out meanwhile.
//!
//! A checkpoint that fails to sync leaves open what reached the disk, as a commit does: the next one would
//! be told that all is well. What failed is kept for the writer, which writes nothing more.
//!
//! A WAL that grew so long keeps its length on the disk when it starts over. Once nothing was copied for
//! [`WAL_IDLE`], the thread cuts it to nothing.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};

use rusqlite::{Connection, Error, Result};

use super::failure;
use crate::limits::{
    WAL_IDLE, WAL_PAGES_CHECKPOINT, WAL_PAGES_MAX, WAL_PAGES_REPORTED, WAL_PAGES_RESTART,
};
use crate::signal::Signal;

/// A checkpoint that was in vain is tried again once the WAL is longer by this part of itself.
const RETRY_SHARE: u32 = 64;

thread_local! {
    /// Pages in the WAL after the last commit on this thread: SQLite's hook is a bare function, called
    /// on the thread that commits.
    static WAL_PAGES: Cell<u32> = const { Cell::new(0) };
}

/// Asks SQLite to tell the size of the WAL after each commit, in place of its own checkpoints.
pub(super) fn watch_wal(connection: &Connection) {
    connection.wal_hook(Some(|_, pages| {
        WAL_PAGES.set(u32::try_from(pages).unwrap_or(0));
        Ok(())
    }));
}

/// The thread that checkpoints.
#[derive(Debug)]
pub(super) struct Checkpointer {
    due: Arc<Signal>,
    stop: Arc<AtomicBool>,
    /// The first failure that leaves the disk in doubt.
    doubt: Arc<OnceLock<String>>,
    thread: Option<JoinHandle<()>>,
    /// Pages of the WAL from which on it is to be shortened next.
    next: u32,
    /// Whether a WAL that cannot start over was reported.
    reported: bool,
}

impl Checkpointer {
    /// Starts the thread with a connection to be its own.
    pub(super) fn start(connection: Connection) -> std::io::Result<Self> {
        let due = Arc::new(Signal::default());
        let stop = Arc::new(AtomicBool::new(false));
        let doubt = Arc::new(OnceLock::new());
        let (told, stopped, doubted) = (due.clone(), stop.clone(), doubt.clone());
        let thread = thread::Builder::new()
            .name("prismq-checkpoint".to_owned())
            .spawn(move || run(&connection, &told, &stopped, &doubted))?;
        let next = WAL_PAGES_CHECKPOINT;
        Ok(Self { due, stop, doubt, thread: Some(thread), next, reported: false })
    }

    /// Why nothing must be written any more, if the disk was left in doubt.
    pub(super) fn doubt(&self) -> Option<&str> {
        self.doubt.get().map(String::as_str)
    }

    /// Where the doubt is kept, for the connection that reads.
    pub(super) fn shared_doubt(&self) -> Arc<OnceLock<String>> {
        self.doubt.clone()
    }

    /// Keeps why nothing must be written any more; the first cause stays.
    pub(super) fn keep_doubt(&self, cause: &str) {
        self.doubt.get_or_init(|| cause.to_owned());
    }

    /// After a commit on this thread: has the WAL shortened if it has grown long.
    pub(super) fn committed(&mut self, writer: &Connection) {
        let pages = WAL_PAGES.get();
        if pages < WAL_PAGES_CHECKPOINT {
            self.next = WAL_PAGES_CHECKPOINT;
            self.reported = false;
            return;
        }
        if pages < self.next {
            return;
        }
        let made_room = match pages {
            WAL_PAGES_RESTART.. => restart(writer, &self.doubt),
            WAL_PAGES_MAX.. => checkpoint(writer, &self.doubt),
            _ => true,
        };
        // Where another is at the same work or in the way, it is tried again soon: the longer the WAL, and
        // the dearer a look at it, the later.
        let more = if made_room { WAL_PAGES_CHECKPOINT } else { pages / RETRY_SHARE };
        self.next = pages.saturating_add(more);
        self.due.raise();
        if pages >= WAL_PAGES_REPORTED && !self.reported {
            self.reported = true;
            tracing::warn!(pages, "the WAL cannot start over: a reader keeps an old state open");
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        self.due.raise();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that checkpoints panicked");
        }
    }
}

fn run(connection: &Connection, due: &Signal, stop: &AtomicBool, doubt: &OnceLock<String>) {
    let mut seen = 0;
    let mut long = false;
    while !stop.load(Ordering::SeqCst) {
        let raised = due.wait(seen, long.then_some(WAL_IDLE));
        if stop.load(Ordering::SeqCst) {
            return;
        }
        if raised == seen {
            long = !cut(connection, doubt);
        } else {
            seen = raised;
            checkpoint(connection, doubt);
            long = true;
        }
    }
}

/// Copies pages back without waiting for anyone; `false` if another was at the same work.
fn checkpoint(connection: &Connection, doubt: &OnceLock<String>) -> bool {
    run_checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)", doubt)
}

/// Copies all pages back while other processes cannot write, so that the WAL starts over; `false` if a
/// reader is at work in it or another process writes. Several processes that never pause would else
/// always find pages that one of them has just added.
fn restart(connection: &Connection, doubt: &OnceLock<String>) -> bool {
    run_checkpoint(connection, "PRAGMA wal_checkpoint(RESTART)", doubt)
}

/// Cuts the WAL to nothing if nobody is at work in it.
fn cut(connection: &Connection, doubt: &OnceLock<String>) -> bool {
    run_checkpoint(connection, "PRAGMA wal_checkpoint(TRUNCATE)", doubt)
}

/// Whether it was done. The connection must not wait for locks: it would keep writers out until the last
/// reader is done.
fn run_checkpoint(connection: &Connection, pragma: &str, doubt: &OnceLock<String>) -> bool {
    let run = || -> Result<bool> {
        connection.prepare_cached(pragma)?.query_row([], |row| Ok(row.get::<_, i64>(0)? == 0))
    };
    run().unwrap_or_else(|error| {
        note(&error, doubt);
        tracing::warn!(%error, pragma, "a checkpoint failed: it is tried again");
        false
    })
}

fn note(error: &Error, doubt: &OnceLock<String>) {
    if failure::is_failed_sync(error) {
        // Where it is set already, the first failure stays.
        _ = doubt.set(format!("a checkpoint failed: {error}"));
    }
}
